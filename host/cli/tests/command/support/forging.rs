//! Signatures that the program itself would not make: at another time, altered, or for another image.

use std::fs;

use apostille_artifact::Descriptor;
use apostille_core::{LocalSigner, SignOptions, sign_artifact};
use apostille_registry::{ArtifactStore, NewSignature, OciLayout};
use apostille_signature::EnvelopeFormat;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use time::OffsetDateTime;

use super::{Home, Signer};

const JWS: &str = "application/jose+json";

impl Home {
    /// Signs the image of the layout `app` as if it were `time`.
    pub(crate) fn sign_at(
        &self,
        signer: &Signer,
        time: OffsetDateTime,
        expiry: Option<std::time::Duration>,
    ) {
        let signer =
            LocalSigner::from_files(signer.key_pem().as_bytes(), signer.chain_pem().as_bytes())
                .unwrap();
        let mut options = SignOptions::new(EnvelopeFormat::Jws, time, "test/1.0");
        options.expiry = expiry;
        let (layout, image) = self.open("app");
        wait(async {
            sign_artifact(&layout, &image, &signer, &options)
                .await
                .unwrap()
        });
    }

    /// Puts the image of `app` into the new layout `forged`, with the only signature of `app` as `change` alters it.
    pub(crate) fn forge(&self, change: impl FnOnce(&mut Value)) {
        let mut envelope: Value =
            serde_json::from_slice(&fs::read(self.envelope()).unwrap()).unwrap();
        change(&mut envelope);
        self.attach("forged", envelope.to_string().into_bytes(), JWS);
    }

    /// Makes the layout `name` with the same image as `app`, and stores `envelope` as its signature.
    pub(crate) fn attach(&self, name: &str, envelope: Vec<u8>, media_type: &str) {
        let path = self.work().join(name);
        let (layout, image) = OciLayout::create(&path, &"v1".parse().unwrap(), b"app").unwrap();
        store(&layout, &image, envelope, media_type);
    }

    /// Stores `envelope` as a signature of the image in the layout `name`.
    pub(crate) fn attach_to(&self, name: &str, envelope: Vec<u8>, media_type: &str) {
        let (layout, image) = self.open(name);
        store(&layout, &image, envelope, media_type);
    }

    /// The image in the layout `name`.
    pub(crate) fn image(&self, name: &str) -> Descriptor {
        self.open(name).1
    }

    fn open(&self, name: &str) -> (OciLayout, Descriptor) {
        let layout = OciLayout::open(self.work().join(name)).unwrap();
        let tag = apostille_artifact::Selector::Tag("v1".parse().unwrap());
        let image = wait(async { layout.resolve(&tag).await.unwrap() });
        (layout, image)
    }

    /// `verify` for the layout `forged`.
    pub(crate) fn verify_forged(&self) -> super::Ran {
        self.run(&[
            "verify",
            "--oci-layout",
            "--scope",
            super::SCOPE,
            "forged:v1",
        ])
    }
}

fn store(layout: &OciLayout, image: &Descriptor, envelope: Vec<u8>, media_type: &str) {
    let signature = NewSignature::new(
        media_type,
        envelope,
        &[[0; 32]],
        OffsetDateTime::now_utc(),
        std::collections::BTreeMap::new(),
    );
    wait(async { layout.push_signature(image, &signature).await.unwrap() });
}

/// Alters the JSON document in a base64 member of an envelope.
pub(crate) fn alter_member(envelope: &mut Value, member: &str, change: impl FnOnce(&mut Value)) {
    let bytes = URL_SAFE_NO_PAD
        .decode(envelope[member].as_str().unwrap())
        .unwrap();
    let mut document: Value = serde_json::from_slice(&bytes).unwrap();
    change(&mut document);
    envelope[member] = URL_SAFE_NO_PAD.encode(document.to_string()).into();
}

/// Runs asynchronous work of a test.
pub(crate) fn wait<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(work)
}
