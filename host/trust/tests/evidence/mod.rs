//! A CA with CRLs and OCSP answers of any kind, signed by rcgen's keys.

use std::collections::HashMap;
use std::sync::Mutex;

use apostille_trust::revocation::{FetchError, FetchRequest, FetchResponse, RevocationFetcher};
use futures::future::BoxFuture;
use notary_x509::asn1::write;
use notary_x509::{Certificate, CertificateChain, oid};
use rcgen::{
    BasicConstraints, CertificateParams, CrlDistributionPoint, CustomExtension, DistinguishedName,
    DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose, SerialNumber,
    SigningKey as _,
};
use time::macros::datetime;
use time::{Duration, OffsetDateTime};

pub(crate) const NOW: OffsetDateTime = datetime!(2026-06-01 12:00 UTC);
pub(crate) const CRL_URL: &str = "http://crl.example.com/a.crl";
pub(crate) const OCSP_URL: &str = "http://ocsp.example.com";

pub(crate) struct Ca {
    key: KeyPair,
    params: CertificateParams,
    pub(crate) certificate: Certificate,
}

pub(crate) struct Leaf {
    pub(crate) key: KeyPair,
    pub(crate) certificate: Certificate,
    params: CertificateParams,
}

impl Leaf {
    /// The same as an issuer, for one that is an intermediate CA.
    pub(crate) fn as_ca(&self) -> Ca {
        Ca {
            key: KeyPair::try_from(self.key.serialize_der()).unwrap(),
            params: self.params.clone(),
            certificate: self.certificate.clone(),
        }
    }
}

fn params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    (params.not_before, params.not_after) = (NOW - Duration::days(30), NOW + Duration::days(30));
    params
}

pub(crate) fn key() -> KeyPair {
    KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap()
}

pub(crate) fn ca(usages: &[KeyUsagePurpose]) -> Ca {
    let mut params = params("CA");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = usages.to_vec();
    let key = key();
    let der = params.self_signed(&key).unwrap();
    Ca {
        certificate: Certificate::from_der(der.der()).unwrap(),
        key,
        params,
    }
}

pub(crate) fn usual_ca() -> Ca {
    ca(&[KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign])
}

impl Ca {
    /// A certificate with serial number 42.
    pub(crate) fn issue(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) -> Leaf {
        let mut params = params(name);
        params.serial_number = Some(SerialNumber::from(vec![42]));
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        change(&mut params);
        let key = key();
        let der = params
            .signed_by(&key, &Issuer::from_params(&self.params, &self.key))
            .unwrap();
        Leaf {
            certificate: Certificate::from_der(der.der()).unwrap(),
            key,
            params,
        }
    }

    pub(crate) fn leaf(&self, ocsp: bool, crl: bool) -> Leaf {
        self.issue("leaf", |params| {
            if crl {
                params.crl_distribution_points = vec![CrlDistributionPoint {
                    uris: vec![CRL_URL.to_owned()],
                }];
            }
            if ocsp {
                let access = write::sequence(&[
                    &write::object_identifier(oid::ACCESS_OCSP),
                    &write::implicit(6, OCSP_URL.as_bytes()),
                ]);
                let arcs: Vec<u64> = oid::AUTHORITY_INFO_ACCESS.arcs().map(u64::from).collect();
                params.custom_extensions = vec![CustomExtension::from_oid_content(
                    &arcs,
                    write::sequence(&[&access]),
                )];
            }
        })
    }

    pub(crate) fn responder(&self, purposes: Vec<ExtendedKeyUsagePurpose>) -> Leaf {
        self.issue("responder", |params| params.extended_key_usages = purposes)
    }

    pub(crate) fn chain(&self, leaf: &Leaf) -> CertificateChain {
        CertificateChain::new(vec![leaf.certificate.clone(), self.certificate.clone()]).unwrap()
    }

    pub(crate) fn sign(&self, signed: &[u8]) -> Vec<u8> {
        sign(&self.key, signed)
    }
}

/// An `AlgorithmIdentifier` and a signature.
fn sign(key: &KeyPair, signed: &[u8]) -> Vec<u8> {
    [
        ecdsa_sha256(),
        write::bit_string(0, &key.sign(signed).unwrap()),
    ]
    .concat()
}

fn ecdsa_sha256() -> Vec<u8> {
    write::sequence(&[&write::object_identifier(oid::ECDSA_WITH_SHA256)])
}

