//! Providers that are open and keys that were found: what a warm session keeps between requests.

use std::{
    cell::RefCell,
    ops::Deref,
    rc::Rc,
    time::{Duration, Instant},
};

use notary_plugin_protocol::{
    DescribeKeyRequest, DescribeKeyResponse, GenerateSignatureRequest, GenerateSignatureResponse,
    KeyId,
};
use tokio::sync::OnceCell;

use crate::{
    Context, KeyListing, PluginError, Settings, SigningInput,
    erased::{OpenProvider, ProviderKind},
    usable_key::UsableKey,
};

/// How long a key and its chain are used without asking the backend again: short enough that a rotated key
/// or a renewed certificate is noticed, long enough that bulk signing does not pay for it.
const KEY_LIFETIME: Duration = Duration::from_secs(60);
/// Most configurations and keys that are kept; the oldest goes first. A host signs with one or two.
const MOST_KEPT: usize = 16;

/// The open providers of one process, by configuration. Requests wait for each other only where they need
/// the same provider or key and it is just being opened or looked for.
pub(crate) struct Keyring<'p> {
    kind: &'p dyn ProviderKind,
    connections: RefCell<Vec<Rc<Connection>>>,
    /// Given up, and open as long as a request still uses them.
    retired: RefCell<Vec<Rc<Connection>>>,
}

/// The provider for one configuration.
struct Connection {
    settings: Settings,
    provider: OnceCell<Rc<dyn OpenProvider>>,
    keys: RefCell<Vec<Kept>>,
}

struct Kept {
    id: KeyId,
    since: Instant,
    key: Rc<OnceCell<Rc<UsableKey>>>,
}

/// A key that a request works with. Its connection is not closed meanwhile.
pub(crate) struct KeyInUse {
    key: Rc<UsableKey>,
    /// Found for an earlier request.
    was_known: bool,
    connection: Rc<Connection>,
}

impl Deref for KeyInUse {
    type Target = UsableKey;

    fn deref(&self) -> &UsableKey {
        &self.key
    }
}

impl<'p> Keyring<'p> {
    pub(crate) fn new(kind: &'p dyn ProviderKind) -> Self {
        Self {
            kind,
            connections: RefCell::default(),
            retired: RefCell::default(),
        }
    }

    /// Opens the provider for the configuration of this request if it is not open yet.
    pub(crate) async fn open(&self, context: &Context) -> Result<(), PluginError> {
        self.connection(context)
            .provider(self.kind, context)
            .await
            .map(drop)
    }

    /// The connection for the configuration of this request; it may have to be opened.
    fn connection(&self, context: &Context) -> Rc<Connection> {
        let mut connections = self.connections.borrow_mut();
        let known = connections
            .iter()
            .find(|known| known.settings == *context.settings());
        if let Some(known) = known {
            return Rc::clone(known);
        }
        if connections.len() == MOST_KEPT {
            let oldest = connections.remove(0);
            self.retired.borrow_mut().push(oldest);
        }
        let connection = Rc::new(Connection::new(context.settings().clone()));
        connections.push(Rc::clone(&connection));
        connection
    }

    /// The keys that the identity can see.
    pub(crate) async fn list_keys(
        &self,
        context: &Context,
    ) -> Result<Vec<KeyListing>, PluginError> {
        let connection = self.connection(context);
        let provider = connection.provider(self.kind, context).await?;
        provider.list_keys(context).await
    }

    /// The key that a key id means.
    pub(crate) async fn key(
        &self,
        key_id: &KeyId,
        context: &Context,
    ) -> Result<KeyInUse, PluginError> {
        let connection = self.connection(context);
        let provider = connection.provider(self.kind, context).await?;
        let find = || async {
            let key = provider.find_key(key_id, context).await?;
            Ok::<_, PluginError>(Rc::new(UsableKey::new(key)))
        };
        let place = connection.place_for(key_id);
        let was_known = place.initialized();
        let key = Rc::clone(place.get_or_try_init(find).await?);
        Ok(KeyInUse {
            key,
            was_known,
            connection,
        })
    }

    /// Drops what is kept for the configuration of a request that failed, so that the next one begins
    /// afresh: the token may have been removed, the credentials may have expired. Requests that are using
    /// it keep it until they are answered.
    pub(crate) fn forget(&self, context: &Context) {
        let mut connections = self.connections.borrow_mut();
        let position = connections
            .iter()
            .position(|known| known.settings == *context.settings());
        if let Some(position) = position {
            let connection = connections.remove(position);
            self.retired.borrow_mut().push(connection);
        }
    }

    /// Ends the connections that were given up and that no request uses any more.
    pub(crate) async fn close_retired(&self) {
        let (unused, used) = (self.retired.take().into_iter())
            .partition::<Vec<_>, _>(|connection| Rc::strong_count(connection) == 1);
        self.retired.borrow_mut().extend(used);
        for connection in unused {
            Connection::close(connection).await;
        }
    }

    /// Ends everything in an orderly way.
    pub(crate) async fn close(&self) {
        let connections = [self.connections.take(), self.retired.take()].concat();
        for connection in connections {
            Connection::close(connection).await;
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
        let input = SigningInput::new(request.payload, request.key_spec);
        let signed = match key.sign_with_chain(input.clone(), context).await {
            // The key may have been rotated, or its certificate renewed, since they were asked for.
            Err(_) if key.was_known && key.is_misfit() => {
                key.connection.forget_key(&request.key_id);
                let key = self.key(&request.key_id, context).await?;
                key.sign_with_chain(input, context).await?
            }
            signed => signed?,
        };
        let ders = signed.chain.certificates().iter();
        Ok(GenerateSignatureResponse {
            key_id: request.key_id,
            signature: signed.signature,
            certificate_chain: ders.map(|one| one.as_der().to_vec()).collect(),
        })
    }
}

impl Connection {
    fn new(settings: Settings) -> Self {
        Self {
            settings,
            provider: OnceCell::new(),
            keys: RefCell::default(),
        }
    }

    async fn provider(
        &self,
        kind: &dyn ProviderKind,
        context: &Context,
    ) -> Result<&Rc<dyn OpenProvider>, PluginError> {
        self.provider.get_or_try_init(|| kind.open(context)).await
    }

    /// Where a key is, or will be once it is found. Requests for the same key share it.
    fn place_for(&self, key_id: &KeyId) -> Rc<OnceCell<Rc<UsableKey>>> {
        let mut keys = self.keys.borrow_mut();
        keys.retain(|kept| kept.since.elapsed() < KEY_LIFETIME);
        if let Some(kept) = keys.iter().find(|kept| kept.id == *key_id) {
            return Rc::clone(&kept.key);
        }
        if keys.len() == MOST_KEPT {
            keys.remove(0);
        }
        let key = Rc::new(OnceCell::new());
        keys.push(Kept {
            id: key_id.clone(),
            since: Instant::now(),
            key: Rc::clone(&key),
        });
        key
    }

    /// Lets the next request look for a key anew.
    fn forget_key(&self, key_id: &KeyId) {
        self.keys.borrow_mut().retain(|kept| kept.id != *key_id);
    }

    /// Logs out, unless a request still uses the connection; then its end is that of the request.
    async fn close(connection: Rc<Self>) {
        let Some(connection) = Rc::into_inner(connection) else {
            return;
        };
        drop(connection.keys);
        if let Some(provider) = connection.provider.into_inner() {
            provider.close().await;
        }
    }
}
