//! Keys with certificates of their own, for tests of whole envelopes.
#![allow(dead_code)] // Each test binary uses its part.

use apostille_artifact::{Descriptor, DigestAlgorithm};
use apostille_signature::{
    EnvelopeFormat, Payload, SignatureParts, SignedEnvelope, SigningRequest,
};
use notary_plugin_protocol::KeySpec;
use notary_x509::{
    CertificateChain, Name, PrivateKey, SelfSignedCertificate, SelfSignedTemplate, SerialNumber,
};
use time::{Duration, OffsetDateTime};

/// A key, and a chain of one certificate that signs itself.
pub(crate) struct Signer {
    pub(crate) key: PrivateKey,
    pub(crate) chain: CertificateChain,
}

impl Signer {
    pub(crate) fn new(key_spec: KeySpec) -> Self {
        let now = OffsetDateTime::now_utc();
        let key = PrivateKey::generate(key_spec).unwrap();
        let template = SelfSignedTemplate {
            subject: Name::from_rfc4514("CN=test signer,O=Apostille tests,ST=England,C=GB")
                .unwrap(),
            subject_alt_names: Vec::new(),
            not_before: now - Duration::HOUR,
            not_after: now + Duration::DAY,
            serial: SerialNumber::random().unwrap(),
        };
        let unsigned = SelfSignedCertificate::prepare(&template, key.public_key()).unwrap();
        let signature = key.sign(unsigned.to_be_signed()).unwrap();
        let certificate = unsigned.assemble(&signature).unwrap();
        Self {
            key,
            chain: CertificateChain::new(vec![certificate]).unwrap(),
        }
    }

    pub(crate) fn request(&self, content: &[u8]) -> SigningRequest {
        let algorithm = match self.key.key_spec().hash_algorithm() {
            notary_plugin_protocol::HashAlgorithm::Sha256 => DigestAlgorithm::Sha256,
            notary_plugin_protocol::HashAlgorithm::Sha384 => DigestAlgorithm::Sha384,
            notary_plugin_protocol::HashAlgorithm::Sha512 => DigestAlgorithm::Sha512,
        };
        let artifact = Descriptor::of("application/octet-stream", algorithm, content);
        let metadata = [("build".to_owned(), "<123> & more".to_owned())].into();
        let payload = Payload::new(&artifact, metadata).unwrap();
        let mut request =
            SigningRequest::new(payload, self.key.key_spec(), OffsetDateTime::now_utc());
        request.signing_agent = Some("apostille-tests/1.0".to_owned());
        request
    }

    pub(crate) fn sign(&self, request: SigningRequest, format: EnvelopeFormat) -> SignedEnvelope {
        let unsigned = request.prepare(format).unwrap();
        let signature = self.key.sign(unsigned.bytes_to_sign()).unwrap();
        unsigned
            .assemble(SignatureParts {
                signature,
                certificate_chain: self.chain.clone(),
                timestamp: None,
            })
            .unwrap()
    }
}

/// The root of the repository's test data.
pub(crate) fn testdata() -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata")
}
