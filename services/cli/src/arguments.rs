//! What can be typed.

use clap::{Args, Parser, Subcommand, ValueEnum};
use model::{AgreementId, ApprovalId, Generation, GrantId, HostRef, Protocol, ServiceId, Side, SiteId};
use preflight::LineKind;
use std::path::PathBuf;
use texts::Lang;
use wire::session::CutCall;

use crate::certificates::CertificateCommand;
use crate::enroll::CardCommand;
use crate::equipment::EquipmentCommand;

/// Opens exactly the line you need, and nothing else. 必要な一本の回線だけを開きます。
#[derive(Debug, Parser)]
#[command(
    name = "sekisho",
    version,
    about = "Opens exactly the line you need, and nothing else. 必要な一本の回線だけを開きます。",
    disable_help_subcommand = true
)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Configuration file. 設定ファイル
    #[arg(long, global = true, env = "SEKISHO_CONFIG", default_value = "/etc/sekisho/sekisho.toml")]
    pub config: PathBuf,
    /// Language of the answer: ja or en; the locale's if absent. 表示言語
    #[arg(long, global = true)]
    pub lang: Option<Lang>,
    /// Print JSON instead of text. JSON で出力
    #[arg(long, global = true)]
    pub json: bool,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Sign in at this terminal with your card: then the first packet of a service opens it. サインイン
    Login {
        /// Label of the card, if several are inserted. カードのラベル
        #[arg(long)]
        card: Option<String>,
        /// Read the PIN from this descriptor instead of asking. PIN を読む記述子の番号
        #[arg(long, value_name = "N")]
        pin_fd: Option<u32>,
    },
    /// Sign out at this terminal; what you opened ends. サインアウト
    Logout,
    /// Your services, how each stands, and why not. サービスの一覧と状態
    Services,
    /// Extend the lease of an open connection. 期限の延長
    Extend {
        /// The grant (g-7) or the service. 許可番号またはサービス名
        what: Closing,
    },
    /// What others ask your institution to agree to. 承認の依頼
    Approvals {
        /// Answer one of them. 依頼に答える
        #[command(subcommand)]
        answer: Option<ApprovalCommand>,
    },
    /// Cut connections at once (at the centre). 接続の即時遮断
    #[command(subcommand)]
    Cut(CutCommand),
    /// Open a service: in your session, or with your card. サービスを開く
    Open {
        /// The service, `institution/name`. サービス名
        service: ServiceId,
        /// Label of the card, if several are inserted. カードのラベル
        #[arg(long)]
        card: Option<String>,
        /// Read the PIN from this descriptor instead of asking. PIN を読む記述子の番号
        #[arg(long, value_name = "N")]
        pin_fd: Option<u32>,
    },
    /// Close an open connection. 接続を終える
    Close {
        /// The grant (g-7) or the service. 許可番号またはサービス名
        what: Closing,
    },
    /// What is open; at the centre, everything. 現在の状態
    Status {
        /// Show it again whenever it changes (at the centre). 変わるたびに表示
        #[arg(long)]
        watch: bool,
    },
    /// Cards in the reader and what is on them; or fetch a certificate for this machine. カードと証明書
    Card {
        /// What to do; the cards in the reader are shown if absent. 操作
        #[command(subcommand)]
        what: Option<CardCommand>,
    },
    /// Certificates that this centre issues (at the centre). 証明書の発行と失効
    #[command(subcommand)]
    Certificate(CertificateCommand),
    /// Write everything that is applied into one file (at the centre). 全体の書き出し
    Export {
        /// The file; standard output if absent. ファイル
        file: Option<PathBuf>,
    },
    /// Apply what `export` wrote, all or nothing (at the centre). 全体の取り込み
    Import {
        /// The file. ファイル
        file: PathBuf,
        /// Show what it would change, and its proof, and change nothing. 変更内容の確認のみ
        #[arg(long)]
        dry_run: bool,
    },
    /// What documents would change, and its proof. 文書による変更と証明の確認
    Plan {
        /// Documents (TOML). 文書
        #[arg(short = 'f', long = "file", required = true, num_args = 1..)]
        files: Vec<PathBuf>,
        /// Draw a counter-example's path here, if there is one. 反例の経路の図
        #[arg(long, value_name = "FILE")]
        svg: Option<PathBuf>,
    },
    /// Apply documents, all or nothing. 文書の適用
    Apply {
        /// Documents (TOML). 文書
        #[arg(short = 'f', long = "file", required = true, num_args = 1..)]
        files: Vec<PathBuf>,
        /// Draw a counter-example's path here, if there is one. 反例の経路の図
        #[arg(long, value_name = "FILE")]
        svg: Option<PathBuf>,
    },
    /// Tell a refusal again, by the number it was given. 拒否の理由を再表示
    Explain {
        /// The number, as `refusal/17` or `17`. 拒否の番号
        refusal: RefusalNumber,
        /// Draw the counter-example's path here. 反例の経路の図
        #[arg(long, value_name = "FILE")]
        svg: Option<PathBuf>,
    },
    /// Can a connection begin, and why? Exit code 1 if not. 接続を始められるか、その理由
    Can(CanQuestion),
    /// Everything a host can begin, and everything that can begin with it. 機器の到達性
    Reach {
        /// The host, `site/host`. 機器
        host: HostRef,
    },
    /// What differs in who reaches whom, between two generations or between now and documents. 到達性の差分
    Diff(DiffQuestion),
    /// Prove everything that is committed anew, by both engines. Exit code 1 if it does not hold. 全体の証明
    Verify {
        /// List all invariants with their ids instead. 不変条件の一覧
        #[arg(long)]
        invariants: bool,
        /// Draw a counter-example's path here, if there is one. 反例の経路の図
        #[arg(long, value_name = "FILE")]
        svg: Option<PathBuf>,
    },
    /// Why does it not work? The first step that fails, whose section it is and what to do. なぜ使えないのか
    Why {
        /// A line (g-7), a host (`site/host`) or a person, by a part of the name on the card. 回線・機器・利用者
        who: String,
        /// The service that is meant; whatever was tried last if absent. サービス名
        service: Option<ServiceId>,
    },
    /// May this terminal join: line, system, disk, other software, ports? Exit code 1 if not. 端末の事前確認
    Preflight(PreflightQuestion),
    /// The record. 記録
    #[command(subcommand)]
    Log(LogCommand),
    /// Agreements between institutions. 機関間の合意
    #[command(subcommand)]
    Agreement(AgreementCommand),
    /// The trust chain of equipment, offline: authority, makers' statements, permits. 機器の信頼の連鎖
    #[command(subcommand)]
    Equipment(EquipmentCommand),
}

