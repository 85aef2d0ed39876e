//! Tokens as the SDK sees them: a provider of keys.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use notary_plugin_protocol::{ErrorCode, KeyId};
use notary_plugin_sdk::{
    BackendSignature, CertificateBundle, Context, Diagnosis, KeyListing, KeyProvider, PluginError,
    SigningInput, SigningKey, settings,
};
use notary_x509::{Certificate, PublicKey};

use crate::address::{KeyAddress, token_of_settings};
use crate::token::TokenAddress;
use crate::worker::{Answer, Client, FoundKey, Operation};

/// The tokens that were reached, each through a worker of its own that stays logged in.
pub(crate) struct Tokens {
    // Which token is meant is part of the key id, so that nothing can be opened before there is one.
    connections: RefCell<HashMap<TokenAddress, Rc<tokio::sync::Mutex<State>>>>,
}

/// How far we are with one token.
enum State {
    Unknown,
    Connected(Rc<Client>),
    /// The token refused the log-in. In a warm session, many requests may be under way: none of them may
    /// use up another try.
    Refused(PluginError),
}

/// A key on a token.
pub(crate) struct Key {
    worker: Rc<Client>,
    found: FoundKey,
    public_key: PublicKey,
}

impl Tokens {
    /// The worker for a token. Requests for one token that come at the same time wait for one log-in.
    async fn worker(
        &self,
        address: TokenAddress,
        context: &Context,
    ) -> Result<Rc<Client>, PluginError> {
        let state = Rc::clone(
            self.connections
                .borrow_mut()
                .entry(address.clone())
                .or_insert_with(|| Rc::new(tokio::sync::Mutex::new(State::Unknown))),
        );
        let mut state = state.lock().await;
        match &*state {
            State::Connected(worker) if worker.is_alive() => return Ok(Rc::clone(worker)),
            State::Refused(error) => return Err(error.clone()),
            State::Connected(_) | State::Unknown => {}
        }
        match Client::connect(address, false, context.deadline()).await {
            Ok(worker) => {
                let worker = Rc::new(worker);
                *state = State::Connected(Rc::clone(&worker));
                Ok(worker)
            }
            Err(error) => {
                if *error.code() == ErrorCode::AccessDenied {
                    *state = State::Refused(error.clone());
                }
                Err(error)
            }
        }
    }
}

impl KeyProvider for Tokens {
    type Key = Key;

    async fn open(_: &Context) -> Result<Self, PluginError> {
        Ok(Self {
            connections: RefCell::default(),
        })
    }

    async fn find_key(&self, key_id: &KeyId, context: &Context) -> Result<Key, PluginError> {
        let address = KeyAddress::of_key(key_id, context.settings())?;
        let worker = self.worker(address.token, context).await?;
        Key::find(worker, address.object, context).await
    }

    async fn list_keys(&self, context: &Context) -> Result<Vec<KeyListing>, PluginError> {
        let worker = self
            .worker(token_of_settings(context.settings())?, context)
            .await?;
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
    /// Finds a key through a connected worker.
    pub(crate) async fn find(
        worker: Rc<Client>,
        name: crate::locator::ObjectName,
        context: &Context,
    ) -> Result<Self, PluginError> {
        let answer = worker
            .ask(Operation::FindKey { name }, context.deadline())
            .await?;
        let Answer::Key(found) = answer else {
            return Err(Client::confused());
        };
        let public_key = PublicKey::from_spki_der(&found.public_key).map_err(|error| {
            PluginError::error(format!("the token tells a broken public key: {error}"))
        })?;
        Ok(Self {
            worker,
            found,
            public_key,
        })
    }

    /// The worker's number for the key.
    pub(crate) fn number(&self) -> usize {
        self.found.number
    }

    /// The public half.
    pub(crate) fn public(&self) -> &PublicKey {
        &self.public_key
    }

    fn origin(&self) -> String {
        format!(
            "the token (key `{}`, id {})",
            self.found.label,
            hex::encode(&self.found.id)
        )
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
        let operation = Operation::Sign {
            key: self.found.number,
            key_spec: input.key_spec(),
            payload: input.payload().to_vec(),
        };
        match self.worker.ask(operation, context.deadline()).await? {
            Answer::Signature(signature) => Ok(BackendSignature::Raw(signature)),
            _ => Err(Client::confused()),
        }
    }

    async fn certificates(&self, context: &Context) -> Result<CertificateBundle, PluginError> {
        let operation = Operation::Certificates {
            key: self.found.number,
        };
        let Answer::Certificates(found) = self.worker.ask(operation, context.deadline()).await?
        else {
            return Err(Client::confused());
        };
        let mut bundle = CertificateBundle::new();
        let origin = self.origin();
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
