//! `billing_month(at)`: the calendar month of an instant in UTC, as bills name it: `2026-10`.
//!
//! What `to_char(at, '%Y-%m')` says, found once for all neighbours of one day, and of one month where all rows
//! lie in it.

use std::sync::Arc;

use datafusion::arrow::array::StringViewBuilder;
use datafusion::arrow::datatypes::DataType;
use datafusion::arrow::temporal_conversions::timestamp_us_to_datetime;
use datafusion::common::{Result, ScalarValue, exec_datafusion_err};
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ScalarFunctionArgs, ScalarUDFImpl, Signature,
};

use crate::columnar::arguments::Arguments;
use crate::columnar::kind::Kind;
use crate::columnar::manual::{Face, Manual, Parameter};

pub(crate) static MANUAL: Manual = Manual {
    name: "billing_month",
    section: "Time",
    description: "The calendar month of an instant in UTC, as bills name it: 2026-10.",
    parameters: &[Parameter::required("at", Kind::Timestamp, "The instant.")],
    over: "",
    example: "SELECT billing_month(called_at) AS period, count(*) FROM ledger GROUP BY period;",
};

const DAY: i64 = 24 * 60 * 60 * 1_000_000;

#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct BillingMonth {
    face: Face,
}

impl BillingMonth {
    pub(crate) fn new() -> Self {
        Self {
            face: MANUAL.face(),
        }
    }
}

impl ScalarUDFImpl for BillingMonth {
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
        Ok(DataType::Utf8View)
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&self.face.documentation)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arguments = Arguments::new(&MANUAL, &args);
        let at = arguments.timestamp(0)?;
        if let Some((first, last)) = at.range(args.number_rows) {
            let name = month(first)?;
            if name == month(last)? {
                return Ok(ColumnarValue::Scalar(ScalarValue::Utf8View(Some(name))));
            }
        }
        let mut months = StringViewBuilder::with_capacity(args.number_rows);
        let mut last = None;
        let mut name = String::new();
        for row in 0..args.number_rows {
            let Some(at) = at.get(row) else {
                months.append_null();
                continue;
            };
            let day = at.div_euclid(DAY);
            if last != Some(day) {
                name = month(at)?;
                last = Some(day);
            }
            months.append_value(&name);
        }
        Ok(ColumnarValue::Array(Arc::new(months.finish())))
    }
}

fn month(at: i64) -> Result<String> {
    let instant = timestamp_us_to_datetime(at).ok_or_else(|| {
        exec_datafusion_err!("{}: {at} microseconds are beyond the calendar", MANUAL.name)
    })?;
    Ok(instant.format("%Y-%m").to_string())
}
