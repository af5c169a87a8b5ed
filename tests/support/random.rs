//! Small random worlds in which every oddity of the rule occurs.
//!
//! A world is a function of its seed. Its providers, customers, requests, sub accounts, models and
//! aliases start with its name, so that many worlds stand side by side in one dataset without
//! covering one another's calls ([`merge`]). Only two answers see the other worlds: which calls are
//! read (the earliest start and the latest end of all selected charges) and the currency of a call
//! that nothing else decides. So ask the reference about the merged world, not about each one.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

use super::reference::calendar::{DAY, HOUR, SECOND, month, month_of};
use super::reference::covering::customer_hash;
use super::reference::model::{
    Alias, Basis, Call, Charge, Customer, FxRate, Options, Price, ProviderUsage, World,
};
use super::reference::normal::normal_prices;

/// The salt of the hashed tags; ask with this one to know them.
pub(crate) const SALT: &str = "pepper";

/// The months that worlds are about.
pub(crate) const MONTHS: [&str; 4] = ["2026-03", "2026-04", "2026-05", "2026-06"];

const CURRENCIES: [&str; 3] = ["USD", "EUR", "GBP"];

/// One unit of a currency.
const ONE: i128 = 1_000_000_000_000;

struct Dice(ChaCha8Rng);

impl Dice {
    fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    /// A number from `from` up to and without `to`.
    fn between(&mut self, from: i64, to: i64) -> i64 {
        let width = u64::try_from(to - from).expect("the range is not empty");
        from + i64::try_from(self.0.next_u64() % width).expect("the offset is below the width")
    }

    fn chance(&mut self, percent: i64) -> bool {
        self.between(0, 100) < percent
    }

    fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        let length = i64::try_from(from.len()).expect("a list is short");
        let at = usize::try_from(self.between(0, length)).expect("an index is not negative");
        from[at].clone()
    }

    fn maybe<T>(&mut self, percent: i64, value: impl FnOnce(&mut Self) -> T) -> Option<T> {
        self.chance(percent).then(|| value(self))
    }
}

/// What the rows of one world have in common.
struct Setting {
    name: String,
    /// The neighbouring months of this world.
    months: Vec<&'static str>,
    /// Days on which calls and short charges meet.
    days: Vec<i64>,
    /// Whether calls carry a sub account, a tier, a model at all.
    carries: [bool; 3],
    /// Whether most calls look alike, so that weights tie.
    alike: bool,
    /// Whether no call reports a token.
    silent: bool,
}

/// A world of up to twelve calls and eight charges, all of whose names start with `name`.
pub(crate) fn world(seed: u64, name: &str) -> World {
    let mut dice = Dice::new(seed);
    let setting = Setting::new(&mut dice, name);
    let aliases = setting.aliases(&mut dice);
    let customers = setting.customers(&mut dice);

    let number_of_calls = dice.between(0, 13);
    let calls: Vec<Call> = (0..number_of_calls)
        .map(|_| setting.call(&mut dice))
        .collect();

    let mut charges: Vec<Charge> = Vec::new();
    for _ in 0..dice.between(1, 9) {
        let charge = if !charges.is_empty() && dice.chance(50) {
            let like = dice.pick(&charges);
            setting.variant(&mut dice, &calls, like)
        } else {
            setting.charge(&mut dice, &calls)
        };
        charges.push(charge);
    }

    let prices = (0..dice.between(0, 8))
        .map(|_| setting.price(&mut dice, &calls))
        .collect();
    let provider_usage = (0..dice.between(0, 6))
        .map(|_| setting.provider_usage(&mut dice, &charges))
        .collect();
    let fx_rates = fx_rates();
    distinct_prices(World {
        calls,
        charges,
        customers,
        prices,
        aliases,
        fx_rates,
        provider_usage,
    })
}

/// Many worlds in one; exchange rates are the same in all.
pub(crate) fn merge(worlds: Vec<World>) -> World {
    let mut merged = World::default();
    for world in worlds {
        merged.calls.extend(world.calls);
        merged.charges.extend(world.charges);
        merged.customers.extend(world.customers);
        merged.prices.extend(world.prices);
        merged.aliases.extend(world.aliases);
        merged.provider_usage.extend(world.provider_usage);
        for rate in world.fx_rates {
            if !merged.fx_rates.contains(&rate) {
                merged.fx_rates.push(rate);
            }
        }
    }
    merged
}

