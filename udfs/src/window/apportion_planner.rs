//! [`ApportionPlanner`]: hands the ORDER BY of its window to `apportion`, which is otherwise given
//! its arguments only.
//!
//! `apportion(a, w, 2) OVER (… ORDER BY k)` is planned as `apportion(a, w, <typed NULL>, k)` under
//! its own name. The scale becomes the type of a NULL, because a window function's result type may
//! follow from types and not from values.

use datafusion::common::{Result, ScalarValue, plan_err};
use datafusion::logical_expr::expr::{WindowFunction, WindowFunctionParams};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult, RawWindowExpr};
use datafusion::logical_expr::{Expr, WindowFunctionDefinition};

use super::apportion::{Apportion, MANUAL, without_key};
use super::apportion_down::ApportionDown;
use crate::money::Amount;

/// Plans windows over `apportion`, and no others.
#[derive(Debug)]
pub(crate) struct ApportionPlanner;

impl ExprPlanner for ApportionPlanner {
    fn plan_window(&self, raw: RawWindowExpr) -> Result<PlannerResult<RawWindowExpr>> {
        match &raw.func_def {
            WindowFunctionDefinition::WindowUDF(function)
                if function.inner().is::<Apportion>() || function.inner().is::<ApportionDown>() =>
            {
                planned(&raw).map(PlannerResult::Planned)
            }
            _ => Ok(PlannerResult::Original(raw)),
        }
    }
}

fn planned(raw: &RawWindowExpr) -> Result<Expr> {
    if raw.order_by.is_empty() {
        return without_key();
    }
    if raw.filter.is_some() || raw.distinct {
        return plan_err!(
            "apportion takes neither FILTER nor DISTINCT: give a row no weight instead"
        );
    }
    if !(2..=3).contains(&raw.args.len()) {
        return plan_err!(
            "apportion takes 2 to 3 arguments, got {} arguments: {}",
            raw.args.len(),
            MANUAL.syntax()
        );
    }
    let as_written = window(raw.args.clone(), raw);
    let name = NamePreserver::new_for_projection().save(&as_written);
    let scale = scale(raw.args.get(2))?;
    let typed = Expr::Literal(
        ScalarValue::Decimal128(None, Amount::PRECISION, scale),
        None,
    );
    let mut args = raw.args[..2].to_vec();
    args.push(typed);
    args.extend(raw.order_by.iter().map(|key| key.expr.clone()));
    Ok(name.restore(window(args, raw)))
}

fn scale(argument: Option<&Expr>) -> Result<i8> {
    let literal = match argument {
        None => return Ok(Amount::SCALE),
        Some(Expr::Literal(value, _)) if value.is_null() => return Ok(Amount::SCALE),
        Some(Expr::Literal(ScalarValue::Int64(Some(scale)), _)) => i8::try_from(*scale).ok(),
        Some(_) => None,
    };
    let Some(scale @ 0..=Amount::SCALE) = literal else {
        return plan_err!(
            "apportion: argument `scale` at position 3 is not a literal from 0 to 12"
        );
    };
    Ok(scale)
}

fn window(args: Vec<Expr>, raw: &RawWindowExpr) -> Expr {
    Expr::from(WindowFunction {
        fun: raw.func_def.clone(),
        params: WindowFunctionParams {
            args,
            partition_by: raw.partition_by.clone(),
            order_by: raw.order_by.clone(),
            window_frame: raw.window_frame.clone(),
            filter: None,
            null_treatment: raw.null_treatment,
            distinct: false,
        },
    })
}
