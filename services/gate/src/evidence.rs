//! Messages to the center that are evidence: kept in memory and in a file until the center surely has them (X4, G13).

use prost::Message as _;
use site::Report;
use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use wire::link as pb;
use wire::link::gate_message::Message as Say;

/// What waits at most while there is no link.
const WAITING: usize = 10_000;
/// What was in flight when a link broke may be lost, so the last ones are said again after a reconnect.
const SAID_AGAIN: usize = 256;
/// The file is written anew when it holds so many messages that need not be kept any more.
const STALE: usize = 1024;

/// Kept while there is no link, and the last ones said again after a reconnect: a repeated message changes nothing. A
/// gate that is killed finds them in its file. What the disk will not take waits in memory, and the file is written
/// whole as soon as the disk takes it.
pub struct Evidence {
    unsaid: VecDeque<Say>,
    said: VecDeque<Say>,
    journal: Journal,
}

impl Evidence {
    /// From the file of a folder, where an earlier run of this gate left what it had to say.
    pub fn open(folder: &Path) -> Self {
        let mut journal = Journal::at(folder.join("evidence"));
        let unsaid: VecDeque<Say> = journal.read().into();
        if !unsaid.is_empty() {
            tracing::info!(messages = unsaid.len(), "evidence of an earlier run waits for the center");
        }
        Self { unsaid, said: VecDeque::new(), journal }
    }

    /// There is no link: it waits, also through a power cut.
    pub fn keep(&mut self, report: &Report, message: Option<Say>) {
        let Some(message) = message.filter(|_| is_evidence(report)) else { return };
        if self.unsaid.len() == WAITING {
            tracing::error!("more evidence waits for the center than can be kept; the oldest goes");
            self.unsaid.pop_front();
            self.journal.stale += 1;
        }
        self.unsaid.push_back(message.clone());
        self.write(&message, true);
    }

    /// It is about to be sent: whether it will be said again if that goes wrong. A refused packet is not said twice:
    /// the record would hold it twice.
    pub fn said(&mut self, report: &Report, message: &Say) -> bool {
        if !is_evidence(report) || matches!(report, Report::FirstPacket { .. }) {
            return false;
        }
        self.remember(message.clone());
        self.write(message, false);
        true
    }

    /// There is a link again: what is to be said, oldest first.
    pub fn again(&mut self) -> Vec<Say> {
        let unsaid: Vec<Say> = self.unsaid.drain(..).collect();
        let all = self.said.iter().cloned().chain(unsaid.iter().cloned()).collect();
        for message in unsaid {
            if !matches!(message, Say::FirstPacket(_)) {
                self.remember(message);
            }
        }
        self.journal.rewrite(self.said.iter());
        all
    }

    fn remember(&mut self, message: Say) {
        if self.said.len() == SAID_AGAIN {
            self.said.pop_front();
            self.journal.stale += 1;
        }
        self.said.push_back(message);
    }

    fn write(&mut self, message: &Say, synced: bool) {
        if self.journal.whole && self.journal.stale < STALE {
            self.journal.append(message, synced);
        } else {
            self.journal.rewrite(self.said.iter().chain(&self.unsaid));
        }
    }
}

fn is_evidence(report: &Report) -> bool {
    matches!(
        report,
        Report::Closed { .. }
            | Report::Lapsed(_)
            | Report::FirstPacket { held: false, .. }
            | Report::Foreign { .. }
            | Report::ForeignRule(_)
    )
}

/// Messages one after the other, each after its length (protobuf's own delimiting).
struct Journal {
    path: PathBuf,
    file: Option<File>,
    /// The file holds everything it should.
    whole: bool,
    /// Messages in the file that need not be there any more.
    stale: usize,
}

impl Journal {
    fn at(path: PathBuf) -> Self {
        Self { path, file: None, whole: false, stale: 0 }
    }

    /// What the file holds, up to where a crash or another hand cut it.
    fn read(&mut self) -> Vec<Say> {
        let bytes = match fs::read(&self.path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Vec::new(),
            Err(error) => {
                tracing::error!(path = %self.path.display(), %error, "evidence of an earlier run cannot be read");
                return Vec::new();
            }
        };
        let (messages, rest) = messages(&bytes);
        if rest > 0 {
            tracing::warn!(path = %self.path.display(), octets = rest, "the last message was not written to its end");
        }
        messages
    }

    fn append(&mut self, message: &Say, synced: bool) {
        let bytes = delimited(message);
        let written = self.file().and_then(|file| {
            file.write_all(&bytes)?;
            if synced { file.sync_data() } else { Ok(()) }
        });
        self.note(written);
    }

