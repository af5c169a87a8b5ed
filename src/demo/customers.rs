//! The hundred accounts: what they pay, what they will cost, and why some cost much more.
//!
//! An account's budget is the inference that it causes in a month, in cents of the bill. The
//! ledger is generated until a budget is used up; nothing else makes a customer cheap or dear.

use super::calendar::{Month, day_number};
use super::random::Random;

/// How an account differs from the ordinary one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Habit {
    /// Nothing special; with a large budget it shows as many sessions.
    Ordinary,
    LongContext,
    LittleCaching,
    MuchReasoning,
}

/// How the budget grows from April to October.
#[derive(Clone, Copy, Debug)]
enum Course {
    Steady,
    /// Flat until August, then a jump.
    Late,
    Stated([i64; 7]),
}

#[derive(Clone, Debug)]
pub(super) struct Customer {
    pub(super) number: i64,
    pub(super) id: String,
    pub(super) name: String,
    pub(super) plan: &'static str,
    pub(super) tier: &'static str,
    pub(super) renewal_day: i64,
    pub(super) started_day: i64,
    pub(super) habit: Habit,
    /// The data of this account may go to two providers only, by contract.
    pub(super) two_providers: bool,
    /// First hour of the account's working day, in UTC.
    pub(super) opens_at: i64,
    october_cents: i64,
    course: Course,
}

/// What every account pays, in cents a month.
pub(super) const MRR_CENTS: i64 = 50_000;

/// The mid-market account that climbs from 18 % of its MRR in April to 45 % in September.
pub(super) const CLIMBER: i64 = 34;
const CLIMB_CENTS: [i64; 7] = [9_000, 11_250, 14_000, 16_750, 19_500, 22_500, 30_000];

const LIGHT_CENTS: i64 = 6_000;
const HEAVY_CENTS: i64 = 30_000;
const UNDERWATER_CENTS: i64 = 54_000;

/// Accounts that cost more than the ordinary one: number, cents in October, habit, course.
const DEAR: [(i64, i64, Habit, Course); 20] = [
    (7, UNDERWATER_CENTS, Habit::Ordinary, Course::Steady),
    (23, UNDERWATER_CENTS, Habit::LongContext, Course::Steady),
    (41, UNDERWATER_CENTS, Habit::LittleCaching, Course::Late),
    (58, UNDERWATER_CENTS, Habit::MuchReasoning, Course::Steady),
    (86, UNDERWATER_CENTS, Habit::Ordinary, Course::Late),
    (3, HEAVY_CENTS, Habit::Ordinary, Course::Steady),
    (12, HEAVY_CENTS, Habit::LongContext, Course::Steady),
    (19, HEAVY_CENTS, Habit::LittleCaching, Course::Steady),
    (26, HEAVY_CENTS, Habit::MuchReasoning, Course::Late),
    (
        CLIMBER,
        HEAVY_CENTS,
        Habit::Ordinary,
        Course::Stated(CLIMB_CENTS),
    ),
    (37, HEAVY_CENTS, Habit::LongContext, Course::Steady),
    (45, HEAVY_CENTS, Habit::Ordinary, Course::Steady),
    (49, HEAVY_CENTS, Habit::LittleCaching, Course::Steady),
    (53, HEAVY_CENTS, Habit::MuchReasoning, Course::Steady),
    (61, HEAVY_CENTS, Habit::Ordinary, Course::Late),
    (66, HEAVY_CENTS, Habit::LongContext, Course::Late),
    (72, HEAVY_CENTS, Habit::Ordinary, Course::Steady),
    (79, HEAVY_CENTS, Habit::LittleCaching, Course::Steady),
    (88, HEAVY_CENTS, Habit::Ordinary, Course::Steady),
    (94, HEAVY_CENTS, Habit::MuchReasoning, Course::Steady),
];

const MID_MARKET: [i64; 18] = [
    2, 11, 17, 22, 34, 37, 43, 50, 58, 63, 69, 75, 79, 81, 90, 94, 96, 99,
];
const ENTERPRISE: [i64; 9] = [5, 14, 28, 39, 53, 61, 70, 83, 97];
const USAGE_BASED: [i64; 7] = [9, 31, 47, 64, 86, 88, 92];

