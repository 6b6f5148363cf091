//! What can be typed.

use clap::{Args, Parser, Subcommand, ValueEnum};
use model::{GrantId, ServiceId, Side};
use std::path::PathBuf;
use texts::Lang;

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
    /// Open a service with your card. カードでサービスを開く
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
    Status,
    /// Cards in the reader and what is on them. 読み取り機のカード
    Card,
    /// What documents would change, and its proof. 文書による変更と証明の確認
    Plan {
        /// Documents (TOML). 文書
        #[arg(short = 'f', long = "file", required = true, num_args = 1..)]
        files: Vec<PathBuf>,
    },
    /// Apply documents, all or nothing. 文書の適用
    Apply {
        /// Documents (TOML). 文書
        #[arg(short = 'f', long = "file", required = true, num_args = 1..)]
        files: Vec<PathBuf>,
    },
    /// Tell a refusal again, by the number it was given. 拒否の理由を再表示
    Explain {
        /// The number, as `refusal/17` or `17`. 拒否の番号
        refusal: RefusalNumber,
    },
    /// The record. 記録
    #[command(subcommand)]
    Log(LogCommand),
    /// Agreements between institutions. 機関間の合意
    #[command(subcommand)]
    Agreement(AgreementCommand),
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
}

/// Agreements.
#[derive(Debug, Subcommand)]
pub enum AgreementCommand {
    /// Sign the agreements in a document for one side and print the document. 合意への署名
    Sign(SignAgreement),
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
    fn what_to_close_is_a_grant_or_a_service() {
        assert_eq!("g-7".parse(), Ok(Closing::Grant(GrantId(7))));
        assert!(matches!("keyaki/records".parse(), Ok(Closing::Service(_))));
        assert!("everything".parse::<Closing>().is_err());
    }
}
