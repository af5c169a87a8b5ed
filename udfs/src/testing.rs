//! What tests share: a session with every function, a small price book, one question asked in every
//! shape, and memory that some operator does not get.

use std::fmt;
use std::sync::Arc;

use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::common::{Result, resources_err};
use datafusion::execution::FunctionRegistry;
use datafusion::execution::memory_pool::{MemoryPool, MemoryReservation};
use datafusion::prelude::{SessionConfig, SessionContext};
use tempfile::TempDir;

use crate::{Reference, register_all, register_reference};

const PRICES: &str = "SELECT
        column1 AS provider, column2 AS model, column3::timestamp AS effective_from,
        column4::timestamp AS effective_to, column5 AS service_tier, column6 AS min_input_tokens,
        column7::time AS utc_from, column8::time AS utc_to,
        arrow_cast(column9, 'Decimal128(18, 6)') AS input_per_mtok,
        arrow_cast(column10, 'Decimal128(18, 6)') AS cache_read_per_mtok,
        arrow_cast(column11, 'Decimal128(18, 6)') AS output_per_mtok,
        arrow_cast(column12, 'Decimal128(38, 12)') AS per_request,
        'USD' AS currency
    FROM (VALUES
        ('openai', 'gpt-4o', '2026-01-01', '2026-07-01', NULL, NULL, NULL, NULL, '2.5', '1.25', '10', NULL),
        ('openai', 'gpt-4o', '2026-07-01', NULL, NULL, NULL, NULL, NULL, '2', NULL, '8', NULL),
        ('openai', 'gpt-4o', '2026-01-01', NULL, 'batch', NULL, NULL, NULL, '1.25', NULL, '5', NULL),
        ('openai', 'gpt-4o', '2026-01-01', '2026-07-01', NULL, 200000, NULL, NULL, '5', NULL, '20', NULL),
        ('openai', 'gpt-*', '2026-01-01', NULL, 'standard', NULL, NULL, NULL, '7', NULL, '14', '0.005'),
        ('openai', 'flex-only', '2026-01-01', NULL, 'flex', NULL, NULL, NULL, '1', NULL, '1', NULL),
        ('openai', 'long-only', '2026-01-01', NULL, NULL, 1000, NULL, NULL, '1', NULL, '1', NULL),
        ('deepseek', 'chat', '2026-01-01', NULL, NULL, NULL, NULL, NULL, '4', NULL, '4', NULL),
        ('deepseek', 'chat', '2026-01-01', NULL, NULL, NULL, '16:30', '00:30', '1', NULL, '1', NULL)
    )";

const ALIASES: &str = "SELECT
        column1 AS kind, column2 AS name, column3 AS canonical, column4::timestamp AS effective_from
    FROM (VALUES
        ('provider', 'OpenAI', 'openai', NULL),
        ('model', 'gpt-4o-latest', 'gpt-4o', NULL),
        ('model', 'gpt-4o-latest', 'gpt-5', '2026-07-01'),
        ('sub_account_customer', 'proj_a', 'acme', NULL)
    )";

/// A session with the test's prices and aliases.
pub(crate) async fn session() -> SessionContext {
    let mut context = session_with(&SessionConfig::new());
    inform(&mut context).await;
    context
}

/// Gives a session the test's prices and aliases.
pub(crate) async fn inform(context: &mut SessionContext) {
    let prices = context.sql(PRICES).await.unwrap().collect().await.unwrap();
    let aliases = context.sql(ALIASES).await.unwrap().collect().await.unwrap();
    let reference = Reference::from_batches(&prices, &aliases, &[]).unwrap();
    register_reference(context, Arc::new(reference)).unwrap();
}

pub(crate) fn session_with(config: &SessionConfig) -> SessionContext {
    let config = config
        .clone()
        .set_bool("datafusion.sql_parser.parse_float_as_decimal", true);
    let mut context = SessionContext::new_with_config(config);
    let registry: &mut dyn FunctionRegistry = &mut context;
    register_all(registry).unwrap();
    context
}

/// Waits, in a test that is not asynchronous itself.
pub(crate) fn on_two_threads(work: impl Future<Output = ()>) {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(work);
}