const FIRST_NAMES: [&str; 25] = [
    "Alder", "Basalt", "Cedar", "Delta", "Ember", "Fjord", "Granite", "Harbour", "Iris", "Juniper",
    "Kestrel", "Lantern", "Maple", "North", "Orchard", "Pine", "Quarry", "River", "Summit",
    "Thistle", "Umber", "Valley", "Willow", "Yarrow", "Zephyr",
];
const SECOND_NAMES: [&str; 4] = ["Advisory", "Capital", "Legal", "Partners"];

pub(super) fn all() -> Vec<Customer> {
    (1..=100).map(customer).collect()
}

fn customer(number: i64) -> Customer {
    let (plan, tier) = plan_and_tier(number);
    let (_, october_cents, habit, course) = DEAR
        .into_iter()
        .find(|(dear, ..)| *dear == number)
        .unwrap_or((number, LIGHT_CENTS, Habit::Ordinary, Course::Steady));
    let (started_day, renewal_day) = contract_days(number);
    Customer {
        number,
        id: id(number),
        name: name(number),
        plan,
        tier,
        renewal_day,
        started_day,
        habit,
        two_providers: number == CLIMBER,
        opens_at: match number % 3 {
            0 => 7,
            1 => 13,
            _ => 14,
        },
        october_cents,
        course,
    }
}

pub(super) fn id(number: i64) -> String {
    format!("cus_{number:03}")
}

fn plan_and_tier(number: i64) -> (&'static str, &'static str) {
    if MID_MARKET.contains(&number) {
        ("Business", "Mid-Market")
    } else if ENTERPRISE.contains(&number) {
        ("Enterprise", "Enterprise")
    } else if USAGE_BASED.contains(&number) {
        ("Pay as you go", "Usage-Based")
    } else if number % 3 == 0 {
        ("Studio", "SMB")
    } else {
        ("Team", "SMB")
    }
}

/// Yearly contracts: they renew between November 2026 and October 2027, and began before April 2026.
fn contract_days(number: i64) -> (i64, i64) {
    let months_ahead = (number * 7 + 3) % 12;
    let day = number * 5 % 28 + 1;
    let month = (10 + months_ahead) % 12 + 1;
    let renewal_year = if month >= 11 { 2026 } else { 2027 };
    let started_year = 2025 - number % 2;
    (
        day_number(started_year, month, day),
        day_number(renewal_year, month, day),
    )
}

fn name(number: i64) -> String {
    let index = usize::try_from(number - 1).expect("accounts are numbered from 1");
    let (round, first) = (index / FIRST_NAMES.len(), index % FIRST_NAMES.len());
    let second = (round + first) % SECOND_NAMES.len();
    format!("{} {}", FIRST_NAMES[first], SECOND_NAMES[second])
}

impl Customer {
    /// What the account is to cost in a month, in cents. October is exact; before it, growth is
    /// uneven, as it is in life, unless the course is stated.
    pub(super) fn budget_cents(&self, month: Month, random: &mut Random) -> i64 {
        let index = month.index();
        let percent = match self.course {
            Course::Stated(cents) => return cents[index],
            Course::Steady => [54, 60, 66, 73, 81, 90, 100][index],
            Course::Late => [24, 26, 28, 31, 35, 62, 100][index],
        };
        if month == Month::OCTOBER {
            return self.october_cents;
        }
        self.october_cents * percent * random.between((92, 108)) / 10_000
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn october_is_the_worked_example() {
        let cents = all()
            .iter()
            .map(|customer| customer.october_cents)
            .collect::<Vec<_>>();
        let count = |wanted: i64| cents.iter().filter(|cents| **cents == wanted).count();
        assert_eq!((count(6_000), count(30_000), count(54_000)), (80, 15, 5));
        assert_eq!(cents.iter().sum::<i64>(), 1_200_000);
    }

    #[test]
    fn accounts_are_distinct_and_older_than_the_ledger() {
        let customers = all();
        let names: BTreeSet<_> = customers.iter().map(|customer| &customer.name).collect();
        assert_eq!(names.len(), customers.len());
        assert!(
            customers
                .iter()
                .all(|customer| customer.started_day < Month::APRIL.first_day())
        );
        assert!(
            customers
                .iter()
                .all(|customer| customer.renewal_day >= day_number(2026, 11, 1)
                    && customer.renewal_day < day_number(2027, 11, 1))
        );
    }
}
