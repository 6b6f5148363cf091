//! Every reason a person can be refused for, by code.

use connections::Trouble;
use decision::Cause;
use model::DocumentFault;
use pki::{QUALIFICATIONS, QualificationKind, Refusal};
use texts::Arg;

use crate::page::{Both, head, table};

const COLUMNS: [&str; 4] = ["code", "section · 責任区間", "English", "日本語"];

pub(crate) fn page() -> String {
    let both = Both::new();
    let section = |key: &str| both.say(key, &[]).join(" · ");
    let mut out = head(
        "Refusals",
        "拒否の理由",
        "`decision::Cause`, `pki::Refusal`, `pki::CrlRefusal`, `pki::OcspRefusal`, `connections::Trouble`, `model::DocumentFault`, `submissions::Refused`, `applications::Refused` and the texts in `core/texts`",
    );
    out.push_str(
        "\nA refusal names every reason, whose section it lies in (N12), and after → what to do. \
         拒否の際は、すべての理由・責任区間・対処（→ の後）を表示します。\n",
    );

    out.push_str("\n## D — the decision · 接続の可否\n");
    out.push_str(&table(
        &COLUMNS,
        Cause::ALL.iter().map(|cause| {
            let sections: Vec<String> = cause.sections().iter().map(|(s, _)| section(s.key())).collect();
            let [en, ja] = both.with_remedy(cause.key(), &format!("{}-do", cause.key()), &[]);
            vec![cause.code().to_owned(), sections.join("<br>"), en, ja]
        }),
    ));

    out.push_str("\n## P — certificates and cards · 証明書とカード\n\n");
    out.push_str(
        "Worded here for a card; a device, gate or institution certificate is named in its place. Lists and OCSP \
         answers that are missing or old (P009 to P012, P030 to P033, P035) lie with the operator, the others with whoever \
         shows the certificate.\n",
    );
    let card = [("bearer", Arg::Key("bearer-card".into())), ("kind", "card".into())];
    out.push_str(&table(
        &["code", "English", "日本語"],
        Refusal::CODES.iter().map(|code| {
            let key = format!("pki-{}", code.to_ascii_lowercase());
            let [en, ja] = both.with_remedy(&key, &format!("{key}-do"), &card);
            vec![(*code).to_owned(), en, ja]
        }),
    ));

    out.push_str(
        "\n## C — revocation lists and OCSP answers that are not taken · 受け入れない失効リストと OCSP の応答\n\n",
    );
    out.push_str("What was held before stays in force. それまでのものは有効のままです。\n");
    let lists = (1..).map(|n| format!("C{n:03}")).take_while(|code| both.has(&list_key(code)));
    out.push_str(&table(
        &["code", "English", "日本語"],
        lists.map(|code| {
            let key = list_key(&code);
            let [en, ja] = both.with_remedy(&key, &format!("{key}-do"), &[]);
            vec![code, en, ja]
        }),
    ));

    out.push_str("\n## O — center and gates · センターとゲート\n");
    out.push_str(&table(
        &["code", "section · 責任区間", "HTTP", "English", "日本語"],
        Trouble::ALL.iter().map(|trouble| {
            let [en, ja] = both.with_remedy(trouble.key(), &format!("{}-do", trouble.key()), &[]);
            let section = section(trouble.section().key());
            vec![trouble.code().to_owned(), section, trouble.status().to_string(), en, ja]
        }),
    ));
    out.push_str("\n### O009 — what is wrong with a document · 定義文書の誤り\n");
    out.push_str(&table(
        &["what · 誤り", "English", "日本語"],
        DocumentFault::ALL.iter().map(|(key, _)| {
            let [en, ja] = both.with_remedy(key, &format!("{key}-do"), &[]);
            vec![format!("`{}`", key.trim_start_matches("document-")), en, ja]
        }),
    ));
    out.push_str("\n## U — submission of report files · 届出ファイルの提出\n");
    out.push_str(&table(
        &["code", "section · 責任区間", "HTTP", "English", "日本語"],
        submissions::Refused::ALL.iter().map(|(code, key, status, of)| {
            let [en, ja] = both.with_remedy(key, &format!("{key}-do"), &[]);
            vec![(*code).to_owned(), section(of.key()), status.to_string(), en, ja]
        }),
    ));
    out.push_str("\n## Q101 and on — applications on a device · 機器のアプリケーション\n");
    out.push_str(&table(
        &["code", "English", "日本語"],
        applications::Refused::CODES.iter().map(|code| {
            let key = format!("application-{}", code.to_ascii_lowercase());
            let [en, ja] = both.with_remedy(&key, &format!("{key}-do"), &[]);
            vec![(*code).to_owned(), en, ja]
        }),
    ));
    out.push_str(
        "\nA refused proof carries the id of the invariant it breaks, I01 and on: see [invariants](invariants.md).\n",
    );
    out
}

fn list_key(code: &str) -> String {
    format!("pki-{}", code.to_ascii_lowercase())
}

/// The table of qualifications.
pub(crate) fn qualifications() -> String {
    let mut out = head("Qualifications", "資格（hcRole）", "`pki::QUALIFICATIONS`");
    out.push_str(
        "\nTexts are compared as exact UTF-8; one that is not listed carries no privileges (N2). \"seen\" says that the text \
         was met in an issued certificate; check the others against the certificate policy in force before relying on them.\n",
    );
    out + &table(
        &["hcRole", "日本語", "kind", "seen"],
        QUALIFICATIONS.iter().map(|row| {
            let kind = match row.kind {
                QualificationKind::National => "national licence · 国家資格",
                QualificationKind::Administrative => "office in a facility · 管理者等",
            };
            vec![row.en.into(), row.ja.into(), kind.into(), if row.verified { "yes" } else { "no" }.into()]
        }),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_of_the_code_stands_on_the_page() {
        let page = page();
        let codes =
            Cause::ALL.iter().map(|c| c.code()).chain(Refusal::CODES).chain(Trouble::ALL.iter().map(|t| t.code()));
        let codes = codes.chain(applications::Refused::CODES);
        let codes = codes.chain(submissions::Refused::ALL.iter().map(|(code, ..)| *code));
        for code in codes.chain(["C001", "C005", "C006", "C014"]) {
            assert!(page.contains(&format!("\n| {code} |")), "{code}");
        }
        assert!(!page.contains("{$"));
    }
}
