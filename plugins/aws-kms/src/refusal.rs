//! What it means that a request failed: a protocol code, a sentence, and what to do.

use std::error::Error as StdError;
use std::fmt::Write as _;
use std::io;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_sts::operation::assume_role::AssumeRoleError;
use aws_sdk_sts::operation::assume_role_with_web_identity::AssumeRoleWithWebIdentityError;
use aws_smithy_http::endpoint::error::ResolveEndpointError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_types::request_id::RequestId as _;
use notary_plugin_sdk::PluginError;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

use crate::connection::NotAllowed;

/// Clocks that differ by more are worth a word. AWS accepts five minutes.
const NOTABLE_SKEW_SECONDS: i64 = 120;

/// A request, for the words about it.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    /// The action as policies name it: `kms:Sign`.
    pub(crate) action: &'static str,
    /// What it was about.
    pub(crate) target: &'a str,
    /// The quota that counts it, in the words of the Service Quotas console.
    pub(crate) quota: &'static str,
}

/// What a service's own error code means to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meaning {
    Denied,
    BadCredentials,
    Expired,
    BadSignature,
    Clock,
    Missing,
    Disabled,
    State,
    Usage,
    Invalid,
    Throttled,
    TimedOut,
    Passing,
}

fn meaning(code: &str) -> Option<Meaning> {
    // Some services put a namespace in front, or a URL behind.
    let code = code.rsplit('#').next().unwrap_or(code);
    let code = code.split(':').next().unwrap_or(code);
    Some(match code {
        "AccessDeniedException"
        | "AccessDenied"
        | "NotAuthorized"
        | "UnauthorizedOperation"
        | "InvalidGrantTokenException"
        | "Forbidden" => Meaning::Denied,
        "UnrecognizedClientException"
        | "InvalidClientTokenId"
        | "InvalidAccessKeyId"
        | "AuthFailure"
        | "MissingAuthenticationToken"
        | "MissingAuthenticationTokenException"
        | "OptInRequired"
        | "InvalidToken"
        | "NotSignedUp" => Meaning::BadCredentials,
        "ExpiredToken" | "ExpiredTokenException" | "TokenRefreshRequired" => Meaning::Expired,
        "InvalidSignatureException"
        | "SignatureDoesNotMatch"
        | "IncompleteSignature"
        | "IncompleteSignatureException" => Meaning::BadSignature,
        "RequestTimeTooSkewed" | "RequestExpired" | "RequestInTheFuture" => Meaning::Clock,
        "NotFoundException"
        | "ResourceNotFoundException"
        | "ParameterNotFound"
        | "NoSuchKey"
        | "NoSuchBucket"
        | "ParameterVersionNotFound" => Meaning::Missing,
        "DisabledException" => Meaning::Disabled,
        "KMSInvalidStateException" | "InvalidStateException" => Meaning::State,
        "InvalidKeyUsageException" | "UnsupportedOperationException" => Meaning::Usage,
        "ValidationException"
        | "InvalidArnException"
        | "InvalidParameterException"
        | "InvalidRequestException"
        | "InvalidArgsException"
        | "MalformedCSRException" => Meaning::Invalid,
        "ThrottlingException"
        | "Throttling"
        | "ThrottledException"
        | "RequestThrottled"
        | "RequestThrottledException"
        | "TooManyRequestsException"
        | "RequestLimitExceeded"
        | "LimitExceededException"
        | "SlowDown"
        | "BandwidthLimitExceeded"
        | "PriorRequestNotComplete" => Meaning::Throttled,
        "DependencyTimeoutException" | "RequestTimeout" | "RequestTimeoutException" => {
            Meaning::TimedOut
        }
        "KMSInternalException"
        | "KeyUnavailableException"
        | "InternalFailure"
        | "InternalServerError"
        | "InternalServiceError"
        | "InternalError" => Meaning::Passing,
        _ => return None,
    })
}

