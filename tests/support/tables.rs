//! Plain rows as tables of a session.

use super::reference::model::World;
use apportion::session::Session;
use arrow::array::{
    ArrayRef, BooleanArray, Decimal128Array, Int64Array, RecordBatch, StringArray,
    Time64MicrosecondArray, TimestampMicrosecondArray,
};
use datafusion::datasource::MemTable;
use std::sync::Arc;

/// One table's columns, by name.
struct Table(Vec<(&'static str, ArrayRef)>);

impl Table {
    fn text<'a>(&mut self, name: &'static str, values: impl Iterator<Item = Option<&'a str>>) {
        self.0
            .push((name, Arc::new(values.collect::<StringArray>())));
    }

    fn whole(&mut self, name: &'static str, values: impl Iterator<Item = Option<i64>>) {
        self.0
            .push((name, Arc::new(values.collect::<Int64Array>())));
    }

    fn time(&mut self, name: &'static str, values: impl Iterator<Item = Option<i64>>) {
        self.0.push((
            name,
            Arc::new(values.collect::<TimestampMicrosecondArray>()),
        ));
    }

    fn time_of_day(&mut self, name: &'static str, values: impl Iterator<Item = Option<i64>>) {
        self.0
            .push((name, Arc::new(values.collect::<Time64MicrosecondArray>())));
    }

    fn decimal(
        &mut self,
        name: &'static str,
        (precision, scale): (u8, i8),
        values: impl Iterator<Item = Option<i128>>,
    ) {
        let values = values.collect::<Decimal128Array>();
        let values = values.with_precision_and_scale(precision, scale).unwrap();
        self.0.push((name, Arc::new(values)));
    }

    fn flag(&mut self, name: &'static str, values: impl Iterator<Item = Option<bool>>) {
        self.0
            .push((name, Arc::new(values.collect::<BooleanArray>())));
    }

    fn register(self, session: &Session, name: &str) {
        let batch = RecordBatch::try_from_iter_with_nullable(
            self.0
                .into_iter()
                .map(|(name, values)| (name, values, true)),
        )
        .unwrap();
        let table = MemTable::try_new(batch.schema(), vec![vec![batch]]).unwrap();
        session.register_table(name, Arc::new(table)).unwrap();
    }
}

const AMOUNT: (u8, i8) = (38, 12);
const PRICE: (u8, i8) = (18, 6);

/// Adds a column of each row's field, borrowed as text.
macro_rules! texts {
    ($table:ident, $rows:expr, $($field:ident),+) => {
        $($table.text(stringify!($field), $rows.iter().map(|row| row.$field.as_deref()));)+
    };
}

macro_rules! wholes {
    ($table:ident, $rows:expr, $($field:ident),+) => {
        $($table.whole(stringify!($field), $rows.iter().map(|row| row.$field));)+
    };
}

/// Registers every relation of a world.
pub(crate) fn register(session: &Session, world: &World) {
    ledger(session, world);
    billing(session, world);

    let rows = &world.customers;
    let mut table = Table(vec![]);
    table.text(
        "customer_id",
        rows.iter().map(|row| Some(row.customer_id.as_str())),
    );
    texts!(table, rows, plan, tier, currency);
    table.decimal("mrr", AMOUNT, rows.iter().map(|row| row.mrr));
    table.register(session, "customers");

    prices(session, world);

    let rows = &world.aliases;
    let mut table = Table(vec![]);
    table.text("kind", rows.iter().map(|row| Some(row.kind.as_str())));
    table.text("name", rows.iter().map(|row| Some(row.name.as_str())));
    table.text(
        "canonical",
        rows.iter().map(|row| Some(row.canonical.as_str())),
    );
    table.time("effective_from", rows.iter().map(|row| row.effective_from));
    table.register(session, "aliases");

    let rows = &world.fx_rates;
    let mut table = Table(vec![]);
    table.text("period", rows.iter().map(|row| Some(row.period.as_str())));
    table.text(
        "from_currency",
        rows.iter().map(|row| Some(row.from_currency.as_str())),
    );
    table.text(
        "to_currency",
        rows.iter().map(|row| Some(row.to_currency.as_str())),
    );
    table.decimal("rate", AMOUNT, rows.iter().map(|row| Some(row.rate)));
    table.register(session, "fx_rates");

    provider_usage(session, world);
}

fn ledger(session: &Session, world: &World) {
    let rows = &world.calls;
    let mut table = Table(vec![]);
    texts!(
        table,
        rows,
        request_id,
        customer_id,
        session_id,
        model,
        sub_account,
        service_tier,
        feature,
        query_type,
        status
    );
    table.text(
        "provider",
        rows.iter().map(|row| Some(row.provider.as_str())),
    );
    table.time("called_at", rows.iter().map(|row| Some(row.called_at)));
    table.time("completed_at", rows.iter().map(|row| row.completed_at));
    wholes!(
        table,
        rows,
        input_tokens,
        cache_read_tokens,
        cache_write_tokens,
        cache_write_1h_tokens,
        output_tokens,
        reasoning_tokens
    );
    table.flag(
        "response_cached",
        rows.iter().map(|row| row.response_cached),
    );
    table.decimal("list_cost", AMOUNT, rows.iter().map(|row| row.list_cost));
    table.register(session, "ledger");
}

fn billing(session: &Session, world: &World) {
    let rows = &world.charges;
    let mut table = Table(vec![]);
    texts!(
        table,
        rows,
        charge_id,
        sub_account,
        model,
        service_tier,
        token_type,
        request_id,
        customer_tag,
        scope,
        consumed_unit,
        invoice_id,
        commitment_discount_status
    );
    table.text(
        "provider",
        rows.iter().map(|row| Some(row.provider.as_str())),
    );
    table.text(
        "charge_category",
        rows.iter().map(|row| Some(row.charge_category.as_str())),
    );
    table.text(
        "billing_period",
        rows.iter().map(|row| Some(row.billing_period.as_str())),
    );
    table.text(
        "currency",
        rows.iter().map(|row| Some(row.currency.as_str())),
    );
    table.time(
        "charge_period_start",
        rows.iter().map(|row| Some(row.charge_period_start)),
    );
    table.time(
        "charge_period_end",
        rows.iter().map(|row| Some(row.charge_period_end)),
    );
    table.decimal(
        "billed_cost",
        AMOUNT,
        rows.iter().map(|row| Some(row.billed_cost)),
    );
    table.decimal(
        "effective_cost",
        AMOUNT,
        rows.iter().map(|row| row.effective_cost),
    );
    table.decimal(
        "consumed_quantity",
        AMOUNT,
        rows.iter().map(|row| row.consumed_quantity),
    );
    // Which bill row a charge came from does not change it, and tells a difference where to look.
    table.register(session, "billing");
}

fn provider_usage(session: &Session, world: &World) {
    let rows = &world.provider_usage;
    let mut table = Table(vec![]);
    texts!(table, rows, sub_account, model, service_tier);
    table.text(
        "provider",
        rows.iter().map(|row| Some(row.provider.as_str())),
    );
    table.time(
        "period_start",
        rows.iter().map(|row| Some(row.period_start)),
    );
    table.time("period_end", rows.iter().map(|row| Some(row.period_end)));
    wholes!(table, rows, input_tokens, output_tokens);
    table.register(session, "provider_usage");
}

fn prices(session: &Session, world: &World) {
    let rows = &world.prices;
    let price = |value: Option<i64>| value.map(i128::from);
    let mut table = Table(vec![]);
    texts!(table, rows, service_tier, source);
    table.text(
        "provider",
        rows.iter().map(|row| Some(row.provider.as_str())),
    );
    table.text("model", rows.iter().map(|row| Some(row.model.as_str())));
    table.text(
        "currency",
        rows.iter().map(|row| Some(row.currency.as_str())),
    );
    table.time(
        "effective_from",
        rows.iter().map(|row| Some(row.effective_from)),
    );
    table.time("effective_to", rows.iter().map(|row| row.effective_to));
    table.time_of_day("utc_from", rows.iter().map(|row| row.utc_from));
    table.time_of_day("utc_to", rows.iter().map(|row| row.utc_to));
    wholes!(table, rows, min_input_tokens);
    table.decimal(
        "input_per_mtok",
        PRICE,
        rows.iter().map(|row| price(Some(row.input_per_mtok))),
    );
    table.decimal(
        "cache_read_per_mtok",
        PRICE,
        rows.iter().map(|row| price(row.cache_read_per_mtok)),
    );
    table.decimal(
        "cache_write_per_mtok",
        PRICE,
        rows.iter().map(|row| price(row.cache_write_per_mtok)),
    );
    table.decimal(
        "cache_write_1h_per_mtok",
        PRICE,
        rows.iter().map(|row| price(row.cache_write_1h_per_mtok)),
    );
    table.decimal(
        "output_per_mtok",
        PRICE,
        rows.iter().map(|row| price(Some(row.output_per_mtok))),
    );
    table.decimal(
        "reasoning_per_mtok",
        PRICE,
        rows.iter().map(|row| price(row.reasoning_per_mtok)),
    );
    table.decimal(
        "per_request",
        AMOUNT,
        rows.iter().map(|row| row.per_request),
    );
    table.register(session, "prices");
}
