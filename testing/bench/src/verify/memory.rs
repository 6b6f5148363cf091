//! What the memory of this machine takes by itself: so that a tail can be told from a tail of the machine's.

use std::hint::black_box;
use std::time::Instant;

use crate::{BenchError, Row};

use super::clock::percentile;
use super::inline::{one, resident, summary};

/// Reads that an opening cannot do without, however it is written: at both ends the grant's bucket and the rules' (place in
/// the list, head, and two lines of what is in it).
const READS: usize = 16;
/// Reads between two measured ones, so that the measured ones find as little in the caches as an opening does.
const BETWEEN: usize = 1500;
const ROUNDS: usize = 20_000;
/// One number a line of the cache.
const LINE: usize = 8;

/// `memory-floor`: sixteen reads, each at a place that the one before it names, in as much memory as this process holds
/// now (microseconds); with `-p99.9`. No part of the product: it knows nothing and decides nothing.
///
/// # Errors
/// [`BenchError`] if this process's own size cannot be read.
pub fn floor(name: &str) -> Result<Vec<Row>, BenchError> {
    let lines = resident()? / (LINE * size_of::<u64>());
    let memory = one_round_trip(lines);
    let follow = |from: usize, reads: usize| (0..reads).fold(from, |at, _| memory[at * LINE] as usize);
    let mut at = 0;
    let mut times = Vec::with_capacity(ROUNDS);
    for _ in 0..ROUNDS {
        at = black_box(follow(at, BETWEEN));
        let begin = Instant::now();
        at = black_box(follow(at, READS));
        times.push(begin.elapsed().as_secs_f64() * 1e6);
    }
    let beyond = percentile(&times, 99.9);
    Ok(vec![
        Row::new(format!("memory-floor-{name}"), "us", summary(times)?, None),
        Row::new(format!("memory-floor-p99.9-{name}"), "us", one(beyond)?, None),
    ])
}

/// Each line names another, and following them passes all (Sattolo 1986); the same in every run.
fn one_round_trip(lines: usize) -> Vec<u64> {
    let mut memory = vec![0u64; lines * LINE];
    let mut order: Vec<u32> = (0..lines as u32).collect();
    let mut random = 0x9e37_79b9_7f4a_7c15u64;
    for n in (1..lines).rev() {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        order.swap(n, (random % n as u64) as usize);
    }
    for (n, next) in order.into_iter().enumerate() {
        memory[n * LINE] = u64::from(next);
    }
    memory
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_trip_passes_every_line_once() {
        let memory = one_round_trip(1000);
        let mut at = 0;
        for step in 1..=1000 {
            at = memory[at * LINE] as usize;
            assert_eq!(at == 0, step == 1000, "{step}");
        }
    }
}
