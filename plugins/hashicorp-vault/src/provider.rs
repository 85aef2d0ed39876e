//! Transit as the SDK sees it: a provider of keys.

use std::cell::Cell;
use std::rc::Rc;

use futures::StreamExt as _;
use futures::stream;
use notary_plugin_protocol::KeyId;
use notary_plugin_sdk::{
    BackendSignature, CertificateBundle, Context, Diagnosis, KeyListing, KeyProvider, PluginError,
    SigningInput, SigningKey,
};
use notary_x509::{PublicKey, parse_certificates};
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::OnceCell;

use crate::certificates::Place;
use crate::client::{Call, found_nothing};
use crate::key_id::KeyAddress;
use crate::path::VaultPath;
use crate::session::Session;
use crate::settings::{ALLOW_EXPORTABLE, TRANSIT_MOUNT};
use crate::transit::{KeyRecord, KeyVersion, VersionedSignature, sign_request};

/// Keys that are read at the same time for a list.
const READ_TOGETHER: usize = 8;

/// The keys of a server.
pub(crate) struct Vault {
    session: Rc<Session>,
}

/// A Transit key. What a request does not need is not asked for.
pub(crate) struct TransitKey {
    session: Rc<Session>,
    address: KeyAddress,
    place: Place,
    record: OnceCell<KeyRecord>,
    /// The version that made the last signature.
    signed_by: Cell<Option<u32>>,
}

#[derive(Deserialize)]
struct Names {
    keys: Vec<String>,
}

impl KeyProvider for Vault {
    type Key = TransitKey;

    async fn open(context: &Context) -> Result<Self, PluginError> {
        let session = Rc::new(Session::open(context).await?);
        Ok(Self { session })
    }

    async fn find_key(&self, key_id: &KeyId, context: &Context) -> Result<TransitKey, PluginError> {
        let address = KeyAddress::of_key(key_id, context.settings())?;
        TransitKey::new(Rc::clone(&self.session), address, context)
    }

    async fn list_keys(&self, context: &Context) -> Result<Vec<KeyListing>, PluginError> {
        let mount = context.settings().get(&TRANSIT_MOUNT).unwrap_or("transit");
        let mount = VaultPath::parse(mount, "the mount of the Transit engine")?;
        let call = Call::list(mount.join("keys"));
        let names = match self.session.ask(&call, context).await {
            Ok(answer) => answer.data::<Names>()?.keys,
            // An engine without keys has nothing at this path.
            Err(error) if found_nothing(&error) => Vec::new(),
            Err(error) => return Err(error),
        };
        let listings = stream::iter(names)
            .map(|name| self.listing(&mount, name, context))
            .buffered(READ_TOGETHER);
        Ok(listings.collect().await)
    }

    async fn diagnose(context: &Context, diagnosis: &mut Diagnosis) {
        crate::diagnosis::examine(context, diagnosis).await;
    }

    async fn close(self) {
        self.session.close().await;
    }
}

impl Vault {
    async fn listing(&self, mount: &VaultPath, name: String, context: &Context) -> KeyListing {
        let key_id = mount.join(format_args!("keys/{name}"));
        let answer = self.session.ask(&Call::read(key_id.clone()), context).await;
        match answer.and_then(|answer| answer.data::<KeyRecord>()) {
            Ok(record) => describe(key_id, &record),
            Err(error) => KeyListing {
                key_id,
                key_spec: None,
                state: "unreadable".to_owned(),
                certificate: None,
                note: Some(error.message().to_owned()),
            },
        }
    }
}

fn describe(key_id: String, record: &KeyRecord) -> KeyListing {
    let obstacle = record.obstacle();
    let latest = record
        .versions()
        .find(|version| version.number == record.latest_version);
    let certificate = latest
        .and_then(|version| parse_certificates(version.certificate_chain.as_bytes()).ok())
        .and_then(|chain| Some(chain.first()?.subject().to_string()));
    KeyListing {
        key_id,
        key_spec: record.key_spec(),
        state: match obstacle {
            None => format!("enabled, version {}", record.latest_version),
            Some(_) => "cannot sign".to_owned(),
        },
        certificate,
        note: obstacle,
    }
}

