//! Whom to believe: trust stores, trust policies, revocation and the verification of a signature.
//!
//! That a signature is intact says who signed; whether that matters is for the verifier to say. In the Notary
//! Project it says so in two places:
//!
//! - **Trust stores** ([`store`]) are named sets of certificates: CAs for signers (`ca`), for signing authorities
//!   (`signingAuthority`) and for timestamping authorities (`tsa`). By itself a store confers no trust.
//! - A **trust policy** ([`policy`]) has statements. Exactly one applies to an artifact; it names the stores and the
//!   subjects ([`identity`]) that may sign, and the level: which of the checks below are enforced, which only logged.
//!
//! [`verify::verify_envelope`] holds one signature against one statement. Its checks, in order:
//!
//! | check | question |
//! |---|---|
//! | integrity | is the envelope intact, and does it sign this very artifact? |
//! | authenticity | does its certificate chain lead to a trust store, and is the signer a trusted identity? |
//! | expiry | has the signature expired by its own word? |
//! | authentic timestamp | were the certificates valid when it was made, as far as that can be proven? |
//! | revocation | has an issuer taken a certificate back ([`revocation`])? |
//!
//! Every outcome is kept, also of checks that passed, so that a [`Verification`](verify::Verification) can always be
//! explained. What is not known counts as failed, and what failed is enforced unless the policy says otherwise.
//!
//! Nothing here prints, reads the environment or looks at the clock; network and processes come in through
//! [`RevocationFetcher`](revocation::RevocationFetcher) and [`VerificationPlugins`](verify::VerificationPlugins).
//! Nobody is asked and nothing is started on the word of a signature whose chain leads to no trust store.
//!
//! # Example
//!
//! ```
//! use apostille_artifact::{Descriptor, DigestAlgorithm};
//! use apostille_signature::EnvelopeFormat;
//! use apostille_trust::policy::OciTrustPolicy;
//! use apostille_trust::revocation::NoRevocationChecker;
//! use apostille_trust::store::{Anchor, MemoryTrustStores, TrustStore};
//! use apostille_trust::verify::{ExpectedArtifact, NoVerificationPlugins, VerificationInput, verify_envelope};
//! use notary_plugin_protocol::PluginConfig;
//! # use apostille_signature::{Payload, SignatureParts, SigningRequest};
//! # use notary_plugin_protocol::KeySpec;
//! # use notary_x509::{CertificateChain, Name, PrivateKey, SelfSignedCertificate, SelfSignedTemplate, SerialNumber};
//! # let now = time::OffsetDateTime::now_utc();
//! # let key = PrivateKey::generate(KeySpec::Ec256)?;
//! # let template = SelfSignedTemplate {
//! #     subject: Name::from_rfc4514("CN=release,O=Example,ST=England,C=GB")?,
//! #     subject_alt_names: Vec::new(),
//! #     not_before: now - time::Duration::MINUTE,
//! #     not_after: now + time::Duration::DAY,
//! #     serial: SerialNumber::random()?,
//! # };
//! # let unsigned = SelfSignedCertificate::prepare(&template, key.public_key())?;
//! # let self_signature = key.sign(unsigned.to_be_signed())?;
//! # let certificate = unsigned.assemble(&self_signature)?;
//! # let manifest = Descriptor::of("application/vnd.oci.image.manifest.v1+json", DigestAlgorithm::Sha256, b"{}");
//! # let unsigned = SigningRequest::new(Payload::new(&manifest, Default::default())?, key.key_spec(), now)
//! #     .prepare(EnvelopeFormat::Jws)?;
//! # let signature = key.sign(unsigned.bytes_to_sign())?;
//! # let certificate_chain = CertificateChain::new(vec![certificate.clone()])?;
//! # let signed = unsigned.assemble(SignatureParts { signature, certificate_chain, timestamp: None })?;
//! # let envelope = signed.as_bytes();
//!
//! let document = br#"{
//!     "version": "1.0",
//!     "trustPolicies": [{
//!         "name": "releases",
//!         "registryScopes": ["registry.example/app"],
//!         "signatureVerification": {"level": "strict"},
//!         "trustStores": ["ca:release"],
//!         "trustedIdentities": ["x509.subject: C=GB, ST=England, O=Example"]
//!     }]
//! }"#;
//! let policy = OciTrustPolicy::parse(document, "trustpolicy.json")?;
//! let statement = policy.statement_for("registry.example/app")?;
//!
//! let mut stores = MemoryTrustStores::new();
//! let anchor = Anchor { certificate, origin: "release.pem".to_owned() };
//! stores.insert(TrustStore::new("ca:release".parse()?, vec![anchor])?);
//!
//! let input = VerificationInput {
//!     format: EnvelopeFormat::Jws,
//!     envelope,
//!     artifact: ExpectedArtifact::Manifest(&manifest),
//!     user_metadata: &Default::default(),
//!     statement: &statement,
//!     stores: &stores,
//!     revocation: &NoRevocationChecker,
//!     plugins: &NoVerificationPlugins,
//!     plugin_config: &PluginConfig::default(),
//!     now,
//! };
//! let verification = futures::executor::block_on(verify_envelope(&input));
//! assert!(verification.is_trusted());
//! assert_eq!(verification.statement().matched_because, "its registry scope is registry.example/app");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![forbid(unsafe_code)]

pub mod identity;
pub mod policy;
pub mod revocation;
pub mod store;
pub mod verify;