/// What is to be found out of a terminal.
#[derive(Debug, Args)]
pub struct PreflightQuestion {
    /// The center's responder, by address or name: then TCP 443, UDP 500, UDP 4500 and ESP are tried (ESP as
    /// administrator only). センターの応答先
    #[arg(long, value_name = "ADDRESS")]
    pub center: Option<String>,
    /// The line: fiber, isdn, adsl, mobile, catv, public-wifi, leased or ip-vpn; asked if absent. 回線の種類
    #[arg(long, value_name = "KIND")]
    pub line: Option<LineKind>,
    /// Where the software is to go. インストール先
    #[arg(long, value_name = "FOLDER", default_value = "/opt")]
    pub place: PathBuf,
    /// Judge what was found on another machine, by its file of facts. 別の端末の調査結果を判定
    #[arg(long, value_name = "FILE", conflicts_with_all = ["center", "line", "place"])]
    pub facts: Option<PathBuf>,
    /// Only write down what is found, as such a file, and judge nothing. 調査結果だけを出力
    #[arg(long)]
    pub only_facts: bool,
    /// Say everything that was looked at, not only what matters. すべての項目を表示
    #[arg(long)]
    pub all: bool,
}

/// An answer to somebody who asks.
#[derive(Debug, Subcommand)]
pub enum ApprovalCommand {
    /// Agree: the line opens now. 承認する
    Accept {
        /// The number (q-7). 依頼の番号
        approval: ApprovalId,
    },
    /// Do not agree. 承認しない
    Refuse {
        /// The number (q-7). 依頼の番号
        approval: ApprovalId,
    },
}

/// What to cut.
#[derive(Debug, Subcommand)]
pub enum CutCommand {
    /// One line. 接続一本
    Line {
        /// The grant (g-7). 許可番号
        grant: GrantId,
    },
    /// Everything of a person, and the session. 利用者
    Person {
        /// The name on the card, or SHA-256 of its certificate (8 digits or more). 氏名または証明書のハッシュ
        person: String,
    },
    /// Everything of a device, and the session at it. 機器
    Device {
        /// The host, `site/host`. 機器
        host: HostRef,
    },
    /// Everything with an end at a site, and its sessions. 拠点
    Site {
        /// The site. 拠点
        site: SiteId,
    },
    /// Everything that stands on an agreement. 合意
    Agreement {
        /// Its number. 合意の番号
        agreement: AgreementId,
    },
}

