//! SQL in pieces as it is typed: what is open at the end is a piece too.
//!
//! The engine's own tokenizer knows whole texts only, and no places. Together the pieces are the text.

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Space,
    Comment,
    /// `'text'`, `$$text$$`.
    Text,
    /// `"name"`.
    Name,
    Number,
    Word,
    /// One character, or `::`, `=>`.
    Other,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Piece<'a> {
    pub(super) kind: Kind,
    pub(super) text: &'a str,
    pub(super) start: usize,
    /// Its end has not been typed.
    pub(super) is_open: bool,
}

impl Piece<'_> {
    pub(super) fn is(&self, text: &str) -> bool {
        matches!(self.kind, Kind::Other | Kind::Word) && self.text.eq_ignore_ascii_case(text)
    }

    /// Whether it says something: neither space nor comment.
    pub(super) fn says(&self) -> bool {
        !matches!(self.kind, Kind::Space | Kind::Comment)
    }
}

pub(super) fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = vec![];
    let mut start = 0;
    while start < text.len() {
        let rest = &text[start..];
        let (kind, end) = piece(rest);
        pieces.push(Piece {
            kind,
            text: &rest[..end.unwrap_or(rest.len())],
            start,
            is_open: end.is_none(),
        });
        start += end.unwrap_or(rest.len());
    }
    pieces
}

/// What a text begins with, and how long that is if its end is there.
fn piece(text: &str) -> (Kind, Option<usize>) {
    let while_all =
        |is: fn(char) -> bool| Some(text.find(|letter| !is(letter)).unwrap_or(text.len()));
    let first = text.chars().next().unwrap_or_default();
    match first {
        _ if first.is_whitespace() => (Kind::Space, while_all(char::is_whitespace)),
        '-' if text.starts_with("--") => {
            // A comment ends with its line, and the last line with the text.
            (Kind::Comment, Some(text.find('\n').unwrap_or(text.len())))
        }
        '/' if text.starts_with("/*") => (Kind::Comment, comment(text)),
        '\'' => (Kind::Text, quoted(text, '\'', false)),
        '"' | '`' => (Kind::Name, quoted(text, first, false)),
        'e' | 'E' if text[1..].starts_with('\'') => (
            Kind::Text,
            quoted(&text[1..], '\'', true).map(|end| end + 1),
        ),
        '$' => match dollar_tag(text) {
            Some(tag) => {
                let end = text[tag.len()..].find(tag);
                (Kind::Text, end.map(|end| end + 2 * tag.len()))
            }
            None => (Kind::Other, Some(1)),
        },
        '0'..='9' => (
            Kind::Number,
            while_all(|letter| letter.is_ascii_alphanumeric() || letter == '.'),
        ),
        _ if is_name(first) => (Kind::Word, while_all(is_name)),
        _ if text.starts_with("::") || text.starts_with("=>") => (Kind::Other, Some(2)),
        _ => (Kind::Other, Some(first.len_utf8())),
    }
}

pub(super) fn is_name(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

/// Comments lie in one another.
fn comment(text: &str) -> Option<usize> {
    let mut depth = 0;
    let mut at = 0;
    while let Some(next) = text[at..].find(['/', '*']) {
        at += next;
        if text[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if text[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return Some(at);
            }
        } else {
            at += 1;
        }
    }
    None
}

/// A quote in the text is written twice.
fn quoted(text: &str, quote: char, has_escapes: bool) -> Option<usize> {
    let mut letters = text.char_indices().skip(1).peekable();
    while let Some((at, letter)) = letters.next() {
        if letter == '\\' && has_escapes {
            letters.next();
        } else if letter == quote && letters.next_if(|(_, next)| *next == quote).is_none() {
            return Some(at + letter.len_utf8());
        }
    }
    None
}

/// `$$`, or `$name$`.
fn dollar_tag(text: &str) -> Option<&str> {
    let end = text[1..].find(|letter| !is_name(letter))? + 1;
    text[end..].starts_with('$').then(|| &text[..=end])
}

/// Whether Enter ends the input: its last piece is a semicolon, or a command stands in it.
pub(super) fn is_whole(text: &str) -> bool {
    let pieces = pieces(text);
    if pieces.iter().any(|piece| piece.is("\\")) || matches!(text.trim(), "exit" | "quit") {
        return true;
    }
    let last = pieces.iter().rfind(|piece| piece.says() || piece.is_open);
    last.is_none_or(|last| last.is(";"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> Vec<(Kind, &str)> {
        let pieces = pieces(text);
        let all: String = pieces.iter().map(|piece| piece.text).collect();
        assert_eq!(all, text);
        let said = pieces.iter().filter(|piece| piece.kind != Kind::Space);
        said.map(|piece| (piece.kind, piece.text)).collect()
    }

    #[test]
    fn a_text_is_cut_where_sql_cuts_it() {
        assert_eq!(
            kinds("select 'it''s', e'\\'', \"a b\"::int -- no 'text'\n, 1.5e3"),
            [
                (Kind::Word, "select"),
                (Kind::Text, "'it''s'"),
                (Kind::Other, ","),
                (Kind::Text, "e'\\''"),
                (Kind::Other, ","),
                (Kind::Name, "\"a b\""),
                (Kind::Other, "::"),
                (Kind::Word, "int"),
                (Kind::Comment, "-- no 'text'"),
                (Kind::Other, ","),
                (Kind::Number, "1.5e3"),
            ]
        );
        assert_eq!(
            kinds("/* a /* b */ ' */ $t$ it's $t$ $period"),
            [
                (Kind::Comment, "/* a /* b */ ' */"),
                (Kind::Text, "$t$ it's $t$"),
                (Kind::Other, "$"),
                (Kind::Word, "period"),
            ]
        );
    }

    #[test]
    fn what_is_open_is_said() {
        for open in ["'a", "\"a", "/* a", "$$ a", "e'a\\'"] {
            let pieces = pieces(open);
            assert!(pieces.len() == 1 && pieces[0].is_open, "{open}");
        }
    }

    #[test]
    fn a_semicolon_ends_a_statement_where_it_is_one() {
        for whole in [
            "",
            "  ",
            "select 1;",
            "select 1; ",
            "select 1; -- done",
            "\\q",
            "select 1\n\\gx",
            "exit",
            "select ';';",
        ] {
            assert!(is_whole(whole), "{whole}");
        }
        for open in [
            "select 1",
            "select ';",
            "select '\\q",
            "select 1 -- ;",
            "select 1; /* ;",
            "select \";",
        ] {
            assert!(!is_whole(open), "{open}");
        }
    }
}
