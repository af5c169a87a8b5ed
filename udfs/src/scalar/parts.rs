//! [`Parts`]: costs by kind of token as a column of structs, and why there are none.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, Decimal128Builder, StringBuilder, StructArray};
use datafusion::arrow::datatypes::{DataType, Field, Fields};
use datafusion::common::Result;

use super::AMOUNT;
use crate::money::Amount;
use crate::pricing::Unpriced;
use crate::pricing::price::CostParts;

const AMOUNTS: [&str; 7] = [
    "input",
    "cache_read",
    "cache_write_5m",
    "cache_write_1h",
    "output",
    "reasoning",
    "request",
];

pub(super) fn data_type() -> DataType {
    DataType::Struct(fields())
}

fn fields() -> Fields {
    let amounts = AMOUNTS
        .into_iter()
        .map(|name| Field::new(name, AMOUNT, true));
    let texts = ["currency", "unpriced_reason"];
    let texts = texts
        .into_iter()
        .map(|name| Field::new(name, DataType::Utf8, true));
    amounts.chain(texts).collect()
}

/// The struct's columns while they are built.
pub(super) struct Parts {
    amounts: [Decimal128Builder; 7],
    currency: StringBuilder,
    reason: StringBuilder,
}

impl Default for Parts {
    fn default() -> Self {
        Self {
            amounts: std::array::from_fn(|_| Decimal128Builder::new().with_data_type(AMOUNT)),
            currency: StringBuilder::new(),
            reason: StringBuilder::new(),
        }
    }
}

impl Parts {
    pub(super) fn append_priced(&mut self, costs: &CostParts, currency: &str) {
        self.append(Some(costs), Some(currency), None);
    }

    /// Without a reason nothing is known of the row.
    pub(super) fn append_unpriced(&mut self, reason: Option<Unpriced>) {
        self.append(None, None, reason);
    }

    fn append(
        &mut self,
        costs: Option<&CostParts>,
        currency: Option<&str>,
        reason: Option<Unpriced>,
    ) {
        let costs = costs.map(|costs| {
            let CostParts {
                input,
                cache_read,
                cache_write_5m,
                cache_write_1h,
                output,
                reasoning,
                request,
            } = *costs;
            [
                input,
                cache_read,
                cache_write_5m,
                cache_write_1h,
                output,
                reasoning,
                request,
            ]
            .map(Amount::units)
        });
        for (part, column) in self.amounts.iter_mut().enumerate() {
            column.append_option(costs.map(|costs| costs[part]));
        }
        self.currency.append_option(currency);
        self.reason.append_option(reason.map(Unpriced::as_str));
    }

    pub(super) fn finish(mut self) -> Result<ArrayRef> {
        let amounts = self
            .amounts
            .iter_mut()
            .map(|column| Arc::new(column.finish()) as ArrayRef);
        let texts = [&mut self.currency, &mut self.reason];
        let texts = texts.map(|column| Arc::new(column.finish()) as ArrayRef);
        let columns = amounts.chain(texts).collect();
        Ok(Arc::new(StructArray::try_new(fields(), columns, None)?))
    }
}
