//! [`cut`]: a file as pieces of neighbouring row groups, by what is known of a time in each.

use std::sync::Arc;

use datafusion::arrow::array::Array;
use datafusion::arrow::datatypes::{Field, SchemaRef};
use datafusion::common::stats::Precision;
use datafusion::common::{ColumnStatistics, Result, ScalarValue, Statistics};
use datafusion::datasource::listing::PartitionedFile;
use datafusion::parquet::arrow::arrow_reader::statistics::StatisticsConverter;
use datafusion::parquet::arrow::parquet_to_arrow_schema;
use datafusion::parquet::file::metadata::{ParquetMetaData, RowGroupMetaData};

/// What is asked of a time, over a row group or several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Verdict {
    /// Whether the conditions on the time hold for every row or for none; nothing where it is neither.
    pub(super) holds: Option<bool>,
    /// Whether nothing can tell one instant from another.
    pub(super) is_pinned: bool,
}

/// What is asked of a time between two instants.
pub(super) type Judge<'a> = &'a dyn Fn(&ScalarValue, &ScalarValue) -> Verdict;

/// Row groups that lie beside each other in the file, and between which instants.
struct Piece {
    from: i64,
    until: i64,
    times: Option<(ScalarValue, ScalarValue)>,
    verdict: Verdict,
}

/// A file's pieces, and what is known of all of them together.
pub(super) struct Cut {
    pub(super) files: Vec<PartitionedFile>,
    pub(super) some_pinned: bool,
    pub(super) all_hold: bool,
}

/// The column of a scan's table whose time is asked for.
pub(super) struct Time<'a> {
    pub(super) field: &'a Field,
    pub(super) index: usize,
    pub(super) table: &'a SchemaRef,
}

pub(super) fn cut(
    file: &PartitionedFile,
    footer: &ParquetMetaData,
    time: &Time<'_>,
    judge: Judge<'_>,
) -> Result<Cut> {
    let Some(times) = times(footer, time.field)? else {
        return Ok(whole(file));
    };
    let mut pieces: Vec<Piece> = vec![];
    let mut is_beside = false;
    for (group, times) in footer.row_groups().iter().zip(times) {
        let start = start(group);
        let is_outside = file
            .range
            .as_ref()
            .is_some_and(|range| start < range.start || range.end <= start);
        if is_outside {
            continue;
        }
        let verdict = times
            .as_ref()
            .map_or(UNKNOWN, |(first, last)| judge(first, last));
        if verdict.holds == Some(false) {
            is_beside = false;
            continue;
        }
        let group = Piece {
            from: start,
            until: start + 1,
            times,
            verdict,
        };
        let before = pieces.last_mut().filter(|_| is_beside);
        if !before.is_some_and(|before| before.take(&group, judge)) {
            pieces.push(group);
        }
        is_beside = true;
    }
    Ok(Cut {
        some_pinned: pieces.iter().any(|piece| piece.verdict.is_pinned),
        all_hold: pieces.iter().all(|piece| piece.verdict.holds == Some(true)),
        files: pieces.iter().map(|piece| piece.of(file, time)).collect(),
    })
}

/// A file of which nothing is known.
pub(super) fn whole(file: &PartitionedFile) -> Cut {
    Cut {
        files: vec![file.clone()],
        some_pinned: false,
        all_hold: false,
    }
}

const UNKNOWN: Verdict = Verdict {
    holds: None,
    is_pinned: false,
};

/// Where the engine takes a row group to be, when it reads a range of a file.
fn start(group: &RowGroupMetaData) -> i64 {
    let first = group.column(0);
    first
        .dictionary_page_offset()
        .unwrap_or_else(|| first.data_page_offset())
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

impl Piece {
    /// Takes in the row group behind, where both are of one kind together as well.
    fn take(&mut self, behind: &Self, judge: Judge<'_>) -> bool {
        if self.verdict != behind.verdict {
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
        self.until = behind.until;
        true
    }

    fn of(&self, file: &PartitionedFile, time: &Time<'_>) -> PartitionedFile {
        let mut file = file.clone().with_range(self.from, self.until);
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