/// A question about random worlds.
pub(crate) fn options(seed: u64) -> Options {
    let mut dice = Dice::new(seed);
    let first = dice.between(0, 4);
    let last = dice.between(first, 4);
    let asked = (0..)
        .zip(MONTHS)
        .filter(|(at, _)| first <= *at && *at <= last);
    Options {
        periods: asked.map(|(_, month)| month.to_owned()).collect(),
        basis: if dice.chance(35) {
            Basis::Effective
        } else {
            Basis::Billed
        },
        idle_spread: dice.chance(30),
        missing_leave: dice.chance(35),
        monthly_ledger: dice.chance(30),
        estimate: dice.chance(40),
        currency: dice.maybe(40, |dice| dice.pick(&CURRENCIES).to_owned()),
        salt: if dice.chance(85) {
            SALT.to_owned()
        } else {
            String::new()
        },
    }
}

/// Rates as a fixed function of period and currencies; some pairs have none, and the way back is not
/// the inverse of the way there.
fn fx_rates() -> Vec<FxRate> {
    let mut rates = Vec::new();
    for month in 1_i128..=9 {
        for (from_at, from) in (0_i128..).zip(CURRENCIES) {
            for (to_at, to) in (0_i128..).zip(CURRENCIES) {
                let missing = (month + from_at + 2 * to_at) % 4 == 0;
                if from != to && !missing {
                    rates.push(FxRate {
                        period: format!("2026-{month:02}"),
                        from_currency: from.to_owned(),
                        to_currency: to.to_owned(),
                        rate: 870_000_000_001
                            + 53_333_333_333 * (to_at + 1)
                            + 7_654_321 * month * (from_at + 1),
                    });
                }
            }
        }
    }
    rates
}

/// Leaves out price rows that the rule could not choose between: same names, tier, threshold, start
/// and source.
fn distinct_prices(world: World) -> World {
    let normal = normal_prices(&world);
    let tied = |one: &Price, other: &Price| {
        one.provider == other.provider
            && one.model == other.model
            && one.service_tier == other.service_tier
            && one.min_input_tokens == other.min_input_tokens
            && one.effective_from == other.effective_from
            && one.source == other.source
    };
    let is_first = |at: usize| !normal[..at].iter().any(|other| tied(other, &normal[at]));
    let prices = world.prices.iter().enumerate();
    let prices = prices
        .filter(|(at, _)| is_first(*at))
        .map(|(_, price)| price.clone())
        .collect();
    World { prices, ..world }
}

impl Setting {
    fn new(dice: &mut Dice, name: &str) -> Self {
        let first = dice.between(0, 4);
        let last = dice.between(first, (first + 3).min(4));
        let asked = (0..)
            .zip(MONTHS)
            .filter(|(at, _)| first <= *at && *at <= last);
        let months: Vec<&'static str> = asked.map(|(_, month)| month).collect();
        let days = (0..2).map(|_| {
            let (start, _) = month(dice.pick(&months));
            start + dice.pick(&[0, 1, 14, 27, 29]) * DAY
        });
        Self {
            name: name.to_owned(),
            days: days.collect(),
            months,
            carries: [dice.chance(75), dice.chance(70), dice.chance(95)],
            alike: dice.chance(40),
            silent: dice.chance(8),
        }
    }

    fn named(&self, suffix: &str) -> String {
        format!("{}-{suffix}", self.name)
    }

    fn named_one(&self, dice: &mut Dice, suffixes: &[&str]) -> String {
        let suffix = dice.pick(suffixes);
        self.named(suffix)
    }

    /// Now and then an empty text, which is NULL.
    fn optional(&self, dice: &mut Dice, percent: i64, suffixes: &[&str]) -> Option<String> {
        match dice.between(0, 100) {
            roll if roll < percent => Some(self.named_one(dice, suffixes)),
            99 => Some(String::new()),
            _ => None,
        }
    }

    fn provider(&self, dice: &mut Dice) -> String {
        self.named_one(dice, &["p", "p", "p", "p", "q", "P"])
    }

    fn model(&self, dice: &mut Dice) -> String {
        if dice.chance(6) {
            return format!("{}/{}", self.named("raw"), self.named("m-small"));
        }
        let models = ["m-small", "m-small", "m-large", "x", "RAW-m-small", "RAW-l"];
        self.named_one(dice, &models)
    }

