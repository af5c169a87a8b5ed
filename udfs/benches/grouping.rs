//! What the first half of a `GROUP BY` costs: 262,144 calls by four keys, with a sum to which nothing is
//! added, beside what the engine takes for the same.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a bench that cannot be set up has nothing to measure"
)]

use apportion_udfs::register_all;
use apportion_udfs::tally::exec::TallyExec;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use datafusion::arrow::array::{
    ArrayRef, DictionaryArray, Int32Array, Int64Array, RecordBatch, StringArray, StringViewArray,
};
use datafusion::arrow::compute::take;
use datafusion::catalog::memory::MemorySourceConfig;
use datafusion::common::ScalarValue;
use datafusion::execution::{FunctionRegistry, TaskContext};
use datafusion::physical_expr::aggregate::AggregateExprBuilder;
use datafusion::physical_expr::expressions::{col, lit};
use datafusion::physical_plan::aggregates::{AggregateExec, AggregateMode, PhysicalGroupBy};
use datafusion::physical_plan::{ExecutionPlan, collect};
use datafusion::prelude::SessionContext;
use std::sync::Arc;
use tokio::runtime::Runtime;

const BATCHES: usize = 32;
const ROWS: usize = 8_192;

/// The calls of some customers to twelve models, by names that stand in a dictionary or each for itself.
fn calls(customers: usize, are_encoded: bool) -> Vec<RecordBatch> {
    let names = |what: &str, count: usize| -> ArrayRef {
        let names = (0..count).map(|number| Some(format!("a {what} with the number {number}")));
        if are_encoded {
            return Arc::new(names.collect::<StringArray>());
        }
        Arc::new(names.collect::<StringViewArray>())
    };
    let customer_names = names("customer", customers);
    let model_names = names("model", 12);
    let batch = |batch: usize| {
        let rows = batch * ROWS..(batch + 1) * ROWS;
        let column = |of: &ArrayRef, step: usize| -> ArrayRef {
            let places = rows.clone().map(|row| row * step % of.len());
            let places = places.map(|place| i32::try_from(place).unwrap());
            let keys = Int32Array::from_iter_values(places);
            if are_encoded {
                return Arc::new(DictionaryArray::new(keys, Arc::clone(of)));
            }
            // Readers give equal texts the same view.
            take(of, &keys, None).unwrap()
        };
        let small = rows.clone().map(|row| (row % 7 > 0).then_some(1));
        let tokens = |scale: i64| -> ArrayRef {
            let tokens = rows
                .clone()
                .map(|row| i64::try_from(row).unwrap() * 7_919 % scale);
            Arc::new(Int64Array::from_iter_values(tokens))
        };
        RecordBatch::try_from_iter([
            ("customer", column(&customer_names, 7_919)),
            ("model", column(&model_names, 5)),
            ("price", Arc::new(small.collect::<Int32Array>()) as ArrayRef),
            (
                "day",
                Arc::new(Int32Array::from(vec![20_000; ROWS])) as ArrayRef,
            ),
            ("input_tokens", tokens(20_000)),
            ("output_tokens", tokens(2_000)),
        ])
    };
    (0..BATCHES).map(|at| batch(at).unwrap()).collect()
}

/// The engine's first half of a `GROUP BY`.
fn first_half(batches: Vec<RecordBatch>) -> AggregateExec {
    let mut context = SessionContext::new();
    register_all(&mut context).unwrap();
    let sum = context.udaf("sum").unwrap();
    let schema = batches[0].schema();
    let input = MemorySourceConfig::try_new_exec(&[batches], Arc::clone(&schema), None).unwrap();
    let keys = ["customer", "model", "price", "day"]
        .map(|key| (col(key, &schema).unwrap(), key.to_owned()));
    let tokens = ["input_tokens", "output_tokens"].map(|tokens| col(tokens, &schema).unwrap());
    let nothing = lit(ScalarValue::Int64(None));
    let sums = tokens.into_iter().chain([nothing]).map(|added| {
        let sum = AggregateExprBuilder::new(Arc::clone(&sum), vec![added]);
        let sum = sum.schema(Arc::clone(&schema)).alias("sum");
        Arc::new(sum.build().unwrap())
    });
    AggregateExec::try_new(
        AggregateMode::Partial,
        PhysicalGroupBy::new_single(keys.to_vec()),
        sums.collect(),
        vec![None; 3],
        input,
        schema,
    )
    .unwrap()
}

fn grouping(criterion: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let context = Arc::new(TaskContext::default());
    let mut group = criterion.benchmark_group("grouping");
    group.throughput(Throughput::Elements((BATCHES * ROWS).try_into().unwrap()));
    for (customers, are_encoded, encoding) in [
        (500, true, "dictionaries"),
        (5_000, true, "dictionaries"),
        (5_000, false, "texts"),
    ] {
        let engine = Arc::new(first_half(calls(customers, are_encoded)));
        let tally = Arc::new(TallyExec::new(Arc::clone(&engine)));
        let both: [(_, Arc<dyn ExecutionPlan>); 2] = [("tally", tally), ("engine", engine)];
        for (name, plan) in both {
            let id = BenchmarkId::new(name, format!("{customers} customers, {encoding}"));
            group.bench_function(id, |bench| {
                bench.iter(|| {
                    let groups = collect(Arc::clone(&plan), Arc::clone(&context));
                    runtime.block_on(groups).unwrap()
                });
            });
        }
    }
    group.finish();
}

criterion_group!(benches, grouping);
criterion_main!(benches);
