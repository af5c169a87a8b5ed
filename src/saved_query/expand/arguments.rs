//! What a call is given, what stands for the rest of its parameters, and whether it is refused.

use super::{Bindings, Expander};
use crate::error::{Error, Result};
use crate::saved_query::answer::{ask, begun, one_value, refusal};
use crate::saved_query::given::{given_by_name, literal};
use crate::saved_query::later::Later;
use crate::saved_query::parameter::{Argument, Default, Parameter, ParameterType};
use crate::saved_query::{SavedQuery, query, statement};
use datafusion::arrow::array::RecordBatch;
use datafusion::sql::sqlparser::ast::{Expr, FunctionArg, Query};
use futures::future::{BoxFuture, FutureExt};

impl Expander<'_> {
    /// Asks a saved query whether there is an answer at all, beside whatever comes next.
    pub(super) fn refuse<'a>(
        &'a mut self,
        question: &'a str,
        path: &'a str,
        bindings: &'a Bindings,
    ) -> BoxFuture<'a, Result<()>> {
        async move {
            let (question, key) = bindings.question(question)?;
            if !bindings.relations.is_empty() {
                return refusal(&self.answered(question, bindings).await?);
            }
            let later = &bindings.named_in(&key);
            if self.answers.values.insert(key, Argument::Null).is_none() {
                let answers = &mut self.answers;
                let asked = ask(self.environment, question, &self.stack, answers, later);
                let asked = asked.await?;
                self.answers.refusals.push((path.to_owned(), asked));
            }
            Ok(())
        }
        .boxed()
    }

    /// Runs a query that names relations which a call was given. They may name what was expanded so
    /// far, so it is known there too.
    async fn answered(&mut self, question: Query, given: &Bindings) -> Result<Vec<RecordBatch>> {
        let mut inner = Self::new(self.environment);
        inner.stack.clone_from(&self.stack);
        inner.instances.clone_from(&self.instances);
        inner.by_key.clone_from(&self.by_key);
        inner.wait_for(&self.later);
        inner.wait_for(&given.later);
        let mut bindings = Bindings {
            relations: given.relations.clone(),
            ..Bindings::default()
        };
        let mut question = question;
        std::mem::swap(&mut inner.answers, &mut self.answers);
        let expanded = inner
            .expand_body(&mut question, &mut bindings, "refused")
            .await;
        std::mem::swap(&mut inner.answers, &mut self.answers);
        expanded?;
        let finished = inner.finish(statement(question), &mut self.answers);
        let unplanned = finished.boxed().await?;
        Ok(begun(unplanned, self.environment).await?)
    }

    /// Every parameter's value: given, or the project's default, or the header's.
    pub(super) fn arguments<'a>(
        &'a mut self,
        saved: &'a SavedQuery,
        given: &'a [FunctionArg],
        caller: &'a Bindings,
    ) -> BoxFuture<'a, Result<(Vec<String>, Bindings)>> {
        async move {
            let mut values = given_by_name(saved, given)?;
            let mut bindings = Bindings {
                of: Some(saved.name.clone()),
                ..Bindings::default()
            };
            let mut shown = vec![];
            for parameter in &saved.header.parameters {
                let value = values.remove(parameter.name.as_str());
                if parameter.kind == ParameterType::Relation {
                    let relation = self
                        .relation_argument(saved, parameter, value, caller)
                        .await?;
                    shown.push(format!("{} => ({relation})", parameter.name));
                    bindings.relations.insert(parameter.name.clone(), relation);
                    continue;
                }
                if let Some(value) = value
                    && let Some((value, later)) = waited_for(parameter, value, caller)
                {
                    shown.push(format!("{} => {value}", parameter.name));
                    bindings
                        .literals
                        .insert(format!("${}", parameter.name), value);
                    bindings.later.push(later);
                    continue;
                }
                let is_given = value.is_some();
                let argument = match value {
                    Some(value) => {
                        let mut value = value.clone();
                        caller.substitute(&mut value);
                        literal(&value).ok_or_else(|| {
                            Error::new(format!(
                                "argument `{}` of `{}` is `{value}`, not a literal",
                                parameter.name, saved.name
                            ))
                            .hint("give it a value such as '2026-10', 3 or true")
                        })?
                    }
                    None => self.default(saved, parameter, &bindings).await?,
                };
                if argument == Argument::Null && !parameter.may_be_null() {
                    return Err(Error::new(format!(
                        "parameter `{}` of `{}` cannot be NULL",
                        parameter.name, saved.name
                    ))
                    .hint("leave it out for its default"));
                }
                let literals = parameter.bind(&argument).map_err(|error| {
                    if is_given || !self.environment.defaults.contains_key(&parameter.name) {
                        error.at(format!("argument `{}` of `{}`", parameter.name, saved.name))
                    } else {
                        error.at("[parameters] in apportion.toml")
                    }
                })?;
                shown.push(format!("{} => {argument}", parameter.name));
                bindings.literals.extend(literals);
            }
            Ok((shown, bindings))
        }
        .boxed()
    }

    /// Asks what has to be known before a body is planned; instants only before plans are optimised.
    pub(super) fn read_first<'a>(
        &'a mut self,
        saved: &'a SavedQuery,
        parameter: &'a Parameter,
        bindings: &'a mut Bindings,
    ) -> BoxFuture<'a, Result<()>> {
        async move {
            let (ParameterType::Timestamps, Some(Default::Query(text))) =
                (&parameter.kind, &parameter.default)
            else {
                let argument = self.default(saved, parameter, bindings).await?;
                bindings.literals.extend(parameter.bind(&argument)?);
                return Ok(());
            };
            let (question, key) = bindings.question(text)?;
            let known = self.answers.later.get(&key).cloned();
            let later = if let Some(known) = known {
                known
            } else {
                let (answers, later) = (&mut self.answers, &bindings.named_in(&key));
                let asked = ask(self.environment, question, &self.stack, answers, later);
                let asked = asked.await?;
                let number = self.answers.later.len();
                Later::new(parameter, &saved.path, key.clone(), number, asked)
            };
            bindings.literals.extend(later.bind(parameter));
            bindings.later.push(later.clone());
            self.answers.later.insert(key, later);
            Ok(())
        }
        .boxed()
    }

    pub(super) async fn default(
        &mut self,
        saved: &SavedQuery,
        parameter: &Parameter,
        bindings: &Bindings,
    ) -> Result<Argument> {
        if let Some(text) = self.environment.defaults.get(&parameter.name) {
            return Ok(Argument::Text(text.clone()));
        }
        match &parameter.default {
            Some(Default::Literal(argument)) => Ok(argument.clone()),
            Some(Default::Query(text)) => {
                let (query, key) = bindings.question(text)?;
                let known = self.answers.values.get(&key).cloned();
                let answer = if let Some(known) = known {
                    known
                } else {
                    let (answers, later) = (&mut self.answers, &bindings.named_in(&key));
                    one_value(self.environment, query, &self.stack, answers, later).await?
                };
                self.answers.values.insert(key, answer.clone());
                if parameter.kind == ParameterType::Month {
                    match &answer {
                        Argument::Text(text) => {
                            let notice =
                                format!("{}: {text}, the latest in the bill", parameter.name);
                            if !self.notices.contains(&notice) {
                                self.notices.push(notice);
                            }
                        }
                        _ => {
                            return Err(Error::new(format!(
                                "no `{}` can be chosen: the bill is empty",
                                parameter.name
                            ))
                            .hint(format!("name one: {} => '2026-10'", parameter.name)));
                        }
                    }
                }
                Ok(answer)
            }
            Some(Default::Relation(_)) | None => Err(Error::new(format!(
                "saved query `{}` needs parameter `{}`",
                saved.name, parameter.name
            ))
            .hint(format!(
                "it is of type {}: {}",
                parameter.kind, parameter.description
            ))),
        }
    }

    /// A table's name, or a query in parentheses, read where the call stands.
    async fn relation_argument(
        &mut self,
        saved: &SavedQuery,
        parameter: &Parameter,
        value: Option<&Expr>,
        caller: &Bindings,
    ) -> Result<Query> {
        let sql = match (value, &parameter.default) {
            (Some(Expr::Subquery(query)), _) => query.to_string(),
            (Some(name @ (Expr::Identifier(_) | Expr::CompoundIdentifier(_))), _) => {
                format!("SELECT * FROM {name}")
            }
            (None, Some(Default::Relation(name))) => format!("SELECT * FROM {name}"),
            _ => {
                return Err(Error::new(format!(
                    "parameter `{}` of `{}` takes a table, or a query in parentheses",
                    parameter.name, saved.name
                )));
            }
        };
        let mut relation = query(&sql)?;
        caller.substitute(&mut relation);
        self.expand_tree(&mut relation, caller).await?;
        Ok(relation)
    }
}

/// What a call is given where its caller waits for it: an instant that is read first.
fn waited_for(parameter: &Parameter, value: &Expr, caller: &Bindings) -> Option<(Expr, Later)> {
    if parameter.kind != ParameterType::Timestamp {
        return None;
    }
    let mut value = value.clone();
    caller.substitute(&mut value);
    let later = caller.later.iter().find(|later| later.is(&value))?;
    Some((value, later.clone()))
}
