//! [`Names`]: look-up by exact name or glob, the more specific first.
//!
//! `*` stands for any text and `?` for one character. An exact name comes before a glob, a longer
//! glob before a shorter one, and of two equally long ones the first in byte order: the result does
//! not depend on the order of the rows.

use std::collections::{BTreeMap, HashMap};

/// Values by name or glob.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names<V> {
    exact: HashMap<String, V>,
    globs: Vec<(String, V)>,
}

impl<V> Names<V> {
    pub fn is_empty(&self) -> bool {
        self.exact.is_empty() && self.globs.is_empty()
    }

    /// Every name and glob.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let exact = self.exact.keys().map(String::as_str);
        exact.chain(self.globs.iter().map(|(glob, _)| glob.as_str()))
    }

    /// What every name and glob stands for.
    pub fn values(&self) -> impl Iterator<Item = &V> {
        let globs = self.globs.iter().map(|(_, value)| value);
        self.exact.values().chain(globs)
    }

    /// Every value whose name or glob matches, the most specific first.
    pub fn matches<'v>(&'v self, name: &str) -> impl Iterator<Item = &'v V> {
        let globs = self
            .globs
            .iter()
            .filter(|(glob, _)| glob_matches(glob, name));
        self.exact
            .get(name)
            .into_iter()
            .chain(globs.map(|(_, value)| value))
    }
}

impl<V> Default for Names<V> {
    fn default() -> Self {
        Self {
            exact: HashMap::new(),
            globs: Vec::new(),
        }
    }
}

impl<V> From<BTreeMap<String, V>> for Names<V> {
    fn from(values: BTreeMap<String, V>) -> Self {
        let (mut globs, exact): (Vec<_>, HashMap<_, _>) = {
            let (globs, exact): (Vec<_>, Vec<_>) =
                values.into_iter().partition(|(name, _)| is_glob(name));
            (globs, exact.into_iter().collect())
        };
        globs.sort_by(|(a, _), (b, _)| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        Self { exact, globs }
    }
}

pub fn is_glob(name: &str) -> bool {
    name.contains(['*', '?'])
}

/// Linear in the text for every `*`: after a mismatch only the last `*` takes one character more.
pub fn glob_matches(glob: &str, name: &str) -> bool {
    let (mut pattern, mut text) = (glob.chars(), name.chars());
    let mut last_star = None;
    loop {
        let (mut pattern_rest, mut text_rest) = (pattern.clone(), text.clone());
        match (pattern_rest.next(), text_rest.next()) {
            (None, None) => return true,
            (Some('*'), _) => {
                last_star = Some((pattern_rest.clone(), text.clone()));
                pattern = pattern_rest;
            }
            (Some(expected), Some(found)) if expected == '?' || expected == found => {
                (pattern, text) = (pattern_rest, text_rest);
            }
            _ => {
                let Some((after_star, mut taken)) = last_star.take() else {
                    return false;
                };
                if taken.next().is_none() {
                    return false;
                }
                (pattern, text) = (after_star.clone(), taken.clone());
                last_star = Some((after_star, taken));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_takes_any_text_and_a_question_mark_one_character() {
        for (glob, name, expected) in [
            ("gpt-4o-*", "gpt-4o-2024-08-06", true),
            ("gpt-4o-*", "gpt-4o", false),
            ("*sonnet*tokens", "USE1-sonnet-input-tokens", true),
            ("a*b*c", "aXbXbXc", true),
            ("a*b*c", "aXbXb", false),
            ("caf?", "café", true),
            ("caf?", "caf", false),
            ("*", "", true),
            ("", "", true),
        ] {
            assert_eq!(glob_matches(glob, name), expected, "{glob} over {name}");
        }
    }

    #[test]
    fn the_more_specific_name_comes_first() {
        let rows = ["*", "gpt-*", "gpt-?", "gpt-4", "zzz-*"].map(|n| (n.to_owned(), n));
        let names = Names::from(BTreeMap::from(rows));
        assert_eq!(
            names.matches("gpt-4").copied().collect::<Vec<_>>(),
            ["gpt-4", "gpt-*", "gpt-?", "*"]
        );
    }
}
