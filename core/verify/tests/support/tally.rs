//! Counts of a long run, kept in a file a line at a time: half, program, seed, counts.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, OpenOptions};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Half {
    Mutants,
    Valid,
}

impl Half {
    pub const BOTH: [Self; 2] = [Self::Mutants, Self::Valid];

    fn name(self) -> &'static str {
        match self {
            Self::Mutants => "mutants",
            Self::Valid => "valid",
        }
    }
}

/// What this very program counted, here or in the file before. What another one counted stays there and is not ours: it
/// says nothing about the code we are.
pub struct Tally {
    file: Option<File>,
    program: String,
    seeds: BTreeSet<(Half, u64)>,
    sums: BTreeMap<(Half, String), u64>,
}

impl Tally {
    /// Nothing else may count in the same file meanwhile.
    pub fn open(path: Option<&Path>) -> Result<Self, String> {
        let mut hasher = DefaultHasher::new();
        let program = std::env::current_exe().and_then(std::fs::read).map_err(|e| format!("this program: {e}"))?;
        program.hash(&mut hasher);
        let program = format!("{:016x}", hasher.finish());
        let mut tally = Self { file: None, program, seeds: BTreeSet::new(), sums: BTreeMap::new() };
        let Some(path) = path else { return Ok(tally) };
        let told = |e: &dyn std::fmt::Display| format!("{}: {e}", path.display());
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(path).map_err(|e| told(&e))?;
        file.try_lock().map_err(|e| told(&e))?;
        let mut text = String::new();
        file.read_to_string(&mut text).map_err(|e| told(&e))?;
        // A kill may have cut the last line off.
        let whole = text.rfind('\n').map_or(0, |n| n + 1);
        file.set_len(whole as u64).and_then(|()| file.seek(SeekFrom::End(0))).map_err(|e| told(&e))?;
        for line in text[..whole].lines() {
            tally.read(line).ok_or_else(|| told(&format!("not a line of a tally: {line}")))?;
        }
        tally.file = Some(file);
        Ok(tally)
    }

    fn read(&mut self, line: &str) -> Option<()> {
        let [half, program, seed, counts] = line.split('\t').collect::<Vec<_>>().try_into().ok()?;
        let half = Half::BOTH.into_iter().find(|h| h.name() == half)?;
        let seed = seed.parse().ok()?;
        let counts = counts.split(' ').map(|one| {
            let (name, count) = one.split_once('=')?;
            Some((name, count.parse().ok()?))
        });
        let counts = counts.collect::<Option<Vec<(&str, u64)>>>()?;
        if program == self.program {
            self.count(half, seed, &counts);
        }
        Some(())
    }

    fn count(&mut self, half: Half, seed: u64, counts: &[(&str, u64)]) {
        if self.seeds.insert((half, seed)) {
            for (name, count) in counts {
                *self.sums.entry((half, (*name).to_owned())).or_default() += count;
            }
        }
    }

    /// Counts a piece of work that is done, and writes it down.
    pub fn add(&mut self, half: Half, seed: u64, counts: &[(&str, u64)]) -> Result<(), String> {
        if self.seeds.contains(&(half, seed)) {
            return Err(format!("{} {seed} is counted already", half.name()));
        }
        self.count(half, seed, counts);
        let counts: Vec<String> = counts.iter().map(|(name, count)| format!("{name}={count}")).collect();
        let line = format!("{}\t{}\t{seed}\t{}\n", half.name(), self.program, counts.join(" "));
        self.file.as_mut().map_or(Ok(()), |file| file.write_all(line.as_bytes())).map_err(|e| format!("the tally: {e}"))
    }

    /// The first from this one on that is not counted.
    pub fn next_seed(&self, half: Half, from: u64) -> u64 {
        (from..).find(|seed| !self.seeds.contains(&(half, *seed))).unwrap_or(from)
    }

    pub fn counted(&self, half: Half) -> u64 {
        self.sum(half, "tried")
    }

    pub fn sum(&self, half: Half, name: &str) -> u64 {
        self.sums.get(&(half, name.to_owned())).copied().unwrap_or_default()
    }

    /// Everything counted, in a line.
    pub fn told(&self) -> String {
        let of = |half: Half| {
            let sums = self.sums.iter().filter(|((h, _), _)| *h == half);
            let sums: Vec<String> = sums.map(|((_, name), sum)| format!("{name} {sum}")).collect();
            let seeds = self.seeds.iter().filter(|(h, _)| *h == half).count();
            format!("{}: seeds {seeds} {}", half.name(), sums.join(" "))
        };
        Half::BOTH.map(of).join(" | ")
    }
}
