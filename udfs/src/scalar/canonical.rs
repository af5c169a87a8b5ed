//! `canonical(kind, name [, at])`: the one spelling of a name that ledgers, bills and price books
//! write differently.
//!
//! The result has the encoding of `name`, and without aliases of that kind it is `name` itself.
//! Without `at` the latest alias holds. A sub-account without an alias of kind
//! `sub_account_customer` has no customer: NULL.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, AsArray, StringViewArray, UInt32Array};
use datafusion::arrow::compute::{cast, take};
use datafusion::arrow::datatypes::{DataType, Int32Type};
use datafusion::common::{Result, exec_datafusion_err};
use datafusion::logical_expr::simplify::{ExprSimplifyResult, SimplifyContext};
use datafusion::logical_expr::{
    ColumnarValue, Documentation, Expr, ScalarFunctionArgs, ScalarUDFImpl, Signature,
};

use crate::columnar::arguments::Arguments;
use crate::columnar::codes::Codes;
use crate::columnar::kind::Kind;
use crate::columnar::manual::{Face, Manual, Parameter};
use crate::columnar::remembered::{Remembered, Values};
use crate::columnar::text::Text;
use crate::pricing::alias::AliasKind;
use crate::pricing::span::Span;
use crate::reference::Reference;

pub(crate) static MANUAL: Manual = Manual {
    name: "canonical",
    section: "Names",
    description: "The canonical spelling of a name; the name itself where it has no alias.",
    parameters: &[
        Parameter::required(
            "kind",
            Kind::Text,
            "provider, model, sub_account, customer or sub_account_customer.",
        ),
        Parameter::required(
            "name",
            Kind::Text,
            "The name as a ledger, a bill or a price book writes it.",
        ),
        Parameter::optional(
            "at",
            Kind::Timestamp,
            "When the name was used; without it the latest alias holds.",
        ),
    ],
    over: "",
    example: "SELECT canonical('model', 'USE1-Claude4.6Sonnet-input-tokens');",
};

#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Canonical {
    face: Face,
    pub(crate) reference: Arc<Reference>,
    met: Remembered<(AliasKind, Values), Option<ArrayRef>>,
}

impl Canonical {
    pub(crate) fn new(reference: Arc<Reference>) -> Self {
        Self {
            face: MANUAL.face(),
            reference,
            met: Remembered::default(),
        }
    }
}

impl Canonical {
    /// Whether what has a name has a canonical one too.
    pub(crate) fn names_all(kind: &str) -> bool {
        let kind = kind.parse::<AliasKind>();
        kind.is_ok_and(|kind| kind != AliasKind::SubAccountCustomer)
    }

    /// The spellings of names; nothing where one of them changes in the course of time.
    fn settled(&self, kind: AliasKind, names: &ArrayRef) -> Result<Option<ArrayRef>> {
        let mut lookup = self.reference.aliases.lookup(kind);
        let texts = Text::new(names)?;
        let mut spellings = Vec::with_capacity(names.len());
        for row in 0..names.len() {
            let Some(name) = texts.get(row) else {
                spellings.push(None);
                continue;
            };
            if Span::around(i64::MAX, lookup.changes(name)) != Span::ALWAYS {
                return Ok(None);
            }
            let own = (kind != AliasKind::SubAccountCustomer).then_some(name);
            spellings.push(lookup.alias(name, i64::MAX).or(own));
        }
        if (0..names.len()).all(|row| spellings[row] == texts.get(row)) {
            return Ok(Some(Arc::clone(names)));
        }
        let spellings: StringViewArray = spellings.into_iter().collect();
        Ok(Some(cast(&spellings, names.data_type())?))
    }
}

impl ScalarUDFImpl for Canonical {
    fn name(&self) -> &str {
        MANUAL.name
    }

    fn signature(&self) -> &Signature {
        &self.face.signature
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        MANUAL.coerce(given)
    }

