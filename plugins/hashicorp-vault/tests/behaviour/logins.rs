//! Every way to log in, on real engines.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;

use apostille_testing::registry::{Answer, MisbehavingProxy};
use apostille_testing::vault::{Admin, VaultProxy, VaultServer, VaultServerOptions};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use notary_plugin_protocol::KeySpec;
use notary_x509::PrivateKey;
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::plugin::Plugin;
use crate::vault::{audited, certified_by, key, root, self_signed, shared, start, unique, visitor};

const SPEC: KeySpec = KeySpec::Ec256;

/// What a signer may do, for tokens of every method.
const POLICY: &str = r#"
path "transit/sign/+" { capabilities = ["update"] }
path "transit/keys/+" { capabilities = ["read"] }
"#;

fn allow(admin: &Admin) {
    admin
        .write("sys/policies/acl/signer", &json!({ "policy": POLICY }))
        .unwrap();
}

/// Enables a method at a mount of its own.
fn enable(admin: &Admin, kind: &str) -> String {
    allow(admin);
    let mount = unique(kind);
    admin
        .write(&format!("sys/auth/{mount}"), &json!({ "type": kind }))
        .unwrap();
    mount
}

/// Describes a key and signs with it.
#[track_caller]
fn signs(server: &VaultServer, plugin: Plugin) {
    let (name, plugin) = certified_by(server, plugin);
    assert_eq!(plugin.describe(&name).unwrap(), SPEC);
    plugin.sign_well(&name, SPEC);
}

#[test]
fn a_token_is_taken_from_variable_file_helper_or_the_command_line_s_file() {
    let Some(server) = shared() else { return };
    let token = server.root_token();
    signs(&server, visitor(&server).variable("VAULT_TOKEN", token));
    let both = visitor(&server).variable("VAULT_TOKEN", "wrong");
    signs(&server, both.variable("BAO_TOKEN", token));

    let plugin = visitor(&server);
    let file = plugin.file("token", &format!("{token}\n"));
    signs(&server, plugin.with("token_file", file.to_str().unwrap()));

    let plugin = visitor(&server);
    plugin.file(".vault-token", token);
    signs(&server, plugin);

    let plugin = visitor(&server);
    let helper = plugin.file(
        "helper",
        &format!("#!/bin/sh\n[ \"$1\" = get ] && printf %s {token}\n"),
    );
    std::fs::set_permissions(&helper, std::fs::Permissions::from_mode(0o755)).unwrap();
    plugin.file(
        ".vault",
        &format!("token_helper = \"{}\"\n", helper.display()),
    );
    signs(&server, plugin);
}

#[test]
fn without_any_way_to_log_in_the_user_is_told_what_to_set() {
    let Some(server) = shared() else { return };
    let refusal = visitor(&server).describe("release").unwrap_err();
    refusal.is("ACCESS_DENIED", &["VAULT_TOKEN", "auth_method"]);
}

/// An AppRole with the signer's policy: mount, role id and secret id.
fn app_role(server: &VaultServer, wrap: bool) -> (String, String, String) {
    let admin = server.admin().unwrap();
    let mount = enable(&admin, "approle");
    let role = format!("auth/{mount}/role/ci");
    let settings = json!({ "token_policies": ["signer"], "token_ttl": "10m" });
    admin.write(&role, &settings).unwrap();
    let role_id = admin.read(&format!("{role}/role-id")).unwrap();
    let role_id = role_id["data"]["role_id"].as_str().unwrap().to_owned();
    let secret_id = admin
        .write(&format!("{role}/secret-id"), &json!({}))
        .unwrap();
    let secret_id = secret_id["data"]["secret_id"].as_str().unwrap().to_owned();
    if !wrap {
        return (mount, role_id, secret_id);
    }
    let wrapped = server.wrap(&json!({ "secret_id": secret_id })).unwrap();
    (mount, role_id, wrapped)
}

#[test]
fn an_app_role_logs_in_and_its_token_is_revoked_at_the_end() {
    let Some(server) = start(VaultServerOptions::default()) else {
        return;
    };
    let (mount, role_id, secret_id) = app_role(&server, false);
    let plugin = visitor(&server)
        .with("auth_method", "approle")
        .with("auth_mount", &*mount)
        .with("role_id", role_id)
        .variable("NOTATION_VAULT_SECRET_ID", &*secret_id);
    let (name, plugin) = certified_by(&server, plugin);
    let before = server.audit_log().len();
    plugin.sign_well(&name, SPEC);
    assert_eq!(
        audited(&server, before),
        [
            format!("update auth/{mount}/login"),
            format!("update transit/sign/{name}"),
            "update auth/token/revoke-self".to_owned(),
        ]
    );
    let log = server.audit_log();
    assert!(!log.contains(&secret_id) && !log.contains(server.root_token()));
}

