//! Plugins that make whole envelopes: the honest one of the SDK, and such as hand out something else than was asked for.
//! An envelope with a fault is never stored. Each fault is alone in an envelope that is otherwise properly signed.

use std::fs;

use apostille_artifact::{Digest, DigestAlgorithm};
use apostille_testing::workspace::example;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::support::draft::{Draft, SCHEME, at};
use crate::support::{Authority, Home, Ran, Signer, Validity};

const REFUSED_SIGNER: i32 = 6;
const JWS: &str = "application/jose+json";
const CONTENT: &[u8] = b"content";
const EXPIRY: &str = "io.cncf.notary.expiry";

/// What a plugin that makes envelopes for files says about itself.
const FOR_BLOBS: &str = "SIGNATURE_GENERATOR.ENVELOPE_FOR_BLOB";
const FOR_ARTIFACTS: &str = "SIGNATURE_GENERATOR.ENVELOPE";

fn home() -> Home {
    let home = Home::new();
    fs::write(home.work().join("blob"), CONTENT).unwrap();
    home
}

/// What an honest plugin would put into an envelope for the file.
fn honest() -> Draft {
    let digest = Digest::of(DigestAlgorithm::Sha256, CONTENT);
    Draft::of(json!({
        "mediaType": "application/octet-stream",
        "digest": digest.to_string(),
        "size": CONTENT.len(),
        "annotations": {"build": "17"},
    }))
}

/// Installs a plugin that answers `generate-envelope` with this envelope, whatever it is asked.
fn install_canned(
    home: &Home,
    capability: &str,
    envelope: &[u8],
    media_type: &str,
    annotations: &Value,
) {
    let answer = json!({
        "signatureEnvelope": STANDARD.encode(envelope),
        "signatureEnvelopeType": media_type,
        "annotations": annotations,
    });
    let script = format!(
        r#"#!/bin/sh
cat > /dev/null
case $1 in
get-plugin-metadata) echo '{{"name":"canned","description":"Lies","version":"1.0.0","url":"https://example.com","supportedContractVersions":["1.0"],"capabilities":["{capability}"]}}' ;;
describe-key) echo '{{"keyId":"k","keySpec":"EC-256"}}' ;;
generate-envelope) echo '{answer}' ;;
esac
"#
    );
    home.install("canned", script.as_bytes());
}

fn sign_blob(home: &Home, more: &[&str]) -> Ran {
    let fixed = [
        "blob", "sign", "--plugin", "canned", "--id", "k", "-m", "build=17",
    ];
    home.run(&[&fixed[..], more, &["blob"]].concat())
}

/// The envelope is refused for each of these words, and nothing is written.
#[track_caller]
fn refused(envelope: &Value, more: &[&str], words: &[&str]) {
    let home = home();
    install_canned(
        &home,
        FOR_BLOBS,
        envelope.to_string().as_bytes(),
        JWS,
        &json!({}),
    );
    let words = [words, &["Nothing was stored"]].concat();
    home.unchanged(|| sign_blob(&home, more))
        .refused(REFUSED_SIGNER, &words);
}

#[track_caller]
fn draft_refused(change: impl FnOnce(&mut Draft), words: &[&str]) {
    let mut draft = honest();
    change(&mut draft);
    refused(&draft.sign(&Signer::new("release")), &[], words);
}

#[test]
fn the_canned_envelope_without_a_fault_is_stored_as_it_is() {
    let home = home();
    let envelope = honest().sign(&Signer::new("release")).to_string();
    install_canned(&home, FOR_BLOBS, envelope.as_bytes(), JWS, &json!({}));
    sign_blob(&home, &[]).ok();
    assert_eq!(
        fs::read(home.work().join("blob.jws.sig")).unwrap(),
        envelope.as_bytes()
    );
}

#[test]
fn added_annotations_are_accepted_and_reserved_ones_are_not() {
    let home = home();
    let mut draft = honest();
    draft.payload["targetArtifact"]["annotations"]["service"] = json!("eu-1");
    let envelope = draft.sign(&Signer::new("release")).to_string();
    install_canned(&home, FOR_BLOBS, envelope.as_bytes(), JWS, &json!({}));
    sign_blob(&home, &[]).ok();
    draft_refused(
        |draft| draft.payload["targetArtifact"]["annotations"]["io.cncf.notary.x"] = json!("1"),
        &["io.cncf.notary.x", "reserved"],
    );
}

#[test]
fn another_digest_size_or_media_type_is_refused() {
    let digest = format!("sha256:{}", "0".repeat(64));
    for (member, value) in [
        ("digest", json!(digest)),
        ("size", json!(8)),
        ("mediaType", json!("text/plain")),
    ] {
        draft_refused(
            |draft| draft.payload["targetArtifact"][member] = value,
            &["not the one that was asked for", "instead of"],
        );
    }
}

