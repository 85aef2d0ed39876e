//! Runs any Notary Project plugin executable, in any language, against the plugin contract, and says
//! which rule it breaks.
//!
//! A *rule* is data: an id that never changes, how binding it is, the section of the specification
//! that it comes from, why it matters and what to do about it (`rules/*.toml`). Each rule has one
//! *check*, a wrong request as data or a function that runs the plugin and answers with a [`Verdict`]. A *report* holds one
//! verdict for each rule.
//!
//! ```no_run
//! use apostille_conformance::{Subject, check_plugin};
//!
//! # fn main() -> Result<(), apostille_conformance::HarnessError> {
//! let subject = Subject::new("./notation-example").with_key_id("my-key");
//! let report = check_plugin(&subject)?;
//! for result in &report.results {
//!     println!("{} {:?}", result.id, result.verdict);
//! }
//! assert!(report.passed());
//! # Ok(())
//! # }
//! ```
//!
//! The harness shares no code with the plugin: it looks at raw processes, raw bytes and raw JSON,
//! and checks signatures and certificates with `notary-x509`.

#![forbid(unsafe_code)]

mod checks;
mod coverage;
mod execution;
pub mod profile;
pub mod reference_page;
pub mod report;
mod rules;
mod subject;

pub use coverage::{Demand, demands};
pub use execution::{Environment, Execution, Invocation, Stdin};
pub use report::{Report, RuleResult, Verdict};
pub use rules::{Level, Rule, Tier, WrongRequest, rules};
pub use subject::{KeyUnderTest, Subject};

/// Why the harness itself could not do its work. What a plugin does wrong is never an error of the
/// harness: it is a [`Verdict::Fail`].
#[derive(Debug, thiserror::Error)]
pub enum HarnessError {
    /// The plugin's executable cannot be started at all.
    #[error("cannot run {}: {source}", path.display())]
    Start {
        /// The executable.
        path: std::path::PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A pipe or a temporary directory failed.
    #[error("the harness could not talk to the plugin's process: {0}")]
    Process(#[source] std::io::Error),
    /// The embedded list of rules does not parse; a test keeps this from happening.
    #[error("the list of rules is broken: {0}")]
    Rules(#[source] toml::de::Error),
}

/// Where this rule is broken, nothing else can be looked at.
const NOT_EXECUTABLE: &str = "NP-PK-003";

/// Runs every rule that applies to the plugin.
///
/// Without a key id, the rules that need a key are skipped and say so.
///
/// # Errors
/// [`HarnessError`] where the plugin cannot be run at all.
pub fn check_plugin(subject: &Subject) -> Result<Report, HarnessError> {
    check_plugin_with(subject, None, &mut |_| {})
}

/// Like [`check_plugin`], for the rules of one tier alone (`None`: all), and tells `observe` each
/// result as it is found.
///
/// # Errors
/// [`HarnessError`] where the plugin cannot be run at all.
pub fn check_plugin_with(
    subject: &Subject,
    tier: Option<Tier>,
    observe: &mut dyn FnMut(&RuleResult),
) -> Result<Report, HarnessError> {
    let mut results = Vec::new();
    let mut executable = true;
    for rule in rules()? {
        if tier.is_some_and(|tier| tier != rule.tier) {
            continue;
        }
        let verdict = if executable {
            verdict_on(&rule, subject)?
        } else {
            Verdict::Skip {
                reason: format!("{NOT_EXECUTABLE} is broken"),
            }
        };
        executable &= rule.id != NOT_EXECUTABLE || !matches!(verdict, Verdict::Fail { .. });
        let result = RuleResult {
            id: rule.id,
            level: rule.level,
            tier: rule.tier,
            title: rule.title,
            fix: rule.fix,
            verdict,
        };
        observe(&result);
        results.push(result);
    }
    Ok(Report {
        plugin: subject.executable().display().to_string(),
        key_id: subject.key().map(|key| key.id.clone()),
        results,
    })
}

/// Trouble of the harness with one rule is that rule's verdict; a plugin that cannot be started ends
/// the run. What the caller configured is never repeated in a report.
fn verdict_on(rule: &Rule, subject: &Subject) -> Result<Verdict, HarnessError> {
    Ok(match checks::judge(rule, subject) {
        Ok(Verdict::Fail { seen }) => Verdict::Fail {
            seen: subject.redact(&seen),
        },
        Ok(Verdict::Skip { reason }) => Verdict::Skip {
            reason: subject.redact(&reason),
        },
        Err(HarnessError::Process(error)) => Verdict::Error {
            reason: subject.redact(&error.to_string()),
        },
        other => return other,
    })
}
