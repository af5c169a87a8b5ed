//! `usage_pattern_flags(sessions, median_sessions, …)`: which usage patterns a customer shows
//! beside the medians of its peers.
//!
//! A struct of booleans: true is found, false is not found, NULL is not measured. What is not
//! measured is passed as NULL.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, BooleanBuilder, StructArray};
use datafusion::arrow::datatypes::{DataType, Field, Fields};
use datafusion::common::{Result, exec_datafusion_err};
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ScalarFunctionArgs, ScalarUDFImpl, Signature,
};

use crate::columnar::arguments::Arguments;
use crate::columnar::kind::Kind;
use crate::columnar::manual::{Face, Manual, Parameter};
use crate::money::Exact;
use crate::pattern::flags::{Figure, Figures, Flags, FlagsError, Thresholds};

const PATTERNS: [&str; 4] = [
    "high_session_frequency",
    "long_context",
    "low_cache_hit_rate",
    "reasoning_heavy",
];

pub(crate) static MANUAL: Manual = Manual {
    name: "usage_pattern_flags",
    section: "Patterns",
    description: "Which usage patterns a customer shows beside its peers: true, false, or NULL where not measured.",
    parameters: &[
        Parameter::required("sessions", Kind::Number, "The customer's sessions."),
        Parameter::required(
            "median_sessions",
            Kind::Number,
            "Its peers' median of them.",
        ),
        Parameter::required(
            "context",
            Kind::Number,
            "Its input tokens a session, long context.",
        ),
        Parameter::required("median_context", Kind::Number, "Its peers' median of them."),
        Parameter::required(
            "cache_hit_rate",
            Kind::Number,
            "The part of its input that was read from a cache, from 0 to 1.",
        ),
        Parameter::required(
            "median_cache_hit_rate",
            Kind::Number,
            "Its peers' median of it.",
        ),
        Parameter::required(
            "reasoning_share",
            Kind::Number,
            "The part of its output that is reasoning, from 0 to 1.",
        ),
        Parameter::required("output_tokens", Kind::Number, "Its output tokens."),
        Parameter::required(
            "median_output_tokens",
            Kind::Number,
            "Its peers' median of them.",
        ),
        Parameter::optional(
            "session_multiple",
            Kind::Number,
            "So many times the median sessions are many, 3 if not said.",
        ),
        Parameter::optional(
            "context_multiple",
            Kind::Number,
            "So many times the median context is long, 3 if not said.",
        ),
        Parameter::optional(
            "low_cache_hit_rate",
            Kind::Number,
            "Below it a hit rate is low, 0.10 if not said.",
        ),
        Parameter::optional(
            "high_reasoning_share",
            Kind::Number,
            "From it on a share of reasoning is high, 0.30 if not said.",
        ),
    ],
    over: "",
    example: "SELECT usage_pattern_flags(sessions, exact_median(sessions) OVER (PARTITION BY plan), NULL, NULL, NULL, NULL, NULL, NULL, NULL) FROM usage;",
};

#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct UsagePatternFlags {
    face: Face,
}

impl UsagePatternFlags {
    pub(crate) fn new() -> Self {
        Self {
            face: MANUAL.face(),
        }
    }
}

impl ScalarUDFImpl for UsagePatternFlags {
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
        Ok(DataType::Struct(fields()))
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&self.face.documentation)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arguments = Arguments::new(&MANUAL, &args);
        let numbers = (0..MANUAL.parameters.len())
            .map(|position| arguments.number(position))
            .collect::<Result<Vec<_>>>()?;
        let mut columns: [BooleanBuilder; 4] = Default::default();
        for row in 0..args.number_rows {
            let numbers = numbers
                .iter()
                .map(|column| column.get(MANUAL.name, row))
                .collect::<Result<Vec<_>>>()?;
            let flags = flags(&numbers)
                .map_err(|error| exec_datafusion_err!("{}: {error}", MANUAL.name))?;
            let flags = [
                flags.high_session_frequency,
                flags.long_context,
                flags.low_cache_hit_rate,
                flags.reasoning_heavy,
            ];
            for (column, flag) in columns.iter_mut().zip(flags) {
                column.append_option(flag);
            }
        }
        let columns = columns.map(|mut column| Arc::new(column.finish()) as ArrayRef);
        let flags = StructArray::try_new(fields(), columns.to_vec(), None)?;
        Ok(ColumnarValue::Array(Arc::new(flags)))
    }
}

fn fields() -> Fields {
    PATTERNS
        .into_iter()
        .map(|name| Field::new(name, DataType::Boolean, true))
        .collect()
}

/// Of the arguments in their order.
fn flags(numbers: &[Option<Exact>]) -> Result<Flags, FlagsError> {
    let figure = |first: usize| Figure {
        own: numbers[first],
        median: numbers[first + 1],
    };
    let figures = Figures {
        sessions: figure(0),
        context: figure(2),
        cache_hit_rate: figure(4),
        reasoning_share: numbers[6],
        output_tokens: figure(7),
    };
    let thresholds = Thresholds::new(numbers[9], numbers[10], numbers[11], numbers[12])?;
    Flags::new(&figures, &thresholds)
}

#[cfg(test)]
mod tests {
    use crate::testing::{error, row, session};

    #[tokio::test]
    async fn each_pattern_is_a_field() {
        let sql = "SELECT f['high_session_frequency'], f['long_context'], f['low_cache_hit_rate'],
                          f['reasoning_heavy']
                   FROM (SELECT usage_pattern_flags(30, 10, 299, 100, NULL, 0.7, 0.5, 11, 10.5) AS f)";
        assert_eq!(row(&session().await, sql).await, "true|false|-|true");
    }

    #[tokio::test]
    async fn thresholds_may_be_named() {
        let sql = "SELECT f['high_session_frequency'], f['low_cache_hit_rate'] FROM (
                       SELECT usage_pattern_flags(20, 10, NULL, NULL, 0.15, 0.7, NULL, NULL, NULL,
                           low_cache_hit_rate => 0.2, session_multiple => 2, context_multiple => 2) AS f)";
        assert_eq!(row(&session().await, sql).await, "true|true");
        let zero = "SELECT usage_pattern_flags(1, 1, 1, 1, 1, 1, 1, 1, 1, session_multiple => 0)";
        let zero = error(&session().await, zero).await;
        assert!(
            zero.contains("usage_pattern_flags: `session_multiple` is not above 0"),
            "{zero}"
        );
    }
}
