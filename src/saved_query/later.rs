//! [`Later`]: instants that a statement is planned beside, not after.
//!
//! What reads them names a function that gives them. Nobody has to know them while SQL becomes plans;
//! then they are waited for, and the optimiser puts them where the function stands.

use super::parameter::{Argument, Parameter, no_arguments};
use crate::error::{Error, Result};
use crate::saved_query::answer::value;
use crate::task::Task;
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::{DataType, TimeUnit};
use datafusion::common::{ScalarValue, internal_datafusion_err};
use datafusion::execution::SessionState;
use datafusion::execution::registry::FunctionRegistry;
use datafusion::logical_expr::simplify::{ExprSimplifyResult, SimplifyContext};
use datafusion::logical_expr::{
    ColumnarValue, Expr as Planned, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};
use datafusion::sql::sqlparser::ast::{Expr, FunctionArguments};
use std::hash::{Hash, Hasher};
use std::sync::{Arc, OnceLock};

const INSTANT: DataType = DataType::Timestamp(TimeUnit::Microsecond, None);

/// What a query gives that was begun. Its answer is known to plans when it has been waited for.
#[derive(Debug, Clone)]
pub(super) struct Later {
    parameter: Parameter,
    /// The file that asks.
    path: String,
    question: String,
    /// Of those that a statement waits for.
    number: usize,
    asked: Task<Vec<RecordBatch>>,
    answer: Arc<OnceLock<Argument>>,
}

/// What of a list of instants a name stands for.
#[derive(Debug, Clone, Copy)]
enum Part {
    All,
    First,
    Last,
}

const PARTS: [(&str, Part); 3] = [
    ("", Part::All),
    ("_first", Part::First),
    ("_last", Part::Last),
];

impl Later {
    pub(super) fn new(
        parameter: &Parameter,
        path: &str,
        question: String,
        number: usize,
        asked: Task<Vec<RecordBatch>>,
    ) -> Self {
        Self {
            parameter: parameter.clone(),
            path: path.to_owned(),
            question,
            number,
            asked,
            answer: Arc::default(),
        }
    }

    fn name(&self, part: &str) -> String {
        format!("${}{part} {}", self.parameter.name, self.number)
    }

    /// What a parameter's names stand for in a body until the answer is there.
    pub(super) fn bind(&self, parameter: &Parameter) -> Vec<(String, Expr)> {
        let names = PARTS.iter().map(|(part, _)| {
            let placeholder = format!("${}{part}", parameter.name);
            (placeholder, no_arguments(&self.name(part)))
        });
        names.collect()
    }

    pub(super) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.answer, &other.answer)
    }

    /// Whether the text of a query names it.
    pub(super) fn is_named_in(&self, query: &str) -> bool {
        let mut names = PARTS.iter().map(|(part, _)| self.name(part));
        names.any(|name| query.contains(&format!("\"{name}\"")))
    }

    /// Whether an expression is one of these.
    pub(super) fn is(&self, expression: &Expr) -> bool {
        let Expr::Function(function) = expression else {
            return false;
        };
        let named = function.name.0.first().and_then(|part| part.as_ident());
        matches!(&function.args, FunctionArguments::List(list) if list.args.is_empty())
            && named
                .is_some_and(|named| PARTS.iter().any(|(part, _)| self.name(part) == named.value))
    }

    /// Has a statement know the functions.
    pub(super) fn register(&self, state: &mut SessionState) -> Result<()> {
        for (name, part) in PARTS {
            let function = Placeholder {
                name: self.name(name),
                part,
                signature: Signature::nullary(Volatility::Volatile),
                answer: Arc::clone(&self.answer),
            };
            state.register_udf(Arc::new(ScalarUDF::from(function)))?;
        }
        Ok(())
    }

    /// From here on plans know the answer.
    pub(super) async fn answered(&self) -> Result<()> {
        let answered = self.asked.clone().await.map_err(Error::from);
        let checked = answered.and_then(|rows| {
            let answer = value(&rows, &self.question)?;
            self.parameter.bind(&answer)?;
            Ok(answer)
        });
        let answer = checked.map_err(|error| error.at(self.path.clone()))?;
        self.answer.get_or_init(|| answer);
        Ok(())
    }
}

/// Called volatile, lest anybody asks for the value before it is there.
#[derive(Debug)]
struct Placeholder {
    name: String,
    part: Part,
    signature: Signature,
    answer: Arc<OnceLock<Argument>>,
}

impl PartialEq for Placeholder {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && Arc::ptr_eq(&self.answer, &other.answer)
    }
}

impl Eq for Placeholder {}

impl Hash for Placeholder {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl Placeholder {
    fn value(&self) -> Option<ScalarValue> {
        let instants: &[i64] = match self.answer.get()? {
            Argument::Instants(instants) => instants,
            _ => &[],
        };
        let instant =
            |instant: Option<&i64>| ScalarValue::TimestampMicrosecond(instant.copied(), None);
        Some(match self.part {
            Part::All if instants.is_empty() => ScalarValue::new_null_list(INSTANT, true, 1),
            Part::All => {
                let all: Vec<_> = instants.iter().map(|one| instant(Some(one))).collect();
                ScalarValue::List(ScalarValue::new_list(&all, &INSTANT, true))
            }
            Part::First => instant(instants.first()),
            Part::Last => instant(instants.last()),
        })
    }
}

impl ScalarUDFImpl for Placeholder {
    fn name(&self) -> &str {
        &self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> datafusion::error::Result<DataType> {
        Ok(match self.part {
            Part::All => DataType::new_list(INSTANT, true),
            Part::First | Part::Last => INSTANT,
        })
    }

    fn simplify(
        &self,
        args: Vec<Planned>,
        _: &SimplifyContext,
    ) -> datafusion::error::Result<ExprSimplifyResult> {
        Ok(match self.value() {
            Some(value) => ExprSimplifyResult::Simplified(Planned::Literal(value, None)),
            None => ExprSimplifyResult::Original(args),
        })
    }

    fn invoke_with_args(&self, _: ScalarFunctionArgs) -> datafusion::error::Result<ColumnarValue> {
        let value = self.value();
        let value = value.ok_or_else(|| internal_datafusion_err!("{} is not there", self.name))?;
        Ok(ColumnarValue::Scalar(value))
    }
}
