//! Whole numbers drawn from a seed. No floats: a distribution is a table of integer weights.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

/// Changing it changes every file of the demo, and the amounts in `data/README.md` with them.
const SEED: u64 = 0x0A99_0471_2026_1000;

pub(super) struct Random(ChaCha8Rng);

impl Random {
    /// Each stream is independent: more draws for one account leave the others as they are.
    pub(super) fn stream(number: u64) -> Self {
        let mut generator = ChaCha8Rng::seed_from_u64(SEED);
        generator.set_stream(number);
        Self(generator)
    }

    /// A number from `low` to `high`, both included.
    pub(super) fn between(&mut self, (low, high): (i64, i64)) -> i64 {
        low + i64::from(self.0.next_u32()) % (high - low + 1)
    }

    pub(super) fn chance(&mut self, percent: i64) -> bool {
        self.between((0, 99)) < percent
    }

    /// One of the items, each as likely as its weight says.
    pub(super) fn pick<'a, T>(&mut self, items: &'a [T], weight: impl Fn(&T) -> i64) -> &'a T {
        let total: i64 = items.iter().map(&weight).sum();
        let mut left = self.between((0, total - 1));
        for item in items {
            left -= weight(item);
            if left < 0 {
                return item;
            }
        }
        unreachable!("the draw is below the sum of the weights")
    }
}