    /// Names on bills that stand for names in the ledger; also the names of this world's accounts
    /// that belong to one customer.
    fn aliases(&self, dice: &mut Dice) -> Vec<Alias> {
        let all = [
            ("provider", "P", "p"),
            ("model", "RAW-m-small", "m-small"),
            ("model", "RAW-*", "m-large"),
            ("model", "RAW-?", "x"),
            ("model", "raw/*", "*"),
            ("sub_account", "S1", "s1"),
            ("sub_account", "S*", "s2"),
            ("customer", "A", "a"),
            ("sub_account_customer", "s2", "b"),
            ("sub_account_customer", "s3", "d"),
        ];
        let mut aliases = Vec::new();
        for (kind, name, canonical) in all {
            let percent = if kind == "sub_account_customer" {
                25
            } else {
                70
            };
            if !dice.chance(percent) {
                continue;
            }
            let alias = Alias {
                kind: kind.to_owned(),
                name: self.named(name),
                canonical: match canonical {
                    "*" => "*".to_owned(),
                    canonical => self.named(canonical),
                },
                effective_from: dice.maybe(15, |dice| self.instant(dice)),
            };
            if kind == "sub_account" && alias.effective_from.is_none() && dice.chance(20) {
                aliases.push(Alias {
                    canonical: self.named("s3"),
                    effective_from: Some(self.instant(dice)),
                    ..alias.clone()
                });
            }
            aliases.push(alias);
        }
        aliases
    }

    fn customers(&self, dice: &mut Dice) -> Vec<Customer> {
        let tiers = ["SMB", "Mid-Market", "Enterprise", "Usage-Based"];
        let mut customers = Vec::new();
        for suffix in ["a", "b", "c", "d"] {
            if dice.chance(70) {
                customers.push(Customer {
                    customer_id: self.named(suffix),
                    plan: dice.maybe(90, |_| "pro".to_owned()),
                    tier: dice.maybe(90, |dice| dice.pick(&tiers).to_owned()),
                    mrr: dice.maybe(90, |dice| i128::from(dice.between(0, 900)) * ONE),
                    currency: dice.maybe(60, |dice| dice.pick(&CURRENCIES).to_owned()),
                });
            }
        }
        customers
    }

    /// An instant near the months of this world, often on one of its days or exactly on a boundary.
    fn instant(&self, dice: &mut Dice) -> i64 {
        let (start, _) = month(self.months[0]);
        let (_, end) = month(self.months[self.months.len() - 1]);
        let day = dice.pick(&self.days);
        match dice.between(0, 100) {
            0..55 => day + dice.between(0, 24) * HOUR + dice.between(0, 3) * 17 * SECOND,
            55..65 => day,
            65..70 => day + DAY - 1,
            70..76 => dice.pick(&[start, end - 1, end]),
            76..80 => start - dice.between(1, 5 * DAY),
            80..84 => end + dice.between(1, 5 * DAY),
            _ => dice.between(start, end),
        }
    }

    fn call(&self, dice: &mut Dice) -> Call {
        let called_at = self.instant(dice);
        let tiers = ["standard", "default", "batch", "batch", "flex", "priority"];
        let service_tier = dice
            .maybe(45, |dice| dice.pick(&tiers).to_owned())
            .filter(|_| self.carries[1]);
        let is_batch = service_tier.as_deref() == Some("batch");
        let completed_at = dice.maybe(if is_batch { 70 } else { 4 }, |dice| {
            let (_, month_end) = month(&month_of(called_at));
            if dice.chance(40) {
                month_end
            } else {
                called_at + dice.between(1, 30) * HOUR
            }
        });
        let status = dice.maybe(50, |dice| {
            dice.pick(&["ok", "ok", "ok", "error", "error", "cancelled"])
                .to_owned()
        });
        let silent = self.silent || (status.as_deref() == Some("error") && dice.chance(70));

        let mut call = Call {
            request_id: self.optional(dice, 40, &["r0", "r1", "r2", "r3"]),
            called_at,
            completed_at,
            customer_id: self.optional(dice, 82, &["a", "a", "b", "b", "c", "e", "A"]),
            session_id: dice.maybe(30, |dice| dice.pick(&["t1", "t2"]).to_owned()),
            provider: self.provider(dice),
            model: dice
                .maybe(94, |dice| self.model(dice))
                .filter(|_| self.carries[2]),
            sub_account: self
                .optional(dice, 70, &["s1", "s1", "s2", "S1", "S2"])
                .filter(|_| self.carries[0]),
            service_tier,
            feature: dice.maybe(60, |dice| dice.pick(&["search", "chat", ""]).to_owned()),
            query_type: dice.maybe(40, |dice| dice.pick(&["chat", "reasoning"]).to_owned()),
            status,
            response_cached: dice.maybe(20, |dice| dice.chance(35)),
            list_cost: dice.maybe(12, |dice| {
                dice.pick(&[0, 1, 7, 1_234_567_891, 5 * ONE, -ONE])
            }),
            ..Call::default()
        };
        if silent {
            call.input_tokens = dice.maybe(50, |_| 0);
        } else {
            self.usage(dice, &mut call);
        }
        call
    }

