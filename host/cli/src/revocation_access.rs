//! How it is found out whether certificates were revoked: over the network, from the cache, or from a prepared directory.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use apostille_trust::revocation::{
    Budget, CrlCache, HttpFetcher, HttpProxy, OfflineBundle, RevocationSettings, RevocationSources,
    SourcedRevocationChecker,
};
use clap::Args;

use crate::application::Application;
use crate::failure::{Failure, FailureKind};

/// What all OCSP and CRL requests of one command may take together. It leaves room for several slow responders, each
/// with the timeout of the specification, and no room for a hostile one to hold a deployment up.
const REVOCATION_BUDGET: Duration = Duration::from_secs(30);

/// The program that requests to revocation servers and timestamping authorities come from.
pub const USER_AGENT: &str = concat!("apostille/", env!("CARGO_PKG_VERSION"));

/// Where to ask about revocation.
#[derive(Args, Clone, Debug, Default)]
pub struct RevocationFlags {
    /// Directory of CRLs (*.crl) and OCSP answers (*.ocsp) that are asked before the network
    #[arg(long, value_name = "path", allow_hyphen_values = true)]
    pub revocation_bundle: Option<PathBuf>,
    /// Ask nobody over the network about revocation; what neither bundle nor cache can answer is unknown
    #[arg(long)]
    pub revocation_offline: bool,
    /// Also ask OCSP responders and CRL servers at private addresses, for a CA inside one's own network
    #[arg(long)]
    pub revocation_private_addresses: bool,
}

/// The checker that the flags ask for. Nothing is connected to before a certificate names a place to ask at.
///
/// # Errors
/// The bundle cannot be read.
pub fn checker(
    application: &Application<'_>,
    flags: &RevocationFlags,
) -> Result<SourcedRevocationChecker, Failure> {
    let mut sources = RevocationSources::default();
    if let Some(directory) = &flags.revocation_bundle {
        let bundle = OfflineBundle::read(directory).map_err(|error| {
            let doing = "cannot use the revocation bundle";
            Failure::because(FailureKind::Policy, doing, &error)
        })?;
        sources.bundle = Some(Arc::new(bundle));
    }
    if !flags.revocation_offline {
        let proxies = &application.environment.proxies;
        let proxy = HttpProxy {
            url: proxies.http.clone(),
            exceptions: proxies.no_proxy.clone(),
        };
        sources.fetcher = Some(Arc::new(HttpFetcher::new(USER_AGENT, proxy)));
    }
    sources.cache = Some(CrlCache::new(application.directories.cache()));
    let settings = RevocationSettings {
        allow_private_addresses: flags.revocation_private_addresses,
        ..RevocationSettings::default()
    };
    Ok(SourcedRevocationChecker::new(
        sources,
        settings,
        Budget::new(REVOCATION_BUDGET),
    ))
}
