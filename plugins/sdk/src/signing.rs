//! Signing keys that live elsewhere: the two traits behind every KMS and HSM plugin.
//!
//! From these few methods the SDK makes `describe-key`, `generate-signature`, and the commands for people:
//! `keys`, `csr`, `self-sign` and `doctor`.

use std::{fmt, future::Future};

use notary_plugin_protocol::{
    EcdsaSignature, HashAlgorithm, KeyId, KeySpec, RawSignature, SigningAlgorithm,
};
use notary_x509::PublicKey;
use sha2::{Digest, Sha256, Sha384, Sha512};

use crate::{CertificateBundle, Context, Diagnosis, PluginError};

/// A place where keys live: a token, a KMS account, a directory.
///
/// The SDK opens it when a command needs it (never for `get-plugin-metadata`) and, in a warm session, keeps
/// it open for all requests with the same configuration. So put log-in and connections into
/// [`open`](Self::open), and nothing else has to know about sessions.
#[allow(
    async_fn_in_trait,
    reason = "the SDK drives plugins on one thread, so no future has to be Send"
)]
pub trait KeyProvider: Sized + 'static {
    /// A key of this provider.
    type Key: SigningKey;

    /// Connects and logs in with the settings of the request.
    ///
    /// # Errors
    /// `ACCESS_DENIED` when the credentials are missing or wrong, `VALIDATION_ERROR` when the configuration
    /// cannot work, `TIMEOUT` when nobody answers.
    async fn open(context: &Context) -> Result<Self, PluginError>;

    /// Finds the one key that a key id means.
    ///
    /// # Errors
    /// `VALIDATION_ERROR` when there is none, or more than one: list the candidates.
    async fn find_key(&self, key_id: &KeyId, context: &Context) -> Result<Self::Key, PluginError>;

    /// The signing keys that this identity can see, for `keys`.
    ///
    /// # Errors
    /// The default says that this plugin cannot list keys.
    fn list_keys(
        &self,
        context: &Context,
    ) -> impl Future<Output = Result<Vec<KeyListing>, PluginError>> {
        let _ = context;
        std::future::ready(Err(PluginError::validation(
            "this plugin cannot list keys: pass the key id with --key-id",
        )))
    }

    /// Adds what only this backend can tell to `doctor`: which credentials won and who that is, whether the
    /// endpoint or module answers, clock skew. Runs before [`open`](Self::open), and with `open` failing
    /// for any reason, so it should examine and not assume. The SDK adds the rest itself: key found, key
    /// spec, a probe signature, the certificate chain.
    fn diagnose(context: &Context, diagnosis: &mut Diagnosis) -> impl Future<Output = ()> {
        let _ = (context, diagnosis);
        std::future::ready(())
    }

    /// Ends the connection in an orderly way: log out, revoke tokens. Called once at the end; a failure
    /// there does not change the answer, so there is nothing to return.
    fn close(self) -> impl Future<Output = ()> {
        std::future::ready(())
    }
}

/// One signing key.
#[allow(
    async_fn_in_trait,
    reason = "the SDK drives plugins on one thread, so no future has to be Send"
)]
pub trait SigningKey: 'static {
    /// The public half, from which the key spec follows.
    ///
    /// # Errors
    /// Whatever keeps the backend from telling.
    async fn public_key(&self, context: &Context) -> Result<PublicKey, PluginError>;

    /// Whether [`public_key`](Self::public_key) costs no round trip. If not, `generate-signature` does not
    /// ask for it: the signature is verified with the leaf certificate's key, which proves as much.
    fn knows_public_key(&self) -> bool {
        true
    }

    /// Signs the input. Return what the backend gave; the SDK converts it and verifies it with the leaf's
    /// public key before it leaves the process.
    ///
    /// # Errors
    /// Whatever keeps the backend from signing.
    async fn sign(
        &self,
        input: &SigningInput,
        context: &Context,
    ) -> Result<BackendSignature, PluginError>;

    /// The certificates that are known for this key, in any order and with unrelated ones among them: the
    /// SDK picks and orders the chain, checks it, and says what is missing and where it looked.
    ///
    /// # Errors
    /// Whatever keeps them from being read.
    async fn certificates(&self, context: &Context) -> Result<CertificateBundle, PluginError>;

    /// Says why a signature did not verify with the key of its certificate, when the backend can find out:
    /// that the certificate belongs to an earlier version of the key, say. Asked only then; `None` leaves it
    /// at what the SDK knows.
    fn explain_mismatch(
        &self,
        leaf: &PublicKey,
        context: &Context,
    ) -> impl Future<Output = Option<PluginError>> {
        let _ = (leaf, context);
        std::future::ready(None)
    }
}

