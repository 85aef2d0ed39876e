//! Certificates of a server with TLS, and of clients that log in with one.

use std::fs;
use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
};

use super::VaultServerError;

/// A certificate and key to log in with.
#[derive(Clone, Debug)]
pub struct ClientCertificate {
    /// File with the certificate (PEM).
    pub certificate: PathBuf,
    /// File with its private key (PEM, PKCS#8).
    pub key: PathBuf,
}

/// Writes `ca.pem`, `server.pem`, `server.key`, `client.pem` and `client.key` into a directory.
pub(super) fn write_certificates(directory: &Path) -> Result<(), VaultServerError> {
    let authority_key = KeyPair::generate()?;
    let mut authority = CertificateParams::new(Vec::new())?;
    authority
        .distinguished_name
        .push(DnType::CommonName, "test server authority");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority_certificate = authority.self_signed(&authority_key)?;
    let issuer = Issuer::new(authority, authority_key);
    let write = |name: &str, text: String| {
        fs::write(directory.join(name), text).map_err(VaultServerError::io("write a certificate"))
    };
    write("ca.pem", authority_certificate.pem())?;

    let key = KeyPair::generate()?;
    let names = ["localhost", "127.0.0.1", "vault.example.com"].map(str::to_owned);
    let mut server = CertificateParams::new(names)?;
    server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    write("server.pem", server.signed_by(&key, &issuer)?.pem())?;
    write("server.key", key.serialize_pem())?;

    let key = KeyPair::generate()?;
    let mut client = CertificateParams::new(["signer.example.com".to_owned()])?;
    client
        .distinguished_name
        .push(DnType::CommonName, "signer.example.com");
    client.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    write("client.pem", client.signed_by(&key, &issuer)?.pem())?;
    write("client.key", key.serialize_pem())
}

pub(super) fn client_certificate(directory: &Path) -> ClientCertificate {
    ClientCertificate {
        certificate: directory.join("client.pem"),
        key: directory.join("client.key"),
    }
}
