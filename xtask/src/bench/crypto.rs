//! The cryptography alone: hashing, and envelopes beside the raw signatures in them, with `openssl speed` in the same run.

mod criterion;
mod engine;
mod openssl;

use super::report::{Report, Row};
use crate::process::{TaskError, cargo, run as show_and_run};
use apostille_artifact::DigestAlgorithm;
use apostille_testing::tools::find_tool;
use clap::Args;
use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

/// What verifying an envelope may cost beside the signatures in it.
const ENVELOPE_SHARE: f64 = 0.8;
/// What hashing must reach of `openssl`.
const HASHING_SHARE: f64 = 0.95;
/// The block that both sides hash at a time.
const BLOCK_LEN: usize = 1024 * 1024;
/// The chain of the benchmark's envelopes has two certificates: with the envelope's own, these are the signatures.
const SIGNATURES: f64 = 3.0;

/// Options of the suite.
#[derive(Args)]
pub(super) struct Options {
    /// Counted runs of each hash on each side.
    #[arg(long, default_value_t = 5)]
    runs: usize,
}

/// Measures and writes the report.
pub(super) fn run(options: &Options) -> Result<(), TaskError> {
    let openssl = find_tool("openssl").map_err(|error| TaskError::Check(error.to_string()))?;
    let bench = [
        "bench",
        "--quiet",
        "--package",
        "apostille-signature",
        "--bench",
        "envelopes",
    ];
    show_and_run(cargo(bench).arg("--no-run"))?;
    let engine = [
        "bench",
        "--quiet",
        "--package",
        "apostille-trust",
        "--bench",
        "engine",
    ];
    show_and_run(cargo(engine).arg("--no-run"))?;
    let mut report = Report::new(
        "crypto",
        "Hashing and signatures",
        "Hashing of 1 MiB at a time from memory, both sides in turn; and for each key spec the verification of an \
         envelope with a chain of two certificates, from its bytes to a verdict, beside the three signature checks \
         alone with the same library, and beside three times what `openssl speed` says about one check. The engine is the \
         whole verification under a strict policy, from memory, without revocation.",
        format!("cargo xtask bench crypto --runs {}", options.runs),
    );
    report.version("openssl", &openssl, &["version"]);
    report.version("rustc", Path::new("rustc"), &["--version"]);
    for algorithm in DigestAlgorithm::ALL {
        hashing(algorithm, &openssl, options.runs, &mut report)?;
    }
    let checks = openssl::signature_checks(&openssl)?;
    let measured = criterion::run(&mut cargo(bench))?;
    for found in measured.iter().filter(|found| found.group() == "verify") {
        let raw = format!("raw-{}", found.name);
        let Some(raw) = measured.iter().find(|other| other.name == raw) else {
            continue;
        };
        envelope(found, raw, &checks, &mut report);
    }
    engine::run(&mut cargo(engine), &mut report)?;
    report.publish()
}

/// Both sides in turn, a second each.
fn hashing(
    algorithm: DigestAlgorithm,
    openssl: &Path,
    runs: usize,
    report: &mut Report,
) -> Result<(), TaskError> {
    let name = algorithm.as_str();
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for run in 0..=runs {
        let rates = (
            our_rate(algorithm),
            openssl::hashing_rate(openssl, name, BLOCK_LEN)?,
        );
        if run > 0 {
            ours.push(rates.0);
            theirs.push(rates.1);
        }
    }
    let work = format!("hash, {name}");
    let ours = Row::new(&work, "apostille", "MiB/s", ours);
    let theirs = Row::new(&work, "openssl speed", "MiB/s", theirs).with_command(format!(
        "openssl speed -seconds 1 -bytes {BLOCK_LEN} -evp {name}"
    ));
    let share = ours.median() / theirs.median().max(f64::EPSILON);
    report.target(
        format!("{work}: at least 95 % of openssl"),
        format!("{:.0} %", share * 100.0),
        share >= HASHING_SHARE,
    );
    report.add(ours);
    report.add(theirs);
    Ok(())
}

/// MiB in a second.
fn our_rate(algorithm: DigestAlgorithm) -> f64 {
    let block = vec![7; BLOCK_LEN];
    let mut digester = algorithm.digester();
    let start = Instant::now();
    let mut blocks = 0.0;
    while start.elapsed() < Duration::from_secs(1) {
        digester.update(black_box(&block));
        blocks += 1.0;
    }
    let rate = blocks / start.elapsed().as_secs_f64();
    black_box(digester.finish());
    rate
}

fn envelope(
    whole: &criterion::Measured,
    raw: &criterion::Measured,
    checks: &[openssl::Checks],
    report: &mut Report,
) {
    let work = whole.name.replace('/', " ");
    report.add(Row::new(
        &work,
        "envelope",
        "µs",
        whole.microseconds.to_vec(),
    ));
    report.add(Row::new(
        &work,
        "raw signatures",
        "µs",
        raw.microseconds.to_vec(),
    ));
    if let Some(one) = checks.iter().find(|one| work.contains(one.key_spec)) {
        let row = Row::new(
            &work,
            "openssl speed × 3",
            "µs",
            vec![SIGNATURES * one.microseconds],
        );
        report.add(row.with_command(format!("openssl speed -seconds 1 {}", one.algorithm)));
    }
    let share = raw.median() / whole.median().max(f64::EPSILON);
    report.target(
        format!("{work}: at least 80 % of the rate of the raw signatures"),
        format!("{:.0} %", share * 100.0),
        share >= ENVELOPE_SHARE,
    );
}
