//! `logout`

use apostille_artifact::Registry;
use apostille_registry::server_name;
use clap::Args;

use super::login::no_server;
use crate::application::Application;
use crate::failure::{Failure, FailureKind};
use crate::flags::{LoggingFlags, OutputFlag};
use crate::{registry_access, runtime};

/// Log out from a registry: its credential is taken out of the keychain
#[derive(Args, Debug)]
pub struct Logout {
    #[command(flatten)]
    logging: LoggingFlags,
    #[command(flatten)]
    output: OutputFlag,
    #[arg(value_name = "server")]
    arguments: Vec<String>,
}

impl Logout {
    pub(super) fn run(self, application: &mut Application<'_>) -> Result<(), Failure> {
        application.console.show_debug(self.logging.debug);
        let server = self.arguments.first().ok_or_else(no_server)?;
        let json = self.output.is_json()?;
        let doing = || format!("failed to log out of {server}");
        let registry: Registry = server
            .parse()
            .map_err(|error| Failure::because(FailureKind::Usage, doing(), &error))?;
        let stored = registry_access::stored_credentials(application);
        runtime::block_on(async {
            let erased = stored.erase(server_name(&registry)).await;
            erased.map_err(|error| Failure::because(FailureKind::General, doing(), &error))
        })?;
        if json {
            let document = serde_json::json!({ "server": server });
            return application.console.json(&document);
        }
        application.console.line("Logout Succeeded")
    }
}
