//! Which calls are read, whose a tag is, and which charge covers which call.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use sha2::{Digest, Sha256};

use super::calendar::{month, month_of};
use super::model::{FxRate, Options, World};
use super::normal::{NormalCall, NormalCharge, normal_calls, normal_charges, normal_prices};
use super::pricing::{ListCost, price};

/// Whose a charge's tag is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Tag {
    None,
    Known(String),
    Unknown,
}

/// Which of sub account, model and tier the calls of a provider carry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Carried {
    sub_account: bool,
    model: bool,
    service_tier: bool,
}

/// The world as one question sees it.
pub(crate) struct Scene<'a> {
    pub(crate) options: &'a Options,
    pub(crate) fx_rates: &'a [FxRate],
    /// Every row of the ledger, at its own index.
    pub(crate) calls: Vec<NormalCall>,
    /// The list cost of each call.
    pub(crate) costs: Vec<Result<ListCost, &'static str>>,
    /// Every charge of the bill, selected or not.
    pub(crate) charges: Vec<NormalCharge>,
    /// The indexes of the calls read.
    pub(crate) read: Vec<usize>,
    tags: Vec<Tag>,
    carried: BTreeMap<(String, String), Carried>,
    covered: Vec<Vec<usize>>,
}

impl<'a> Scene<'a> {
    pub(crate) fn new(world: &'a World, options: &'a Options) -> Self {
        let prices = normal_prices(world);
        let calls = normal_calls(world);
        let costs = calls.iter().map(|call| price(&prices, call)).collect();
        let mut scene = Self {
            options,
            fx_rates: &world.fx_rates,
            calls,
            costs,
            charges: normal_charges(world, options),
            read: Vec::new(),
            tags: Vec::new(),
            carried: BTreeMap::new(),
            covered: Vec::new(),
        };
        scene.read = scene.calls_read();
        scene.tags = scene.tags_of_charges(world);
        scene.carried = scene.carried_by_bill();
        scene.covered = scene
            .charges
            .iter()
            .zip(&scene.tags)
            .map(|(charge, tag)| scene.calls_that_agree(charge, tag))
            .collect();
        scene
    }

    /// "period selects charges by billing_period."
    fn is_selected(&self, charge: &NormalCharge) -> bool {
        self.options.periods.contains(&charge.period)
    }

    /// The charges that are attributed: selected and of scope inference.
    pub(crate) fn selected(&self) -> Vec<usize> {
        (0..self.charges.len())
            .filter(|&at| self.charges[at].in_scope && self.is_selected(&self.charges[at]))
            .collect()
    }

    pub(crate) fn tag(&self, charge: usize) -> &Tag {
        &self.tags[charge]
    }

    /// The calls that a charge covers, before a more specific one takes any out.
    pub(crate) fn covered(&self, charge: usize) -> &[usize] {
        &self.covered[charge]
    }

    /// Whether a call's instant lies in a calendar month asked for.
    pub(crate) fn month_asked(&self, call: &NormalCall) -> Option<String> {
        Some(month_of(call.charged_at)).filter(|month| self.options.periods.contains(month))
    }

    /// "The earliest start and the latest end of the selected charges" and of the asked months. A
    /// charge for a request lies where its request does.
    fn time_read(&self) -> (i64, i64) {
        let charges = self
            .charges
            .iter()
            .filter(|charge| self.is_selected(charge) && charge.request_id.is_none())
            .map(|charge| (charge.start, charge.end));
        let months = self.options.periods.iter().map(|period| month(period));
        charges
            .chain(months)
            .reduce(hull)
            .expect("a month is asked for")
    }

    /// The calls in that time; those whose request a selected charge names are read wherever they
    /// lie. Responses from the product's own cache are no part of attribution.
    fn calls_read(&self) -> Vec<usize> {
        let (from, to) = self.time_read();
        let selected = self
            .charges
            .iter()
            .filter(|charge| self.is_selected(charge));
        let requests: BTreeSet<&String> = selected
            .filter_map(|charge| charge.request_id.as_ref())
            .collect();

        let is_read = |call: &NormalCall| {
            let named = call
                .request_id
                .as_ref()
                .is_some_and(|id| requests.contains(id));
            !call.response_cached && (named || (from <= call.charged_at && call.charged_at < to))
        };
        (0..self.calls.len())
            .filter(|&at| is_read(&self.calls[at]))
            .collect()
    }

    /// "A customer_tag that equals a known id, or its hash": ids of `customers` are known, and of the
    /// calls in the charge's month or in what that month's bill spans. An id comes before a hash.
    fn tags_of_charges(&self, world: &World) -> Vec<Tag> {
        let (from, to) = self.time_read();
        let known_to = |charge: &NormalCharge| -> BTreeSet<String> {
            let of_its_bill = |other: &&NormalCharge| {
                other.in_scope
                    && other.period == charge.period
                    && other.request_id.is_none()
                    && (self.is_selected(other) || self.bears_on_unbilled(other))
            };
            let (start, end) = self
                .charges
                .iter()
                .filter(of_its_bill)
                .map(|other| (other.start, other.end))
                .fold(month(&charge.period), hull);
            let customers = world.customers.iter().map(|customer| &customer.customer_id);
            let callers = self
                .read
                .iter()
                .map(|&at| &self.calls[at])
                .filter(|call| start.max(from) <= call.charged_at && call.charged_at < end.min(to))
                .filter_map(|call| call.customer_id.as_ref());
            let ids = customers.chain(callers).filter(|id| !id.is_empty());
            ids.cloned().collect()
        };
        let whose = |tag: &String, known: &BTreeSet<String>| {
            let hashed = |id: &&String| customer_hash(id, &self.options.salt) == *tag;
            match known.get(tag).or_else(|| known.iter().find(hashed)) {
                Some(id) => Tag::Known(id.clone()),
                None => Tag::Unknown,
            }
        };
        self.charges
            .iter()
            .map(|charge| match &charge.customer_tag {
                Some(tag) => whose(tag, &known_to(charge)),
                None => Tag::None,
            })
            .collect()
    }

