//! What the three binaries say of themselves.

use std::path::Path;
use std::process::Command;

use crate::HandbookError;
use crate::page::head;

/// Binary, and where it runs.
pub(crate) const PROGRAMS: [(&str, &str); 3] = [
    ("sekisho", "at a terminal and at the centre · 端末とセンター"),
    ("sekisho-center", "the center · センター"),
    ("sekisho-gate", "a site's gate · 拠点のゲート"),
];

pub(crate) fn page(folder: &Path) -> Result<String, HandbookError> {
    let mut out = head("Commands", "コマンド", "the binaries' own `--help`");
    out.push_str(
        "\nExit codes of `sekisho`: 0 done, 1 refused or not proved, 2 wrong use or a local file, 3 something is out of reach. \
         終了コード: 0 完了、1 拒否または証明不成立、2 使い方または手元のファイルの誤り、3 相手に届かない。\n",
    );
    for (program, place) in PROGRAMS {
        out.push_str(&format!("\n## {program} — {place}\n"));
        describe(folder, program, &mut Vec::new(), &mut out)?;
    }
    Ok(out)
}

fn describe(folder: &Path, program: &str, path: &mut Vec<String>, out: &mut String) -> Result<(), HandbookError> {
    let help = help(folder, program, path)?;
    if !path.is_empty() {
        out.push_str(&format!("\n### {program} {}\n", path.join(" ")));
    }
    out.push_str(&format!("\n```text\n{}\n```\n", help.trim_end()));
    for verb in verbs(&help) {
        path.push(verb);
        describe(folder, program, path, out)?;
        path.pop();
    }
    Ok(())
}

fn help(folder: &Path, program: &str, path: &[String]) -> Result<String, HandbookError> {
    let file = folder.join(program);
    let failed = |why: String| HandbookError::Help { program: file.clone(), why };
    // clap shows the value of a variable that an option reads; nobody's environment belongs on the page.
    let output =
        Command::new(&file).args(path).arg("--help").env_clear().output().map_err(|error| failed(error.to_string()))?;
    if !output.status.success() {
        return Err(failed(String::from_utf8_lossy(&output.stderr).into_owned()));
    }
    let text = String::from_utf8(output.stdout).map_err(|error| failed(error.to_string()))?;
    Ok(text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n"))
}

/// clap's `Commands:` paragraph: two spaces, the verb, its line.
fn verbs(help: &str) -> Vec<String> {
    let after = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let lines = after.take_while(|line| !line.is_empty());
    let verbs = lines.filter_map(|line| line.strip_prefix("  ")?.split_whitespace().next().map(str::to_owned));
    verbs.filter(|verb| verb != "help").collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verbs_are_read_from_the_help() {
        let help =
            "Opens.\n\nUsage: x\n\nCommands:\n  open   Open\n  log    Record\n  help   Print\n\nOptions:\n  -h\n";
        assert_eq!(verbs(help), ["open", "log"]);
        assert!(verbs("Usage: x\n").is_empty());
    }
}