#[test]
fn a_removed_or_changed_annotation_is_refused() {
    for annotations in [json!({}), json!({"build": "18"})] {
        draft_refused(
            |draft| draft.payload["targetArtifact"]["annotations"] = annotations,
            &["annotation \"build\" was removed or changed"],
        );
    }
}

#[test]
fn unknown_members_of_payload_and_descriptor_are_refused() {
    draft_refused(|draft| draft.payload["more"] = json!(1), &["more", "added"]);
    draft_refused(
        |draft| draft.payload["targetArtifact"]["artifactType"] = json!("a/b"),
        &["artifactType", "added"],
    );
}

#[test]
fn another_content_type_or_algorithm_is_refused() {
    draft_refused(
        |draft| draft.protected["cty"] = json!("text/plain"),
        &["content type"],
    );
    draft_refused(
        |draft| draft.protected["alg"] = json!("ES384"),
        &["refused"],
    );
}

#[test]
fn an_unknown_scheme_or_one_that_is_not_critical_is_refused() {
    draft_refused(
        |draft| draft.protected[SCHEME] = json!("notary.x510"),
        &[SCHEME],
    );
    draft_refused(|draft| draft.protected["crit"] = json!([]), &["crit"]);
}

#[test]
fn an_altered_signature_is_refused() {
    let mut envelope = honest().sign(&Signer::new("release"));
    envelope["signature"] = honest().sign(&Signer::new("other"))["signature"].clone();
    refused(&envelope, &[], &["signature does not verify"]);
}

#[test]
fn an_expiry_that_nobody_asked_for_is_refused_and_so_is_a_missing_or_another_one() {
    let with_expiry = |seconds: i64| {
        let mut draft = honest();
        draft.protected[EXPIRY] = json!(at(seconds));
        draft.protected["crit"] = json!([SCHEME, EXPIRY]);
        draft.sign(&Signer::new("release"))
    };
    refused(&with_expiry(3600), &[], &["no expiry was asked for"]);
    refused(
        &with_expiry(7200),
        &["--expiry", "1h"],
        &["7200 s", "3600 s"],
    );
    let never = honest().sign(&Signer::new("release"));
    refused(&never, &["--expiry", "1h"], &["never expires"]);
    let home = home();
    let envelope = with_expiry(3600).to_string();
    install_canned(&home, FOR_BLOBS, envelope.as_bytes(), JWS, &json!({}));
    sign_blob(&home, &["--expiry", "1h"]).ok();
}

#[test]
fn certificates_that_break_a_rule_are_refused() {
    for validity in [Validity::Past, Validity::Future] {
        let envelope = honest().sign(&Signer::valid("release", validity));
        refused(&envelope, &[], &["certificate"]);
    }
    let server = rcgen::ExtendedKeyUsagePurpose::ServerAuth;
    let signer = Authority::new("root").issue("release", |params| {
        params.extended_key_usages = vec![server];
    });
    refused(&honest().sign(&signer), &[], &["certificate"]);
}

#[test]
fn a_signature_that_was_dated_back_to_when_the_certificate_was_valid_is_refused() {
    let mut draft = honest();
    draft.protected["io.cncf.notary.signingTime"] = json!(at(-36 * 60 * 60));
    refused(
        &draft.sign(&Signer::valid("release", Validity::Past)),
        &[],
        &["certificate"],
    );
}

#[test]
fn a_timestamp_that_is_none_is_refused() {
    let mut envelope = honest().sign(&Signer::new("release"));
    envelope["header"]["io.cncf.notary.timestampSignature"] = json!(STANDARD.encode(b"never"));
    refused(&envelope, &[], &["TimeStampToken"]);
}

#[test]
fn another_type_or_another_format_than_asked_for_is_refused() {
    let envelope = honest().sign(&Signer::new("release")).to_string();
    let home = home();
    install_canned(
        &home,
        FOR_BLOBS,
        envelope.as_bytes(),
        "application/cose",
        &json!({}),
    );
    sign_blob(&home, &[]).refused(REFUSED_SIGNER, &["signatureEnvelopeType"]);
    sign_blob(&home, &["--signature-format", "cose"]).refused(REFUSED_SIGNER, &["refused"]);
}

#[test]
fn another_key_spec_than_described_is_refused() {
    let home = home();
    let envelope = honest().sign(&Signer::new("release")).to_string();
    install_canned(&home, FOR_BLOBS, envelope.as_bytes(), JWS, &json!({}));
    let path = home.config().join("plugins/canned/notation-canned");
    let script = fs::read_to_string(&path).unwrap();
    fs::write(&path, script.replace("EC-256", "RSA-2048")).unwrap();
    sign_blob(&home, &[]).refused(REFUSED_SIGNER, &["RSASSA-PSS-SHA-256"]);
}

