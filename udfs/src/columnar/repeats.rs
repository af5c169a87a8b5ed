//! Which of many texts may stand there more than once: a bit for each of their hashes tells, so that most
//! need not be compared.

use std::hash::BuildHasher;

use datafusion::arrow::buffer::BooleanBuffer;
use datafusion::common::hash_utils::RandomState;

use super::text::Text;

/// Of each row of some columns, whether its text may stand in another row of them; NULL may.
pub(crate) fn may_repeat(columns: &[Text]) -> Vec<BooleanBuffer> {
    let hasher = RandomState::default();
    let mut bits = Bits::for_texts(columns.iter().map(Text::len).sum());
    let places = columns.iter().map(|texts| {
        let rows = 0..texts.len();
        let places = rows.map(|row| texts.get(row).map(|text| bits.place(hasher.hash_one(text))));
        places.collect::<Vec<_>>()
    });
    let places: Vec<_> = places.collect();
    for place in places.iter().flatten().flatten() {
        bits.meet(*place);
    }
    let repeats = places.iter().map(|places| {
        let repeats = places.iter();
        let repeats = repeats.map(|place| place.is_none_or(|place| bits.are_met_again(place)));
        repeats.collect()
    });
    repeats.collect()
}

/// Small enough to stay close to the processor.
struct Bits {
    met: Vec<u64>,
    met_again: Vec<u64>,
}

impl Bits {
    /// Eight to sixteen bits a text: about one in ten shares its bit with another.
    fn for_texts(count: usize) -> Self {
        let words = (count / 8).next_power_of_two();
        Self {
            met: vec![0; words],
            met_again: vec![0; words],
        }
    }

    /// The number of a hash's bit.
    #[allow(
        clippy::cast_possible_truncation,
        reason = "what is left is below the mask"
    )]
    fn place(&self, hash: u64) -> u32 {
        (hash >> 32) as u32 & (self.met.len() * 64 - 1) as u32
    }

    fn meet(&mut self, place: u32) {
        let (word, bit) = Self::bit(place);
        self.met_again[word] |= self.met[word] & bit;
        self.met[word] |= bit;
    }

    fn are_met_again(&self, place: u32) -> bool {
        let (word, bit) = Self::bit(place);
        self.met_again[word] & bit > 0
    }

    fn bit(place: u32) -> (usize, u64) {
        (place as usize / 64, 1 << (place % 64))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::sync::Arc;

    use datafusion::arrow::array::{ArrayRef, StringArray};

    use super::*;

    #[test]
    fn what_does_not_repeat_stands_there_once() {
        let column = |numbers: &[usize]| {
            let texts = numbers
                .iter()
                .map(|number| (*number > 0).then(|| format!("text {number}")));
            let texts: ArrayRef = Arc::new(texts.collect::<StringArray>());
            Text::new(&texts).unwrap()
        };
        let first: Vec<usize> = (0..5_000).collect();
        let second: Vec<usize> = (4_000..9_000).chain([8_000, 0]).collect();
        let columns = [column(&first), column(&second), column(&[])];
        let mut times = HashMap::new();
        for number in first.iter().chain(&second) {
            *times.entry(*number).or_insert(0) += 1;
        }
        let repeats = may_repeat(&columns);
        let mut in_vain = 0;
        for (repeats, numbers) in repeats.iter().zip([first, second, vec![]]) {
            assert_eq!(repeats.len(), numbers.len());
            for (repeats, number) in repeats.iter().zip(numbers) {
                assert!(repeats || times[&number] == 1 && number > 0, "{number}");
                in_vain += usize::from(repeats && times[&number] == 1);
            }
        }
        assert!(in_vain < 1_500, "{in_vain}");
        assert!(may_repeat(&[]).is_empty());
    }
}
