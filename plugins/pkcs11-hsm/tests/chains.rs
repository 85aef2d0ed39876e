//! Certificate chains from a CA, put together from the token and from files.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod support;

use std::path::{Path, PathBuf};

use notary_plugin_protocol::KeySpec;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use support::Plugin;

const SPEC: KeySpec = KeySpec::Ec256;

/// A root, an intermediate and a leaf for the key `release`, each in a file of its own.
struct Chain {
    leaf: PathBuf,
    intermediate: PathBuf,
    root: PathBuf,
}

fn parameters(name: &str) -> CertificateParams {
    let mut parameters = CertificateParams::new(Vec::new()).unwrap();
    for (kind, value) in [
        (DnType::CommonName, name),
        (DnType::OrganizationName, "Example"),
        (DnType::StateOrProvinceName, "England"),
        (DnType::CountryName, "GB"),
    ] {
        parameters.distinguished_name.push(kind, value);
    }
    parameters
}

fn authority(name: &str, below: u8) -> CertificateParams {
    let mut parameters = parameters(name);
    parameters.is_ca = IsCa::Ca(BasicConstraints::Constrained(below));
    parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    parameters.use_authority_key_identifier_extension = true;
    parameters
}

fn chain(plugin: &Plugin) -> Chain {
    let key = plugin
        .hsm
        .import_key(SPEC.as_str(), "release", &[1])
        .unwrap();
    let (root_key, intermediate_key) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    let (root, intermediate) = (authority("root", 1), authority("intermediate", 0));
    let root_certificate = root.self_signed(&root_key).unwrap();
    let root_issuer = Issuer::new(root, root_key);
    let intermediate_certificate = intermediate
        .signed_by(&intermediate_key, &root_issuer)
        .unwrap();
    let intermediate_issuer = Issuer::new(intermediate, intermediate_key);

    let mut leaf = parameters("release");
    leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::CodeSigning];
    leaf.use_authority_key_identifier_extension = true;
    let leaf_certificate = leaf.signed_by(&key.key_pair, &intermediate_issuer).unwrap();

    let file = |name: &str, pem: String| {
        let path = plugin.hsm.directory().join(name);
        std::fs::write(&path, pem).unwrap();
        path
    };
    Chain {
        leaf: file("leaf.pem", leaf_certificate.pem()),
        intermediate: file("intermediate.pem", intermediate_certificate.pem()),
        root: file("root.pem", root_certificate.pem()),
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn the_leaf_on_the_token_is_completed_from_a_directory() {
    let plugin = Plugin::new();
    let chain = chain(&plugin);
    plugin
        .person(&["import-cert", "--key-id", "release", text(&chain.leaf)])
        .unwrap();
    let directory = plugin.hsm.directory().join("authorities");
    std::fs::create_dir(&directory).unwrap();
    std::fs::copy(&chain.root, directory.join("a.pem")).unwrap();
    std::fs::copy(&chain.intermediate, directory.join("b.pem")).unwrap();

    let plugin = plugin.with("certificates", text(&directory));
    let signed = plugin.sign("release", SPEC, b"payload").unwrap();
    let names: Vec<String> = signed
        .chain
        .iter()
        .map(|certificate| certificate.subject().to_string())
        .collect();
    assert_eq!(names.len(), 3);
    for (name, part) in names
        .iter()
        .zip(["CN=release", "CN=intermediate", "CN=root"])
    {
        assert!(name.contains(part), "{names:?}");
    }
    signed.chain[0]
        .public_key()
        .verify(SPEC.signing_algorithm(), b"payload", &signed.signature)
        .unwrap();
}

#[test]
fn a_chain_that_stays_incomplete_is_refused_with_what_is_missing() {
    let plugin = Plugin::new();
    let chain = chain(&plugin);
    plugin
        .person(&["import-cert", "--key-id", "release", text(&chain.leaf)])
        .unwrap();
    let plugin = plugin.with("certificates", text(&chain.root));
    let refusal = plugin.sign("release", SPEC, b"payload").err().unwrap();
    assert_eq!(refusal.code, "VALIDATION_ERROR");
    assert!(
        refusal.message.contains("intermediate"),
        "{}",
        refusal.message
    );
}
