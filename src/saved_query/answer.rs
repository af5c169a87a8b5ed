//! Queries that are asked before a statement is planned, or beside it: a default, a bound, a reason to
//! refuse.

use super::environment::Environment;
use super::expand::{Tables, Unplanned, expand_within};
use super::later::Later;
use super::parameter::Argument;
use super::statement;
use crate::error::{Error, Result};
use crate::task::{Task, task};
use datafusion::arrow::array::{Array, Int64Array, RecordBatch};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::sql::sqlparser::ast::Query;
use futures::future::FutureExt;
use std::collections::HashMap;
use std::mem;

/// What had to be asked while a statement was expanded. It is asked once.
#[derive(Default)]
pub(super) struct Answers {
    /// What queries gave, by their text.
    pub(super) values: HashMap<String, Argument>,
    /// What queries were begun and are not waited for yet, by their text.
    pub(super) later: HashMap<String, Later>,
    /// What was planned for these queries, and need not be for the statement.
    pub(super) tables: Tables,
    /// Prices, aliases and bands as they stand now, which the functions are to know.
    pub(super) reference: ReadReference,
    /// Whatever these give are reasons to refuse the statement, each with the file that asks.
    pub(super) refusals: Vec<(String, Task<Vec<RecordBatch>>)>,
}

/// Whether prices, aliases and bands have been read.
#[derive(Default)]
pub(super) enum ReadReference {
    #[default]
    Not,
    Begun(Vec<Result<Task<Vec<RecordBatch>>>>),
    Known,
}

impl Answers {
    /// Begins to read prices, aliases and bands: nearly every saved query asks for them in the end.
    pub(super) async fn begin_reference(&mut self, environment: &Environment) {
        if matches!(self.reference, ReadReference::Not) {
            let begun = environment.read_reference();
            self.reference = ReadReference::Begun(begun.await);
        }
    }

    /// Has the functions know them.
    pub(super) async fn know_reference(&mut self, environment: &Environment) -> Result<()> {
        self.begin_reference(environment).await;
        if let ReadReference::Begun(read) = mem::replace(&mut self.reference, ReadReference::Known)
        {
            environment.know_reference(read).await?;
        }
        Ok(())
    }

    /// An error where there is a reason to refuse the statement.
    pub(super) async fn refuse(self) -> Result<()> {
        for (path, reasons) in self.refusals {
            let reasons = reasons.await.map_err(Error::from);
            let refused = reasons.and_then(|reasons| refusal(&reasons));
            refused.map_err(|error| error.at(path))?;
        }
        Ok(())
    }
}

/// The first row's problem, and what to do about it.
pub(super) fn refusal(reasons: &[RecordBatch]) -> Result<()> {
    let Some(batch) = reasons.iter().find(|batch| batch.num_rows() > 0) else {
        return Ok(());
    };
    let mut texts = batch.columns().iter().map(|column| {
        argument(&ScalarValue::try_from_array(column, 0)?)
            .map(|text| text.shown())
            .ok_or_else(|| Error::new("a refusal is text"))
    });
    let error = Error::new(texts.next().transpose()?.unwrap_or_default());
    Err(match texts.next().transpose()? {
        Some(hint) => error.hint(hint),
        None => error,
    })
}

/// Begins to run a query, beside whatever comes next.
pub(super) async fn ask(
    environment: &Environment,
    query: Query,
    open: &[String],
    answers: &mut Answers,
    later: &[Later],
) -> Result<Task<Vec<RecordBatch>>> {
    let unplanned = expand_within(environment, statement(query), open, answers, later);
    Ok(begun(unplanned.boxed().await?, environment))
}

pub(super) fn begun(asked: Unplanned, environment: &Environment) -> Task<Vec<RecordBatch>> {
    let context = environment.context.clone();
    task(async move {
        let plan = asked.planned().await?.plan;
        context.execute_logical_plan(plan).await?.collect().await
    })
}

/// Runs a query of one row and one column.
pub(super) async fn one_value(
    environment: &Environment,
    query: Query,
    open: &[String],
    answers: &mut Answers,
    later: &[Later],
) -> Result<Argument> {
    let shown = query.to_string();
    let asked = ask(environment, query, open, answers, later).await?;
    // Beside it, not before: the answer is waited for.
    answers.begin_reference(environment).await;
    value(&asked.await?, &shown)
}

/// What a query of one row and one column gave.
pub(super) fn value(batches: &[RecordBatch], shown: &str) -> Result<Argument> {
    let mut rows = batches.iter().filter(|batch| batch.num_rows() > 0);
    let value = match (rows.next(), rows.next()) {
        (None, _) => return Ok(Argument::Null),
        (Some(batch), None) if batch.num_rows() == 1 && batch.num_columns() == 1 => {
            ScalarValue::try_from_array(batch.column(0), 0)?
        }
        _ => return Err(Error::new(format!("`{shown}` gives more than one value"))),
    };
    argument(&value).ok_or_else(|| {
        Error::new(format!(
            "`{shown}` gives {}, which no parameter can take",
            value.data_type()
        ))
    })
}

fn argument(value: &ScalarValue) -> Option<Argument> {
    if value.is_null() {
        return Some(Argument::Null);
    }
    Some(match value {
        ScalarValue::Utf8(Some(text))
        | ScalarValue::LargeUtf8(Some(text))
        | ScalarValue::Utf8View(Some(text)) => Argument::Text(text.clone()),
        ScalarValue::Boolean(Some(value)) => Argument::Boolean(*value),
        ScalarValue::List(list) => {
            let values = list.value(0);
            let instants = cast(&values, &DataType::Int64).ok()?;
            let instants = instants.as_any().downcast_ref::<Int64Array>()?;
            Argument::Instants(instants.iter().flatten().collect())
        }
        number if number.data_type().is_numeric() => Argument::Number(number.to_string()),
        other => Argument::Text(other.to_string()),
    })
}