/// The error for a request that failed. `profile` is the one that was asked for by name.
pub(crate) fn explain<E>(
    call: &Call<'_>,
    error: SdkError<E, HttpResponse>,
    profile: Option<&str>,
) -> PluginError
where
    E: StdError + ProvideErrorMetadata + Send + Sync + 'static,
{
    let request_id = error.request_id().map(str::to_owned);
    let explained = match &error {
        SdkError::ServiceError(refusal) if !refusal.raw().status().is_success() => {
            let status = refusal.raw().status().as_u16();
            let code = refusal.err().code().unwrap_or_default();
            let message = refusal.err().message().unwrap_or_default();
            let date = refusal.raw().headers().get("date");
            refused(call, status, code, message, date)
                .with_metadata("httpStatus", status.to_string())
        }
        SdkError::ServiceError(_) | SdkError::ResponseError(_) => {
            let what = format!("{} on {}", call.action, call.target);
            match error.raw_response().map(|answer| answer.status()) {
                Some(status) if !status.is_success() => {
                    PluginError::from_http_status(status.as_u16(), &what)
                }
                _ => PluginError::error(format!(
                    "{what}: the endpoint does not answer as AWS does: {}",
                    chain(&error)
                )),
            }
        }
        SdkError::TimeoutError(_) => PluginError::timeout(format!(
            "{} on {}: no answer in time; check the network and the endpoint",
            call.action, call.target
        )),
        _ => unanswered(call, &error, profile),
    };
    match request_id {
        Some(id) => explained.with_metadata("requestId", id),
        None => explained,
    }
}

/// The error for an answer that says no.
fn refused(
    call: &Call<'_>,
    status: u16,
    code: &str,
    said: &str,
    date: Option<&str>,
) -> PluginError {
    let Call {
        action,
        target,
        quota,
    } = call;
    let said = if said.is_empty() { code } else { said };
    let error = match meaning(code) {
        Some(Meaning::Denied) => PluginError::access_denied(format!(
            "{action} on {target} is not allowed: {said}; the identity's policy, the key's policy or a grant has to allow {action}"
        )),
        Some(Meaning::BadCredentials) => PluginError::access_denied(format!(
            "{action} on {target}: AWS does not know these credentials: {said}; `doctor` says where they come from"
        )),
        Some(Meaning::Expired) => PluginError::access_denied(format!(
            "{action} on {target}: the credentials have expired: {said}; log in again (`aws sso login`), or renew the session token"
        )),
        Some(Meaning::Clock) => clock(action, target, said, date),
        Some(Meaning::BadSignature)
            if said.contains("Signature expired") || said.contains("not yet current") =>
        {
            clock(action, target, said, date)
        }
        Some(Meaning::BadSignature) => PluginError::access_denied(format!(
            "{action} on {target}: AWS does not accept the request's signature: {said}; is the secret access key right, and does nothing on the way change requests?"
        )),
        Some(Meaning::Missing) => PluginError::validation(format!(
            "{action}: {target} does not exist: {said}; check name, account and region"
        )),
        Some(Meaning::Disabled) => PluginError::validation(format!(
            "{action}: the key {target} is disabled: `aws kms enable-key` enables it, if it is meant to sign"
        )),
        Some(Meaning::State) => PluginError::validation(format!(
            "{action}: the key {target} cannot be used in its state: {}",
            state(said)
        )),
        Some(Meaning::Usage) => PluginError::validation(format!(
            "{action}: the key {target} cannot make this signature: {said}; it has to be an asymmetric key of usage SIGN_VERIFY and of one of the specs RSA_2048, RSA_3072, RSA_4096, ECC_NIST_P256, ECC_NIST_P384 or ECC_NIST_P521"
        )),
        Some(Meaning::Invalid) => PluginError::validation(format!("{action} on {target}: {said}")),
        Some(Meaning::Throttled) => PluginError::throttled(format!(
            "{action} on {target}: too many requests: {said}; the quota is \"{quota}\" (Service Quotas, per account and region)"
        )),
        Some(Meaning::TimedOut) => PluginError::timeout(format!(
            "{action} on {target}: the service did not finish in time: {said}; try again"
        )),
        Some(Meaning::Passing) => PluginError::transient(format!(
            "{action} on {target}: the service failed: {said}; try again"
        )),
        None => {
            let what = format!("{action} on {target}: {said}");
            PluginError::from_http_status(status, &what)
        }
    };
    if code.is_empty() {
        error
    } else {
        error.with_metadata("awsErrorCode", code)
    }
}

fn clock(action: &str, target: &str, said: &str, date: Option<&str>) -> PluginError {
    let skew = date.and_then(skew_seconds).unwrap_or_default();
    let by = if skew.abs() > NOTABLE_SKEW_SECONDS {
        format!(
            ": it is {} s {} AWS's",
            skew.abs(),
            if skew > 0 { "ahead of" } else { "behind" }
        )
    } else {
        String::new()
    };
    PluginError::access_denied(format!(
        "{action} on {target}: this machine's clock is wrong{by}, and AWS does not accept requests of another time: {said}; synchronise the clock (NTP)"
    ))
}

/// How far our clock is ahead of the time in an answer's `Date` header.
pub(crate) fn skew_seconds(date: &str) -> Option<i64> {
    let theirs = parse_date(date)?;
    Some((OffsetDateTime::now_utc() - theirs).whole_seconds())
}

