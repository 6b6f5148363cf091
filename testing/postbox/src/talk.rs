//! One conversation.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::io;
use std::sync::Arc;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use crate::{Fault, Letter, Security, Shared, Stage};

const LONGEST_LINE: u64 = 64 << 10;
const LARGEST_LETTER: usize = 16 << 20;

trait Wire: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Wire for T {}

struct Talk {
    shared: Arc<Shared>,
    line: BufReader<Box<dyn Wire>>,
    tls: bool,
    known: bool,
    from: Option<String>,
    to: Vec<String>,
}

pub(crate) async fn talk(line: TcpStream, shared: Arc<Shared>) -> io::Result<()> {
    let tls = shared.options().security == Security::Tls;
    let wire: Box<dyn Wire> = if tls { Box::new(shared.tls().clone().accept(line).await?) } else { Box::new(line) };
    let mut talk = Talk { shared, line: BufReader::new(wire), tls, known: false, from: None, to: Vec::new() };
    talk.answer(Stage::Greeting, "220 postbox ESMTP").await?;
    while let Some(said) = talk.hear().await? {
        let (verb, rest) = said.split_once(' ').unwrap_or((&said, ""));
        match verb.to_ascii_uppercase().as_str() {
            "EHLO" => talk.hello().await?,
            "HELO" => talk.answer(Stage::Hello, "250 postbox").await?,
            "STARTTLS" if talk.offers_tls() => talk = talk.protect().await?,
            "AUTH" => talk.auth(rest).await?,
            "MAIL" => talk.mail(rest).await?,
            "RCPT" => talk.recipient(rest).await?,
            "DATA" => talk.data().await?,
            "RSET" => {
                talk.reset();
                talk.say("250 2.0.0 reset").await?;
            }
            "NOOP" => talk.say("250 2.0.0 yes").await?,
            "QUIT" => return talk.say("221 2.0.0 good-bye").await,
            _ => talk.say("502 5.5.1 not known here").await?,
        }
    }
    Ok(())
}

impl Talk {
    fn offers_tls(&self) -> bool {
        self.shared.options().security == Security::StartTls && !self.tls
    }

    fn reset(&mut self) {
        self.from = None;
        self.to.clear();
    }

    async fn hear(&mut self) -> io::Result<Option<String>> {
        let mut said = Vec::new();
        let n = (&mut self.line).take(LONGEST_LINE).read_until(b'\n', &mut said).await?;
        if n == 0 { Ok(None) } else { Ok(Some(String::from_utf8_lossy(&said).trim_end().to_owned())) }
    }

    async fn say(&mut self, words: &str) -> io::Result<()> {
        self.line.write_all(format!("{words}\r\n").as_bytes()).await?;
        self.line.flush().await
    }

    /// Says it, unless it has to misbehave here; true if it said it.
    async fn answered(&mut self, stage: Stage, words: &str) -> io::Result<bool> {
        match self.shared.fault() {
            Some(Fault::HangsUp(at)) if at == stage => Err(io::ErrorKind::ConnectionAborted.into()),
            Some(Fault::Answers(at, instead)) if at == stage => {
                self.say(instead).await?;
                Ok(false)
            }
            _ => {
                self.say(words).await?;
                Ok(true)
            }
        }
    }

    async fn answer(&mut self, stage: Stage, words: &str) -> io::Result<()> {
        self.answered(stage, words).await.map(|_| ())
    }

    async fn hello(&mut self) -> io::Result<()> {
        let mut words = "250-postbox\r\n250-8BITMIME\r\n".to_owned();
        if self.offers_tls() {
            words += "250-STARTTLS\r\n";
        } else if self.shared.options().account.is_some() {
            words += "250-AUTH PLAIN LOGIN\r\n";
        }
        self.answer(Stage::Hello, &format!("{words}250 SIZE {LARGEST_LETTER}")).await
    }

    /// RFC 3207 §4.2: whatever came in clear is forgotten.
    async fn protect(mut self) -> io::Result<Self> {
        self.say("220 2.0.0 go ahead").await?;
        let wire = self.shared.tls().clone().accept(self.line.into_inner()).await?;
        let line = BufReader::new(Box::new(wire) as Box<dyn Wire>);
        Ok(Self { shared: self.shared, line, tls: true, known: false, from: None, to: Vec::new() })
    }

