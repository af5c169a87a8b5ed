//! What pricing a call costs beside reading its columns: batches of 8,192 calls.
//!
//! `multiply_and_add` does nothing but the arithmetic, on the same columns and into the same type.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a bench that cannot be set up has nothing to measure"
)]

use apportion_udfs::{Reference, register_all, register_reference};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, Decimal128Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Field, Int64Type};
use datafusion::config::ConfigOptions;
use datafusion::execution::FunctionRegistry;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF};
use datafusion::prelude::SessionContext;
use std::hint::black_box;
use std::sync::Arc;

const ROWS: usize = 8_192;

fn model(number: usize) -> String {
    format!("vendor-model-{number}-2026-01-01")
}

/// A price of each model, and its long-context and batch prices.
fn prices(models: usize) -> RecordBatch {
    let rows = models * 3;
    let of = |row: usize| row / 3;
    let decimal = |units: i128, precision, scale| -> ArrayRef {
        let column = Decimal128Array::from(vec![units; rows]);
        Arc::new(column.with_precision_and_scale(precision, scale).unwrap())
    };
    let names: StringArray = (0..rows).map(|row| Some(model(of(row)))).collect();
    let tiers: StringArray = (0..rows)
        .map(|row| (row % 3 == 2).then_some("batch"))
        .collect();
    let thresholds: Int64Array = (0..rows)
        .map(|row| (row % 3 == 1).then_some(200_000))
        .collect();
    RecordBatch::try_from_iter_with_nullable([
        ("provider", text("openai", rows), true),
        ("model", Arc::new(names) as ArrayRef, true),
        (
            "effective_from",
            Arc::new(TimestampMicrosecondArray::from(vec![0; rows])) as ArrayRef,
            true,
        ),
        ("service_tier", Arc::new(tiers) as ArrayRef, true),
        ("min_input_tokens", Arc::new(thresholds) as ArrayRef, true),
        ("input_per_mtok", decimal(2_500_000, 18, 6), true),
        ("cache_read_per_mtok", decimal(250_000, 18, 6), true),
        ("output_per_mtok", decimal(10_000_000, 18, 6), true),
        ("currency", text("USD", rows), true),
    ])
    .unwrap()
}

fn text(value: &str, rows: usize) -> ArrayRef {
    Arc::new(StringArray::from(vec![value; rows]))
}

fn dictionary() -> DataType {
    DataType::Dictionary(DataType::Int32.into(), DataType::Utf8.into())
}

/// The columns of a batch, in the order of `call_cost`'s parameters.
fn calls(models: usize, names: &DataType) -> Vec<ArrayRef> {
    let tokens = |scale: i64| -> ArrayRef {
        let counts = (0_i64..).take(ROWS).map(|row| row * 7_919 % scale);
        Arc::new(Int64Array::from_iter_values(counts))
    };
    let model: StringArray = (0..ROWS)
        .map(|row| Some(model(row * 31 % models)))
        .collect();
    let part = |column: &ArrayRef, divisor: i64| -> ArrayRef {
        let column = column.as_primitive::<Int64Type>();
        let parts = column
            .iter()
            .map(|count| count.map(|count| count / divisor));
        Arc::new(parts.collect::<Int64Array>())
    };
    let input = tokens(20_000);
    let output = tokens(2_000);
    let nothing = part(&input, i64::MAX);
    // Readers give equal texts of a dictionary page the same view.
    let encoded = |column: &dyn Array| {
        let dictionary = cast(column, &dictionary()).unwrap();
        cast(&dictionary, names).unwrap()
    };
    vec![
        encoded(&text("openai", ROWS)),
        encoded(&model),
        Arc::new(TimestampMicrosecondArray::from(vec![1; ROWS])),
        Arc::clone(&input),
        Arc::clone(&output),
        part(&input, 2),
        Arc::clone(&nothing),
        nothing,
        part(&output, 3),
    ]
}

fn function(name: &str, models: usize) -> Arc<ScalarUDF> {
    let mut context = SessionContext::new();
    register_all(&mut context).unwrap();
    let reference = Reference::from_batches(&[prices(models)], &[], &[]).unwrap();
    register_reference(&mut context, Arc::new(reference)).unwrap();
    context.udf(name).unwrap()
}

fn invoke(function: &ScalarUDF, columns: &[ArrayRef]) -> ColumnarValue {
    let fields = columns
        .iter()
        .map(|column| Arc::new(Field::new("x", column.data_type().clone(), true)));
    let returned = match function.name() {
        "price_id" => DataType::Int32,
        _ => DataType::Decimal128(38, 12),
    };
    let arguments = ScalarFunctionArgs {
        args: columns
            .iter()
            .map(|column| ColumnarValue::Array(Arc::clone(column)))
            .collect(),
        arg_fields: fields.collect(),
        number_rows: ROWS,
        return_field: Arc::new(Field::new("result", returned, true)),
        config_options: Arc::new(ConfigOptions::default()),
    };
    function.invoke_with_args(arguments).unwrap()
}

fn multiply_and_add(columns: &[ArrayRef]) -> ArrayRef {
    let tokens: Vec<_> = columns[3..]
        .iter()
        .map(|column| column.as_primitive::<Int64Type>().values())
        .collect();
    let prices = [
        2_500_000_i128,
        10_000_000,
        250_000,
        3_000_000,
        5_000_000,
        10_000_000,
    ];
    let cost = |row: usize| -> i128 {
        let parts = tokens.iter().zip(prices);
        parts
            .map(|(tokens, price)| i128::from(tokens[row]) * price)
            .sum()
    };
    let costs = Decimal128Array::from_iter_values((0..ROWS).map(cost));
    Arc::new(costs.with_precision_and_scale(38, 12).unwrap())
}

fn pricing(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("pricing");
    group.throughput(Throughput::Elements(ROWS.try_into().unwrap()));
    for (name, models, encoding, names) in [
        ("call_cost", 1, "Utf8View", DataType::Utf8View),
        ("call_cost", 12, "Utf8View", DataType::Utf8View),
        ("call_cost", 500, "Utf8View", DataType::Utf8View),
        ("call_cost", 12, "Utf8", DataType::Utf8),
        ("call_cost", 12, "Dictionary", dictionary()),
        ("price_id", 12, "Dictionary", dictionary()),
        ("price_id", 500, "Dictionary", dictionary()),
    ] {
        let columns = calls(models, &names);
        let function = function(name, models);
        let id = BenchmarkId::new(name, format!("{models} models, {encoding}"));
        group.bench_function(id, |bench| {
            bench.iter(|| invoke(&function, black_box(&columns)));
        });
    }
    let columns = calls(1, &DataType::Utf8View);
    group.bench_function("multiply_and_add", |bench| {
        bench.iter(|| multiply_and_add(black_box(&columns)));
    });
    group.finish();
}

criterion_group!(benches, pricing);
criterion_main!(benches);
