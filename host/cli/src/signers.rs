//! Which key signs: by flags, by name, or the default one.

use std::path::Path;

use apostille_core::{LocalSigner, PluginSigner, Signer, SignerError, SigningPurpose};
use apostille_plugins::{DiscoveryError, PluginDirectory, PluginExecutable};
use apostille_signature::EnvelopeFormat;
use notary_plugin_protocol::{KeyId, PluginConfig, PluginName};

use crate::application::Application;
use crate::config_file::{ConfigFile, ConfigFileError};
use crate::durable_file;
use crate::failure::{Failure, FailureKind, chain_of};
use crate::flags::SignerFlags;
use crate::key_uri::KeyUri;
use crate::signing_keys::{KeySource, SigningKeys, SigningKeysError};

/// Larger than any private key or certificate chain in a file.
const LARGEST_KEY_FILE: u64 = 1024 * 1024;

/// A signer that is described, not yet started.
#[derive(Debug)]
pub enum ChosenSigner {
    /// A key in a file.
    Local(Box<LocalSigner>),
    /// A key in a plugin.
    Plugin {
        /// The plugin.
        plugin: PluginExecutable,
        /// Its name for the key.
        key_id: KeyId,
        /// What it is told with every command.
        config: PluginConfig,
    },
}

impl ChosenSigner {
    /// Finds the signer that the flags ask for. Nothing is run yet.
    ///
    /// # Errors
    /// There is no such key, plugin or file.
    pub fn find(
        application: &Application<'_>,
        flags: &SignerFlags,
        plugins: &PluginDirectory,
        flag_config: PluginConfig,
    ) -> Result<Self, Failure> {
        if let (Some(id), Some(plugin)) = (&flags.id, &flags.plugin) {
            return Self::plugin(plugins, plugin, id, flag_config);
        }
        let path = application.directories.signing_keys();
        let keys = SigningKeys::load(&path)?;
        let key = match (keys.find(flags.key.as_deref()), &flags.key) {
            (Err(SigningKeysError::NotFound(_)), Some(name)) if KeyUri::is_one(name) => {
                let uri = KeyUri::parse(name)?;
                return Self::plugin(plugins, uri.plugin, &uri.key_id, flag_config);
            }
            (found, _) => found?,
        };
        match key.source() {
            Some(KeySource::Local {
                key_path,
                cert_path,
            }) => Self::local(&key.name, &key_path, &cert_path).map_err(|failure| {
                failure.hint(format!("The key is listed in {}", path.display()))
            }),
            Some(KeySource::Plugin {
                id,
                plugin_name,
                plugin_config,
            }) => {
                let stored: PluginConfig = plugin_config.into_iter().collect();
                Self::plugin(
                    plugins,
                    &plugin_name,
                    &id,
                    stored.overridden_by(&flag_config),
                )
            }
            None => {
                let text = format!(
                    "the key {} in {} has neither keyPath and certPath nor pluginName and id",
                    key.name,
                    path.display()
                );
                Err(Failure::general(text).hint(format!(
                    "Delete it with `apostille key delete {}` and add it again",
                    key.name
                )))
            }
        }
    }

    fn local(name: &str, key_path: &Path, cert_path: &Path) -> Result<Self, Failure> {
        let doing = format!("cannot sign with the key {name}");
        let read = |path| {
            read_key_file(path).map_err(|failure| {
                Failure::new(failure.kind(), format!("{doing}: {}", failure.message()))
            })
        };
        let (key, chain) = (read(key_path)?, read(cert_path)?);
        let signer = LocalSigner::from_files(&key, &chain).map_err(|error| {
            let files = format!("{} and {}", key_path.display(), cert_path.display());
            Failure::because(FailureKind::Signer, format!("{doing} in {files}"), &error)
        })?;
        Ok(Self::Local(Box::new(signer)))
    }