    async fn auth(&mut self, rest: &str) -> io::Result<()> {
        let (kind, first) = rest.split_once(' ').map_or((rest, None), |(k, f)| (k, Some(f.to_owned())));
        let given = if kind.eq_ignore_ascii_case("PLAIN") {
            let first = match first {
                Some(first) => first,
                None => self.ask("334 ").await?,
            };
            let text = decoded(&first);
            let mut parts = text.split('\0').skip(1).map(str::to_owned);
            (parts.next().unwrap_or_default(), parts.next().unwrap_or_default())
        } else {
            let name = self.ask("334 VXNlcm5hbWU6").await?;
            let password = self.ask("334 UGFzc3dvcmQ6").await?;
            (decoded(&name), decoded(&password))
        };
        self.known = self.shared.options().account.as_ref().is_some_and(|account| *account == given);
        let words = if self.known { "235 2.7.0 welcome" } else { "535 5.7.8 not with these" };
        self.answer(Stage::Auth, words).await
    }

    async fn ask(&mut self, words: &str) -> io::Result<String> {
        self.say(words).await?;
        self.hear().await?.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }

    async fn mail(&mut self, rest: &str) -> io::Result<()> {
        let options = self.shared.options();
        if options.security == Security::StartTls && !self.tls {
            return self.say("530 5.7.0 STARTTLS first").await;
        }
        if options.account.is_some() && !self.known {
            return self.say("530 5.7.0 who are you").await;
        }
        self.reset();
        if self.answered(Stage::Mail, "250 2.1.0 yes").await? {
            self.from = Some(address(rest));
        }
        Ok(())
    }

    async fn recipient(&mut self, rest: &str) -> io::Result<()> {
        if self.from.is_none() {
            return self.say("503 5.5.1 MAIL first").await;
        }
        let to = address(rest);
        match self.shared.fault() {
            Some(Fault::RefusesRecipient(whom, words)) if whom == to => self.say(words).await,
            _ => {
                if self.answered(Stage::Recipient, "250 2.1.5 yes").await? {
                    self.to.push(to);
                }
                Ok(())
            }
        }
    }

    async fn data(&mut self) -> io::Result<()> {
        if self.to.is_empty() {
            return self.say("503 5.5.1 RCPT first").await;
        }
        if !self.answered(Stage::Data, "354 go on").await? {
            return Ok(());
        }
        let mut raw = Vec::new();
        loop {
            let start = raw.len();
            if (&mut self.line).take(LONGEST_LINE).read_until(b'\n', &mut raw).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if &raw[start..] == b".\r\n" {
                raw.truncate(start);
                break;
            }
            // RFC 5321 §4.5.2.
            if raw[start] == b'.' {
                raw.remove(start);
            }
            if raw.len() > LARGEST_LETTER {
                return self.say("552 5.3.4 too large").await;
            }
        }
        let letter =
            Letter { from: self.from.take().unwrap_or_default(), to: std::mem::take(&mut self.to), tls: self.tls, raw };
        match self.shared.fault() {
            Some(Fault::HangsUp(Stage::End)) => Err(io::ErrorKind::ConnectionAborted.into()),
            Some(Fault::Answers(Stage::End, words)) => self.say(words).await,
            Some(Fault::TakesInSilence) => {
                self.shared.take(letter);
                Err(io::ErrorKind::ConnectionAborted.into())
            }
            _ => {
                self.shared.take(letter);
                self.say("250 2.0.0 taken").await
            }
        }
    }
}

fn decoded(text: &str) -> String {
    String::from_utf8_lossy(&STANDARD.decode(text.trim()).unwrap_or_default()).into_owned()
}

/// `FROM:<a@b> SIZE=7` → `a@b`
fn address(rest: &str) -> String {
    let after = rest.split_once('<').map_or(rest, |(_, a)| a);
    after.split('>').next().unwrap_or_default().to_owned()
}