/// What is to be signed: the payload, and its digest for backends that take that.
#[derive(Clone)]
pub struct SigningInput {
    payload: Vec<u8>,
    digest: Vec<u8>,
    key_spec: KeySpec,
}

impl SigningInput {
    /// A payload for a key of `key_spec`.
    #[must_use]
    pub fn new(payload: Vec<u8>, key_spec: KeySpec) -> Self {
        let digest = match key_spec.hash_algorithm() {
            HashAlgorithm::Sha256 => Sha256::digest(&payload).to_vec(),
            HashAlgorithm::Sha384 => Sha384::digest(&payload).to_vec(),
            HashAlgorithm::Sha512 => Sha512::digest(&payload).to_vec(),
        };
        Self {
            payload,
            digest,
            key_spec,
        }
    }

    /// The bytes to hash and sign.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// The hash of the payload by [`hash_algorithm`](Self::hash_algorithm): 32, 48 or 64 bytes.
    #[must_use]
    pub fn digest(&self) -> &[u8] {
        &self.digest
    }

    /// The key spec that the host was told.
    #[must_use]
    pub fn key_spec(&self) -> KeySpec {
        self.key_spec
    }

    /// The hash that the key spec prescribes. For RSA it is also the hash of MGF1, and its length that of
    /// the salt.
    #[must_use]
    pub fn hash_algorithm(&self) -> HashAlgorithm {
        self.key_spec.hash_algorithm()
    }

    /// RSASSA-PSS or ECDSA with that hash.
    #[must_use]
    pub fn signing_algorithm(&self) -> SigningAlgorithm {
        self.key_spec.signing_algorithm()
    }
}

impl fmt::Debug for SigningInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningInput")
            .field("key_spec", &self.key_spec)
            .field("length", &self.payload.len())
            .finish()
    }
}

/// A signature in the encoding that the backend uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BackendSignature {
    /// RSASSA-PSS bytes, or ECDSA r‖s of fixed width (PKCS#11, Azure Key Vault).
    Raw(Vec<u8>),
    /// ECDSA as ASN.1 `ECDSA-Sig-Value` (AWS KMS, Vault's default, most libraries).
    EcdsaDer(Vec<u8>),
}

impl BackendSignature {
    /// The signature as the protocol wants it.
    pub(crate) fn into_raw(self, key_spec: KeySpec) -> Result<RawSignature, PluginError> {
        match self {
            Self::Raw(bytes) => RawSignature::new(key_spec.signing_algorithm(), bytes),
            Self::EcdsaDer(der) => EcdsaSignature::from_der(key_spec, &der).and_then(|signature| {
                RawSignature::new(key_spec.signing_algorithm(), signature.as_raw().to_vec())
            }),
        }
        .map_err(|error| {
            PluginError::error(format!(
                "the key returned something that is no {key_spec} signature: {error}"
            ))
        })
    }
}

/// One line of `keys`.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyListing {
    /// What to pass as key id.
    pub key_id: String,
    /// `None` when the key cannot make Notary signatures.
    #[serde(serialize_with = "key_spec_name")]
    pub key_spec: Option<KeySpec>,
    /// `enabled`, `disabled`, … in the backend's words.
    pub state: String,
    /// Subject of the certificate that belongs to the key, if one is known.
    pub certificate: Option<String>,
    /// What else a person wants to know: why the key cannot sign, its label, its token.
    pub note: Option<String>,
}

fn key_spec_name<S: serde::Serializer>(
    key_spec: &Option<KeySpec>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serde::Serialize::serialize(&key_spec.map(|spec| spec.as_str()), serializer)
}
