//! Two clocks: what a step took, and what of it the processor spent on us. On a machine that others use as well the first
//! has waits in it that no program can do anything about; the second has not.

use std::time::Instant;

use rustix::time::{ClockId, Timespec, clock_gettime};

/// Microseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Took {
    /// From begin to end.
    pub wall: f64,
    /// Of this thread (CLOCK_THREAD_CPUTIME_ID), the reading of the clocks included.
    pub cpu: f64,
}

/// Begun.
pub(crate) struct Clock {
    cpu: Timespec,
    wall: Instant,
}

impl Clock {
    pub fn begin() -> Self {
        Self { cpu: clock_gettime(ClockId::ThreadCPUTime), wall: Instant::now() }
    }

    pub fn took(&self) -> Took {
        let wall = self.wall.elapsed().as_secs_f64() * 1e6;
        let now = clock_gettime(ClockId::ThreadCPUTime);
        let nanoseconds = (now.tv_sec - self.cpu.tv_sec) as f64 * 1e9 + (now.tv_nsec - self.cpu.tv_nsec) as f64;
        Took { wall, cpu: nanoseconds / 1e3 }
    }
}

/// All steps of one kind.
#[derive(Debug, Clone, Default)]
pub(crate) struct Steps(pub Vec<Took>);

impl Steps {
    pub fn push(&mut self, took: Took) {
        self.0.push(took);
    }

    /// So many of a hundred are no longer, from begin to end.
    pub fn percentile(&self, percent: f64) -> f64 {
        percentile(&self.0.iter().map(|t| t.wall).collect::<Vec<_>>(), percent)
    }

    /// The same, as the processor counts.
    pub fn percentile_cpu(&self, percent: f64) -> f64 {
        percentile(&self.0.iter().map(|t| t.cpu).collect::<Vec<_>>(), percent)
    }
}

/// So many of a hundred are no more than this; 0 of none.
pub(crate) fn percentile(times: &[f64], percent: f64) -> f64 {
    let mut sorted = times.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = (sorted.len() as f64 * percent / 100.0).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or(0.0)
}

impl std::ops::Sub for Took {
    type Output = Self;
    fn sub(self, before: Self) -> Self {
        Self { wall: self.wall - before.wall, cpu: self.cpu - before.cpu }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_is_the_hundredth_of_a_hundred() {
        let steps = Steps((1..=1000).map(|n| Took { wall: f64::from(n), cpu: f64::from(n) / 2.0 }).collect());
        assert_eq!((steps.percentile(50.0), steps.percentile(99.9), steps.percentile(100.0)), (500.0, 999.0, 1000.0));
        assert_eq!(steps.percentile_cpu(100.0), 500.0);
        assert_eq!(Steps::default().percentile(99.0), 0.0);
    }

    #[test]
    fn a_wait_is_not_the_processors() {
        let clock = Clock::begin();
        std::thread::sleep(std::time::Duration::from_millis(20));
        let took = clock.took();
        assert!(took.wall >= 20_000.0 && took.cpu < took.wall / 2.0, "{took:?}");
    }
}
