//! [`Met`]: keys, numbered in the order in which they are first met.

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

use super::recent::{Key, Recent};

/// The code of a key is its place among those that were met.
#[derive(Debug)]
pub(crate) struct Met<K> {
    keys: Vec<K>,
    /// All codes; a key stands in the list alone, so that the table stays small.
    codes: HashTable<u32>,
    recent: Recent,
}

impl<K: Key> Met<K> {
    /// Of up to so many places the codes met lately are found without the table.
    pub(crate) fn with_recent(most: usize) -> Self {
        Self {
            keys: vec![],
            codes: HashTable::new(),
            recent: Recent::with_at_most(most),
        }
    }

    /// Of keys that differ.
    pub(crate) fn of(keys: Vec<K>, most: usize) -> Self {
        let mut met = Self {
            keys,
            ..Self::with_recent(most)
        };
        met.find_all();
        met
    }

    pub(crate) fn keys(&self) -> &[K] {
        &self.keys
    }

    pub(crate) fn into_keys(self) -> Vec<K> {
        self.keys
    }

    /// The next code where the key is new.
    pub(crate) fn code(&mut self, key: K) -> u32 {
        match self.recent.code(key, &self.keys) {
            Some(code) => code,
            None => self.look_up(key),
        }
    }

    /// Apart, so that what is done for each row stays small.
    #[cold]
    #[inline(never)]
    fn look_up(&mut self, key: K) -> u32 {
        let keys = &self.keys;
        let is_own = |code: &u32| keys[*code as usize] == key;
        let entry = self
            .codes
            .entry(hash(key), is_own, |code| hash(keys[*code as usize]));
        let code = match entry {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(place) => {
                let code = u32::try_from(keys.len()).unwrap_or(u32::MAX);
                place.insert(code);
                self.keys.push(key);
                code
            }
        };
        self.recent.remember(key, code);
        code
    }

    /// Writes each key anew; they still differ.
    pub(crate) fn rewrite(&mut self, rewrite: impl FnMut(&mut K)) {
        self.keys.iter_mut().for_each(rewrite);
        self.recent.forget();
        self.find_all();
    }

    fn find_all(&mut self) {
        let hash_of = |code: &u32| hash(self.keys[*code as usize]);
        self.codes.clear();
        self.codes.reserve(self.keys.len(), hash_of);
        for (key, code) in self.keys.iter().zip(0..) {
            self.codes.insert_unique(hash(*key), code, hash_of);
        }
    }

    pub(crate) fn size(&self) -> usize {
        self.codes.allocation_size() + self.keys.capacity() * size_of::<K>()
    }
}

/// The table goes by the lower bits, and by the uppermost ones.
fn hash(key: impl Key) -> u64 {
    let mixed = key.mixed();
    mixed ^ mixed >> 32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_follow_the_order_of_meeting() {
        let mut met = Met::with_recent(1 << 8);
        for round in 0..2 {
            for key in 0..10_000_u64 {
                let code = met.code(key * key);
                assert_eq!(u64::from(code), key, "round {round}");
            }
        }
        met.rewrite(|key| *key += 1);
        for key in 0..10_000_u64 {
            assert_eq!(u64::from(met.code(key * key + 1)), key);
        }
        assert_eq!(met.code(0), 10_000);
        assert_eq!(met.keys().len(), 10_001);
        let mut again = Met::of(met.into_keys(), 1 << 8);
        assert_eq!((again.code(1), again.code(0)), (0, 10_000));
    }
}
