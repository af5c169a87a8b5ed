//! What is wrong with the months before October, on purpose: one kind of flaw each.
//!
//! `data/README.md` states what each must come to. October has none.

use super::calendar::{DAY, HOUR, MINUTE, Month, SECOND};
use super::calls::Call;
use super::contract;
use super::money::{CENT, Tokens};
use super::random::Random;
use super::work::{FINE_TUNE, GPT, GPT_MINI, MISTRAL, Model};

/// April: calls to a model that no price book knows. They are billed, so they can be split.
const UNPRICED: Planted = Planted {
    month: Month(4),
    calls: 72,
    from_day: 1,
    customers: &[1, 10, 20, 30, 40, 50, 60, 70, 80, 90],
    models: &[&FINE_TUNE],
    feature: "clauses",
    query_type: "extraction",
    context: (20, 90),
    output: (400, 2_400),
};

/// May: calls that nobody tagged with a customer.
const UNTAGGED: Planted = Planted {
    month: Month(5),
    calls: 64,
    from_day: 4,
    customers: &[],
    models: &[&GPT_MINI, &GPT_MINI, &GPT],
    feature: "search",
    query_type: "retrieval",
    context: (40, 180),
    output: (300, 1_500),
};

/// June: the day that OpenAI's bill lacks.
pub(super) const MISSING_DAY: i64 = Month(6).day(17);

/// July: the month in which Google bills in euro.
pub(super) const EURO_MONTH: Month = Month(7);
/// Millionths of a euro per dollar and of a dollar per euro.
pub(super) const EURO_PER_DOLLAR: i128 = 862_069;
pub(super) const DOLLAR_PER_EURO: i128 = 1_160_000;

/// August: OpenAI takes back a quarter of a charge of July.
pub(super) const CORRECTED_DAY: i64 = Month(7).day(21);
pub(super) const CORRECTION_MONTH: Month = Month(8);

/// August: a line tagged with something that is no customer.
pub(super) const UNKNOWN_TAG_MONTH: Month = Month(8);
pub(super) const UNKNOWN_TAG: &str = "eval-harness";
pub(super) const UNKNOWN_TAG_AMOUNT: i128 = 3_750 * CENT;

/// September: a trial of a provider whose bill has not been loaded.
const UNBILLED: Planted = Planted {
    month: Month(9),
    calls: 48,
    from_day: 14,
    customers: &[4, 8, 15, 16, 24, 42],
    models: &[&MISTRAL],
    feature: "chat",
    query_type: "chat",
    context: (30, 160),
    output: (500, 2_500),
};

/// Calls beside those of the budgets, so that the accounts' own costs stay what they are.
struct Planted {
    month: Month,
    calls: usize,
    from_day: i64,
    /// In turn; none means that nobody was tagged.
    customers: &'static [i64],
    models: &'static [&'static Model],
    feature: &'static str,
    query_type: &'static str,
    context: (i64, i64),
    output: (i64, i64),
}

/// All planted calls. A session is the calls of one customer.
pub(super) fn planted_calls(next_session: &mut i64) -> Vec<Call> {
    let mut calls = Vec::new();
    for (stream, planted) in (1..).zip([UNPRICED, UNTAGGED, UNBILLED]) {
        let mut random = Random::stream(stream);
        let first_session = *next_session + 1;
        for turn in 0..planted.calls {
            calls.push(planted.call(turn, first_session, &mut random));
        }
        // A session per customer number: the next flaw's begin above them.
        *next_session += 1_000;
    }
    calls
}

impl Planted {
    fn call(&self, turn: usize, first_session: i64, random: &mut Random) -> Call {
        let customer = turn
            .checked_rem(self.customers.len())
            .map(|turn| self.customers[turn]);
        let session = customer.map(|number| first_session + number);
        let model = self.models[turn % self.models.len()];
        let days = (self.month.day(self.from_day), self.month.end_day() - 1);
        let input = random.between(self.context) * 1_000 + random.between((0, 999));
        Call {
            request_id: None,
            called_at: random.between(days) * DAY
                + random.between((8, 17)) * HOUR
                + random.between((0, 59)) * MINUTE
                + random.between((0, 59)) * SECOND,
            completed_at: None,
            customer,
            session,
            model,
            sub_account: contract::sub_account(model, false),
            service_tier: contract::service_tier(model, false),
            feature: self.feature,
            query_type: self.query_type,
            status: "ok",
            tokens: Tokens {
                input,
                cache_read: input * random.between((200, 600)) / 1_000,
                output: random.between(self.output),
                ..Tokens::default()
            },
            response_cached: false,
        }
    }
}
