//! Colours for what is typed, of the same width as without.

use super::completion::KEYWORDS;
use super::pieces::{Kind, pieces};

const KEYWORD: &str = "\u{1b}[1;34m";
const TEXT: &str = "\u{1b}[32m";
const NUMBER: &str = "\u{1b}[36m";
const COMMENT: &str = "\u{1b}[90m";
const PLAIN: &str = "\u{1b}[0m";

pub(super) fn highlighted(text: &str) -> String {
    let mut shown = String::with_capacity(text.len() * 2);
    for piece in pieces(text) {
        let colour = match piece.kind {
            Kind::Text => TEXT,
            Kind::Number => NUMBER,
            Kind::Comment => COMMENT,
            Kind::Word if is_keyword(piece.text) => KEYWORD,
            _ => {
                shown.push_str(piece.text);
                continue;
            }
        };
        shown.extend([colour, piece.text, PLAIN]);
    }
    shown
}

fn is_keyword(word: &str) -> bool {
    let mut words = KEYWORDS.iter().flat_map(|words| words.split(' '));
    words.any(|known| known.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_have_colours_and_names_have_none() {
        assert_eq!(
            highlighted("SELECT cost, 'x', 1 -- so"),
            format!(
                "{KEYWORD}SELECT{PLAIN} cost, {TEXT}'x'{PLAIN}, {NUMBER}1{PLAIN} {COMMENT}-- so{PLAIN}"
            )
        );
    }
}
