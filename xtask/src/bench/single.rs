//! One artifact: `sign` with a local key and through a plugin, and `verify`, beside `notation` on the
//! same configuration directory and on layouts with the same image.

use super::measure::{Measurement, Subject, in_turn};
use super::peer::notation;
use super::table::{self, milliseconds};
use crate::home::{Home, release_directory, strict_policy};
use crate::process::{TaskError, cargo, run as show_and_run};
use apostille_artifact::{Descriptor, Tag};
use apostille_registry::OciLayout;
use clap::Args;
use std::path::{Path, PathBuf};

const SCOPE: &str = "local/bench";
/// The name of the test key and of the trust store that its certificate is put into.
const LOCAL_KEY: &str = "local";
const TOKEN_KEY: &str = "token";
const SUBJECT: &str = "CN=Apostille bench,O=Example,ST=WA,C=US";

/// Options of the suites `sign` and `verify`.
#[derive(Args)]
pub(super) struct Options {
    /// Counted runs of each command.
    #[arg(long, default_value_t = 31)]
    runs: usize,
}

/// Measures `sign`.
pub(super) fn sign(options: &Options) -> Result<(), TaskError> {
    let bench = SingleArtifact::prepare()?;
    let mut subjects = vec![bench.floor()];
    for (key, what) in [
        (LOCAL_KEY, "local RSA-2048 key"),
        (TOKEN_KEY, "plugin, EC-256 key in a token"),
    ] {
        for (side, program) in &bench.sides {
            // Every side signs an image of its own, so that the layouts grow alike.
            let image = bench.image(&format!("{side}-{key}"))?;
            subjects.push(bench.subject(
                &format!("{side} sign ({what})"),
                program,
                &["sign", "--oci-layout", "--key", key, &image],
            ));
        }
    }
    let measurements = in_turn(&subjects, options.runs)?;
    table::print(&measurements);
    print_ratios(&measurements);
    Ok(())
}

/// Measures `verify`, under the strict level.
pub(super) fn verify(options: &Options) -> Result<(), TaskError> {
    let bench = SingleArtifact::prepare()?;
    let image = bench.image("verified")?;
    bench.run(&["sign", "--oci-layout", "--key", LOCAL_KEY, &image])?;
    let identity = "x509.subject: CN=local,O=Notary,L=Seattle,ST=WA,C=US";
    bench.home.write(
        "trustpolicy.json",
        &strict_policy(SCOPE, LOCAL_KEY, identity),
    )?;
    bench.run(&["policy", "import", "trustpolicy.json"])?;
    let mut subjects = vec![bench.floor()];
    for (side, program) in &bench.sides {
        subjects.push(bench.subject(
            &format!("{side} verify (strict, RSA-2048)"),
            program,
            &["verify", "--oci-layout", "--scope", SCOPE, &image],
        ));
    }
    let measurements = in_turn(&subjects, options.runs)?;
    table::print(&measurements);
    print_ratios(&measurements);
    Ok(())
}

/// A home with a key in a file and one in a token, and the programs that are compared in it.
struct SingleArtifact {
    home: Home,
    sides: Vec<(&'static str, PathBuf)>,
}

impl SingleArtifact {
    fn prepare() -> Result<Self, TaskError> {
        show_and_run(&mut cargo([
            "build",
            "--release",
            "--quiet",
            "--package",
            "apostille",
            "--package",
            "notation-pkcs11-hsm",
        ]))?;
        let programs = release_directory()?;
        let mut sides = vec![("apostille", programs.join("apostille"))];
        sides.extend(notation().map(|program| ("notation", program)));
        let bench = Self {
            home: Home::new(programs)?,
            sides,
        };
        bench.home.install_plugin("pkcs11-hsm")?;
        bench.run(&["certificate", "generate-test", LOCAL_KEY])?;
        bench.make_token_key()?;
        Ok(bench)
    }

    fn make_token_key(&self) -> Result<(), TaskError> {
        let key = self.home.key_id();
        let plugin = |arguments: &[&str]| {
            show_and_run(&mut self.home.command("notation-pkcs11-hsm", arguments))
        };
        plugin(&["generate-key", "--label", "release", "--key-spec", "EC-256"])?;
        plugin(&[
            "self-sign",
            "--key-id",
            &key,
            "--subject",
            SUBJECT,
            "--out",
            "token.pem",
        ])?;
        plugin(&["import-cert", "--key-id", &key, "token.pem"])?;
        self.run(&[
            "key",
            "add",
            "--plugin",
            "pkcs11-hsm",
            "--id",
            &key,
            TOKEN_KEY,
        ])
    }

    fn run(&self, arguments: &[&str]) -> Result<(), TaskError> {
        show_and_run(&mut self.home.command("apostille", arguments))
    }

    /// Makes a layout of this name with one image, and returns its reference by digest.
    fn image(&self, name: &str) -> Result<String, TaskError> {
        let failed = |error: &dyn std::fmt::Display| TaskError::Check(error.to_string());
        let tag: Tag = "v1".parse().map_err(|error| failed(&error))?;
        let path = self.home.path().join(name);
        let (_, image): (_, Descriptor) =
            OciLayout::create(&path, &tag, b"an image").map_err(|error| failed(&error))?;
        Ok(format!("{}@{}", path.display(), image.digest))
    }

    fn floor(&self) -> Subject {
        self.subject("/bin/true", Path::new("/bin/true"), &[])
    }

    fn subject(&self, name: &str, program: &Path, arguments: &[&str]) -> Subject {
        let mut environment = self.home.environment().to_vec();
        // `notation` counts layouts among its experiments, which have to be switched on.
        environment.push(("NOTATION_EXPERIMENTAL".into(), "1".into()));
        Subject {
            name: name.to_owned(),
            program: program.to_owned(),
            arguments: arguments.iter().map(Into::into).collect(),
            environment,
            directory: Some(self.home.path().to_owned()),
        }
    }
}

/// Says for each pair of neighbours of the same work how the first compares to the second.
fn print_ratios(measurements: &[Measurement]) {
    for ours in measurements {
        let Some(work) = ours.name.strip_prefix("apostille ") else {
            continue;
        };
        let peer = format!("notation {work}");
        let Some(theirs) = measurements.iter().find(|found| found.name == peer) else {
            continue;
        };
        println!(
            "{work}: {:.2} × the time and {:.2} × the memory of notation",
            milliseconds(ours.median()) / milliseconds(theirs.median()).max(f64::EPSILON),
            ours.peak_kib as f64 / (theirs.peak_kib as f64).max(f64::EPSILON),
        );
    }
}
