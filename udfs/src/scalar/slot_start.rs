//! `slot_start(at, boundaries)`: the boundary that opened the slot in which an instant lies.
//!
//! A slot runs from a boundary to the next, the first included. NULL before the first boundary.
//! Calls and charges that are cut at the same boundaries meet by equality, which joins by hash
//! where a range would join by loop.

use std::sync::Arc;

use datafusion::arrow::array::TimestampMicrosecondBuilder;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ScalarFunctionArgs, ScalarUDFImpl, Signature,
};

use super::boundaries::Boundaries;
use crate::columnar::arguments::Arguments;
use crate::columnar::kind::{Kind, micros};
use crate::columnar::manual::{Face, Manual, Parameter};
use crate::pricing::span::Span;

pub(crate) static MANUAL: Manual = Manual {
    name: "slot_start",
    section: "Time",
    description: "The greatest of the sorted boundaries that is not after an instant; NULL before the first.",
    parameters: &[
        Parameter::required("at", Kind::Timestamp, "The instant."),
        Parameter::required(
            "boundaries",
            Kind::Timestamps,
            "The boundaries, in ascending order.",
        ),
    ],
    over: "",
    example: "SELECT slot_start(called_at, (SELECT array_agg(b ORDER BY b) FROM boundaries)) FROM ledger;",
};

#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct SlotStart {
    face: Face,
}

impl SlotStart {
    pub(crate) fn new() -> Self {
        Self {
            face: MANUAL.face(),
        }
    }
}

impl ScalarUDFImpl for SlotStart {
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
        Ok(micros(None))
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&self.face.documentation)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arguments = Arguments::new(&MANUAL, &args);
        let at = arguments.timestamp(0)?;
        let boundaries = Boundaries::new(MANUAL.name, &arguments, 1)?;
        let slot = |at: i64, boundaries: &[i64]| {
            let opened = boundaries.partition_point(|boundary| *boundary <= at);
            let start = opened.checked_sub(1).map(|last| boundaries[last]);
            let next = boundaries.get(opened).copied();
            (Span::around(at, start.into_iter().chain(next)), start)
        };
        // A batch of calls is mostly of one slot.
        if boundaries.are_constant()
            && let Some((first, last)) = at.range(args.number_rows)
            && let Some(boundaries) = boundaries.get(0)?
            && let (span, start) = slot(first, boundaries)
            && span.holds(last)
        {
            let start = ScalarValue::TimestampMicrosecond(start, None);
            return Ok(ColumnarValue::Scalar(start));
        }
        let mut starts = TimestampMicrosecondBuilder::with_capacity(args.number_rows);
        // Calls stand in the order of time, more or less: most are in the slot of the one before.
        let mut last = (Span::NEVER, None);
        for row in 0..args.number_rows {
            let Some(at) = at.get(row) else {
                starts.append_null();
                continue;
            };
            if !(boundaries.are_constant() && last.0.holds(at)) {
                let Some(boundaries) = boundaries.get(row)? else {
                    starts.append_null();
                    continue;
                };
                last = slot(at, boundaries);
            }
            starts.append_option(last.1);
        }
        Ok(ColumnarValue::Array(Arc::new(starts.finish())))
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{error, row, rows, session};

    const BOUNDARIES: &str =
        "[timestamp '2026-01-01', timestamp '2026-01-02', timestamp '2026-02-01']";

    #[tokio::test]
    async fn a_slot_runs_from_a_boundary_to_the_next() {
        let sql = format!(
            "SELECT slot_start(column1::timestamp, {BOUNDARIES}) FROM (VALUES
                ('2025-12-31'), ('2026-01-01'), ('2026-01-01T23:59:59.999999'), ('2026-03-01'), (NULL))"
        );
        let expected = [
            "-",
            "2026-01-01T00:00:00",
            "2026-01-01T00:00:00",
            "2026-02-01T00:00:00",
            "-",
        ];
        assert_eq!(rows(&session().await, &sql).await.unwrap(), expected);
    }

    #[tokio::test]
    async fn boundaries_may_come_from_a_query_or_vary_by_row() {
        let sql = "SELECT slot_start('2026-01-15', (SELECT array_agg(b ORDER BY b) FROM (VALUES
                    (timestamp '2026-02-01'), (timestamp '2026-01-01')) t (b))),
                   slot_start('2026-01-15', NULL)";
        assert_eq!(row(&session().await, sql).await, "2026-01-01T00:00:00|-");
        let varying = "SELECT slot_start(timestamp '2026-01-15', [column1::timestamp]) FROM (VALUES
                    ('2026-01-01'), ('2026-02-01'))";
        let expected = ["2026-01-01T00:00:00", "-"];
        assert_eq!(rows(&session().await, varying).await.unwrap(), expected);
    }

    #[tokio::test]
    async fn boundaries_in_disorder_are_refused() {
        let sql =
            "SELECT slot_start('2026-01-15', [timestamp '2026-02-01', timestamp '2026-01-01'])";
        let disorder = error(&session().await, sql).await;
        assert!(disorder.contains("not in ascending order"), "{disorder}");
    }
}
