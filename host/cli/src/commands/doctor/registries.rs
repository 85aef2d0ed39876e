//! The registries that the user names: whether they take the credentials that there are.

use apostille_registry::RegistryClient;

use super::Report;
use crate::application::Application;
use crate::failure::{Failure, chain_of};
use crate::flags::RegistryFlags;
use crate::{registry_access, runtime};

const AREA: &str = "registries";

pub(super) fn examine(
    application: &Application<'_>,
    flags: &RegistryFlags,
    registries: &[String],
    report: &mut Report,
) -> Result<(), Failure> {
    if registries.is_empty() {
        return Ok(());
    }
    let client = RegistryClient::new(registry_access::options(application, flags)?)?;
    for name in registries {
        let Ok(registry) = name.parse() else {
            let text = format!("{name:?} is not the name of a registry");
            report.failure(AREA, text, "Write host or host:port");
            continue;
        };
        let answer = runtime::block_on(async { Ok(client.check_login(&registry).await) })?;
        match answer {
            Ok(()) => report.ok(AREA, format!("{name} takes the login")),
            Err(error) => report.failure(AREA, format!("{name}: {}", chain_of(&error)), ""),
        }
    }
    Ok(())
}
