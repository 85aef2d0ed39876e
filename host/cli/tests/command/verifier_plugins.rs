//! Signatures that ask to be verified with a plugin, and plugins that answer well, badly or not at all.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use apostille_signature::{
    AttributeValue, EnvelopeFormat, ExtendedAttribute, Payload, SignatureParts, SigningRequest,
    VerificationPlugin,
};
use notary_x509::{CertificateChain, PrivateKey};
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::support::draft::{Draft, SCHEME};
use crate::support::{Home, Ran, SCOPE, Signer};

const REFUSED: i32 = 3;
const NAME: &str = "judge";
const IDENTITY: &str = "SIGNATURE_VERIFIER.TRUSTED_IDENTITY";
const REVOCATION: &str = "SIGNATURE_VERIFIER.REVOCATION_CHECK";
const JWS: &str = "application/jose+json";

/// A home whose image `app:v1` is signed by a trusted key, with a request for the plugin.
struct Case {
    home: Home,
    signer: Signer,
}

impl Case {
    fn new(change: impl FnOnce(&mut SigningRequest)) -> Self {
        Self::in_format(EnvelopeFormat::Jws, change)
    }

    fn in_format(format: EnvelopeFormat, change: impl FnOnce(&mut SigningRequest)) -> Self {
        let case = Self::unsigned();
        let payload = Payload::new(&case.home.image("app"), Default::default()).unwrap();
        let key = PrivateKey::from_pem(case.signer.key_pem().as_bytes()).unwrap();
        let mut request = SigningRequest::new(payload, key.key_spec(), OffsetDateTime::now_utc());
        request.verification_plugin = Some(VerificationPlugin {
            name: NAME.to_owned(),
            min_version: None,
        });
        change(&mut request);
        let unsigned = request.prepare(format).unwrap();
        let certificates =
            notary_x509::parse_certificates(case.signer.chain_pem().as_bytes()).unwrap();
        let parts = SignatureParts {
            signature: key.sign(unsigned.bytes_to_sign()).unwrap(),
            certificate_chain: CertificateChain::new(certificates).unwrap(),
            timestamp: None,
        };
        let envelope = unsigned.assemble(parts).unwrap().as_bytes().to_vec();
        case.home.attach_to("app", envelope, format.media_type());
        case
    }

    /// The image has no signature yet.
    fn unsigned() -> Self {
        let home = Home::bare();
        let signer = Signer::new("release");
        home.add_signer("release", &signer);
        home.set_policy(&json!({"level": "strict"}));
        Self { home, signer }
    }

    /// With a signature made by hand: what the protected header names is what is asked for.
    fn by_hand(change: impl FnOnce(&mut Draft)) -> Self {
        let case = Self::unsigned();
        let image = case.home.image("app");
        let mut draft = Draft::of(json!({
            "mediaType": image.media_type,
            "digest": image.digest,
            "size": image.size,
        }));
        change(&mut draft);
        let envelope = draft.sign(&case.signer).to_string().into_bytes();
        case.home.attach_to("app", envelope, JWS);
        case
    }

