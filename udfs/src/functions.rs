//! The one list of functions: what is registered, documented and listed.

use std::sync::Arc;

use datafusion::common::Result;
use datafusion::functions::datetime::date_trunc::DateTruncFunc;
use datafusion::logical_expr::registry::FunctionRegistry;
use datafusion::logical_expr::{AggregateUDF, ScalarUDF, ScalarUDFImpl, WindowUDF};

use crate::aggregate::{exact_distinct, exact_median, sum};
use crate::columnar::manual::Manual;
use crate::reference::{Reference, empty};
use crate::scalar::{
    bar, billing_month, call_cost, call_cost_parts, canonical, converted_amount, customer_hash,
    is_valid_usage, list_price, margin_band, nearest_models, overage_charge, price_cost_parts,
    price_id, rounded_ratio, scaled_amount, slot_start, slots_within, sparkline, target_price,
    tiered_charge, to_amount, to_exact, to_json, usage_cap, usage_pattern_flags,
};
use crate::window::{ApportionPlanner, apportion, apportion_down};

/// Where a function may stand in SQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FunctionKind {
    Scalar,
    Window,
    Aggregate,
}

/// A function for `list` and `describe`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionDoc {
    pub name: &'static str,
    pub kind: FunctionKind,
    pub section: &'static str,
    pub parameters: Vec<Parameter>,
    pub description: &'static str,
    pub syntax: String,
    pub example: &'static str,
}

/// One parameter; those that are not required come last and are NULL when left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    pub name: &'static str,
    pub required: bool,
    pub description: &'static str,
}

/// Registers every function, with no prices, no aliases and the default bands.
pub fn register_all(registry: &mut dyn FunctionRegistry) -> Result<()> {
    for function in all(empty()) {
        function.register(registry)?;
    }
    registry.register_expr_planner(Arc::new(ApportionPlanner))
}

/// Registers again the functions that read reference data, with other data.
pub fn register_reference(
    registry: &mut dyn FunctionRegistry,
    reference: Arc<Reference>,
) -> Result<()> {
    informed(reference)
        .into_iter()
        .try_for_each(|function| function.register(registry))
}

/// What a function knows besides its arguments, where it is one of those that do.
pub fn reference_of(function: &ScalarUDF) -> Option<&Arc<Reference>> {
    let function = function.inner();
    macro_rules! first {
        ($($kind:ty),+) => {
            None$(.or_else(|| Some(&function.downcast_ref::<$kind>()?.reference)))+
        };
    }
    first!(
        call_cost::CallCost,
        call_cost_parts::CallCostParts,
        canonical::Canonical,
        list_price::ListPrice,
        margin_band::MarginBand,
        nearest_models::NearestModels,
        price_cost_parts::PriceCostParts,
        price_id::PriceIdOf
    )
}

/// Whether a later instant never has an earlier answer, where the other arguments stay as they are.
pub(crate) fn is_monotonic_in_time(function: &ScalarUDF) -> bool {
    let function = function.inner();
    function.is::<slot_start::SlotStart>()
        || function.is::<billing_month::BillingMonth>()
        || function.is::<DateTruncFunc>()
}

/// The function of a name with other reference data, where it reads any.
pub fn informed_function(name: &str, reference: Arc<Reference>) -> Option<Arc<ScalarUDF>> {
    let mut functions = informed(reference).into_iter();
    functions.find_map(|function| match function.implementation {
        Implementation::Scalar(scalar) if scalar.name() == name => Some(scalar),
        _ => None,
    })
}

/// Every function, in the order of the list.
pub fn functions() -> Vec<FunctionDoc> {
    all(empty()).iter().map(Function::doc).collect()
}

/// A function in the list.
pub(crate) struct Function {
    manual: &'static Manual,
    implementation: Implementation,
}

enum Implementation {
    Scalar(Arc<ScalarUDF>),
    Window(Arc<WindowUDF>),
    Aggregate(Arc<AggregateUDF>),
}

