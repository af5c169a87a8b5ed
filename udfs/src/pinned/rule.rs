//! [`Pinned`]: finds the times below each [`TallyExec`] that need not be read.

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, SchemaRef};
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::common::{Result, ScalarValue};
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::{
    FileGroup, FileScanConfig, FileScanConfigBuilder, FileSource, ParquetSource,
};
use datafusion::datasource::source::DataSourceExec;
use datafusion::execution::cache::cache_manager::FileMetadataCache;
use datafusion::physical_expr::utils::conjunction_opt;
use datafusion::physical_expr::{PhysicalExpr, split_conjunction};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::execution_plan::replace_children_if_necessary;
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::union::UnionExec;

use super::known::{Known, holds};
use super::never_null::is_met_by_all;
use super::pieces::{Judge, Piece, Time, Verdict};
use crate::parquet_scan::{self, footer, passes_on};
use crate::tally::exec::TallyExec;

/// Goes by the footers that the engine knows when it plans.
pub struct Pinned {
    footers: Arc<FileMetadataCache>,
}

impl std::fmt::Debug for Pinned {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pinned")
    }
}

impl Pinned {
    pub fn new(footers: Arc<FileMetadataCache>) -> Self {
        Self { footers }
    }
}

impl PhysicalOptimizerRule for Pinned {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        _: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let below_tally = |plan: Arc<dyn ExecutionPlan>| {
            let Some(tally) = plan.downcast_ref::<TallyExec>() else {
                return Ok(Transformed::no(plan));
            };
            let cannot_tell = |columns: &[Known]| {
                let mut cannot = true;
                let asked = plan.apply_expressions(&mut |expression| {
                    cannot &= Known::of(expression, columns) == Known::Free;
                    Ok(TreeNodeRecursion::Continue)
                });
                asked.is_ok() && cannot
            };
            let Some(input) = self.pinned(tally.input(), &cannot_tell)? else {
                return Ok(Transformed::no(plan));
            };
            replace_children_if_necessary(Arc::clone(&plan), vec![input]).map(Transformed::yes)
        };
        plan.transform_up(below_tally).data()
    }

    fn name(&self) -> &'static str {
        "pinned"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// Whether what lies above can tell instants apart, by what is known of its input's columns.
type CannotTell<'a> = &'a dyn Fn(&[Known]) -> bool;