    /// Installs the plugin: what it says about itself, and what it answers to `verify-signature`.
    fn install(&self, metadata: &Value, answer: &str) -> &Self {
        let script = format!(
            r#"#!/bin/sh
echo "$1" >> '{log}'
case $1 in
get-plugin-metadata)
    cat <<'END'
{metadata}
END
    ;;
verify-signature)
    cat > '{question}'
    {answer}
    ;;
esac
"#,
            log = self.log().display(),
            question = self.log().with_extension("json").display(),
        );
        self.home.install(NAME, script.as_bytes());
        self
    }

    /// A plugin with these capabilities that answers with `answer`.
    fn answering(&self, capabilities: &[&str], answer: &Value) -> &Self {
        self.install(&metadata(capabilities), &print(answer))
    }

    fn log(&self) -> PathBuf {
        self.home.config().join("asked")
    }

    /// The commands that the plugin was given.
    fn asked(&self) -> Vec<String> {
        let text = fs::read_to_string(self.log()).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// What it was asked about the signature.
    fn question(&self) -> Value {
        let text = fs::read_to_string(self.log().with_extension("json")).unwrap();
        serde_json::from_str(&text).unwrap()
    }

    /// One statement at `level`, for the identity `identity`.
    fn policy(&self, level: &Value, identity: &str) -> &Self {
        self.home
            .write_policy(&json!({"version": "1.0", "trustPolicies": [{
                "name": "images",
                "registryScopes": ["*"],
                "signatureVerification": level,
                "trustStores": ["ca:release"],
                "trustedIdentities": [identity],
            }]}));
        self
    }

    fn verify(&self) -> Ran {
        self.home.verify(&[])
    }

    #[track_caller]
    fn refused(&self, words: &[&str]) {
        self.verify().refused(REFUSED, words);
    }
}

fn metadata(capabilities: &[&str]) -> Value {
    json!({
        "name": NAME,
        "description": "Judges signatures for tests",
        "version": "1.2.3",
        "url": "https://example.com",
        "supportedContractVersions": ["1.0"],
        "capabilities": capabilities,
    })
}

/// Shell text that prints a document.
fn print(answer: &Value) -> String {
    format!("cat <<'END'\n{answer}\nEND")
}

fn yes(checks: &[&str], processed: &[&str]) -> Value {
    let results: serde_json::Map<String, Value> = checks
        .iter()
        .map(|check| {
            (
                (*check).to_owned(),
                json!({"success": true, "reason": "seen"}),
            )
        })
        .collect();
    json!({"verificationResults": results, "processedAttributes": processed})
}

fn no(check: &str, reason: &str) -> Value {
    json!({
        "verificationResults": {check: {"success": false, "reason": reason}},
        "processedAttributes": [],
    })
}

fn minimum(version: &str) -> impl FnOnce(&mut SigningRequest) {
    let min_version = Some(version.to_owned());
    move |request| {
        request.verification_plugin = Some(VerificationPlugin {
            name: NAME.to_owned(),
            min_version,
        });
    }
}

fn critical(name: &str, value: &str) -> impl FnOnce(&mut SigningRequest) {
    let attribute = ExtendedAttribute {
        name: name.into(),
        value: AttributeValue::Text(value.to_owned()),
        critical: true,
    };
    move |request| request.extended_attributes.push(attribute)
}

const SOMEBODY: &str = "x509.subject: C=GB, ST=England, O=Somebody else";

#[test]
fn a_plugin_decides_about_identity_and_revocation_in_place_of_the_checks_here() {
    for format in [EnvelopeFormat::Jws, EnvelopeFormat::Cose] {
        let case = Case::in_format(format, |_| ());
        case.answering(&[IDENTITY, REVOCATION], &yes(&[IDENTITY, REVOCATION], &[]));
        // Nobody here would accept the signer's name.
        case.policy(&json!({"level": "strict"}), SOMEBODY);
        case.home.verify(&["--plugin-config", "region=eu"]).ok();
        assert_eq!(case.asked(), ["get-plugin-metadata", "verify-signature"]);

        let question = case.question();
        assert_eq!(question["contractVersion"], "1.0");
        assert_eq!(question["pluginConfig"], json!({"region": "eu"}));
        let policy = &question["trustPolicy"];
        assert_eq!(policy["trustedIdentities"], json!([SOMEBODY]));
        let mut checks: Vec<_> = policy["signatureVerification"]
            .as_array()
            .unwrap()
            .iter()
            .map(|check| check.as_str().unwrap())
            .collect();
        checks.sort_unstable();
        assert_eq!(checks, [REVOCATION, IDENTITY]);
        let attributes = &question["signature"]["criticalAttributes"];
        assert_eq!(attributes["signingScheme"], "notary.x509");
        assert_eq!(attributes["verificationPlugin"], NAME);
        assert_eq!(question["signature"]["unprocessedAttributes"], json!([]));
        let chain = question["signature"]["certificateChain"]
            .as_array()
            .unwrap();
        assert_eq!(chain.len(), 1);
    }
}