fn all(reference: Arc<Reference>) -> Vec<Function> {
    let mut all = informed(reference);
    all.extend([
        scalar(&bar::MANUAL, bar::Bar::new()),
        scalar(&billing_month::MANUAL, billing_month::BillingMonth::new()),
        scalar(
            &converted_amount::MANUAL,
            converted_amount::ConvertedAmount::new(),
        ),
        scalar(&customer_hash::MANUAL, customer_hash::CustomerHash::new()),
        scalar(&is_valid_usage::MANUAL, is_valid_usage::IsValidUsage::new()),
        scalar(
            &overage_charge::MANUAL,
            overage_charge::OverageCharge::new(),
        ),
        scalar(&rounded_ratio::MANUAL, rounded_ratio::RoundedRatio::new()),
        scalar(&scaled_amount::MANUAL, scaled_amount::ScaledAmount::new()),
        scalar(&slot_start::MANUAL, slot_start::SlotStart::new()),
        scalar(&slots_within::MANUAL, slots_within::SlotsWithin::new()),
        scalar(&sparkline::MANUAL, sparkline::Sparkline::new()),
        scalar(&target_price::MANUAL, target_price::TargetPrice::new()),
        scalar(&tiered_charge::MANUAL, tiered_charge::TieredCharge::new()),
        scalar(&to_amount::MANUAL, to_amount::ToAmount::new()),
        scalar(&to_exact::MANUAL, to_exact::ToExact::new()),
        scalar(&to_json::MANUAL, to_json::ToJson::new()),
        scalar(&usage_cap::MANUAL, usage_cap::UsageCap::new()),
        scalar(
            &usage_pattern_flags::MANUAL,
            usage_pattern_flags::UsagePatternFlags::new(),
        ),
        window(&apportion::MANUAL, apportion::Apportion::new().into()),
        window(
            &apportion_down::MANUAL,
            apportion_down::ApportionDown::new().into(),
        ),
        aggregate(
            &exact_distinct::MANUAL,
            exact_distinct::ExactDistinct::new().into(),
        ),
        aggregate(
            &exact_median::MANUAL,
            exact_median::ExactMedian::new().into(),
        ),
        aggregate(&sum::MANUAL, sum::Sum::new().into()),
    ]);
    all
}

/// The functions that read reference data.
fn informed(reference: Arc<Reference>) -> Vec<Function> {
    let shared = || Arc::clone(&reference);
    vec![
        scalar(&call_cost::MANUAL, call_cost::CallCost::new(shared())),
        scalar(
            &call_cost_parts::MANUAL,
            call_cost_parts::CallCostParts::new(shared()),
        ),
        scalar(&canonical::MANUAL, canonical::Canonical::new(shared())),
        scalar(&list_price::MANUAL, list_price::ListPrice::new(shared())),
        scalar(
            &nearest_models::MANUAL,
            nearest_models::NearestModels::new(shared()),
        ),
        scalar(
            &price_cost_parts::MANUAL,
            price_cost_parts::PriceCostParts::new(shared()),
        ),
        scalar(&price_id::MANUAL, price_id::PriceIdOf::new(shared())),
        scalar(
            &margin_band::MANUAL,
            margin_band::MarginBand::new(reference),
        ),
    ]
}

fn scalar(manual: &'static Manual, function: impl ScalarUDFImpl + 'static) -> Function {
    let implementation = Implementation::Scalar(Arc::new(function.into()));
    Function {
        manual,
        implementation,
    }
}

fn window(manual: &'static Manual, function: WindowUDF) -> Function {
    Function {
        manual,
        implementation: Implementation::Window(Arc::new(function)),
    }
}

fn aggregate(manual: &'static Manual, function: AggregateUDF) -> Function {
    Function {
        manual,
        implementation: Implementation::Aggregate(Arc::new(function)),
    }
}

impl Function {
    fn register(self, registry: &mut dyn FunctionRegistry) -> Result<()> {
        match self.implementation {
            Implementation::Scalar(function) => registry.register_udf(function).map(drop),
            Implementation::Window(function) => registry.register_udwf(function).map(drop),
            Implementation::Aggregate(function) => registry.register_udaf(function).map(drop),
        }
    }

    fn doc(&self) -> FunctionDoc {
        let parameters = self.manual.parameters.iter().map(|parameter| Parameter {
            name: parameter.name,
            required: parameter.required,
            description: parameter.description,
        });
        FunctionDoc {
            name: self.manual.name,
            kind: self.kind(),
            section: self.manual.section,
            parameters: parameters.collect(),
            description: self.manual.description,
            syntax: self.manual.syntax(),
            example: self.manual.example,
        }
    }

