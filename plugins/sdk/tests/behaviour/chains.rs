//! Certificate chains: found, ordered, checked and explained.

use std::fs;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use notary_plugin_sdk::protocol::KeySpec;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose,
};
use serde_json::json;

use crate::plugin::{Plugin, Run, signature_request};

/// A root, two intermediates with the same name, and a leaf of the second for the key of the plugin.
struct Pki {
    plugin: Plugin,
    root: String,
    stranger: String,
    intermediate: String,
    leaf: String,
}

fn authority(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    params
}

impl Pki {
    fn new(change_leaf: impl FnOnce(&mut CertificateParams)) -> Self {
        let plugin = Plugin::troublemaker();
        let root =
            CertifiedIssuer::self_signed(authority("root"), KeyPair::generate().unwrap()).unwrap();
        let issue = |name| {
            CertifiedIssuer::signed_by(authority(name), KeyPair::generate().unwrap(), &root)
                .unwrap()
        };
        let (stranger, intermediate) = (issue("intermediate"), issue("intermediate"));
        let mut leaf = CertificateParams::default();
        leaf.distinguished_name.push(DnType::CommonName, "leaf");
        leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::CodeSigning];
        leaf.use_authority_key_identifier_extension = true;
        change_leaf(&mut leaf);
        let key = KeyPair::from_pem(&plugin.read("key.pem")).unwrap();
        let leaf = leaf.signed_by(&key, &intermediate).unwrap();
        Self {
            plugin,
            root: root.pem(),
            stranger: stranger.pem(),
            intermediate: intermediate.pem(),
            leaf: leaf.pem(),
        }
    }

    fn sign_with(&self, certificates: &[&str]) -> Run {
        fs::write(self.plugin.path("certificate.pem"), certificates.concat()).unwrap();
        self.plugin.sign("good", b"payload")
    }
}

fn refused(run: &Run, texts: &[&str]) {
    let (code, message) = run.error();
    assert_eq!(code, "VALIDATION_ERROR");
    for text in texts {
        assert!(message.contains(text), "{text}: {message}");
    }
}

fn der(pem: &str) -> String {
    pem.lines()
        .filter(|line| !line.starts_with("-----"))
        .collect()
}

#[test]
fn a_chain_is_put_in_order_whatever_the_order_of_the_file() {
    let pki = Pki::new(|_| {});
    let all = [
        pki.leaf.as_str(),
        &pki.intermediate,
        &pki.root,
        &pki.stranger,
    ];
    for first in 0..4 {
        let mut rotated = all;
        rotated.rotate_left(first);
        for order in [rotated, {
            rotated.reverse();
            rotated
        }] {
            let answer = pki.sign_with(&order).answer();
            let expected: Vec<String> = [&pki.leaf, &pki.intermediate, &pki.root]
                .map(|pem| der(pem))
                .to_vec();
            assert_eq!(answer["certificateChain"], json!(expected));
        }
    }
}

