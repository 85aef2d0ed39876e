//! The host's side of warm sessions, with plugins that keep to the terms and plugins that do not.
//!
//! The plugins here are shell scripts: `serve-session` reads frames line by line, any other argument is a one-shot
//! command. Each process adds a line to a log, so that a test can count them.

use std::fs;
use std::num::NonZeroU64;
use std::time::Duration;

use crate::support::{DESCRIBED, Plugins, describe_key, quick};
use apostille_plugins::{Failure, PluginExecutable, RunOptions};
use notary_plugin_protocol::session::WarmSessions;
use notary_plugin_protocol::{ErrorCode, KeySpec};

/// Takes the id out of a frame into `$id`.
const TAKE_ID: &str = r#"id=${line#\{\"id\":}; id=${id%%,*}"#;
/// Answers `describe-key` in a session.
const ANSWER: &str = r#"echo "{\"id\":$id,\"response\":{\"keyId\":\"k\",\"keySpec\":\"EC-384\"}}""#;

/// A plugin whose session answers each frame by `reply`. One-shot it says EC-256, in a session EC-384.
struct Warm {
    plugins: Plugins,
    plugin: PluginExecutable,
}

impl Warm {
    fn new(reply: &str) -> Self {
        Self::with(
            &format!("while read -r line; do {TAKE_ID}; {reply}; done"),
            offer(),
            quick(),
        )
    }

    fn with(session: &str, offer: WarmSessions, options: RunOptions) -> Self {
        let plugins = Plugins::new();
        let log = plugins.path().join("log");
        let script = format!(
            "echo \"$1\" >>'{}'\nif [ \"$1\" = serve-session ]; then\n{session}\nexit 0\nfi\ncat >/dev/null\n{DESCRIBED}",
            log.display()
        );
        plugins.add("warm", &script);
        let plugin = plugins
            .find("warm")
            .with_options(options)
            .with_session(offer);
        Self { plugins, plugin }
    }

    /// How many processes were started with this argument.
    fn starts(&self, argument: &str) -> usize {
        let log = fs::read_to_string(self.plugins.path().join("log")).unwrap_or_default();
        log.lines().filter(|line| *line == argument).count()
    }

    /// Describes the key once, and says where the answer came from.
    async fn spec(&self) -> KeySpec {
        let answer = self.plugin.describe_key(&describe_key()).await.unwrap();
        answer.key_spec
    }
}

const IN_SESSION: KeySpec = KeySpec::Ec384;
const ONE_SHOT: KeySpec = KeySpec::Ec256;

fn offer() -> WarmSessions {
    WarmSessions::default()
}

#[tokio::test]
async fn many_requests_start_one_process() {
    let warm = Warm::new(ANSWER);
    for _ in 0..20 {
        assert_eq!(warm.spec().await, IN_SESSION);
    }
    assert_eq!(
        (warm.starts("serve-session"), warm.starts("describe-key")),
        (1, 0)
    );
    assert_eq!(warm.plugin.session_given_up().await, None);
}

#[tokio::test]
async fn answers_may_come_in_another_order_than_requests() {
    // The first frame is answered after the second.
    let reply =
        format!("if [ -z \"$kept\" ]; then kept=$id; else {ANSWER}; id=$kept; {ANSWER}; kept=; fi");
    let warm = Warm::new(&reply);
    let (first, second) = tokio::join!(warm.spec(), warm.spec());
    assert_eq!((first, second), (IN_SESSION, IN_SESSION));
}

#[tokio::test]
async fn no_more_requests_are_in_flight_than_the_plugin_takes() {
    // A second frame before the answer to the first would be read by the inner `read`, and never answered.
    let reply = format!("if read -r -t 1 extra; then exit 3; fi; {ANSWER}");
    let one = WarmSessions {
        max_in_flight: NonZeroU64::MIN,
        ..offer()
    };
    let session = format!("while read -r line; do {TAKE_ID}; {reply}; done");
    // `read -t` is not in every `sh`.
    let session = format!("exec bash -c '{}'", session.replace('\'', "'\\''"));
    let warm = Warm::with(&session, one, quick());
    let answers = tokio::join!(warm.spec(), warm.spec());
    assert_eq!(answers, (IN_SESSION, IN_SESSION));
}

#[tokio::test]
async fn an_error_concerns_its_own_request_and_leaves_the_session() {
    let refusal = r#"echo "{\"id\":$id,\"error\":{\"errorCode\":\"ACCESS_DENIED\",\"errorMessage\":\"no\"}}""#;
    let warm = Warm::new(&format!(
        "if [ $id = 0 ]; then {refusal}; else {ANSWER}; fi"
    ));
    let error = warm.plugin.describe_key(&describe_key()).await.unwrap_err();
    assert_eq!(error.code(), Some(&ErrorCode::AccessDenied));
    assert_eq!(warm.spec().await, IN_SESSION);
    assert_eq!(
        (warm.starts("serve-session"), warm.starts("describe-key")),
        (1, 0)
    );
}

