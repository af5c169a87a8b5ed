//! The ledger: sessions of calls, generated per account and month until its budget is used up.
//!
//! The last calls of a month are sized to use the budget to the last whole token. What tokens
//! cannot express (less than a millionth of a dollar) is a [`Residue`] on the account's own line of
//! the bill, so that every account costs exactly its budget.

use super::calendar::{DAY, HOUR, MINUTE, Month, SECOND, weekday};
use super::contract;
use super::customers::{Customer, Habit};
use super::money::{CENT, ListCost, Tokens};
use super::prices::{self, Price};
use super::random::Random;
use super::work::{GPT, Model, OPUS, Route, TERRA, TERRA_SINCE, WORK, Work};

/// One row of the ledger.
#[derive(Clone, Debug)]
pub(super) struct Call {
    /// Given once the ledger is in order of time; no provider gives one to a cached response.
    pub(super) request_id: Option<String>,
    pub(super) called_at: i64,
    pub(super) completed_at: Option<i64>,
    /// The number of the account; `None` where nobody was tagged.
    pub(super) customer: Option<i64>,
    pub(super) session: Option<i64>,
    pub(super) model: &'static Model,
    pub(super) sub_account: Option<&'static str>,
    pub(super) service_tier: Option<&'static str>,
    pub(super) feature: &'static str,
    pub(super) query_type: &'static str,
    pub(super) status: &'static str,
    pub(super) tokens: Tokens,
    pub(super) response_cached: bool,
}

impl Call {
    /// The instant by which a bill places the call.
    pub(super) fn charged_at(&self) -> i64 {
        self.completed_at.unwrap_or(self.called_at)
    }

    /// Whether a provider did work that it can charge.
    pub(super) fn reached_provider(&self) -> bool {
        !self.response_cached && self.tokens.total() > 0
    }

    /// `None` where the price book does not know the model.
    pub(super) fn list_cost(&self, book: &[Price]) -> Option<ListCost> {
        let key = (self.model.provider, self.model.name, self.service_tier);
        prices::find(book, key, self.called_at, self.tokens.input)
            .map(|price| ListCost::of(&self.tokens, price))
    }
}

/// The part of a budget that is smaller than one token, charged on the account's own line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Residue {
    pub(super) customer: i64,
    pub(super) month: Month,
    pub(super) amount: i128,
}

/// An account keeps at least this much for its last calls, so that they are real work.
const CLOSING_RESERVE: i128 = 60 * CENT;
/// A budget's rest is spread over calls of about this much.
const CLOSING_CALL: i128 = 120 * CENT;

/// Writes one account's month.
pub(super) struct Writer<'a> {
    pub(super) customer: &'a Customer,
    pub(super) month: Month,
    pub(super) book: &'a [Price],
    pub(super) random: Random,
    pub(super) next_session: &'a mut i64,
    pub(super) calls: &'a mut Vec<Call>,
}

