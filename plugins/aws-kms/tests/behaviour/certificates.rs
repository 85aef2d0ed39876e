//! Where certificates may be kept, and `issue-cert`.

use apostille_testing::aws::{AwsServer, StubAnswer};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use notary_plugin_protocol::KeySpec;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SubjectPublicKeyInfo,
};
use serde_json::{Value, json};

use crate::cloud::{at, key, proxy, self_signed, shared, signer, unique};
use crate::plugin::Plugin;

/// A key with a certificate that is in no file.
fn unfiled(server: &AwsServer) -> (String, String, Plugin) {
    let arn = key(server, KeySpec::Ec256);
    let plugin = signer(server);
    let pem = self_signed(&plugin, &arn);
    (arn, pem, plugin)
}

#[test]
fn a_parameter_holds_the_chain() {
    let Some(server) = shared() else { return };
    let (arn, pem, plugin) = unfiled(&server);
    let name = format!("/signing/{}", unique("chain"));
    let body = json!({ "Name": name, "Value": pem, "Type": "SecureString" });
    server.call("ssm", "AmazonSSM.PutParameter", &body).unwrap();
    let plugin = plugin.with("certificate_parameter", name);
    plugin.sign_well(&arn, KeySpec::Ec256);
}

#[test]
fn a_secret_holds_the_chain_as_text_or_bytes() {
    let Some(server) = shared() else { return };
    let (arn, pem, plugin) = unfiled(&server);
    for (member, value) in [
        ("SecretString", pem.clone()),
        ("SecretBinary", STANDARD.encode(&pem)),
    ] {
        let name = unique("chain");
        let body = json!({ "Name": name, member: value });
        let made = server
            .call("secretsmanager", "secretsmanager.CreateSecret", &body)
            .unwrap();
        for name in [name.as_str(), made["ARN"].as_str().unwrap()] {
            let plugin = plugin.again().with("certificate_secret", name);
            plugin.sign_well(&arn, KeySpec::Ec256);
        }
    }
}

#[test]
fn an_object_holds_the_chain() {
    let Some(server) = shared() else { return };
    let (arn, pem, plugin) = unfiled(&server);
    let bucket = unique("pki");
    server
        .put_object(&bucket, "chains/release.pem", &pem)
        .unwrap();
    let url = format!("s3://{bucket}/chains/release.pem");
    let plugin = plugin.with("certificate_object", url);
    plugin.sign_well(&arn, KeySpec::Ec256);
}

#[test]
fn certificate_manager_holds_the_chain() {
    let Some(server) = shared() else { return };
    let (arn, pem, plugin) = unfiled(&server);
    // The emulator wants a private key for what it stores, and never looks at it.
    let body =
        json!({ "Certificate": STANDARD.encode(&pem), "PrivateKey": STANDARD.encode("none") });
    let imported = server
        .call("acm", "CertificateManager.ImportCertificate", &body)
        .unwrap();
    let certificate = imported["CertificateArn"].as_str().unwrap();
    let plugin = plugin.with("certificate_arn", certificate);
    plugin.sign_well(&arn, KeySpec::Ec256);
}

#[test]
fn places_without_a_certificate_are_named() {
    let Some(server) = shared() else { return };
    let (arn, _, plugin) = unfiled(&server);
    for (setting, value) in [
        ("certificate_parameter", "/no/such/parameter"),
        ("certificate_secret", "no-such-secret"),
        ("certificate_object", "s3://no-such-bucket/key"),
    ] {
        let plugin = plugin.again().with(setting, value);
        let refusal = plugin.sign(&arn, KeySpec::Ec256, b"payload").unwrap_err();
        refusal.is("VALIDATION_ERROR", &[value, "does not exist"]);
    }
    let plugin = plugin.with("certificate_object", "https://pki/key");
    let refusal = plugin.sign(&arn, KeySpec::Ec256, b"payload").unwrap_err();
    refusal.is("VALIDATION_ERROR", &["s3://BUCKET/KEY"]);
}