    /// Tokens of every kind, and a few that contradict one another.
    fn usage(&self, dice: &mut Dice, call: &mut Call) {
        let size = |dice: &mut Dice| match dice.between(0, 100) {
            0..10 => 0,
            10..30 => dice.between(1, 10),
            30..60 => dice.pick(&[100, 1_000, 1_001]),
            60..98 => dice.between(1, 200_000),
            _ => 3_000_000_017,
        };
        if self.alike && dice.chance(80) {
            call.input_tokens = Some(1_000);
            call.output_tokens = Some(dice.pick(&[0, 100]));
            return;
        }
        let input = size(dice);
        let output = size(dice);
        call.input_tokens = dice.maybe(97, |_| input);
        call.output_tokens = dice.maybe(90, |_| output);
        let input = call.input_tokens.unwrap_or(0);
        let output = call.output_tokens.unwrap_or(0);
        let reads = dice.between(0, input + 1);
        let writes = dice.between(0, input - reads + 1);
        call.cache_read_tokens = dice.maybe(45, |_| reads);
        call.cache_write_tokens = dice.maybe(45, |_| writes);
        if let Some(writes) = call.cache_write_tokens {
            call.cache_write_1h_tokens = dice.maybe(50, |dice| dice.between(0, writes + 1));
        }
        call.reasoning_tokens = dice.maybe(40, |dice| dice.between(0, output + 1));
        match dice.between(0, 100) {
            0 => call.input_tokens = Some(-5),
            1 => call.output_tokens = Some(-7),
            2 => call.cache_read_tokens = Some(input + 3),
            3 => call.cache_write_1h_tokens = Some(call.cache_write_tokens.unwrap_or(0) + 2),
            4 => call.reasoning_tokens = Some(output + 1),
            5 => call.cache_read_tokens = Some(-3),
            6 => call.cache_write_tokens = Some(-2),
            7 => call.cache_write_1h_tokens = Some(-4),
            _ => {}
        }
    }

    fn price(&self, dice: &mut Dice, calls: &[Call]) -> Price {
        let names = [
            "m-small", "m-small", "m-large", "m-*", "m-?mall", "*", "RAW-l",
        ];
        let rate = |dice: &mut Dice| match dice.between(0, 10) {
            0 => 0,
            1..6 => dice.pick(&[150_000, 3_000_000, 15_000_000]),
            _ => dice.between(1, 20_000_000),
        };
        let window = dice.maybe(8, |dice| {
            (dice.between(0, 12) * HOUR, dice.between(12, 24) * HOUR)
        });
        let wraps = dice.chance(50);
        let window = window.map(|(from, to)| if wraps { (to, from) } else { (from, to) });
        let (provider, model) = match Self::seen(dice, 60, calls) {
            Some(Call {
                provider,
                model: Some(model),
                ..
            }) if !model.is_empty() => (provider, model),
            _ => (self.provider(dice), self.named_one(dice, &names)),
        };
        Price {
            provider,
            model,
            effective_from: if dice.chance(75) {
                month("2026-01").0
            } else {
                self.instant(dice)
            },
            effective_to: dice.maybe(8, |dice| self.instant(dice)),
            service_tier: dice.maybe(25, |dice| {
                dice.pick(&["batch", "batch", "priority", "standard", "default"])
                    .to_owned()
            }),
            min_input_tokens: dice.maybe(20, |dice| dice.pick(&[0, 5, 1_000, 100_000])),
            utc_from: window.map(|(from, _)| from),
            utc_to: window.map(|(_, to)| to),
            input_per_mtok: rate(dice),
            cache_read_per_mtok: dice.maybe(50, rate),
            cache_write_per_mtok: dice.maybe(50, rate),
            cache_write_1h_per_mtok: dice.maybe(30, rate),
            output_per_mtok: rate(dice),
            reasoning_per_mtok: dice.maybe(30, rate),
            per_request: dice.maybe(10, |dice| i128::from(dice.between(0, 10)) * ONE / 1_000),
            currency: currency(dice),
            source: dice.maybe(50, |dice| dice.pick(&["book", "contract"]).to_owned()),
        }
    }

