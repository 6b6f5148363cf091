//! A made-up directory of institutions, as large and as uneven as the real one: no name in it is meant.
//!
//! Japan has about 240,000 places that could apply: hospitals, clinics, dental clinics, pharmacies. They are many in
//! Tokyo and few in Tottori, and half of them share a word such as クリニック: what makes a search slow is in it.
#![cfg_attr(test, allow(clippy::unwrap_used))]

use joining::{Institution, InstitutionId, Prefecture};

/// As many as there are in Japan, about.
pub const ALL_OF_JAPAN: usize = 240_000;

/// Inhabitants of each prefecture in ten thousands (2020 census): institutions stand where people live.
const PEOPLE: [u64; 47] = [
    522, 124, 121, 230, 96, 107, 183, 287, 193, 194, 734, 628, 1405, 924, 220, 103, 113, 77, 81, 205, 198, 363, 754,
    177, 141, 258, 884, 547, 132, 92, 55, 67, 189, 280, 134, 72, 95, 133, 69, 514, 81, 131, 174, 112, 107, 159, 147,
];

const FAMILIES: [(&str, &str); 48] = [
    ("佐藤", "サトウ"),
    ("鈴木", "スズキ"),
    ("高橋", "タカハシ"),
    ("田中", "タナカ"),
    ("伊藤", "イトウ"),
    ("渡邊", "ワタナベ"),
    ("山本", "ヤマモト"),
    ("中村", "ナカムラ"),
    ("小林", "コバヤシ"),
    ("加藤", "カトウ"),
    ("吉田", "ヨシダ"),
    ("山田", "ヤマダ"),
    ("佐々木", "ササキ"),
    ("松本", "マツモト"),
    ("井上", "イノウエ"),
    ("木村", "キムラ"),
    ("林", "ハヤシ"),
    ("齋藤", "サイトウ"),
    ("清水", "シミズ"),
    ("山崎", "ヤマザキ"),
    ("森", "モリ"),
    ("池田", "イケダ"),
    ("橋本", "ハシモト"),
    ("阿部", "アベ"),
    ("石川", "イシカワ"),
    ("山下", "ヤマシタ"),
    ("中島", "ナカジマ"),
    ("石井", "イシイ"),
    ("小川", "オガワ"),
    ("前田", "マエダ"),
    ("岡田", "オカダ"),
    ("長谷川", "ハセガワ"),
    ("藤田", "フジタ"),
    ("後藤", "ゴトウ"),
    ("近藤", "コンドウ"),
    ("村上", "ムラカミ"),
    ("遠藤", "エンドウ"),
    ("青木", "アオキ"),
    ("坂本", "サカモト"),
    ("福田", "フクダ"),
    ("太田", "オオタ"),
    ("西村", "ニシムラ"),
    ("藤井", "フジイ"),
    ("髙木", "タカギ"),
    ("岡本", "オカモト"),
    ("三浦", "ミウラ"),
    ("金子", "カネコ"),
    ("藤原", "フジワラ"),
];

const PLACES: [(&str, &str); 24] = [
    ("青葉", "アオバ"),
    ("若葉", "ワカバ"),
    ("緑が丘", "ミドリガオカ"),
    ("中央", "チュウオウ"),
    ("駅前", "エキマエ"),
    ("さくら", "サクラ"),
    ("ひまわり", "ヒマワリ"),
    ("東町", "ヒガシマチ"),
    ("西ヶ原", "ニシガハラ"),
    ("南", "ミナミ"),
    ("北", "キタ"),
    ("本町", "ホンチョウ"),
    ("桜台", "サクラダイ"),
    ("けやき", "ケヤキ"),
    ("みなと", "ミナト"),
    ("富士見", "フジミ"),
    ("旭", "アサヒ"),
    ("泉", "イズミ"),
    ("大手", "オオテ"),
    ("川口", "カワグチ"),
    ("希望の丘", "キボウノオカ"),
    ("つばさ", "ツバサ"),
    ("ふれあい", "フレアイ"),
    ("ＡＢＣ", "エービーシー"),
];

