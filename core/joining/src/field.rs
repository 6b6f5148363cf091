//! Fields of forms, and what can be wrong with one.

use serde::{Deserialize, Serialize};

macro_rules! names {
    ($(#[$meta:meta])* $name:ident { $( #[doc = $doc:literal] $variant:ident = $text:literal, )* }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum $name { $( #[doc = $doc] $variant, )* }
        impl $name {
            /// All.
            pub const ALL: &[Self] = &[$( Self::$variant, )*];
            /// Stable name.
            pub fn as_str(self) -> &'static str { match self { $( Self::$variant => $text, )* } }
        }
    };
}
pub(crate) use names;

names! {
    /// A field of a form; its Fluent key is `joining-field-` and its name.
    Field {
        /// メールアドレス.
        Mail = "mail",
        /// メールアドレス（確認）.
        MailAgain = "mail-again",
        /// 都道府県.
        Prefecture = "prefecture",
        /// 医療機関.
        Institution = "institution",
        /// 施設管理者氏名.
        Head = "head",
        /// 施設管理者氏名（全角フリカナ）.
        HeadKana = "head-kana",
        /// 申請者氏名.
        Applicant = "applicant",
        /// 申請者氏名（全角フリカナ）.
        ApplicantKana = "applicant-kana",
        /// 施設内部署.
        Department = "department",
        /// 施設内役職.
        Post = "post",
        /// 施設代表電話番号.
        Phone = "phone",
        /// 内線番号.
        Extension = "extension",
        /// 利用規約への同意.
        Consent = "consent",
        /// 現在のパスワード.
        Password = "password",
        /// 新しいパスワード.
        NewPassword = "new-password",
        /// 新しいパスワード（確認）.
        NewPasswordAgain = "new-password-again",
        /// 職員の氏名.
        Name = "name",
        /// 職員の氏名（全角フリカナ）.
        NameKana = "name-kana",
        /// 却下・取消の理由、通話の記録.
        Reason = "reason",
        /// サービス.
        Service = "service",
        /// 確認コード.
        Code = "code",
        /// セキュリティキーの名前.
        KeyName = "key-name",
        /// お知らせの件名.
        Title = "title",
        /// お知らせの本文.
        Body = "body",
        /// 法人の網内での ID.
        NetworkName = "network-name",
        /// 名称（日本語）.
        NameJa = "name-ja",
        /// 名称（英語）.
        NameEn = "name-en",
        /// 拠点 ID.
        SiteId = "site",
        /// 拠点の型.
        Model = "model",
        /// 回線の種類.
        Line = "line",
        /// アドレス.
        Address = "address",
        /// スイッチの datapath id.
        Dpid = "dpid",
        /// ゲートウェイのポート.
        Uplink = "uplink",
        /// MAC アドレス.
        Mac = "mac",
        /// 高セキュアゾーンのプレフィックス.
        HighSecure = "high-secure",
        /// セキュアゾーンのプレフィックス.
        Secure = "secure",
        /// DMZ のプレフィックス.
        Dmz = "dmz",
        /// 機器 ID.
        Host = "host",
        /// セグメント.
        Segment = "segment",
        /// スイッチのポート.
        Port = "port",
        /// 機器種別.
        Kind = "kind",
        /// プロトコル.
        Protocol = "protocol",
        /// ポート番号.
        Ports = "ports",
        /// 資格.
        Roles = "roles",
        /// 一回の接続時間.
        Lease = "lease",
        /// 端末.
        From = "from",
        /// 合意番号.
        Agreement = "agreement",
        /// 利用する機関.
        Consumer = "consumer",
        /// 合意の開始.
        ValidFrom = "valid-from",
        /// 合意の終了.
        ValidUntil = "valid-until",
        /// 署名.
        Signed = "signed",
        /// チェックシートの回答.
        Answer = "answer",
        /// チェックシートの根拠.
        Evidence = "evidence",
        /// トークンの名前.
        Label = "label",
        /// トークンの権限.
        Scope = "scope",
        /// 有効日数.
        Days = "days",
    }
}

names! {
    /// What is wrong with a field; its Fluent key is `joining-fault-` and its name, its variable `limit`.
    FieldCode {
        /// Nothing was typed or chosen.
        Empty = "empty",
        /// More than `limit` characters.
        TooLong = "too-long",
        /// Less than `limit` characters.
        TooShort = "too-short",
        /// Not of the form it must have.
        Malformed = "malformed",
        /// A mobile carrier's address.
        Mobile = "mobile",
        /// Not the same as the first time.
        NotTheSame = "not-the-same",
        /// Not full-width katakana.
        NotKana = "not-kana",
        /// Holds characters that nobody can type or read.
        Unprintable = "unprintable",
        /// No telephone number.
        NotPhone = "not-phone",
        /// Not in the list, or no longer.
        Unknown = "unknown",
        /// No letter.
        NoLetter = "no-letter",
        /// No digit.
        NoDigit = "no-digit",
        /// No symbol.
        NoSymbol = "no-symbol",
        /// Easily guessed.
        Guessable = "guessable",
        /// Was used before.
        UsedBefore = "used-before",
        /// Wrong.
        Wrong = "wrong",
    }
}

/// What is wrong with one field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FieldFault {
    /// Which.
    pub field: Field,
    /// What.
    pub code: FieldCode,
    /// The bound it breaks, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

impl FieldFault {
    /// A fault without a bound.
    pub fn new(field: Field, code: FieldCode) -> Self {
        Self { field, code, limit: None }
    }

    /// Fluent key of its text.
    pub fn key(&self) -> String {
        format!("joining-fault-{}", self.code.as_str())
    }
}

impl Field {
    /// Fluent key of its name.
    pub fn key(self) -> String {
        format!("joining-field-{}", self.as_str())
    }
}