#[test]
fn a_plugin_that_is_not_installed_is_named_with_what_to_do() {
    for level in ["strict", "permissive", "audit"] {
        let case = Case::new(|_| ());
        case.policy(&json!({"level": level}), "*");
        case.refused(&[NAME, "no plugin called"]);
    }
}

#[test]
fn identity_that_the_plugin_refuses_counts_as_the_level_says() {
    let case = Case::new(|_| ());
    case.answering(&[IDENTITY], &no(IDENTITY, "unknown profile"));
    case.refused(&[NAME, "unknown profile", "trusted identity"]);
    case.policy(&json!({"level": "audit"}), "*");
    let ran = case.verify().ok();
    assert!(ran.err.contains("unknown profile"), "{}", ran.err);
}

#[test]
fn revocation_that_the_plugin_finds_counts_as_the_level_says() {
    let case = Case::new(|_| ());
    case.answering(&[REVOCATION], &no(REVOCATION, "revoked on Monday"));
    case.refused(&["revoked on Monday", "revocation"]);
    case.policy(&json!({"level": "permissive"}), "*");
    let ran = case.verify().ok();
    assert!(ran.err.contains("revoked on Monday"), "{}", ran.err);
}

#[test]
fn what_the_plugin_cannot_do_is_checked_here() {
    let case = Case::new(|_| ());
    case.answering(&[REVOCATION], &yes(&[REVOCATION], &[]));
    case.policy(&json!({"level": "strict"}), SOMEBODY);
    case.refused(&["trusted identit"]);
    case.policy(&json!({"level": "strict"}), "*");
    case.verify().ok();
    let asked = &case.question()["trustPolicy"]["signatureVerification"];
    assert_eq!(asked, &json!([REVOCATION]));
}

#[test]
fn a_plugin_that_verifies_nothing_is_refused_at_every_level() {
    for level in ["strict", "permissive", "audit"] {
        let case = Case::new(|_| ());
        case.answering(&["SIGNATURE_GENERATOR.RAW"], &yes(&[], &[]));
        case.policy(&json!({"level": level}), "*");
        case.refused(&[NAME, "cannot verify signatures"]);
        assert_eq!(case.asked(), ["get-plugin-metadata"]);
    }
}

#[test]
fn revocation_that_the_policy_skips_is_not_asked_of_the_plugin() {
    let case = Case::new(|_| ());
    case.answering(&[IDENTITY, REVOCATION], &yes(&[IDENTITY], &[]));
    let level = json!({"level": "strict", "override": {"revocation": "skip"}});
    case.policy(&level, "*");
    case.verify().ok();
    let asked = &case.question()["trustPolicy"]["signatureVerification"];
    assert_eq!(asked, &json!([IDENTITY]));
}

#[test]
fn nothing_is_asked_of_a_plugin_when_verification_is_skipped() {
    let case = Case::new(|_| ());
    case.answering(&[IDENTITY], &yes(&[IDENTITY], &[]));
    case.home.set_policy(&json!({"level": "skip"}));
    case.verify().ok();
    assert!(case.asked().is_empty());
}

#[test]
fn critical_attributes_must_be_processed_by_the_plugin() {
    for format in [EnvelopeFormat::Jws, EnvelopeFormat::Cose] {
        let case = Case::in_format(format, critical("com.example.stage", "production"));
        case.answering(&[IDENTITY], &yes(&[IDENTITY], &[]));
        case.refused(&["com.example.stage"]);
        let signature = &case.question()["signature"];
        assert_eq!(
            signature["unprocessedAttributes"],
            json!(["com.example.stage"])
        );
        assert_eq!(
            signature["criticalAttributes"]["extendedAttributes"],
            json!({"com.example.stage": "production"})
        );
        // Another one does not count for it.
        case.answering(&[IDENTITY], &yes(&[IDENTITY], &["com.example.other"]));
        case.refused(&["com.example.stage"]);
        case.answering(&[IDENTITY], &yes(&[IDENTITY], &["com.example.stage"]));
        case.verify().ok();
    }
}

