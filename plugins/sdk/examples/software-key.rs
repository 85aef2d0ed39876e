//! A plugin that signs with a private key in a file: everything an author writes for a key of a KMS.
//!
//! For tests and to read; a key in a file needs no plugin.

use std::{fs, process::ExitCode};

use notary_plugin_sdk::{
    BackendSignature, CertificateBundle, Context, KeyProvider, Plugin, PluginDescription,
    PluginError, Setting, SigningInput, SigningKey,
    protocol::KeyId,
    settings::CERTIFICATES,
    x509::{PrivateKey, PublicKey},
};

const KEY_DIRECTORY: Setting = Setting::path(
    "key_directory",
    "Directory with the private keys (PEM); the key id is the file name",
)
.from_environment("SOFTWARE_KEY_DIRECTORY");

static DESCRIPTION: PluginDescription = PluginDescription {
    name: "software-key",
    version: env!("CARGO_PKG_VERSION"),
    url: "https://github.com/apostille/apostille",
    description: "Signs with private keys in files",
    settings: &[KEY_DIRECTORY, CERTIFICATES],
};

struct Directory(std::path::PathBuf);
struct Key(PrivateKey);

impl KeyProvider for Directory {
    type Key = Key;

    async fn open(context: &Context) -> Result<Self, PluginError> {
        Ok(Self(context.settings().required(&KEY_DIRECTORY)?.into()))
    }

    async fn find_key(&self, key_id: &KeyId, _: &Context) -> Result<Key, PluginError> {
        let pem = fs::read(self.0.join(key_id.as_str())).map_err(|error| {
            PluginError::validation(format!("key {}: {error}", key_id.as_str()))
        })?;
        PrivateKey::from_pem(&pem)
            .map(Key)
            .map_err(|error| PluginError::validation(error.to_string()))
    }
}

impl SigningKey for Key {
    async fn public_key(&self, _: &Context) -> Result<PublicKey, PluginError> {
        Ok(self.0.public_key().clone())
    }

    async fn sign(
        &self,
        input: &SigningInput,
        _: &Context,
    ) -> Result<BackendSignature, PluginError> {
        let signature = self
            .0
            .sign(input.payload())
            .map_err(|error| PluginError::error(error.to_string()))?;
        Ok(BackendSignature::Raw(signature))
    }

    async fn certificates(&self, context: &Context) -> Result<CertificateBundle, PluginError> {
        let mut bundle = CertificateBundle::new();
        bundle.add_setting(context.settings(), &CERTIFICATES)?;
        Ok(bundle)
    }
}

fn main() -> ExitCode {
    Plugin::new(&DESCRIPTION).keys::<Directory>().run()
}
