//! What the split of a charge costs: among many parties at once, and among few again and again.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a bench that cannot be set up has nothing to measure"
)]

use apportion_udfs::register_all;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use datafusion::arrow::array::{ArrayRef, Decimal128Array, StringArray};
use datafusion::arrow::datatypes::Field;
use datafusion::execution::FunctionRegistry;
use datafusion::logical_expr::function::PartitionEvaluatorArgs;
use datafusion::prelude::SessionContext;
use std::hint::black_box;
use std::sync::Arc;

const ROWS: usize = 8_192;

/// The arguments of `apportion` as its planner gives them: amount, weight, the scale's type, the key.
fn charge(parties: usize) -> Vec<ArrayRef> {
    let amount = Decimal128Array::from(vec![123_456_789_000_001; parties]);
    let amount = amount.with_precision_and_scale(38, 12).unwrap();
    let weights = (1..).take(parties).map(|party| party * 7_919 % 100_000);
    let weights = Decimal128Array::from_iter_values(weights);
    let keys = (0..parties).map(|party| Some(format!("customer {party:06}")));
    vec![
        Arc::new(amount.clone()),
        Arc::new(weights.with_precision_and_scale(20, 0).unwrap()),
        Arc::new(amount),
        Arc::new(keys.collect::<StringArray>()),
    ]
}

fn split(criterion: &mut Criterion) {
    let mut context = SessionContext::new();
    register_all(&mut context).unwrap();
    let apportion = context.udwf("apportion").unwrap();
    let mut group = criterion.benchmark_group("split");
    group.throughput(Throughput::Elements(ROWS.try_into().unwrap()));
    for parties in [8, ROWS] {
        let columns = charge(parties);
        let fields = columns.iter().map(|column| {
            let field = Field::new("x", column.data_type().clone(), true);
            Arc::new(field)
        });
        let fields: Vec<_> = fields.collect();
        let arguments = || PartitionEvaluatorArgs::new(&[], &fields, false, false);
        let id = BenchmarkId::new("apportion", format!("{parties} parties"));
        group.bench_function(id, |bench| {
            bench.iter(|| {
                for _ in 0..ROWS / parties {
                    let mut charge = apportion.partition_evaluator_factory(arguments()).unwrap();
                    let parts = charge.evaluate_all(black_box(&columns), parties);
                    black_box(parts.unwrap());
                }
            });
        });
    }
    group.finish();
}

criterion_group!(benches, split);
criterion_main!(benches);
