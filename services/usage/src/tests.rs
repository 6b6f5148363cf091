use super::*;
use clap::{CommandFactory, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// A program. プログラム
#[derive(Debug, Parser)]
#[command(name = "sample", version = "1.2")]
struct Sample {
    /// Where. 場所
    #[arg(long, default_value = "/etc/x", env = "SAMPLE_TEST_PLACE", global = true)]
    place: PathBuf,
    #[arg(long, global = true)]
    lang: Option<Lang>,
    #[command(subcommand)]
    command: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Open it. 開く
    Open {
        /// The service. サービス
        service: String,
        /// Where it ends. 宛先
        at: Option<String>,
        #[arg(long)]
        count: Option<u8>,
        #[arg(long, conflicts_with = "count")]
        all: bool,
        #[arg(long)]
        colour: Option<Colour>,
        /// Its shape. 形
        #[arg(long)]
        shape: Option<Shape>,
    },
    Close,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Colour {
    Red,
    Blue,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Shape {
    /// It has corners. 角がある
    Square,
    /// It has none. 角がない
    Round,
}

fn typed(words: &str, lang: Lang) -> Result<Sample, Said> {
    let given: Vec<OsString> = ["sample"].into_iter().chain(words.split_whitespace()).map(OsString::from).collect();
    parsed(&given, &Texts::new(lang))
}

fn misused(words: &str, lang: Lang) -> String {
    match typed(words, lang) {
        Err(Said::Misused(text)) => text,
        other => panic!("{words}: {other:?}"),
    }
}

#[test]
fn everything_wrong_has_text_and_mend_in_both_languages_x5() {
    assert_eq!(texts::lacking(Wrong::ALL, &[]), [""; 0]);
}

#[test]
fn what_is_wrong_is_told_with_its_place_and_the_mend_x5() {
    let cases = [
        ("opne records", "opne というコマンドはありません", "there is no command opne"),
        ("opne records", "open ではありませんか", "perhaps open was meant"),
        ("open", "必要なものが入力されていません：<SERVICE>", "this is missing: <SERVICE>"),
        ("open records --cuont 1", "ここに --cuont は入力できません", "nobody expects --cuont here"),
        ("open records --cuont 1", "--count ではありませんか", "perhaps --count was meant"),
        ("open records here more", "ここに more は入力できません", "nobody expects more here"),
        (
            "open records --count many",
            "--count <COUNT> の値 many を読み取れません",
            "many is no value of --count <COUNT>",
        ),
        ("open records --count", "--count <COUNT> には値が必要です", "--count <COUNT> needs a value"),
        ("open records --count 1 --count 2", "2 回入力されています", "was given twice"),
        ("open records --count 1 --all", "と一緒には使えません", "does not go together with"),
        ("open records --colour green", "次のいずれかです：red、blue", "which is one of: red"),
        ("open records --colour bleu", "blue ではありませんか", "perhaps blue was meant"),
        ("open records --colour green", "sample --help で確かめてください", "sample --help tells"),
    ];
    for (words, ja, en) in cases {
        let (said_ja, said_en) = (misused(words, Lang::Ja), misused(words, Lang::En));
        assert!(said_ja.contains(ja), "{words}: {said_ja}");
        assert!(said_en.contains(en), "{words}: {said_en}");
        assert!(said_ja.contains("対処  ") && said_en.contains("do  "), "{said_ja}{said_en}");
        assert!(!said_ja.contains("error") && !said_ja.contains("Usage") && !said_ja.contains("tip"), "{said_ja}");
    }
    assert!(misused("open", Lang::Ja).contains("使い方: sample open"), "{}", misused("open", Lang::Ja));
}

#[test]
fn help_and_version_are_told_in_the_readers_language_x5() {
    let asked = |words: &str, lang| match typed(words, lang) {
        Err(Said::Asked(text)) => text,
        other => panic!("{words}: {other:?}"),
    };
    let ja = asked("--help", Lang::Ja);
    for part in [
        "使い方: sample",
        "コマンド:",
        "オプション:",
        "（省略時：/etc/x）",
        "（環境変数：SAMPLE_TEST_PLACE）",
        "このヘルプを表示",
    ] {
        assert!(ja.contains(part), "{part}: {ja}");
    }
    assert!(
        !ja.contains("Usage") && !ja.contains("Options") && !ja.contains("Print help") && !ja.contains("default"),
        "{ja}"
    );
    let inner = asked("open --help", Lang::Ja);
    assert!(inner.contains("引数:") && inner.contains("（次のいずれか：red、blue）"), "{inner}");
    assert!(inner.contains("次のいずれか：\n") && inner.contains("- square: It has corners. 角がある\n"), "{inner}");
    assert!(inner.find("<SERVICE>  The") < inner.find("[AT] "), "in the order in which they are typed: {inner}");
    assert!(asked("open -h", Lang::En).contains("Arguments:"));
    assert_eq!(asked("--version", Lang::Ja), "sample 1.2\n");
    // Asked for nothing: help, but not as an answer.
    assert!(misused("", Lang::Ja).contains("コマンド"));
}

#[test]
fn what_is_right_is_read() {
    let read = typed("open records --count 3 --place /tmp --lang ja", Lang::En).unwrap();
    assert_eq!((read.place, read.lang), (PathBuf::from("/tmp"), Some(Lang::Ja)));
    assert!(
        matches!(read.command, What::Open { service, count: Some(3), all: false, colour: None, .. } if service == "records")
    );
    assert!(matches!(typed("close", Lang::Ja).unwrap().command, What::Close));
    help::worded(Sample::command(), &Texts::new(Lang::Ja)).debug_assert();
}

#[test]
fn the_language_is_found_before_anything_is_read() {
    let of = |words: &str| {
        let given: Vec<OsString> = words.split_whitespace().map(OsString::from).collect();
        language(&given, |name| (name == "LANG").then(|| "ja_JP.UTF-8".to_owned()))
    };
    assert_eq!(of("sample open"), Lang::Ja);
    assert_eq!(of("sample --lang en opne"), Lang::En);
    assert_eq!(of("sample opne --lang=en"), Lang::En);
    assert_eq!(of("sample --lang xx"), Lang::Ja);
    assert_eq!(of("sample run x -- --lang en"), Lang::Ja);
}