    /// One of the calls, for rows that are meant to meet it.
    fn seen(dice: &mut Dice, percent: i64, calls: &[Call]) -> Option<Call> {
        if calls.is_empty() {
            None
        } else {
            dice.maybe(percent, |dice| dice.pick(calls))
        }
    }

    /// A charge that states some dimensions at random, or some of what one call carries.
    fn charge(&self, dice: &mut Dice, calls: &[Call]) -> Charge {
        let charge = self.stray_charge(dice);
        let Some(call) = Self::seen(dice, 65, calls) else {
            return charge;
        };
        let (start, end) = match charge.charge_period_end - charge.charge_period_start {
            0..=DAY => {
                let midnight = call.completed_at.unwrap_or(call.called_at).div_euclid(DAY) * DAY;
                (midnight, midnight + DAY)
            }
            _ => (charge.charge_period_start, charge.charge_period_end),
        };
        Charge {
            provider: call.provider,
            sub_account: charge.sub_account.and(call.sub_account),
            model: charge.model.and(call.model),
            service_tier: charge.service_tier.and(call.service_tier),
            request_id: charge.request_id.and(call.request_id),
            customer_tag: match (charge.customer_tag, call.customer_id) {
                (Some(_), Some(customer)) if dice.chance(60) => Some(customer),
                (tag, _) => tag,
            },
            charge_period_start: start,
            charge_period_end: end,
            ..charge
        }
    }

    fn stray_charge(&self, dice: &mut Dice) -> Charge {
        let charge_category = match dice.between(0, 100) {
            0..60 => "Usage",
            60..68 => "Purchase",
            68..76 => "Tax",
            76..89 => "Credit",
            _ => "Adjustment",
        };
        let (start, end) = self.charge_period(dice);
        let billed_cost = billed(dice, charge_category);
        let effective_cost = dice.maybe(30, |dice| match dice.between(0, 3) {
            0 => 0,
            1 => billed_cost,
            _ => billed(dice, charge_category),
        });
        let token_types = [
            "input",
            "all_input",
            "cache_read",
            "cache_write",
            "cache_write_5m",
            "cache_write_1h",
            "output",
            "output",
        ];
        let quantities = [1, 7, 1_000, 20_000, 500_000, 10_000_000];
        let units = [
            "token",
            "Tokens",
            "1k tokens",
            "1000 tokens",
            "1000_tokens",
            "1M tokens",
        ];
        let other_units = ["1000000 tokens", "requests", ""];
        Charge {
            charge_id: self.optional(dice, 30, &["c1", "c2"]),
            provider: self.provider(dice),
            sub_account: self.optional(dice, 22, &["s1", "s1", "s2", "s3", "S1", "S2"]),
            model: self.optional(dice, 30, &["m-small", "m-small", "m-large", "RAW-l", "x"]),
            service_tier: dice.maybe(12, |dice| {
                dice.pick(&["batch", "standard", "default", "priority", ""])
                    .to_owned()
            }),
            token_type: dice.maybe(30, |dice| dice.pick(&token_types).to_owned()),
            request_id: self.optional(dice, 10, &["r0", "r1", "r2", "r9"]),
            customer_tag: self.tag(dice, 18),
            scope: dice.maybe(20, |dice| {
                dice.pick(&["inference", "inference", "", "other"])
                    .to_owned()
            }),
            charge_category: charge_category.to_owned(),
            charge_period_start: start,
            charge_period_end: end,
            billing_period: self.billing_period(dice, start, end),
            billed_cost,
            effective_cost,
            currency: currency(dice),
            consumed_quantity: dice.maybe(40, |dice| {
                let quantity = i128::from(dice.pick(&quantities)) * ONE;
                if dice.chance(15) {
                    quantity + ONE / 3
                } else {
                    quantity
                }
            }),
            consumed_unit: dice.maybe(90, |dice| {
                let units: &[&str] = if dice.chance(85) {
                    &units
                } else {
                    &other_units
                };
                dice.pick(units).to_owned()
            }),
            invoice_id: self.optional(dice, 20, &["i1"]),
            commitment_discount_status: dice.maybe(12, |dice| {
                dice.pick(&["Unused", "Unused", "Used"]).to_owned()
            }),
        }
    }

