//! `apostille-conformance`: the harness as a command.

#![forbid(unsafe_code)]

use apostille_conformance::profile::{ExpectedFailure, Profile, ProfileError};
use apostille_conformance::report::{Document, badge, html, junit, sarif, terminal};
use apostille_conformance::{HarnessError, Report, Subject, Tier, check_plugin_with, rules};
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Holds Notary Project plugins against the plugin contract.
///
/// Exit codes: 0 no MUST rule is broken and no expected failure is out of date; 1 otherwise; 2 usage,
/// a broken profile included; 3 the harness itself could not do its work, or could not look at every
/// rule.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Run a plugin executable against every rule.
    Plugin(PluginOptions),
    /// List the rules.
    List,
    /// Print one rule: why it is there and what to do about it.
    Explain {
        /// For example NP-GS-104.
        id: String,
    },
}

#[derive(Args)]
struct PluginOptions {
    /// The executable, in any language.
    #[arg(long, value_name = "FILE", required_unless_present = "profile")]
    exec: Option<PathBuf>,
    /// A file that names the executable, its keys, its configuration and its expected failures.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["exec", "key_id", "plugin_config"])]
    profile: Option<PathBuf>,
    /// A key that can sign; without it the rules that need a key are skipped. May be repeated: one
    /// key for each key spec.
    #[arg(long, value_name = "ID")]
    key_id: Vec<String>,
    /// Sent as `pluginConfig` with every request; may be repeated.
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
    plugin_config: Vec<(String, String)>,
    /// Only the rules that need neither a key nor a network, or only the others.
    #[arg(long, value_enum)]
    tier: Option<TierName>,
    /// How to print the report.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    output: Format,
    /// Write the report to this file instead of standard output.
    #[arg(long, value_name = "FILE")]
    output_file: Option<PathBuf>,
    /// The time that the report carries, in seconds since 1970; for reports that are the same byte
    /// for byte.
    #[arg(long, value_name = "SECONDS", env = "SOURCE_DATE_EPOCH")]
    time: Option<i64>,
}

#[derive(Clone, Copy, ValueEnum)]
enum TierName {
    Offline,
    Online,
}

