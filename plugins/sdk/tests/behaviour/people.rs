//! The commands that people type.

use std::process::Command;

use notary_plugin_sdk::x509::parse_certificates;
use serde_json::Value;

use crate::plugin::{Plugin, available};

#[test]
fn without_arguments_there_is_a_useful_page_and_a_failure() {
    let run = Plugin::example("software-key").run(&[], "");
    assert_eq!(run.code, Some(1));
    assert_eq!(run.stdout, "");
    assert!(
        run.stderr
            .contains("notation key add my-key --plugin software-key"),
        "{run:?}"
    );
}

#[test]
fn help_lists_commands_and_every_setting() {
    let run = Plugin::example("troublemaker").run(&["--help"], "");
    assert_eq!(run.code, Some(0));
    for expected in [
        "doctor",
        "self-sign",
        "greet",
        "TROUBLE_PIN",
        "secret: never in the configuration",
        "NOTATION_PLUGIN_LOG",
        "deadline / NOTATION_PLUGIN_DEADLINE",
        "[default: 50s]",
    ] {
        assert!(run.stdout.contains(expected), "{expected}: {}", run.stdout);
    }
}

#[test]
fn a_plugin_without_keys_has_no_commands_for_keys() {
    let run = Plugin::example("verifier").run(&["--help"], "");
    assert!(!run.stdout.contains("self-sign"), "{}", run.stdout);
}

#[test]
fn the_version_is_printed_as_text_and_as_json() {
    let plugin = Plugin::example("software-key");
    assert_eq!(
        plugin.run(&["version"], "").stdout,
        format!("notation-software-key {}\n", env!("CARGO_PKG_VERSION"))
    );
    let run = plugin.run(&["version", "--output", "json"], "");
    assert_eq!(
        serde_json::from_str::<Value>(&run.stdout).unwrap()["name"],
        "software-key"
    );
}

#[test]
fn wrong_arguments_are_a_usage_error() {
    let run = Plugin::example("software-key").run(&["csr", "--keyid", "x"], "");
    assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""), "{run:?}");
}

#[test]
fn keys_are_a_table_for_people_and_a_list_for_programs() {
    let plugin = Plugin::troublemaker();
    let run = plugin.run(&["keys"], "");
    assert_eq!(
        run.stdout,
        "KEY ID  KEY SPEC     STATE     CERTIFICATE\n\
         good    EC-256       enabled   CN=good\n\
         old     unsupported  disabled  none\n\
         \x20       RSA with 1024 bits\n"
    );
    let keys: Value =
        serde_json::from_str(&plugin.run(&["keys", "-o", "json"], "").stdout).unwrap();
    assert_eq!(keys[0]["keySpec"], "EC-256");
    assert_eq!(keys[1]["keySpec"], Value::Null);
}

#[test]
fn a_request_is_signed_by_the_key_and_carries_the_names() {
    let plugin = Plugin::troublemaker();
    let arguments = [
        "csr",
        "--key-id",
        "good",
        "--subject",
        "CN=Release,O=Example,C=GB",
        "--san",
        "DNS:example.com",
        "--out",
        "r.csr",
    ];
    assert_eq!(plugin.run(&arguments, "").code, Some(0));
    if !available("openssl") {
        return;
    }
    let output = Command::new("openssl")
        .args(["req", "-in", "r.csr", "-noout", "-verify", "-text"])
        .current_dir(plugin.directory.path())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    assert!(text.contains("verify OK"), "{text}");
    assert!(
        text.contains("CN = Release") && text.contains("DNS:example.com"),
        "{text}"
    );
}

#[test]
fn a_self_signed_certificate_is_good_for_signing() {
    let plugin = Plugin::troublemaker();
    let run = plugin.run(
        &[
            "self-sign",
            "--key-id",
            "good",
            "--subject",
            "CN=x,O=y,C=GB",
            "--days",
            "7",
        ],
        "",
    );
    let certificates = parse_certificates(run.stdout.as_bytes()).unwrap();
    let certificate = certificates.first().unwrap();
    assert_eq!(
        (certificate.not_after() - certificate.not_before()).whole_days(),
        7
    );
    assert!(certificate.is_self_signed());
}

#[test]
fn a_file_that_exists_is_not_replaced() {
    let plugin = Plugin::troublemaker();
    let before = plugin.read("certificate.pem");
    let run = plugin.run(
        &[
            "self-sign",
            "--key-id",
            "good",
            "--subject",
            "CN=x",
            "--out",
            "certificate.pem",
        ],
        "",
    );
    assert_eq!(run.code, Some(1));
    assert!(run.stderr.contains("certificate.pem"), "{run:?}");
    assert_eq!(plugin.read("certificate.pem"), before);
}