#[test]
fn envelopes_for_artifacts_are_none_for_files_and_the_reverse() {
    let home = home();
    let envelope = honest().sign(&Signer::new("release")).to_string();
    install_canned(&home, FOR_ARTIFACTS, envelope.as_bytes(), JWS, &json!({}));
    sign_blob(&home, &[]).refused(REFUSED_SIGNER, &[FOR_BLOBS, "SIGNATURE_GENERATOR.RAW"]);
    install_canned(&home, FOR_BLOBS, envelope.as_bytes(), JWS, &json!({}));
    home.sign(&["--plugin", "canned", "--id", "k"]).refused(
        REFUSED_SIGNER,
        &["SIGNATURE_GENERATOR.ENVELOPE", "SIGNATURE_GENERATOR.RAW"],
    );
}

#[test]
fn the_envelope_for_a_file_is_refused_for_an_artifact() {
    let home = home();
    let envelope = honest().sign(&Signer::new("release")).to_string();
    install_canned(&home, FOR_ARTIFACTS, envelope.as_bytes(), JWS, &json!({}));
    home.unchanged(|| home.sign(&["--plugin", "canned", "--id", "k"]))
        .refused(REFUSED_SIGNER, &["not the one that was asked for"]);
}

#[test]
fn no_timestamp_can_be_asked_for() {
    let home = home();
    let envelope = honest().sign(&Signer::new("release")).to_string();
    install_canned(&home, FOR_BLOBS, envelope.as_bytes(), JWS, &json!({}));
    let root = home.work().join("root.pem");
    fs::write(&root, Signer::new("tsa").root_pem()).unwrap();
    sign_blob(
        &home,
        &[
            "--timestamp-url",
            "http://127.0.0.1:1",
            "--timestamp-root-cert",
            root.to_str().unwrap(),
        ],
    )
    .refused(2, &["makes whole envelopes"]);
}

/// Installs the plugin of the SDK that makes JWS envelopes with the key `release`.
fn install_honest(home: &mut Home) {
    let program = example("notary-plugin-sdk", "envelope-generator").unwrap();
    let name = "envelope-generator";
    home.install(name, &fs::read(program).unwrap());
    home.set("ENVELOPE_KEY_DIRECTORY", home.config());
}

const HONEST: [&str; 6] = [
    "--plugin",
    "envelope-generator",
    "--id",
    "release.key",
    "--plugin-config",
    "certificates=../config/release.crt",
];

#[test]
fn a_plugin_of_the_sdk_signs_artifacts_and_files_with_expiry_and_metadata() {
    let mut home = home();
    install_honest(&mut home);
    let certificates = format!(
        "certificates={}",
        home.config().join("release.crt").display()
    );
    let mut honest = HONEST;
    honest[5] = &certificates;
    let more = [&honest[..], &["--expiry", "1h", "-m", "build=17"]].concat();
    home.sign(&more).ok();
    home.verify(&["-m", "build=17"]).ok();
    home.run(&[&["blob", "sign"], &more[..], &["blob"]].concat())
        .ok();
    let policy = json!({"version": "1.0", "trustPolicies": [{
        "name": "files", "globalPolicy": true, "signatureVerification": {"level": "strict"},
        "trustStores": ["ca:release"], "trustedIdentities": ["*"],
    }]});
    fs::write(
        home.config().join("trustpolicy.blob.json"),
        policy.to_string(),
    )
    .unwrap();
    home.run(&[
        "blob",
        "verify",
        "-m",
        "build=17",
        "-s",
        "blob.jws.sig",
        "blob",
    ])
    .ok();
    let inspected = home.run(&["blob", "inspect", "blob.jws.sig"]).ok();
    assert!(
        inspected.out.contains("signing agent: envelope-generator/"),
        "{}",
        inspected.out
    );
    // It makes no COSE, and says so.
    home.sign(&[&honest[..], &["--signature-format", "cose"]].concat())
        .refused(REFUSED_SIGNER, &["VALIDATION_ERROR", "only JWS"]);
}

#[test]
fn annotations_of_the_plugin_reach_the_manifest_and_ours_win() {
    let mut home = home();
    install_honest(&mut home);
    let certificates = format!(
        "certificates={}",
        home.config().join("release.crt").display()
    );
    let real = home
        .config()
        .join("plugins/envelope-generator/notation-envelope-generator");
    let annotations =
        r#""annotations":{"service":"eu-1","org.opencontainers.image.created":"never"}"#;
    let script = format!(
        "#!/bin/sh\n'{}' \"$1\" | sed 's/\"name\":\"envelope-generator\"/\"name\":\"annotating\"/; \
         s/\"annotations\":{{}}/{annotations}/'\n",
        real.display()
    );
    home.install("annotating", script.as_bytes());
    home.sign(&[
        "--plugin",
        "annotating",
        "--id",
        "release.key",
        "--plugin-config",
        &certificates,
    ])
    .ok();
    let manifests = home.blobs_with("x509chain.thumbprint");
    let manifest: Value = serde_json::from_slice(&fs::read(&manifests[0]).unwrap()).unwrap();
    assert_eq!(manifest["annotations"]["service"], "eu-1");
    assert_ne!(
        manifest["annotations"]["org.opencontainers.image.created"],
        "never"
    );
}
