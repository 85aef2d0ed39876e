//! The one place that the settings name. Nothing is searched: each place would be a request.

use notary_plugin_sdk::{CertificateBundle, Context, PluginError, Settings, settings};
use serde_json::{Value, json};

use super::kv::Secret;
use crate::client::Call;
use crate::key_id::KeyAddress;
use crate::session::Session;
use crate::settings::{KV_MOUNT, KV_PATH};
use crate::transit::KeyVersion;

/// Where the certificates of a key are.
#[derive(Debug)]
pub(crate) enum Place {
    /// In the file or directory of the setting `certificates`.
    File,
    /// In a secret of a KV engine.
    Kv(Secret),
    /// Beside the key, in Transit.
    Transit,
}

impl Place {
    /// The place for a key: `certificates` before KV before Transit.
    ///
    /// # Errors
    /// `VALIDATION_ERROR` where a path cannot be one.
    pub(crate) fn of_settings(
        address: &KeyAddress,
        settings: &Settings,
    ) -> Result<Self, PluginError> {
        if settings.path(&settings::CERTIFICATES).is_some() {
            return Ok(Self::File);
        }
        let in_kv = settings.get(&KV_MOUNT).is_some() || settings.get(&KV_PATH).is_some();
        if in_kv {
            return Secret::of_settings(address, settings).map(Self::Kv);
        }
        Ok(Self::Transit)
    }

    /// The certificates, in any order. `version` is asked for where they are kept beside the key.
    ///
    /// # Errors
    /// `VALIDATION_ERROR` where there are none.
    pub(crate) async fn load(
        &self,
        version: impl Future<Output = Result<KeyVersion, PluginError>>,
        address: &KeyAddress,
        session: &Session,
        context: &Context,
    ) -> Result<CertificateBundle, PluginError> {
        let mut bundle = CertificateBundle::new();
        match self {
            Self::File => bundle.add_setting(context.settings(), &settings::CERTIFICATES)?,
            Self::Kv(secret) => secret.load(&mut bundle, session, context).await?,
            Self::Transit => {
                let version = version.await?;
                let origin = format!("{} version {}", address.key_path(), version.number);
                bundle.note_place(&origin);
                if !version.certificate_chain.trim().is_empty() {
                    bundle.add_bytes(version.certificate_chain.as_bytes(), &origin)?;
                }
                bundle.note_place("`certificates` (not set)");
                bundle.note_place("`kvName` and `kv_path` (not set)");
            }
        }
        Ok(bundle)
    }

    /// The requests of [`store`](Self::store), so that permissions can be asked for before anything is done.
    pub(crate) fn paths_to_store(
        &self,
        address: &KeyAddress,
    ) -> Vec<(String, &'static [&'static str])> {
        match self {
            Self::File => Vec::new(),
            Self::Kv(secret) => secret.paths_to_store(),
            Self::Transit => vec![(set_certificate_path(address), &["update"])],
        }
    }

    /// Stores a chain (PEM, leaf first) for one version of a key, and says where.
    ///
    /// # Errors
    /// `VALIDATION_ERROR` for a file, which is the user's to write; else what the server says.
    pub(crate) async fn store(
        &self,
        chain: &str,
        version: u32,
        address: &KeyAddress,
        session: &Session,
        context: &Context,
    ) -> Result<String, PluginError> {
        match self {
            Self::File => Err(PluginError::validation(
                "`certificates` names a file, which is not written: unset it, or use --out",
            )),
            Self::Kv(secret) => secret.store(chain, session, context).await,
            Self::Transit => {
                let path = set_certificate_path(address);
                let body: Value = json!({ "certificate_chain": chain, "version": version });
                session.ask(&Call::write(path, body), context).await?;
                Ok(format!("{} version {version}", address.key_path()))
            }
        }
    }
}

fn set_certificate_path(address: &KeyAddress) -> String {
    format!("{}/set-certificate", address.key_path())
}
