//! [`Left`]: what of a scan nobody reads yet.

use std::collections::VecDeque;
use std::mem;
use std::sync::{Arc, Mutex, PoisonError};

use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfig};
use datafusion::execution::cache::cache_manager::FileMetadataCache;
use datafusion::parquet::file::metadata::RowGroupMetaData;

use crate::parquet_scan::{footer, starts};

/// Of each partition, the row groups of its stretch.
#[derive(Debug)]
pub(super) struct Left(Mutex<Vec<Stretch>>);

#[derive(Debug)]
struct Stretch {
    units: VecDeque<Unit>,
    has_reader: bool,
}

/// A row group, or a file of which no more is known.
#[derive(Debug)]
struct Unit {
    file: Arc<PartitionedFile>,
    /// Where the row group begins.
    start: Option<i64>,
    rows: i64,
}

impl Left {
    /// All of a scan, by the footers that the engine knows.
    pub(super) fn of(scan: &FileScanConfig, footers: &FileMetadataCache) -> Self {
        let groups = scan.file_groups.iter();
        let stretches = groups.map(|group| {
            let files = group.iter();
            Stretch {
                units: files.flat_map(|file| units(file, footers)).collect(),
                has_reader: false,
            }
        });
        Self(Mutex::new(stretches.collect()))
    }

    /// Whether a partition is read for the first time: what it has read is not there for a second one.
    pub(super) fn begin(&self, partition: usize) -> bool {
        let mut left = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let stretch = left.get_mut(partition);
        stretch.is_some_and(|stretch| !mem::replace(&mut stretch.has_reader, true))
    }

    /// What a partition reads next: half of what is left of its stretch, or of half of another one's.
    pub(super) fn next(&self, partition: usize) -> Option<FileGroup> {
        let mut left = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if left.get(partition)?.units.is_empty() {
            let rows = |units: &VecDeque<Unit>| units.iter().map(|unit| unit.rows).sum::<i64>();
            let stretches = left.iter_mut().map(|stretch| &mut stretch.units);
            let longest = stretches.filter(|units| !units.is_empty());
            let longest = longest.max_by_key(|units| rows(units))?;
            let end = longest.split_off(longest.len() / 2);
            left[partition].units = end;
        }
        let stretch = &mut left[partition].units;
        let next = stretch.drain(..stretch.len().div_ceil(2));
        Some(FileGroup::new(files(next)))
    }
}

fn units(file: &PartitionedFile, footers: &FileMetadataCache) -> Vec<Unit> {
    let shared = Arc::new(file.clone());
    let known = footer(file, footers);
    let known = known.and_then(|footer| Some((starts(&footer)?, footer)));
    let Some((starts, footer)) = known else {
        let (start, rows) = (None, 0);
        return vec![Unit {
            file: shared,
            start,
            rows,
        }];
    };
    let range = file.range.as_ref();
    let rows = footer.row_groups().iter().map(RowGroupMetaData::num_rows);
    let units = starts.into_iter().zip(rows);
    let units = units
        .filter(|(start, _)| range.is_none_or(|range| range.start <= *start && *start < range.end));
    let units = units.map(|(start, rows)| Unit {
        file: Arc::clone(&shared),
        start: Some(start),
        rows,
    });
    units.collect()
}

/// Row groups of one file that lie beside each other are read together.
fn files(units: impl Iterator<Item = Unit>) -> Vec<PartitionedFile> {
    let mut files: Vec<PartitionedFile> = vec![];
    let mut before: Option<Arc<PartitionedFile>> = None;
    for unit in units {
        let is_beside = before.is_some_and(|before| Arc::ptr_eq(&before, &unit.file));
        let last = files.last_mut().and_then(|file| file.range.as_mut());
        match (last, unit.start) {
            (Some(range), Some(start)) if is_beside => range.end = start + 1,
            (_, Some(start)) => {
                let file = PartitionedFile::clone(&unit.file);
                files.push(file.with_range(start, start + 1));
            }
            (_, None) => files.push(PartitionedFile::clone(&unit.file)),
        }
        before = Some(unit.file);
    }
    files
}