/// HTTP's dates end in `GMT`, which RFC 2822 knows as an obsolete zone.
pub(crate) fn parse_date(text: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(&text.replace("GMT", "+0000"), &Rfc2822).ok()
}

/// The state of a key in words: KMS only says "… is pending deletion."
fn state(said: &str) -> String {
    let lower = said.to_lowercase().replace([' ', '_'], "");
    let advice = if lower.contains("pendingreplicadeletion") {
        "its replicas wait for their deletion"
    } else if lower.contains("pendingdeletion") {
        "it waits for its deletion; `aws kms cancel-key-deletion` and `enable-key` bring it back"
    } else if lower.contains("pendingimport") {
        "it has no key material yet; `aws kms import-key-material` gives it some"
    } else if lower.contains("unavailable") {
        "its key store is not connected"
    } else if lower.contains("creating") || lower.contains("updating") {
        "it is being created or changed; try again in a moment"
    } else {
        return said.to_owned();
    };
    format!("{said} ({advice})")
}

/// The error for a request that was not sent, or not answered.
fn unanswered(
    call: &Call<'_>,
    error: &(dyn StdError + 'static),
    profile: Option<&str>,
) -> PluginError {
    let what = format!("{} on {}", call.action, call.target);
    if let Some(credentials) = cause::<CredentialsError>(error) {
        return without_credentials(&what, credentials, profile);
    }
    if let Some(refused) = cause::<NotAllowed>(error) {
        return PluginError::validation(format!("{what}: {refused}"));
    }
    if let Some(endpoint) = cause::<ResolveEndpointError>(error) {
        return PluginError::validation(format!(
            "{what}: there is no endpoint for this region and these settings: {}",
            chain(endpoint)
        ));
    }
    if cause::<rustls::Error>(error).is_some() {
        return PluginError::validation(format!(
            "{what}: no TLS connection: {}; is `ca_bundle` (AWS_CA_BUNDLE) the authority of this endpoint or proxy, and does its certificate have the endpoint's name?",
            chain(error)
        ));
    }
    PluginError::timeout(format!(
        "{what}: the endpoint is not reached: {}; check region, endpoint, network and proxy",
        chain(error)
    ))
}

/// The error for credentials that are missing, or that could not be had.
pub(crate) fn without_credentials(
    what: &str,
    error: &CredentialsError,
    profile: Option<&str>,
) -> PluginError {
    if let CredentialsError::ProviderTimedOut(_) = error {
        return PluginError::timeout(format!(
            "{what}: the source of the credentials did not answer in time: {}",
            chain(error)
        ));
    }
    if let CredentialsError::CredentialsNotLoaded(_) = error {
        if let Some(profile) = profile {
            return PluginError::access_denied(format!(
                "{what}: no credentials were found in the profile `{profile}`: does AWS_CONFIG_FILE or AWS_SHARED_CREDENTIALS_FILE (`~/.aws/config`, `~/.aws/credentials`) have it?"
            ));
        }
        return PluginError::access_denied(format!(
            "{what}: no credentials were found: {}; set them as for the AWS command line (environment, profile, SSO, a role of the machine), or `profile`",
            chain(error)
        ));
    }
    let said = cause::<AssumeRoleError>(error)
        .map(ProvideErrorMetadata::meta)
        .or_else(|| cause::<AssumeRoleWithWebIdentityError>(error).map(ProvideErrorMetadata::meta))
        .and_then(|refusal| refusal.message());
    if let Some(said) = said {
        return PluginError::access_denied(format!("{what}: the role cannot be assumed: {said}"));
    }
    PluginError::access_denied(format!(
        "{what}: the credentials cannot be used: {}; `doctor` says where they come from, and `aws sso login` renews those of SSO",
        chain(error)
    ))
}

/// The causes in one line: the outermost message alone says little.
pub(crate) fn chain(error: &(dyn StdError + 'static)) -> String {
    let mut text = String::new();
    for cause in causes(error) {
        let message = cause.to_string();
        if !text.contains(&message) {
            let separator = if text.is_empty() { "" } else { ": " };
            let _ = write!(text, "{separator}{message}");
        }
    }
    text
}

fn cause<'e, T: StdError + 'static>(error: &'e (dyn StdError + 'static)) -> Option<&'e T> {
    causes(error).find_map(<dyn StdError>::downcast_ref)
}

fn causes<'e>(
    error: &'e (dyn StdError + 'static),
) -> impl Iterator<Item = &'e (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |error: &&'e (dyn StdError + 'static)| {
        // What an I/O error is about is not among its sources.
        let inside = error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref);
        match inside {
            Some(inside) => Some(inside),
            None => (*error).source(),
        }
    })
}
