//! Signs with keys of {{service}}.
//!
//! What is left to write is marked with "Here:". Everything else (the protocol, deadlines, checks of
//! signatures and certificate chains, warm sessions, and the commands that people type) is the SDK's.

use std::process::ExitCode;

use notary_plugin_sdk::{
    BackendSignature, CertificateBundle, Context, Diagnosis, KeyListing, KeyProvider, Plugin,
    PluginDescription, PluginError, Setting, SigningInput, SigningKey, protocol::KeyId,
    settings::CERTIFICATES, x509::PublicKey,
};

/// Here: declare every setting, with the environment variable that users of the service know.
const ENDPOINT: Setting =
    Setting::text("endpoint", "URL of the service").default("https://kms.example.com");
const TOKEN: Setting = Setting::secret("EXAMPLE_TOKEN", "Token to log in with").refused_as("token");

static DESCRIPTION: PluginDescription = PluginDescription {
    name: "{{plugin_name}}",
    version: env!("CARGO_PKG_VERSION"),
    url: "{{url}}",
    description: "Signs with keys of {{service}}",
    settings: &[ENDPOINT, TOKEN, CERTIFICATES],
};

/// A logged-in client of the service.
struct Service;

/// One key of the service.
struct Key;

/// Here: replace every use of this.
fn unfinished(what: &str) -> PluginError {
    PluginError::error(format!("this plugin is not finished: {what}"))
}

impl KeyProvider for Service {
    type Key = Key;

    async fn open(context: &Context) -> Result<Self, PluginError> {
        let _endpoint = context.settings().required(&ENDPOINT)?;
        let _token = context.settings().required_secret(&TOKEN)?;
        // Here: connect and log in. Wrap calls that may be throttled in `context.retry(…)`, and map the
        // service's errors: `PluginError::from_http_status` knows what most statuses mean.
        Ok(Self)
    }

    async fn find_key(&self, _key_id: &KeyId, _context: &Context) -> Result<Key, PluginError> {
        // Here: resolve names and versions once, so that key and certificate cannot part in between.
        Ok(Key)
    }

    async fn list_keys(&self, _context: &Context) -> Result<Vec<KeyListing>, PluginError> {
        Err(unfinished("list_keys"))
    }

    async fn diagnose(context: &Context, diagnosis: &mut Diagnosis) {
        // Here: which credentials won and who that is, whether the endpoint answers, and its clock.
        match context.settings().secret(&TOKEN) {
            Some(_) => diagnosis.ok("credentials", "EXAMPLE_TOKEN"),
            None => diagnosis.failure("credentials", "there are none", "set EXAMPLE_TOKEN"),
        }
    }
}

impl SigningKey for Key {
    async fn public_key(&self, _context: &Context) -> Result<PublicKey, PluginError> {
        // Here: `PublicKey::from_spki_der`.
        Err(unfinished("public_key"))
    }

    /// Here: `true` if `public_key` makes no call of its own.
    fn knows_public_key(&self) -> bool {
        false
    }

    async fn sign(
        &self,
        _input: &SigningInput,
        _context: &Context,
    ) -> Result<BackendSignature, PluginError> {
        // Here: most services take `input.digest()`. RSA must be PSS with a salt as long as the digest.
        // ECDSA in ASN.1, as most services return it, is `BackendSignature::EcdsaDer`.
        Err(unfinished("sign"))
    }

    async fn certificates(&self, context: &Context) -> Result<CertificateBundle, PluginError> {
        // Here: add what the service stores with the key. Order and strangers do not matter.
        let mut bundle = CertificateBundle::new();
        bundle.add_setting(context.settings(), &CERTIFICATES)?;
        Ok(bundle)
    }
}

fn main() -> ExitCode {
    Plugin::new(&DESCRIPTION).keys::<Service>().run()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_readme_lists_the_settings_as_they_are() {
        let readme = include_str!("../README.md");
        let table = DESCRIPTION.settings_table();
        assert!(
            readme.contains(&table),
            "README.md should contain:\n{table}"
        );
    }
}