impl From<&CutCommand> for CutCall {
    fn from(what: &CutCommand) -> Self {
        match what {
            CutCommand::Line { grant } => Self::Line(*grant),
            CutCommand::Person { person } => Self::Person(person.clone()),
            CutCommand::Device { host } => Self::Device(host.clone()),
            CutCommand::Site { site } => Self::Site(site.clone()),
            CutCommand::Agreement { agreement } => Self::Agreement(agreement.clone()),
        }
    }
}

/// Can it?
#[derive(Debug, Args)]
pub struct CanQuestion {
    /// The host it would originate at, `site/host`. 発信元
    pub from: HostRef,
    /// The host it would end at, `site/host`, or a service, `institution/name`. 宛先
    pub to: HostRef,
    /// Protocol and port, `tcp/443`; the service's own or any if absent. プロトコルとポート
    pub what: Option<ProtocolPort>,
    /// Supposed these documents were applied. この文書を適用したとすれば
    #[arg(long = "if", value_name = "DOCUMENT", num_args = 1..)]
    pub documents: Vec<PathBuf>,
    /// Supposed this service were open from this terminal. このサービスが開通していたとすれば
    #[arg(long, num_args = 2, value_names = ["FROM", "SERVICE"])]
    pub if_open: Vec<String>,
    /// Draw the way here. 経路の図
    #[arg(long, value_name = "FILE")]
    pub svg: Option<PathBuf>,
}

/// What differs?
#[derive(Debug, Args)]
pub struct DiffQuestion {
    /// The earlier generation, or `now`. 前の世代
    #[arg(required_unless_present = "documents")]
    pub before: Option<Moment>,
    /// The later generation, or `now`. 後の世代
    pub after: Option<Moment>,
    /// The site whose generations are meant; every site counts its own. 拠点
    #[arg(long)]
    pub site: Option<SiteId>,
    /// Compare with what these documents would make. この文書を適用した場合と比べる
    #[arg(long = "if", value_name = "DOCUMENT", num_args = 1.., conflicts_with = "after")]
    pub documents: Vec<PathBuf>,
}

/// A generation, or now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// What is committed.
    Now,
    /// What was.
    Generation(Generation),
}

impl std::str::FromStr for Moment {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        if text == "now" {
            return Ok(Self::Now);
        }
        let number = text.parse().map(|n| Self::Generation(Generation(n)));
        number.map_err(|_| format!("`{text}` is neither a generation like 3 nor `now`"))
    }
}

/// `tcp/443`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProtocolPort {
    /// Transport protocol.
    pub protocol: Protocol,
    /// Destination port.
    pub port: u16,
}

impl std::str::FromStr for ProtocolPort {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no protocol and port like tcp/443 or udp/53");
        let (protocol, port) = text.split_once('/').ok_or_else(wrong)?;
        let protocol = match protocol {
            "tcp" => Protocol::Tcp,
            "udp" => Protocol::Udp,
            _ => return Err(wrong()),
        };
        Ok(Self { protocol, port: port.parse().map_err(|_| wrong())? })
    }
}

/// The record.
#[derive(Debug, Subcommand)]
pub enum LogCommand {
    /// Show entries, or the three points of one grant. 記録の表示
    Show {
        /// Only this grant, matched at its three points. この許可の三点の証跡
        #[arg(long)]
        grant: Option<GrantId>,
        /// Only entries after this number. この番号より後
        #[arg(long)]
        after: Option<u64>,
        /// At most so many entries. 件数の上限
        #[arg(long)]
        limit: Option<u32>,
    },
    /// Prove that nothing was changed, removed or reordered. 改ざんがないことの確認
    Verify,
    /// Compare what source, access point and destination recorded of every line. Exit code 1 if they differ. 三点の照合
    Match {
        /// Only this line. この回線だけ
        grant: Option<GrantId>,
        /// Only lines first recorded after this entry. この番号より後
        #[arg(long)]
        after: Option<u64>,
    },
}

