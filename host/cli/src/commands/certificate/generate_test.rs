//! `certificate generate-test`

use std::fs;
use std::path::Path;

use apostille_trust::store::StoreType;
use clap::Args;
use notary_plugin_protocol::KeySpec;
use notary_x509::{
    Certificate, Name, PrivateKey, SelfSignedCertificate, SelfSignedTemplate, SerialNumber,
};
use time::{Duration, OffsetDateTime};

use super::add::add_file;
use super::{Store, store_name};
use crate::application::Application;
use crate::durable_file;
use crate::failure::{Failure, FailureKind};
use crate::signing_keys::{KeySource, SigningKey, SigningKeys, SigningKeysError};
use crate::{times, usage};

/// Make a key and a self-signed certificate for tests
#[derive(Args, Debug)]
pub struct GenerateTest {
    /// Size of the RSA key: 2048, 3072 or 4096
    #[arg(short, long, value_name = "int", default_value = "2048", allow_hyphen_values = true, value_parser = usage::integer)]
    bits: i64,
    /// Make it the default key
    #[arg(long)]
    default: bool,
    #[arg(value_name = "common_name")]
    arguments: Vec<String>,
}

/// As long as the certificate is trusted: a day, so that nobody comes to rely on it.
const LIFETIME: Duration = Duration::hours(24);

impl GenerateTest {
    pub(super) fn run(self, application: &mut Application<'_>) -> Result<(), Failure> {
        let name = self
            .arguments
            .first()
            .ok_or_else(|| Failure::usage("missing certificate common_name"))?;
        let store = Store {
            store_type: StoreType::Ca,
            name: store_name(name).map_err(|_| bad_name())?,
        };
        let key_spec = key_spec(self.bits)?;
        refuse_existing(application, name)?;
        let (key_path, cert_path) = (
            application.directories.local_key(name),
            application.directories.local_certificate(name),
        );

        application
            .console
            .line(format!("generating RSA Key with {} bits", self.bits))?;
        let (key, certificate) = generate(name, key_spec)?;
        let expiry = times::rfc3339(certificate.not_after());
        application
            .console
            .line(format!("generated certificate expiring on {expiry}"))?;
        let pem = key
            .to_pkcs8_pem()
            .map_err(|error| cannot("encode the key", &error))?;
        write(&key_path, pem.as_bytes(), 0o600, "key")?;
        application
            .console
            .line(format!("wrote key: {}", key_path.display()))?;
        write(
            &cert_path,
            certificate.to_pem().as_bytes(),
            0o644,
            "certificate",
        )?;
        application
            .console
            .line(format!("wrote certificate: {}", cert_path.display()))?;

        let file = add_file(application, &store, &cert_path).map_err(Failure::general)?;
        application.console.line(format!(
            "Successfully added {file} to named store {name} of type ca"
        ))?;
        let source = KeySource::Local {
            key_path,
            cert_path,
        };
        let entry = SigningKey::new(name.clone(), source);
        SigningKeys::change(&application.directories.signing_keys(), |list| {
            list.add(entry, self.default)
        })?;
        application
            .console
            .line(format!("{name}: added to the key list"))?;
        if self.default {
            application
                .console
                .line(format!("{name}: marked as default signing key"))?;
        }
        Ok(())
    }
}

/// The name that no store can have.
pub(super) fn bad_name() -> Failure {
    Failure::usage("name needs to follow [a-zA-Z0-9_.-]+ format")
}

fn key_spec(bits: i64) -> Result<KeySpec, Failure> {
    match bits {
        2048 => Ok(KeySpec::Rsa2048),
        3072 => Ok(KeySpec::Rsa3072),
        4096 => Ok(KeySpec::Rsa4096),
        _ => Err(Failure::usage(format!(
            "no signature can be made with an RSA key of {bits} bits; choose 2048, 3072 or 4096"
        ))),
    }
}

/// Before anything is written: what is there already would be left half replaced.
fn refuse_existing(application: &Application<'_>, name: &str) -> Result<(), Failure> {
    let directories = &application.directories;
    for (path, what) in [
        (directories.local_key(name), "key"),
        (directories.local_certificate(name), "certificate"),
    ] {
        if fs::symlink_metadata(&path).is_ok() {
            let text = format!(
                "failed to write {what} file: {}: file exists",
                path.display()
            );
            return Err(Failure::general(text).hint(format!(
                "To remove it, use `apostille cert cleanup-test {name}`"
            )));
        }
    }
    if SigningKeys::load(&directories.signing_keys())?
        .find(Some(name))
        .is_ok()
    {
        return Err(SigningKeysError::Exists(name.to_owned()).into());
    }
    Ok(())
}

fn generate(name: &str, key_spec: KeySpec) -> Result<(PrivateKey, Certificate), Failure> {
    let now = OffsetDateTime::now_utc();
    let make = || {
        let key = PrivateKey::generate(key_spec)?;
        let template = SelfSignedTemplate {
            subject: Name::from_rfc4514(&format!("CN={name},O=Notary,L=Seattle,ST=WA,C=US"))?,
            subject_alt_names: Vec::new(),
            not_before: now,
            not_after: now + LIFETIME,
            serial: SerialNumber::random()?,
        };
        let unsigned = SelfSignedCertificate::prepare(&template, key.public_key())?;
        let signature = key.sign(unsigned.to_be_signed())?;
        let certificate = unsigned.assemble(&signature)?;
        Ok((key, certificate))
    };
    make().map_err(|error: notary_x509::Error| cannot("make a test key and certificate", &error))
}

fn cannot(doing: &str, error: &dyn std::error::Error) -> Failure {
    Failure::because(FailureKind::General, format!("cannot {doing}"), error)
}

fn write(path: &Path, contents: &[u8], mode: u32, what: &str) -> Result<(), Failure> {
    path.parent()
        .into_iter()
        .for_each(durable_file::remove_abandoned);
    durable_file::create_new(path, contents, mode).map_err(|error| {
        let doing = format!("failed to write {what} file {}", path.display());
        Failure::because(FailureKind::General, doing, &error)
    })
}
