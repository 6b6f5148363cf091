//! How often something may be told: a flood is answered all the same, but told in numbers.

use model::Timestamp;

/// A token bucket over the machine's clock.
#[derive(Debug, Clone)]
pub(crate) struct Budget {
    per_second: i64,
    burst: i64,
    /// Thousandths.
    left: i64,
    at: Timestamp,
    suppressed: u64,
}

impl Budget {
    pub(crate) fn new(per_second: i64, burst: i64) -> Self {
        Self { per_second, burst, left: burst * 1000, at: Timestamp(0), suppressed: 0 }
    }

    /// True if it may be told now; counts what may not.
    pub(crate) fn spend(&mut self, now: Timestamp) -> bool {
        let passed = now.0.saturating_sub(self.at.0).max(0);
        self.at = now;
        self.left = self.left.saturating_add(passed.saturating_mul(self.per_second)).min(self.burst * 1000);
        let may = self.left >= 1000;
        if may {
            self.left -= 1000;
        } else {
            self.suppressed = self.suppressed.saturating_add(1);
        }
        may
    }

    /// What was not told since this was asked last.
    pub(crate) fn take_suppressed(&mut self) -> u64 {
        std::mem::take(&mut self.suppressed)
    }

    /// One more that is not told.
    pub(crate) fn suppress(&mut self) {
        self.suppressed = self.suppressed.saturating_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_told_at_its_rate_and_the_rest_is_counted() {
        let mut budget = Budget::new(10, 50);
        let told = (0..10_000).filter(|ms| budget.spend(Timestamp(1_000_000 + ms))).count();
        assert_eq!(told, 50 + 99);
        assert_eq!(budget.take_suppressed(), 10_000 - 149);
        assert_eq!(budget.take_suppressed(), 0);
    }
}
