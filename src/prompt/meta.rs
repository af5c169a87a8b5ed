//! Commands to the prompt itself, with psql's names where psql has them.

pub(super) const HELP: &str = "\
Statements end with `;` and may take several lines. Ctrl-C cancels a line or a running statement.

  \\d NAME   describe a saved query, a table or a function
  \\l        list the saved queries and the functions
  \\q        quit (as does Ctrl-D)
  \\?        this help
";

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Meta {
    Help,
    List,
    Describe(String),
    Quit,
    Unknown(String),
}

impl Meta {
    /// Nothing, if the text is SQL.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if matches!(text.trim_end_matches(';'), "exit" | "quit") {
            return Some(Self::Quit);
        }
        if !text.starts_with('\\') {
            return None;
        }
        let (command, argument) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        Some(match (command, argument.trim().trim_end_matches(';')) {
            ("\\q", _) => Self::Quit,
            ("\\?" | "\\h", _) => Self::Help,
            ("\\l", _) | ("\\d", "") => Self::List,
            ("\\d", name) => Self::Describe(name.to_owned()),
            (other, _) => Self::Unknown(other.to_owned()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_told_from_sql() {
        assert_eq!(Meta::parse("select '\\q';"), None);
        assert_eq!(Meta::parse(" \\q "), Some(Meta::Quit));
        assert_eq!(Meta::parse("exit;"), Some(Meta::Quit));
        assert_eq!(Meta::parse("\\?"), Some(Meta::Help));
        assert_eq!(
            Meta::parse("\\d  ledger;"),
            Some(Meta::Describe("ledger".to_owned()))
        );
        assert_eq!(Meta::parse("\\d"), Some(Meta::List));
        assert_eq!(Meta::parse("\\x y"), Some(Meta::Unknown("\\x".to_owned())));
    }
}
