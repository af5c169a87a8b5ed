//! [`Parts`]: costs by kind of token as a column of structs, and why there are none.

use std::array;
use std::sync::Arc;

use datafusion::arrow::array::{
    ArrayRef, Decimal128Array, NullBufferBuilder, StringBuilder, StructArray,
};
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
    /// In units, and zero where the row has no price.
    amounts: [Vec<i128>; 7],
    have_price: NullBufferBuilder,
    currency: StringBuilder,
    reason: StringBuilder,
}

impl Parts {
    pub(super) fn with_capacity(rows: usize) -> Self {
        const OF_A_CURRENCY: usize = 3;
        Self {
            amounts: array::from_fn(|_| Vec::with_capacity(rows)),
            have_price: NullBufferBuilder::new(rows),
            currency: StringBuilder::with_capacity(rows, rows * OF_A_CURRENCY),
            reason: StringBuilder::with_capacity(rows, 0),
        }
    }

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
        let units = costs.map_or([0; 7], |costs| {
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
        for (column, units) in self.amounts.iter_mut().zip(units) {
            column.push(units);
        }
        self.have_price.append(costs.is_some());
        self.currency.append_option(currency);
        self.reason.append_option(reason.map(Unpriced::as_str));
    }

    pub(super) fn finish(mut self) -> Result<ArrayRef> {
        let have_price = self.have_price.finish();
        let mut columns: Vec<ArrayRef> = vec![];
        for units in self.amounts {
            let amounts = Decimal128Array::try_new(units.into(), have_price.clone())?;
            columns.push(Arc::new(amounts.with_data_type(AMOUNT)));
        }
        for texts in [&mut self.currency, &mut self.reason] {
            columns.push(Arc::new(texts.finish()));
        }
        Ok(Arc::new(StructArray::try_new(fields(), columns, None)?))
    }
}
