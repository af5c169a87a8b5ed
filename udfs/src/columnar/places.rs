//! Where a dictionary has the values of a column's rows.

use datafusion::arrow::array::{Array, Int32Array};
use datafusion::arrow::datatypes::ArrowNativeType;

/// So many rows have the bits of their NULLs in one word.
const CHUNK: usize = u64::BITS as usize;

/// Calls a function with each row's element and the place of its value; that of NULL is behind those of
/// all values.
pub(crate) fn each_place<T>(
    keys: &Int32Array,
    values: usize,
    rows: &mut [T],
    mut f: impl FnMut(&mut T, usize),
) {
    let places = keys.values();
    let Some(nulls) = keys.nulls() else {
        let rows = rows.iter_mut().zip(places);
        return rows.for_each(|(row, place)| f(row, place.as_usize()));
    };
    // NULL seldom comes alone.
    let chunks = rows.chunks_mut(CHUNK).zip(places.chunks(CHUNK));
    let chunks = chunks.zip(nulls.inner().bit_chunks().iter_padded());
    for ((rows, places), are_valid) in chunks {
        let rows = rows.iter_mut();
        if are_valid == 0 {
            rows.for_each(|row| f(row, values));
        } else {
            for (at, (row, place)) in rows.zip(places).enumerate() {
                let is_valid = are_valid >> at & 1 == 1;
                f(row, if is_valid { place.as_usize() } else { values });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_row_has_the_place_of_its_value() {
        let keys =
            |count: i32| (0..count).map(|key| (key % 7 > 0 && key / 64 != 1).then_some(key % 5));
        for count in [0, 1, 63, 64, 200] {
            let array: Int32Array = keys(count).collect();
            for from in [0, 1, 70] {
                let from = from.min(array.len());
                let array = array.slice(from, array.len() - from);
                let mut places = vec![100; array.len()];
                each_place(&array, 5, &mut places, |row, place| *row += place);
                let expected = keys(count).skip(from);
                let expected = expected.map(|key| 100 + key.map_or(5, ArrowNativeType::as_usize));
                assert_eq!(places, expected.collect::<Vec<_>>(), "{count} from {from}");
            }
        }
        let array = Int32Array::from(vec![2, 0, 1]);
        let mut places = vec![0; 3];
        each_place(&array, 3, &mut places, |row, place| *row = place);
        assert_eq!(places, [2, 0, 1]);
    }
}