    fn kind(&self) -> FunctionKind {
        match self.implementation {
            Implementation::Scalar(_) => FunctionKind::Scalar,
            Implementation::Window(_) => FunctionKind::Window,
            Implementation::Aggregate(_) => FunctionKind::Aggregate,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    #[test]
    fn every_function_is_documented_with_all_its_arguments() {
        for function in all(empty()) {
            let (name, documentation, names) = match &function.implementation {
                Implementation::Scalar(f) => {
                    (f.name(), f.documentation(), &f.signature().parameter_names)
                }
                Implementation::Window(f) => {
                    (f.name(), f.documentation(), &f.signature().parameter_names)
                }
                // The built-in sum has no names, and ours is called as it is.
                Implementation::Aggregate(f) => {
                    (f.name(), f.documentation(), &f.signature().parameter_names)
                }
            };
            assert_eq!(name, function.manual.name);
            let documentation =
                documentation.unwrap_or_else(|| panic!("{name} has no documentation"));
            assert!(
                documentation.description.ends_with('.'),
                "{name}: a description is a sentence"
            );
            let arguments = documentation.arguments.clone().unwrap_or_default();
            let documented: Vec<_> = arguments
                .into_iter()
                .map(|(argument, words)| {
                    assert!(
                        words.ends_with('.'),
                        "{name}: `{argument}` is described in a sentence"
                    );
                    argument
                })
                .collect();
            let declared: Vec<_> = function
                .manual
                .parameters
                .iter()
                .map(|p| p.name.to_owned())
                .collect();
            assert_eq!(documented, declared, "{name}");
            assert!(
                names.as_ref().is_none_or(|names| *names == declared),
                "{name}"
            );
            let optional = function.manual.parameters.iter().skip_while(|p| p.required);
            assert!(
                optional.into_iter().all(|p| !p.required),
                "{name}: optional parameters come last"
            );
        }
    }

    #[test]
    fn every_function_that_reads_reference_data_can_be_asked_for_it() {
        let reference = empty();
        let functions = informed(Arc::clone(&reference));
        assert!(!functions.is_empty());
        for function in functions {
            let Implementation::Scalar(scalar) = function.implementation else {
                panic!("{} is no scalar function", function.manual.name);
            };
            let asked = reference_of(&scalar);
            assert!(asked.is_some_and(|found| Arc::ptr_eq(found, &reference)));
            assert!(informed_function(scalar.name(), empty()).is_some());
        }
        assert!(informed_function("bar", empty()).is_none());
    }

    #[test]
    fn a_function_is_a_file_of_its_name() {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        for function in functions() {
            let folder = match function.kind {
                FunctionKind::Scalar => "scalar",
                FunctionKind::Window => "window",
                FunctionKind::Aggregate => "aggregate",
            };
            let file = source.join(folder).join(format!("{}.rs", function.name));
            assert!(file.exists(), "{} is missing", file.display());
        }
        let names: BTreeSet<_> = functions()
            .into_iter()
            .map(|function| function.name)
            .collect();
        assert_eq!(names.len(), functions().len(), "names differ");
    }

    #[test]
    fn arithmetic_knows_nothing_of_arrow() {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        for folder in ["money", "pricing", "pattern"] {
            for file in std::fs::read_dir(source.join(folder)).unwrap() {
                let path = file.unwrap().path();
                let text = std::fs::read_to_string(&path).unwrap();
                let imports = text
                    .lines()
                    .filter(|line| line.trim_start().starts_with("use "));
                let mut foreign =
                    imports.filter(|l| l.contains("arrow") || l.contains("datafusion"));
                assert_eq!(foreign.next(), None, "{}", path.display());
            }
        }
    }

    #[tokio::test]
    #[allow(
        clippy::disallowed_methods,
        reason = "a program of its own registers the functions in its own session"
    )]
    async fn the_examples_of_the_manuals_parse() {
        let context = datafusion::prelude::SessionContext::new();
        for function in functions() {
            let parsed = context
                .state()
                .sql_to_statement(function.example, &datafusion::config::Dialect::Generic);
            assert!(parsed.is_ok(), "{}: {parsed:?}", function.name);
        }
    }
}
