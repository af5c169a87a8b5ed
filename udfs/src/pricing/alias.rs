//! [`Aliases`]: one canonical spelling for names that ledgers, bills and price books write
//! differently.
//!
//! An exact alias comes before a glob and a longer glob before a shorter one; within a name the
//! latest alias in force holds. A name without an alias is canonical.

use std::collections::{BTreeMap, HashMap};
use std::str::FromStr;
use std::sync::Arc;

use super::names::Names;

/// What a name is the name of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AliasKind {
    Provider,
    Model,
    SubAccount,
    Customer,
    /// The customer that a sub-account belongs to.
    SubAccountCustomer,
}

impl AliasKind {
    pub const ALL: [(&'static str, Self); 5] = [
        ("provider", Self::Provider),
        ("model", Self::Model),
        ("sub_account", Self::SubAccount),
        ("customer", Self::Customer),
        ("sub_account_customer", Self::SubAccountCustomer),
    ];
}

impl FromStr for AliasKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|(name, _)| *name == text);
        found.map(|(_, kind)| kind).ok_or_else(|| {
            let names = Self::ALL.map(|(name, _)| name).join(", ");
            format!("`{text}` is not a kind of alias; the kinds are {names}")
        })
    }
}

/// One row of the `aliases` relation; times are microseconds since 1970, UTC.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AliasRow {
    pub kind: AliasKind,
    /// A name or a glob.
    pub name: String,
    pub canonical: String,
    /// In force from here on; `None` always.
    pub effective_from: Option<i64>,
}

/// A name or glob, and what it stands for by the time from which it does, the latest first.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Spellings {
    name: String,
    canonical: Vec<(i64, String)>,
}

/// As a canonical name: what the `*` of the alias's own name stands for.
const TAKEN: &str = "*";

impl Spellings {
    fn of<'n>(&'n self, name: &'n str, at: i64) -> Option<&'n str> {
        let (_, canonical) = self.canonical.iter().find(|(from, _)| *from <= at)?;
        if canonical == TAKEN {
            self.taken(name)
        } else {
            Some(canonical)
        }
    }

    fn taken<'n>(&self, name: &'n str) -> Option<&'n str> {
        let (before, after) = self.name.split_once(TAKEN)?;
        let rest = name.strip_prefix(before)?.strip_suffix(after)?;
        Some(rest).filter(|rest| !rest.is_empty())
    }
}

/// All aliases.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Aliases {
    kinds: HashMap<AliasKind, Names<Spellings>>,
}

impl Aliases {
    pub fn new(rows: impl IntoIterator<Item = AliasRow>) -> Self {
        let mut kinds: HashMap<AliasKind, BTreeMap<String, Spellings>> = HashMap::new();
        for row in rows {
            let names = kinds.entry(row.kind).or_default();
            let spellings = names.entry(row.name.clone()).or_insert(Spellings {
                name: row.name,
                canonical: vec![],
            });
            let from = row.effective_from.unwrap_or(i64::MIN);
            spellings.canonical.push((from, row.canonical));
        }
        let sorted = kinds.into_iter().map(|(kind, mut names)| {
            for spellings in names.values_mut() {
                spellings
                    .canonical
                    .sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
            }
            (kind, Names::from(names))
        });
        Self {
            kinds: sorted.collect(),
        }
    }

    pub fn has(&self, kind: AliasKind) -> bool {
        self.kinds.contains_key(&kind)
    }

    /// The alias of `name` in force at `at`, if there is one.
    pub fn alias<'n>(&'n self, kind: AliasKind, name: &'n str, at: i64) -> Option<&'n str> {
        self.lookup(kind).alias(name, at)
    }

    /// The instants at which any name may get another alias.
    pub fn changes(&self) -> impl Iterator<Item = i64> {
        let names = self.kinds.values().flat_map(Names::values);
        names.flat_map(|spellings| spellings.canonical.iter().map(|(from, _)| *from))
    }

    /// For many names: each is matched with the globs once.
    pub fn lookup(&self, kind: AliasKind) -> AliasLookup<'_, '_> {
        AliasLookup {
            names: self.kinds.get(&kind),
            memo: HashMap::new(),
            last: None,
        }
    }
}