    /// A charge beside another one: an equal row, a more specific or broader line, another part of
    /// the same bill.
    fn variant(&self, dice: &mut Dice, calls: &[Call], like: Charge) -> Charge {
        let fresh = self.charge(dice, calls);
        let billed_cost = billed(dice, &like.charge_category);
        match dice.between(0, 100) {
            0..15 => Charge {
                effective_cost: like
                    .effective_cost
                    .and(fresh.effective_cost.or(Some(billed_cost))),
                billed_cost,
                ..like
            },
            15..17 => Charge {
                effective_cost: fresh.effective_cost,
                billed_cost,
                ..like
            },
            17..35 => {
                let customer = Self::seen(dice, 70, calls).and_then(|call| call.customer_id);
                let customer_tag = customer.or_else(|| self.tag(dice, 100));
                Charge {
                    customer_tag,
                    request_id: None,
                    billed_cost,
                    ..usage(dice, like)
                }
            }
            35..45 => {
                let request = Self::seen(dice, 70, calls).and_then(|call| call.request_id);
                let request_id = request.or_else(|| self.optional(dice, 90, &["r0", "r1"]));
                Charge {
                    request_id,
                    ..usage(dice, like)
                }
            }
            45..55 => Charge {
                token_type: fresh.token_type,
                billed_cost,
                ..like
            },
            55..65 => Charge {
                model: fresh.model,
                sub_account: fresh.sub_account,
                ..like
            },
            65..80 => {
                let charge_category = if dice.chance(60) { "Credit" } else { "Tax" };
                Charge {
                    charge_category: charge_category.to_owned(),
                    billed_cost: billed(dice, charge_category),
                    customer_tag: None,
                    request_id: None,
                    token_type: like.token_type.filter(|_| dice.chance(30)),
                    model: like.model.filter(|_| dice.chance(50)),
                    commitment_discount_status: None,
                    ..like
                }
            }
            80..90 => Charge {
                charge_period_start: fresh.charge_period_start,
                charge_period_end: fresh.charge_period_end,
                ..like
            },
            _ => Charge {
                billed_cost: -like.billed_cost,
                effective_cost: None,
                ..like
            },
        }
    }

    /// A row of a provider's own report, mostly beside a charge: of the charge's period or of a part
    /// of it, now and then with a dimension more or less.
    fn provider_usage(&self, dice: &mut Dice, charges: &[Charge]) -> ProviderUsage {
        let like = dice.pick(charges);
        let (start, end) = (like.charge_period_start, like.charge_period_end);
        let (period_start, period_end) = match dice.between(0, 100) {
            0..50 => (start, end),
            50..75 => (start, (start + DAY).min(end)),
            75..85 => (start - 1, end),
            85..90 => (start, end + 1),
            _ => self.charge_period(dice),
        };
        let size = |dice: &mut Dice| dice.pick(&[0, 1, 500, 20_000, 300_000, 4_000_000_019]);
        ProviderUsage {
            provider: like.provider,
            sub_account: like
                .sub_account
                .filter(|_| dice.chance(85))
                .or_else(|| self.optional(dice, 20, &["s1", "S1", "s2"])),
            model: like
                .model
                .filter(|_| dice.chance(85))
                .or_else(|| self.optional(dice, 20, &["m-small", "RAW-l", "x"])),
            service_tier: like.service_tier.filter(|_| dice.chance(85)).or_else(|| {
                dice.maybe(10, |dice| {
                    dice.pick(&["batch", "standard", "default", ""]).to_owned()
                })
            }),
            period_start,
            period_end,
            input_tokens: dice.maybe(90, size),
            output_tokens: dice.maybe(80, size),
        }
    }

    /// Months, days, hours; across months, longer than a month, of odd seconds, and empty.
    fn charge_period(&self, dice: &mut Dice) -> (i64, i64) {
        let (month_start, month_end) = month(dice.pick(&self.months));
        let day = dice.pick(&self.days);
        match dice.between(0, 100) {
            0..38 => (month_start, month_end),
            38..60 => (day, day + DAY),
            60..68 => {
                let hour = day + dice.between(0, 24) * HOUR;
                (hour, hour + HOUR)
            }
            68..76 => (
                month_start - 5 * DAY,
                month_start + dice.between(1, 20) * DAY,
            ),
            76..84 => (day - 13 * SECOND - 1, day + dice.between(1, 3 * DAY)),
            84..92 => (month_start, month_end + dice.between(1, 40) * DAY),
            92..98 => (
                month_start - 17 * DAY + 3_601 * SECOND,
                month_end + 11 * DAY + 7,
            ),
            _ => (day, day),
        }
    }

