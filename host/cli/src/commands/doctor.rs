//! `doctor`: is everything set up so that signing and verifying can work?

mod files;
mod keys;
mod plugins;
mod registries;
mod trust;

use clap::Args;
use serde::Serialize;
use time::{Duration, OffsetDateTime};

use crate::application::Application;
use crate::failure::{Failure, FailureKind};
use crate::flags::{OutputFlag, RegistryFlags};

/// A certificate that expires within this time is worth a word: new ones take weeks in many organisations.
const SOON: Duration = Duration::days(30);

/// Check configuration, permissions, keys, plugins, trust stores, policies and registry logins
#[derive(Args, Debug)]
pub struct Doctor {
    #[command(flatten)]
    registry: RegistryFlags,
    #[command(flatten)]
    output: OutputFlag,
    /// Registry to log in to; may be repeated. Without any, no network is used
    #[arg(value_name = "registry")]
    registries: Vec<String>,
}

/// How something is.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Ok,
    Warning,
    Failure,
}

/// One thing that was looked at.
#[derive(Debug, Serialize)]
struct Finding {
    area: &'static str,
    state: State,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<String>,
}

/// What was found, in order.
#[derive(Debug)]
struct Report {
    now: OffsetDateTime,
    findings: Vec<Finding>,
}

#[derive(Serialize)]
struct DoctorDocument {
    findings: Vec<Finding>,
    warnings: usize,
    failures: usize,
}

impl Report {
    fn new() -> Self {
        Self {
            now: OffsetDateTime::now_utc(),
            findings: Vec::new(),
        }
    }

    fn ok(&mut self, area: &'static str, message: impl Into<String>) {
        self.add(area, State::Ok, message, None);
    }

    fn warning(&mut self, area: &'static str, message: impl Into<String>, advice: &str) {
        self.add(area, State::Warning, message, Some(advice));
    }

    fn failure(&mut self, area: &'static str, message: impl Into<String>, advice: &str) {
        self.add(area, State::Failure, message, Some(advice));
    }

    fn add(
        &mut self,
        area: &'static str,
        state: State,
        message: impl Into<String>,
        advice: Option<&str>,
    ) {
        self.findings.push(Finding {
            area,
            state,
            message: message.into(),
            advice: advice.filter(|text| !text.is_empty()).map(str::to_owned),
        });
    }

    /// When a certificate expires, as a finding: `what` has it.
    fn validity(&mut self, area: &'static str, what: &str, certificate: &notary_x509::Certificate) {
        let (from, to) = (certificate.not_before(), certificate.not_after());
        let subject = certificate.subject();
        let what = format!("{what}: the certificate of {subject}");
        if self.now > to {
            self.failure(area, format!("{what} expired on {}", to.date()), RENEW);
        } else if self.now < from {
            let text = format!("{what} is not valid before {}", from.date());
            self.failure(area, text, "Check the clock of this machine");
        } else if self.now + SOON > to {
            self.warning(area, format!("{what} expires on {}", to.date()), RENEW);
        } else {
            self.ok(area, format!("{what} is valid until {}", to.date()));
        }
    }

    fn count(&self, state: State) -> usize {
        let found = self.findings.iter();
        found.filter(|finding| finding.state == state).count()
    }
}

const RENEW: &str = "Get a new certificate, and add it beside the old one";

impl Doctor {
    pub(super) fn run(self, application: &mut Application<'_>) -> Result<(), Failure> {
        let json = self.output.is_json()?;
        let mut report = Report::new();
        files::examine(application, &mut report);
        keys::examine(application, &mut report);
        plugins::examine(application, &mut report)?;
        trust::examine(application, &mut report);
        registries::examine(application, &self.registry, &self.registries, &mut report)?;
        conclude(application, report, json)
    }
}

fn conclude(application: &mut Application<'_>, report: Report, json: bool) -> Result<(), Failure> {
    let (warnings, failures) = (report.count(State::Warning), report.count(State::Failure));
    let document = DoctorDocument {
        findings: report.findings,
        warnings,
        failures,
    };
    if json {
        application.console.json(&document)?;
    } else {
        show(application, &document)?;
    }
    match failures {
        0 => Ok(()),
        _ => Err(Failure::already_shown(FailureKind::General)),
    }
}

fn show(application: &mut Application<'_>, document: &DoctorDocument) -> Result<(), Failure> {
    for finding in &document.findings {
        let mark = match finding.state {
            State::Ok => "ok     ",
            State::Warning => "warning",
            State::Failure => "FAILURE",
        };
        let Finding { area, message, .. } = finding;
        application
            .console
            .line(format!("{mark}  {area}: {message}"))?;
        if let Some(advice) = &finding.advice {
            application.console.line(format!("         {advice}"))?;
        }
    }
    application.console.line(format!(
        "\n{}, {}",
        counted(document.failures, "failure"),
        counted(document.warnings, "warning")
    ))
}

fn counted(count: usize, what: &str) -> String {
    match count {
        1 => format!("1 {what}"),
        many => format!("{many} {what}s"),
    }
}
