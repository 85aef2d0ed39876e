//! `login`

use apostille_artifact::Registry;
use apostille_registry::{Credential, CredentialsError, RegistryClient, server_name};
use clap::Args;

use crate::application::Application;
use crate::failure::{Failure, FailureKind};
use crate::flags::{LoggingFlags, OutputFlag, RegistryFlags};
use crate::secret::Secret;
use crate::{registry_access, runtime};

/// Log in to a registry, and keep the credential in the keychain
#[derive(Args, Debug)]
pub struct Login {
    #[command(flatten)]
    logging: LoggingFlags,
    #[command(flatten)]
    registry: RegistryFlags,
    /// Take the password from standard input
    #[arg(long)]
    password_stdin: bool,
    #[command(flatten)]
    output: OutputFlag,
    #[arg(value_name = "server")]
    arguments: Vec<String>,
}

/// Where the credential is afterwards.
enum Kept {
    InKeychain,
    WhereItWas,
}

impl Login {
    pub(super) fn run(self, application: &mut Application<'_>) -> Result<(), Failure> {
        application.console.show_debug(self.logging.debug);
        let server = self.arguments.first().ok_or_else(no_server)?;
        let json = self.output.is_json()?;
        let (username, password) = self.answers(application)?;
        let registry: Registry = server
            .parse()
            .map_err(|error| failed(server, &error, FailureKind::Usage))?;
        let mut flags = self.registry.clone();
        flags.username = Some(username.clone());
        flags.password = Some(password.expose().to_owned());
        let client = RegistryClient::new(registry_access::options(application, &flags)?)?;
        let credential = Credential::from_login(&username, password.expose());
        let stored = registry_access::stored_credentials(application);
        let kept = runtime::block_on(async {
            client
                .check_login(&registry)
                .await
                .map_err(|error| failed(server, &error, FailureKind::Registry))?;
            let name = server_name(&registry);
            match stored.store(name, &credential).await {
                Ok(()) => Ok(Kept::InKeychain),
                // It is in a file that somebody wrote: nothing is lost, and nothing new is written there.
                Err(CredentialsError::NoKeychain)
                    if stored.get(name).await.is_ok_and(|old| old == credential) =>
                {
                    Ok(Kept::WhereItWas)
                }
                Err(error) => Err(failed(server, &error, FailureKind::General)),
            }
        })?;
        if matches!(kept, Kept::WhereItWas) {
            application.console.warn(
                "the password stands readable in a configuration file; install a docker-credential helper and name \
                 it as `credsStore` in config.json to keep it in a keychain",
            );
        }
        if json {
            let place = match kept {
                Kept::InKeychain => "keychain",
                Kept::WhereItWas => "configurationFile",
            };
            let document = serde_json::json!({ "server": server, "credential": place });
            return application.console.json(&document);
        }
        if matches!(kept, Kept::WhereItWas) {
            application
                .console
                .line("Authenticated with existing credentials")?;
        }
        application.console.line("Login Succeeded")
    }

    /// User name and password: what flags and environment do not say is asked for. A password without a user name is
    /// an identity token.
    fn answers(&self, application: &mut Application<'_>) -> Result<(String, Secret), Failure> {
        let environment = &application.environment;
        let given = self.registry.username.clone();
        let mut username = given.or(environment.username.clone()).unwrap_or_default();
        let password = if self.password_stdin {
            let password = application.console.rest()?;
            if password.is_empty() {
                return Err(password_required()
                    .hint("Nothing came through standard input: pipe the password in."));
            }
            password
        } else {
            let flag = self.registry.password.as_deref().map(Secret::new);
            flag.or(environment.password.clone()).unwrap_or_default()
        };
        if !password.is_empty() {
            return Ok((username, password));
        }
        if username.is_empty() {
            username = application.console.ask("Username: ")?.ok_or_else(|| {
                Failure::usage("no user name: standard input has ended").hint(
                    "Give it with --username, or as NOTATION_USERNAME, and the password with --password-stdin.",
                )
            })?;
            username = username.trim().to_owned();
        }
        let prompt = if username.is_empty() {
            "Token: "
        } else {
            "Password: "
        };
        let password = application.console.ask_secret(prompt)?;
        if password.is_empty() {
            return Err(password_required());
        }
        Ok((username, password))
    }
}

fn password_required() -> Failure {
    Failure::usage("password required")
}

/// The text for a command without the server that it is about.
pub(super) fn no_server() -> Failure {
    Failure::usage("no hostname specified")
        .hint("Write the registry as it stands in references: host or host:port.")
}

fn failed(server: &str, why: &(dyn std::error::Error + 'static), kind: FailureKind) -> Failure {
    Failure::because(kind, format!("failed to log in to {server}"), why)
}