/// The operators that a statement would be run by.
pub(crate) async fn plan(context: &SessionContext, sql: &str) -> String {
    let frame = context.sql(sql).await.unwrap();
    let plan = frame.create_physical_plan().await.unwrap();
    let shown = datafusion::physical_plan::displayable(plan.as_ref());
    shown.indent(false).to_string()
}

/// The result, one text a row: values joined by a bar, NULL as a dash.
pub(crate) async fn rows(context: &SessionContext, sql: &str) -> Result<Vec<String>> {
    let options = FormatOptions::default().with_null("-");
    let mut rows = Vec::new();
    for batch in context.sql(sql).await?.collect().await? {
        let columns = batch
            .columns()
            .iter()
            .map(|c| ArrayFormatter::try_new(c, &options));
        let columns = columns.collect::<Result<Vec<_>, _>>()?;
        rows.extend((0..batch.num_rows()).map(|row| {
            let values: Vec<String> = columns.iter().map(|c| c.value(row).to_string()).collect();
            values.join("|")
        }));
    }
    Ok(rows)
}

/// What a statement answers over the files of a folder, which it calls `calls`.
pub(crate) async fn answers_over(
    context: &SessionContext,
    folder: &TempDir,
    sql: &str,
) -> Result<Vec<String>> {
    let path = folder.path().display();
    let create =
        format!("CREATE EXTERNAL TABLE IF NOT EXISTS calls STORED AS PARQUET LOCATION '{path}/'");
    rows(context, &create).await?;
    let mut answers = rows(context, sql).await?;
    answers.sort();
    Ok(answers)
}

pub(crate) async fn row(context: &SessionContext, sql: &str) -> String {
    rows(context, sql)
        .await
        .unwrap_or_else(|error| panic!("{sql}: {error}"))
        .join("\n")
}

pub(crate) async fn error(context: &SessionContext, sql: &str) -> String {
    rows(context, sql).await.expect_err(sql).strip_backtrace()
}

/// Asks `expression` over the text `x` in every encoding, as a column and as a constant, beside a
/// NULL.
pub(crate) async fn assert_over_every_text(expression: &str, x: &str, expected: &str) {
    let context = session().await;
    let encodings = [
        "Utf8",
        "LargeUtf8",
        "Utf8View",
        "Dictionary(Int32, Utf8)",
        "Dictionary(UInt16, Utf8View)",
    ];
    let null_expected = row(
        &context,
        &format!("SELECT {}", expression.replace("{x}", "NULL")),
    )
    .await;
    for encoding in encodings {
        let column = format!(
            "SELECT {} FROM (SELECT arrow_cast(column1, '{encoding}') AS x
             FROM (VALUES ('{x}'), (NULL), ('{x}')))",
            expression.replace("{x}", "x")
        );
        let found = rows(&context, &column)
            .await
            .unwrap_or_else(|e| panic!("{encoding}: {e}"));
        assert_eq!(
            found,
            [expected, &null_expected, expected],
            "{expression} over {encoding}"
        );
        let constant = expression.replace("{x}", &format!("arrow_cast('{x}', '{encoding}')"));
        assert_eq!(
            row(&context, &format!("SELECT {constant}")).await,
            expected,
            "{encoding}"
        );
    }
}

/// Has no more than so many bytes for each that an operator asks for, and all that anybody else does.
#[derive(Debug)]
pub(crate) struct Stingy<P> {
    pub(crate) pool: P,
    pub(crate) to: &'static str,
    pub(crate) most: usize,
}

impl<P> fmt::Display for Stingy<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "stingy({}, {})", self.to, self.most)
    }
}

impl<P: MemoryPool> MemoryPool for Stingy<P> {
    fn name(&self) -> &'static str {
        "stingy"
    }

    fn grow(&self, reservation: &MemoryReservation, additional: usize) {
        self.pool.grow(reservation, additional);
    }

    fn shrink(&self, reservation: &MemoryReservation, shrink: usize) {
        self.pool.shrink(reservation, shrink);
    }

    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> Result<()> {
        let name = reservation.consumer().name();
        if name.starts_with(self.to) && reservation.size() + additional > self.most {
            return resources_err!("no more memory for {name}");
        }
        self.pool.try_grow(reservation, additional)
    }

    fn reserved(&self) -> usize {
        self.pool.reserved()
    }
}