impl TransitKey {
    /// The key at an address; nothing is asked yet.
    pub(crate) fn new(
        session: Rc<Session>,
        address: KeyAddress,
        context: &Context,
    ) -> Result<Self, PluginError> {
        let place = Place::of_settings(&address, context.settings())?;
        Ok(Self {
            session,
            address,
            place,
            record: OnceCell::new(),
            signed_by: Cell::new(None),
        })
    }

    pub(crate) async fn record(&self, context: &Context) -> Result<&KeyRecord, PluginError> {
        let load = || async {
            let call = Call::read(self.address.key_path());
            match self.session.ask(&call, context).await {
                Ok(answer) => answer.data(),
                Err(error) if found_nothing(&error) => Err(PluginError::validation(format!(
                    "there is no key `{}` in the Transit engine at `{}`: `keys` lists those that exist",
                    self.address.name, self.address.mount
                ))),
                Err(error) => Err(error),
            }
        };
        self.record.get_or_try_init(load).await
    }

    /// The version that signs, if it may.
    pub(crate) async fn version(&self, context: &Context) -> Result<KeyVersion, PluginError> {
        let allow_exportable = context.settings().flag(&ALLOW_EXPORTABLE);
        self.record(context)
            .await?
            .signing_version(&self.address, allow_exportable)
    }
}

impl SigningKey for TransitKey {
    async fn public_key(&self, context: &Context) -> Result<PublicKey, PluginError> {
        let version = self.version(context).await?;
        if let Some(key) = version.public_key {
            return Ok(key);
        }
        if !self.record(context).await?.is_managed() {
            return Err(PluginError::error(format!(
                "{}: the server tells no public key for version {}",
                self.address.key_path(),
                version.number
            )));
        }
        // A managed key lives in an HSM behind the server; its certificate tells what it is.
        let bundle = self.certificates(context).await?;
        let leaf = bundle.iter().find(|(certificate, _)| !certificate.is_ca());
        leaf.map(|(leaf, _)| leaf.public_key().clone()).ok_or_else(|| {
            PluginError::validation(format!(
                "{} is a managed key without a public half: its certificate has to be configured",
                self.address.key_path()
            ))
        })
    }

    fn knows_public_key(&self) -> bool {
        self.record.initialized()
    }

    async fn sign(
        &self,
        input: &SigningInput,
        context: &Context,
    ) -> Result<BackendSignature, PluginError> {
        let call = sign_request(&self.address, input);
        let answer: Value = self.session.ask(&call, context).await?.data()?;
        let signature = VersionedSignature::parse(&answer, input.key_spec())?;
        if let Some(pinned) = self.address.version
            && pinned.get() != signature.version
        {
            return Err(PluginError::error(format!(
                "{}: version {pinned} was asked for, and version {} signed",
                self.address.key_path(),
                signature.version
            )));
        }
        self.signed_by.set(Some(signature.version));
        Ok(BackendSignature::Raw(signature.raw))
    }

    async fn certificates(&self, context: &Context) -> Result<CertificateBundle, PluginError> {
        let version = self.version(context);
        self.place
            .load(version, &self.address, &self.session, context)
            .await
    }

    async fn explain_mismatch(&self, leaf: &PublicKey, context: &Context) -> Option<PluginError> {
        let signer = self.signed_by.get()?;
        let path = self.address.key_path();
        // Not what is remembered: the key may have been rotated since.
        let answer = self.session.ask(&Call::read(&*path), context).await.ok()?;
        let record: KeyRecord = answer.data().ok()?;
        let owner = record
            .versions()
            .find(|version| version.public_key.as_ref() == Some(leaf));
        let message = match owner {
            Some(owner) if owner.number == signer => return None,
            Some(owner) => format!(
                "{path}: version {signer} signed, but the certificate belongs to version {}: get a certificate for version {signer}, or pin the old one by the key id `{}@{}`",
                owner.number, path, owner.number
            ),
            None => format!(
                "{path}: version {signer} signed, but the certificate belongs to no version of this key (the latest is {}): it is another key's",
                record.latest_version
            ),
        };
        Some(PluginError::validation(message))
    }
}
