//! For tests of every room: is everything said, and said in the reader's language alone (X5)?

use crate::{Arg, Lang, Texts};

/// What of these keys has no text or no mend in a language, one that wants values the fault does not have, or an English
/// sentence in Japanese; `besides` are values that come from elsewhere. Empty if all is well.
pub fn lacking(all: &[(&str, &[&str])], besides: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for texts in Lang::ALL.map(Texts::new) {
        for (key, names) in all {
            let args: Vec<(&str, Arg)> = names.iter().chain(besides).map(|name| (*name, Arg::text("x"))).collect();
            for key in [(*key).to_owned(), format!("{key}-do")] {
                let said = texts.say(&key, &args);
                let mixed = texts.lang() == Lang::Ja && english_in(&said).is_some();
                if !texts.has(&key) || said.contains("{$") || mixed {
                    found.push(format!("{}: {key}: {said}", texts.lang()));
                }
            }
        }
    }
    found
}

/// A letter of Japanese.
pub fn is_japanese(c: char) -> bool {
    ('\u{3040}'..='\u{9fff}').contains(&c)
}

/// Two English words in a row in a Japanese text, outside of what it quotes in 「」.
pub fn english_in(text: &str) -> Option<String> {
    let mut depth = 0_usize;
    let open: String = text
        .chars()
        .filter(|c| {
            match c {
                '「' => depth += 1,
                '」' => depth = depth.saturating_sub(1),
                _ => {}
            }
            depth == 0
        })
        .collect();
    let word = |w: &str| w.len() > 1 && w.chars().all(|c| c.is_ascii_alphabetic() || matches!(c, '\'' | ',' | '.'));
    let pair = |clause: &str| {
        let words: Vec<&str> = clause.split(' ').collect();
        words.windows(2).find(|pair| pair.iter().all(|w| word(w))).map(|pair| pair.join(" "))
    };
    open.split(['：', '。', '、', '（', '）']).find_map(pair)
}

#[cfg(test)]
mod tests {
    use super::*;

    crate::faults! {
        /// Two of other rooms, and one that nobody words.
        enum Sample in "section" {
            /// Has a text and no mend.
            Noted = "with-note" { section: Arg, note: String }
            /// Has nothing.
            Unworded = "of-nobody" {}
        }
    }

    #[test]
    fn a_fault_without_words_or_with_other_values_is_found_x5() {
        let noted = Sample::Noted { section: Arg::Key("section-peer".into()), note: "x".into() };
        assert_eq!(noted.to_string(), "peer facility: x; section-with-note-do");
        assert_eq!(Sample::Unworded {}.words().what(&Texts::new(Lang::Ja)), "section-of-nobody");
        let found = lacking(Sample::ALL, &[]);
        let of = |key: &str| found.iter().filter(|one| one.contains(key)).count();
        assert_eq!((of("section-with-note-do"), of("section-of-nobody:"), of("section-with-note:")), (2, 2, 0));
        let found = lacking(&[("section-with-note", &["note"])], &[]);
        assert!(found.iter().any(|one| one.contains("section-with-note: {$section}")), "{found:?}");
    }

    #[test]
    fn an_english_sentence_is_found() {
        assert_eq!(english_in("clinic.toml:3：its prefix overlaps"), Some("its prefix".into()));
        assert_eq!(english_in("clinic.toml [[service]] records：「its prefix」は sw1/3 です"), None);
    }
}