impl From<TierName> for Tier {
    fn from(name: TierName) -> Self {
        match name {
            TierName::Offline => Self::Offline,
            TierName::Online => Self::Online,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
    Junit,
    Sarif,
    Badge,
    Html,
}

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Harness(#[from] HarnessError),
    #[error(transparent)]
    Profile(#[from] ProfileError),
    #[error("--time {0} is not a time that can be written")]
    Time(i64),
    #[error("the report cannot be written: {0}")]
    Write(#[from] std::io::Error),
    #[error("the report cannot be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
}

impl Failure {
    fn exit_code(&self) -> ExitCode {
        match self {
            Self::Profile(ProfileError::Harness(_)) => ExitCode::from(3),
            Self::Profile(_) | Self::Time(_) => ExitCode::from(2),
            _ => ExitCode::from(3),
        }
    }
}

fn pair(text: &str) -> Result<(String, String), String> {
    text.split_once('=')
        .filter(|(key, value)| !key.is_empty() && !value.is_empty())
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .ok_or_else(|| "expected KEY=VALUE".to_owned())
}

fn main() -> ExitCode {
    match run(Arguments::parse().action) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("Error: {error}");
            error.exit_code()
        }
    }
}

fn run(action: Action) -> Result<ExitCode, Failure> {
    match action {
        Action::Plugin(options) => check(&options),
        Action::List => {
            for rule in rules()? {
                println!(
                    "{:10} {:8} {:8} {}",
                    rule.id,
                    rule.level.as_str(),
                    rule.tier.as_str(),
                    rule.title
                );
            }
            Ok(ExitCode::SUCCESS)
        }
        Action::Explain { id } => Ok(explain(&id)?),
    }
}

fn check(options: &PluginOptions) -> Result<ExitCode, Failure> {
    let time = report_time(options.time)?;
    let (subjects, expected) = subjects(options)?;
    let mut runs = Vec::new();
    for subject in &subjects {
        runs.push(run_one(subject, &expected, options)?);
    }
    let document = Document::new(time, runs);
    let text = written(&document, options)?;
    match &options.output_file {
        Some(path) => replace(path, &text)?,
        None => std::io::stdout().write_all(text.as_bytes())?,
    }
    Ok(exit_code(&document))
}

fn exit_code(document: &Document) -> ExitCode {
    match (document.passed(), document.complete()) {
        (false, _) => ExitCode::FAILURE,
        (true, false) => ExitCode::from(3),
        (true, true) => ExitCode::SUCCESS,
    }
}

fn report_time(seconds: Option<i64>) -> Result<String, Failure> {
    let time = match seconds {
        Some(seconds) => {
            OffsetDateTime::from_unix_timestamp(seconds).map_err(|_| Failure::Time(seconds))?
        }
        None => OffsetDateTime::now_utc()
            .replace_nanosecond(0)
            .unwrap_or(OffsetDateTime::UNIX_EPOCH),
    };
    time.format(&Rfc3339)
        .map_err(|_| Failure::Time(time.unix_timestamp()))
}

fn subjects(options: &PluginOptions) -> Result<(Vec<Subject>, Vec<ExpectedFailure>), Failure> {
    if let Some(path) = &options.profile {
        let profile = Profile::read(path)?;
        return Ok((profile.subjects(), profile.expected_failure));
    }
    let mut plain = Subject::new(options.exec.clone().unwrap_or_default());
    for (key, value) in &options.plugin_config {
        plain = plain.with_plugin_config(key, value);
    }
    if options.key_id.is_empty() {
        return Ok((vec![plain], Vec::new()));
    }
    let keyed = options.key_id.iter();
    let keyed = keyed.map(|id| plain.clone().with_key_id(id)).collect();
    Ok((keyed, Vec::new()))
}

fn run_one(
    subject: &Subject,
    expected: &[ExpectedFailure],
    options: &PluginOptions,
) -> Result<Report, HarnessError> {
    let shown = std::io::stderr().is_terminal();
    let mut report = check_plugin_with(subject, options.tier.map(Tier::from), &mut |result| {
        if shown {
            // The line is written over by the next one.
            eprint!("\r\u{1b}[K{} {}", result.id, result.verdict.as_str());
        }
    })?;
    if shown {
        eprint!("\r\u{1b}[K");
    }
    report.expect_failures(expected);
    Ok(report)
}

fn written(document: &Document, options: &PluginOptions) -> Result<String, Failure> {
    let json = |value: serde_json::Result<String>| value.map(|text| text + "\n");
    Ok(match options.output {
        Format::Text => {
            let coloured = options.output_file.is_none() && colours_wanted();
            let runs = document.runs.iter();
            runs.map(|run| terminal(run, coloured)).collect()
        }
        Format::Json => json(serde_json::to_string_pretty(document))?,
        Format::Junit => junit(document),
        Format::Sarif => json(serde_json::to_string_pretty(&sarif(document)))?,
        Format::Badge => json(serde_json::to_string(&badge(document)))?,
        Format::Html => html(document),
    })
}

/// On a terminal, unless `NO_COLOR` (<https://no-color.org>) is set to anything.
fn colours_wanted() -> bool {
    let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    !refused && std::io::stdout().is_terminal()
}

/// Writes the file in one step, so that nobody reads half a report.
fn replace(path: &Path, text: &str) -> std::io::Result<()> {
    let directory = path
        .parent()
        .filter(|directory| !directory.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(directory)?;
    file.write_all(text.as_bytes())?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

fn explain(id: &str) -> Result<ExitCode, HarnessError> {
    let Some(rule) = rules()?.into_iter().find(|rule| rule.id == id) else {
        eprintln!("Error: there is no rule {id}; `apostille-conformance list` prints them all");
        return Ok(ExitCode::from(2));
    };
    println!(
        "{} ({:?}, {})\n{}\n\nWhy:  {}\nFix:  {}\nFrom: {}",
        rule.id, rule.level, rule.command, rule.title, rule.why, rule.fix, rule.section
    );
    Ok(ExitCode::SUCCESS)
}
