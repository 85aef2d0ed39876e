//! Tokens as the SDK sees them: a provider of keys.

use std::cell::RefCell;
use std::rc::Rc;

use notary_plugin_protocol::KeyId;
use notary_plugin_sdk::{
    BackendSignature, CertificateBundle, Context, Diagnosis, KeyListing, KeyProvider, PluginError,
    SigningInput, SigningKey, settings,
};
use notary_x509::{Certificate, PublicKey};

use crate::address::{KeyAddress, token_of_settings};
use crate::connections::Connections;
use crate::located_key::LocatedKey;
use crate::worker::{Answer, Client, Operation};

/// All tokens that these settings reach. Which of them is meant is part of the key id, so that nothing
/// can be opened before there is one.
pub(crate) struct Tokens {
    connections: Rc<Connections>,
}

/// A key on a token.
pub(crate) struct Key {
    connections: Rc<Connections>,
    address: KeyAddress,
    located: RefCell<Rc<LocatedKey>>,
    public_key: PublicKey,
}

impl KeyProvider for Tokens {
    type Key = Key;

    async fn open(_: &Context) -> Result<Self, PluginError> {
        Ok(Self {
            connections: Rc::default(),
        })
    }

    async fn find_key(&self, key_id: &KeyId, context: &Context) -> Result<Key, PluginError> {
        let address = KeyAddress::of_key(key_id, context.settings())?;
        Key::find(Rc::clone(&self.connections), address, context).await
    }

    async fn list_keys(&self, context: &Context) -> Result<Vec<KeyListing>, PluginError> {
        let address = token_of_settings(context.settings())?;
        let worker = self.connections.worker(&address, context).await?;
        let Answer::Keys(keys) = worker.ask(Operation::ListKeys, context.deadline()).await? else {
            return Err(Client::confused());
        };
        Ok(keys
            .into_iter()
            .map(|key| {
                let public_key = key
                    .public_key
                    .as_deref()
                    .map(PublicKey::from_spki_der)
                    .and_then(Result::ok);
                let key_spec = public_key.as_ref().and_then(|key| key.key_spec().ok());
                let unsupported = public_key
                    .filter(|_| key_spec.is_none())
                    .map(|key| format!("{} is outside the specification", key.kind()));
                KeyListing {
                    key_id: key.uri,
                    key_spec: key_spec.filter(|_| key.obstacle.is_none()),
                    state: if key.obstacle.is_none() {
                        "enabled"
                    } else {
                        "cannot sign"
                    }
                    .to_owned(),
                    certificate: key.certificate,
                    note: key.obstacle.or(unsupported),
                }
            })
            .collect())
    }

    async fn diagnose(context: &Context, diagnosis: &mut Diagnosis) {
        crate::diagnosis::examine(context, diagnosis).await;
    }
}

impl Key {
    async fn find(
        connections: Rc<Connections>,
        address: KeyAddress,
        context: &Context,
    ) -> Result<Self, PluginError> {
        let worker = connections.worker(&address.token, context).await?;
        let located = LocatedKey::find(worker, address.object.clone(), context).await?;
        let public_key = located.public_key.clone();
        Ok(Self {
            connections,
            address,
            located: RefCell::new(Rc::new(located)),
            public_key,
        })
    }

    /// The key at a worker that lives: in a warm session a key outlives the worker that found it, if that
    /// was ended because the module hung or crashed.
    async fn located(&self, context: &Context) -> Result<Rc<LocatedKey>, PluginError> {
        let known = Rc::clone(&self.located.borrow());
        if known.worker.is_alive() {
            return Ok(known);
        }
        let worker = self
            .connections
            .worker(&self.address.token, context)
            .await?;
        let located = LocatedKey::find(worker, self.address.object.clone(), context).await?;
        if located.public_key != self.public_key {
            return Err(PluginError::error(
                "another key now answers to this key id: end the session and begin a new one",
            ));
        }
        let located = Rc::new(located);
        *self.located.borrow_mut() = Rc::clone(&located);
        Ok(located)
    }
}

impl SigningKey for Key {
    async fn public_key(&self, _: &Context) -> Result<PublicKey, PluginError> {
        Ok(self.public_key.clone())
    }

    async fn sign(
        &self,
        input: &SigningInput,
        context: &Context,
    ) -> Result<BackendSignature, PluginError> {
        let key = self.located(context).await?;
        let operation = Operation::Sign {
            key: key.found.number,
            key_spec: input.key_spec(),
            payload: input.payload().to_vec(),
        };
        match key.worker.ask(operation, context.deadline()).await? {
            Answer::Signature(signature) => Ok(BackendSignature::Raw(signature)),
            _ => Err(Client::confused()),
        }
    }

    async fn certificates(&self, context: &Context) -> Result<CertificateBundle, PluginError> {
        let key = self.located(context).await?;
        let operation = Operation::Certificates {
            key: key.found.number,
        };
        let Answer::Certificates(found) = key.worker.ask(operation, context.deadline()).await?
        else {
            return Err(Client::confused());
        };
        let mut bundle = CertificateBundle::new();
        let origin = key.origin();
        bundle.note_place(&origin);
        for der in found {
            // Tokens hold certificates of other people as well; a broken one of those is no reason to
            // fail, and a broken one of ours is missed below.
            if let Ok(certificate) = Certificate::from_der(&der) {
                bundle.add_certificate(certificate, origin.clone());
            }
        }
        bundle.add_setting(context.settings(), &settings::CERTIFICATES)?;
        Ok(bundle)
    }
}