#[test]
fn signing_with_a_certificate_elsewhere_costs_two_requests() {
    let Some(server) = shared() else { return };
    let (arn, pem, _) = unfiled(&server);
    let name = unique("chain");
    let body = json!({ "Name": name, "SecretString": pem });
    server
        .call("secretsmanager", "secretsmanager.CreateSecret", &body)
        .unwrap();
    let proxy = proxy(&server);
    let plugin = at(proxy.address()).with("certificate_secret", name);
    plugin.sign_well(&arn, KeySpec::Ec256);
    let mut asked = proxy.operations();
    asked.sort();
    assert_eq!(asked, ["GetSecretValue", "Sign"]);
}

/// A root, an intermediate authority and a certificate for the key, as AWS Private CA would issue them: the
/// leaf, and the rest of the chain.
fn issue(server: &AwsServer, arn: &str, leaf_is_an_authority: bool) -> (String, String) {
    let authority = |name: &str| {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        for (kind, value) in [
            (DnType::CountryName, "GB"),
            (DnType::StateOrProvinceName, "England"),
            (DnType::OrganizationName, "Example"),
            (DnType::CommonName, name),
        ] {
            params.distinguished_name.push(kind, value);
        }
        params
    };
    let ca = |name: &str| {
        let mut params = authority(name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params
    };
    let root_key = KeyPair::generate().unwrap();
    let root = ca("root").self_signed(&root_key).unwrap();
    let root_issuer = Issuer::new(ca("root"), root_key);
    let middle_key = KeyPair::generate().unwrap();
    let mut middle = ca("issuing");
    middle.use_authority_key_identifier_extension = true;
    let middle_certificate = middle.signed_by(&middle_key, &root_issuer).unwrap();
    let middle_issuer = Issuer::new(middle, middle_key);

    let answer = server
        .kms("GetPublicKey", &json!({ "KeyId": arn }))
        .unwrap();
    let spki = STANDARD
        .decode(answer["PublicKey"].as_str().unwrap())
        .unwrap();
    let spki = SubjectPublicKeyInfo::from_der(&spki).unwrap();
    let mut leaf = match leaf_is_an_authority {
        true => ca("release"),
        false => authority("release"),
    };
    leaf.use_authority_key_identifier_extension = true;
    if !leaf_is_an_authority {
        leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::CodeSigning];
    }
    let leaf = leaf.signed_by(&spki, &middle_issuer).unwrap();
    (leaf.pem(), middle_certificate.pem() + &root.pem())
}

const AUTHORITY: &str = "arn:aws:acm-pca:eu-west-1:111122223333:certificate-authority/11223344-1234-1122-2233-112233445566";

fn json_answer(body: &Value) -> StubAnswer {
    StubAnswer {
        body: body.to_string(),
        ..StubAnswer::aws_json(200, "", "")
    }
}

/// What AWS Private CA answers on the way to a certificate.
fn private_ca(proxy: &apostille_testing::aws::FaultProxy, leaf: &str, chain: &str) {
    let authority = json!({ "CertificateAuthority": { "Arn": AUTHORITY, "CertificateAuthorityConfiguration": {
        "KeyAlgorithm": "EC_prime256v1", "SigningAlgorithm": "SHA256WITHECDSA", "Subject": {}
    } } });
    proxy.answer("DescribeCertificateAuthority", 1, json_answer(&authority));
    let certificate = format!("{AUTHORITY}/certificate/abc");
    proxy.answer(
        "IssueCertificate",
        1,
        json_answer(&json!({ "CertificateArn": certificate })),
    );
    let in_progress = StubAnswer::aws_json(400, "RequestInProgressException", "");
    proxy.answer("GetCertificate", 1, in_progress);
    let issued = json!({ "Certificate": leaf, "CertificateChain": chain });
    proxy.answer("GetCertificate", 1, json_answer(&issued));
}

fn order<'a>(arn: &'a str, out: &'a str) -> [&'a str; 9] {
    [
        "issue-cert",
        "--key-id",
        arn,
        "--subject",
        "CN=release,O=Example,ST=England,C=GB",
        "--ca-arn",
        AUTHORITY,
        "--out",
        out,
    ]
}