pub(crate) fn extension(dotted: &str, critical: bool, value: &[u8]) -> Vec<u8> {
    let id = der::asn1::ObjectIdentifier::new_unwrap(dotted);
    let flag: &[u8] = if critical { &[0x01, 0x01, 0xff] } else { &[] };
    write::sequence(&[
        &write::object_identifier(id),
        flag,
        &write::octet_string(value),
    ])
}

pub(crate) fn generalized(at: OffsetDateTime) -> Vec<u8> {
    let format = time::macros::format_description!("[year][month][day][hour][minute][second]Z");
    write::tlv(0x18, at.format(&format).unwrap().as_bytes())
}

fn concat(parts: &[Vec<u8>]) -> Vec<u8> {
    write::sequence(&parts.iter().map(Vec::as_slice).collect::<Vec<_>>())
}

/// A CRL to be.
pub(crate) struct CrlSpec {
    pub(crate) this_update: OffsetDateTime,
    pub(crate) next_update: Option<OffsetDateTime>,
    pub(crate) entries: Vec<Vec<u8>>,
    pub(crate) extensions: Vec<Vec<u8>>,
}

pub(crate) fn crl(entries: Vec<Vec<u8>>) -> CrlSpec {
    CrlSpec {
        this_update: NOW - Duration::HOUR,
        next_update: Some(NOW + Duration::HOUR),
        entries,
        extensions: vec![number(7)],
    }
}

/// The entry for serial number 42.
pub(crate) fn entry(reason: Option<u8>, more: &[Vec<u8>]) -> Vec<u8> {
    let mut extensions: Vec<Vec<u8>> = more.to_vec();
    extensions.extend(reason.map(|reason| extension("2.5.29.21", false, &[0x0a, 0x01, reason])));
    let extensions = if extensions.is_empty() {
        Vec::new()
    } else {
        concat(&extensions)
    };
    write::sequence(&[
        &write::integer(&[42]),
        &write::time(NOW - Duration::DAY).unwrap(),
        &extensions,
    ])
}

pub(crate) fn number(number: u8) -> Vec<u8> {
    extension("2.5.29.20", false, &write::integer(&[number]))
}

pub(crate) fn delta_indicator(base: u8) -> Vec<u8> {
    extension("2.5.29.27", true, &write::integer(&[base]))
}

/// A `DistributionPointName` of one URL.
pub(crate) fn point_name(url: &str) -> Vec<u8> {
    write::explicit(0, &write::explicit(0, &write::implicit(6, url.as_bytes())))
}

pub(crate) fn freshest_crl(url: &str) -> Vec<u8> {
    let points = write::sequence(&[&write::sequence(&[&point_name(url)])]);
    extension("2.5.29.46", false, &points)
}

/// issuingDistributionPoint with these fields.
pub(crate) fn issuing_distribution_point(fields: &[Vec<u8>]) -> Vec<u8> {
    extension("2.5.29.28", true, &concat(fields))
}

pub(crate) fn flag(number: u8) -> Vec<u8> {
    write::implicit(number, &[0xff])
}

impl CrlSpec {
    pub(crate) fn with(mut self, extension: Vec<u8>) -> Self {
        self.extensions.push(extension);
        self
    }

    pub(crate) fn numbered(mut self, extensions: Vec<Vec<u8>>) -> Self {
        self.extensions = extensions;
        self
    }

    pub(crate) fn expired(mut self) -> Self {
        self.next_update = Some(NOW - Duration::SECOND);
        self
    }

    pub(crate) fn signed_by(&self, ca: &Ca) -> Vec<u8> {
        let time = |at| write::time(at).unwrap();
        let entries = if self.entries.is_empty() {
            Vec::new()
        } else {
            concat(&self.entries)
        };
        let list = write::sequence(&[
            &write::integer(&[1]),
            &ecdsa_sha256(),
            ca.certificate.subject().as_der(),
            &time(self.this_update),
            &self.next_update.map(time).unwrap_or_default(),
            &entries,
            &write::explicit(0, &concat(&self.extensions)),
        ]);
        write::sequence(&[&list, &ca.sign(&list)])
    }
}

/// An OCSP answer to be.
pub(crate) struct OcspSpec {
    pub(crate) serial: u8,
    pub(crate) status: Vec<u8>,
    pub(crate) this_update: OffsetDateTime,
    pub(crate) next_update: Option<OffsetDateTime>,
    pub(crate) single_extensions: Vec<Vec<u8>>,
    pub(crate) extensions: Vec<Vec<u8>>,
}