    fn return_type(&self, given: &[DataType]) -> Result<DataType> {
        Ok(given[1].clone())
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&self.face.documentation)
    }

    /// What has no name has no canonical name either: a column of NULL is seen while planning.
    fn simplify(&self, args: Vec<Expr>, _: &SimplifyContext) -> Result<ExprSimplifyResult> {
        Ok(match args.get(1) {
            Some(name @ Expr::Literal(value, _)) if value.is_null() => {
                ExprSimplifyResult::Simplified(name.clone())
            }
            _ => ExprSimplifyResult::Original(args),
        })
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let without_a_name = |name: &ArrayRef| name.null_count() == name.len();
        if matches!(&args.args[1], ColumnarValue::Array(name) if without_a_name(name)) {
            return Ok(args.args[1].clone());
        }
        let arguments = Arguments::new(&MANUAL, &args);
        let (kind, names, at) = (
            arguments.text(0)?,
            arguments.text(1)?,
            arguments.timestamp(2)?,
        );
        let parse = |kind: &str| {
            kind.parse::<AliasKind>()
                .map_err(|error| exec_datafusion_err!("{}: {error}", MANUAL.name))
        };
        if kind.is_constant() && args.number_rows > 0 {
            let kind = kind.get(0).map(parse).transpose()?;
            let keeps_names =
                |kind| kind != AliasKind::SubAccountCustomer && !self.reference.aliases.has(kind);
            if kind.is_some_and(keeps_names) {
                return Ok(args.args[1].clone());
            }
        }
        if kind.is_constant()
            && let ColumnarValue::Array(names) = &args.args[1]
            && let Some(names) = names.as_dictionary_opt::<Int32Type>()
            && let Some(kind) = kind.get(0).map(parse).transpose()?
            && names.values().len() <= args.number_rows
            && let key = (kind, Values(Arc::clone(names.values())))
            && let Some(values) = self
                .met
                .get_or(key, || self.settled(kind, names.values()))?
        {
            return Ok(ColumnarValue::Array(Arc::new(names.with_values(values))));
        }
        let codes = Codes::of(&[&kind, &names], args.number_rows);
        let mut lookups = HashMap::new();
        let mut look_up = |row: usize| -> Result<(Span, Option<&str>)> {
            let at = at.get(row).unwrap_or(i64::MAX);
            let (kind, name) = (kind.get(row).map(parse).transpose()?, names.get(row));
            let Some((kind, name)) = kind.zip(name) else {
                return Ok((Span::ALWAYS, None));
            };
            let lookup = lookups
                .entry(kind)
                .or_insert_with(|| self.reference.aliases.lookup(kind));
            let span = Span::around(at, lookup.changes(name));
            let own = (kind != AliasKind::SubAccountCustomer).then_some(name);
            Ok((span, lookup.alias(name, at).or(own)))
        };
        let mut spellings = vec![];
        let mut known = vec![];
        for row in codes.first_rows() {
            let (span, spelling) = look_up(*row)?;
            known.push((span, number(spellings.len())));
            spellings.push((*row, spelling));
        }
        // Most names have the same spelling at all times: then there is no need to ask row by row.
        let is_settled = known.iter().all(|(span, _)| *span == Span::ALWAYS);
        let keeps = |(row, spelling): &(usize, Option<&str>)| *spelling == names.get(*row);
        if is_settled && spellings.iter().all(keeps) {
            return Ok(args.args[1].clone());
        }
        let mut chosen = Vec::with_capacity(args.number_rows);
        for row in 0..args.number_rows {
            let (span, spelling) = &mut known[codes.get(row)];
            if !is_settled && !span.holds(at.get(row).unwrap_or(i64::MAX)) {
                let found = look_up(row)?;
                (*span, *spelling) = (found.0, number(spellings.len()));
                spellings.push((row, found.1));
            }
            chosen.push(*spelling);
        }
        if spellings.iter().all(keeps) {
            return Ok(args.args[1].clone());
        }
        let spellings: StringViewArray = spellings
            .into_iter()
            .map(|(_, spelling)| spelling)
            .collect();
        let canonical = take(&spellings, &UInt32Array::from(chosen), None)?;
        let canonical = cast(&canonical, args.return_field.data_type())?;
        Ok(ColumnarValue::Array(canonical))
    }
}

fn number(of: usize) -> u32 {
    u32::try_from(of).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use crate::testing::{assert_over_every_text, error, row, session};

    #[tokio::test]
    async fn the_alias_in_force_holds() {
        let sql = "SELECT canonical('model', 'gpt-4o-latest', '2026-06-30'),
                          canonical('model', 'gpt-4o-latest', '2026-07-01'),
                          canonical('model', 'gpt-4o-latest'),
                          canonical('model', 'claude'), canonical('customer', 'c'),
                          canonical('sub_account_customer', 'proj_a'),
                          canonical('sub_account_customer', 'proj_b')";
        let expected = "gpt-4o|gpt-5|gpt-5|claude|c|acme|-";
        assert_eq!(row(&session().await, sql).await, expected);
    }

    #[tokio::test]
    async fn the_encoding_of_the_name_is_kept() {
        assert_over_every_text("canonical('provider', {x})", "OpenAI", "openai").await;
        assert_over_every_text("canonical('customer', {x})", "acme", "acme").await;
        for encoding in ["Utf8", "LargeUtf8", "Utf8View", "Dictionary(Int32, Utf8)"] {
            let sql = format!(
                "SELECT arrow_typeof(canonical('model', x)) = arrow_typeof(x),
                        arrow_typeof(canonical('customer', x)) = arrow_typeof(x)
                 FROM (SELECT arrow_cast(column1, '{encoding}') AS x FROM (VALUES ('a')))"
            );
            assert_eq!(row(&session().await, &sql).await, "true|true", "{encoding}");
        }
    }

    #[tokio::test]
    async fn a_kind_is_one_of_five() {
        let wrong = error(&session().await, "SELECT canonical('modell', 'a')").await;
        assert!(wrong.contains("`modell` is not a kind of alias"), "{wrong}");
    }
}