/// Remembers which aliases a name matches; equal names in a row are looked up once.
#[derive(Debug)]
pub struct AliasLookup<'r, 'n> {
    names: Option<&'r Names<Spellings>>,
    memo: HashMap<&'n str, Arc<[&'r Spellings]>>,
    last: Option<(&'n str, Arc<[&'r Spellings]>)>,
}

impl<'r, 'n> AliasLookup<'r, 'n> {
    pub fn alias(&mut self, name: &'n str, at: i64) -> Option<&'n str>
    where
        'r: 'n,
    {
        let matches = self.matches(name)?;
        matches.iter().find_map(|spellings| spellings.of(name, at))
    }

    fn matches(&mut self, name: &'n str) -> Option<&Arc<[&'r Spellings]>> {
        let names = self.names?;
        if self.last.as_ref().is_none_or(|(last, _)| *last != name) {
            let matches = self.memo.entry(name);
            let matches = matches.or_insert_with(|| names.matches(name).collect());
            self.last = Some((name, Arc::clone(matches)));
        }
        self.last.as_ref().map(|(_, matches)| matches)
    }

    /// The instants at which a name may get another alias.
    pub fn changes(&mut self, name: &'n str) -> impl Iterator<Item = i64>
    where
        'r: 'n,
    {
        let matches = self.matches(name).cloned();
        let names = matches.into_iter().flat_map(|matches| matches.to_vec());
        names.flat_map(|spellings| spellings.canonical.iter().map(|(from, _)| *from))
    }

    /// The alias, or the name itself.
    pub fn canonical(&mut self, name: &'n str, at: i64) -> &'n str
    where
        'r: 'n,
    {
        self.alias(name, at).unwrap_or(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn aliases() -> Aliases {
        let row = |name: &str, canonical: &str, from| AliasRow {
            kind: AliasKind::Model,
            name: name.to_owned(),
            canonical: canonical.to_owned(),
            effective_from: from,
        };
        Aliases::new([
            row("gpt-4o-latest", "gpt-4o-2024-05", None),
            row("gpt-4o-latest", "gpt-4o-2024-08", Some(100)),
            row("gpt-*", "gpt", None),
            row("soon", "now", Some(100)),
            row("soo?", "glob", None),
        ])
    }

    #[test]
    fn the_latest_alias_in_force_holds() {
        let model = |name, at| {
            aliases()
                .alias(AliasKind::Model, name, at)
                .map(str::to_owned)
        };
        assert_eq!(
            model("gpt-4o-latest", 99).as_deref(),
            Some("gpt-4o-2024-05")
        );
        assert_eq!(
            model("gpt-4o-latest", 100).as_deref(),
            Some("gpt-4o-2024-08")
        );
        assert_eq!(model("gpt-5", 0).as_deref(), Some("gpt"));
        assert_eq!(model("claude", 0), None);
    }

    #[test]
    fn a_glob_helps_until_the_exact_alias_is_in_force() {
        let aliases = aliases();
        assert_eq!(aliases.alias(AliasKind::Model, "soon", 99), Some("glob"));
        assert_eq!(aliases.alias(AliasKind::Model, "soon", 100), Some("now"));
    }

    #[test]
    fn a_star_stands_for_what_the_star_of_the_name_took() {
        let row = |name: &str, canonical: &str| AliasRow {
            kind: AliasKind::Model,
            name: name.to_owned(),
            canonical: canonical.to_owned(),
            effective_from: None,
        };
        let aliases = Aliases::new([row("bedrock/*", "*"), row("*-latest", "*"), row("?*", "x")]);
        for (name, expected) in [
            ("bedrock/us.claude", "us.claude"),
            ("bedrock/bedrock/m", "bedrock/m"),
            ("gpt-latest", "gpt"),
            ("bedrock/", "x"),
            ("other", "x"),
        ] {
            let found = aliases.alias(AliasKind::Model, name, 0);
            assert_eq!(found, Some(expected), "{name}");
        }
    }

    #[test]
    fn kinds_do_not_mix() {
        assert_eq!(aliases().alias(AliasKind::Provider, "gpt-5", 0), None);
        assert!(
            "modell"
                .parse::<AliasKind>()
                .unwrap_err()
                .contains("`modell`")
        );
    }
}