pub(crate) fn good() -> OcspSpec {
    OcspSpec {
        serial: 42,
        status: write::implicit(0, &[]),
        this_update: NOW - Duration::HOUR,
        next_update: Some(NOW + Duration::HOUR),
        single_extensions: Vec::new(),
        extensions: Vec::new(),
    }
}

pub(crate) fn revoked() -> OcspSpec {
    let reason = write::explicit(0, &[0x0a, 0x01, 0x01]);
    OcspSpec {
        status: write::explicit(1, &[generalized(NOW - Duration::DAY), reason].concat()),
        ..good()
    }
}

impl OcspSpec {
    fn data(&self, ca: &Ca, responder: &Certificate) -> Vec<u8> {
        use aws_lc_rs::digest::{SHA256, digest};
        let hash = |bytes: &[u8]| write::octet_string(digest(&SHA256, bytes).as_ref());
        let id = write::sequence(&[
            &write::sequence(&[&write::object_identifier(oid::SHA256)]),
            &hash(ca.certificate.subject().as_der()),
            &hash(ca.certificate.public_key().key_bytes()),
            &write::integer(&[self.serial]),
        ]);
        let optional = |number, extensions: &[Vec<u8>]| {
            if extensions.is_empty() {
                Vec::new()
            } else {
                write::explicit(number, &concat(extensions))
            }
        };
        let single = write::sequence(&[
            &id,
            &self.status,
            &generalized(self.this_update),
            &self
                .next_update
                .map(|at| write::explicit(0, &generalized(at)))
                .unwrap_or_default(),
            &optional(1, &self.single_extensions),
        ]);
        write::sequence(&[
            &write::explicit(1, responder.subject().as_der()),
            &generalized(self.this_update),
            &write::sequence(&[&single]),
            &optional(1, &self.extensions),
        ])
    }

    pub(crate) fn signed_by_ca(&self, ca: &Ca) -> Vec<u8> {
        let data = self.data(ca, &ca.certificate);
        answer(&write::sequence(&[&data, &ca.sign(&data)]))
    }

    pub(crate) fn signed_by(&self, ca: &Ca, responder: &Leaf) -> Vec<u8> {
        self.signed_by_with(ca, responder, &[&responder.certificate])
    }

    /// The same, with these certificates in the answer.
    pub(crate) fn signed_by_with(
        &self,
        ca: &Ca,
        responder: &Leaf,
        certificates: &[&Certificate],
    ) -> Vec<u8> {
        let data = self.data(ca, &responder.certificate);
        let list: Vec<&[u8]> = certificates.iter().map(|one| one.as_der()).collect();
        let certificates = write::explicit(0, &write::sequence(&list));
        answer(&write::sequence(&[
            &data,
            &sign(&responder.key, &data),
            &certificates,
        ]))
    }
}

fn answer(basic: &[u8]) -> Vec<u8> {
    let kind = der::asn1::ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.48.1.1");
    let bytes = write::sequence(&[&write::object_identifier(kind), &write::octet_string(basic)]);
    write::sequence(&[&[0x0a, 0x01, 0x00], &write::explicit(0, &bytes)])
}

/// A network of fixed answers by URL, which keeps what was asked.
#[derive(Default)]
pub(crate) struct Network {
    answers: HashMap<String, Result<FetchResponse, FetchError>>,
    asked: Mutex<Vec<FetchRequest>>,
}

impl Network {
    pub(crate) fn with(mut self, url: &str, body: Vec<u8>) -> Self {
        self.answers
            .insert(url.to_owned(), Ok(FetchResponse { status: 200, body }));
        self
    }

    pub(crate) fn with_status(mut self, url: &str, status: u16, body: Vec<u8>) -> Self {
        self.answers
            .insert(url.to_owned(), Ok(FetchResponse { status, body }));
        self
    }

    pub(crate) fn asked(&self) -> Vec<FetchRequest> {
        self.asked.lock().unwrap().clone()
    }
}

impl RevocationFetcher for Network {
    fn fetch(&self, request: FetchRequest) -> BoxFuture<'_, Result<FetchResponse, FetchError>> {
        let answer = self.answers.get(&request.url).cloned().unwrap_or_else(|| {
            Err(FetchError::Transport {
                reason: "connection refused".to_owned(),
            })
        });
        self.asked.lock().unwrap().push(request);
        Box::pin(std::future::ready(answer))
    }
}