#[test]
fn critical_attributes_are_not_passed_over_at_any_level() {
    for level in ["permissive", "audit"] {
        let case = Case::new(critical("com.example.stage", "production"));
        case.answering(&[IDENTITY], &yes(&[IDENTITY], &[]));
        case.policy(&json!({"level": level}), "*");
        case.refused(&["com.example.stage"]);
    }
}

#[test]
fn a_critical_attribute_without_a_plugin_that_knows_it_is_refused() {
    let case = Case::new(|request| {
        critical("com.example.stage", "production")(request);
        request.verification_plugin = None;
    });
    case.answering(&[IDENTITY], &yes(&[IDENTITY], &["com.example.stage"]));
    case.refused(&["com.example.stage", "critical"]);
    assert!(case.asked().is_empty(), "nobody asked for the plugin");
}

#[test]
fn attributes_that_are_not_critical_are_not_the_plugin_s_business() {
    let case = Case::new(|request| {
        request.extended_attributes.push(ExtendedAttribute {
            name: "com.example.note".into(),
            value: AttributeValue::Text("hello".to_owned()),
            critical: false,
        });
    });
    case.answering(&[IDENTITY], &yes(&[IDENTITY], &[]));
    case.verify().ok();
    let signature = &case.question()["signature"];
    assert_eq!(signature["unprocessedAttributes"], json!([]));
}

#[test]
fn the_plugin_must_be_as_new_as_the_signature_demands() {
    for (lowest, good) in [
        ("1.2.3", true),
        ("1.2.3-rc.1", true),
        ("1.2.2", true),
        ("0.99.99", true),
        ("1.2.4", false),
        ("1.10.0", false),
        ("2.0.0-alpha", false),
        ("1.2.4-alpha", false),
    ] {
        let case = Case::new(minimum(lowest));
        case.answering(&[IDENTITY], &yes(&[IDENTITY], &[]));
        if good {
            case.verify().ok();
            let attributes = &case.question()["signature"]["criticalAttributes"];
            assert_eq!(attributes["verificationPluginMinVersion"], lowest);
        } else {
            case.refused(&[NAME, "1.2.3", lowest]);
            assert_eq!(case.asked(), ["get-plugin-metadata"]);
        }
    }
}

#[test]
fn a_version_that_cannot_be_compared_is_too_old() {
    let case = Case::new(minimum("1.0.0"));
    for version in ["v1.2.3", "1.2", "latest"] {
        let mut says = metadata(&[IDENTITY]);
        says["version"] = version.into();
        case.install(&says, &print(&yes(&[IDENTITY], &[])));
        case.refused(&[version, "version"]);
    }
    for lowest in ["v1.0.0", "1", ""] {
        let case = Case::by_hand(|draft| {
            ask_for(draft, NAME);
            demand(draft, "io.cncf.notary.verificationPluginMinVersion", lowest);
        });
        case.answering(&[IDENTITY], &yes(&[IDENTITY], &[]));
        case.refused(&["ersion"]);
    }
}

fn ask_for(draft: &mut Draft, name: &str) {
    demand(draft, "io.cncf.notary.verificationPlugin", name);
}

fn demand(draft: &mut Draft, attribute: &str, value: &str) {
    draft.protected[attribute] = value.into();
    let critical = draft.protected["crit"].as_array_mut().unwrap();
    critical.push(attribute.into());
    assert_eq!(critical[0], SCHEME);
}

