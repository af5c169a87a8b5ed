//! [`Piece`]: neighbouring row groups of a file, by what is known of a time in them.

use std::sync::Arc;

use datafusion::arrow::array::Array;
use datafusion::arrow::datatypes::{Field, SchemaRef};
use datafusion::common::stats::Precision;
use datafusion::common::{ColumnStatistics, Result, ScalarValue, Statistics};
use datafusion::datasource::listing::PartitionedFile;
use datafusion::parquet::arrow::arrow_reader::statistics::StatisticsConverter;
use datafusion::parquet::arrow::parquet_to_arrow_schema;
use datafusion::parquet::file::metadata::ParquetMetaData;

use crate::parquet_scan::starts;

/// What is asked of a time, over a row group or several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Verdict {
    /// Whether the conditions on the time hold for every row or for none; nothing where it is neither.
    pub(super) holds: Option<bool>,
    /// Whether nothing can tell one instant from another.
    pub(super) is_pinned: bool,
}

const UNKNOWN: Verdict = Verdict {
    holds: None,
    is_pinned: false,
};

/// What is asked of a time between two instants.
pub(super) type Judge<'a> = &'a dyn Fn(&ScalarValue, &ScalarValue) -> Verdict;

/// The column of a scan's table whose time is asked for.
pub(super) struct Time<'a> {
    pub(super) field: &'a Field,
    pub(super) index: usize,
    pub(super) table: &'a SchemaRef,
}

/// One row group or several that lie beside each other, or a whole file of which nothing is known.
pub(super) struct Piece<'f> {
    file: &'f PartitionedFile,
    place: Option<Place>,
    times: Option<(ScalarValue, ScalarValue)>,
    pub(super) verdict: Verdict,
}

/// Which row groups of a file.
struct Place {
    first: usize,
    behind: usize,
    /// Where the engine takes them to be.
    bytes: (i64, i64),
    rows: i64,
}

impl<'f> Piece<'f> {
    pub(super) fn whole(file: &'f PartitionedFile) -> Self {
        Self {
            file,
            place: None,
            times: None,
            verdict: UNKNOWN,
        }
    }

    /// The file's row groups, one by one, without those in which no row is asked for; and whether these
    /// are all.
    pub(super) fn each(
        file: &'f PartitionedFile,
        footer: &ParquetMetaData,
        time: &Time<'_>,
        judge: Judge<'_>,
    ) -> Result<(Vec<Self>, bool)> {
        let (Some(times), Some(starts)) = (times(footer, time.field)?, starts(footer)) else {
            return Ok((vec![Self::whole(file)], true));
        };
        let range = file.range.as_ref();
        let mut pieces = vec![];
        let mut are_all = true;
        let groups = footer.row_groups().iter().zip(starts).zip(times);
        for (index, ((group, start), times)) in groups.enumerate() {
            if range.is_some_and(|range| start < range.start || range.end <= start) {
                continue;
            }
            let known = times.as_ref();
            let verdict = known.map_or(UNKNOWN, |(first, last)| judge(first, last));
            if verdict.holds == Some(false) {
                are_all = false;
                continue;
            }
            let place = Place {
                first: index,
                behind: index + 1,
                bytes: (start, start + 1),
                rows: group.num_rows(),
            };
            pieces.push(Self {
                file,
                place: Some(place),
                times,
                verdict,
            });
        }
        Ok((pieces, are_all))
    }

    /// How many rows it has, where that is known.
    pub(super) fn rows(&self) -> Option<i64> {
        self.place.as_ref().map(|place| place.rows)
    }

    /// Takes in the piece behind, where both are of one kind together as well.
    pub(super) fn take(&mut self, behind: &Self, judge: Judge<'_>) -> bool {
        let (Some(place), Some(next)) = (&mut self.place, &behind.place) else {
            return false;
        };
        let is_beside = std::ptr::eq(self.file, behind.file) && place.behind == next.first;
        if !is_beside || self.verdict != behind.verdict {
            return false;
        }
        let times = match (&self.times, &behind.times) {
            (Some((a, b)), Some((c, d))) => {
                let (first, last) = (if c < a { c } else { a }, if d > b { d } else { b });
                if judge(first, last) != self.verdict {
                    return false;
                }
                Some((first.clone(), last.clone()))
            }
            _ => None,
        };
        self.times = times;
        place.behind = next.behind;
        place.bytes.1 = next.bytes.1;
        place.rows += next.rows;
        true
    }

    /// As the engine reads it: where the time is pinned, by statistics that say that it is the first.
    pub(super) fn read(&self, time: &Time<'_>) -> PartitionedFile {
        let mut file = self.file.clone();
        if let Some(Place { bytes, .. }) = self.place {
            file = file.with_range(bytes.0, bytes.1);
        }
        if let Some((first, _)) = self.times.as_ref().filter(|_| self.verdict.is_pinned) {
            let known = file.statistics.as_deref().cloned();
            let mut known = known.unwrap_or_else(|| Statistics::new_unknown(time.table));
            if let Some(column) = known.column_statistics.get_mut(time.index) {
                *column = ColumnStatistics {
                    null_count: Precision::Exact(0),
                    min_value: Precision::Exact(first.clone()),
                    max_value: Precision::Exact(first.clone()),
                    ..ColumnStatistics::new_unknown()
                };
                file.statistics = Some(Arc::new(known));
            }
        }
        file
    }
}

type Times = Vec<Option<(ScalarValue, ScalarValue)>>;

/// The first and the last instant of each row group, where they are known and no row is without one.
fn times(footer: &ParquetMetaData, time: &Field) -> Result<Option<Times>> {
    let file = footer.file_metadata();
    let schema = parquet_to_arrow_schema(file.schema_descr(), file.key_value_metadata())?;
    let is_alike = schema
        .field_with_name(time.name())
        .is_ok_and(|stored| stored.data_type() == time.data_type());
    if !is_alike {
        return Ok(None);
    }
    let statistics = StatisticsConverter::try_new(time.name(), &schema, file.schema_descr())?
        .with_missing_null_counts_as_zero(false);
    let groups = footer.row_groups();
    let first = statistics.row_group_mins(groups)?;
    let last = statistics.row_group_maxes(groups)?;
    let nulls = statistics.row_group_null_counts(groups)?;
    let times = (0..groups.len()).map(|group| {
        let is_known = first.is_valid(group) && last.is_valid(group);
        if !is_known || nulls.is_null(group) || nulls.value(group) > 0 {
            return Ok(None);
        }
        let first = ScalarValue::try_from_array(&first, group)?;
        let last = ScalarValue::try_from_array(&last, group)?;
        Ok(Some((first, last)))
    });
    times.collect::<Result<_>>().map(Some)
}
