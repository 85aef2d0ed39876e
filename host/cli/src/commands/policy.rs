//! `policy show | import | init | lint | test` and `blob policy show | import | init | lint`

mod lint;
mod trial;

use std::path::Path;

use clap::{Args, Subcommand};
use serde::Serialize;

use crate::application::Application;
use crate::failure::{Failure, FailureKind, chain_of};
use crate::policy_file::PolicyFile;
use crate::usage;

/// Manage the trust policy for OCI artifacts
#[derive(Debug, Subcommand)]
pub enum PolicyCommand {
    Show(Show),
    Import(Import),
    Init(InitOci),
    Lint(lint::Lint),
    Test(trial::Test),
}

/// Manage the trust policy for files
#[derive(Debug, Subcommand)]
pub enum BlobPolicyCommand {
    Show(Show),
    Import(Import),
    Init(InitBlob),
    Lint(lint::Lint),
}

impl PolicyCommand {
    pub(super) fn run(self, application: &mut Application<'_>) -> Result<(), Failure> {
        match self {
            Self::Show(command) => command.run(application, PolicyFile::Oci),
            Self::Import(command) => command.run(application, PolicyFile::Oci),
            Self::Init(command) => command.run(application),
            Self::Lint(command) => command.run(application, PolicyFile::Oci),
            Self::Test(command) => command.run(application),
        }
    }
}

impl BlobPolicyCommand {
    pub(super) fn run(self, application: &mut Application<'_>) -> Result<(), Failure> {
        match self {
            Self::Show(command) => command.run(application, PolicyFile::Blob),
            Self::Import(command) => command.run(application, PolicyFile::Blob),
            Self::Init(command) => command.run(application),
            Self::Lint(command) => command.run(application, PolicyFile::Blob),
        }
    }
}

fn no_policy(application: &Application<'_>, file: PolicyFile, verb: &str) -> Failure {
    let hint = format!(
        "You can import one using `{} {} import <path-to-policy.json>`",
        application.program,
        file.command()
    );
    let what = match file {
        PolicyFile::Oci => "it",
        PolicyFile::Blob => "the configuration",
    };
    let word = file.word();
    let text = format!("failed to {verb} {word} trust policy as {what} does not exist.");
    Failure::new(FailureKind::Policy, text).hint(hint)
}

/// Show the policy as it is in the file
#[derive(Args, Debug)]
pub struct Show {
    #[arg(hide = true)]
    arguments: Vec<String>,
}

impl Show {
    fn run(self, application: &mut Application<'_>, file: PolicyFile) -> Result<(), Failure> {
        usage::no_arguments(&self.arguments)?;
        let Some((path, contents)) = file.read(&application.directories)? else {
            return Err(no_policy(application, file, "show"));
        };
        if path == application.directories.legacy_trust_policy() {
            application.console.warn(format!(
                "{} is the old name of the policy; it is read, but `policy import` writes trustpolicy.oci.json",
                path.display()
            ));
        }
        let checked = file.check(&contents, &path);
        application.console.raw(&contents)?;
        match checked {
            Ok(warnings) => {
                warnings
                    .iter()
                    .for_each(|warning| application.console.warn(warning));
                Ok(())
            }
            Err(error) => Err(
                Failure::new(FailureKind::Policy, chain_of(&error)).hint(format!(
                    "Correct it and import it again using `{} {} import <path-to-policy.json>`",
                    application.program,
                    file.command()
                )),
            ),
        }
    }
}

/// Check a policy in a JSON file and put it in force
#[derive(Args, Debug)]
pub struct Import {
    /// Replace an existing policy without asking
    #[arg(long)]
    force: bool,
    #[arg(value_name = "file_path")]
    arguments: Vec<String>,
}

impl Import {
    fn run(self, application: &mut Application<'_>, file: PolicyFile) -> Result<(), Failure> {
        let [path] = self.arguments.as_slice() else {
            let text = format!("requires 1 argument but received {}.", self.arguments.len());
            let form = format!(
                "Usage: {} {} import <path-to-policy.json>",
                application.program,
                file.command()
            );
            return Err(Failure::usage(text)
                .hint(form)
                .hint("Please specify a trust policy file location as the argument"));
        };
        let (contents, warnings) = file.read_import(Path::new(path))?;
        warnings
            .iter()
            .for_each(|warning| application.console.warn(warning));
        if let Some(written) = file.write(application, &contents, self.force)? {
            application.console.line(format!(
                "Successfully imported {} trust policy configuration to {}.",
                file.word(),
                written.display()
            ))?;
        }
        Ok(())
    }
}

