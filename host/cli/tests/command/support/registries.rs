//! Images in real registries, and a proxy in front that misbehaves.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use apostille_artifact::Descriptor;
use apostille_registry::{
    ArtifactStore, Credential, RegistryClient, RegistryOptions, RemoteRepository, SingleLayerImage,
    StoredSignature,
};
use apostille_testing::registry::{Answer, MisbehavingProxy, ProxiedRequest};

use super::{Home, Ran, wait};

/// The exit code of a failed registry.
pub(crate) const REGISTRY: i32 = 5;
/// The exit code of an artifact that is refused.
pub(crate) const REFUSED: i32 = 3;

/// The repository of the tests in the registry at `host`.
pub(crate) fn repository(host: &str, credential: Credential) -> RemoteRepository {
    let mut options = RegistryOptions::default();
    options.credentials = Arc::new(credential);
    let client = RegistryClient::new(options).unwrap();
    client
        .repository(&host.parse().unwrap(), &"team/app".parse().unwrap())
        .unwrap()
}

/// Pushes an image with this layer, tagged `v1`.
pub(crate) fn push(repository: &RemoteRepository, layer: &[u8]) -> Descriptor {
    wait(async {
        repository
            .push_image(&SingleLayerImage::new(layer), &"v1".parse().unwrap())
            .await
            .unwrap()
    })
}

/// An image in a registry that behaves, with a user who can sign and verify.
pub(crate) struct Image {
    pub(crate) home: Home,
    /// The registry's host and port.
    pub(crate) host: String,
    pub(crate) descriptor: Descriptor,
    credential: Credential,
    login: Vec<String>,
}

impl Image {
    /// An image without a signature.
    pub(crate) fn new(host: &str) -> Self {
        Self::with_login(host, None)
    }

    /// The same for a registry that wants this user and password.
    pub(crate) fn with_login(host: &str, login: Option<(&str, &str)>) -> Self {
        let (credential, login) = match login {
            Some((user, password)) => (
                Credential::from_login(user, password),
                ["-u", user, "-p", password].map(str::to_owned).to_vec(),
            ),
            None => (Credential::Anonymous, Vec::new()),
        };
        let descriptor = push(&repository(host, credential.clone()), b"layer");
        Self {
            home: Home::new(),
            host: host.to_owned(),
            descriptor,
            credential,
            login,
        }
    }

    /// The same with one good signature.
    pub(crate) fn signed(host: &str) -> Self {
        let image = Self::new(host);
        image.run("sign", host, &[]).ok();
        image
    }

    /// The image by digest, in the registry at `host`.
    pub(crate) fn at(&self, host: &str) -> String {
        format!("{host}/team/app@{}", self.descriptor.digest)
    }

    /// A command about the image in the registry at `host`.
    pub(crate) fn run(&self, command: &str, host: &str, more: &[&str]) -> Ran {
        let reference = self.at(host);
        let login = self.login.iter().map(String::as_str);
        let arguments: Vec<&str> = [command, &reference]
            .into_iter()
            .chain(login)
            .chain(more.iter().copied())
            .collect();
        self.home.run(&arguments)
    }

    /// The signatures, as the registry itself has them.
    pub(crate) fn signatures(&self) -> Vec<StoredSignature> {
        let repository = repository(&self.host, self.credential.clone());
        wait(async {
            let list = repository.signatures(&self.descriptor, 1000).await.unwrap();
            let mut stored = Vec::new();
            for manifest in list.manifests {
                stored.push(repository.fetch_signature(&manifest).await.unwrap());
            }
            stored
        })
    }

    /// Starts a proxy in front of the image's registry.
    pub(crate) fn behind(
        &self,
        rule: impl Fn(&ProxiedRequest) -> Answer + Send + Sync + 'static,
    ) -> MisbehavingProxy {
        MisbehavingProxy::start(Some(&self.host), rule).unwrap()
    }
}

/// Says `true` as often as this.
pub(crate) fn times(count: usize) -> impl Fn() -> bool + Send + Sync {
    let left = AtomicUsize::new(count);
    move || {
        left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
            left.checked_sub(1)
        })
        .is_ok()
    }
}

/// Whether a request is a `GET` of something whose path has this part.
pub(crate) fn reads(request: &ProxiedRequest, part: &str) -> bool {
    request.method == "GET" && request.target.contains(part)
}

/// Whether a request writes something whose path has this part.
pub(crate) fn writes(request: &ProxiedRequest, part: &str) -> bool {
    matches!(request.method.as_str(), "POST" | "PUT" | "PATCH") && request.target.contains(part)
}
