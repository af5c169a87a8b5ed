//! Whether what was typed so far is a whole input, or Enter begins another line of it.

use super::meta::Meta;
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};

/// A command, or SQL whose last token is a semicolon: one inside a string or a comment is none.
pub(super) fn is_whole(text: &str) -> bool {
    if Meta::parse(text).is_some() {
        return true;
    }
    match Tokenizer::new(&GenericDialect {}, text).tokenize() {
        Ok(tokens) => {
            let mut tokens = tokens
                .iter()
                .filter(|token| !matches!(token, Token::Whitespace(_)));
            tokens
                .next_back()
                .is_none_or(|last| *last == Token::SemiColon)
        }
        // An open string or comment goes on; of anything else the parser tells more.
        Err(error) => {
            let is_open = ["Unterminated", "Unexpected EOF", "Expected close delimiter"];
            let is_open = is_open.iter().any(|start| error.message.starts_with(start));
            !is_open && text.trim_end().ends_with(';')
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_semicolon_ends_a_statement_where_it_is_one() {
        for whole in [
            "",
            "  ",
            "select 1;",
            "select 1; ",
            "select 1; -- done",
            "\\q",
            "select ';';",
        ] {
            assert!(is_whole(whole), "{whole}");
        }
        for open in [
            "select 1",
            "select ';",
            "select 1 -- ;",
            "select 1 /* ;",
            "select \";",
        ] {
            assert!(!is_whole(open), "{open}");
        }
    }
}