#[test]
fn neither_log_nor_doctor_nor_errors_show_a_secret() {
    let Some(server) = shared() else { return };
    let (mount, role_id, secret_id) = app_role(&server, false);
    let plugin = visitor(&server)
        .with("auth_method", "approle")
        .with("auth_mount", mount)
        .with("role_id", role_id)
        .variable("NOTATION_VAULT_SECRET_ID", &*secret_id);
    let log = plugin.home().join("plugin.log");
    let plugin = plugin.variable("NOTATION_PLUGIN_LOG", log.to_str().unwrap());
    let (name, plugin) = certified_by(&server, plugin);
    plugin.sign_well(&name, SPEC);
    let refusal = plugin.describe("no-such-key").unwrap_err();
    let report = plugin.person(&["doctor", "--key-id", &name]).unwrap();
    let log = std::fs::read_to_string(log).unwrap();
    assert!(log.contains("generate-signature"), "{log}");
    for text in [log, refusal.printed, report] {
        assert!(!text.contains(&secret_id), "{text}");
        // What tokens look like: `s.` and 24 letters and digits.
        let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '.');
        let mut tokens = words.filter(|word| word.starts_with("s.") && word.len() >= 26);
        assert_eq!(tokens.next(), None, "{text}");
    }
}

#[test]
fn a_wrapped_secret_id_is_unwrapped_once_and_the_second_time_is_an_alarm() {
    let Some(server) = shared() else { return };
    let (mount, role_id, wrapped) = app_role(&server, true);
    let plugin = visitor(&server)
        .with("auth_method", "approle")
        .with("auth_mount", mount)
        .with("role_id", role_id)
        .with("secret_id_wrapped", "true");
    let file = plugin.file("secret-id", &wrapped);
    let plugin = plugin.with("secret_id_file", file.to_str().unwrap());
    let (name, plugin) = certified_by(&server, plugin);
    plugin.sign_well(&name, SPEC);
    let refusal = plugin.sign(&name, SPEC, b"payload").unwrap_err();
    refusal.is("ACCESS_DENIED", &["unwrapped before", "somebody else"]);
    assert!(!refusal.printed.contains(&wrapped));
}

#[test]
fn a_wrong_secret_id_or_password_is_access_denied_and_not_repeated() {
    let Some(server) = shared() else { return };
    let (mount, role_id, _) = app_role(&server, false);
    let plugin = visitor(&server)
        .with("auth_method", "approle")
        .with("auth_mount", mount)
        .with("role_id", role_id)
        .variable("NOTATION_VAULT_SECRET_ID", "hunter2-hunter2");
    let refusal = plugin.describe("release").unwrap_err();
    refusal.is("ACCESS_DENIED", &["the log-in at auth/approle"]);
    assert!(!refusal.printed.contains("hunter2"), "{}", refusal.printed);
}

#[test]
fn a_method_that_is_not_mounted_is_said() {
    let Some(server) = shared() else { return };
    let plugin = visitor(&server)
        .with("auth_method", "userpass")
        .with("auth_mount", "nowhere")
        .with("username", "alice")
        .variable("NOTATION_VAULT_PASSWORD", "x");
    let refusal = plugin.describe("release").unwrap_err();
    assert!(matches!(
        &*refusal.code,
        "VALIDATION_ERROR" | "ACCESS_DENIED"
    ));
    refusal.is(&refusal.code.clone(), &["auth/nowhere"]);
}

#[test]
fn a_password_logs_in_with_userpass_and_with_ldap_which_is_the_same_request() {
    let Some(server) = shared() else { return };
    let admin = server.admin().unwrap();
    let mount = enable(&admin, "userpass");
    let user = json!({ "password": "correct horse", "token_policies": ["signer"] });
    admin
        .write(&format!("auth/{mount}/users/alice"), &user)
        .unwrap();
    for method in ["userpass", "ldap"] {
        let plugin = visitor(&server)
            .with("auth_method", method)
            .with("auth_mount", &*mount)
            .with("username", "alice");
        let file = plugin.file("password", "correct horse\n");
        signs(
            &server,
            plugin.with("password_file", file.to_str().unwrap()),
        );
    }
}

