//! A map whose changes can be taken back.

use std::collections::BTreeMap;

/// Remembers what it was since the last [`Kept::commit`].
#[derive(Debug)]
pub(super) struct Kept<K, V> {
    map: BTreeMap<K, V>,
    log: Vec<(K, Option<V>)>,
}

impl<K: Ord + Clone, V: Clone> Kept<K, V> {
    pub fn new() -> Self {
        Self { map: BTreeMap::new(), log: Vec::new() }
    }
    pub fn get(&self, key: &K) -> Option<&V> {
        self.map.get(key)
    }
    pub fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.map.iter()
    }
    pub fn set(&mut self, key: K, value: V) -> Option<V> {
        let before = self.map.insert(key.clone(), value);
        self.log.push((key, before.clone()));
        before
    }
    pub fn remove(&mut self, key: &K) -> Option<V> {
        let before = self.map.remove(key)?;
        self.log.push((key.clone(), Some(before.clone())));
        Some(before)
    }
    pub fn commit(&mut self) {
        self.log.clear();
    }
    pub fn undo(&mut self) {
        while let Some((key, before)) = self.log.pop() {
            match before {
                Some(value) => self.map.insert(key, value),
                None => self.map.remove(&key),
            };
        }
    }
}

impl<K: Ord + Clone> Kept<K, u32> {
    /// One more; true if it is the first.
    pub fn more(&mut self, key: K) -> bool {
        let count = self.get(&key).copied().unwrap_or(0);
        self.set(key, count + 1);
        count == 0
    }
    /// One less; true if it was the last. Nothing if there is none.
    pub fn less(&mut self, key: &K) -> Option<bool> {
        let count = *self.get(key)?;
        if count <= 1 {
            self.remove(key);
        } else {
            self.set(key.clone(), count - 1);
        }
        Some(count <= 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn undone_it_is_what_it_was() {
        let mut kept = Kept::new();
        assert!(kept.more(1));
        assert!(kept.more(2));
        kept.commit();
        assert!(!kept.more(1));
        assert_eq!(kept.less(&2), Some(true));
        assert_eq!(kept.less(&2), None);
        assert!(kept.more(3));
        kept.undo();
        assert_eq!(kept.iter().map(|(k, v)| (*k, *v)).collect::<Vec<_>>(), [(1, 1), (2, 1)]);
    }
}
