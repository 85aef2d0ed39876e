//! What the host does with plugins that behave, and with those that do not.

use std::fs;
use std::time::{Duration, Instant};

use crate::support::{DESCRIBED, Plugins, describe_key, quick};
use apostille_plugins::{
    Failure, OutputStream, PluginEnvironment, PluginProcessError, RetryPolicy, RunOptions,
};
use notary_plugin_protocol::{
    ContractVersion, DescribeKeyRequest, ErrorCode, GenerateSignatureRequest, KeyId, KeySpec,
    PluginConfig,
};

/// The failure of `describe-key` by a plugin that is this shell script.
async fn failure_of(script: &str) -> PluginProcessError {
    let plugins = Plugins::new();
    plugins.add("bad", script);
    plugins
        .find("bad")
        .describe_key(&describe_key())
        .await
        .unwrap_err()
}

/// Asserts that a failure names plugin and command and then says this.
fn assert_says(error: &PluginProcessError, words: &[&str]) {
    let text = error.to_string();
    assert!(
        text.starts_with("plugin \"bad\": describe-key failed: "),
        "{text}"
    );
    for word in words {
        assert!(text.contains(word), "{word:?} is not in: {text}");
    }
    assert!(!text.contains("s3cret"), "a setting's value leaked: {text}");
}

#[tokio::test]
async fn a_right_answer_is_returned_whatever_is_on_standard_error() {
    let plugins = Plugins::new();
    plugins.add(
        "good",
        &format!("cat >/dev/null; echo noise >&2; {DESCRIBED}; echo; echo '  '"),
    );
    let answer = plugins
        .find("good")
        .describe_key(&describe_key())
        .await
        .unwrap();
    assert_eq!(answer.key_spec, KeySpec::Ec256);
}

#[tokio::test]
async fn the_plugin_gets_the_command_alone_and_the_request_on_one_line() {
    let plugins = Plugins::new();
    let log = plugins.path().join("log");
    let script = format!("echo \"$#:$1\" >{0}; cat >>{0}; {DESCRIBED}", log.display());
    plugins.add("good", &script);
    plugins
        .find("good")
        .describe_key(&describe_key())
        .await
        .unwrap();
    assert_eq!(
        fs::read_to_string(log).unwrap(),
        "1:describe-key\n{\"contractVersion\":\"1.0\",\"keyId\":\"k\",\"pluginConfig\":{\"pin\":\"s3cret\"}}"
    );
}

#[tokio::test]
async fn the_metadata_request_is_empty_without_settings() {
    let plugins = Plugins::new();
    let log = plugins.path().join("log");
    plugins.add("good", &format!("cat >{}; exit 1", log.display()));
    plugins
        .find("good")
        .metadata(&PluginConfig::new())
        .await
        .unwrap_err();
    assert_eq!(fs::read_to_string(log).unwrap(), "{}");
}

#[tokio::test]
async fn the_working_directory_is_private_empty_and_gone_afterwards() {
    let plugins = Plugins::new();
    let log = plugins.path().join("log");
    let script = format!(
        "pwd >{0}; ls -A | wc -l >>{0}; stat -c %a . >>{0}; touch left; {DESCRIBED}",
        log.display()
    );
    plugins.add("good", &script);
    plugins
        .find("good")
        .describe_key(&describe_key())
        .await
        .unwrap();
    let log = fs::read_to_string(log).unwrap();
    let lines: Vec<&str> = log.lines().map(str::trim).collect();
    assert_eq!(lines[1..], ["0", "700"]);
    assert!(!fs::exists(lines[0]).unwrap());
}

#[tokio::test]
async fn an_allow_list_bounds_the_environment() {
    let plugins = Plugins::new();
    let log = plugins.path().join("log");
    plugins.add("good", &format!("env >{}; {DESCRIBED}", log.display()));
    let variables = [
        ("PATH", "/usr/bin:/bin"),
        ("AWS_REGION", "x"),
        ("NOTATION_PASSWORD", "y"),
        ("OTHER", "z"),
    ];
    let options = RunOptions {
        environment: PluginEnvironment::allow_list(
            variables.map(|(name, value)| (name.into(), value.into())),
            ["AWS_*", "NOTATION_*"],
        ),
        ..quick()
    };
    let plugin = plugins.find("good").with_options(options);
    plugin.describe_key(&describe_key()).await.unwrap();
    let log = fs::read_to_string(log).unwrap();
    assert!(log.contains("AWS_REGION=x\n"));
    assert!(
        !log.contains("NOTATION_PASSWORD") && !log.contains("OTHER"),
        "{log}"
    );
}