impl Pinned {
    /// The same rows to whoever lies above; nothing where all times are read.
    fn pinned(
        &self,
        plan: &Arc<dyn ExecutionPlan>,
        above: CannotTell<'_>,
    ) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        if let Some(scan) = plan.downcast_ref::<DataSourceExec>() {
            return match scan.downcast_to_file_source::<ParquetSource>() {
                Some((scan, source)) => self.pinned_scan(scan, source, above),
                None => Ok(None),
            };
        }
        if plan.downcast_ref::<UnionExec>().is_some() {
            let mut changes = false;
            let inputs = plan.children().into_iter().map(|input| {
                let pinned = self.pinned(input, above)?;
                changes |= pinned.is_some();
                Ok(pinned.unwrap_or_else(|| Arc::clone(input)))
            });
            let inputs = inputs.collect::<Result<Vec<_>>>()?;
            return if changes {
                replace_children_if_necessary(Arc::clone(plan), inputs).map(Some)
            } else {
                Ok(None)
            };
        }
        let [input] = plan.children()[..] else {
            return Ok(None);
        };
        let pinned = if let Some(projection) = plan.downcast_ref::<ProjectionExec>() {
            let expressions = projection.expr();
            self.pinned(input, &|columns| {
                let expressions = expressions.iter();
                let known = expressions.map(|expression| Known::of(&expression.expr, columns));
                above(&known.collect::<Vec<_>>())
            })
        } else if let Some(filter) = plan.downcast_ref::<FilterExec>() {
            self.pinned(input, &|columns| {
                let is_free = Known::of(filter.predicate(), columns) == Known::Free;
                is_free
                    && match filter.projection() {
                        Some(kept) => {
                            let kept = kept.iter().map(|column| columns[*column].clone());
                            above(&kept.collect::<Vec<_>>())
                        }
                        None => above(columns),
                    }
            })
        } else if passes_on(plan, input)? {
            self.pinned(input, above)
        } else {
            Ok(None)
        };
        let pinned =
            pinned?.map(|input| replace_children_if_necessary(Arc::clone(plan), vec![input]));
        pinned.transpose()
    }

    fn pinned_scan(
        &self,
        scan: &FileScanConfig,
        source: &ParquetSource,
        above: CannotTell<'_>,
    ) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        let Some(projection) = source.projection() else {
            return Ok(None);
        };
        let table = source.table_schema().table_schema();
        let filter = source.filter();
        let asked = filter.as_ref().map(split_conjunction).unwrap_or_default();
        let conditions = self.still_asked(scan, &asked, table)?;
        let with_conditions = |conditions: &[&Arc<dyn PhysicalExpr>]| {
            let conditions = conditions.iter().map(|condition| Arc::clone(condition));
            parquet_scan::source(source, None, conjunction_opt(conditions), projection)
        };
        let times = scan.file_schema().fields().iter().enumerate();
        for (index, field) in
            times.filter(|(_, field)| matches!(field.data_type(), DataType::Timestamp(..)))
        {
            let judge = |first: &ScalarValue, last: &ScalarValue| {
                let mut columns = vec![Known::Free; table.fields().len()];
                columns[index] = Known::Between(first.clone(), last.clone());
                let output = projection.iter();
                let output = output.map(|output| Known::of(&output.expr, &columns));
                Verdict {
                    holds: all_hold(&conditions, &columns),
                    is_pinned: above(&output.collect::<Vec<_>>())
                        && conditions
                            .iter()
                            .all(|condition| Known::of(condition, &columns) == Known::Free),
                }
            };
            let time = Time {
                field,
                index,
                table,
            };
            let mut groups = vec![];
            let mut leaves_out = false;
            for group in &scan.file_groups {
                let mut pieces = vec![];
                for file in group.iter() {
                    let (these, are_all) = self.pieces(file, &time, &judge)?;
                    leaves_out |= !are_all;
                    pieces.extend(these);
                }
                groups.push(pieces);
            }
            let all = || groups.iter().flatten();
            let drops_filter =
                !asked.is_empty() && all().all(|piece| piece.verdict.holds == Some(true));
            if !drops_filter && !leaves_out && !all().any(|piece| piece.verdict.is_pinned) {
                continue;
            }
            if scan.output_partitioning.is_none() {
                groups = dealt(groups);
            }
            let groups = groups.into_iter().map(|pieces| {
                let mut joined: Vec<Piece<'_>> = vec![];
                for piece in pieces {
                    let before = joined.last_mut();
                    if !before.is_some_and(|before| before.take(&piece, &judge)) {
                        joined.push(piece);
                    }
                }
                let files = joined.iter().map(|piece| piece.read(&time));
                FileGroup::new(files.collect())
            });
            let groups = groups.collect();
            // Whoever groups by numbers needs no order.
            let scan = FileScanConfigBuilder::from(scan.clone())
                .with_file_groups(groups)
                .with_output_ordering(vec![]);
            let left: &[_] = if drops_filter { &[] } else { &conditions };
            if left.len() == asked.len() {
                return Ok(Some(DataSourceExec::from_data_source(scan.build())));
            }
            return Ok(with_conditions(left)?.map(|source| {
                DataSourceExec::from_data_source(scan.with_source(source).build()) as _
            }));
        }
        if conditions.len() == asked.len() {
            return Ok(None);
        }
        Ok(with_conditions(&conditions)?.map(|source| {
            let scan = FileScanConfigBuilder::from(scan.clone()).with_source(source);
            DataSourceExec::from_data_source(scan.build()) as _
        }))
    }

    /// The conditions that some row may not meet.
    fn still_asked<'c>(
        &self,
        scan: &FileScanConfig,
        conditions: &[&'c Arc<dyn PhysicalExpr>],
        table: &SchemaRef,
    ) -> Result<Vec<&'c Arc<dyn PhysicalExpr>>> {
        let files = scan.file_groups.iter().flat_map(FileGroup::iter);
        let footers = files.map(|file| footer(file, self.footers.as_ref()));
        let Some(footers) = footers.collect::<Option<Vec<_>>>() else {
            return Ok(conditions.to_vec());
        };
        let mut asked = vec![];
        for condition in conditions {
            if !is_met_by_all(condition, table, &footers)? {
                asked.push(*condition);
            }
        }
        Ok(asked)
    }

    /// A file's row groups as far as they are asked for, and whether these are all.
    fn pieces<'f>(
        &self,
        file: &'f PartitionedFile,
        time: &Time<'_>,
        judge: Judge<'_>,
    ) -> Result<(Vec<Piece<'f>>, bool)> {
        match footer(file, self.footers.as_ref()) {
            Some(footer) => Piece::each(file, &footer, time, judge),
            None => Ok((vec![Piece::whole(file)], true)),
        }
    }
}

/// The same pieces in as many groups, of as many rows each: a period may lie in one group alone.
fn dealt(groups: Vec<Vec<Piece<'_>>>) -> Vec<Vec<Piece<'_>>> {
    let rows = groups.iter().flatten().map(Piece::rows);
    let Some(total) = rows.sum::<Option<i64>>().filter(|total| *total > 0) else {
        return groups;
    };
    let count = groups.len();
    let mut dealt: Vec<Vec<_>> = groups.iter().map(|_| vec![]).collect();
    let mut before = 0;
    for piece in groups.into_iter().flatten() {
        let rows = piece.rows().unwrap_or(0);
        // Where its middle lies decides.
        let share = i128::from(2 * before + rows) * count as i128 / i128::from(2 * total);
        let group = usize::try_from(share).unwrap_or(0).min(count - 1);
        dealt[group].push(piece);
        before += rows;
    }
    dealt
}

/// Whether all conditions hold everywhere, or one of them nowhere.
fn all_hold(conditions: &[&Arc<dyn PhysicalExpr>], columns: &[Known]) -> Option<bool> {
    let answers = conditions.iter().map(|condition| holds(condition, columns));
    let answers: Vec<_> = answers.collect();
    if answers.contains(&Some(false)) {
        return Some(false);
    }
    answers.iter().all(Option::is_some).then_some(true)
}