#[test]
fn a_certificate_of_a_private_ca_is_ordered_checked_and_stored() {
    let Some(server) = shared() else { return };
    let arn = key(&server, KeySpec::Ec256);
    let (leaf, chain) = issue(&server, &arn, false);
    let proxy = proxy(&server);
    private_ca(&proxy, &leaf, &chain);
    let plugin = at(proxy.address());
    let out = plugin.home().join("chain.pem");
    let out = out.to_str().unwrap();
    plugin.person(&order(&arn, out)).unwrap();
    let seen = proxy.seen();
    let ordered = seen
        .iter()
        .find(|seen| seen.operation.ends_with(".IssueCertificate"))
        .unwrap();
    let body: Value = serde_json::from_str(&ordered.body).unwrap();
    assert_eq!(body["SigningAlgorithm"], "SHA256WITHECDSA");
    let template = "arn:aws:acm-pca:::template/CodeSigningCertificate/V1";
    assert_eq!(body["TemplateArn"], template);
    let csr = STANDARD.decode(body["Csr"].as_str().unwrap()).unwrap();
    assert!(csr.starts_with(b"-----BEGIN CERTIFICATE REQUEST-----"));
    let signed = plugin
        .with("certificates", out)
        .sign_well(&arn, KeySpec::Ec256);
    assert_eq!(signed.chain.len(), 3);
}

#[test]
fn a_certificate_that_cannot_sign_is_not_stored() {
    let Some(server) = shared() else { return };
    let arn = key(&server, KeySpec::Ec256);
    let (leaf, chain) = issue(&server, &arn, true);
    let proxy = proxy(&server);
    private_ca(&proxy, &leaf, &chain);
    let plugin = at(proxy.address());
    let out = plugin.home().join("chain.pem");
    let printed = plugin
        .person(&order(&arn, out.to_str().unwrap()))
        .unwrap_err();
    assert!(printed.contains("was not stored"), "{printed}");
    assert!(!out.exists());
}

#[test]
fn a_file_that_exists_is_not_replaced_and_nothing_is_ordered() {
    let Some(server) = shared() else { return };
    let arn = key(&server, KeySpec::Ec256);
    let proxy = proxy(&server);
    let plugin = at(proxy.address());
    let file = plugin.file("chain.pem", "precious");
    let printed = plugin
        .person(&order(&arn, file.to_str().unwrap()))
        .unwrap_err();
    assert!(printed.contains("nothing was issued"), "{printed}");
    assert!(proxy.seen().is_empty());
}

#[test]
fn a_chain_that_is_incomplete_names_what_is_missing() {
    let Some(server) = shared() else { return };
    let arn = key(&server, KeySpec::Ec256);
    let (leaf, _) = issue(&server, &arn, false);
    let plugin = signer(&server);
    let file = plugin.file("leaf.pem", &leaf);
    let plugin = plugin.with("certificates", file.to_str().unwrap());
    let refusal = plugin.sign(&arn, KeySpec::Ec256, b"payload").unwrap_err();
    refusal.is("VALIDATION_ERROR", &["CN=issuing"]);
}

#[test]
fn a_certificate_that_has_expired_is_refused_with_its_place() {
    let Some(server) = shared() else { return };
    let arn = key(&server, KeySpec::Ec256);
    let answer = server
        .kms("GetPublicKey", &json!({ "KeyId": arn }))
        .unwrap();
    let spki = STANDARD
        .decode(answer["PublicKey"].as_str().unwrap())
        .unwrap();
    let spki = SubjectPublicKeyInfo::from_der(&spki).unwrap();
    let mut ca = CertificateParams::new(Vec::new()).unwrap();
    ca.distinguished_name.push(DnType::CommonName, "root");
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    ca.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let ca_key = KeyPair::generate().unwrap();
    let root = ca.self_signed(&ca_key).unwrap();
    let issuer = Issuer::new(ca, ca_key);
    let mut leaf = CertificateParams::new(Vec::new()).unwrap();
    leaf.distinguished_name.push(DnType::CommonName, "release");
    leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    leaf.use_authority_key_identifier_extension = true;
    leaf.not_before = rcgen::date_time_ymd(2020, 1, 1);
    leaf.not_after = rcgen::date_time_ymd(2021, 1, 1);
    let pem = leaf.signed_by(&spki, &issuer).unwrap().pem() + &root.pem();
    let plugin = signer(&server);
    let file = plugin.file("expired.pem", &pem);
    let plugin = plugin.with("certificates", file.to_str().unwrap());
    let refusal = plugin.sign(&arn, KeySpec::Ec256, b"payload").unwrap_err();
    refusal.is("VALIDATION_ERROR", &["2021", "expired.pem"]);
}
