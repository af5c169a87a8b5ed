//! [`Manual`]: all that there is to say about a function, once.
//!
//! Its signature, the coercion of its arguments, its documentation and what `describe` shows are
//! made from it, so that they cannot disagree.

use datafusion::arrow::datatypes::DataType;
use datafusion::common::{Result, plan_datafusion_err, plan_err};
use datafusion::logical_expr::{DocSection, Documentation, Signature, Volatility};

use super::kind::Kind;

/// A function for its callers.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Manual {
    pub(crate) name: &'static str,
    pub(crate) section: &'static str,
    pub(crate) description: &'static str,
    pub(crate) parameters: &'static [Parameter],
    /// What follows the closing parenthesis of a call, for a window function.
    pub(crate) over: &'static str,
    pub(crate) example: &'static str,
}

/// One parameter; those that may be left out come last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Parameter {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) required: bool,
    pub(crate) description: &'static str,
}

/// The part of a manual that DataFusion asks a function for by reference.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Face {
    pub(crate) signature: Signature,
    pub(crate) documentation: Documentation,
}

impl Parameter {
    pub(crate) const fn required(
        name: &'static str,
        kind: Kind,
        description: &'static str,
    ) -> Self {
        Self {
            name,
            kind,
            required: true,
            description,
        }
    }

    pub(crate) const fn optional(
        name: &'static str,
        kind: Kind,
        description: &'static str,
    ) -> Self {
        Self {
            name,
            kind,
            required: false,
            description,
        }
    }
}

impl Manual {
    pub(crate) fn face(&self) -> Face {
        Face {
            signature: self.signature(),
            documentation: self.documentation(),
        }
    }

    /// Parameters have names, so that a call may use them: `margin_band(tier => 'SMB', cost =>
    /// 12)`.
    fn signature(&self) -> Signature {
        let names = self
            .parameters
            .iter()
            .map(|parameter| parameter.name.to_owned())
            .collect();
        Signature {
            parameter_names: Some(names),
            ..Signature::user_defined(Volatility::Immutable)
        }
    }

    fn documentation(&self) -> Documentation {
        let section = DocSection {
            include: true,
            label: self.section,
            description: None,
        };
        let words = Documentation::builder(section, self.description, self.syntax());
        let described = self.parameters.iter().fold(words, |words, parameter| {
            words.with_argument(parameter.name, parameter.description)
        });
        described
            .with_sql_example(format!("```sql\n{}\n```", self.example))
            .build()
    }

    /// `call_cost(provider, model [, service_tier])`
    pub(crate) fn syntax(&self) -> String {
        let shown = |(position, parameter): (usize, &Parameter)| {
            let comma = if position == 0 { "" } else { ", " };
            if parameter.required {
                [comma, parameter.name].concat()
            } else {
                [" [", comma, parameter.name, "]"].concat()
            }
        };
        let parameters: String = self.parameters.iter().enumerate().map(shown).collect();
        format!("{}({parameters}){}", self.name, self.over)
    }

    /// The types that arguments of the types `given` are read as.
    pub(crate) fn coerce(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        let required = self
            .parameters
            .iter()
            .filter(|parameter| parameter.required)
            .count();
        if given.len() < required || given.len() > self.parameters.len() {
            return plan_err!(
                "{} takes {}, got {}: {}",
                self.name,
                arity(required, self.parameters.len()),
                arguments(given.len()),
                self.syntax()
            );
        }
        let pairs = self.parameters.iter().zip(given).enumerate();
        pairs
            .map(|(index, (parameter, given))| self.coerce_one(index + 1, parameter, given))
            .collect()
    }

    fn coerce_one(
        &self,
        position: usize,
        parameter: &Parameter,
        given: &DataType,
    ) -> Result<DataType> {
        parameter.kind.coerced(given).ok_or_else(|| {
            plan_datafusion_err!(
                "{}: argument `{}` at position {position} is {}, expected {}",
                self.name,
                parameter.name,
                given,
                parameter.kind.expected()
            )
        })
    }
}

fn arity(required: usize, most: usize) -> String {
    if required == most {
        arguments(most)
    } else {
        format!("{required} to {most} arguments")
    }
}

fn arguments(count: usize) -> String {
    format!("{count} argument{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    static MANUAL: Manual = Manual {
        name: "f",
        section: "Tests",
        description: "A function.",
        parameters: &[
            Parameter::required("id", Kind::Text, "A name."),
            Parameter::optional("tokens", Kind::Integer, "A count."),
            Parameter::optional("scale", Kind::Integer, "A scale."),
        ],
        over: "",
        example: "SELECT f('a');",
    };

    #[test]
    fn syntax_shows_what_may_be_left_out() {
        assert_eq!(MANUAL.syntax(), "f(id [, tokens] [, scale])");
    }

    #[test]
    fn a_wrong_type_is_named_with_its_parameter_and_position() {
        let error = MANUAL
            .coerce(&[DataType::Utf8View, DataType::Float64])
            .unwrap_err();
        let expected = "f: argument `tokens` at position 2 is Float64, expected a whole number";
        assert!(error.strip_backtrace().contains(expected), "{error}");
    }

    #[test]
    fn a_wrong_number_of_arguments_shows_the_syntax() {
        let error = MANUAL.coerce(&[]).unwrap_err().strip_backtrace();
        assert!(
            error.contains("f takes 1 to 3 arguments, got 0 arguments: f(id"),
            "{error}"
        );
    }
}
