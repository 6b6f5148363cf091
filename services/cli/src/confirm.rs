//! The card confirms what a page of the portal waits for (R5): shown first, then signed.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use clap::Args;
use enrolment::{Client, ServerTrust};
use std::path::PathBuf;
use texts::{Arg, Texts};
use wire::card_call::{ANSWER, CALL, CardAnswer, CardCall, CardQuestion};

use crate::config::Card;
use crate::failure::Failure;
use crate::pin;
use crate::render::Shown;

/// Confirm with the card.
#[derive(Debug, Args)]
pub struct Confirm {
    /// The code on the page. 画面の確認コード
    pub code: String,
    /// Address of the page, as the browser shows it, `https://host:port`. ログイン画面の URL
    #[arg(long, value_name = "ADDRESS")]
    pub server: String,
    /// PEM file of the CA that the page is known by. センターの認証局証明書
    #[arg(long, value_name = "FILE")]
    pub ca: PathBuf,
    /// Label of the card, if several are inserted. カードのラベル
    #[arg(long)]
    pub card: Option<String>,
    /// Read the PIN from this descriptor instead of asking. PIN を読む記述子の番号
    #[arg(long, value_name = "N")]
    pub pin_fd: Option<u32>,
}

/// Shows what waits, lets the card sign it, sends that.
pub async fn run(confirm: &Confirm, reader: Option<&Card>, texts: &Texts) -> Result<Shown, Failure> {
    let reader = reader.ok_or_else(|| Failure::Misread("[card]".to_owned()))?;
    let trust = ServerTrust::File(confirm.ca.clone());
    let language = texts.lang().as_str();
    let asked =
        post(&mut reach(confirm, &trust, language).await?, confirm, CALL, &CardQuestion { code: confirm.code.clone() })
            .await?;
    let nonsense = |why: String| Failure::Nonsense { what: confirm.server.clone(), why };
    let call: CardCall = serde_json::from_slice(&asked).map_err(|e| nonsense(e.to_string()))?;
    let lines = shown(&call, &confirm.server, texts);
    // Before the PIN: it is the consent to this.
    for (label, value) in &lines {
        eprintln!("{label}  {value}");
    }
    let pin = pin::read(confirm.pin_fd, &texts.say("cli-pin-prompt", &[]))?;
    let label = confirm.card.as_deref().or(reader.label.as_deref());
    let card = card::Driver::load(&reader.driver)?.open(label, &pin)?;
    let code = code(&confirm.code);
    let answer = CardAnswer {
        chain: vec![BASE64.encode(card.certificate())],
        signature: BASE64.encode(card.sign(&call.message(&confirm.server, &code))?),
        code,
    };
    // A person may have thought for longer than a server keeps a line.
    post(&mut reach(confirm, &trust, language).await?, confirm, ANSWER, &answer).await?;
    Ok(Shown::lines(&call, &[(texts.say("cli-confirm-done", &[]), texts.say("cli-confirm-go-on", &[]))]))
}

async fn reach(confirm: &Confirm, trust: &ServerTrust, language: &str) -> Result<Client, Failure> {
    Ok(Client::reach(&confirm.server, trust, None, language).await?)
}

async fn post(
    client: &mut Client,
    confirm: &Confirm,
    path: &str,
    question: &impl serde::Serialize,
) -> Result<Vec<u8>, Failure> {
    let body = serde_json::to_vec(question)
        .map_err(|e| Failure::Nonsense { what: confirm.server.clone(), why: e.to_string() })?;
    Ok(client.post(path, "application/json", body).await?)
}

fn shown(call: &CardCall, server: &str, texts: &Texts) -> Vec<(String, String)> {
    let say = |key: &str| texts.say(key, &[]);
    // What decides whether the PIN is typed: nothing in it may move the cursor or turn the reading direction round.
    let told = |text: &str| Arg::text(text).worded(texts);
    vec![
        (say("cli-confirm-what"), say(&format!("cli-confirm-{}", call.what.as_str()))),
        (say("cli-confirm-user"), told(&call.user)),
        (say("cli-confirm-institution"), told(&call.institution)),
        (say("cli-confirm-at"), told(server)),
        (say("cli-confirm-until"), Arg::Time(call.until).worded(texts)),
    ]
}

/// As the page shows it, however it was typed.
fn code(typed: &str) -> String {
    let letters: String = typed
        .chars()
        .filter(|c| !matches!(c, '-' | ' '))
        .map(|c| match c.to_ascii_uppercase() {
            'O' => '0',
            'I' | 'L' => '1',
            other => other,
        })
        .collect();
    match letters.split_at_checked(4) {
        Some((first, second)) => format!("{first}-{second}"),
        None => letters,
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_code_is_one_however_it_is_typed() {
        for typed in ["K1QM-20RD", "k1qm20rd", " kLqm 2ord "] {
            assert_eq!(super::code(typed), "K1QM-20RD", "{typed}");
        }
        assert_eq!(super::code("あ"), "あ");
    }
}
