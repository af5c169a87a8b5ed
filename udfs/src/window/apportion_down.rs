//! `apportion_down(amount, weight) OVER (PARTITION BY charge ORDER BY customer, feature, …)`: a split that every coarser
//! one agrees with.
//!
//! The amount is split over the values of the first key of the ORDER BY, each of these parts over the values of the
//! second key within it, and so on. What a customer gets does not depend on how far below the customer one looks, so a
//! report by feature and one by session add up to the same.
//!
//! A weight may be negative (a correction); a group whose weights sum to less than zero bears nothing. Otherwise what
//! `apportion` refuses is refused here.

use std::fmt::Display;
use std::ops::Range;
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, Decimal128Array};
use datafusion::arrow::datatypes::{DataType, FieldRef};
use datafusion::common::Result;
use datafusion::logical_expr::function::{PartitionEvaluatorArgs, WindowUDFFieldArgs};
use datafusion::logical_expr::{Documentation, PartitionEvaluator, Signature, WindowUDFImpl};
use ruint::aliases::U256;

use super::apportion::{
    PRECISION, coerce, field, first_changes, refused, scale, total, without_key,
};
use crate::columnar::kind::Kind;
use crate::columnar::manual::{Face, Manual, Parameter};
use crate::columnar::number::Number;
use crate::money::split::{SplitError, split};

pub(crate) static MANUAL: Manual = Manual {
    name: "apportion_down",
    section: "Attribution",
    description: "A row's part of its partition's amount, split key by key of the ORDER BY: first over the first key's values, each part then over the second's. Sums over any leading keys are what a split over those keys alone gives.",
    parameters: &[
        Parameter::required(
            "amount",
            Kind::Number,
            "What is split; the same in every row of a partition.",
        ),
        Parameter::required(
            "weight",
            Kind::Number,
            "The row's weight; a group whose weights sum to zero or less bears nothing.",
        ),
        Parameter::optional(
            "scale",
            Kind::Integer,
            "The parts' decimals: a literal from 0 to 12, which is the default.",
        ),
    ],
    over: " OVER (PARTITION BY … ORDER BY first_key, second_key, …)",
    example: "SELECT apportion_down(billed_cost, tokens) OVER (PARTITION BY charge_id ORDER BY customer_id, feature) FROM covered;",
};

#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct ApportionDown {
    face: Face,
}

impl ApportionDown {
    pub(crate) fn new() -> Self {
        Self {
            face: MANUAL.face(),
        }
    }
}

impl WindowUDFImpl for ApportionDown {
    fn name(&self) -> &str {
        MANUAL.name
    }

    fn signature(&self) -> &Signature {
        &self.face.signature
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        coerce(&MANUAL, given)
    }

    fn field(&self, args: WindowUDFFieldArgs) -> Result<FieldRef> {
        field(&args)
    }

    fn partition_evaluator(
        &self,
        args: PartitionEvaluatorArgs,
    ) -> Result<Box<dyn PartitionEvaluator>> {
        let scale = scale(&args)?;
        Ok(Box::new(Levels { scale }))
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&self.face.documentation)
    }
}

/// Splits one partition's amount, level by level.
#[derive(Debug)]
struct Levels {
    scale: i8,
}

impl PartitionEvaluator for Levels {
    fn evaluate_all(&mut self, values: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
        let [amount, weight, _, keys @ ..] = values else {
            return without_key();
        };
        let changes = first_changes(keys, rows)?;
        let refused = |row, why: &dyn Display| refused(keys, row, why);
        let all: Vec<usize> = (0..rows).collect();
        let total = total(self.scale, &Number::new(amount)?, &all, refused)?;
        let weights = Number::new(weight)?;
        let weight = |row| {
            let weight = weights.units(row);
            weight.ok_or_else(|| refused(row, &"the weight is NULL"))
        };
        let weights = (0..rows).map(weight).collect::<Result<_>>()?;
        let tree = Tree::new(keys.len(), changes, weights);
        let parts = tree.split(total).map_err(|error| refused(0, &error))?;
        let parts = Decimal128Array::from_iter_values(parts);
        Ok(Arc::new(
            parts.with_precision_and_scale(PRECISION, self.scale)?,
        ))
    }
}

/// The rows of a partition, grouped by ever more of their keys.
pub(crate) struct Tree {
    levels: usize,
    /// Of each row, the first level at which a group begins with it.
    changes: Vec<usize>,
    /// Sign and magnitude of each row's weight.
    weights: Vec<(bool, U256)>,
}

impl Tree {
    pub(crate) fn new(levels: usize, changes: Vec<usize>, weights: Vec<(bool, U256)>) -> Self {
        Self {
            levels,
            changes,
            weights,
        }
    }

    /// A part for each row.
    pub(crate) fn split(&self, total: i128) -> Result<Vec<i128>, SplitError> {
        let rows = self.weights.len();
        let mut parts = vec![0; rows];
        self.descend(0, 0..rows, total, &mut parts)?;
        Ok(parts)
    }

    /// Splits `total` over the groups of a level within `rows`, and each part within its group.
    fn descend(
        &self,
        level: usize,
        rows: Range<usize>,
        total: i128,
        parts: &mut [i128],
    ) -> Result<(), SplitError> {
        if total == 0 {
            return Ok(());
        }
        // A row alone has the part, unless it is the first to be asked whether it can bear it.
        if level == self.levels || level > 0 && rows.len() == 1 {
            parts[rows.start] = total;
            return Ok(());
        }
        let groups = self.groups(level, rows.clone());
        if level > 0 && groups.len() == 1 {
            // So has a group alone.
            return self.descend(level + 1, rows, total, parts);
        }
        let weights = groups
            .iter()
            .map(|group| self.weight(group.clone()))
            .collect::<Result<Vec<_>, _>>()?;
        for (group, part) in groups.into_iter().zip(split(total, &weights)?) {
            self.descend(level + 1, group, part, parts)?;
        }
        Ok(())
    }

    fn groups(&self, level: usize, rows: Range<usize>) -> Vec<Range<usize>> {
        let begins = rows
            .clone()
            .skip(1)
            .filter(|row| self.changes[*row] <= level);
        let mut groups = vec![];
        let mut start = rows.start;
        for end in begins.chain([rows.end]) {
            groups.push(start..end);
            start = end;
        }
        groups
    }

    /// The sum of a group's weights, zero where that is negative.
    fn weight(&self, rows: Range<usize>) -> Result<U256, SplitError> {
        let (mut above, mut below) = (U256::ZERO, U256::ZERO);
        for (negative, magnitude) in &self.weights[rows] {
            let sum = if *negative { &mut below } else { &mut above };
            *sum = sum.checked_add(*magnitude).ok_or(SplitError::Overflow)?;
        }
        Ok(above.saturating_sub(below))
    }
}