/// An issuer of JWTs that the server knows: its key, and the mount.
fn jwt_issuer(server: &Arc<VaultServer>) -> (PrivateKey, String) {
    let admin = server.admin().unwrap();
    let mount = enable(&admin, "jwt");
    let key = PrivateKey::generate(KeySpec::Ec256).unwrap();
    let pem = format!(
        "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n",
        base64::engine::general_purpose::STANDARD.encode(key.public_key().spki_der())
    );
    admin
        .write(
            &format!("auth/{mount}/config"),
            &json!({ "jwt_validation_pubkeys": [pem] }),
        )
        .unwrap();
    let role = json!({
        "role_type": "jwt", "user_claim": "sub", "bound_audiences": ["vault"],
        "bound_claims": { "repository": "example/app" }, "token_policies": ["signer"],
    });
    admin
        .write(&format!("auth/{mount}/role/ci"), &role)
        .unwrap();
    (key, mount)
}

fn jwt(key: &PrivateKey, audience: &str) -> String {
    let now = OffsetDateTime::now_utc().unix_timestamp();
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let claims = json!({
        "iss": "test", "sub": "job", "aud": audience, "repository": "example/app",
        "iat": now, "nbf": now - 5, "exp": now + 300,
    });
    let signed = format!(
        "{}.{}",
        part(json!({ "alg": "ES256", "typ": "JWT" })),
        part(claims)
    );
    let signature = key.sign(signed.as_bytes()).unwrap();
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

#[test]
fn a_jwt_logs_in_from_a_file_a_variable_or_github_actions() {
    let Some(server) = shared() else { return };
    let (issuer, mount) = jwt_issuer(&server);
    let visitor = || {
        visitor(&server)
            .with("auth_method", "jwt")
            .with("auth_mount", &*mount)
            .with("auth_role", "ci")
    };
    let plugin = visitor();
    let file = plugin.file("jwt", &jwt(&issuer, "vault"));
    signs(&server, plugin.with("jwt_file", file.to_str().unwrap()));

    let plugin = visitor().with("jwt_variable", "VAULT_ID_TOKEN");
    signs(
        &server,
        plugin.variable("VAULT_ID_TOKEN", jwt(&issuer, "vault")),
    );

    // What GitHub's runner answers, by its documentation.
    let token = jwt(&issuer, "vault");
    let github = MisbehavingProxy::start(None, move |request| {
        let asked = request.target == "/token?api-version=2.0&audience=vault"
            && request.header("authorization") == Some("Bearer runner-secret");
        let body = json!({ "count": 1, "value": token }).to_string();
        match asked {
            true => Answer::respond(200, &[("content-type", "application/json")], body),
            false => Answer::respond(400, &[], ""),
        }
    })
    .unwrap();
    let plugin = visitor()
        .with("jwt_audience", "vault")
        .variable("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "runner-secret")
        .variable(
            "ACTIONS_ID_TOKEN_REQUEST_URL",
            format!("http://{}/token?api-version=2.0", github.host()),
        );
    signs(&server, plugin);

    let plugin = visitor();
    let file = plugin.file("jwt", &jwt(&issuer, "elsewhere"));
    let refusal = plugin
        .with("jwt_file", file.to_str().unwrap())
        .describe("release")
        .unwrap_err();
    refusal.is("ACCESS_DENIED", &["audience"]);
}

#[test]
fn a_service_account_logs_in_with_kubernetes() {
    let Some(server) = shared() else { return };
    let admin = server.admin().unwrap();
    let mount = enable(&admin, "kubernetes");
    // The API server's part: whether it knows the token. What it answers is Kubernetes' TokenReview.
    let api = MisbehavingProxy::start(None, |request| {
        let known = String::from_utf8_lossy(&request.body).contains("\"token\":\"");
        let review = json!({
            "kind": "TokenReview", "apiVersion": "authentication.k8s.io/v1",
            "status": { "authenticated": known, "audiences": ["https://kubernetes.default.svc"], "user": {
                "username": "system:serviceaccount:ci:signer", "uid": "d77f89bc-9055-11e7-a068-0800276d99bf",
                "groups": ["system:serviceaccounts", "system:serviceaccounts:ci"],
            } },
        });
        Answer::respond(201, &[("content-type", "application/json")], review.to_string())
    })
    .unwrap();
    let config = json!({
        "kubernetes_host": format!("http://{}", api.host()), "disable_local_ca_jwt": true,
        // Nothing is checked with it over plain HTTP, but it has to be one.
        "kubernetes_ca_cert": self_signed(&root(&server), &key(&admin, "ecdsa-p256")),
        "token_reviewer_jwt": "reviewer", "disable_iss_validation": true,
    });
    admin
        .write(&format!("auth/{mount}/config"), &config)
        .unwrap();
    let role = json!({
        "bound_service_account_names": ["signer"], "bound_service_account_namespaces": ["ci"], "token_policies": ["signer"],
    });
    admin
        .write(&format!("auth/{mount}/role/ci"), &role)
        .unwrap();
    let plugin = visitor(&server)
        .with("auth_method", "kubernetes")
        .with("auth_mount", mount)
        .with("auth_role", "ci");
    let file = plugin.file("service-account", &service_account_token());
    signs(&server, plugin.with("jwt_file", file.to_str().unwrap()));
}

/// A token of a service account; the API server is who checks its signature.
fn service_account_token() -> String {
    let key = PrivateKey::generate(KeySpec::Ec256).unwrap();
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let now = OffsetDateTime::now_utc().unix_timestamp();
    let claims = json!({
        "iss": "https://kubernetes.default.svc", "aud": ["https://kubernetes.default.svc"],
        "sub": "system:serviceaccount:ci:signer", "iat": now, "nbf": now - 5, "exp": now + 300,
        "kubernetes.io": { "namespace": "ci", "serviceaccount": { "name": "signer", "uid": "d77f89bc-9055-11e7-a068-0800276d99bf" } },
    });
    let signed = format!(
        "{}.{}",
        part(json!({ "alg": "ES256", "typ": "JWT" })),
        part(claims)
    );
    let signature = key.sign(signed.as_bytes()).unwrap();
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

#[test]
fn a_client_certificate_logs_in_over_tls() {
    let options = VaultServerOptions {
        tls: true,
        ..VaultServerOptions::default()
    };
    let Some(server) = start(options) else { return };
    let admin = server.admin().unwrap();
    let mount = enable(&admin, "cert");
    let client = server.client_certificate();
    let pem = std::fs::read_to_string(server.ca_file()).unwrap();
    let role = json!({ "certificate": pem, "token_policies": ["signer"] });
    admin
        .write(&format!("auth/{mount}/certs/signer"), &role)
        .unwrap();
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    let plugin = visitor(&server)
        .variable("VAULT_CACERT", text(&server.ca_file()))
        .variable("VAULT_CLIENT_CERT", text(&client.certificate))
        .variable("VAULT_CLIENT_KEY", text(&client.key))
        .with("auth_method", "cert")
        .with("auth_mount", mount)
        .with("auth_role", "signer");
    signs(&server, plugin);
}

#[test]
fn an_agent_adds_its_token_over_its_port_and_its_socket() {
    let Some(server) = shared() else { return };
    let admin = server.admin().unwrap();
    allow(&admin);
    // The agent logs in at the default mount.
    let _ = admin.write("sys/auth/approle", &json!({ "type": "approle" }));
    let role = "auth/approle/role/agent";
    admin
        .write(role, &json!({ "token_policies": ["signer"] }))
        .unwrap();
    let role_id = admin.read(&format!("{role}/role-id")).unwrap();
    let secret_id = admin
        .write(&format!("{role}/secret-id"), &json!({}))
        .unwrap();
    let agent = VaultProxy::start(
        &server,
        role_id["data"]["role_id"].as_str().unwrap(),
        secret_id["data"]["secret_id"].as_str().unwrap(),
    )
    .unwrap();
    for address in [
        agent.address(),
        format!("unix://{}", agent.socket().display()),
    ] {
        let plugin = visitor(&server).variable("VAULT_AGENT_ADDR", address);
        signs(&server, plugin);
    }
}

#[test]
fn the_server_is_reached_over_a_unix_socket_of_its_own() {
    let Some(server) = shared() else { return };
    let plugin = visitor(&server)
        .variable(
            "VAULT_ADDR",
            format!("unix://{}", server.socket().display()),
        )
        .variable("VAULT_TOKEN", server.root_token());
    signs(&server, plugin);
}