/// Runs `openssl`, where it is, in the directory of the plugin.
fn openssl(pki: &Pki, arguments: &[&str]) -> bool {
    if !crate::plugin::available("openssl") {
        return false;
    }
    let output = std::process::Command::new("openssl")
        .args(arguments)
        .current_dir(pki.plugin.directory.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    true
}

#[test]
fn pkcs_7_and_pkcs_12_without_key_hold_a_chain_as_well() {
    let pki = Pki::new(|_| {});
    let all = [
        pki.root.as_str(),
        &pki.stranger,
        &pki.leaf,
        &pki.intermediate,
    ]
    .concat();
    fs::write(pki.plugin.path("all.pem"), all).unwrap();
    let pkcs7 = "crl2pkcs7 -nocrl -certfile all.pem -out chain.p7b -outform DER";
    let pkcs12 =
        "pkcs12 -export -nokeys -in all.pem -out chain.p12 -passout pass: -certpbe NONE -nomac";
    for (command, file) in [(pkcs7, "chain.p7b"), (pkcs12, "chain.p12")] {
        if !openssl(&pki, &command.split(' ').collect::<Vec<_>>()) {
            return;
        }
        let mut request = signature_request("good", KeySpec::Ec256, b"payload");
        request["pluginConfig"]["certificates"] = json!(file);
        let answer = pki.plugin.ask("generate-signature", &request).answer();
        let expected = [&pki.leaf, &pki.intermediate, &pki.root].map(|pem| der(pem));
        assert_eq!(answer["certificateChain"], json!(expected), "{file}");
    }
}

#[test]
fn the_file_of_a_certificate_that_breaks_a_rule_is_named() {
    let pki = Pki::new(|leaf| leaf.key_usages = vec![KeyUsagePurpose::KeyAgreement]);
    let directory = pki.plugin.path("chain");
    fs::create_dir(&directory).unwrap();
    for (name, pem) in [
        ("ca.pem", &pki.intermediate),
        ("mine.pem", &pki.leaf),
        ("root.pem", &pki.root),
    ] {
        fs::write(directory.join(name), pem).unwrap();
    }
    let mut request = signature_request("good", KeySpec::Ec256, b"payload");
    request["pluginConfig"]["certificates"] = json!("chain");
    refused(
        &pki.plugin.ask("generate-signature", &request),
        &["certificate 1 of 3", "keyUsage", "from chain/mine.pem"],
    );
}

#[test]
fn the_leaf_of_a_remote_key_is_told_from_the_rest() {
    let pki = Pki::new(|_| {});
    fs::write(
        pki.plugin.path("certificate.pem"),
        [pki.root.as_str(), &pki.leaf, &pki.intermediate].concat(),
    )
    .unwrap();
    let answer = pki.plugin.sign("remote", b"payload").answer();
    assert_eq!(answer["certificateChain"][0], der(&pki.leaf));
}

#[test]
fn certificates_may_lie_in_a_directory_beside_other_files() {
    let pki = Pki::new(|_| {});
    let directory = pki.plugin.path("chain");
    fs::create_dir(&directory).unwrap();
    for (name, content) in [
        ("a.pem", &pki.root),
        ("b.crt", &pki.leaf),
        ("README", &"not a certificate".to_owned()),
    ] {
        fs::write(directory.join(name), content).unwrap();
    }
    fs::write(
        directory.join("c.der"),
        STANDARD.decode(der(&pki.intermediate)).unwrap(),
    )
    .unwrap();
    let mut request = signature_request("good", KeySpec::Ec256, b"payload");
    request["pluginConfig"]["certificates"] = json!("chain");
    let answer = pki.plugin.ask("generate-signature", &request).answer();
    assert_eq!(answer["certificateChain"].as_array().unwrap().len(), 3);
}

#[test]
fn a_missing_issuer_is_named_with_what_was_found_and_where() {
    let pki = Pki::new(|_| {});
    refused(
        &pki.sign_with(&[&pki.leaf, &pki.root]),
        &[
            "issuer of \"CN=leaf\" is missing, which is \"CN=intermediate\"",
            "\"CN=root\" in certificate.pem",
        ],
    );
}

#[test]
fn a_certificate_of_another_key_is_refused() {
    let pki = Pki::new(|_| {});
    refused(
        &pki.sign_with(&[&pki.intermediate, &pki.root]),
        &["none of the 2 certificates", "public key"],
    );
}

#[test]
fn an_expired_certificate_is_named_with_its_date() {
    let pki = Pki::new(|leaf| leaf.not_after = rcgen::date_time_ymd(2020, 1, 2));
    refused(
        &pki.sign_with(&[&pki.leaf, &pki.intermediate, &pki.root]),
        &["CN=leaf", "2020-01-02", "from certificate.pem"],
    );
}

#[test]
fn a_leaf_for_servers_is_refused_before_it_signs() {
    let pki = Pki::new(|leaf| leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth]);
    refused(
        &pki.sign_with(&[&pki.leaf, &pki.intermediate, &pki.root]),
        &["CN=leaf"],
    );
}

#[test]
fn a_file_that_is_no_certificate_is_named() {
    let pki = Pki::new(|_| {});
    refused(
        &pki.sign_with(&["hello"]),
        &["configuration key `certificates`", "certificate.pem"],
    );
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let pki = Pki::new(|_| {});
    fs::remove_file(pki.plugin.path("certificate.pem")).unwrap();
    refused(
        &pki.plugin.sign("good", b"payload"),
        &["cannot read certificates from certificate.pem"],
    );
}

#[test]
fn a_file_beyond_the_limit_is_refused() {
    let pki = Pki::new(|_| {});
    let padding = " ".repeat(notary_plugin_sdk::CERTIFICATE_FILE_LIMIT);
    refused(
        &pki.sign_with(&[&pki.leaf, &padding]),
        &["larger than 1048576 bytes"],
    );
}

#[test]
fn a_directory_with_too_many_files_is_refused() {
    let pki = Pki::new(|_| {});
    let directory = pki.plugin.path("many");
    fs::create_dir(&directory).unwrap();
    for number in 0..=notary_plugin_sdk::CERTIFICATE_DIRECTORY_LIMIT {
        fs::write(directory.join(number.to_string()), "").unwrap();
    }
    let mut request = signature_request("good", KeySpec::Ec256, b"payload");
    request["pluginConfig"]["certificates"] = json!("many");
    refused(
        &pki.plugin.ask("generate-signature", &request),
        &["more than 256 files"],
    );
}
