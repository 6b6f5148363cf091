//! Finding an institution by a part of its name (医療機関検索): partial, and blind to width, case and kana.

use memchr::memmem;
use std::ops::Range;
use unicode_normalization::UnicodeNormalization;

use crate::{InstitutionId, Prefecture};

/// A text without what people write now one way and now another: NFKC (UAX #15) for width and compatibility forms,
/// small letters, katakana for hiragana, large kana for small, new kanji for old; no blanks, punctuation or long marks.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SearchKey(String);

impl SearchKey {
    /// Of any text.
    pub fn of(text: &str) -> Self {
        Self(text.nfkc().flat_map(char::to_lowercase).filter_map(fold).collect())
    }

    /// The folded text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn fold(c: char) -> Option<char> {
    let c = match c {
        // Hiragana lie at a fixed distance from their katakana.
        'ぁ'..='ゖ' => char::from_u32(c as u32 + 0x60).unwrap_or(c),
        other => other,
    };
    Some(match c {
        'ァ' => 'ア',
        'ィ' => 'イ',
        'ゥ' => 'ウ',
        'ェ' => 'エ',
        'ォ' => 'オ',
        'ヵ' => 'カ',
        'ヶ' => 'ケ',
        'ッ' => 'ツ',
        'ャ' => 'ヤ',
        'ュ' => 'ユ',
        'ョ' => 'ヨ',
        'ヮ' => 'ワ',
        'ヂ' => 'ジ',
        'ヅ' => 'ズ',
        '髙' => '高',
        '﨑' | '嵜' => '崎',
        '齋' | '齊' | '斉' => '斎',
        '澤' => '沢',
        '邊' | '邉' => '辺',
        '濱' | '濵' => '浜',
        '廣' => '広',
        '國' => '国',
        '龍' => '竜',
        '嶋' | '嶌' => '島',
        '惠' => '恵',
        '會' => '会',
        '醫' => '医',
        '櫻' => '桜',
        '德' => '徳',
        '眞' => '真',
        // Long marks and hyphens of every kind, blanks, dots and brackets.
        'ー' | '―' | '‐' | '‑' | '–' | '—' | '−' | '〜' | '～' => return None,
        c if c.is_alphanumeric() => c,
        _ => return None,
    })
}

/// Full-width ASCII as ASCII, the ideographic blank as a blank; everything else stays.
pub(crate) fn half_width(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '！'..='～' => char::from_u32(c as u32 - 0xFEE0).unwrap_or(c),
            '\u{3000}' => ' ',
            other => other,
        })
        .collect()
}

/// Begins each record; no key holds it.
const BEGIN: char = '\u{1}';
/// Between the name and the reading of a record.
const BETWEEN: char = '\u{2}';

/// The directory of institutions, ready to be searched: one text in order of prefectures, and where each record begins.
/// A search runs over the text as fast as memory is read, so it needs no table of parts of words.
#[derive(Debug, Clone, Default)]
pub struct Directory {
    text: String,
    starts: Vec<u32>,
    ids: Vec<InstitutionId>,
    /// Records of each prefecture, by its number less one.
    of_prefecture: Vec<Range<usize>>,
}

/// What a search found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// The best: names that are the words, names that begin with them, then the others; each by number.
    pub ids: Vec<InstitutionId>,
    /// How many there are in all.
    pub total: usize,
}

impl Directory {
    /// From institutions in any order: number, prefecture, key of the name, key of the reading.
    pub fn build(institutions: impl IntoIterator<Item = (InstitutionId, Prefecture, SearchKey, SearchKey)>) -> Self {
        let mut all: Vec<_> = institutions.into_iter().collect();
        all.sort_by_key(|(id, prefecture, ..)| (*prefecture, *id));
        let mut made = Self::default();
        for prefecture in Prefecture::all() {
            let first = made.ids.len();
            let begin = all.partition_point(|(_, p, ..)| *p < prefecture);
            let end = all.partition_point(|(_, p, ..)| *p <= prefecture);
            for (id, _, name, kana) in &all[begin..end] {
                // Four gigabytes of names are more than there are institutions on earth.
                made.starts.push(u32::try_from(made.text.len()).unwrap_or(u32::MAX));
                made.ids.push(*id);
                made.text.push(BEGIN);
                made.text.push_str(name.as_str());
                made.text.push(BETWEEN);
                made.text.push_str(kana.as_str());
            }
            made.of_prefecture.push(first..made.ids.len());
        }
        made
    }

    /// How many institutions.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Is there none?
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// Institutions whose name or reading holds every word (separated by blanks), in one prefecture or in all; at most
    /// `limit`. Without words: the first ones.
    pub fn search(&self, prefecture: Option<Prefecture>, words: &str, limit: usize) -> Found {
        let records = match prefecture {
            Some(p) => self.of_prefecture.get(usize::from(p.number()) - 1).cloned().unwrap_or(0..0),
            None => 0..self.ids.len(),
        };
        let mut terms: Vec<SearchKey> =
            words.split_whitespace().map(SearchKey::of).filter(|k| !k.as_str().is_empty()).collect();
        if terms.is_empty() {
            // Words that hold nothing to look for find nothing; no words at all find everything.
            let total = if words.trim().is_empty() { records.len() } else { 0 };
            let ids = self.ids[records].iter().take(limit.min(total)).copied().collect();
            return Found { ids, total };
        }
        let whole: String = terms.iter().map(SearchKey::as_str).collect();
        // The longest word is the rarest.
        terms.sort_by_key(|k| std::cmp::Reverse(k.as_str().len()));
        let mut hits = self.records_with(&records, terms[0].as_str());
        hits.retain(|record| {
            terms[1..].iter().all(|t| memmem::find(self.record(*record), t.as_str().as_bytes()).is_some())
        });
        let total = hits.len();
        let mut ranked: Vec<(u8, usize)> = hits.into_iter().map(|record| (self.rank(record, &whole), record)).collect();
        if ranked.len() > limit && limit > 0 {
            ranked.select_nth_unstable(limit - 1);
        }
        ranked.truncate(limit);
        ranked.sort_unstable();
        Found { ids: ranked.into_iter().map(|(_, record)| self.ids[record]).collect(), total }
    }

