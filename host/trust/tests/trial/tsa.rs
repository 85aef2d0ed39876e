//! A timestamping authority that stamps whatever time it is told.

use apostille_signature::{Envelope, EnvelopeFormat};
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use der::asn1::ObjectIdentifier;
use notary_x509::asn1::write;
use notary_x509::{Certificate, oid};
use rcgen::{
    CertificateParams, CustomExtension, ExtendedKeyUsagePurpose, KeyUsagePurpose, SigningKey as _,
};
use time::OffsetDateTime;

use crate::evidence::{Ca, Leaf, generalized};

const SIGNED_DATA: &str = "1.2.840.113549.1.7.2";
const TST_INFO: &str = "1.2.840.113549.1.9.16.1.4";
const CONTENT_TYPE: &str = "1.2.840.113549.1.9.3";
const MESSAGE_DIGEST: &str = "1.2.840.113549.1.9.4";
const SIGNING_CERTIFICATE_V2: &str = "1.2.840.113549.1.9.16.2.47";

/// The certificate of an authority, after `change`.
pub(crate) fn authority(ca: &Ca, change: impl FnOnce(&mut CertificateParams)) -> Leaf {
    ca.issue("TSA", |params| {
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        // rcgen would not mark it critical.
        let purposes = write::sequence(&[&write::object_identifier(oid::TIME_STAMPING)]);
        let mut purposes = CustomExtension::from_oid_content(&[2, 5, 29, 37], purposes);
        purposes.set_criticality(true);
        params.custom_extensions = vec![purposes];
        params.extended_key_usages = Vec::<ExtendedKeyUsagePurpose>::new();
        change(params);
    })
}

/// A token on `signature` that says `at`, with an accuracy in seconds.
pub(crate) fn token(
    tsa: &Leaf,
    intermediates: &[&Certificate],
    signature: &[u8],
    at: OffsetDateTime,
    accuracy: u8,
) -> Vec<u8> {
    token_with(tsa, signature, at, accuracy, |parts| {
        let others = intermediates.iter().map(|one| one.as_der().to_vec());
        parts.certificates.extend(others);
    })
}

/// What a token is put together from; a test changes what it wants wrong.
pub(crate) struct TokenParts {
    /// The signed attributes content-type, message-digest and signing-certificate-v2, in this order.
    pub(crate) attributes: Vec<Vec<u8>>,
    /// The certificates, the authority's own first.
    pub(crate) certificates: Vec<Vec<u8>>,
    /// How often the signer's information is in the token.
    pub(crate) signers: usize,
}

/// A token that is signed after `change`.
pub(crate) fn token_with(
    tsa: &Leaf,
    signature: &[u8],
    at: OffsetDateTime,
    accuracy: u8,
    change: impl FnOnce(&mut TokenParts),
) -> Vec<u8> {
    let info = write::sequence(&[
        &write::integer(&[1]),
        &name("1.2.3.4"),
        &write::sequence(&[&sha256(), &hash(signature)]),
        &write::integer(&[9]),
        &generalized(at),
        &write::sequence(&[&write::integer(&[accuracy])]),
    ]);
    let mut parts = TokenParts {
        attributes: vec![
            attribute(CONTENT_TYPE, &[&name(TST_INFO)]),
            attribute(MESSAGE_DIGEST, &[&hash(&info)]),
            names_certificate(&tsa.certificate),
        ],
        certificates: vec![tsa.certificate.as_der().to_vec()],
        signers: 1,
    };
    change(&mut parts);
    let attributes: Vec<&[u8]> = parts.attributes.iter().map(Vec::as_slice).collect();
    let signer = signer_info(tsa, &write::set(&attributes));
    let data = write::sequence(&[
        &write::integer(&[3]),
        &write::set(&[&sha256()]),
        &write::sequence(&[
            &name(TST_INFO),
            &write::explicit(0, &write::octet_string(&info)),
        ]),
        &write::tlv(0xa0, &parts.certificates.concat()),
        &write::set(&vec![signer.as_slice(); parts.signers]),
    ]);
    write::sequence(&[&name(SIGNED_DATA), &write::explicit(0, &data)])
}

fn signer_info(tsa: &Leaf, attributes: &[u8]) -> Vec<u8> {
    write::sequence(&[
        &write::integer(&[1]),
        &write::sequence(&[
            tsa.certificate.issuer().as_der(),
            &write::integer(tsa.certificate.serial()),
        ]),
        &sha256(),
        &retagged(0xa0, attributes),
        &write::sequence(&[&write::object_identifier(oid::ECDSA_WITH_SHA256)]),
        &write::octet_string(&tsa.key.sign(attributes).unwrap()),
    ])
}

/// The attribute signing-certificate-v2 that names this certificate.
pub(crate) fn names_certificate(certificate: &Certificate) -> Vec<u8> {
    let id = write::sequence(&[&hash(certificate.as_der())]);
    let list = write::sequence(&[&write::sequence(&[&id])]);
    attribute(SIGNING_CERTIFICATE_V2, &[&list])
}

/// A signed attribute with these values.
pub(crate) fn attribute(dotted: &str, values: &[&[u8]]) -> Vec<u8> {
    write::sequence(&[&name(dotted), &write::set(values)])
}

fn sha256() -> Vec<u8> {
    write::sequence(&[&write::object_identifier(oid::SHA256)])
}

fn hash(bytes: &[u8]) -> Vec<u8> {
    write::octet_string(digest(&SHA256, bytes).as_ref())
}

/// The JWS envelope with this timestamp in its unsigned place.
pub(crate) fn with_timestamp(envelope: &[u8], token: &[u8]) -> Vec<u8> {
    let mut json: serde_json::Value = serde_json::from_slice(envelope).unwrap();
    json["header"]["io.cncf.notary.timestampSignature"] = STANDARD.encode(token).into();
    json.to_string().into_bytes()
}

/// The raw signature in a JWS envelope.
pub(crate) fn signature_of(envelope: &[u8]) -> Vec<u8> {
    let envelope = Envelope::parse(EnvelopeFormat::Jws, envelope).unwrap();
    envelope.verify_integrity().unwrap().signature().to_vec()
}

fn name(dotted: &str) -> Vec<u8> {
    write::object_identifier(ObjectIdentifier::new_unwrap(dotted))
}

fn retagged(identifier: u8, value: &[u8]) -> Vec<u8> {
    [&[identifier], &value[1..]].concat()
}