#[test]
fn a_subject_that_is_no_name_is_refused_in_words() {
    let run = Plugin::troublemaker().run(&["csr", "--key-id", "good", "--subject", "Release"], "");
    assert_eq!(run.code, Some(1));
    assert!(run.stderr.contains("--subject"), "{run:?}");
}

#[test]
fn errors_are_json_when_json_is_asked_for() {
    let run = Plugin::troublemaker().run(
        &[
            "csr",
            "--key-id",
            "missing",
            "--subject",
            "CN=x",
            "-o",
            "json",
        ],
        "",
    );
    // Before it may be whatever libraries print.
    let error: Value = serde_json::from_str(run.stderr.lines().last().unwrap()).unwrap();
    assert_eq!(error["errorCode"], "VALIDATION_ERROR");
    assert_eq!((run.code, run.stdout.as_str()), (Some(1), ""));
}

fn verdicts(run: &crate::plugin::Run) -> Vec<(String, String)> {
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    let text = |finding: &Value, name: &str| finding[name].as_str().unwrap().to_owned();
    report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| (text(finding, "check"), text(finding, "verdict")))
        .collect()
}

#[test]
fn the_doctor_finds_a_healthy_key_healthy() {
    let mut plugin = Plugin::troublemaker();
    plugin.set("TROUBLE_PIN", "1234");
    let run = plugin.run(
        &[
            "doctor",
            "--key-id",
            "good",
            "-o",
            "json",
            "--plugin-config",
            "certificates=certificate.pem",
        ],
        "",
    );
    assert_eq!(run.code, Some(0), "{run:?}");
    let verdicts = verdicts(&run);
    let checks: Vec<&str> = verdicts.iter().map(|(check, _)| check.as_str()).collect();
    assert_eq!(
        checks,
        [
            "plugin",
            "credentials",
            "connection",
            "key",
            "key spec",
            "signature",
            "certificates"
        ]
    );
    assert!(verdicts.iter().all(|(_, verdict)| verdict == "ok"));
}

#[test]
fn the_doctor_s_exit_code_tells_warnings_from_failures() {
    let plugin = Plugin::troublemaker();
    let healthy = [
        "doctor",
        "--key-id",
        "good",
        "--plugin-config",
        "certificates=certificate.pem",
    ];
    let run = plugin.run(&healthy, "");
    assert_eq!(run.code, Some(3), "{run:?}");
    assert!(
        run.stdout
            .contains("warning  credentials: no PIN\n         set TROUBLE_PIN\n"),
        "{run:?}"
    );
    let run = plugin.run(&["doctor", "--key-id", "missing"], "");
    assert_eq!(run.code, Some(1), "{run:?}");
}

#[test]
fn the_doctor_really_signs() {
    let plugin = Plugin::troublemaker();
    for (key_id, reason) in [
        ("denied", "not yours"),
        ("other-payload", "does not verify"),
    ] {
        let run = plugin.run(
            &[
                "doctor",
                "--key-id",
                key_id,
                "--plugin-config",
                "certificates=certificate.pem",
            ],
            "",
        );
        assert_eq!(run.code, Some(1));
        assert!(
            run.stdout.contains("failure  signature: ") && run.stdout.contains(reason),
            "{run:?}"
        );
    }
}

#[test]
fn the_doctor_does_not_hang_with_the_library() {
    let mut plugin = Plugin::troublemaker();
    plugin.set("NOTATION_PLUGIN_DEADLINE", "300ms");
    let run = plugin.run(&["doctor", "--key-id", "hang"], "");
    assert_eq!(run.code, Some(1));
    assert!(run.stderr.contains("no answer within 300ms"), "{run:?}");
}

#[test]
fn the_doctor_reports_a_slow_backend_beside_what_it_found_before() {
    let mut plugin = Plugin::troublemaker();
    plugin.set("NOTATION_PLUGIN_DEADLINE", "300ms");
    let run = plugin.run(&["doctor", "--key-id", "slow", "-o", "json"], "");
    let verdicts = verdicts(&run);
    assert_eq!(
        verdicts.last().unwrap(),
        &("deadline".to_owned(), "failure".to_owned())
    );
    assert!(verdicts.contains(&("key spec".to_owned(), "ok".to_owned())));
}

#[test]
fn a_command_of_the_plugin_s_own_has_the_same_output_formats() {
    let plugin = Plugin::troublemaker();
    let run = plugin.run(&["greet", "World"], "");
    assert_eq!(
        (run.code, run.stdout.as_str()),
        (Some(0), "Hello World\n"),
        "{run:?}"
    );
    let run = plugin.run(&["greet", "World", "--output=json"], "");
    assert_eq!(
        serde_json::from_str::<Value>(&run.stdout).unwrap()["greeting"],
        "World"
    );
}