#[test]
fn a_name_that_is_a_path_leads_to_no_process() {
    for name in [
        "../../evil",
        "../judge",
        "judge/../judge",
        "/judge",
        "judge/",
        "..",
        ".",
        "judge\\..\\judge",
        "judge\u{0}",
        " judge",
        "",
    ] {
        let case = Case::by_hand(|draft| ask_for(draft, name));
        case.answering(&[IDENTITY], &yes(&[IDENTITY], &[]));
        // Where a joined path would lead.
        let evil = case.home.config().join("evil");
        fs::create_dir_all(&evil).unwrap();
        let installed = case.home.config().join("plugins").join(NAME);
        for place in [&evil, case.home.config().parent().unwrap()] {
            fs::copy(
                installed.join(format!("notation-{NAME}")),
                place.join("notation-evil"),
            )
            .unwrap();
        }
        for level in ["strict", "audit"] {
            case.policy(&json!({"level": level}), "*");
            case.refused(&["lugin"]);
        }
        assert!(case.asked().is_empty(), "{name:?}: {:?}", case.asked());
    }
}

#[test]
fn no_plugin_runs_for_a_signer_whom_nobody_trusts() {
    for level in ["strict", "permissive", "audit"] {
        let case = Case::new(|_| ());
        case.answering(&[IDENTITY], &yes(&[IDENTITY], &[]));
        case.policy(&json!({"level": level}), "*");
        fs::remove_dir_all(case.home.store("ca", "release")).unwrap();
        case.home
            .trust("ca", "release", &Signer::new("somebody else").root_pem());
        case.refused(&["trust store"]);
        assert!(case.asked().is_empty());
    }
}

#[test]
fn no_plugin_runs_for_a_signature_of_another_artifact() {
    let case = Case::by_hand(|draft| {
        ask_for(draft, NAME);
        draft.payload["targetArtifact"]["size"] = 17.into();
    });
    case.answering(&[IDENTITY], &yes(&[IDENTITY], &[]));
    case.refused(&["another artifact"]);
    assert!(case.asked().is_empty());
}

#[test]
fn the_word_of_a_plugin_makes_an_expired_signature_no_better() {
    let case = Case::new(|request| {
        request.signing_time -= Duration::from_secs(60 * 60);
        request.expiry = Some(Duration::from_secs(60));
    });
    case.answering(&[IDENTITY, REVOCATION], &yes(&[IDENTITY, REVOCATION], &[]));
    case.refused(&["expired"]);
}

#[test]
fn an_answer_without_a_result_for_each_check_is_refused_at_every_level() {
    for level in ["strict", "permissive", "audit"] {
        let case = Case::new(|_| ());
        case.answering(&[IDENTITY, REVOCATION], &yes(&[IDENTITY], &[]));
        case.policy(&json!({"level": level}), "*");
        case.refused(&[NAME, REVOCATION]);
    }
}

#[test]
fn results_that_nobody_asked_for_have_no_effect() {
    let case = Case::new(|_| ());
    case.answering(&[REVOCATION], &yes(&[REVOCATION, IDENTITY], &[]));
    case.policy(&json!({"level": "strict"}), SOMEBODY);
    case.refused(&["trusted identit"]);
}

