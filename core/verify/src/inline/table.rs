//! A map from numbers that grows a bucket at a time, so that no single insertion ever pays for all the others.

/// Linear hashing (Litwin 1980) over sorted buckets: an insertion moves at most the entries of one bucket, whatever
/// the size. Several values may share a key. Order depends on what was put in, not on the run. Keys that differ in the
/// `FINE` lowest bits only stand in one bucket, side by side: what is asked for together is found at one place in memory.
#[derive(Debug, Clone)]
pub(crate) struct Table<V, const FINE: u32 = 0> {
    /// The first `1 << round` buckets were there when this round began; those below `split` are halved already.
    ///
    /// In slabs, so that not even the list of buckets is ever moved as a whole.
    slabs: Vec<Vec<Bucket<V>>>,
    count: usize,
    round: u32,
    split: usize,
    len: usize,
}

type Bucket<V> = Vec<(u64, V)>;

/// Buckets of a slab.
const SLAB: usize = 1024;

/// Mean entries of a bucket: few enough to move in well under a microsecond, enough to keep the buckets' own weight low.
const FULL: usize = 24;

impl<V, const FINE: u32> Default for Table<V, FINE> {
    fn default() -> Self {
        Self { slabs: vec![vec![Vec::new()]], count: 1, round: 0, split: 0, len: 0 }
    }
}

impl<V, const FINE: u32> Table<V, FINE> {
    /// All values with a key.
    pub fn get(&self, key: u64) -> &[(u64, V)] {
        let bucket = self.bucket(self.number_of(key));
        let from = bucket.partition_point(|(k, _)| *k < key);
        let to = from + bucket[from..].iter().take_while(|(k, _)| *k == key).count();
        &bucket[from..to]
    }

    /// Adds a value.
    pub fn insert(&mut self, key: u64, value: V) {
        let bucket = self.bucket_mut(self.number_of(key));
        let at = bucket.partition_point(|(k, _)| *k <= key);
        // A third more, not twice: buckets are small and there are many.
        if bucket.len() == bucket.capacity() {
            bucket.reserve_exact(bucket.len() / 3 + 2);
        }
        bucket.insert(at, (key, value));
        self.len += 1;
        if self.len > self.count * FULL {
            self.grow();
        }
    }

    /// Takes out the first value with a key that is wanted.
    pub fn remove(&mut self, key: u64, wanted: impl Fn(&V) -> bool) -> Option<V> {
        let bucket = self.bucket_mut(self.number_of(key));
        let from = bucket.partition_point(|(k, _)| *k < key);
        let at = from + bucket[from..].iter().take_while(|(k, _)| *k == key).position(|(_, v)| wanted(v))?;
        let (_, value) = bucket.remove(at);
        self.len -= 1;
        if self.count > 1 && self.len < self.count * FULL / 3 {
            self.shrink();
        }
        Some(value)
    }

    /// Everything, in no meaningful order.
    pub fn iter(&self) -> impl Iterator<Item = (u64, &V)> {
        self.slabs.iter().flatten().flatten().map(|(k, v)| (*k, v))
    }

    fn bucket(&self, n: usize) -> &Bucket<V> {
        &self.slabs[n / SLAB][n % SLAB]
    }

    fn bucket_mut(&mut self, n: usize) -> &mut Bucket<V> {
        &mut self.slabs[n / SLAB][n % SLAB]
    }

    fn number_of(&self, key: u64) -> usize {
        let mixed = mix(key >> FINE);
        let low = |bits: u32| (mixed & ((1u64 << bits) - 1)) as usize;
        let at = low(self.round);
        if at < self.split { low(self.round + 1) } else { at }
    }

    fn grow(&mut self) {
        let bit = 1u64 << self.round;
        let old = std::mem::take(self.bucket_mut(self.split));
        let (moved, kept): (Vec<_>, Vec<_>) = old.into_iter().partition(|(k, _)| mix(*k >> FINE) & bit != 0);
        *self.bucket_mut(self.split) = kept;
        match self.slabs.last_mut().filter(|slab| slab.len() < SLAB) {
            Some(slab) => slab.push(moved),
            None => self.slabs.push(vec![moved]),
        }
        self.count += 1;
        self.split += 1;
        if self.split == 1 << self.round {
            (self.round, self.split) = (self.round + 1, 0);
        }
    }

    fn shrink(&mut self) {
        if self.split == 0 {
            self.round -= 1;
            self.split = 1 << self.round;
        }
        self.split -= 1;
        self.count -= 1;
        if let Some(last) = self.slabs.last_mut().and_then(Vec::pop) {
            self.slabs.retain(|slab| !slab.is_empty());
            let into = self.bucket_mut(self.split);
            into.extend(last);
            // Stable: values of one key keep their order.
            into.sort_by_key(|(k, _)| *k);
        }
    }
}

/// Spreads keys that differ in few bits (the finalizer of SplitMix64).
fn mix(key: u64) -> u64 {
    let z = (key ^ (key >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        #[test]
        fn it_is_a_map(steps in proptest::collection::vec((0u64..400, any::<bool>()), 0..3000)) {
            let mut table: Table<usize> = Table::default();
            let mut side_by_side: Table<usize, 2> = Table::default();
            let mut naive: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
            for (n, (key, add)) in steps.into_iter().enumerate() {
                if add {
                    table.insert(key, n);
                    side_by_side.insert(key, n);
                    naive.entry(key).or_default().push(n);
                } else {
                    let wanted = naive.get(&key).and_then(|v| v.last().copied());
                    prop_assert_eq!(table.remove(key, |v| Some(*v) == wanted), wanted);
                    prop_assert_eq!(side_by_side.remove(key, |v| Some(*v) == wanted), wanted);
                    naive.entry(key).or_default().pop();
                }
            }
            for key in 0..400 {
                for found in [table.get(key), side_by_side.get(key)] {
                    let mut have: Vec<usize> = found.iter().map(|(_, v)| *v).collect();
                    have.sort_unstable();
                    prop_assert_eq!(have, naive.get(&key).cloned().unwrap_or_default());
                }
            }
            prop_assert_eq!(table.iter().count(), naive.values().map(Vec::len).sum::<usize>());
        }
    }

    #[test]
    fn no_insertion_moves_more_than_a_bucket() {
        let mut table: Table<()> = Table::default();
        for key in 0..100_000u64 {
            table.insert(key, ());
        }
        let fullest = table.slabs.iter().flatten().map(Vec::len).max().unwrap();
        assert!(fullest < 8 * FULL, "{fullest}");
        for key in 0..100_000u64 {
            assert_eq!(table.remove(key, |()| true), Some(()));
        }
        assert_eq!((table.slabs.len(), table.count, table.len), (1, 1, 0));
    }
}