    fn plugin(
        plugins: &PluginDirectory,
        plugin: &str,
        id: &str,
        config: PluginConfig,
    ) -> Result<Self, Failure> {
        let key_id = KeyId::new(id).map_err(|_| Failure::usage("missing key id"))?;
        Ok(Self::Plugin {
            plugin: find_plugin(plugins, plugin)?,
            key_id,
            config,
        })
    }

    /// Starts the signer: a plugin is asked what it can do.
    ///
    /// # Errors
    /// The plugin fails or cannot sign for this purpose.
    pub async fn start(self, purpose: SigningPurpose) -> Result<Box<dyn Signer>, SignerError> {
        Ok(match self {
            Self::Local(signer) => signer,
            Self::Plugin {
                plugin,
                key_id,
                config,
            } => Box::new(PluginSigner::start(plugin, key_id, config, purpose).await?),
        })
    }
}

impl ChosenSigner {
    /// Starts the signer for many signatures: a plugin is kept running if it offers that.
    ///
    /// # Errors
    /// As for [`ChosenSigner::start`].
    pub async fn start_for_many(
        self,
        purpose: SigningPurpose,
    ) -> Result<Box<dyn Signer>, SignerError> {
        Ok(match self {
            Self::Local(signer) => signer,
            Self::Plugin {
                plugin,
                key_id,
                config,
            } => Box::new(
                PluginSigner::start(plugin, key_id, config, purpose)
                    .await?
                    .for_many(),
            ),
        })
    }
}

/// An installed plugin by name. Nothing is run.
///
/// # Errors
/// It is not there, or cannot be used.
pub fn find_plugin(plugins: &PluginDirectory, name: &str) -> Result<PluginExecutable, Failure> {
    let name: PluginName = name.parse().map_err(|error| {
        Failure::because(
            FailureKind::Usage,
            format!("{name:?} is not the name of a plugin"),
            &error,
        )
    })?;
    Ok(plugins.find(&name)?)
}

/// A file with a private key or certificates.
///
/// # Errors
/// It cannot be read, or is larger than any such file.
pub fn read_key_file(path: &Path) -> Result<Vec<u8>, Failure> {
    durable_file::read_limited(path, LARGEST_KEY_FILE).map_err(|error| {
        Failure::because(
            FailureKind::Signer,
            format!("cannot read {}", path.display()),
            &error,
        )
    })
}

const FORMATS: &str = "Supported signature envelope formats are \"jws\" and \"cose\"";

fn format_named(name: &str) -> Option<EnvelopeFormat> {
    match name {
        "jws" => Some(EnvelopeFormat::Jws),
        "cose" => Some(EnvelopeFormat::Cose),
        _ => None,
    }
}

/// The envelope format of the flag, else of the configuration, else JWS.
///
/// # Errors
/// An unknown format, or a malformed `config.json`.
pub fn envelope_format(
    application: &Application<'_>,
    flag: Option<&str>,
) -> Result<EnvelopeFormat, Failure> {
    if let Some(flag) = flag {
        return format_named(flag).ok_or_else(|| {
            Failure::usage(format!("signature format {flag:?} not supported")).hint(FORMATS)
        });
    }
    let file = application.directories.config_file();
    let configured = ConfigFile::load(&file)?
        .signature_format
        .filter(|format| !format.is_empty());
    let name = configured.as_deref().unwrap_or("jws");
    format_named(name).ok_or_else(|| {
        let text = format!(
            "signature format {name:?} not supported, which is the signatureFormat of {}",
            file.display()
        );
        Failure::general(text).hint(FORMATS)
    })
}

impl From<DiscoveryError> for Failure {
    fn from(error: DiscoveryError) -> Self {
        Self::new(FailureKind::Signer, chain_of(&error))
            .hint("To see what is installed, use `apostille plugin list`")
    }
}

impl From<SignerError> for Failure {
    fn from(error: SignerError) -> Self {
        Self::new(FailureKind::Signer, chain_of(&error))
    }
}

impl From<ConfigFileError> for Failure {
    fn from(error: ConfigFileError) -> Self {
        Self::new(FailureKind::General, chain_of(&error)).hint("Correct the file, or move it away")
    }
}