#[test]
fn an_answer_that_is_none_is_refused_at_every_level() {
    let long = format!("printf '%0{}d' 7", 65 * 1024 * 1024);
    for (answer, word) in [
        ("true", "empty"),
        ("echo fine", "JSON"),
        ("echo '{}'", "verificationResults"),
        ("echo '[]'", "object"),
        (
            r#"echo '{"verificationResults":{"SIGNATURE_VERIFIER.TRUSTED_IDENTITY":{"success":"true"}},"processedAttributes":[]}'"#,
            "success",
        ),
        (
            r#"echo '{"verificationResults":{"SIGNATURE_VERIFIER.TRUSTED_IDENTITY":{}},"processedAttributes":[]}'"#,
            "success",
        ),
        (
            r#"echo '{"verificationResults":{"SIGNATURE_VERIFIER.TRUSTED_IDENTITY":{"success":true}},"processedAttributes":"all"}'"#,
            "processedAttributes",
        ),
        (
            r#"echo '{"errorCode":"ACCESS_DENIED","errorMessage":"go away","errorMetadata":{"request":"42"}}' >&2; exit 1"#,
            "go away",
        ),
        ("echo 'panic: oh no' >&2; exit 2", "oh no"),
        ("kill -9 $$", "signal"),
        (&long, "64 MiB"),
    ] {
        for level in ["strict", "audit"] {
            let case = Case::new(|_| ());
            case.install(&metadata(&[IDENTITY]), answer);
            case.policy(&json!({"level": level}), "*");
            case.refused(&[NAME, word]);
        }
    }
}

#[test]
fn metadata_that_is_not_the_plugin_s_own_is_refused() {
    for (member, value, word) in [
        ("name", json!("another"), "another"),
        (
            "supportedContractVersions",
            json!(["2.0"]),
            "contract version",
        ),
        (
            "supportedContractVersions",
            json!([]),
            "supportedContractVersions",
        ),
        ("capabilities", json!([]), "capabilities"),
        ("version", json!(""), "version"),
    ] {
        let case = Case::new(|_| ());
        let mut says = metadata(&[IDENTITY]);
        says[member] = value;
        case.install(&says, &print(&yes(&[IDENTITY], &[])));
        case.refused(&[NAME, word]);
        assert_eq!(case.asked(), ["get-plugin-metadata"]);
    }
}

#[test]
fn a_plugin_that_hangs_is_stopped() {
    let case = Case::new(|_| ());
    case.install(&metadata(&[IDENTITY]), "sleep 600");
    let ran = case.home.verify(&["--plugin-timeout", "1s"]);
    ran.refused(REFUSED, &[NAME, "1 s"]);
}

#[test]
fn the_signature_of_a_file_is_verified_with_its_plugin_too() {
    let case = Case::unsigned();
    let file = case.home.work().join("file");
    fs::write(&file, "content").unwrap();
    let digest =
        apostille_artifact::Digest::of(apostille_artifact::DigestAlgorithm::Sha256, b"content");
    let mut draft = Draft::of(json!({
        "mediaType": "application/octet-stream", "digest": digest, "size": 7,
    }));
    ask_for(&mut draft, NAME);
    let envelope = draft.sign(&case.signer).to_string();
    fs::write(case.home.work().join("file.jws.sig"), envelope).unwrap();
    let policy = json!({"version": "1.0", "trustPolicies": [{
        "name": "files", "globalPolicy": true,
        "signatureVerification": {"level": "strict"},
        "trustStores": ["ca:release"], "trustedIdentities": ["*"],
    }]});
    fs::write(
        case.home.config().join("trustpolicy.blob.json"),
        policy.to_string(),
    )
    .unwrap();
    let verify = ["blob", "verify", "-s", "file.jws.sig", "file"];
    case.home
        .run(&verify)
        .refused(REFUSED, &["no plugin called"]);
    case.answering(&[IDENTITY], &no(IDENTITY, "unknown profile"));
    case.home
        .run(&verify)
        .refused(REFUSED, &["unknown profile"]);
    case.answering(&[IDENTITY], &yes(&[IDENTITY], &[]));
    case.home.run(&verify).ok();
}

#[test]
fn the_explanation_says_what_the_plugin_decided() {
    let case = Case::new(|_| ());
    case.answering(&[IDENTITY], &yes(&[IDENTITY], &[]));
    let shown = case.home.run(&[
        "verify",
        "--oci-layout",
        "--scope",
        SCOPE,
        "--explain",
        "app:v1",
    ]);
    let shown = shown.ok();
    assert!(
        shown.out.contains(&format!("plugin `{NAME}`")),
        "{}",
        shown.out
    );
}
