//! `import`: existing keys.

use apostille_testing::vault::VaultServer;
use notary_plugin_protocol::KeySpec;
use notary_x509::{Name, PrivateKey, SelfSignedCertificate, SelfSignedTemplate, SerialNumber};
use time::{Duration, OffsetDateTime};

use crate::plugin::Plugin;
use crate::vault::{SUBJECT, key, root, shared, unique};

/// Files with a new key and its certificate.
pub struct Luggage {
    pub key: String,
    pub chain: String,
}

pub fn pack(plugin: &Plugin, key_spec: KeySpec) -> Luggage {
    let key = PrivateKey::generate(key_spec).unwrap();
    let now = OffsetDateTime::now_utc();
    let template = SelfSignedTemplate {
        subject: Name::from_rfc4514(SUBJECT).unwrap(),
        subject_alt_names: Vec::new(),
        not_before: now - Duration::minutes(1),
        not_after: now + Duration::days(1),
        serial: SerialNumber::random().unwrap(),
    };
    let unsigned = SelfSignedCertificate::prepare(&template, key.public_key()).unwrap();
    let signature = key.sign(unsigned.to_be_signed()).unwrap();
    let pem = unsigned.assemble(&signature).unwrap().to_pem();
    let stem = unique("import");
    let key = plugin.file(&format!("{stem}.key"), &key.to_pkcs8_pem().unwrap());
    let chain = plugin.file(&format!("{stem}.pem"), &pem);
    let text = |path: std::path::PathBuf| path.to_str().unwrap().to_owned();
    Luggage {
        key: text(key),
        chain: text(chain),
    }
}

pub fn import(plugin: &Plugin, name: &str, key: &str, chain: &str) -> Result<String, String> {
    plugin.person(&["import", "--key-id", name, "--key", key, "--chain", chain])
}

fn exists(server: &VaultServer, name: &str) -> bool {
    let admin = server.admin().unwrap();
    admin.read(&format!("transit/keys/{name}")).is_ok()
}

#[test]
fn an_imported_key_signs_with_its_certificate() {
    let Some(server) = shared() else { return };
    for key_spec in [
        KeySpec::Rsa2048,
        KeySpec::Ec256,
        KeySpec::Ec384,
        KeySpec::Ec521,
    ] {
        let plugin = root(&server);
        let name = unique("imported");
        let luggage = pack(&plugin, key_spec);
        import(&plugin, &name, &luggage.key, &luggage.chain).unwrap();
        assert_eq!(plugin.describe(&name).unwrap(), key_spec);
        plugin.sign_well(&name, key_spec);
    }
}

#[test]
fn an_import_that_was_interrupted_is_finished_by_the_same_command() {
    let Some(server) = shared() else { return };
    let plugin = root(&server).with("kvName", "secret");
    let name = unique("imported");
    let luggage = pack(&plugin, KeySpec::Ec256);
    import(&plugin, &name, &luggage.key, &luggage.chain).unwrap();
    let admin = server.admin().unwrap();
    admin.delete(&format!("secret/metadata/{name}")).unwrap();
    let said = import(&plugin, &name, &luggage.key, &luggage.chain).unwrap();
    assert!(said.contains("was there already"), "{said}");
    plugin.sign_well(&name, KeySpec::Ec256);
}

#[test]
fn a_certificate_of_another_key_stops_the_import_before_anything_is_written() {
    let Some(server) = shared() else { return };
    let plugin = root(&server);
    let (one, other) = (pack(&plugin, KeySpec::Ec256), pack(&plugin, KeySpec::Ec256));
    let name = unique("imported");
    import(&plugin, &name, &one.key, &other.chain).unwrap_err();
    assert!(!exists(&server, &name));
}

#[test]
fn another_key_of_the_same_name_stays_unless_a_version_is_to_be_added() {
    let Some(server) = shared() else { return };
    let plugin = root(&server);
    let name = unique("imported");
    let (old, new) = (pack(&plugin, KeySpec::Ec256), pack(&plugin, KeySpec::Ec256));
    import(&plugin, &name, &old.key, &old.chain).unwrap();
    let refusal = import(&plugin, &name, &new.key, &new.chain).unwrap_err();
    assert!(refusal.contains("nothing was changed"), "{refusal}");
    plugin
        .person(&[
            "import",
            "--key-id",
            &name,
            "--key",
            &new.key,
            "--chain",
            &new.chain,
            "--new-version",
        ])
        .unwrap();
    let signed = plugin.sign_well(&name, KeySpec::Ec256);
    let pinned = plugin.sign_well(&format!("{name}@1"), KeySpec::Ec256);
    assert_ne!(signed.chain, pinned.chain);
}

#[test]
fn a_policy_that_would_stop_an_import_half_way_stops_it_before() {
    let Some(server) = shared() else { return };
    let admin = server.admin().unwrap();
    let name = unique("imported");
    let policy = unique("policy");
    let rules = format!(
        "path \"transit/keys/{name}\" {{ capabilities = [\"read\"] }}\n\
         path \"transit/keys/{name}/import\" {{ capabilities = [\"update\"] }}\n\
         path \"transit/wrapping_key\" {{ capabilities = [\"read\"] }}\n"
    );
    admin
        .write(
            &format!("sys/policies/acl/{policy}"),
            &serde_json::json!({ "policy": rules }),
        )
        .unwrap();
    let token = admin
        .write(
            "auth/token/create",
            &serde_json::json!({ "policies": [policy] }),
        )
        .unwrap();
    let plugin = root(&server).variable(
        "VAULT_TOKEN",
        token["auth"]["client_token"].as_str().unwrap(),
    );
    let luggage = pack(&plugin, KeySpec::Ec256);
    let refusal = import(&plugin, &name, &luggage.key, &luggage.chain).unwrap_err();
    assert!(
        refusal.contains("nothing was changed") && refusal.contains("set-certificate"),
        "{refusal}"
    );
    assert!(!exists(&server, &name));
}

#[test]
fn a_file_that_is_no_private_key_is_refused() {
    let Some(server) = shared() else { return };
    let plugin = root(&server);
    let luggage = pack(&plugin, KeySpec::Ec256);
    let name = key(&server.admin().unwrap(), "ecdsa-p256");
    for file in [&luggage.chain, "/no/such/file"] {
        let refusal = import(&plugin, &name, file, &luggage.chain).unwrap_err();
        assert!(refusal.contains("VALIDATION_ERROR"), "{refusal}");
    }
}