/// What a place is, and how many of a hundred.
const KINDS: [(u64, &str, &str); 12] = [
    (5, "病院", "ビョウイン"),
    (14, "クリニック", "クリニック"),
    (8, "内科クリニック", "ナイカクリニック"),
    (6, "医院", "イイン"),
    (5, "診療所", "シンリョウジョ"),
    (4, "整形外科", "セイケイゲカ"),
    (3, "こどもクリニック", "コドモクリニック"),
    (3, "皮ふ科", "ヒフカ"),
    (2, "メディカルセンター", "メディカルセンター"),
    (25, "歯科医院", "シカイイン"),
    (4, "ﾃﾞﾝﾀﾙｸﾘﾆｯｸ", "デンタルクリニック"),
    (21, "薬局", "ヤッキョク"),
];

const CORPORATIONS: [(&str, &str); 6] = [
    ("", ""),
    ("", ""),
    ("", ""),
    ("医療法人社団", "イリョウホウジンシャダン"),
    ("医療法人", "イリョウホウジン"),
    ("社会福祉法人", "シャカイフクシホウジン"),
];

/// So many institutions, the same for the same seed, numbered from 1.
pub fn institutions(count: usize, seed: u64) -> Vec<Institution> {
    let mut dice = Dice(seed);
    let people: u64 = PEOPLE.iter().sum();
    (1..=count)
        .map(|n| {
            let prefecture = at(&PEOPLE, dice.below(people));
            let place = PLACES[dice.below(PLACES.len() as u64) as usize];
            let family = FAMILIES[dice.below(FAMILIES.len() as u64) as usize];
            let kind = KINDS[at(&KINDS.map(|k| k.0), dice.below(KINDS.iter().map(|k| k.0).sum()))];
            let corporation = CORPORATIONS[dice.below(CORPORATIONS.len() as u64) as usize];
            // Some are called after the place, some after the family, some after both.
            let (name, kana) = match dice.below(3) {
                0 => (place.0.to_owned(), place.1.to_owned()),
                1 => (family.0.to_owned(), family.1.to_owned()),
                _ => (format!("{}{}", place.0, family.0), format!("{}{}", place.1, family.1)),
            };
            let blank = if corporation.0.is_empty() { "" } else { "　" };
            let number = dice.below(300) + 1;
            let mark = if dice.below(4) == 0 { format!("第{number}") } else { String::new() };
            let mark_kana = if mark.is_empty() { String::new() } else { format!("ダイ{number}") };
            let prefecture = Prefecture::new(prefecture as u8 + 1).expect("the table has 47 rows");
            Institution {
                id: InstitutionId(n as i64),
                code: format!("{:02}{}{:07}", prefecture.number(), 1 + dice.below(4), n % 10_000_000),
                prefecture,
                name: format!("{}{blank}{mark}{name}{}", corporation.0, kind.1),
                kana: format!("{}{mark_kana}{kana}{}", corporation.1, kind.2),
                address: format!(
                    "{}市{}{}丁目{number}番{}号",
                    family.0,
                    place.0,
                    1 + dice.below(9),
                    1 + dice.below(40)
                ),
            }
        })
        .collect()
}

/// The row in which a throw lies, by weights.
fn at(weights: &[u64], mut throw: u64) -> usize {
    for (row, weight) in weights.iter().enumerate() {
        if throw < *weight {
            return row;
        }
        throw -= weight;
    }
    weights.len() - 1
}

/// SplitMix64: the same everywhere, for ever.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let a = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let b = (a ^ (a >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (b ^ (b >> 31)) % bound
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::{BTreeMap, BTreeSet};

    #[test]
    fn the_same_seed_gives_the_same_and_no_prefecture_is_empty() {
        let all = institutions(20_000, 1);
        assert_eq!(all, institutions(20_000, 1));
        assert_ne!(all, institutions(20_000, 2));
        let mut of: BTreeMap<u8, usize> = BTreeMap::new();
        all.iter().for_each(|i| *of.entry(i.prefecture.number()).or_default() += 1);
        assert_eq!(of.len(), 47);
        assert!(of[&13] > 10 * of[&31], "Tokyo and Tottori");
        let names: BTreeSet<&str> = all.iter().map(|i| i.name.as_str()).collect();
        assert!(names.len() > 10_000, "{}", names.len());
    }

    #[test]
    fn every_reading_is_katakana_and_every_code_has_ten_digits() {
        for one in institutions(5_000, 3) {
            assert!(one.kana.chars().all(|c| matches!(c, 'ァ'..='ヺ' | 'ー' | '0'..='9')), "{}", one.kana);
            assert!(one.code.len() == 10 && one.code.bytes().all(|b| b.is_ascii_digit()), "{}", one.code);
        }
    }
}