/// What both kinds of `init` ask for.
#[derive(Args, Debug)]
struct InitFlags {
    /// Name of the policy statement
    #[arg(short, long, value_name = "string", allow_hyphen_values = true)]
    name: Option<String>,
    /// Trust store, as <type>:<name>; may be repeated
    #[arg(long, value_name = "string", allow_hyphen_values = true)]
    trust_store: Vec<String>,
    /// Who may sign: "x509.subject: C=US, ST=WA, O=example", or "*" for anyone in the trust store; may be repeated
    #[arg(long, value_name = "string", allow_hyphen_values = true)]
    trusted_identity: Vec<String>,
    /// Replace an existing policy without asking
    #[arg(long)]
    force: bool,
}

/// Write a strict trust policy for files, with one statement
#[derive(Args, Debug)]
pub struct InitBlob {
    #[command(flatten)]
    flags: InitFlags,
    /// Use the statement when `blob verify` names none
    #[arg(long)]
    global: bool,
    #[arg(hide = true)]
    arguments: Vec<String>,
}

/// Write a strict trust policy for OCI artifacts, with one statement
#[derive(Args, Debug)]
pub struct InitOci {
    #[command(flatten)]
    flags: InitFlags,
    /// Repository that the statement is for, as <registry>/<repository>; may be repeated (default: "*", every one)
    #[arg(long, value_name = "string", allow_hyphen_values = true)]
    registry_scope: Vec<String>,
    #[arg(hide = true)]
    arguments: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PolicyDocument {
    version: &'static str,
    trust_policies: [StatementDocument; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct StatementDocument {
    name: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    registry_scopes: Vec<String>,
    signature_verification: VerificationDocument,
    trust_stores: Vec<String>,
    trusted_identities: Vec<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    global_policy: bool,
}

#[derive(Serialize)]
struct VerificationDocument {
    level: &'static str,
}

impl InitBlob {
    fn run(self, application: &mut Application<'_>) -> Result<(), Failure> {
        usage::no_arguments(&self.arguments)?;
        self.flags
            .run(application, PolicyFile::Blob, Vec::new(), self.global)
    }
}

impl InitOci {
    fn run(mut self, application: &mut Application<'_>) -> Result<(), Failure> {
        usage::no_arguments(&self.arguments)?;
        if self.registry_scope.is_empty() {
            self.registry_scope.push("*".to_owned());
        }
        self.flags
            .run(application, PolicyFile::Oci, self.registry_scope, false)
    }
}

impl InitFlags {
    fn run(
        self,
        application: &mut Application<'_>,
        file: PolicyFile,
        registry_scopes: Vec<String>,
        global_policy: bool,
    ) -> Result<(), Failure> {
        usage::require(&[
            ("name", self.name.is_some()),
            ("trust-store", !self.trust_store.is_empty()),
            ("trusted-identity", !self.trusted_identity.is_empty()),
        ])?;
        let document = PolicyDocument {
            version: "1.0",
            trust_policies: [StatementDocument {
                name: self.name.unwrap_or_default(),
                registry_scopes,
                signature_verification: VerificationDocument { level: "strict" },
                trust_stores: self.trust_store,
                trusted_identities: self.trusted_identity,
                global_policy,
            }],
        };
        let contents = serde_json::to_vec_pretty(&document).map_err(|error| {
            Failure::because(
                FailureKind::General,
                "cannot write the policy as JSON",
                &error,
            )
        })?;
        file.check(&contents, Path::new("made from the flags"))?;
        if let Some(path) = file.write(application, &contents, self.force)? {
            application.console.line(format!(
                "Successfully initialized {} trust policy file to {}.",
                file.word(),
                path.display()
            ))?;
        }
        Ok(())
    }
}
