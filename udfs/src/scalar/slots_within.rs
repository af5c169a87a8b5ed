//! `slots_within(period_start, period_end, boundaries)`: the slots that make up a half-open period.
//!
//! The boundaries b with period_start <= b < period_end, each the start of a slot. Periods whose
//! ends are boundaries are exactly the union of their slots.

use std::sync::Arc;

use datafusion::arrow::array::{ListBuilder, TimestampMicrosecondBuilder};
use datafusion::arrow::datatypes::{DataType, Field};
use datafusion::common::Result;
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ScalarFunctionArgs, ScalarUDFImpl, Signature,
};

use super::boundaries::Boundaries;
use crate::columnar::arguments::Arguments;
use crate::columnar::kind::{Kind, micros};
use crate::columnar::manual::{Face, Manual, Parameter};

pub(crate) static MANUAL: Manual = Manual {
    name: "slots_within",
    section: "Time",
    description: "The sorted boundaries in a half-open period, each the start of a slot.",
    parameters: &[
        Parameter::required(
            "period_start",
            Kind::Timestamp,
            "The first instant of the period.",
        ),
        Parameter::required(
            "period_end",
            Kind::Timestamp,
            "The first instant after the period.",
        ),
        Parameter::required(
            "boundaries",
            Kind::Timestamps,
            "The boundaries, in ascending order.",
        ),
    ],
    over: "",
    example: "SELECT unnest(slots_within(charge_period_start, charge_period_end, boundaries)) FROM billing;",
};

#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct SlotsWithin {
    face: Face,
}

impl SlotsWithin {
    pub(crate) fn new() -> Self {
        Self {
            face: MANUAL.face(),
        }
    }
}

impl ScalarUDFImpl for SlotsWithin {
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
        Ok(DataType::List(Arc::new(Field::new_list_field(
            micros(None),
            true,
        ))))
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&self.face.documentation)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arguments = Arguments::new(&MANUAL, &args);
        let (start, end) = (arguments.timestamp(0)?, arguments.timestamp(1)?);
        let boundaries = Boundaries::new(MANUAL.name, &arguments, 2)?;
        let mut slots = ListBuilder::new(TimestampMicrosecondBuilder::new());
        for row in 0..args.number_rows {
            let period = start.get(row).zip(end.get(row)).zip(boundaries.get(row)?);
            let Some(((start, end), boundaries)) = period else {
                slots.append_null();
                continue;
            };
            let first = boundaries.partition_point(|boundary| *boundary < start);
            let within = boundaries[first..]
                .iter()
                .take_while(|boundary| **boundary < end);
            within.for_each(|boundary| slots.values().append_value(*boundary));
            slots.append(true);
        }
        Ok(ColumnarValue::Array(Arc::new(slots.finish())))
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{row, rows, session};

    #[tokio::test]
    async fn a_period_is_the_union_of_its_slots() {
        let sql = "SELECT unnest(slots_within('2026-01-01', '2026-02-01', [
            timestamp '2025-12-31', timestamp '2026-01-01', timestamp '2026-01-15', timestamp '2026-02-01']))";
        let expected = ["2026-01-01T00:00:00", "2026-01-15T00:00:00"];
        assert_eq!(rows(&session().await, sql).await.unwrap(), expected);
    }

    #[tokio::test]
    async fn an_empty_period_has_no_slots_and_a_null_one_is_null() {
        let sql = "SELECT slots_within('2026-02-01', '2026-01-01', [timestamp '2026-01-15']),
                          slots_within(NULL, '2026-01-01', [timestamp '2026-01-15'])";
        assert_eq!(row(&session().await, sql).await, "[]|-");
    }
}
