//! The catalogue of services (G10; guideline section 2.2 (2): six forms, twelve services).

use serde::{Deserialize, Serialize};
use std::fmt;

/// Form of a service (サービス形態): what is done with the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ServiceForm {
    /// (i) 情報提供サービス.
    Information,
    /// (ii) (業務限定)インターネット接続サービス.
    InternetAccess,
    /// (iii) 蓄積・中継サービス.
    StoreAndForward,
    /// (iv) 情報処理サービス.
    Processing,
    /// (v) リモート保守サービス.
    RemoteMaintenance,
    /// (vi) 認証・監査基盤サービス.
    Trust,
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $form:ident;)*) => {
        /// One of the twelve services of the guideline.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum ServiceKind {
            $($(#[$doc])* #[serde(rename = $text)] $name,)*
        }
        impl ServiceKind {
            /// All twelve, in the guideline's order.
            pub const ALL: [Self; 12] = [$(Self::$name,)*];
            /// Stable name, as documents write it.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
            /// What is done with the data.
            pub fn form(self) -> ServiceForm {
                match self { $(Self::$name => ServiceForm::$form,)* }
            }
        }
    };
}

kinds! {
    /// 診療・介護情報交換サービス: records between facilities.
    CareExchange = "care-exchange", Information;
    /// (患者向け)診療・介護情報提供サービス.
    CareForPatients = "care-for-patients", Information;
    /// (一般向け)医療・介護情報提供サービス.
    CareForPublic = "care-for-public", Information;
    /// (業務限定)インターネット接続サービス.
    Internet = "internet", InternetAccess;
    /// メールサービス.
    Mail = "mail", StoreAndForward;
    /// オンラインレセプトサービス: claims.
    Claims = "claims", StoreAndForward;
    /// 検査データ配信サービス.
    TestResults = "test-results", StoreAndForward;
    /// ASPサービス: shared applications, eligibility and prescriptions among them.
    Application = "application", Processing;
    /// 外部保存(バックアップ)サービス.
    Backup = "backup", Processing;
    /// リモート保守サービス.
    RemoteMaintenance = "remote-maintenance", RemoteMaintenance;
    /// タイムスタンプサービス.
    Timestamping = "timestamping", Trust;
    /// Validation Authority(VA)サービス.
    Validation = "validation", Trust;
}

impl fmt::Display for ServiceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn twelve_services_in_six_forms_g10() {
        let names: BTreeSet<_> = ServiceKind::ALL.iter().map(|k| k.as_str()).collect();
        let forms: BTreeSet<_> = ServiceKind::ALL.iter().map(|k| k.form()).collect();
        assert_eq!((names.len(), forms.len()), (12, 6));
    }
}
