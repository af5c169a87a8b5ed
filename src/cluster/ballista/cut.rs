//! [`cut`]: a scan in tasks none of which takes long, so that all executors are busy until the end, and
//! little is lost with one of them.

use datafusion::datasource::listing::{FileRange, PartitionedFile};
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfig, FileScanConfigBuilder};
use datafusion::datasource::source::DataSourceExec;
use datafusion::physical_plan::ExecutionPlan;
use std::sync::Arc;

/// What a core reads in some seconds.
const MOST_BYTES: i64 = 256 << 20;

/// The scan in as many tasks as it has, or more.
pub(super) fn cut(files: &FileScanConfig) -> Arc<dyn ExecutionPlan> {
    let is_free = !files.preserve_order && files.output_partitioning.is_none();
    let groups = files.file_groups.iter();
    let groups = if is_free {
        groups.flat_map(|group| pieces(group, MOST_BYTES)).collect()
    } else {
        groups.cloned().collect()
    };
    let files = FileScanConfigBuilder::from(files.clone()).with_file_groups(groups);
    DataSourceExec::from_data_source(files.build())
}

/// A group in its order, in groups of about the same size, none with more than so many bytes.
fn pieces(group: &FileGroup, most: i64) -> Vec<FileGroup> {
    let bytes: i64 = group.iter().map(length).sum();
    if bytes <= most {
        return vec![group.clone()];
    }
    let number = (bytes + most - 1) / most;
    let share = (bytes + number - 1) / number;
    let mut groups = vec![];
    let (mut open, mut left) = (vec![], share);
    for file in group.iter() {
        let FileRange { mut start, end } = range(file);
        while start < end {
            let until = end.min(start + left);
            let mut piece = file.clone();
            piece.range = Some(FileRange { start, end: until });
            open.push(piece);
            left -= until - start;
            start = until;
            if left == 0 {
                groups.push(FileGroup::new(std::mem::take(&mut open)));
                left = share;
            }
        }
    }
    if !open.is_empty() {
        groups.push(FileGroup::new(open));
    }
    groups
}

fn range(file: &PartitionedFile) -> FileRange {
    let end = i64::try_from(file.object_meta.size).unwrap_or(i64::MAX);
    file.range.clone().unwrap_or(FileRange { start: 0, end })
}

fn length(file: &PartitionedFile) -> i64 {
    let FileRange { start, end } = range(file);
    end - start
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(groups: &[FileGroup]) -> Vec<Vec<(String, i64, i64)>> {
        let piece = |file: &PartitionedFile| {
            let FileRange { start, end } = range(file);
            (file.object_meta.location.to_string(), start, end)
        };
        let group = |group: &FileGroup| group.iter().map(piece).collect();
        groups.iter().map(group).collect()
    }

    #[test]
    fn a_group_is_cut_where_it_is_too_long() {
        let mut second = PartitionedFile::new("b", 100);
        second.range = Some(FileRange { start: 50, end: 90 });
        let group = FileGroup::new(vec![PartitionedFile::new("a", 60), second]);
        assert_eq!(
            shown(&pieces(&group, 100)),
            shown(std::slice::from_ref(&group))
        );
        let [a, b] = ["a", "b"].map(str::to_owned);
        assert_eq!(
            shown(&pieces(&group, 40)),
            [
                vec![(a.clone(), 0, 34)],
                vec![(a, 34, 60), (b.clone(), 50, 58)],
                vec![(b, 58, 90)],
            ]
        );
    }
}
