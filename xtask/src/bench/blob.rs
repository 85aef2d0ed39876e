//! A large file: `blob sign` and `blob verify` beside `openssl dgst` with the same hash, which does nothing but read and
//! hash, and beside `notation`.

use super::measure::{Subject, in_turn};
use super::peer::notation;
use super::report::{Report, Row};
use crate::home::{Home, release_directory};
use crate::process::{TaskError, cargo, run as show_and_run, shown};
use apostille_testing::tools::find_tool;
use clap::Args;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Constant memory: whatever the size of the file.
const PEAK_KIB: u64 = 24 * 1024;
/// The hash follows the key.
const HASHES: [(&str, &str); 3] = [("sha256", "2048"), ("sha384", "3072"), ("sha512", "4096")];

/// Options of the suite.
#[derive(Args)]
pub(super) struct Options {
    /// Counted runs of each command.
    #[arg(long, default_value_t = 5)]
    runs: usize,
    /// The size of the file in MiB.
    #[arg(long, default_value_t = 4096)]
    mib: usize,
    /// The hashes to measure.
    #[arg(long, default_values = ["sha256", "sha384", "sha512"])]
    hash: Vec<String>,
}

/// Measures and writes the report.
pub(super) fn run(options: &Options) -> Result<(), TaskError> {
    let build = ["build", "--release", "--quiet", "--package", "apostille"];
    show_and_run(&mut cargo(build))?;
    let programs = release_directory()?;
    let ours = programs.join("apostille");
    let bench = Bench {
        home: Home::new(programs)?,
        ours: ours.clone(),
        notation: notation(),
        openssl: find_tool("openssl").map_err(|error| TaskError::Check(error.to_string()))?,
    };
    let mut report = Report::new(
        "blob",
        "One large file",
        &format!(
            "A file of {} MiB of random bytes, in the page cache, signed with a local RSA key and verified under a \
             strict policy. `openssl dgst` only reads and hashes it, with the hash that the key prescribes. The \
             commands run in turn after one run of each that does not count.",
            options.mib
        ),
        format!(
            "cargo xtask bench blob --runs {} --mib {} --hash {}",
            options.runs,
            options.mib,
            options.hash.join(" --hash ")
        ),
    );
    report.version("apostille", &ours, &["version"]);
    report.version("openssl", &bench.openssl, &["version"]);
    match &bench.notation {
        Some(program) => report.version("notation", program, &["version"]),
        None => report.skip("notation: neither on the PATH nor named by NOTATION_BIN"),
    }
    bench.write_file(options.mib)?;
    for (hash, bits) in HASHES {
        if options.hash.iter().any(|wanted| wanted == hash) {
            bench.measure(hash, bits, options.runs, &mut report)?;
        }
    }
    report.publish()
}

struct Bench {
    home: Home,
    ours: PathBuf,
    notation: Option<PathBuf>,
    openssl: PathBuf,
}

impl Bench {
    /// Random bytes, since a file with holes would not have to be read.
    fn write_file(&self, mib: usize) -> Result<(), TaskError> {
        let path = self.home.path().join("blob");
        let failed = |source| TaskError::File {
            path: path.clone(),
            source,
        };
        let mut file = std::fs::File::create(&path).map_err(failed)?;
        let mut state: u64 = 0x9E37_79B9_7F4A_7C15;
        let mut block = vec![0; 1024 * 1024];
        for _ in 0..mib {
            for word in block.chunks_exact_mut(8) {
                // Marsaglia's xorshift: nothing compresses it, and it is made faster than it is written.
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                word.copy_from_slice(&state.to_le_bytes());
            }
            file.write_all(&block).map_err(failed)?;
        }
        Ok(())
    }

    fn measure(
        &self,
        hash: &str,
        bits: &str,
        runs: usize,
        report: &mut Report,
    ) -> Result<(), TaskError> {
        self.make_key(hash, bits)?;
        let sign = ["blob", "sign", "--force", "--key", hash, "blob"];
        let verify = [
            "blob",
            "verify",
            "--policy-name",
            hash,
            "--signature",
            "blob.jws.sig",
            "blob",
        ];
        show_and_run(&mut self.home.command("apostille", &sign))?;
        let hash_flag = format!("-{hash}");
        for (word, arguments) in [("sign", &sign[..]), ("verify", &verify[..])] {
            let work = format!("{word}, {hash}");
            let mut subjects = vec![self.subject("apostille", &self.ours, arguments)];
            subjects.push(self.subject(
                "openssl dgst",
                &self.openssl,
                &["dgst", &hash_flag, "blob"],
            ));
            if let Some(program) = &self.notation {
                subjects.push(self.subject("notation", program, arguments));
            }
            let measured = in_turn(&subjects, runs)?;
            for (subject, measurement) in subjects.iter().zip(&measured) {
                let command = self.shown(subject);
                let row = Row::of_processes(&work, &subject.name, measurement);
                report.add(row.with_command(command));
            }
            judge(report, &work);
        }
        Ok(())
    }

    /// A test key of this name, and a statement of this name that trusts it.
    fn make_key(&self, name: &str, bits: &str) -> Result<(), TaskError> {
        let generate = ["certificate", "generate-test", "--bits", bits, name];
        show_and_run(&mut self.home.command("apostille", &generate))?;
        let policy = format!(
            r#"{{"version":"1.0","trustPolicies":[{{"name":"{name}","signatureVerification":{{"level":"strict"}},"trustStores":["ca:{name}"],"trustedIdentities":["*"]}}]}}"#
        );
        self.home.write("policy.json", &policy)?;
        let import = ["blob", "policy", "import", "--force", "policy.json"];
        show_and_run(&mut self.home.command("apostille", &import))
    }

    fn subject(&self, name: &str, program: &Path, arguments: &[&str]) -> Subject {
        Subject {
            name: name.to_owned(),
            program: program.to_owned(),
            arguments: arguments.iter().map(Into::into).collect(),
            environment: self.home.environment().to_vec(),
            directory: Some(self.home.path().to_owned()),
        }
    }

    /// The command as a user would type it.
    fn shown(&self, subject: &Subject) -> String {
        let name = subject.program.file_name().unwrap_or_default();
        shown(Command::new(name).args(&subject.arguments))
    }
}

/// At least as fast as hashing alone, with constant memory.
fn judge(report: &mut Report, work: &str) {
    let (Some(ours), Some(floor)) = (
        report.row(work, "apostille"),
        report.row(work, "openssl dgst"),
    ) else {
        return;
    };
    let ratio = ours.median() / floor.median().max(f64::EPSILON);
    let peak = ours.peak_kib.unwrap_or(u64::MAX);
    report.target(
        format!("{work}: at most the time of openssl dgst"),
        format!("{ratio:.2} × its time"),
        ratio <= 1.0,
    );
    report.target(
        format!("{work}: at most 24 MiB of memory"),
        format!("{:.1} MiB", peak as f64 / 1024.0),
        peak <= PEAK_KIB,
    );
}
