//! The line of a statement that an error is about, with a caret under the place.
//!
//! ```text
//!   2 | from legder
//!     |      ^^^^^^
//! ```
//!
//! The parser says where it stopped. The engine says names, not places: where the statement has what
//! an error quotes just once, that is the place. In a statement that calls saved queries, the engine's
//! own positions would be places in their files.

use super::Error;
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer};
use unicode_width::UnicodeWidthStr;

/// Longer lines are no help on a screen.
const MOST_CHARACTERS: usize = 200;

/// Where something begins in a text; both count from one, columns in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub line: usize,
    pub column: usize,
}

impl Error {
    /// Shows the line of the text, and marks so many characters of it.
    #[must_use]
    pub fn pointing(mut self, text: &str, at: Place, length: usize) -> Self {
        if self.excerpt.is_none() {
            self.excerpt = excerpt(text, at, length);
        }
        self
    }

    /// Whether it shows the line that it is about.
    pub fn shows_line(&self) -> bool {
        self.excerpt.is_some()
    }

    /// Shows where the statement that begins at a place has what the message quotes.
    #[must_use]
    pub fn pointing_at_quoted(self, text: &str, start: Place) -> Self {
        match quoted_place(self.message.as_str(), text, start) {
            Some((at, length)) => self.pointing(text, at, length),
            None => self,
        }
    }
}

/// Parts the parser's message from the place that it ends with.
pub(crate) fn parted(message: &str) -> (&str, Option<Place>) {
    let place = || {
        let (said, place) = message.rsplit_once(" at Line: ")?;
        let (line, column) = place.split_once(", Column: ")?;
        let place = Place {
            line: line.parse().ok()?,
            column: column.parse().ok()?,
        };
        Some((said, place))
    };
    place().map_or((message, None), |(said, place)| (said, Some(place)))
}

fn excerpt(text: &str, at: Place, length: usize) -> Option<String> {
    let line = text.lines().nth(at.line.checked_sub(1)?)?;
    if line.chars().count() > MOST_CHARACTERS {
        return None;
    }
    let line = line.replace('\t', " ");
    let before: String = line.chars().take(at.column.checked_sub(1)?).collect();
    let number = at.line.to_string();
    Some(format!(
        "  {number} | {line}\n  {} | {}{}",
        " ".repeat(number.len()),
        " ".repeat(before.width()),
        "^".repeat(length.max(1))
    ))
}

/// The one place of the statement where a name or a text stands that the message quotes.
fn quoted_place(message: &str, text: &str, start: Place) -> Option<(Place, usize)> {
    let tokens = Tokenizer::new(&GenericDialect {}, text)
        .tokenize_with_location()
        .ok()?;
    let begin = |token: &TokenWithSpan| {
        let at = token.span.start;
        Some(Place {
            line: usize::try_from(at.line).ok()?,
            column: usize::try_from(at.column).ok()?,
        })
    };
    let of_statement = tokens
        .iter()
        .skip_while(|token| begin(token).is_none_or(|at| at < start))
        .take_while(|token| token.token != Token::SemiColon);
    let named: Vec<_> = of_statement
        .filter_map(|token| match &token.token {
            Token::Word(word) => Some((token, word.value.as_str())),
            Token::SingleQuotedString(text) | Token::Placeholder(text) => {
                Some((token, text.as_str()))
            }
            _ => None,
        })
        .collect();
    // Of several, the last is the one that is wrong: "`allocation` has no parameter `perid`".
    quoted(message).into_iter().rev().find_map(|quoted| {
        let mut found = named
            .iter()
            .filter(|(_, name)| name.eq_ignore_ascii_case(quoted));
        let (token, _) = found.next()?;
        let length = token.token.to_string().chars().count();
        found.next().is_none().then_some((begin(token)?, length))
    })
}

/// What a message quotes, in the order of its words; of a qualified name, the name.
fn quoted(message: &str) -> Vec<&str> {
    let mut quoted: Vec<&str> = ['`', '\'']
        .into_iter()
        .flat_map(|quote| message.split(quote).skip(1).step_by(2))
        .collect();
    if let Some((_, named)) = message.split_once("no field named ") {
        let named = named.split_whitespace().next().unwrap_or_default();
        quoted.push(named.trim_end_matches('.'));
    }
    let name = |text: &'_ str| text.rsplit('.').next().unwrap_or_default().len();
    quoted
        .into_iter()
        .map(|text| text[text.len() - name(text)..].trim_matches('"'))
        .filter(|text| !text.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Place = Place { line: 1, column: 1 };

    fn shown(message: &str, text: &str) -> String {
        let error = Error::new(message).pointing_at_quoted(text, START);
        error.excerpt.unwrap_or_default()
    }

    #[test]
    fn a_caret_stands_under_what_the_message_quotes() {
        assert_eq!(
            shown(
                "table 'apportion.main.legder' not found",
                "select *\nfrom legder\nlimit 1"
            ),
            "  2 | from legder\n    |      ^^^^^^"
        );
        assert_eq!(
            shown("no field named nowhere", "select '株', nowhere"),
            "  1 | select '株', nowhere\n    |              ^^^^^^^"
        );
        assert_eq!(
            shown(
                "`2026-13` is not a month",
                "select * from f(period => '2026-13')"
            ),
            "  1 | select * from f(period => '2026-13')\n    |                           ^^^^^^^^^"
        );
    }

    #[test]
    fn what_stands_nowhere_or_twice_is_not_marked() {
        assert_eq!(shown("divide by zero", "select 1 / 0"), "");
        assert_eq!(shown("no field named x", "select x, x"), "");
        assert_eq!(shown("no field named x", "select 1; select x"), "");
    }

    #[test]
    fn the_parser_says_where_it_stopped() {
        assert_eq!(
            parted("found: FROM at Line: 2, Column: 10"),
            (
                "found: FROM",
                Some(Place {
                    line: 2,
                    column: 10
                })
            )
        );
        assert_eq!(parted("found: EOF"), ("found: EOF", None));
    }
}
