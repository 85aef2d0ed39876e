//! `version`

use clap::Args;
use serde::Serialize;

use crate::application::Application;
use crate::failure::Failure;
use crate::flags::OutputFlag;

/// Show the version of this program
#[derive(Args, Debug)]
pub struct Version {
    #[command(flatten)]
    output: OutputFlag,
    #[arg(hide = true)]
    arguments: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct VersionDocument {
    version: &'static str,
    os: &'static str,
    arch: &'static str,
}

impl Version {
    pub(super) fn run(self, application: &mut Application<'_>) -> Result<(), Failure> {
        if let Some(word) = self.arguments.first() {
            let text = format!(
                "unknown command \"{word}\" for \"{} version\"",
                application.program
            );
            return Err(Failure::usage(text));
        }
        let version = VersionDocument {
            version: env!("CARGO_PKG_VERSION"),
            os: operating_system(),
            arch: architecture(),
        };
        if self.output.is_json()? {
            return application.console.json(&version);
        }
        application
            .console
            .line("Apostille - a tool to sign and verify artifacts.\n")?;
        application
            .console
            .line(format!("Version:     {}", version.version))?;
        application
            .console
            .line(format!("OS/Arch:     {}/{}", version.os, version.arch))
    }
}

/// The names that OCI platforms and `notation` use, which are Go's.
fn operating_system() -> &'static str {
    match std::env::consts::OS {
        "macos" => "darwin",
        other => other,
    }
}

fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "x86" => "386",
        "aarch64" => "arm64",
        "powerpc64" if cfg!(target_endian = "little") => "ppc64le",
        other => other,
    }
}
