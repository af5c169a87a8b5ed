//! [`Recent`]: the codes of keys that were met lately, which need no look at a table of all.

/// What can be told apart quickly.
pub(crate) trait Key: Copy + Eq {
    /// Few keys have the same one, and its upper bits are mixed best.
    fn mixed(self) -> u64;
}

const fn stirred(mixed: u64, word: u64) -> u64 {
    (mixed.rotate_left(5) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

impl Key for i64 {
    fn mixed(self) -> u64 {
        stirred(0, self.cast_unsigned())
    }
}

impl Key for u64 {
    fn mixed(self) -> u64 {
        stirred(0, self)
    }
}

/// A view: the length and the beginning of a text, then the rest of it or where it is.
impl Key for u128 {
    #[allow(clippy::cast_possible_truncation, reason = "its two halves")]
    fn mixed(self) -> u64 {
        stirred(stirred(0, self as u64), (self >> 64) as u64)
    }
}

impl Key for Option<&str> {
    fn mixed(self) -> u64 {
        let words = self.unwrap_or_default().as_bytes().chunks(8).map(|chunk| {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            u64::from_le_bytes(word)
        });
        words.fold(0, stirred)
    }
}

/// Each key has a place that follows from it: a place has the code of the key that met it last. Whether
/// its key is the one that is meant is told by the list of keys that its owner has, which is looked at
/// only where the marks are alike: keys that were met long ago are far away.
#[derive(Debug)]
pub(crate) struct Recent {
    places: Vec<Place>,
    most: usize,
}

#[derive(Debug, Clone, Copy)]
struct Place {
    /// Half of what mixing the key gave.
    mark: u32,
    code: u32,
}

impl Recent {
    /// No key has this code.
    const NONE: Place = Place {
        mark: 0,
        code: u32::MAX,
    };
    /// So many places a code: then few keys share one.
    const ROOM: usize = 4;

    /// Starts small and grows with the codes, up to so many places: a power of two.
    pub(crate) fn with_at_most(most: usize) -> Self {
        const FEW: usize = 1 << 6;
        Self {
            places: vec![Self::NONE; FEW],
            most,
        }
    }

    /// The code of a key that was met lately, given the keys of all codes.
    pub(crate) fn code<K: Key>(&self, key: K, keys: &[K]) -> Option<u32> {
        let mark = mark(key);
        let place = self.places[self.place(mark)];
        let is_meant = place.mark == mark && keys.get(place.code as usize) == Some(&key);
        is_meant.then_some(place.code)
    }

    pub(crate) fn remember(&mut self, key: impl Key, code: u32) {
        let places = self.places.len();
        if code as usize >= places / Self::ROOM && places < self.most {
            self.forget();
            self.places.resize(places * 2, Self::NONE);
        }
        let mark = mark(key);
        let place = self.place(mark);
        self.places[place] = Place { mark, code };
    }

    pub(crate) fn forget(&mut self) {
        self.places.fill(Self::NONE);
    }

    fn place(&self, mark: u32) -> usize {
        mark as usize & (self.places.len() - 1)
    }
}

/// The upper half, whose bits are mixed best.
fn mark(key: impl Key) -> u32 {
    (key.mixed() >> 32) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_its_keys_alone() {
        let keys: Vec<u64> = (0..100_000).map(|key| key * 7).collect();
        let mut recent = Recent::with_at_most(1 << 10);
        for (key, code) in keys.iter().zip(0..) {
            assert_eq!(recent.code(*key, &keys[..code as usize]), None);
            recent.remember(*key, code);
            assert_eq!(recent.code(*key, &keys), Some(code));
        }
        let known = keys.iter().zip(0..).filter_map(|(key, code)| {
            let known = recent.code(*key, &keys)?;
            Some(known == code)
        });
        let known: Vec<bool> = known.collect();
        assert!((500..=1 << 10).contains(&known.len()), "{}", known.len());
        assert!(known.iter().all(|is_own| *is_own));
        recent.forget();
        assert_eq!(recent.code(keys[99_999], &keys), None);
    }
}
