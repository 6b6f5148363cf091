//! What proving every change costs, how it grows with what is open, and what the plain way costs in the same run.

mod clock;
pub mod exact;
pub mod growth;
pub mod inline;
pub mod memory;
pub mod peer;
pub mod stanford;
mod world;

use crate::{BenchError, Row};

/// Lines open, or rules read back.
pub(crate) const SIZES: &[(&str, usize)] = &[("10k", 10_000), ("100k", 100_000), ("1m", 1_000_000)];

/// What was measured.
#[derive(Debug)]
pub struct Measured {
    /// All rows.
    pub rows: Vec<Row>,
    /// For people, after the table.
    pub notes: String,
    /// Growth as a picture (SVG).
    pub picture: String,
}

/// A part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Part {
    /// The inline proof.
    Tier1,
    /// The exact one, beside the plain engine.
    Tier2,
    /// The published updates.
    Stanford,
}

/// All rows of the proof engine, or of a part of it.
///
/// # Errors
/// [`BenchError`] if what must be accepted is refused.
pub fn measure(only: Option<Part>, progress: &dyn Fn(&str)) -> Result<Measured, BenchError> {
    let (mut rows, mut curves) = (Vec::new(), Vec::new());
    let wanted = |part| only.is_none_or(|only| only == part);
    if wanted(Part::Tier1) {
        (rows, curves) = inline::measure(SIZES, progress)?;
    }
    if wanted(Part::Tier2) {
        let (more, exact) = exact::measure(SIZES, progress)?;
        rows.extend(more);
        curves.extend(exact);
    }
    match stanford::folder().filter(|_| wanted(Part::Stanford)) {
        Some(folder) => rows.extend(stanford::stanford(&folder, progress)?),
        None if wanted(Part::Stanford) => progress("the published updates are not here; see the bench's `stanford`"),
        None => {}
    }
    let note = "A line has six flow rules, two tunnels and four filters at its two ends together; sizes of the tier1 \
                rows count lines, those of cold-start and tier2 flow rules. The full judge follows every path of both sites. OxiDD only finds that \
                rules are disjoint; our tier 2 finds in its time that grants, tunnels and filters at both ends cover them. \
                Memory in large pages, as the center's unit file asks for, unless GLIBC_TUNABLES says otherwise.\n";
    Ok(Measured { rows, notes: format!("{note}\n{}\n", growth::text(&curves)), picture: growth::svg(&curves) })
}