    fn rewrite<'a>(&mut self, messages: impl Iterator<Item = &'a Say>) {
        let bytes: Vec<u8> = messages.flat_map(delimited).collect();
        self.file = None;
        let aside = self.path.with_extension("new");
        let written = File::create(&aside).and_then(|mut file| {
            file.write_all(&bytes)?;
            file.sync_data()?;
            fs::rename(&aside, &self.path)
        });
        self.stale = 0;
        self.note(written);
    }

    fn file(&mut self) -> io::Result<&mut File> {
        let file = match self.file.take() {
            Some(file) => file,
            None => OpenOptions::new().create(true).append(true).open(&self.path)?,
        };
        Ok(self.file.insert(file))
    }

    fn note(&mut self, written: io::Result<()>) {
        if let Err(error) = &written
            && self.whole
        {
            tracing::error!(path = %self.path.display(), %error, "evidence is not on disk; it waits in memory");
        }
        self.whole = written.is_ok();
        if !self.whole {
            self.file = None;
        }
    }
}

fn delimited(message: &Say) -> Vec<u8> {
    pb::GateMessage { message: Some(message.clone()) }.encode_length_delimited_to_vec()
}

/// The whole messages at the beginning, and how many octets are left behind them.
fn messages(mut bytes: &[u8]) -> (Vec<Say>, usize) {
    let mut found = Vec::new();
    loop {
        let before = bytes;
        match pb::GateMessage::decode_length_delimited(&mut bytes) {
            Ok(pb::GateMessage { message: Some(message) }) => found.push(message),
            Ok(pb::GateMessage { message: None }) if before.len() > bytes.len() => {}
            Ok(_) | Err(_) => return (found, before.len()),
        }
        if bytes.is_empty() {
            return (found, 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn packet(port: u32) -> Say {
        let text = |t: &str| t.to_owned();
        let (source, destination) = (text("10.1.20.11"), text("10.2.10.10"));
        Say::FirstPacket(pb::FirstPacket {
            host: text("exam-1"),
            source,
            destination,
            protocol: 6,
            port,
            at: 1,
            held: false,
        })
    }

    fn ended(grant: u64) -> Say {
        Say::Ended(pb::Ended { grant, cause: pb::EndCause::Lease.into(), detail: String::new(), at: 2 })
    }

    fn lapsed() -> Report {
        Report::Lapsed(model::GrantId(1))
    }

    fn refused() -> Report {
        let any = std::net::IpAddr::from([10, 2, 10, 10]);
        Report::FirstPacket {
            in_port: model::PortNo(3),
            source: any,
            destination: any,
            protocol: 6,
            port: 443,
            held: false,
            suppressed: 0,
        }
    }

    #[test]
    fn a_killed_gate_finds_what_it_had_to_say_x4() {
        let folder = tempfile::tempdir().unwrap();
        let mut evidence = Evidence::open(folder.path());
        assert!(evidence.again().is_empty());
        evidence.said(&lapsed(), &ended(1));
        evidence.said(&refused(), &packet(1));
        evidence.keep(&refused(), Some(packet(2)));
        evidence.keep(&lapsed(), Some(ended(3)));
        drop(evidence);
        let mut again = Evidence::open(folder.path());
        assert_eq!(again.again(), [ended(1), packet(2), ended(3)]);
        drop(again);
        // What was said over the new link is said once more, the packet not.
        let mut third = Evidence::open(folder.path());
        assert_eq!(third.again(), [ended(1), ended(3)]);
    }

    #[test]
    fn what_the_disk_does_not_take_waits_and_is_written_when_it_does_x4() {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().join("gone");
        let mut evidence = Evidence::open(&home);
        evidence.keep(&lapsed(), Some(ended(1)));
        assert!(Evidence::open(&home).again().is_empty());
        fs::create_dir(&home).unwrap();
        evidence.keep(&lapsed(), Some(ended(2)));
        assert_eq!(Evidence::open(&home).again(), [ended(1), ended(2)]);
    }

    #[test]
    fn the_file_stays_small() {
        let folder = tempfile::tempdir().unwrap();
        let mut evidence = Evidence::open(folder.path());
        for n in 0..5_000 {
            evidence.said(&lapsed(), &ended(n));
        }
        let (held, rest) = messages(&fs::read(folder.path().join("evidence")).unwrap());
        assert!(held.len() <= SAID_AGAIN + STALE && rest == 0, "{}", held.len());
        assert_eq!(held.last(), Some(&ended(4_999)));
    }

    proptest! {
        #[test]
        fn a_file_cut_anywhere_gives_the_messages_before_the_cut(ports in prop::collection::vec(0u32..9, 0..8), cut in 0usize..400) {
            let bytes: Vec<u8> = ports.iter().flat_map(|p| delimited(&packet(*p))).collect();
            let cut = cut.min(bytes.len());
            let (found, rest) = messages(&bytes[..cut]);
            let whole: Vec<Say> = ports.iter().take(found.len()).map(|p| packet(*p)).collect();
            prop_assert_eq!(&found, &whole);
            let used: usize = whole.iter().map(|m| delimited(m).len()).sum();
            prop_assert_eq!(used + rest, cut);
            prop_assert!(found.len() == ports.len() || rest < delimited(&packet(1)).len());
        }

        #[test]
        fn any_octets_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let (_, rest) = messages(&bytes);
            prop_assert!(rest <= bytes.len());
        }
    }
}
