//! Providers that are open and keys that were found: what a warm session keeps between requests.

use std::{
    rc::Rc,
    time::{Duration, Instant},
};

use notary_plugin_protocol::{
    DescribeKeyRequest, DescribeKeyResponse, GenerateSignatureRequest, GenerateSignatureResponse,
    KeyId, KeySpec, RawSignature,
};
use notary_x509::{CertificateChain, PublicKey};
use time::OffsetDateTime;
use tokio::sync::{Mutex, OnceCell};

use crate::{
    BackendSignature, Context, KeyListing, PluginError, Settings, SigningInput,
    erased::{OpenKey, OpenProvider, ProviderKind},
};

/// How long a key and its chain are used without asking the backend again: short enough that a rotated key
/// or a renewed certificate is noticed, long enough that bulk signing does not pay for it.
const KEY_LIFETIME: Duration = Duration::from_secs(60);
/// Most configurations and keys that are kept; the oldest goes first. A host signs with one or two.
const MOST_KEPT: usize = 16;

/// The open providers of one process, by configuration.
pub(crate) struct Keyring<'p> {
    kind: &'p dyn ProviderKind,
    connections: Mutex<Vec<Connection>>,
}

struct Connection {
    settings: Settings,
    provider: Rc<dyn OpenProvider>,
    keys: Vec<(KeyId, Instant, Rc<UsableKey>)>,
}

impl<'p> Keyring<'p> {
    pub(crate) fn new(kind: &'p dyn ProviderKind) -> Self {
        Self {
            kind,
            connections: Mutex::new(Vec::new()),
        }
    }

    /// The provider for the configuration of this request, opened if it is not yet.
    pub(crate) async fn provider(
        &self,
        context: &Context,
    ) -> Result<Rc<dyn OpenProvider>, PluginError> {
        let mut connections = self.connections.lock().await;
        let connection = self.connection(&mut connections, context).await?;
        Ok(Rc::clone(&connection.provider))
    }

    async fn connection<'c>(
        &self,
        connections: &'c mut Vec<Connection>,
        context: &Context,
    ) -> Result<&'c mut Connection, PluginError> {
        let position = match connections
            .iter()
            .position(|open| open.settings == *context.settings())
        {
            Some(position) => position,
            None => {
                let provider = self.kind.open(context).await?;
                if connections.len() == MOST_KEPT {
                    connections.remove(0).close().await;
                }
                connections.push(Connection {
                    settings: context.settings().clone(),
                    provider,
                    keys: Vec::new(),
                });
                connections.len() - 1
            }
        };
        connections
            .get_mut(position)
            .ok_or_else(|| PluginError::error("the key provider is gone"))
    }

    /// The keys that the identity can see.
    pub(crate) async fn list_keys(
        &self,
        context: &Context,
    ) -> Result<Vec<KeyListing>, PluginError> {
        self.provider(context).await?.list_keys(context).await
    }

    /// The key that a key id means.
    pub(crate) async fn key(
        &self,
        key_id: &KeyId,
        context: &Context,
    ) -> Result<Rc<UsableKey>, PluginError> {
        let mut connections = self.connections.lock().await;
        let connection = self.connection(&mut connections, context).await?;
        connection
            .keys
            .retain(|(_, found, _)| found.elapsed() < KEY_LIFETIME);
        if let Some((_, _, key)) = connection.keys.iter().find(|(id, _, _)| id == key_id) {
            return Ok(Rc::clone(key));
        }
        let key = connection.provider.find_key(key_id, context).await?;
        let usable = Rc::new(UsableKey {
            key,
            public_key: OnceCell::new(),
            chain: OnceCell::new(),
        });
        if connection.keys.len() == MOST_KEPT {
            connection.keys.remove(0);
        }
        connection
            .keys
            .push((key_id.clone(), Instant::now(), Rc::clone(&usable)));
        Ok(usable)
    }

    /// Drops what is kept for the configuration of a request that failed, so that the next one begins
    /// afresh: the token may have been removed, the credentials may have expired.
    pub(crate) async fn forget(&self, context: &Context) {
        let mut connections = self.connections.lock().await;
        if let Some(position) = connections
            .iter()
            .position(|open| open.settings == *context.settings())
        {
            connections.remove(position).close().await;
        }
    }

    /// Ends everything in an orderly way.
    pub(crate) async fn close(&self) {
        for connection in self.connections.lock().await.drain(..) {
            connection.close().await;
        }
    }

    /// Answers `describe-key`.
    pub(crate) async fn describe_key(
        &self,
        request: &DescribeKeyRequest,
        context: &Context,
    ) -> Result<DescribeKeyResponse, PluginError> {
        let key = self.key(&request.key_id, context).await?;
        Ok(DescribeKeyResponse {
            key_id: request.key_id.clone(),
            key_spec: key.key_spec(context).await?,
        })
    }

    /// Answers `generate-signature`.
    pub(crate) async fn generate_signature(
        &self,
        request: GenerateSignatureRequest,
        context: &Context,
    ) -> Result<GenerateSignatureResponse, PluginError> {
        let key = self.key(&request.key_id, context).await?;
        let signed = key
            .sign_with_chain(
                SigningInput::new(request.payload, request.key_spec),
                context,
            )
            .await?;
        Ok(GenerateSignatureResponse {
            key_id: request.key_id,
            signature: signed.signature,
            certificate_chain: signed
                .chain
                .certificates()
                .iter()
                .map(|one| one.as_der().to_vec())
                .collect(),
        })
    }
}