#[tokio::test]
async fn an_answer_of_a_session_is_distrusted_like_any_other() {
    let other_key =
        r#"echo "{\"id\":$id,\"response\":{\"keyId\":\"other\",\"keySpec\":\"EC-384\"}}""#;
    let error = Warm::new(other_key)
        .plugin
        .describe_key(&describe_key())
        .await
        .unwrap_err();
    assert!(matches!(*error.failure, Failure::WrongAnswer(_)), "{error}");
    let no_spec = r#"echo "{\"id\":$id,\"response\":{\"keyId\":\"k\",\"keySpec\":\"EC-1\"}}""#;
    let error = Warm::new(no_spec)
        .plugin
        .describe_key(&describe_key())
        .await
        .unwrap_err();
    assert!(
        matches!(*error.failure, Failure::InvalidResponse { .. }),
        "{error}"
    );
}

#[tokio::test]
async fn a_plugin_that_cannot_serve_a_session_runs_one_shot_for_the_rest_of_the_run() {
    for session in [
        "exit 1",
        "echo oops >&2; exit 0",
        "echo log text; sleep 60",
        r#"echo '{"id":null,"error":{"errorCode":"VALIDATION_ERROR"}}'; sleep 60"#,
        r#"read -r line; echo '{"id":77,"response":{}}'; sleep 60"#,
        "exec 1>&-; sleep 60",
    ] {
        let options = RunOptions {
            deadline: Duration::from_secs(5),
            ..quick()
        };
        let deadline_passes = session.contains("1>&-");
        let warm = Warm::with(session, offer(), options);
        if deadline_passes {
            warm.plugin.describe_key(&describe_key()).await.unwrap_err();
        } else {
            assert_eq!(warm.spec().await, ONE_SHOT, "{session}");
        }
        assert_eq!(warm.spec().await, ONE_SHOT, "{session}");
        assert_eq!(warm.starts("serve-session"), 1, "{session}");
        assert!(warm.plugin.session_given_up().await.is_some(), "{session}");
    }
}

#[tokio::test]
async fn a_session_that_dies_after_an_answer_is_replaced_and_its_request_runs_one_shot() {
    let warm = Warm::new(&format!("if [ $id = 1 ]; then exit 7; else {ANSWER}; fi"));
    assert_eq!(warm.spec().await, IN_SESSION);
    assert_eq!(warm.spec().await, ONE_SHOT);
    assert_eq!(warm.spec().await, IN_SESSION);
    assert_eq!(warm.starts("serve-session"), 2);
    assert_eq!(warm.plugin.session_given_up().await, None);
}

#[tokio::test]
async fn a_plugin_whose_sessions_die_again_and_again_gets_no_more_of_them() {
    let warm = Warm::new(&format!("if [ $id = 1 ]; then exit 7; else {ANSWER}; fi"));
    for _ in 0..12 {
        warm.spec().await;
    }
    assert_eq!(warm.starts("serve-session"), 3);
    let reason = warm.plugin.session_given_up().await.unwrap();
    assert!(reason.contains("7"), "{reason}");
}

#[tokio::test]
async fn a_session_that_ended_idle_is_replaced_without_a_word() {
    let session = format!("read -r line; {TAKE_ID}; {ANSWER}; exit 0");
    let warm = Warm::with(&session, offer(), quick());
    assert_eq!(warm.spec().await, IN_SESSION);
    // The end of the process has to be noticed first.
    tokio::time::sleep(Duration::from_secs(1)).await;
    for _ in 0..5 {
        warm.spec().await;
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert!(warm.starts("serve-session") > 1);
}

#[tokio::test]
async fn a_request_that_is_not_answered_by_its_deadline_kills_the_session() {
    let options = RunOptions {
        deadline: Duration::from_secs(5),
        ..quick()
    };
    let session = format!("read -r line; {TAKE_ID}; {ANSWER}; read -r line; sleep 600");
    let warm = Warm::with(&session, offer(), options);
    assert_eq!(warm.spec().await, IN_SESSION);
    let error = warm.plugin.describe_key(&describe_key()).await.unwrap_err();
    assert!(
        matches!(*error.failure, Failure::DeadlineExceeded(_)),
        "{error}"
    );
    assert_eq!(warm.spec().await, IN_SESSION);
    assert_eq!(warm.starts("serve-session"), 2);
}

#[tokio::test]
async fn ending_a_session_closes_its_input_and_waits() {
    let plugins = Plugins::new();
    let gone = plugins.path().join("logged-out");
    let session = format!(
        "while read -r line; do {TAKE_ID}; {ANSWER}; done; sleep 0.3; touch '{}'",
        gone.display()
    );
    let warm = Warm::with(&session, offer(), quick());
    warm.spec().await;
    warm.plugin.end_session().await;
    assert!(gone.exists());
}

#[tokio::test]
async fn an_unknown_version_of_the_protocol_means_no_session() {
    let warm = Warm::with(
        "exit 1",
        WarmSessions {
            version: 2,
            ..offer()
        },
        quick(),
    );
    assert_eq!(warm.spec().await, ONE_SHOT);
    assert_eq!(warm.starts("serve-session"), 0);
}

#[tokio::test]
async fn a_line_beyond_the_limit_ends_the_session() {
    let session = format!(
        "read -r line; {TAKE_ID}; {ANSWER}; read -r line; head -c 67120000 /dev/zero | tr '\\0' a; sleep 600"
    );
    let warm = Warm::with(&session, offer(), quick());
    assert_eq!(warm.spec().await, IN_SESSION);
    assert_eq!(warm.spec().await, ONE_SHOT);
}
