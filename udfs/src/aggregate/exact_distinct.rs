//! `exact_distinct(text)`: how many different texts a group has; what `approx_distinct` estimates.
//!
//! [`Distinct`] has the texts.

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::{AggregateOrderSensitivity, format_state_name};
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, Documentation, GroupsAccumulator, ReversedUDAF,
    Signature,
};

use super::distinct_texts::{Distinct, OneGroup, element};
use crate::columnar::kind::Kind;
use crate::columnar::manual::{Face, Manual, Parameter};

pub(crate) static MANUAL: Manual = Manual {
    name: "exact_distinct",
    section: "Patterns",
    description: "How many different texts there are; NULL is none of them.",
    parameters: &[Parameter::required("text", Kind::Text, "The texts.")],
    over: "",
    example: "SELECT customer_id, exact_distinct(session_id) FROM ledger GROUP BY customer_id;",
};

#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct ExactDistinct {
    face: Face,
}

impl ExactDistinct {
    pub(crate) fn new() -> Self {
        Self {
            face: MANUAL.face(),
        }
    }
}

/// Whether a function reads its texts in dictionaries too.
pub(crate) fn takes_dictionaries(function: &AggregateUDF) -> bool {
    function.inner().is::<ExactDistinct>()
}

impl AggregateUDFImpl for ExactDistinct {
    fn name(&self) -> &str {
        MANUAL.name
    }

    fn signature(&self) -> &Signature {
        &self.face.signature
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        MANUAL.coerce(given)
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int64)
    }

    fn is_nullable(&self) -> bool {
        false
    }

    fn default_value(&self, _: &DataType) -> Result<ScalarValue> {
        Ok(ScalarValue::Int64(Some(0)))
    }

    fn accumulator(&self, _: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(OneGroup::new()?))
    }

    fn groups_accumulator_supported(&self, _: AccumulatorArgs) -> bool {
        true
    }

    fn create_groups_accumulator(&self, _: AccumulatorArgs) -> Result<Box<dyn GroupsAccumulator>> {
        Ok(Box::new(Distinct::new()?))
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        let name = format_state_name(args.name, "texts");
        Ok(vec![Arc::new(Field::new_list(name, element(), true))])
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        AggregateOrderSensitivity::Insensitive
    }

    fn reverse_expr(&self) -> ReversedUDAF {
        ReversedUDAF::Identical
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&self.face.documentation)
    }
}

#[cfg(test)]
mod tests {
    use datafusion::prelude::SessionConfig;

    use crate::testing::{error, row, rows, session, session_with};

    const CALLS: &str = "(VALUES ('a', 's1', 1), ('a', 's1', 2), ('a', 'a session of a long name', 3),
        ('a', NULL, 4), ('b', 's1', 5), ('c', NULL, 6), ('a', 'a session of a long name', 7)) t (g, s, n)";

    #[tokio::test]
    async fn a_text_counts_once_in_each_group() {
        let context = session().await;
        let sql = format!("SELECT g, exact_distinct(s), sum(n) FROM {CALLS} GROUP BY g ORDER BY g");
        let expected = ["a|2|17", "b|1|5", "c|0|6"];
        assert_eq!(rows(&context, &sql).await.unwrap(), expected);
        let sql = format!(
            "SELECT exact_distinct(s), exact_distinct(s) FILTER (WHERE n > 2), exact_distinct(DISTINCT s),
             exact_distinct(s) FILTER (WHERE n > 9), exact_distinct(n) FROM {CALLS}"
        );
        assert_eq!(row(&context, &sql).await, "2|2|2|0|7");
        let sql = format!("SELECT exact_distinct(s) FROM {CALLS} WHERE n > 9");
        assert_eq!(row(&context, &sql).await, "0");
        let sql = format!(
            "SELECT g, exact_distinct(s) FILTER (WHERE n > 2) FROM {CALLS} GROUP BY g ORDER BY g"
        );
        assert_eq!(rows(&context, &sql).await.unwrap(), ["a|1", "b|1", "c|0"]);
    }

    #[tokio::test]
    async fn texts_are_read_in_every_encoding() {
        let encodings = [
            "Utf8",
            "LargeUtf8",
            "Dictionary(Int32, Utf8)",
            "Dictionary(UInt16, Utf8View)",
        ];
        for encoding in encodings {
            let s = format!("arrow_cast(s, '{encoding}')");
            let sql = format!(
                "SELECT g, exact_distinct({s}), exact_distinct({s}) FILTER (WHERE n < 6) FROM {CALLS}
                 GROUP BY g ORDER BY g"
            );
            let expected = ["a|2|2", "b|1|1", "c|0|0"];
            assert_eq!(
                rows(&session().await, &sql).await.unwrap(),
                expected,
                "{encoding}"
            );
        }
    }

    #[tokio::test]
    async fn a_partition_has_its_count_beside_every_row() {
        let sql = format!(
            "SELECT n, exact_distinct(s) OVER (PARTITION BY g), exact_distinct(s) OVER (ORDER BY n)
             FROM {CALLS} ORDER BY n"
        );
        let expected = [
            "1|2|1", "2|2|1", "3|2|2", "4|2|2", "5|1|2", "6|0|2", "7|2|2",
        ];
        assert_eq!(rows(&session().await, &sql).await.unwrap(), expected);
    }

    #[tokio::test]
    async fn neither_batches_nor_partitions_nor_order_change_it() {
        let sql = |order: &str| {
            format!(
                "SELECT g, exact_distinct(s), count(DISTINCT s) FROM (
                     SELECT value % 7 AS g, nullif(concat('text ', value % 300), 'text 9') AS s
                     FROM generate_series(1, 3000) t (value) {order})
                 GROUP BY g ORDER BY g"
            )
        };
        let mut found = vec![];
        for (batch_size, partitions) in [(3, 4), (100, 2), (8192, 1)] {
            let config = SessionConfig::new().with_batch_size(batch_size);
            let context = session_with(&config.with_target_partitions(partitions));
            for order in ["", "ORDER BY g"] {
                found.push(rows(&context, &sql(order)).await.unwrap());
            }
        }
        assert_eq!(found[0][0], "0|299|299");
        assert!(found.iter().all(|rows| *rows == found[0]), "{found:?}");
    }

    #[tokio::test]
    async fn what_is_no_text_is_said() {
        let float = error(&session().await, "SELECT exact_distinct(1::double)").await;
        assert!(
            float.contains("argument `text` at position 1 is Float64"),
            "{float}"
        );
    }
}
