//! What a backend's HTTP status means in the protocol: one table for every plugin.

use std::time::Duration;

use notary_plugin_protocol::ErrorCode;

use crate::PluginError;

/// The protocol code for an HTTP status that is not a success.
///
/// | status | code | because |
/// |---|---|---|
/// | 401, 403, 407 | `ACCESS_DENIED` | who we are is unknown or not allowed |
/// | 429 | `THROTTLED` | slow down |
/// | 408, 425, 502, 503, 504 | `TIMEOUT` | the service or what is behind it did not answer in time |
/// | other 4xx | `VALIDATION_ERROR` | the request, so the key id or the configuration, is wrong |
/// | anything else | `ERROR` | the service is broken |
#[must_use]
pub fn error_code_for_status(status: u16) -> ErrorCode {
    match status {
        401 | 403 | 407 => ErrorCode::AccessDenied,
        429 => ErrorCode::Throttled,
        408 | 425 | 502 | 503 | 504 => ErrorCode::Timeout,
        400..=499 => ErrorCode::ValidationError,
        _ => ErrorCode::Error,
    }
}

impl PluginError {
    /// The error for an HTTP answer that is not a success; `what` says what was asked of whom. Status 500
    /// is retryable although its code is `ERROR`, since services use it for hiccups.
    #[must_use]
    pub fn from_http_status(status: u16, what: &str) -> Self {
        let message = format!("{what}: the service answered with HTTP status {status}");
        let error = match error_code_for_status(status) {
            ErrorCode::Error if status == 500 => Self::transient(message),
            code => Self::new(code, message),
        };
        error.with_metadata("httpStatus", status.to_string())
    }
}

/// Reads the `Retry-After` header when it is a number of seconds (RFC 9110 §10.2.3). Dates are not
/// understood: no key service sends them, and they would need a clock that agrees.
#[must_use]
pub fn parse_retry_after(value: &str) -> Option<Duration> {
    /// Longer waits cannot fit into any deadline; the limit keeps a hostile value harmless.
    const LONGEST: u64 = 3600;
    value
        .trim()
        .parse::<u64>()
        .ok()
        .map(|seconds| Duration::from_secs(seconds.min(LONGEST)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_map_to_the_codes_that_tell_the_host_what_to_do() {
        for (status, code) in [
            (400, ErrorCode::ValidationError),
            (401, ErrorCode::AccessDenied),
            (403, ErrorCode::AccessDenied),
            (404, ErrorCode::ValidationError),
            (408, ErrorCode::Timeout),
            (429, ErrorCode::Throttled),
            (500, ErrorCode::Error),
            (503, ErrorCode::Timeout),
            (504, ErrorCode::Timeout),
            (302, ErrorCode::Error),
        ] {
            assert_eq!(error_code_for_status(status), code, "{status}");
        }
    }

    #[test]
    fn what_may_pass_is_retryable_and_what_will_not_is_not() {
        for (status, retryable) in [
            (429, true),
            (500, true),
            (503, true),
            (403, false),
            (404, false),
            (501, false),
        ] {
            assert_eq!(
                PluginError::from_http_status(status, "GET /key").is_retryable(),
                retryable,
                "{status}"
            );
        }
    }

    #[test]
    fn a_retry_after_is_seconds_within_reason() {
        assert_eq!(parse_retry_after(" 7 "), Some(Duration::from_secs(7)));
        assert_eq!(
            parse_retry_after("99999999999"),
            Some(Duration::from_secs(3600))
        );
        assert_eq!(parse_retry_after("Fri, 31 Dec 1999 23:59:59 GMT"), None);
    }
}