impl Connection {
    async fn close(self) {
        drop(self.keys);
        self.provider.close().await;
    }
}

/// A key with what was learnt about it.
pub(crate) struct UsableKey {
    key: Rc<dyn OpenKey>,
    public_key: OnceCell<PublicKey>,
    chain: OnceCell<CertificateChain>,
}

pub(crate) struct Signed {
    pub(crate) signature: RawSignature,
    pub(crate) chain: CertificateChain,
}

impl UsableKey {
    pub(crate) async fn public_key(&self, context: &Context) -> Result<&PublicKey, PluginError> {
        self.public_key
            .get_or_try_init(|| self.key.public_key(context))
            .await
    }

    pub(crate) async fn key_spec(&self, context: &Context) -> Result<KeySpec, PluginError> {
        key_spec_of(self.public_key(context).await?)
    }

    /// Signs, and verifies the result with the public key.
    pub(crate) async fn sign(
        &self,
        payload: &[u8],
        context: &Context,
    ) -> Result<RawSignature, PluginError> {
        let input = SigningInput::new(payload.to_vec(), self.key_spec(context).await?);
        let signature = self.key.sign(&input, context).await?;
        verified(signature, &input, self.public_key(context).await?)
    }

    /// The chain of the key's certificate, complete and in order, valid now by the rules of the specification.
    pub(crate) async fn chain(&self, context: &Context) -> Result<&CertificateChain, PluginError> {
        let load = || async {
            let bundle = self.key.certificates(context).await?;
            bundle.chain_for(self.public_key(context).await?)
        };
        self.chain.get_or_try_init(load).await
    }

    /// As [`chain`](Self::chain), but asks the backend for the public key only if the certificates leave a
    /// doubt about which of them is the leaf.
    async fn chain_by_certificates(
        &self,
        key_spec: KeySpec,
        context: &Context,
    ) -> Result<&CertificateChain, PluginError> {
        let load = || async {
            let bundle = self.key.certificates(context).await?;
            match bundle.only_leaf(key_spec) {
                Some(leaf) => bundle.chain_for(leaf.public_key()),
                None => bundle.chain_for(self.public_key(context).await?),
            }
        };
        self.chain.get_or_try_init(load).await
    }

    /// Signs, and returns a chain whose leaf verifies the signature.
    async fn sign_with_chain(
        &self,
        input: SigningInput,
        context: &Context,
    ) -> Result<Signed, PluginError> {
        let (chain, signature) = if self.key.knows_public_key() {
            // Nothing is signed unless the certificate fits: in an HSM every signature is on record.
            check_key_spec(self.public_key(context).await?, input.key_spec())?;
            let chain = self.chain(context).await?;
            check_rules(chain)?;
            (chain, self.key.sign(&input, context).await?)
        } else {
            // Two services over a network, asked at the same time.
            tokio::try_join!(
                self.chain_by_certificates(input.key_spec(), context),
                self.key.sign(&input, context)
            )?
        };
        let leaf_key = chain.leaf().public_key();
        check_key_spec(leaf_key, input.key_spec())?;
        check_rules(chain)?;
        Ok(Signed {
            signature: verified(signature, &input, leaf_key)?,
            chain: chain.clone(),
        })
    }
}

fn key_spec_of(public_key: &PublicKey) -> Result<KeySpec, PluginError> {
    public_key.key_spec().map_err(|error| {
        PluginError::validation(format!("the key cannot make Notary signatures: {error}; use RSA with 2048, 3072 or 4096 bits, or the curves P-256, P-384 or P-521"))
    })
}

fn check_key_spec(public_key: &PublicKey, expected: KeySpec) -> Result<(), PluginError> {
    let found = key_spec_of(public_key)?;
    if found == expected {
        return Ok(());
    }
    Err(PluginError::validation(format!(
        "the request is for a key of spec {expected}, but the key is {found}"
    )))
}

pub(crate) fn check_rules(chain: &CertificateChain) -> Result<(), PluginError> {
    chain
        .check_code_signing(Some(OffsetDateTime::now_utc()))
        .map_err(|violation| {
            PluginError::validation(format!("the certificate chain cannot be used: {violation}"))
        })
}

/// The signature in the protocol's encoding, once the public key has confirmed it.
fn verified(
    signature: BackendSignature,
    input: &SigningInput,
    public_key: &PublicKey,
) -> Result<RawSignature, PluginError> {
    let signature = signature.into_raw(input.key_spec())?;
    public_key.verify(input.signing_algorithm(), input.payload(), signature.as_bytes()).map_err(|_| {
        PluginError::error(
            "the key's signature does not verify with the public key of the certificate: the certificate belongs to another key or key version, or the key service is broken",
        )
    })?;
    Ok(signature)
}
