//! `apostille-conformance`: the harness as a command.

#![forbid(unsafe_code)]

use apostille_conformance::{HarnessError, Report, Subject, Verdict, check_plugin, rules};
use clap::{Parser, Subcommand, ValueEnum};
use std::path::PathBuf;
use std::process::ExitCode;

/// Holds Notary Project plugins against the plugin contract.
///
/// Exit codes: 0 no MUST rule is broken; 1 a MUST rule is broken; 2 usage; 3 the harness itself
/// could not do its work.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Run a plugin executable against every rule.
    Plugin {
        /// The executable, in any language.
        #[arg(long, value_name = "FILE")]
        exec: PathBuf,
        /// A key that can sign; without it the rules that need a key are skipped.
        #[arg(long, value_name = "ID")]
        key_id: Option<String>,
        /// Sent as `pluginConfig` with every request; may be repeated.
        #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
        plugin_config: Vec<(String, String)>,
        /// How to print the report.
        #[arg(long, value_enum, default_value_t = Format::Text)]
        output: Format,
    },
    /// List the rules.
    List,
    /// Print one rule: why it is there and what to do about it.
    Explain {
        /// For example NP-GS-104.
        id: String,
    },
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    Text,
    Json,
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
            ExitCode::from(3)
        }
    }
}

fn run(action: Action) -> Result<ExitCode, HarnessError> {
    match action {
        Action::Plugin {
            exec,
            key_id,
            plugin_config,
            output,
        } => {
            let mut subject = Subject::new(exec);
            for (key, value) in plugin_config {
                subject = subject.with_plugin_config(key, value);
            }
            if let Some(id) = key_id {
                subject = subject.with_key_id(id);
            }
            let report = check_plugin(&subject)?;
            match output {
                Format::Text => print_text(&report),
                Format::Json => print_json(&report),
            }
            Ok(ExitCode::from(u8::from(!report.passed())))
        }
        Action::List => {
            for rule in rules()? {
                println!(
                    "{:10} {:8} {}",
                    rule.id,
                    format!("{:?}", rule.level).to_uppercase(),
                    rule.title
                );
            }
            Ok(ExitCode::SUCCESS)
        }
        Action::Explain { id } => explain(&id),
    }
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

fn print_text(report: &Report) {
    let mut counts = [0_usize; 3];
    for result in &report.results {
        match &result.verdict {
            Verdict::Pass => counts[0] += 1,
            Verdict::Fail { seen } => {
                counts[1] += 1;
                println!(
                    "FAIL {} ({:?}) {}\n     seen: {seen}\n     fix:  {}",
                    result.id, result.level, result.title, result.fix
                );
            }
            Verdict::Skip { reason } => {
                counts[2] += 1;
                println!("skip {} {} ({reason})", result.id, result.title);
            }
        }
    }
    let [passed, failed, skipped] = counts;
    println!(
        "{}: {passed} passed, {failed} failed, {skipped} skipped",
        report.plugin
    );
}

fn print_json(report: &Report) {
    match serde_json::to_string_pretty(report) {
        Ok(text) => println!("{text}"),
        Err(error) => eprintln!("Error: the report cannot be written as JSON: {error}"),
    }
}
