//! How providers and models are spelled in price lists, ledgers and bills: rules that are data.

use apportion_udfs::pricing::alias::{AliasKind, AliasRow, Aliases};
use std::sync::LazyLock;

/// One line of `data/built_in/spellings.csv`; the columns are those of the relation `aliases`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Spelling {
    pub(crate) kind: &'static str,
    pub(crate) name: &'static str,
    pub(crate) canonical: &'static str,
}

static SPELLINGS: LazyLock<Vec<Spelling>> = LazyLock::new(|| {
    let lines = include_str!("../../data/built_in/spellings.csv")
        .lines()
        .skip(1);
    lines
        .filter_map(|line| {
            let mut fields = line.split(',');
            Some(Spelling {
                kind: fields.next()?,
                name: fields.next()?,
                canonical: fields.next()?,
            })
        })
        .collect()
});

/// Every rule.
pub(crate) fn spellings() -> &'static [Spelling] {
    &SPELLINGS
}

static PROVIDERS: LazyLock<Aliases> = LazyLock::new(|| {
    let rows = SPELLINGS
        .iter()
        .filter(|spelling| spelling.kind == "provider");
    Aliases::new(rows.map(|spelling| AliasRow {
        kind: AliasKind::Provider,
        name: spelling.name.to_owned(),
        canonical: spelling.canonical.to_owned(),
        effective_from: None,
    }))
});

/// The canonical spelling of a provider.
pub(super) fn provider(name: &str) -> String {
    let alias = PROVIDERS.alias(AliasKind::Provider, name, 0);
    alias.unwrap_or(name).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_a_rule() {
        let lines = include_str!("../../data/built_in/spellings.csv")
            .lines()
            .count();
        assert_eq!(SPELLINGS.len(), lines - 1);
        for spelling in SPELLINGS.iter() {
            assert!(
                ["provider", "model"].contains(&spelling.kind),
                "{spelling:?}"
            );
            assert!(!spelling.canonical.is_empty(), "{spelling:?}");
        }
    }

    #[test]
    fn providers_have_one_spelling() {
        for (name, canonical) in [
            ("openai", "openai"),
            ("vertex_ai-anthropic_models", "vertex_ai"),
            ("bedrock_converse", "bedrock"),
            ("x-ai", "xai"),
        ] {
            assert_eq!(provider(name), canonical);
        }
    }
}
