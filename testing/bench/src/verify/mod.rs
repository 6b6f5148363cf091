//! What proving every change costs, how it grows with what is open, and what the plain way costs in the same run.

pub mod exact;
pub mod inline;
pub mod peer;
pub mod stanford;

use crate::{BenchError, Row};

/// Lines open, or rules read back.
pub(crate) const SIZES: &[(&str, usize)] = &[("10k", 10_000), ("100k", 100_000), ("1m", 1_000_000)];

/// All rows of the proof engine, and a note.
///
/// # Errors
/// [`BenchError`] if what must be accepted is refused.
pub fn measure(progress: &dyn Fn(&str)) -> Result<(Vec<Row>, String), BenchError> {
    let mut rows = inline::measure(SIZES, progress)?;
    rows.extend(exact::measure(SIZES, progress)?);
    match stanford::folder() {
        Some(folder) => rows.extend(stanford::stanford(&folder, progress)?),
        None => progress("the published updates are not here; see the bench's `stanford`"),
    }
    let note = "A line has six flow rules, two tunnels and four filters at its two ends together; sizes of the tier1 \
                rows count lines, those of cold-start and tier2 flow rules. The full judge follows every path of both sites. OxiDD only finds that \
                rules are disjoint; our tier 2 finds in its time that grants, tunnels and filters at both ends cover them.\n";
    Ok((rows, note.to_owned()))
}
