//! Which names a model of genai-prices answers to, and the globs of a price book that say the same.

use super::json::Json;
use crate::error::{Error, Result};
use apportion_udfs::pricing::names::glob_matches;
use regex::{Regex, RegexBuilder};

/// Which names a model answers to, in whatever letter case.
pub(super) enum Rule {
    /// A name, or a glob.
    Name(String),
    /// A pattern, and the glob that says the same.
    Pattern(Regex, Option<String>),
    Any(Vec<Rule>),
    All(Vec<Rule>),
    /// What no glob can say.
    Other,
}

/// A name as it is published, and in small letters: the list's rules ignore case, a price book does not.
pub(super) fn spellings(name: &str) -> impl Iterator<Item = String> + use<> {
    let small = name.to_lowercase();
    let published = (small != name).then(|| name.to_owned());
    published.into_iter().chain([small])
}

impl Rule {
    pub(super) fn read(json: &Json) -> Result<Self> {
        let unknown = || Error::new("a model's `match` has a rule that Apportion does not know");
        let [(kind, rule)] = json.entries() else {
            return Err(unknown());
        };
        let text = || rule.text().map(str::to_owned).ok_or_else(unknown);
        let rules = || rule.items().iter().map(Self::read).collect::<Result<_>>();
        Ok(match kind.as_str() {
            "equals" => Self::Name(text()?),
            "starts_with" => Self::Name(format!("{}*", text()?)),
            "ends_with" => Self::Name(format!("*{}", text()?)),
            "contains" => Self::Name(format!("*{}*", text()?)),
            "regex" => match RegexBuilder::new(&text()?).case_insensitive(true).build() {
                Ok(regex) => Self::Pattern(regex, rule.text().and_then(glob)),
                Err(_) => Self::Other,
            },
            "or" => Self::Any(rules()?),
            "and" => Self::All(rules()?),
            _ => return Err(unknown()),
        })
    }

    /// Whether it fits a name; nothing where no glob can say.
    pub(super) fn fits(&self, name: &str) -> Option<bool> {
        match self {
            Self::Name(own) => Some(glob_matches(&own.to_lowercase(), &name.to_lowercase())),
            Self::Pattern(regex, _) => Some(regex.is_match(name)),
            Self::Any(rules) => {
                let found: Vec<_> = rules.iter().map(|rule| rule.fits(name)).collect();
                let none = (!found.contains(&None)).then_some(false);
                if found.contains(&Some(true)) {
                    Some(true)
                } else {
                    none
                }
            }
            Self::All(rules) => {
                let found: Vec<_> = rules.iter().map(|rule| rule.fits(name)).collect();
                let all = (!found.contains(&None)).then_some(true);
                if found.contains(&Some(false)) {
                    Some(false)
                } else {
                    all
                }
            }
            Self::Other => None,
        }
    }

    /// Its names and globs; false where these are not all that it fits.
    pub(super) fn names<'a>(&'a self, names: &mut Vec<&'a str>) -> bool {
        match self {
            Self::Name(name) => {
                names.push(name);
                true
            }
            Self::Pattern(_, glob) => {
                names.extend(glob.as_deref());
                glob.is_some()
            }
            Self::Any(rules) => {
                let told: Vec<bool> = rules.iter().map(|rule| rule.names(names)).collect();
                told.into_iter().all(|told| told)
            }
            Self::All(_) | Self::Other => false,
        }
    }
}

/// An anchored pattern of letters and digits as a glob in which a digit is any character.
fn glob(regex: &str) -> Option<String> {
    let mut rest = regex.strip_prefix('^')?.strip_suffix('$')?;
    let mut glob = String::new();
    while let Some(letter) = rest.chars().next() {
        let mut part = letter.to_string();
        rest = &rest[letter.len_utf8()..];
        if letter == '\\' {
            let escaped = rest.chars().next()?;
            rest = &rest[escaped.len_utf8()..];
            part = match escaped {
                'd' => "?".to_owned(),
                letter if letter.is_ascii_alphanumeric() => return None,
                letter => letter.to_string(),
            };
        } else if letter == '[' {
            let (_, after) = rest.split_once(']')?;
            (part, rest) = ("?".to_owned(), after);
        } else if ".*+?()|{}^$".contains(letter) {
            return None;
        }
        let mut times = 1;
        if let Some((count, after)) = rest.strip_prefix('{').and_then(|rest| rest.split_once('}')) {
            (times, rest) = (count.parse().ok().filter(|times| *times < 100)?, after);
        }
        glob.push_str(&part.repeat(times));
    }
    Some(glob)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn simple_patterns_are_globs() {
        assert_eq!(
            glob(r"^gpt-5\.4-\d{4}-\d{2}$").as_deref(),
            Some("gpt-5.4-????-??")
        );
        assert_eq!(glob(r"^opus[-@]\d$").as_deref(), Some("opus??"));
        for other in [
            r"^opus-\d",
            r"^(a/)?b$",
            r"^(?!.*-tts)",
            "a$",
            r"^\w$",
            "^a.b$",
            r"^a\d{1000000000}$",
        ] {
            assert_eq!(glob(other), None, "{other}");
        }
    }
}