impl Writer<'_> {
    pub(super) fn spend(mut self, budget_cents: i64) -> Residue {
        let mut left = i128::from(budget_cents) * CENT;
        loop {
            let session = self.session();
            for call in session {
                let cost = call.list_cost(self.book).map_or(0, |list| {
                    if call.reached_provider() {
                        contract::billed(call.model, &list)
                    } else {
                        0
                    }
                });
                if left - cost < CLOSING_RESERVE {
                    let amount = self.close(left);
                    return Residue {
                        customer: self.customer.number,
                        month: self.month,
                        amount,
                    };
                }
                left -= cost;
                self.calls.push(call);
            }
        }
    }

    /// A session of one feature on one route, with the failures and repeats of real traffic.
    fn session(&mut self) -> Vec<Call> {
        let work = self.random.pick(&WORK, |work| work.weight);
        let routes: Vec<&Route> = work
            .routes
            .iter()
            .filter(|route| !self.customer.two_providers || allowed_for_two(route.model))
            .collect();
        let route = *self.random.pick(&routes, |route| route.weight);
        let mut at = self.session_start(route.batch);
        let model = model_at(route, at);
        let session = self.take_session();
        let keeps_cache_long = self.random.chance(20);
        let mut context = self.first_context(work);
        let mut previous = 0;
        let mut calls = Vec::new();
        for _ in 0..self.session_length(work) {
            let fits = context.min(model.window * 95 / 100);
            let mut tokens = self.tokens(work, route, fits, previous);
            if keeps_cache_long {
                tokens.cache_write_1h = tokens.cache_write;
            }
            let mut call = self.call(work, model, at, session, tokens);
            if route.batch {
                self.send_as_batch(&mut call);
            }
            self.disturb(&mut calls, &mut call);
            calls.push(call);
            previous = fits;
            context += self.random.between(work.growth) * 1_000 + self.random.between((0, 999));
            at += self.random.between((20, 170)) * SECOND + self.random.between((0, 999)) * 1_000;
        }
        calls
    }

    fn call(
        &self,
        work: &Work,
        model: &'static Model,
        at: i64,
        session: i64,
        tokens: Tokens,
    ) -> Call {
        Call {
            request_id: None,
            called_at: at,
            completed_at: None,
            customer: Some(self.customer.number),
            session: Some(session),
            model,
            sub_account: contract::sub_account(model, false),
            service_tier: contract::service_tier(model, false),
            feature: work.feature,
            query_type: work.query_type,
            status: "ok",
            tokens,
            response_cached: false,
        }
    }

    /// Batches are sent in the evening and come back, and are charged, in the night after.
    fn send_as_batch(&mut self, call: &mut Call) {
        let night = call.called_at.div_euclid(DAY) * DAY;
        call.completed_at = Some(
            night
                + self.random.between((30, 400)) * MINUTE
                + self.random.between((0, 59_999)) * 1_000,
        );
        call.called_at -= DAY;
        call.sub_account = contract::sub_account(call.model, true);
        call.service_tier = contract::service_tier(call.model, true);
    }

    /// Some calls fail and are sent again, some are cut short, some need no provider at all.
    fn disturb(&mut self, calls: &mut Vec<Call>, call: &mut Call) {
        let caches = self.customer.habit != Habit::LittleCaching;
        match self.random.between((0, 999)) {
            0..12 if call.completed_at.is_none() => {
                let mut failed = call.clone();
                failed.called_at -= 9 * SECOND;
                failed.status = "error";
                failed.tokens = Tokens::default();
                calls.push(failed);
            }
            12..20 => {
                call.status = "cancelled";
                call.tokens.output = call.tokens.output / 3 + 1;
                call.tokens.reasoning = call.tokens.reasoning.min(call.tokens.output);
            }
            20..60 if call.feature == "search" && caches => {
                call.response_cached = true;
                call.tokens.cache_read = 0;
                call.tokens.cache_write = 0;
                call.tokens.cache_write_1h = 0;
            }
            _ => {}
        }
    }

    /// Mostly working days and working hours; a batch is sent after them.
    fn session_start(&mut self, batch: bool) -> i64 {
        let days: Vec<i64> = (self.month.first_day()..self.month.end_day()).collect();
        let day = *self.random.pick(&days, |day| match weekday(*day) {
            5 => 26,
            6 => 24,
            _ => 100,
        });
        let hour = if batch {
            self.random.between((20, 22))
        } else {
            let hours = (0..)
                .zip([6, 10, 12, 11, 6, 9, 12, 11, 8])
                .collect::<Vec<(i64, i64)>>();
            let (hour, _) = self.random.pick(&hours, |(_, weight)| *weight);
            self.customer.opens_at + hour
        };
        day * DAY
            + hour * HOUR
            + self.random.between((0, 59)) * MINUTE
            + self.random.between((10_000, 59_999)) * 1_000
    }

    fn session_length(&mut self, work: &Work) -> i64 {
        let calls = self.random.between(work.calls);
        if self.customer.habit == Habit::LongContext {
            calls * 5 / 2
        } else {
            calls
        }
    }

    fn first_context(&mut self, work: &Work) -> i64 {
        let tokens = self.random.between(work.context) * 1_000 + self.random.between((0, 999));
        if self.customer.habit == Habit::LongContext {
            tokens * 8 / 5
        } else {
            tokens
        }
    }

    /// What a call reads from the cache, writes to it and answers; `previous` is the session so far.
    fn tokens(&mut self, work: &Work, route: &Route, input: i64, previous: i64) -> Tokens {
        let (cache_read, cache_write) = match self.customer.habit {
            Habit::LittleCaching => (input * self.random.between((0, 4)) / 100, 0),
            // A batch runs its documents next to one another: only the instructions are shared.
            _ if route.batch => (input * self.random.between((5, 12)) / 100, 0),
            _ => {
                let read = if previous == 0 {
                    input * self.random.between((80, 220)) / 1_000
                } else {
                    previous * self.random.between((860, 975)) / 1_000
                };
                let writes = route.model.provider == "anthropic";
                let written = self.random.between((550, 850));
                (
                    read,
                    if writes {
                        (input - read) * written / 1_000
                    } else {
                        0
                    },
                )
            }
        };
        let mut output = self.random.between(work.output);
        let mut reasoning_percent = self.random.between(work.reasoning_percent);
        if self.customer.habit == Habit::MuchReasoning {
            output = (output * 4).min(64_000);
            reasoning_percent = self.random.between((58, 86));
        }
        let reasoning = output * reasoning_percent / 100;
        Tokens {
            input,
            cache_read,
            cache_write,
            cache_write_1h: 0,
            output,
            reasoning,
        }
    }

    /// Uses what is left of the budget in one last session, and returns what no token can express.
    fn close(&mut self, left: i128) -> i128 {
        let Some(work) = WORK.iter().find(|work| work.feature == "agents") else {
            unreachable!("the product has agents")
        };
        let session = self.take_session();
        let mut at = self.session_start(false);
        let calls = left / CLOSING_CALL + 1;
        let mut spent = 0;
        for index in 1..=calls {
            let tokens = self.tokens_for(left * index / calls - spent, at);
            let call = self.call(work, &OPUS, at, session, tokens);
            spent += call
                .list_cost(self.book)
                .map_or(0, |list| contract::billed(call.model, &list));
            self.calls.push(call);
            at += self.random.between((20, 170)) * SECOND;
        }
        left - spent
    }

    /// Tokens of a call that costs an amount, less than one token short of it.
    fn tokens_for(&mut self, amount: i128, at: i64) -> Tokens {
        // Of a hundred input tokens: reads, writes; and the answer's tokens per hundred of input.
        let (read, write, output, reasoning_percent) = match self.customer.habit {
            Habit::LittleCaching => (2, 0, 3, 20),
            Habit::MuchReasoning => (70, 20, 12, 70),
            Habit::Ordinary | Habit::LongContext => (70, 20, 3, 20),
        };
        let hundreds = |count: i64| Tokens {
            input: 100 * count,
            cache_read: read * count,
            cache_write: write * count,
            cache_write_1h: 0,
            output: output * count,
            reasoning: output * count * reasoning_percent / 100,
        };
        let key = (
            OPUS.provider,
            OPUS.name,
            contract::service_tier(&OPUS, false),
        );
        let Some(price) = prices::find(self.book, key, at, 0) else {
            unreachable!("the price book knows the model of the last calls")
        };
        let fit = |amount: i128, one: i128| {
            i64::try_from(amount / one).expect("a budget buys fewer tokens than i64 can count")
        };
        let mut tokens = hundreds(fit(amount, ListCost::of(&hundreds(1), price).whole()));
        let rest = amount - ListCost::of(&tokens, price).whole();
        tokens.input += fit(rest, price.input.into());
        let rest = amount - ListCost::of(&tokens, price).whole();
        let reads = fit(rest, price.cache_read.unwrap_or(price.input).into());
        tokens.input += reads;
        tokens.cache_read += reads;
        tokens
    }

    fn take_session(&mut self) -> i64 {
        *self.next_session += 1;
        *self.next_session
    }
}

fn allowed_for_two(model: &Model) -> bool {
    matches!(model.provider, "anthropic" | "openrouter")
}

/// New models take over interactive work on their day; batches stay where they were.
fn model_at(route: &Route, at: i64) -> &'static Model {
    if *route.model == GPT && !route.batch && at.div_euclid(DAY) >= TERRA_SINCE {
        &TERRA
    } else {
        route.model
    }
}
