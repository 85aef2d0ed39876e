//! What a refusal means, in the protocol's codes.
//!
//! Vault answers `{"errors": ["…"]}`; the status alone does not tell a missing key from a malformed request,
//! so that the few texts that matter are looked at as well. They have been the same for years and in both
//! projects, and where one is not recognised the status still leads to a right code.

use notary_plugin_sdk::{PluginError, error_code_for_status, parse_retry_after};
use serde::Deserialize;

use super::answer::Head;
use super::{Call, ServerAddress};

/// Longest quotation of the server in a message.
const QUOTED: usize = 400;

#[derive(Deserialize, Default)]
#[serde(default)]
struct ErrorBody {
    errors: Vec<String>,
    request_id: String,
    data: Option<GoneSecret>,
}

/// What KV of version 2 says, with status 404, about a secret that was deleted.
#[derive(Deserialize, Default)]
#[serde(default)]
struct GoneSecret {
    metadata: SecretMetadata,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct SecretMetadata {
    version: u64,
    deletion_time: String,
    destroyed: bool,
}

/// The error for an answer that is not a success.
pub(super) fn meaning(
    head: &Head,
    body: &[u8],
    call: &Call,
    address: &ServerAddress,
) -> PluginError {
    let parsed: Option<ErrorBody> = match body {
        [] => Some(ErrorBody::default()),
        bytes => serde_json::from_slice(bytes).ok(),
    };
    let Some(said) = parsed else {
        return not_json(head.status, body, call, address);
    };
    let errors = quoted(&said.errors.join("; "));
    let mut error = classify(head, &errors, call, address)
        .with_metadata("httpStatus", head.status.to_string())
        .with_metadata("path", &call.path);
    if !errors.is_empty() {
        error = error.with_metadata("vaultErrors", errors);
    }
    if let Some(GoneSecret { metadata }) = said.data {
        error = error.with_metadata("secretVersion", metadata.version.to_string());
        if metadata.destroyed {
            error = error.with_metadata("secretDestroyed", "true");
        } else if !metadata.deletion_time.is_empty() {
            error = error.with_metadata("secretDeleted", quoted(&metadata.deletion_time));
        }
    }
    if !said.request_id.is_empty() {
        error = error.with_metadata("requestId", quoted(&said.request_id));
    }
    error
}

fn classify(head: &Head, errors: &str, call: &Call, address: &ServerAddress) -> PluginError {
    let says = |text: &str| errors.to_lowercase().contains(text);
    let because = if errors.is_empty() {
        String::new()
    } else {
        format!(": {errors}")
    };
    match head.status {
        _ if says("sealed") => PluginError::timeout(format!(
            "{call}: the server at {address} is sealed: it has to be unsealed by its operators"
        )),
        _ if says("not initialized") => PluginError::timeout(format!(
            "{call}: the server at {address} is not initialised"
        )),
        _ if says("less than the minimum encryption key version") || says("too old") => {
            PluginError::validation(format!(
                "{call}: the key's version may not sign any more (`min_encryption_version` or `min_decryption_version` is higher){because}"
            ))
        }
        _ if says("higher than the latest key version") => {
            PluginError::validation(format!("{call}: the key has no such version yet{because}"))
        }
        _ if says("no such key version") => PluginError::validation(format!(
            "{call}: the key has no such version, or it is archived (`min_decryption_version` is higher)"
        )),
        _ if says("key not found") => PluginError::validation(format!(
            "{call}: there is no such key: `keys` lists those that exist"
        )),
        _ if says("does not support signing") || says("not supported for signing") => {
            PluginError::validation(format!(
                "{call}: the key is of a type that cannot sign{because}; use rsa-2048, rsa-3072, rsa-4096, ecdsa-p256, ecdsa-p384 or ecdsa-p521"
            ))
        }
        403 => PluginError::access_denied(format!("{call}: access denied{because}")),
        404 if says("no handler for route") => PluginError::validation(format!(
            "{call}: no engine is mounted there{because}; check the mount, and the namespace"
        )),
        404 => PluginError::validation(format!("{call}: there is nothing at this path{because}")),
        412 => PluginError::timeout(format!(
            "{call}: the server at {address} is not up to date with its cluster yet{because}"
        )),
        429 => {
            let error = PluginError::throttled(format!(
                "{call}: the server's quota of requests is used up{because}"
            ));
            match head.retry_after.as_deref().and_then(parse_retry_after) {
                Some(wait) => error
                    .with_metadata("retryAfter", wait.as_secs().to_string())
                    .with_retry_after(wait),
                None => error,
            }
        }
        472 | 473 => PluginError::timeout(format!(
            "{call}: the server at {address} is a standby that serves no such requests{because}"
        )),
        300..=399 => PluginError::validation(format!(
            "{call}: the server at {address} points elsewhere (status {}), and redirects there are not followed",
            head.status
        )),
        500 if says("signature length") || says("digest length") || says("input length") => {
            PluginError::validation(format!("{call}{because}"))
        }
        500 => PluginError::transient(format!("{call}: the server failed{because}")),
        status => PluginError::new(
            error_code_for_status(status),
            format!("{call}: the server answers with status {status}{because}"),
        ),
    }
}

/// Something that is no Vault answered, or something in between.
pub(super) fn not_json(
    status: u16,
    body: &[u8],
    call: &Call,
    address: &ServerAddress,
) -> PluginError {
    let looks_like = match body.trim_ascii_start().first() {
        Some(b'<') => "a web page",
        _ => "no JSON",
    };
    let message = format!(
        "{call}: {address} answers with {looks_like} (status {status}): is this the address of a Vault server, and is no proxy in between?"
    );
    let error = match status {
        200..=399 | 404 => PluginError::validation(message),
        status => PluginError::new(error_code_for_status(status), message),
    };
    error.with_metadata("httpStatus", status.to_string())
}

/// Whether a refusal says that an engine is there and nothing in it at the path. A mount that does not exist comes
/// with an explanation.
pub(crate) fn found_nothing(error: &PluginError) -> bool {
    let said = error.metadata();
    said.get("httpStatus").map(String::as_str) == Some("404")
        && said.contains_key("path")
        && !said.contains_key("vaultErrors")
}

/// The server's words in one line of bounded length.
fn quoted(text: &str) -> String {
    let line: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(QUOTED)
        .collect();
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use notary_plugin_protocol::ErrorCode;
    use proptest::prelude::*;

    use super::*;

    fn refused(status: u16, body: &str) -> PluginError {
        let head = Head::with_status(status);
        let call = Call::write("transit/sign/release", serde_json::json!({}));
        meaning(&head, body.as_bytes(), &call, &ServerAddress::for_tests())
    }

    #[test]
    fn each_refusal_has_the_code_that_tells_the_host_what_to_do() {
        for (status, errors, code, retryable) in [
            (
                400,
                "signing key not found",
                ErrorCode::ValidationError,
                false,
            ),
            (403, "permission denied", ErrorCode::AccessDenied, false),
            (
                404,
                "no handler for route \"x\"",
                ErrorCode::ValidationError,
                false,
            ),
            (
                405,
                "unsupported operation",
                ErrorCode::ValidationError,
                false,
            ),
            (412, "", ErrorCode::Timeout, true),
            (
                429,
                "request path \"x\": rate limit quota exceeded",
                ErrorCode::Throttled,
                true,
            ),
            (472, "", ErrorCode::Timeout, true),
            (500, "internal error", ErrorCode::Error, true),
            (
                500,
                "requested version for signing is less than the minimum encryption key version",
                ErrorCode::ValidationError,
                false,
            ),
            (502, "", ErrorCode::Timeout, true),
            (503, "Vault is sealed", ErrorCode::Timeout, true),
        ] {
            let error = refused(
                status,
                &serde_json::json!({ "errors": [errors] }).to_string(),
            );
            assert_eq!(error.code(), &code, "{status} {errors}");
            assert_eq!(error.is_retryable(), retryable, "{status} {errors}");
        }
    }

    #[test]
    fn a_web_page_is_recognised_and_not_repeated() {
        let error = refused(200, "<html>login</html>");
        assert_eq!(error.code(), &ErrorCode::ValidationError);
        assert!(error.message().contains("a web page"), "{error}");
        assert_eq!(
            refused(502, "<html>Bad Gateway</html>").code(),
            &ErrorCode::Timeout
        );
    }

    #[test]
    fn the_server_s_words_are_cut_and_kept_to_one_line() {
        let long =
            serde_json::json!({ "errors": [format!("a\n\tb\u{1b}[31m{}", "x".repeat(10_000))] });
        let error = refused(400, &long.to_string());
        assert!(error.message().len() < 1000 && !error.message().contains(['\n', '\u{1b}']));
    }

    proptest! {
        #[test]
        fn any_answer_is_an_error_and_no_panic(status in 300_u16..600, body in proptest::collection::vec(any::<u8>(), 0..200)) {
            let head = Head::with_status(status);
            let call = Call::read("a");
            let error = meaning(&head, &body, &call, &ServerAddress::for_tests());
            prop_assert!(!error.message().is_empty());
        }
    }
}
