//! [`Bands`]: how much of its revenue a customer may cost, by tier.
//!
//! `target` below the target · `watch` from the target to the alert, both included · `alert` above.
//! Values are compared exactly, without a division: a ratio that displays as 35.000000 may still be
//! above 35.

use std::cmp::Ordering;
use std::collections::HashMap;

use crate::money::{Exact, MoneyError};

/// Where a customer stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Band {
    Target,
    Watch,
    Alert,
    NoRevenue,
}

impl Band {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Target => "target",
            Self::Watch => "watch",
            Self::Alert => "alert",
            Self::NoRevenue => "no_revenue",
        }
    }
}

/// Limits in percent of revenue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    pub target: Exact,
    pub alert: Exact,
}

/// Limits by tier; tiers compare without case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bands {
    tiers: HashMap<String, Limits>,
}

/// Tier, target and alert in percent. Usage-based revenue moves with use, so it bears more cost than
/// a subscription does.
pub const DEFAULT: [(&str, i64, i64); 6] = [
    ("SMB", 20, 35),
    ("Entry", 20, 35),
    ("Mid-Market", 18, 30),
    ("Enterprise", 15, 25),
    ("Usage-Based", 30, 50),
    ("API", 30, 50),
];

impl Default for Bands {
    fn default() -> Self {
        let percent = |whole: i64| Exact::from_units(whole.into(), 0);
        Self::new(DEFAULT.map(|(tier, target, alert)| {
            (
                tier.to_owned(),
                Limits {
                    target: percent(target),
                    alert: percent(alert),
                },
            )
        }))
    }
}

impl Bands {
    pub fn new(rows: impl IntoIterator<Item = (String, Limits)>) -> Self {
        let tiers = rows
            .into_iter()
            .map(|(tier, limits)| (tier.to_lowercase(), limits));
        Self {
            tiers: tiers.collect(),
        }
    }

    /// The band of `cost` against `revenue`; `None` if there is neither, or if nothing is known of
    /// the tier. Cost without revenue is the same in every tier.
    pub fn band(
        &self,
        tier: Option<&str>,
        cost: Exact,
        revenue: Option<Exact>,
    ) -> Result<Option<Band>, MoneyError> {
        let Some(revenue) = revenue.filter(Exact::is_positive) else {
            return Ok(cost.is_positive().then_some(Band::NoRevenue));
        };
        match tier.and_then(|tier| self.tiers.get(&tier.to_lowercase())) {
            Some(limits) => limits.band(cost, revenue).map(Some),
            None => Ok(None),
        }
    }
}

impl Limits {
    fn band(&self, cost: Exact, revenue: Exact) -> Result<Band, MoneyError> {
        let overflow = MoneyError::Overflow { precision: 76 };
        let hundredfold = cost.checked_mul(Exact::from_units(100, 0));
        let against = |percent: Exact| hundredfold?.checked_cmp(percent.checked_mul(revenue)?);
        let band = match (against(self.target), against(self.alert)) {
            (Some(_), Some(Ordering::Greater)) => Band::Alert,
            (Some(Ordering::Less), Some(_)) => Band::Target,
            (Some(_), Some(_)) => Band::Watch,
            _ => return Err(overflow),
        };
        Ok(band)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn band(tier: &str, cost: &str, revenue: &str) -> Option<Band> {
        let number = |text| Exact::parse(text).unwrap();
        let cost = number(cost).unwrap();
        Bands::default()
            .band(Some(tier), cost, number(revenue))
            .unwrap()
    }

    #[test]
    fn limits_are_exact() {
        assert_eq!(band("smb", "99.999999999999", "500"), Some(Band::Target));
        assert_eq!(band("SMB", "100", "500"), Some(Band::Watch));
        assert_eq!(band("Entry", "175", "500.00"), Some(Band::Watch));
        assert_eq!(band("SMB", "175.000000000001", "500"), Some(Band::Alert));
        assert_eq!(band("enterprise", "-5", "100"), Some(Band::Target));
    }

    #[test]
    fn cost_without_revenue_is_its_own_band() {
        for revenue in ["", "0", "-1"] {
            assert_eq!(
                band("SMB", "0.000000000001", revenue),
                Some(Band::NoRevenue)
            );
            assert_eq!(band("SMB", "0", revenue), None);
        }
    }

    #[test]
    fn tiers_compare_without_case_and_the_last_of_one_name_counts() {
        let percent = |whole: i64| Exact::from_units(whole.into(), 0);
        let of = |tier: &str, target| {
            let (target, alert) = (percent(target), percent(90));
            (tier.to_owned(), Limits { target, alert })
        };
        let bands = Bands::new([
            of("Größe", 10),
            of("kilo", 20),
            of("GRÖSSE", 30),
            of("GRÖßE", 40),
        ]);
        let band = |tier, cost| {
            let band = bands.band(Some(tier), percent(cost), Some(percent(100)));
            band.unwrap()
        };
        // The last is a Kelvin sign, which is a k in small letters.
        for (tier, target) in [
            ("größe", 40),
            ("grösse", 30),
            ("KILO", 20),
            ("\u{212a}ilo", 20),
        ] {
            assert_eq!(band(tier, target - 1), Some(Band::Target), "{tier}");
            assert_eq!(band(tier, target), Some(Band::Watch), "{tier}");
        }
        assert_eq!(band("gr", 1), None);
    }

    #[test]
    fn an_unknown_tier_has_no_limits() {
        assert_eq!(band("Freemium", "1", "1"), None);
        assert_eq!(band("Freemium", "1", ""), Some(Band::NoRevenue));
    }
}
