//! The shape of every result, for people and for machines.

use serde::Serialize;

/// One side of a comparison.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    /// The middle one of all rounds.
    pub median: f64,
    /// 99 of 100 rounds are no worse: the slow end of times, the low end of rates.
    pub p99: f64,
    /// Number of rounds.
    pub n: usize,
}

/// What the trade has.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Peer {
    /// Its name.
    pub name: String,
    /// What it reached in the same run.
    #[serde(flatten)]
    pub summary: Summary,
}

/// One metric.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// Its name.
    pub metric: String,
    /// Unit of both sides.
    pub unit: String,
    /// Ours.
    pub ours: Summary,
    /// The peer's, where there is one.
    pub peer: Option<Peer>,
    /// Median of ours by median of the peer.
    pub ratio: Option<f64>,
}

impl Summary {
    /// Of times: more is worse. `None` if nothing was measured.
    pub fn of_times(mut rounds: Vec<f64>) -> Option<Self> {
        rounds.sort_by(f64::total_cmp);
        Self::of_sorted(&rounds)
    }

    /// Of rates: less is worse.
    pub fn of_rates(mut rounds: Vec<f64>) -> Option<Self> {
        rounds.sort_by(|a, b| b.total_cmp(a));
        Self::of_sorted(&rounds)
    }

    /// From best to worst.
    fn of_sorted(rounds: &[f64]) -> Option<Self> {
        let n = rounds.len();
        let rank = |share: f64| rounds.get(((n as f64 * share).ceil() as usize).saturating_sub(1)).copied();
        Some(Self { median: rank(0.5)?, p99: rank(0.99)?, n })
    }
}

impl Row {
    /// A row; the ratio follows.
    pub fn new(metric: impl Into<String>, unit: &str, ours: Summary, peer: Option<Peer>) -> Self {
        let ratio = peer.as_ref().map(|peer| ours.median / peer.summary.median);
        Self { metric: metric.into(), unit: unit.to_owned(), ours, peer, ratio }
    }
}

/// Rows as people read them.
pub fn table(rows: &[Row]) -> String {
    let mut lines = vec![[
        "metric".to_owned(),
        "unit".to_owned(),
        "ours median".to_owned(),
        "ours p99".to_owned(),
        "n".to_owned(),
        "peer".to_owned(),
        "peer median".to_owned(),
        "peer p99".to_owned(),
        "n".to_owned(),
        "ratio".to_owned(),
    ]];
    for row in rows {
        let side = |s: Option<&Summary>| match s {
            Some(s) => [number(s.median), number(s.p99), s.n.to_string()],
            None => ["-", "-", "-"].map(str::to_owned),
        };
        let [ours, ours99, n] = side(Some(&row.ours));
        let [theirs, theirs99, m] = side(row.peer.as_ref().map(|p| &p.summary));
        let name = row.peer.as_ref().map_or("-".to_owned(), |p| p.name.clone());
        let ratio = row.ratio.map_or("-".to_owned(), |r| format!("{r:.2}"));
        lines.push([row.metric.clone(), row.unit.clone(), ours, ours99, n, name, theirs, theirs99, m, ratio]);
    }
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; 10] = std::array::from_fn(width);
    let mut text = String::new();
    for line in &lines {
        for (column, cell) in line.iter().enumerate() {
            let gap = widths[column] - cell.chars().count();
            // Words to the left, numbers to the right.
            let (before, after) = if matches!(column, 0 | 1 | 5) { (0, gap) } else { (gap, 0) };
            text += &format!("{}{cell}{}  ", " ".repeat(before), " ".repeat(after));
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
    }
    text
}

fn number(value: f64) -> String {
    match value.abs() {
        v if v >= 1000.0 => format!("{value:.0}"),
        v if v >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.3}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_of_a_hundred_is_beyond_p99_on_either_end() {
        let times = Summary::of_times((1..=100).map(f64::from).collect()).unwrap();
        assert_eq!((times.median, times.p99, times.n), (50.0, 99.0, 100));
        let rates = Summary::of_rates((1..=100).map(f64::from).collect()).unwrap();
        assert_eq!((rates.median, rates.p99), (51.0, 2.0));
        assert_eq!(Summary::of_times(Vec::new()), None);
    }

    #[test]
    fn a_row_is_written_in_the_agreed_shape() {
        let one = |median| Summary { median, p99: 9.0, n: 3 };
        let row = Row::new("m", "us", one(2.0), Some(Peer { name: "p".into(), summary: one(4.0) }));
        assert_eq!(
            serde_json::to_value(&row).unwrap(),
            serde_json::json!({"metric": "m", "unit": "us", "ours": {"median": 2.0, "p99": 9.0, "n": 3},
                "peer": {"name": "p", "median": 4.0, "p99": 9.0, "n": 3}, "ratio": 0.5})
        );
        let alone = serde_json::to_value(Row::new("m", "us", one(2.0), None)).unwrap();
        assert_eq!((&alone["peer"], &alone["ratio"]), (&serde_json::Value::Null, &serde_json::Value::Null));
    }
}
