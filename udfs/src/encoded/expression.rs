//! Expressions over columns some of which have become dictionaries.

use std::sync::Arc;

use datafusion::arrow::datatypes::{Field, Schema, SchemaRef};
use datafusion::common::Result;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::physical_expr::expressions::{CastExpr, Column};
use datafusion::physical_expr::utils::collect_columns;
use datafusion::physical_expr::{PhysicalExpr, ScalarFunctionExpr};
use datafusion::physical_expr_common::physical_expr::is_volatile;

use super::each_value::EachValue;
use crate::functions::reference_of;

/// A plan's columns as they were, and as they are now: the same, but for texts in dictionaries.
pub(super) struct Change {
    before: SchemaRef,
    now: SchemaRef,
}

impl Change {
    pub(super) fn new(before: SchemaRef, now: SchemaRef) -> Self {
        Self { before, now }
    }

    /// The expression over the columns of now; its texts are dictionaries where they can be.
    pub(super) fn encoded(
        &self,
        expression: &Arc<dyn PhysicalExpr>,
    ) -> Result<Arc<dyn PhysicalExpr>> {
        if expression.downcast_ref::<Column>().is_some() {
            return Ok(Arc::clone(expression));
        }
        let columns = collect_columns(expression);
        let mut changed = columns.iter().filter(|column| self.has_changed(column));
        let Some(first) = changed.next() else {
            return Ok(Arc::clone(expression));
        };
        if columns.len() == 1 && !is_volatile(expression) {
            let field = self.before.field(first.index());
            return of_one_text(expression, first.clone(), field);
        }
        // Ours read text in whichever encoding it comes.
        if let Some(function) = expression.downcast_ref::<ScalarFunctionExpr>()
            && reference_of(function.fun()).is_some()
        {
            let arguments = function.args().iter();
            return Ok(Arc::new(ScalarFunctionExpr::try_new(
                Arc::new(function.fun().clone()),
                arguments
                    .map(|argument| self.encoded(argument))
                    .collect::<Result<_>>()?,
                &self.now,
                Arc::new(function.config_options().clone()),
            )?));
        }
        let children = expression.children().into_iter();
        let children = children.map(|child| self.plain(child));
        Arc::clone(expression).with_new_children(children.collect::<Result<_>>()?)
    }

    /// The expression over the columns of now, in the type that it had.
    pub(super) fn plain(
        &self,
        expression: &Arc<dyn PhysicalExpr>,
    ) -> Result<Arc<dyn PhysicalExpr>> {
        let encoded = self.encoded(expression)?;
        let data_type = expression.data_type(&self.before)?;
        if encoded.data_type(&self.now)? == data_type {
            return Ok(encoded);
        }
        Ok(Arc::new(CastExpr::new(encoded, data_type, None)))
    }

    fn has_changed(&self, column: &Column) -> bool {
        let types = |schema: &Schema| schema.field(column.index()).data_type().clone();
        types(&self.before) != types(&self.now)
    }
}

/// An expression of one column, a text, for each value of its dictionary.
pub(super) fn of_one_text(
    expression: &Arc<dyn PhysicalExpr>,
    column: Column,
    field: &Field,
) -> Result<Arc<dyn PhysicalExpr>> {
    let name = field.name();
    let schema = Schema::new(vec![Field::new(name, field.data_type().clone(), true)]);
    let alone = Arc::clone(expression).transform(|node| {
        Ok(if node.downcast_ref::<Column>().is_some() {
            Transformed::yes(Arc::new(Column::new(name, 0)) as Arc<dyn PhysicalExpr>)
        } else {
            Transformed::no(node)
        })
    });
    Ok(Arc::new(EachValue::new(
        Arc::new(column),
        alone.data()?,
        Arc::new(schema),
    )?))
}
