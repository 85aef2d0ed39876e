//! Certificates with exactly the extensions that a test asks for, made by rcgen and a few bytes of
//! DER, none of it by the crate under test.

use der::Encode;
use der::asn1::ObjectIdentifier;
use notary_x509::{Certificate, CertificateChain, oid};
use rcgen::{CertificateParams, CustomExtension, DistinguishedName, DnType, IsCa, Issuer, KeyPair};
use time::OffsetDateTime;
use time::macros::datetime;

pub(crate) const NOT_BEFORE: OffsetDateTime = datetime!(2026-01-01 0:00 UTC);
pub(crate) const NOT_AFTER: OffsetDateTime = datetime!(2027-01-01 0:00 UTC);
pub(crate) const NOW: OffsetDateTime = datetime!(2026-06-01 12:00 UTC);

pub(crate) const DIGITAL_SIGNATURE: u8 = 0;
pub(crate) const KEY_CERT_SIGN: u8 = 5;

/// An extension: which, whether critical, its DER.
pub(crate) type Ext = (ObjectIdentifier, bool, Vec<u8>);

/// A certificate to be.
pub(crate) struct Spec {
    pub(crate) name: &'static str,
    pub(crate) extensions: Vec<Ext>,
    pub(crate) not_before: OffsetDateTime,
    pub(crate) not_after: OffsetDateTime,
    pub(crate) with_authority_key_id: bool,
}

pub(crate) fn spec(name: &'static str, extensions: Vec<Ext>) -> Spec {
    Spec {
        name,
        extensions,
        not_before: NOT_BEFORE,
        not_after: NOT_AFTER,
        with_authority_key_id: false,
    }
}

/// A leaf that follows every rule for code signing.
pub(crate) fn leaf() -> Spec {
    spec(
        "leaf",
        vec![
            key_usage(true, &[DIGITAL_SIGNATURE]),
            purposes(false, &[oid::CODE_SIGNING]),
        ],
    )
}

/// A leaf that follows every rule for timestamping.
pub(crate) fn timestamping_leaf() -> Spec {
    spec(
        "tsa",
        vec![
            key_usage(true, &[DIGITAL_SIGNATURE]),
            purposes(true, &[oid::TIME_STAMPING]),
        ],
    )
}

/// A CA that follows every rule.
pub(crate) fn ca(name: &'static str) -> Spec {
    spec(
        name,
        vec![
            basic_constraints(true, true, None),
            key_usage(true, &[KEY_CERT_SIGN]),
        ],
    )
}

impl Spec {
    /// The same with `extension` in the place of the one of the same kind, or besides the others.
    pub(crate) fn with(mut self, extension: Ext) -> Self {
        self.extensions.retain(|other| other.0 != extension.0);
        self.extensions.push(extension);
        self
    }

    pub(crate) fn without(mut self, id: ObjectIdentifier) -> Self {
        self.extensions.retain(|other| other.0 != id);
        self
    }

    pub(crate) fn valid(mut self, not_before: OffsetDateTime, not_after: OffsetDateTime) -> Self {
        (self.not_before, self.not_after) = (not_before, not_after);
        self
    }

    pub(crate) fn with_authority_key_id(mut self) -> Self {
        self.with_authority_key_id = true;
        self
    }

    fn params(&self) -> CertificateParams {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params
            .distinguished_name
            .push(DnType::CommonName, self.name);
        params.is_ca = IsCa::NoCa;
        params.not_before = self.not_before;
        params.not_after = self.not_after;
        params.use_authority_key_identifier_extension = self.with_authority_key_id;
        for (id, critical, der) in &self.extensions {
            let arcs: Vec<u64> = id.arcs().map(u64::from).collect();
            let mut extension = CustomExtension::from_oid_content(&arcs, der.clone());
            extension.set_criticality(*critical);
            params.custom_extensions.push(extension);
        }
        params
    }
}

/// A key and the certificate that it has.
pub(crate) struct Identity {
    pub(crate) key: KeyPair,
    pub(crate) certificate: Certificate,
    params: CertificateParams,
}

pub(crate) fn new_key() -> KeyPair {
    KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap()
}

pub(crate) fn self_signed(spec: &Spec) -> Identity {
    self_signed_with(spec, new_key())
}

pub(crate) fn self_signed_with(spec: &Spec, key: KeyPair) -> Identity {
    let params = spec.params();
    let der = params.self_signed(&key).unwrap();
    Identity {
        certificate: Certificate::from_der(der.der()).unwrap(),
        key,
        params,
    }
}

pub(crate) fn issued(spec: &Spec, issuer: &Identity) -> Identity {
    issued_with(spec, new_key(), issuer)
}

pub(crate) fn issued_with(spec: &Spec, key: KeyPair, issuer: &Identity) -> Identity {
    let params = spec.params();
    let der = params
        .signed_by(&key, &Issuer::from_params(&issuer.params, &issuer.key))
        .unwrap();
    Identity {
        certificate: Certificate::from_der(der.der()).unwrap(),
        key,
        params,
    }
}

/// The same key again, for a second certificate.
pub(crate) fn same_key(identity: &Identity) -> KeyPair {
    KeyPair::from_pkcs8_der_and_sign_algo(
        &identity.key.serialize_der().into(),
        &rcgen::PKCS_ECDSA_P256_SHA256,
    )
    .unwrap()
}

/// The chain of the `specs`, the leaf first, each issued by the next, the last self-signed.
pub(crate) fn chain(specs: &[Spec]) -> CertificateChain {
    let (root, below) = specs.split_last().unwrap();
    let mut identities = vec![self_signed(root)];
    for spec in below.iter().rev() {
        identities.push(issued(spec, identities.last().unwrap()));
    }
    CertificateChain::new(
        identities
            .iter()
            .rev()
            .map(|identity| identity.certificate.clone())
            .collect(),
    )
    .unwrap()
}

pub(crate) fn basic_constraints(critical: bool, ca: bool, path_len: Option<u8>) -> Ext {
    let mut content = Vec::new();
    if ca {
        content.extend([0x01, 0x01, 0xff]);
    }
    if let Some(path_len) = path_len {
        content.extend([0x02, 0x01, path_len]);
    }
    let mut der = vec![0x30, content.len() as u8];
    der.extend(content);
    (oid::BASIC_CONSTRAINTS, critical, der)
}

pub(crate) fn key_usage(critical: bool, bits: &[u8]) -> Ext {
    let mut octets = [0u8; 2];
    for bit in bits {
        octets[usize::from(bit / 8)] |= 0x80 >> (bit % 8);
    }
    let der = match bits.iter().max() {
        None => vec![0x03, 0x01, 0x00],
        Some(highest @ ..8) => vec![0x03, 0x02, 7 - highest, octets[0]],
        Some(highest) => vec![0x03, 0x03, 15 - highest, octets[0], octets[1]],
    };
    (oid::KEY_USAGE, critical, der)
}

pub(crate) fn purposes(critical: bool, purposes: &[ObjectIdentifier]) -> Ext {
    let content: Vec<u8> = purposes
        .iter()
        .flat_map(|purpose| purpose.to_der().unwrap())
        .collect();
    let mut der = vec![0x30, content.len() as u8];
    der.extend(content);
    (oid::EXTENDED_KEY_USAGE, critical, der)
}