    /// Records among these that hold a word, in order.
    fn records_with(&self, records: &Range<usize>, word: &str) -> Vec<usize> {
        let begin = self.start(records.start);
        let end = self.start(records.end);
        let text = &self.text.as_bytes()[begin..end];
        let mut found = Vec::new();
        let mut next = records.start;
        for at in memmem::find_iter(text, word.as_bytes()) {
            let at = begin + at;
            if next > records.start && at < self.start(next) {
                continue;
            }
            next += self.starts[next..records.end].partition_point(|s| *s as usize <= at);
            found.push(next - 1);
        }
        found
    }

    fn rank(&self, record: usize, whole: &str) -> u8 {
        let name = self.record(record).get(1..).unwrap_or_default();
        match name.strip_prefix(whole.as_bytes()) {
            Some([b, ..]) if *b == BETWEEN as u8 => 0,
            Some(_) => 1,
            None => 2,
        }
    }

    fn record(&self, record: usize) -> &[u8] {
        &self.text.as_bytes()[self.start(record)..self.start(record + 1)]
    }

    fn start(&self, record: usize) -> usize {
        self.starts.get(record).map_or(self.text.len(), |s| *s as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key(text: &str) -> String {
        SearchKey::of(text).as_str().to_owned()
    }

    fn directory(names: &[(u8, &str, &str)]) -> Directory {
        Directory::build(names.iter().enumerate().map(|(i, (p, name, kana))| {
            (InstitutionId(i as i64), Prefecture::new(*p).unwrap(), SearchKey::of(name), SearchKey::of(kana))
        }))
    }

    #[test]
    fn width_case_and_kana_make_no_difference_r3() {
        assert_eq!(key("ｱｵﾊﾞ ｸﾘﾆｯｸ"), key("あおばくりにっく"));
        assert_eq!(key("ＡＯＢＡ　Ｃｌｉｎｉｃ"), key("aoba clinic"));
        assert_eq!(key("センター"), key("せんた"));
        assert_eq!(key("髙﨑齋藤"), key("高崎斎藤"));
        assert_eq!(key("霞ヶ関"), key("霞ケ関"));
        assert_eq!(key("㈱"), "株");
        assert_eq!(key("・（）-"), "");
        assert_ne!(key("ハ"), key("バ"));
    }

    #[test]
    fn a_part_of_the_name_or_of_its_reading_finds_it_r3() {
        let all = directory(&[
            (13, "医療法人社団 青葉クリニック", "アオバクリニック"),
            (13, "青葉", "アオバ"),
            (13, "青葉内科", "アオバナイカ"),
            (14, "横浜青葉病院", "ヨコハマアオバビョウイン"),
            (47, "Aoba Hospital", "アオバホスピタル"),
        ]);
        let find =
            |p: u8, words: &str| all.search(Prefecture::new(p), words, 10).ids.iter().map(|i| i.0).collect::<Vec<_>>();
        assert_eq!(find(13, "青葉"), [1, 2, 0]);
        assert_eq!(find(13, "ﾅｲｶ"), [2]);
        assert_eq!(find(13, "あおば　くりにつく"), [0]);
        assert_eq!(find(14, "青葉"), [3]);
        assert_eq!(find(47, "ＡＯＢＡ"), [4]);
        assert_eq!(find(1, "青葉"), [0i64; 0]);
        assert_eq!(find(0, "アオバ"), [0, 1, 2, 3, 4]);
        assert_eq!(find(13, ""), [0, 1, 2]);
        assert_eq!(find(13, "・"), [0i64; 0]);
        let two = all.search(None, "アオバ", 2);
        assert_eq!((two.ids.len(), two.total), (2, 5));
    }

    #[test]
    fn a_word_never_matches_across_two_institutions() {
        let all = directory(&[(13, "青葉", "アオバ"), (13, "クリニック", "クリニック")]);
        assert_eq!(all.search(None, "バクリ", 9).total, 0);
        assert_eq!(all.search(None, "葉アオ", 9).total, 0);
    }

    proptest! {
        #[test]
        fn it_finds_what_a_simple_loop_finds(
            names in proptest::collection::vec((1u8..4, "[アイウa-c ]{0,8}"), 0..40),
            words in "[アイウあA-C]{1,3}",
            p in 0u8..4
        ) {
            let rows: Vec<(u8, &str, &str)> = names.iter().map(|(p, n)| (*p, n.as_str(), "")).collect();
            let found = directory(&rows).search(Prefecture::new(p), &words, 100);
            let mut ids: Vec<i64> = found.ids.iter().map(|i| i.0).collect();
            ids.sort();
            let wanted: Vec<i64> = names.iter().enumerate()
                .filter(|(_, (of, n))| (p == 0 || *of == p) && key(n).contains(&key(&words)))
                .map(|(i, _)| i as i64).collect();
            prop_assert_eq!(found.total, wanted.len());
            prop_assert_eq!(ids, wanted);
        }

        #[test]
        fn a_key_is_its_own_key(text in ".{0,30}") {
            prop_assert_eq!(key(&key(&text)), key(&text));
        }
    }
}