    fn billing_period(&self, dice: &mut Dice, start: i64, end: i64) -> String {
        match dice.between(0, 100) {
            0..84 => month_of(start),
            84..94 => month_of(end),
            _ => dice.pick(&self.months).to_owned(),
        }
    }

    /// A customer's id, its hash, or what nobody knows.
    fn tag(&self, dice: &mut Dice, percent: i64) -> Option<String> {
        if !dice.chance(percent) {
            return None;
        }
        let id = self.named_one(dice, &["a", "a", "b", "d", "e", "A"]);
        Some(match dice.between(0, 10) {
            0..6 => id,
            6..8 => customer_hash(&id, SALT),
            8 => customer_hash(&self.named("ghost"), SALT),
            _ => self.named("ghost"),
        })
    }
}

/// Mostly a Usage charge, which others can take calls out of.
fn usage(dice: &mut Dice, like: Charge) -> Charge {
    let charge_category = if dice.chance(80) {
        "Usage".to_owned()
    } else {
        like.charge_category.clone()
    };
    Charge {
        charge_category,
        ..like
    }
}

fn currency(dice: &mut Dice) -> String {
    dice.pick(&["USD", "USD", "USD", "USD", "USD", "USD", "EUR", "GBP"])
        .to_owned()
}

/// Primes of a few units, plain amounts, zero, and amounts near what 38 digits hold.
fn billed(dice: &mut Dice, category: &str) -> i128 {
    let amount = match dice.between(0, 100) {
        0..30 => i128::from(dice.pick(&[1, 2, 3, 5, 7, 11, 13, 97])),
        30..55 => i128::from(dice.between(1, 20)) * ONE,
        55..75 => i128::from(dice.between(1, 100_000)) * ONE / 100,
        75..82 => 0,
        82..86 => 987_654_321_012_345_678_901_234 * i128::from(dice.between(1, 10)),
        _ => i128::from(dice.between(1, i64::MAX)),
    };
    let negative = match category {
        "Credit" => 85,
        "Adjustment" => 50,
        "Tax" => 10,
        _ => 8,
    };
    if dice.chance(negative) {
        -amount
    } else {
        amount
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::super::reference::allocation::allocation;
    use super::super::reference::attribution::{
        Attributed, Dim, attribute, roll_up, unbilled, unpriced,
    };
    use super::super::reference::normal::normal_charges;
    use super::super::reference::pricing::{list_cost, list_costs};
    use super::*;

    const SEEDS: u64 = 2_000;

    fn worlds() -> impl Iterator<Item = (World, Options)> {
        (0..SEEDS).map(|seed| (world(seed, &format!("w{seed}")), options(seed)))
    }

    #[test]
    fn a_seed_makes_one_world() {
        assert_eq!(world(7, "w"), world(7, "w"));
        assert_ne!(world(7, "w"), world(8, "w"));
    }

    #[test]
    fn every_way_of_the_rule_occurs() {
        let mut ways: BTreeMap<String, usize> = BTreeMap::new();
        for (world, options) in worlds() {
            let mut found: BTreeSet<String> = BTreeSet::new();
            for row in attribute(&world, &options) {
                let detail = row.reason.or(row.measure).unwrap_or("");
                found.insert(format!("{} {detail}", row.method));
            }
            for (_, reason) in unpriced(&world, &options) {
                found.insert(format!("unpriced {reason}"));
            }
            if !unbilled(&world, &options).is_empty() {
                found.insert("unbilled".to_owned());
            }
            for way in found {
                *ways.entry(way).or_default() += 1;
            }
        }
        let expected = [
            "estimate ",
            "request calls",
            "request list_cost",
            "request tokens",
            "request whole_list_cost",
            "tag ",
            "unattributed idle",
            "unattributed no calls covered",
            "unattributed no customer on the call",
            "unattributed no weight",
            "unattributed not in the ledger",
            "unattributed unknown request",
            "unattributed unknown tag",
            "unattributed variance",
            "unbilled",
            "unpriced date",
            "unpriced invalid usage",
            "unpriced model",
            "unpriced threshold",
            "unpriced tier",
            "usage all_input_cost",
            "usage calls",
            "usage charges",
            "usage list_cost",
            "usage tokens",
            "usage whole_list_cost",
        ];
        for way in expected {
            assert!(
                ways.contains_key(way),
                "`{way}` occurs in some world: {ways:#?}"
            );
        }
    }

    #[test]
    fn nothing_disappears_and_nothing_is_invented() {
        for (world, options) in worlds() {
            let options = Options {
                estimate: false,
                ..options
            };
            let mut billed: BTreeMap<Vec<Option<String>>, i128> = BTreeMap::new();
            for charge in normal_charges(&world, &options) {
                if charge.in_scope && options.periods.contains(&charge.period) {
                    let key = vec![Some(charge.period), Some(charge.currency)];
                    *billed.entry(key).or_default() += charge.amount;
                }
            }
            billed.retain(|_, amount| *amount != 0);
            let rows = attribute(&world, &options);
            let mut attributed = roll_up(&rows, &[Dim::Period, Dim::Currency]);
            attributed.retain(|_, amount| *amount != 0);
            assert_eq!(attributed, billed);

            let allocated: i128 = allocation(&world, &options)
                .iter()
                .map(|row| row.cost)
                .sum();
            assert_eq!(allocated, billed.values().sum::<i128>());
        }
    }

    #[test]
    fn the_order_of_rows_does_not_matter() {
        let grain = [
            Dim::Period,
            Dim::Provider,
            Dim::Category,
            Dim::Customer,
            Dim::Feature,
            Dim::Model,
            Dim::QueryType,
            Dim::Session,
            Dim::Request,
            Dim::Method,
            Dim::Measure,
            Dim::Reason,
            Dim::Currency,
        ];
        for (world, options) in worlds() {
            let mut turned = world.clone();
            turned.calls.reverse();
            turned.charges.reverse();
            turned.prices.reverse();
            turned.aliases.reverse();
            turned.customers.reverse();
            turned.provider_usage.reverse();
            let sums = |world: &World| roll_up(&attribute(world, &options), &grain);
            assert_eq!(sums(&world), sums(&turned));
            assert_eq!(allocation(&world, &options), allocation(&turned, &options));
        }
    }

    #[test]
    fn a_negative_charge_mirrors_the_positive_one() {
        for (mut world, options) in worlds() {
            let options = Options {
                estimate: false,
                monthly_ledger: false,
                ..options
            };
            world.charges.retain(|charge| {
                charge.charge_category == "Usage" || charge.charge_category == "Purchase"
            });
            let rows = attribute(&world, &options);
            for charge in &mut world.charges {
                charge.billed_cost = -charge.billed_cost;
                charge.effective_cost = charge.effective_cost.map(|cost| -cost);
            }
            let mirrored: Vec<Attributed> = attribute(&world, &options)
                .into_iter()
                .map(|row| Attributed {
                    cost: -row.cost,
                    ..row
                })
                .collect();
            assert_eq!(rows, mirrored);
        }
    }

    #[test]
    fn worlds_side_by_side_do_not_touch() {
        // Under these options, and where every id is known, the other worlds change no answer.
        let options = Options {
            periods: MONTHS.map(str::to_owned).to_vec(),
            salt: SALT.to_owned(),
            ..Options::default()
        };
        let known = |seed: u64| {
            let name = format!("w{seed}");
            let mut world = world(seed, &name);
            world.customers = ["a", "b", "c", "d", "e"]
                .map(|suffix| Customer {
                    customer_id: format!("{name}-{suffix}"),
                    ..Customer::default()
                })
                .to_vec();
            world
        };
        let alone: Vec<World> = (0..40).map(known).collect();
        let grain = [
            Dim::Provider,
            Dim::Customer,
            Dim::Request,
            Dim::Method,
            Dim::Reason,
        ];
        let mut sums = BTreeMap::new();
        for world in &alone {
            sums.extend(roll_up(&attribute(world, &options), &grain));
        }
        assert_eq!(roll_up(&attribute(&merge(alone), &options), &grain), sums);
    }

    #[test]
    fn one_call_is_priced_as_in_the_ledger() {
        for (world, _) in worlds() {
            let one_by_one: Vec<_> = world
                .calls
                .iter()
                .map(|call| list_cost(&world, call))
                .collect();
            let all: Vec<_> = list_costs(&world)
                .into_iter()
                .map(|cost| cost.map(|cost| cost.whole))
                .collect();
            assert_eq!(one_by_one, all);
        }
    }
}