    /// "A dimension that no call of the provider carries is not tested": per provider and billing
    /// period, over the calls within the whole range of its charges without request. For a billing
    /// period that is not asked for, its Usage and Purchase charges that overlap an asked month make
    /// the range.
    fn carried_by_bill(&self) -> BTreeMap<(String, String), Carried> {
        let mut ranges: BTreeMap<(String, String), (i64, i64)> = BTreeMap::new();
        for charge in &self.charges {
            let counts = charge.in_scope
                && charge.request_id.is_none()
                && (self.is_selected(charge) || self.bears_on_unbilled(charge));
            if counts {
                let key = (charge.provider.clone(), charge.period.clone());
                let range = ranges.entry(key).or_insert((charge.start, charge.end));
                *range = (range.0.min(charge.start), range.1.max(charge.end));
            }
        }

        let carried = ranges.into_iter().map(|(key, (from, to))| {
            let calls: Vec<&NormalCall> = self
                .read
                .iter()
                .map(|&at| &self.calls[at])
                .filter(|call| call.provider == key.0)
                .filter(|call| from <= call.charged_at && call.charged_at < to)
                .collect();
            let carried = Carried {
                sub_account: calls.iter().any(|call| call.sub_account.is_some()),
                model: calls.iter().any(|call| call.model.is_some()),
                service_tier: calls.iter().any(|call| call.stated_tier.is_some()),
            };
            (key, carried)
        });
        carried.collect()
    }

    /// Whether a charge can make a call of the asked months billed: selected, or overlapping one.
    pub(crate) fn bears_on_unbilled(&self, charge: &NormalCharge) -> bool {
        let overlaps = self.options.periods.iter().any(|period| {
            let (start, end) = month(period);
            charge.start < end && start < charge.end
        });
        charge.in_scope && charge.is_usage_or_purchase() && (self.is_selected(charge) || overlaps)
    }

    /// "A call is covered by a charge when it agrees with every dimension that the charge states and
    /// lies in the charge period"; "a request id decides alone, whatever the period"; an unknown tag
    /// covers nothing; a call without a value agrees only with charges that do not state it.
    fn calls_that_agree(&self, charge: &NormalCharge, tag: &Tag) -> Vec<usize> {
        let key = (charge.provider.clone(), charge.period.clone());
        let carried = self.carried.get(&key).copied().unwrap_or_default();
        let agrees = |call: &NormalCall| {
            if charge.request_id.is_some() {
                return call.request_id == charge.request_id;
            }
            call.provider == charge.provider
                && charge.start <= call.charged_at
                && call.charged_at < charge.end
                && (!carried.sub_account
                    || charge.sub_account.is_none()
                    || call.sub_account == charge.sub_account)
                && (!carried.model || charge.model.is_none() || call.model == charge.model)
                && (!carried.service_tier
                    || charge
                        .service_tier
                        .as_ref()
                        .is_none_or(|tier| tier == call.tier()))
                && match tag {
                    Tag::None => true,
                    Tag::Known(customer) => call.customer_id.as_ref() == Some(customer),
                    Tag::Unknown => false,
                }
        };
        self.read
            .iter()
            .copied()
            .filter(|&at| agrees(&self.calls[at]))
            .collect()
    }

    /// "The most specific Usage charge wins": the calls that remain to a Usage charge X when others
    /// have taken theirs out. One that states a request takes its calls out of one that states none,
    /// unless both state token types and these differ. One of a known customer that states all that
    /// X states, with the same values, takes its calls out of an X without tag and request. "If that
    /// leaves X no call, X covers all calls that agree." Both are of one month's bill: a range of
    /// months is each of them.
    pub(crate) fn remaining(&self, charge: usize) -> Vec<usize> {
        let x = &self.charges[charge];
        let agree = self.covered(charge);
        if !x.is_usage() || x.request_id.is_some() {
            return agree.to_vec();
        }
        let mut taken: BTreeSet<usize> = BTreeSet::new();
        for other in self.selected() {
            let y = &self.charges[other];
            if other == charge || !y.is_usage() || y.period != x.period {
                continue;
            }
            let by_request = y.request_id.is_some()
                && (x.token_type.is_none()
                    || y.token_type.is_none()
                    || x.token_type == y.token_type);
            let by_customer = y.request_id.is_none()
                && matches!(self.tag(other), Tag::Known(_))
                && *self.tag(charge) == Tag::None
                && y.states_all_of(x);
            if by_request || by_customer {
                taken.extend(self.covered(other));
            }
        }
        let left: Vec<usize> = agree
            .iter()
            .copied()
            .filter(|call| !taken.contains(call))
            .collect();
        if left.is_empty() {
            agree.to_vec()
        } else {
            left
        }
    }
}

/// The lowercase hex SHA-256 of the salt's bytes followed by those of the id.
pub(crate) fn customer_hash(id: &str, salt: &str) -> String {
    let digest = Sha256::new().chain_update(salt).chain_update(id).finalize();
    digest.iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").expect("text takes any bytes");
        hex
    })
}

/// From the earlier start to the later end.
fn hull(one: (i64, i64), other: (i64, i64)) -> (i64, i64) {
    (one.0.min(other.0), one.1.max(other.1))
}
