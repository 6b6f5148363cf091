//! Searches for an institution, against `LIKE` on the same table, which is what one writes first.

use joining::Prefecture;
use measure::{Peer, Row, Summary};
use reception::Joining;
use sqlx::{Connection, Row as _};
use std::time::Instant;

use crate::CrowdError;

/// Words that find many, some, few and none, in the writing that the table has.
const WORDS: [(&str, &str); 8] = [
    ("クリニック", "クリニック"),
    ("あおば", "アオバ"),
    ("渡辺", "渡邊"),
    ("ﾄｳｷｮｳ", "トウキョウ"),
    ("第12 さくら", "さくら"),
    ("長谷川整形", "長谷川整形"),
    ("ＡＢＣ", "ＡＢＣ"),
    ("小林薬局", "小林薬局"),
];
const ROUNDS: usize = 25;

pub(crate) async fn measure(name: &str, url: &str, joining: &Joining) -> Result<Vec<Row>, CrowdError> {
    sqlx::any::install_default_drivers();
    let mut raw = sqlx::AnyConnection::connect(url).await?;
    let mut rows = Vec::new();
    for (where_, prefecture) in [("in Tokyo", Prefecture::new(13)), ("in all prefectures", None)] {
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            for (words, like) in WORDS {
                let begin = Instant::now();
                joining.search_institutions(prefecture, words, 20).await?;
                ours.push(begin.elapsed().as_secs_f64() * 1000.0);
                let begin = Instant::now();
                let pattern = format!("%{like}%");
                let statement = "SELECT id, name FROM institution
                    WHERE (prefecture = $1 OR $1 = 0) AND (name LIKE $2 OR kana LIKE $2) ORDER BY id";
                let found = sqlx::query(statement)
                    .bind(prefecture.map_or(0, |p| i64::from(p.number())))
                    .bind(pattern)
                    .fetch_all(&mut raw)
                    .await?;
                let _: Vec<i64> = found.iter().map(|r| r.get(0)).collect();
                theirs.push(begin.elapsed().as_secs_f64() * 1000.0);
            }
        }
        let peer = Summary::of_times(theirs).map(|summary| Peer { name: "LIKE".into(), summary });
        if let Some(ours) = Summary::of_times(ours) {
            rows.push(Row::new(format!("{name}: search {where_}"), "ms", ours, peer));
        }
    }
    Ok(rows)
}
