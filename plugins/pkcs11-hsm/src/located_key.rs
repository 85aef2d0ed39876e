//! A key that a worker has found.

use std::rc::Rc;

use notary_plugin_sdk::{Context, PluginError};
use notary_x509::PublicKey;

use crate::locator::ObjectName;
use crate::worker::{Answer, Client, FoundKey, Operation};

/// A key, with the worker that found it and knows it by number.
pub(crate) struct LocatedKey {
    pub(crate) worker: Rc<Client>,
    pub(crate) found: FoundKey,
    pub(crate) public_key: PublicKey,
}

impl LocatedKey {
    /// Finds a key through a connected worker.
    ///
    /// # Errors
    /// What the token said: no such key, several keys, a key that cannot sign.
    pub(crate) async fn find(
        worker: Rc<Client>,
        name: ObjectName,
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

    /// How messages name the place of its certificates.
    pub(crate) fn origin(&self) -> String {
        format!(
            "the token (key `{}`, id {})",
            self.found.label,
            hex::encode(&self.found.id)
        )
    }
}