#[tokio::test]
async fn a_plugin_that_does_not_read_its_input_is_tolerated() {
    let plugins = Plugins::new();
    plugins.add("good", &format!("exec 0<&-; {DESCRIBED}"));
    let request = DescribeKeyRequest {
        // Larger than any pipe, so that writing it must fail.
        plugin_config: PluginConfig::from_iter([("large", "x".repeat(4 << 20))]),
        ..describe_key()
    };
    plugins.find("good").describe_key(&request).await.unwrap();
}

#[tokio::test]
async fn a_plugin_that_hangs_is_killed_at_the_deadline_with_all_its_children() {
    let plugins = Plugins::new();
    let pids = plugins.path().join("pids");
    plugins.add(
        "bad",
        &format!("sleep 300 & echo $! $$ >{}; wait", pids.display()),
    );
    let options = RunOptions {
        deadline: Duration::from_secs(1),
        ..quick()
    };
    let start = Instant::now();
    let plugin = plugins.find("bad").with_options(options);
    let error = plugin.describe_key(&describe_key()).await.unwrap_err();
    assert!(start.elapsed() < Duration::from_secs(10));
    assert!(matches!(*error.failure, Failure::DeadlineExceeded(_)));
    assert_says(&error, &["did not end within 1 s"]);
    assert_gone(&fs::read_to_string(pids).unwrap());
}

