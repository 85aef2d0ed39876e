//! A plugin that takes over two checks of the verification: whether the signer is trusted, and whether its
//! certificate is revoked.
//!
//! The host has already checked the signature and the trust store; a "no" from here can only take trust away.

use std::{fs, num::NonZeroU64, process::ExitCode};

use notary_plugin_sdk::{
    CheckVerdict, Context, Plugin, PluginDescription, PluginError, Setting, SignatureCheck,
    protocol::{AttributeValue, VerifySignatureRequest, session::WarmSessions},
    x509::{Certificate, Name},
};

const REVOKED: Setting = Setting::path(
    "revoked",
    "File with one SHA-256 fingerprint of a revoked certificate per line, in hexadecimal",
);

static DESCRIPTION: PluginDescription = PluginDescription {
    name: "verifier",
    version: env!("CARGO_PKG_VERSION"),
    url: "https://github.com/apostille/apostille",
    description: "Checks subjects, tickets and a list of revoked certificates",
    settings: &[REVOKED],
};

/// Signers must write the ticket of their release into this attribute, and it is critical: a host that does
/// not know it rejects the signature unless this plugin says that it has looked at it.
const TICKET: &str = "com.example.ticket";

struct TrustedIdentity;

impl SignatureCheck for TrustedIdentity {
    async fn check(
        &self,
        request: &VerifySignatureRequest,
        _: &Context,
    ) -> Result<CheckVerdict, PluginError> {
        let subject = leaf(request)?.subject().clone();
        if !request
            .trust_policy
            .trusted_identities
            .iter()
            .any(|identity| matches(identity, &subject))
        {
            return Ok(CheckVerdict::Failed(format!(
                "the policy trusts no identity like \"{subject}\""
            )));
        }
        match request
            .signature
            .critical_attributes
            .extended_attributes
            .get(TICKET)
        {
            Some(AttributeValue::Text(ticket)) if !ticket.starts_with("REL-") => Ok(
                CheckVerdict::Failed(format!("{ticket} is not the ticket of a release")),
            ),
            Some(AttributeValue::Text(_)) | None => Ok(CheckVerdict::Passed),
            Some(_) => Ok(CheckVerdict::Failed(format!("{TICKET} is not text"))),
        }
    }

    fn understands(&self, attribute: &str) -> bool {
        attribute == TICKET
    }
}

/// `*`, or `x509.subject:` and attributes that the subject all has (trust policy specification).
fn matches(identity: &str, subject: &Name) -> bool {
    let Some(wanted) = identity.strip_prefix("x509.subject:") else {
        return identity == "*";
    };
    let Ok(wanted) = Name::from_rfc4514(wanted.trim()) else {
        return false;
    };
    wanted.attributes().all(|wanted| {
        subject.attributes().any(|found| {
            found.oid() == wanted.oid() && found.text().is_some() && found.text() == wanted.text()
        })
    })
}

struct RevokedList;

impl SignatureCheck for RevokedList {
    async fn check(
        &self,
        request: &VerifySignatureRequest,
        context: &Context,
    ) -> Result<CheckVerdict, PluginError> {
        let path = context.settings().required(&REVOKED)?;
        // Fail closed: without the list nobody knows, and an error makes the verification fail.
        let list = fs::read_to_string(path)
            .map_err(|error| PluginError::error(format!("cannot read {path}: {error}")))?;
        for der in &request.signature.certificate_chain {
            let certificate = certificate(der)?;
            let fingerprint: String = certificate
                .sha256_fingerprint()
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect();
            if list
                .lines()
                .any(|line| line.trim().eq_ignore_ascii_case(&fingerprint))
            {
                return Ok(CheckVerdict::Failed(format!(
                    "the certificate of \"{}\" is revoked",
                    certificate.subject()
                )));
            }
        }
        Ok(CheckVerdict::Passed)
    }
}

fn leaf(request: &VerifySignatureRequest) -> Result<Certificate, PluginError> {
    request
        .signature
        .certificate_chain
        .first()
        .ok_or_else(|| PluginError::validation("the certificate chain is empty"))
        .and_then(|der| certificate(der))
}

fn certificate(der: &[u8]) -> Result<Certificate, PluginError> {
    Certificate::from_der(der).map_err(|error| PluginError::validation(error.to_string()))
}

fn main() -> ExitCode {
    // Nothing is kept between requests, so an idle session is not worth a process for long.
    let terms = WarmSessions {
        idle_timeout_in_seconds: NonZeroU64::MIN,
        ..WarmSessions::default()
    };
    Plugin::new(&DESCRIPTION)
        .trusted_identity(TrustedIdentity)
        .revocation(RevokedList)
        .sessions(terms)
        .run()
}
