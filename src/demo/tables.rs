//! The rows as relations: names, types and order of the columns as an analyst meets them.

use super::bill::Charge;
use super::calendar::DAY;
use super::calls::Call;
use super::customers::{self, Customer, MRR_CENTS};
use super::imperfections::{DOLLAR_PER_EURO, EURO_MONTH, EURO_PER_DOLLAR};
use super::money::CENT;
use super::plans::{STEPS, Step};
use super::prices::Price;
use super::work::{GPT, GPT_MINI};
use crate::error::{Error, Result};
use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use arrow::error::ArrowError;
use std::sync::Arc;

/// A column: its name, its values, and whether a value may be missing.
type Column = (&'static str, ArrayRef, bool);

fn table(columns: Vec<Column>) -> Result<RecordBatch> {
    RecordBatch::try_from_iter_with_nullable(columns).map_err(|error| unbuildable(&error))
}

fn unbuildable(error: &ArrowError) -> Error {
    Error::new(format!("the demo data cannot be built: {error}"))
}

fn text<'a, R, T: AsRef<str>>(rows: &'a [R], value: impl Fn(&'a R) -> Option<T>) -> ArrayRef {
    Arc::new(rows.iter().map(value).collect::<StringArray>())
}

fn integers<R>(rows: &[R], value: impl Fn(&R) -> Option<i64>) -> ArrayRef {
    Arc::new(rows.iter().map(value).collect::<Int64Array>())
}

fn instants<R>(rows: &[R], value: impl Fn(&R) -> Option<i64>) -> ArrayRef {
    let instants = rows
        .iter()
        .map(value)
        .collect::<TimestampMicrosecondArray>();
    Arc::new(instants.with_timezone("UTC"))
}

fn dates<R>(rows: &[R], value: impl Fn(&R) -> Option<i64>) -> ArrayRef {
    let day = |row| value(row).map(|day| i32::try_from(day).expect("dates are near the present"));
    Arc::new(rows.iter().map(day).collect::<Date32Array>())
}

fn flags<R>(rows: &[R], value: impl Fn(&R) -> Option<bool>) -> ArrayRef {
    Arc::new(rows.iter().map(value).collect::<BooleanArray>())
}

fn decimals<R>(
    rows: &[R],
    (precision, scale): (u8, i8),
    value: impl Fn(&R) -> Option<i128>,
) -> Result<ArrayRef> {
    let array = rows.iter().map(value).collect::<Decimal128Array>();
    let array = array
        .with_precision_and_scale(precision, scale)
        .map_err(|error| unbuildable(&error))?;
    Ok(Arc::new(array))
}

const AMOUNT: (u8, i8) = (38, 12);
const PRICE: (u8, i8) = (18, 6);

/// One and one millionth, at the scale of amounts.
const ONE: i128 = 1_000_000_000_000;
const MILLIONTH: i128 = 1_000_000;

pub(super) fn ledger(calls: &[Call]) -> Result<RecordBatch> {
    // A call that failed at once measured nothing but that it happened.
    let measured = |count: fn(&Call) -> i64| {
        integers(calls, |call| (call.status != "error").then(|| count(call)))
    };
    let session = |call: &Call| call.session.map(|number| format!("s_{number:06}"));
    table(vec![
        (
            "request_id",
            text(calls, |call| call.request_id.as_deref()),
            true,
        ),
        (
            "called_at",
            instants(calls, |call| Some(call.called_at)),
            false,
        ),
        (
            "completed_at",
            instants(calls, |call| call.completed_at),
            true,
        ),
        (
            "customer_id",
            text(calls, |call| call.customer.map(customers::id)),
            true,
        ),
        ("session_id", text(calls, session), true),
        (
            "provider",
            text(calls, |call| Some(call.model.provider)),
            false,
        ),
        ("model", text(calls, |call| Some(call.model.name)), false),
        ("sub_account", text(calls, |call| call.sub_account), true),
        ("service_tier", text(calls, |call| call.service_tier), true),
        ("feature", text(calls, |call| Some(call.feature)), true),
        (
            "query_type",
            text(calls, |call| Some(call.query_type)),
            true,
        ),
        ("status", text(calls, |call| Some(call.status)), true),
        (
            "input_tokens",
            integers(calls, |call| Some(call.tokens.input)),
            false,
        ),
        (
            "cache_read_tokens",
            measured(|call| call.tokens.cache_read),
            true,
        ),
        (
            "cache_write_tokens",
            measured(|call| call.tokens.cache_write),
            true,
        ),
        (
            "cache_write_1h_tokens",
            measured(|call| call.tokens.cache_write_1h),
            true,
        ),
        (
            "output_tokens",
            integers(calls, |call| Some(call.tokens.output)),
            false,
        ),
        (
            "reasoning_tokens",
            measured(|call| call.tokens.reasoning),
            true,
        ),
        (
            "response_cached",
            flags(calls, |call| Some(call.response_cached)),
            true,
        ),
    ])
}

pub(super) fn billing(charges: &[Charge]) -> Result<RecordBatch> {
    let quantity = |charge: &Charge| Some(i128::from(charge.tokens?) * ONE);
    let invoice =
        |charge: &Charge| Some(format!("{}-{}", charge.provider, charge.billed_in.label()));
    table(vec![
        (
            "charge_id",
            text(charges, |charge| charge.id.as_deref()),
            true,
        ),
        (
            "provider",
            text(charges, |charge| Some(charge.provider)),
            false,
        ),
        (
            "sub_account",
            text(charges, |charge| charge.sub_account),
            true,
        ),
        ("model", text(charges, |charge| charge.model), true),
        (
            "service_tier",
            text(charges, |charge| charge.service_tier),
            true,
        ),
        (
            "token_type",
            text(charges, |charge| charge.token_type),
            true,
        ),
        (
            "request_id",
            text(charges, |charge| charge.request_id.as_deref()),
            true,
        ),
        (
            "customer_tag",
            text(charges, |charge| charge.customer_tag.as_deref()),
            true,
        ),
        (
            "charge_category",
            text(charges, |charge| Some(charge.category)),
            false,
        ),
        (
            "charge_period_start",
            instants(charges, |charge| Some(charge.period_start)),
            false,
        ),
        (
            "charge_period_end",
            instants(charges, |charge| Some(charge.period_end)),
            false,
        ),
        (
            "billing_period",
            text(charges, |charge| Some(charge.billed_in.label())),
            false,
        ),
        (
            "billed_cost",
            decimals(charges, AMOUNT, |charge| Some(charge.amount))?,
            false,
        ),
        (
            "currency",
            text(charges, |charge| Some(charge.currency)),
            false,
        ),
        (
            "consumed_quantity",
            decimals(charges, AMOUNT, quantity)?,
            true,
        ),
        (
            "consumed_unit",
            text(charges, |charge| charge.tokens.map(|_| "tokens")),
            true,
        ),
        ("invoice_id", text(charges, invoice), true),
    ])
}

pub(super) fn customers(customers: &[Customer]) -> Result<RecordBatch> {
    let mrr = i128::from(MRR_CENTS) * CENT;
    table(vec![
        (
            "customer_id",
            text(customers, |customer| Some(&customer.id)),
            false,
        ),
        (
            "name",
            text(customers, |customer| Some(&customer.name)),
            true,
        ),
        (
            "plan",
            text(customers, |customer| Some(customer.plan)),
            false,
        ),
        (
            "tier",
            text(customers, |customer| Some(customer.tier)),
            false,
        ),
        ("mrr", decimals(customers, AMOUNT, |_| Some(mrr))?, false),
        ("currency", text(customers, |_| Some("USD")), true),
        (
            "renewal_date",
            dates(customers, |customer| Some(customer.renewal_day)),
            true,
        ),
        (
            "started_on",
            dates(customers, |customer| Some(customer.started_day)),
            true,
        ),
        ("ended_on", dates(customers, |_| None), true),
    ])
}

pub(super) fn prices(book: &[Price]) -> Result<RecordBatch> {
    let price =
        |price: fn(&Price) -> Option<i64>| decimals(book, PRICE, |row| price(row).map(i128::from));
    table(vec![
        ("provider", text(book, |row| Some(row.provider)), false),
        ("model", text(book, |row| Some(row.model)), false),
        (
            "effective_from",
            instants(book, |row| Some(row.from_day * DAY)),
            false,
        ),
        (
            "effective_to",
            instants(book, |row| Some(row.to_day? * DAY)),
            true,
        ),
        ("service_tier", text(book, |row| row.service_tier), true),
        (
            "min_input_tokens",
            integers(book, |row| row.min_input_tokens),
            true,
        ),
        ("input_per_mtok", price(|row| Some(row.input))?, false),
        ("cache_read_per_mtok", price(|row| row.cache_read)?, true),
        ("cache_write_per_mtok", price(|row| row.cache_write)?, true),
        (
            "cache_write_1h_per_mtok",
            price(|row| row.cache_write_1h)?,
            true,
        ),
        ("output_per_mtok", price(|row| Some(row.output))?, false),
        ("currency", text(book, |_| Some("USD")), false),
        ("source", text(book, |row| Some(row.source)), true),
    ])
}

/// OpenAI's bill dates its models; the ledger does not. One is led back by name, one by glob.
pub(super) fn aliases() -> Result<RecordBatch> {
    let rows = [
        (GPT.billed_as, GPT.name),
        ("gpt-5.4-mini-2026-*", GPT_MINI.name),
    ];
    table(vec![
        ("kind", text(&rows, |_| Some("model")), false),
        ("name", text(&rows, |(name, _)| Some(name)), false),
        (
            "canonical",
            text(&rows, |(_, canonical)| Some(canonical)),
            false,
        ),
    ])
}

pub(super) fn fx_rates() -> Result<RecordBatch> {
    let rows = [
        ("EUR", "USD", DOLLAR_PER_EURO),
        ("USD", "EUR", EURO_PER_DOLLAR),
    ];
    let rate = |(_, _, millionths): &(&str, &str, i128)| Some(millionths * MILLIONTH);
    table(vec![
        ("period", text(&rows, |_| Some(EURO_MONTH.label())), false),
        ("from_currency", text(&rows, |(from, ..)| Some(from)), false),
        ("to_currency", text(&rows, |(_, to, _)| Some(to)), false),
        ("rate", decimals(&rows, AMOUNT, rate)?, false),
    ])
}

pub(super) fn plans() -> Result<RecordBatch> {
    let amount = |value: fn(&Step) -> i128| decimals(&STEPS, AMOUNT, move |step| Some(value(step)));
    let units = |value: fn(&Step) -> i64| integers(&STEPS, move |step| Some(value(step)));
    table(vec![
        ("plan", text(&STEPS, |step| Some(step.plan)), false),
        ("measure", text(&STEPS, |step| Some(step.measure)), false),
        ("mode", text(&STEPS, |step| Some(step.mode)), false),
        ("base_fee", amount(|step| step.base_fee)?, false),
        ("included_units", units(|step| step.included_units), false),
        ("from_unit", units(|step| step.from_unit), false),
        ("unit_price", amount(|step| step.unit_price)?, false),
        ("minimum", amount(|step| step.minimum)?, false),
        ("currency", text(&STEPS, |_| Some("USD")), false),
    ])
}