/// Agreements.
#[derive(Debug, Subcommand)]
pub enum AgreementCommand {
    /// Sign the agreements in a document for one side and print the document. 合意への署名
    Sign(SignAgreement),
    /// Send signed agreements to the centre; with both signatures they stand. 署名済みの合意の提出
    Submit {
        /// The document, as `agreement sign` wrote it. 文書
        file: PathBuf,
        /// Where the centre takes them, `https://host:port`. 提出先
        #[arg(long, value_name = "ADDRESS")]
        server: String,
        /// PEM file of the CA that the server is known by. センターの認証局証明書
        #[arg(long, value_name = "FILE")]
        ca: PathBuf,
    },
}

/// What signing needs.
#[derive(Debug, Args)]
pub struct SignAgreement {
    /// The document (TOML). 文書
    #[arg(short = 'f', long = "file")]
    pub file: PathBuf,
    /// Which side signs. 署名する側
    #[arg(long = "as", value_enum)]
    pub side: SideName,
    /// PEM file with the institution's certificate chain. 機関の証明書
    #[arg(long)]
    pub certificate: PathBuf,
    /// PEM file with its key (PKCS#8, P-256). 機関の鍵
    #[arg(long)]
    pub key: PathBuf,
}

/// A side, as typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SideName {
    /// The institution whose people use the service.
    Consumer,
    /// The institution that offers it.
    Provider,
}

impl From<SideName> for Side {
    fn from(side: SideName) -> Self {
        match side {
            SideName::Consumer => Self::Consumer,
            SideName::Provider => Self::Provider,
        }
    }
}

/// What to close.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Closing {
    /// By number.
    Grant(GrantId),
    /// By service: the one open connection to it.
    Service(ServiceId),
}

impl std::str::FromStr for Closing {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        text.parse()
            .map(Self::Grant)
            .or_else(|_| text.parse().map(Self::Service))
            .map_err(|_| format!("`{text}` is neither a grant like g-7 nor a service like keyaki/records"))
    }
}

impl std::fmt::Display for Closing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Grant(id) => id.fmt(f),
            Self::Service(id) => id.fmt(f),
        }
    }
}

/// Number of a refusal in the record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefusalNumber(pub u64);

impl std::str::FromStr for RefusalNumber {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        text.strip_prefix("refusal/")
            .unwrap_or(text)
            .parse()
            .map(Self)
            .map_err(|_| format!("`{text}` is not the number of a refusal, like refusal/17"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        <Arguments as clap::CommandFactory>::command().debug_assert();
    }

    #[test]
    fn a_pin_cannot_be_given_as_an_argument() {
        assert!(Arguments::try_parse_from(["sekisho", "open", "keyaki/records", "--pin", "1234"]).is_err());
    }

    #[test]
    fn questions_are_read() {
        let read = |words: &[&str]| Arguments::try_parse_from([&["sekisho"], words].concat()).map(|a| a.command);
        let Ok(Command::Can(can)) =
            read(&["can", "a/b", "c/d", "tcp/443", "--if", "x.toml", "y.toml", "--if-open", "a/b", "k/r"])
        else {
            panic!("not read")
        };
        assert_eq!((can.documents.len(), can.if_open.len(), can.what.unwrap().port), (2, 2, 443));
        let Ok(Command::Diff(diff)) = read(&["diff", "3", "now", "--site", "clinic"]) else { panic!("not read") };
        assert_eq!((diff.before, diff.after), (Some(Moment::Generation(Generation(3))), Some(Moment::Now)));
        assert!(read(&["diff", "--if", "x.toml"]).is_ok());
        for wrong in [&["diff"][..], &["can", "a/b", "c/d", "icmp"], &["can", "a", "c/d"], &["diff", "x", "4"]] {
            assert!(read(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn what_to_cut_is_said_exactly() {
        let read = |words: &[&str]| Arguments::try_parse_from([&["sekisho", "cut"], words].concat()).map(|a| a.command);
        let Ok(Command::Cut(cut)) = read(&["device", "clinic/exam-1"]) else { panic!("not read") };
        assert_eq!(CutCall::from(&cut), CutCall::Device("clinic/exam-1".parse().unwrap()));
        for wrong in [&["line", "7"][..], &["device", "clinic"], &["everything"], &[]] {
            assert!(read(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn what_to_close_is_a_grant_or_a_service() {
        assert_eq!("g-7".parse(), Ok(Closing::Grant(GrantId(7))));
        assert!(matches!("keyaki/records".parse(), Ok(Closing::Service(_))));
        assert!("everything".parse::<Closing>().is_err());
    }
}
