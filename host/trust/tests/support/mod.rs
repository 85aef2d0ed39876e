//! Certificates made by an independent implementation, for tests.

#![allow(dead_code, unreachable_pub, clippy::unwrap_used, missing_docs)]

use notary_x509::Certificate;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};

/// A certificate with its key.
pub struct Holder {
    pub certificate: Certificate,
    pub pem: String,
    pub params: CertificateParams,
    pub key: KeyPair,
}

fn params(common_name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    let mut name = DistinguishedName::new();
    name.push(DnType::CountryName, "US");
    name.push(DnType::StateOrProvinceName, "WA");
    name.push(DnType::OrganizationName, "acme");
    name.push(DnType::CommonName, common_name);
    params.distinguished_name = name;
    params
}

fn holder(params: CertificateParams, key: KeyPair, certificate: rcgen::Certificate) -> Holder {
    Holder {
        certificate: Certificate::from_der(certificate.der()).unwrap(),
        pem: certificate.pem(),
        params,
        key,
    }
}

/// A root CA.
pub fn root(common_name: &str) -> Holder {
    let mut params = params(common_name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap();
    holder(params, key, certificate)
}

/// A code-signing certificate that signed itself.
pub fn self_signed_leaf(common_name: &str) -> Holder {
    let mut params = params(common_name);
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap();
    holder(params, key, certificate)
}

impl Holder {
    /// Issues a code-signing certificate, after `change`.
    pub fn leaf(&self, common_name: &str, change: impl FnOnce(&mut CertificateParams)) -> Holder {
        let mut params = params(common_name);
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        change(&mut params);
        self.issue(params)
    }

    /// Issues an intermediate CA.
    pub fn intermediate(&self, common_name: &str) -> Holder {
        let mut params = params(common_name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        self.issue(params)
    }

    fn issue(&self, params: CertificateParams) -> Holder {
        let key = KeyPair::generate().unwrap();
        let issuer = Issuer::from_params(&self.params, &self.key);
        let certificate = params.signed_by(&key, &issuer).unwrap();
        holder(params, key, certificate)
    }
}
