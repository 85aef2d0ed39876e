//! Where the certificates of a key are kept: KMS keeps none.
//!
//! Nothing is searched, since each place is a request and a permission: what the settings name is read, all of
//! it at the same time. Several may be named: a leaf in one place, a root in a file.

#[cfg(feature = "acm")]
mod acm;
#[cfg(feature = "s3")]
mod object;
#[cfg(feature = "ssm")]
mod parameter;
#[cfg(feature = "secrets-manager")]
mod secret;

use std::rc::Rc;

use futures::future::try_join_all;
use notary_plugin_sdk::{CertificateBundle, Context, PluginError, Setting, settings};

use crate::connection::{Aws, Regional};
use crate::key_id::Arn;
use crate::settings::{
    CERTIFICATE_ARN, CERTIFICATE_OBJECT, CERTIFICATE_PARAMETER, CERTIFICATE_SECRET,
};

/// A service that keeps certificates.
#[derive(Clone, Copy, Debug)]
enum Service {
    Parameter,
    Secret,
    Object,
    Acm,
}

const PLACES: [(Setting, Service); 4] = [
    (CERTIFICATE_PARAMETER, Service::Parameter),
    (CERTIFICATE_SECRET, Service::Secret),
    (CERTIFICATE_OBJECT, Service::Object),
    (CERTIFICATE_ARN, Service::Acm),
];

/// What a service had, and its name for messages.
#[derive(Debug)]
struct Found {
    content: Vec<u8>,
    origin: String,
}

/// The certificates that the settings name, in any order.
///
/// # Errors
/// `VALIDATION_ERROR` where a place has none, or what the service says.
pub(crate) async fn load(
    aws: &Aws,
    regional: &Rc<Regional>,
    context: &Context,
) -> Result<CertificateBundle, PluginError> {
    let settings = context.settings();
    let named: Vec<(&str, Service)> = PLACES
        .iter()
        .filter_map(|(setting, service)| Some((settings.get(setting)?, *service)))
        .collect();
    let mut bundle = CertificateBundle::new();
    if named.is_empty() || settings.path(&settings::CERTIFICATES).is_some() {
        bundle.add_setting(settings, &settings::CERTIFICATES)?;
    }
    if named.is_empty() {
        bundle.note_place("`certificate_parameter`, `certificate_secret`, `certificate_object` and `certificate_arn` (not set)");
    }
    let fetched = named
        .into_iter()
        .map(|(name, service)| fetch(service, name, aws, regional, context));
    for found in try_join_all(fetched).await? {
        bundle.add_bytes(&found.content, &found.origin)?;
    }
    Ok(bundle)
}

async fn fetch(
    service: Service,
    name: &str,
    aws: &Aws,
    regional: &Rc<Regional>,
    context: &Context,
) -> Result<Found, PluginError> {
    let elsewhere = Arn::parse(name)
        .map(|arn| arn.region)
        .filter(|region| !region.is_empty() && *region != regional.name());
    let regional = match elsewhere {
        Some(region) => aws.region(Some(region), context).await?,
        None => Rc::clone(regional),
    };
    match service {
        #[cfg(feature = "ssm")]
        Service::Parameter => parameter::fetch(name, &regional, context).await,
        #[cfg(feature = "secrets-manager")]
        Service::Secret => secret::fetch(name, &regional, context).await,
        #[cfg(feature = "s3")]
        Service::Object => object::fetch(name, &regional, context).await,
        #[cfg(feature = "acm")]
        Service::Acm => acm::fetch(name, &regional, context).await,
        #[cfg(not(all(
            feature = "acm",
            feature = "s3",
            feature = "secrets-manager",
            feature = "ssm"
        )))]
        other => Err(PluginError::validation(format!(
            "{name} in {} cannot be read: this build of the plugin was made without the cargo feature for {other:?}",
            regional.name()
        ))),
    }
}
