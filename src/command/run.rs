//! `run NAME --period 2026-10`: a saved query, each of its parameters an option.
//!
//! The options come from the query's header, so they are known only once it has been read; where
//! queries lie, in turn, is said by the global options that may stand among them. So the words
//! after the name are taken apart twice: first for the global options, then by the header.

use super::{Outcome, Workplace, answer, usage};
use crate::cli::{Options, RunArgs};
use crate::error::{Error, Result};
use crate::saved_query::SavedQuery;
use crate::saved_query::parameter::{Parameter, ParameterType};
use clap::{Arg, Args, Command, FromArgMatches};
use std::ffi::{OsStr, OsString};
use std::fmt::Write;
use std::path::Path;

pub(super) async fn run(args: RunArgs, options: Options) -> Result<Outcome> {
    let mut words = args.words.into_iter();
    let name = words
        .next()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    if name.starts_with('-') {
        return Err(
            Error::new(format!("a query's name comes before its option `{name}`"))
                .hint("`apportion list` shows the names"),
        );
    }
    let (global, own) = split(words);
    let global = with_global(bare("run")).try_get_matches_from(global);
    let later = match global.and_then(|matches| Options::from_arg_matches(&matches)) {
        Ok(later) => later,
        Err(refused) => return usage::explain(&refused),
    };
    let mut workplace = Workplace::open(&options.overlaid(later)).await?;

    let name = match Path::new(&name).extension() {
        Some(ending) if ending == "sql" => workplace.session_mut()?.load(Path::new(&name))?,
        _ => name,
    };
    let query = workplace.session.queries().find(&name)?;
    let arguments = match query_command(query).try_get_matches_from(own) {
        Ok(matches) => arguments(query, &matches),
        Err(refused) => {
            return usage::explain(&refused).map_err(|error| error.at(query.path.as_str()));
        }
    };

    answer(&mut workplace, async |session| {
        session.run(&name, &arguments).await
    })
    .await?;
    workplace.output.finish()?;
    Ok(Outcome::Done)
}

/// Parts the words into global options and the rest.
fn split(words: impl Iterator<Item = OsString>) -> (Vec<OsString>, Vec<OsString>) {
    let known = with_global(bare("run"));
    let (mut global, mut own) = (Vec::new(), Vec::new());
    let mut words = words;
    while let Some(word) = words.next() {
        let Some(option) = known.get_arguments().find(|option| is(option, &word)) else {
            own.push(word);
            continue;
        };
        let value_follows = option.get_action().takes_values() && has_no_value(option, &word);
        global.push(word);
        if value_follows {
            global.extend(words.next());
        }
    }
    (global, own)
}

/// Whether a word is this option: `--output`, `--output=x`, `-o` or `-ox`.
fn is(option: &Arg, word: &OsStr) -> bool {
    let word = word.to_string_lossy();
    let name = word.split('=').next().unwrap_or_default();
    let long = name
        .strip_prefix("--")
        .is_some_and(|name| option.get_long() == Some(name));
    let mut letters = word.chars();
    let short = letters.next() == Some('-')
        && option
            .get_short()
            .is_some_and(|s| letters.next() == Some(s));
    long || short
}

fn has_no_value(option: &Arg, word: &OsStr) -> bool {
    let word = word.to_string_lossy();
    match word.strip_prefix("--") {
        Some(long) => option.get_long() == Some(long),
        None => word.chars().count() == 2,
    }
}

fn bare(title: &str) -> Command {
    Command::new(title.to_owned())
        .bin_name(title)
        .no_binary_name(true)
}

fn with_global(command: Command) -> Command {
    Options::augment_args(command)
}

/// The options that a header declares, and below them for the help's sake the global ones.
fn query_command(query: &SavedQuery) -> Command {
    let header = &query.header;
    let about = match &header.grain {
        Some(grain) => format!("{}\n\nAnswers {grain}.", header.question),
        None => header.question.clone(),
    };
    let command = bare(&format!("apportion run {}", query.name));
    with_global(command.args(header.parameters.iter().map(option)))
        .about(about)
        .after_help(header.notes.clone().unwrap_or_default())
}

/// `min_customers` is `--min-customers`, as command lines have it; the SQL name works as well.
fn option(parameter: &Parameter) -> Arg {
    let mut help = parameter.description.clone();
    if let Some(default) = &parameter.default {
        let _ = write!(help, " [default: {default}]");
    }
    let option = Arg::new(parameter.name.clone())
        .long(parameter.name.replace('_', "-"))
        .alias(parameter.name.clone())
        .value_name(value_name(parameter))
        .help_heading("Parameters")
        .help(help.trim().to_owned())
        .allow_negative_numbers(true);
    match parameter.kind {
        ParameterType::Boolean => option.num_args(0..=1).default_missing_value("true"),
        _ => option,
    }
}

/// The type, or what there is to choose from: `<billed|effective>`.
fn value_name(parameter: &Parameter) -> String {
    let kind = parameter.kind.to_string();
    kind.strip_prefix("one of ")
        .map_or(kind.clone(), |choices| choices.replace(", ", "|"))
}

fn arguments(query: &SavedQuery, matches: &clap::ArgMatches) -> Vec<(String, String)> {
    let given = |parameter: &Parameter| {
        let text = matches.get_one::<String>(&parameter.name)?;
        Some((parameter.name.clone(), text.clone()))
    };
    query.header.parameters.iter().filter_map(given).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parted(words: &[&str]) -> (Vec<OsString>, Vec<OsString>) {
        split(words.iter().map(OsString::from))
    }

    #[test]
    fn global_options_are_found_among_a_querys_own() {
        let (global, own) = parted(&[
            "--period",
            "2026-10",
            "--format",
            "csv",
            "-q",
            "--by",
            "feature",
            "-o",
            "x.csv",
            "--threads=2",
            "--help",
        ]);
        assert_eq!(
            global,
            ["--format", "csv", "-q", "-o", "x.csv", "--threads=2"]
        );
        assert_eq!(own, ["--period", "2026-10", "--by", "feature", "--help"]);
    }

    #[test]
    fn a_value_written_to_its_option_takes_no_other_word() {
        let (global, own) = parted(&["-ox.csv", "--by", "--output=y.csv", "model"]);
        assert_eq!(global, ["-ox.csv", "--output=y.csv"]);
        assert_eq!(own, ["--by", "model"]);
    }
}
