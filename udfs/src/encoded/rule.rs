//! [`Encoded`]: puts dictionaries below each [`TallyExec`] that can have them.

use std::collections::HashSet;
use std::sync::Arc;

use datafusion::common::Result;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::datasource::physical_plan::{
    FileScanConfig, FileScanConfigBuilder, FileSource, ParquetSource,
};
use datafusion::datasource::source::DataSourceExec;
use datafusion::physical_expr::expressions::{Column, IsNotNullExpr};
use datafusion::physical_expr::projection::ProjectionExprs;
use datafusion::physical_expr::utils::collect_columns;
use datafusion::physical_expr::{PhysicalExpr, split_conjunction};
use datafusion::physical_expr_common::physical_expr::is_volatile;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::execution_plan::replace_children_if_necessary;
use datafusion::physical_plan::filter::{FilterExec, FilterExecBuilder};
use datafusion::physical_plan::projection::{ProjectionExec, ProjectionExpr};
use datafusion::physical_plan::union::UnionExec;

use super::expression::{Change, of_one_text};
use super::footer::EncodedReaders;
use crate::aggregate::exact_distinct::takes_dictionaries;
use crate::columnar::kind::is_text;
use crate::parquet_scan::{self, passes_on};
use crate::tally::exec::TallyExec;

/// The last rule on a machine: what it makes cannot travel.
#[derive(Debug, Default)]
pub struct Encoded;

impl PhysicalOptimizerRule for Encoded {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        _: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let below_tally = |plan: Arc<dyn ExecutionPlan>| {
            let Some(tally) = plan.downcast_ref::<TallyExec>() else {
                return Ok(Transformed::no(plan));
            };
            let Some(input) = encoded(tally.input())? else {
                return Ok(Transformed::no(plan));
            };
            let change = Change::new(tally.input().schema(), input.schema());
            let tally = tally.over_encoded(
                input,
                |key| change.encoded(key),
                |function, argument| {
                    if takes_dictionaries(function.fun()) {
                        change.encoded(argument)
                    } else {
                        change.plain(argument)
                    }
                },
            )?;
            Ok(Transformed::yes(Arc::new(tally) as _))
        };
        plan.transform_up(below_tally).data()
    }

    fn name(&self) -> &'static str {
        "encoded"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// The same rows with texts in dictionaries; nothing where there is none to be had.
fn encoded(plan: &Arc<dyn ExecutionPlan>) -> Result<Option<Arc<dyn ExecutionPlan>>> {
    if let Some(scan) = plan.downcast_ref::<DataSourceExec>() {
        return match scan.downcast_to_file_source::<ParquetSource>() {
            Some((scan, source)) => encoded_scan(scan, source),
            None => Ok(None),
        };
    }
    if plan.downcast_ref::<UnionExec>().is_some() {
        let inputs = plan.children().into_iter().map(encoded);
        let inputs: Option<Vec<_>> = inputs.collect::<Result<_>>()?;
        let alike = inputs.filter(|inputs| {
            let types = |input: &Arc<dyn ExecutionPlan>| {
                let schema = input.schema();
                let types = schema
                    .fields()
                    .iter()
                    .map(|field| field.data_type().clone());
                types.collect::<Vec<_>>()
            };
            inputs
                .windows(2)
                .all(|pair| types(&pair[0]) == types(&pair[1]))
        });
        return alike.map(UnionExec::try_new).transpose();
    }
    let [child] = plan.children()[..] else {
        return Ok(None);
    };
    let Some(input) = encoded(child)? else {
        return Ok(None);
    };
    let change = Change::new(child.schema(), input.schema());
    if let Some(projection) = plan.downcast_ref::<ProjectionExec>() {
        let expressions = projection.expr().iter().map(|expression| {
            Ok(ProjectionExpr {
                expr: change.encoded(&expression.expr)?,
                alias: expression.alias.clone(),
            })
        });
        let expressions: Vec<_> = expressions.collect::<Result<_>>()?;
        return Ok(Some(Arc::new(ProjectionExec::try_new(expressions, input)?)));
    }
    if let Some(filter) = plan.downcast_ref::<FilterExec>() {
        let filter = FilterExecBuilder::from(filter)
            .with_predicate(change.plain(filter.predicate())?)
            .with_input(input);
        return Ok(Some(Arc::new(filter.build()?)));
    }
    if passes_on(plan, child)? {
        return replace_children_if_necessary(Arc::clone(plan), vec![input]).map(Some);
    }
    Ok(None)
}

fn encoded_scan(
    scan: &FileScanConfig,
    source: &ParquetSource,
) -> Result<Option<Arc<dyn ExecutionPlan>>> {
    let (Some(readers), Some(projection)) =
        (source.parquet_file_reader_factory(), source.projection())
    else {
        return Ok(None);
    };
    let fields = scan.file_schema();
    let filter = source.filter();
    let filtered = filter.as_ref().map(compared_columns).unwrap_or_default();
    let mut columns = vec![];
    let expressions = projection.iter().map(|expression| {
        let columns_of_it = collect_columns(&expression.expr);
        let mut columns_of_it = columns_of_it.into_iter();
        let (Some(column), None) = (columns_of_it.next(), columns_of_it.next()) else {
            return Ok(expression.clone());
        };
        let field = fields.fields().get(column.index());
        let Some(field) = field.filter(|field| is_text(field.data_type())) else {
            return Ok(expression.clone());
        };
        if filtered.contains(&column) || is_volatile(&expression.expr) {
            return Ok(expression.clone());
        }
        columns.push(field.name().clone());
        Ok(ProjectionExpr {
            expr: of_one_text(&expression.expr, column, field)?,
            alias: expression.alias.clone(),
        })
    });
    let expressions: Vec<_> = expressions.collect::<Result<_>>()?;
    if columns.is_empty() {
        return Ok(None);
    }
    let readers = Arc::new(EncodedReaders::new(Arc::clone(readers), columns));
    let projection = ProjectionExprs::new(expressions);
    let encoded = parquet_scan::source(source, Some(readers), filter, &projection)?;
    let Some(encoded) = encoded else {
        return Ok(None);
    };
    let scan = FileScanConfigBuilder::from(scan.clone()).with_source(encoded);
    Ok(Some(DataSourceExec::from_data_source(scan.build())))
}

/// The columns by whose values the engine may leave rows out: it prunes by some conditions on texts
/// that it would not on dictionaries.
fn compared_columns(filter: &Arc<dyn PhysicalExpr>) -> HashSet<Column> {
    let conditions = split_conjunction(filter).into_iter();
    let compared =
        conditions.filter(|condition| condition.downcast_ref::<IsNotNullExpr>().is_none());
    compared.flat_map(collect_columns).collect()
}
