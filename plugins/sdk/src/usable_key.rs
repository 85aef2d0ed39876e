//! A key with what was learnt about it, and signatures that are checked before anybody sees them.

use std::{cell::Cell, rc::Rc};

use notary_plugin_protocol::{ErrorCode, KeySpec, RawSignature};
use notary_x509::PublicKey;
use tokio::sync::OnceCell;

use crate::{
    BackendSignature, Context, PluginError, SigningInput, erased::OpenKey, key_chain::KeyChain,
};

/// A key that was found. Its public key and chain are asked for once.
pub(crate) struct UsableKey {
    key: Rc<dyn OpenKey>,
    public_key: OnceCell<PublicKey>,
    chain: OnceCell<KeyChain>,
    /// Key and certificate turned out not to belong together, or not to be usable now.
    misfit: Cell<bool>,
}

/// A signature and the chain whose leaf verifies it.
pub(crate) struct Signed {
    pub(crate) signature: RawSignature,
    pub(crate) chain: KeyChain,
}

impl UsableKey {
    pub(crate) fn new(key: Rc<dyn OpenKey>) -> Self {
        Self {
            key,
            public_key: OnceCell::new(),
            chain: OnceCell::new(),
            misfit: Cell::new(false),
        }
    }

    /// Whether key and certificate turned out not to belong together, or not to be usable now.
    pub(crate) fn is_misfit(&self) -> bool {
        self.misfit.get()
    }

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
        let public_key = self.public_key(context).await?;
        verified(signature, &input, public_key)?.ok_or_else(|| {
            PluginError::error(
                "the signature does not verify with the key's own public key: the key service is broken",
            )
        })
    }

    /// The chain of the key's certificate, complete and in order. Its rules are not checked yet.
    pub(crate) async fn chain(&self, context: &Context) -> Result<&KeyChain, PluginError> {
        let load = || async {
            let bundle = self.key.certificates(context).await?;
            KeyChain::of(&bundle, self.public_key(context).await?)
        };
        self.chain.get_or_try_init(load).await
    }

    /// As [`chain`](Self::chain), but asks the backend for the public key only if the certificates leave a
    /// doubt about which of them is the leaf.
    async fn chain_by_certificates(
        &self,
        key_spec: KeySpec,
        context: &Context,
    ) -> Result<&KeyChain, PluginError> {
        let load = || async {
            let bundle = self.key.certificates(context).await?;
            match bundle.only_leaf(key_spec) {
                Some(leaf) => KeyChain::of(&bundle, leaf.public_key()),
                None => KeyChain::of(&bundle, self.public_key(context).await?),
            }
        };
        self.chain.get_or_try_init(load).await
    }

    /// Remembers that what is known about the certificates was found wrong.
    fn fits<T>(&self, check: Result<T, PluginError>) -> Result<T, PluginError> {
        if let Err(error) = &check
            && *error.code() == ErrorCode::ValidationError
        {
            self.misfit.set(true);
        }
        check
    }

    /// Signs, and returns a chain whose leaf verifies the signature.
    pub(crate) async fn sign_with_chain(
        &self,
        input: SigningInput,
        context: &Context,
    ) -> Result<Signed, PluginError> {
        let (chain, signature) = if self.key.knows_public_key() {
            // Nothing is signed unless the certificate fits: in an HSM every signature is on record.
            self.fits(check_key_spec(
                self.public_key(context).await?,
                input.key_spec(),
            ))?;
            let chain = self.fits(self.chain(context).await)?;
            self.fits(chain.check_rules())?;
            (chain, self.key.sign(&input, context).await?)
        } else {
            // Two services over a network, asked at the same time.
            tokio::try_join!(
                async { self.fits(self.chain_by_certificates(input.key_spec(), context).await) },
                self.key.sign(&input, context)
            )?
        };
        self.fits(check_key_spec(chain.leaf().public_key(), input.key_spec()))?;
        self.fits(chain.check_rules())?;
        let leaf_key = chain.leaf().public_key();
        let Some(signature) = verified(signature, &input, leaf_key)? else {
            self.misfit.set(true);
            let explained = self.key.explain_mismatch(leaf_key, context).await;
            return Err(explained.unwrap_or_else(|| mismatch(chain)));
        };
        Ok(Signed {
            signature,
            chain: chain.clone(),
        })
    }
}

/// What is known without asking the backend why a signature does not verify.
fn mismatch(chain: &KeyChain) -> PluginError {
    PluginError::error(format!(
        "the key's signature does not verify with certificate {}: it belongs to another key or key version, or the key service is broken",
        chain.place_of(chain.leaf())
    ))
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

/// The signature in the protocol's encoding if the public key confirms it.
fn verified(
    signature: BackendSignature,
    input: &SigningInput,
    public_key: &PublicKey,
) -> Result<Option<RawSignature>, PluginError> {
    let signature = signature.into_raw(input.key_spec())?;
    let confirmed = public_key.verify(
        input.signing_algorithm(),
        input.payload(),
        signature.as_bytes(),
    );
    Ok(confirmed.is_ok().then_some(signature))
}