#[tokio::test]
async fn a_dropped_future_kills_the_plugin_with_all_its_children() {
    let plugins = Plugins::new();
    let pids = plugins.path().join("pids");
    plugins.add(
        "bad",
        &format!("sleep 300 & echo $! $$ >{}; wait", pids.display()),
    );
    let plugin = plugins.find("bad");
    let request = describe_key();
    let written = async {
        while fs::read_to_string(&pids)
            .unwrap_or_default()
            .split_whitespace()
            .count()
            < 2
        {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::select! {
        _ = plugin.describe_key(&request) => panic!("the plugin ended"),
        () = written => {}
    }
    assert_gone(&fs::read_to_string(pids).unwrap());
}

/// Asserts that these processes end soon: they were killed, and whoever adopts them reaps them.
fn assert_gone(pids: &str) {
    let running = |pid: &str| {
        let status = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        !status.is_empty() && !status.contains(") Z ")
    };
    let limit = Instant::now() + Duration::from_secs(5);
    for pid in pids.split_whitespace() {
        while running(pid) {
            assert!(Instant::now() < limit, "process {pid} survived");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

#[tokio::test]
async fn a_child_that_holds_the_pipes_does_not_hold_up_the_answer() {
    let plugins = Plugins::new();
    plugins.add("good", &format!("sleep 300 & {DESCRIBED}"));
    let start = Instant::now();
    plugins
        .find("good")
        .describe_key(&describe_key())
        .await
        .unwrap();
    assert!(start.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn a_child_in_a_session_of_its_own_does_not_hold_up_the_answer() {
    let plugins = Plugins::new();
    let pid = plugins.path().join("pid");
    let script = format!(
        "setsid sh -c 'echo $$ >{}; exec sleep 300' & sleep 0.3; {DESCRIBED}",
        pid.display()
    );
    plugins.add("good", &script);
    let start = Instant::now();
    plugins
        .find("good")
        .describe_key(&describe_key())
        .await
        .unwrap();
    assert!(start.elapsed() < Duration::from_secs(10));
    let pid = fs::read_to_string(pid).unwrap();
    std::process::Command::new("kill")
        .arg(pid.trim())
        .status()
        .unwrap();
}

#[tokio::test]
async fn a_flood_on_either_stream_is_cut_off_at_the_limit() {
    for (redirect, flooded) in [("", OutputStream::Stdout), (">&2", OutputStream::Stderr)] {
        let error = failure_of(&format!("cat /dev/zero {redirect}")).await;
        assert!(matches!(*error.failure, Failure::OutputTooLarge { stream } if stream == flooded));
        assert_says(&error, &["more than 64 MiB", &flooded.to_string()]);
    }
}

#[tokio::test]
async fn an_error_object_is_shown_with_code_message_and_metadata() {
    let error = failure_of(
        r#"echo '{"errorCode":"ACCESS_DENIED","errorMessage":"no sign permission","errorMetadata":{"role":"ci"}}' >&2; exit 1"#,
    )
    .await;
    assert_eq!(error.code(), Some(&ErrorCode::AccessDenied));
    assert_says(&error, &["no sign permission (ACCESS_DENIED): role=ci"]);
}

#[tokio::test]
async fn an_unknown_error_code_is_kept() {
    let error = failure_of(r#"echo '{"errorCode":"SIGNING_ERROR"}' >&2; exit 1"#).await;
    assert_eq!(
        error.code(),
        Some(&ErrorCode::Other("SIGNING_ERROR".into()))
    );
    assert_says(&error, &["SIGNING_ERROR (the plugin gives no message)"]);
}

#[tokio::test]
async fn an_error_object_after_log_lines_is_found() {
    let error = failure_of(
        r#"echo 'INFO start' >&2; echo '{"errorCode":"ERROR","errorMessage":"m"}' >&2; exit 1"#,
    )
    .await;
    assert_eq!(error.code(), Some(&ErrorCode::Error));
}

#[tokio::test]
async fn plain_text_on_standard_error_is_shown_without_control_characters() {
    let error = failure_of(r"printf 'panic: \033[31mno slot\033[0m\n' >&2; exit 1").await;
    assert!(matches!(*error.failure, Failure::Exited { code: 1, .. }));
    assert_says(
        &error,
        &["exit code 1 and says on standard error: panic: \u{FFFD}[31mno slot"],
    );
}

#[tokio::test]
async fn an_incomplete_error_object_is_shown_as_text() {
    assert_says(
        &failure_of("echo '{}' >&2; exit 1").await,
        &["exit code 1", "{}"],
    );
}

#[tokio::test]
async fn silence_is_reported_with_the_exit_code() {
    assert_says(
        &failure_of("exit 1").await,
        &["exit code 1", "nothing on standard error"],
    );
}

#[tokio::test]
async fn another_exit_code_is_a_general_failure_that_keeps_the_message() {
    let error =
        failure_of(r#"echo '{"errorCode":"THROTTLED","errorMessage":"slow down"}' >&2; exit 2"#)
            .await;
    assert_eq!(error.code(), None);
    assert!(matches!(
        &*error.failure,
        Failure::Exited {
            code: 2,
            error: Some(_),
            ..
        }
    ));
    assert_says(&error, &["exit code 2", "slow down (THROTTLED)"]);
}

#[tokio::test]
async fn a_signal_is_named() {
    let error = failure_of("echo 'bad slot' >&2; kill -SEGV $$").await;
    assert!(matches!(*error.failure, Failure::Killed { signal: 11, .. }));
    assert_says(&error, &["SIGSEGV (signal 11)", "bad slot"]);
}

#[tokio::test]
async fn output_that_is_not_exactly_the_response_is_refused() {
    for (script, words) in [
        ("exit 0", &["the message is empty"][..]),
        (
            "echo 'INFO connecting'; echo '{}'",
            &[
                "not exactly one JSON value",
                "starts with",
                "INFO connecting",
            ],
        ),
        (
            &format!("{DESCRIBED}; echo trailing"),
            &["not exactly one JSON value", "starts with"],
        ),
        (
            &format!("{DESCRIBED}; {DESCRIBED}"),
            &["not exactly one JSON value"],
        ),
        ("echo '[]'", &["$: expected an object, found an array"]),
        (
            r#"echo '{"keyId":"k"}'"#,
            &["$.keySpec: required, but missing"],
        ),
        (
            r#"echo '{"keyId":"k","keySpec":"RSA-1024"}'"#,
            &["$.keySpec: \"RSA-1024\" is no key spec"],
        ),
        (
            r#"echo '{"keyId":"k","keySpec":"EC-256","keySpec":"EC-384"}'"#,
            &["$.keySpec: the attribute occurs twice"],
        ),
        (
            r#"echo '{"keyId":"k","keySpec":"EC-256","KeyID":"x"}'"#,
            &["$.KeyID: the attribute must be spelled keyId"],
        ),
    ] {
        let error = failure_of(script).await;
        assert!(
            matches!(*error.failure, Failure::InvalidResponse { .. }),
            "{script}"
        );
        assert_says(&error, words);
    }
}

#[tokio::test]
async fn an_answer_about_another_key_is_refused() {
    let error = failure_of(r#"echo '{"keyId":"other","keySpec":"EC-256"}'"#).await;
    assert!(matches!(*error.failure, Failure::WrongAnswer(_)));
    assert_says(
        &error,
        &["$.keyId is \"other\", the request asked for \"k\""],
    );
}

#[tokio::test]
async fn a_signing_algorithm_that_is_not_the_key_specs_is_refused() {
    let plugins = Plugins::new();
    let signature = format!("{}QQ==", "QUFB".repeat(21));
    plugins.add(
        "bad",
        &format!(
            r#"echo '{{"keyId":"k","signature":"{signature}","signingAlgorithm":"ECDSA-SHA-256","certificateChain":["QUFB"]}}'"#
        ),
    );
    let request = GenerateSignatureRequest {
        contract_version: ContractVersion::V1_0,
        key_id: KeyId::new("k").unwrap(),
        key_spec: KeySpec::Rsa2048,
        payload: b"x".to_vec(),
        plugin_config: PluginConfig::new(),
    };
    let plugin = plugins.find("bad");
    let text = plugin
        .generate_signature(&request)
        .await
        .unwrap_err()
        .to_string();
    assert!(
        text.contains(
            "$.signingAlgorithm is \"ECDSA-SHA-256\", the request asked for \"RSASSA-PSS-SHA-256\""
        ),
        "{text}"
    );
    let request = GenerateSignatureRequest {
        key_spec: KeySpec::Ec256,
        ..request
    };
    assert_eq!(
        plugin
            .generate_signature(&request)
            .await
            .unwrap()
            .signature
            .as_bytes(),
        [b'A'; 64]
    );
}

fn metadata(name: &str, versions: &str) -> String {
    format!(
        r#"echo '{{"name":"{name}","description":"d","version":"1.2.3","url":"https://example.com","supportedContractVersions":{versions},"capabilities":["SIGNATURE_GENERATOR.RAW","FUTURE.THING"]}}'"#
    )
}

#[tokio::test]
async fn metadata_must_name_the_plugin_that_was_run() {
    let plugins = Plugins::new();
    plugins.add("good", &metadata("good", r#"["1.0","2.0"]"#));
    plugins.add("bad", &metadata("good", r#"["1.0"]"#));
    let known = plugins
        .find("good")
        .metadata(&PluginConfig::new())
        .await
        .unwrap();
    assert_eq!(known.semantic_version().unwrap().to_string(), "1.2.3");
    let error = plugins
        .find("bad")
        .metadata(&PluginConfig::new())
        .await
        .unwrap_err();
    assert!(matches!(&*error.failure, Failure::NameMismatch { found } if found == "good"));
    assert!(
        error
            .to_string()
            .contains("must be named \"notation-good\""),
        "{error}"
    );
}

#[tokio::test]
async fn metadata_without_a_usable_contract_version_is_refused() {
    for versions in [
        r#"["2.0"]"#,
        r#"["1.1"]"#,
        r#"["1"]"#,
        "[]",
        r#"["1.0","1.1"]"#,
    ] {
        let plugins = Plugins::new();
        plugins.add("bad", &metadata("bad", versions));
        let error = plugins
            .find("bad")
            .metadata(&PluginConfig::new())
            .await
            .unwrap_err();
        assert!(
            error.to_string().contains("$.supportedContractVersions"),
            "{versions}: {error}"
        );
    }
}

#[tokio::test]
async fn a_missing_interpreter_loader_library_or_processor_is_explained_in_words() {
    let plugins = Plugins::new();
    let elf = fs::read("/bin/sh").unwrap();
    let mut other_processor = elf.clone();
    other_processor[18..20].copy_from_slice(if cfg!(target_arch = "aarch64") {
        &[62, 0]
    } else {
        &[183, 0]
    });
    let loader = b"/lib64/ld-linux-x86-64.so.2";
    let cases: Vec<(Vec<u8>, &str)> = vec![
        (
            b"#!/no/such/python3\nprint()\n".to_vec(),
            "a script for \"/no/such/python3\"",
        ),
        (
            b"#!/bin/sh\r\nexit 0\r\n".to_vec(),
            "a script for \"/bin/sh\\r\"",
        ),
        (other_processor, "processors and this machine is"),
        (b"MZ\x90\0".repeat(64), "a program for Windows"),
        (b"\xcf\xfa\xed\xfe".repeat(64), "a program for macOS"),
        (b"just text\n".to_vec(), "neither a binary nor a script"),
    ];
    for (content, words) in cases {
        plugins.add_file("bad", &content);
        let error = plugins
            .find("bad")
            .describe_key(&describe_key())
            .await
            .unwrap_err();
        assert!(matches!(*error.failure, Failure::CannotStart { .. }));
        assert_says(&error, &[words]);
    }
    if let Some(position) = elf
        .windows(loader.len())
        .position(|window| window == loader)
    {
        let mut other_loader = elf;
        other_loader[position..position + loader.len()]
            .copy_from_slice(b"/lib/ld-musl-x86_64.so.none");
        plugins.add_file("bad", &other_loader);
        let error = plugins
            .find("bad")
            .describe_key(&describe_key())
            .await
            .unwrap_err();
        assert_says(&error, &["built for another C library", "ld-musl"]);
    }
    let loader_message =
        "x: error while loading shared libraries: libp11.so.3: cannot open shared object file";
    let error = failure_of(&format!("echo '{loader_message}' >&2; exit 127")).await;
    assert_says(
        &error,
        &["a shared library that it needs is missing: libp11.so.3"],
    );
}

/// A plugin that fails with this code twice and counts how often it is run.
fn flaky(plugins: &Plugins, code: &str) -> std::path::PathBuf {
    let count = plugins.path().join("count");
    let script = format!(
        r#"echo >>{0}
if [ $(wc -l <{0}) -gt 2 ]; then {DESCRIBED}; else echo '{{"errorCode":"{code}","errorMessage":"later"}}' >&2; exit 1; fi"#,
        count.display()
    );
    plugins.add("bad", &script);
    count
}

fn patient() -> RunOptions {
    RunOptions {
        retry: RetryPolicy {
            budget: Duration::from_secs(20),
            first_delay: Duration::from_millis(10),
            max_delay: Duration::from_millis(50),
        },
        ..quick()
    }
}

#[tokio::test]
async fn throttling_and_timeouts_are_tried_again() {
    for code in ["THROTTLED", "TIMEOUT"] {
        let plugins = Plugins::new();
        let count = flaky(&plugins, code);
        let plugin = plugins.find("bad").with_options(patient());
        plugin.describe_key(&describe_key()).await.unwrap();
        assert_eq!(fs::read_to_string(count).unwrap().lines().count(), 3);
    }
}

#[tokio::test]
async fn nothing_else_is_tried_again() {
    for code in [
        "VALIDATION_ERROR",
        "UNSUPPORTED_CONTRACT_VERSION",
        "ACCESS_DENIED",
        "ERROR",
        "OTHER",
    ] {
        let plugins = Plugins::new();
        let count = flaky(&plugins, code);
        let plugin = plugins.find("bad").with_options(patient());
        plugin.describe_key(&describe_key()).await.unwrap_err();
        assert_eq!(
            fs::read_to_string(count).unwrap().lines().count(),
            1,
            "{code}"
        );
    }
    let plugins = Plugins::new();
    let count = flaky(&plugins, "THROTTLED");
    let plugin = plugins.find("bad").with_options(patient());
    plugin.metadata(&PluginConfig::new()).await.unwrap_err();
    assert_eq!(fs::read_to_string(count).unwrap().lines().count(), 1);
}

#[tokio::test]
async fn a_repetition_that_the_budget_cuts_off_leaves_the_plugin_s_own_error() {
    let plugins = Plugins::new();
    let seen = plugins.path().join("seen");
    plugins.add(
        "bad",
        &format!(
            r#"if [ -e '{0}' ]; then sleep 60; fi; : > '{0}'
echo '{{"errorCode":"THROTTLED","errorMessage":"slow down"}}' >&2; exit 1"#,
            seen.display()
        ),
    );
    let mut options = patient();
    options.retry.budget = Duration::from_secs(3);
    let plugin = plugins.find("bad").with_options(options);
    let error = plugin.describe_key(&describe_key()).await.unwrap_err();
    assert_eq!(error.code(), Some(&ErrorCode::Throttled), "{error}");
}

#[tokio::test]
async fn repetitions_end_with_the_budget() {
    let plugins = Plugins::new();
    plugins.add(
        "bad",
        r#"echo '{"errorCode":"THROTTLED","errorMessage":"slow down"}' >&2; exit 1"#,
    );
    let mut options = patient();
    options.retry.budget = Duration::from_millis(600);
    let start = Instant::now();
    let plugin = plugins.find("bad").with_options(options);
    let error = plugin.describe_key(&describe_key()).await.unwrap_err();
    assert_eq!(error.code(), Some(&ErrorCode::Throttled));
    let elapsed = start.elapsed();
    assert!(
        elapsed > Duration::from_millis(300) && elapsed < Duration::from_secs(10),
        "{elapsed:?}"
    );
}
