//! Signed and unsigned attributes, and the rules about them that hold in both formats.

use std::collections::BTreeSet;

use notary_plugin_protocol::SigningAlgorithm;
pub use notary_plugin_protocol::SigningScheme;
use time::OffsetDateTime;

use crate::Error;
use crate::value::{AttributeName, AttributeValue};

/// Names that begin so belong to the specification.
pub const RESERVED_PREFIX: &str = "io.cncf.notary";

pub(crate) const SIGNING_SCHEME: &str = "io.cncf.notary.signingScheme";
pub(crate) const SIGNING_TIME: &str = "io.cncf.notary.signingTime";
pub(crate) const AUTHENTIC_SIGNING_TIME: &str = "io.cncf.notary.authenticSigningTime";
pub(crate) const EXPIRY: &str = "io.cncf.notary.expiry";
pub(crate) const VERIFICATION_PLUGIN: &str = "io.cncf.notary.verificationPlugin";
pub(crate) const VERIFICATION_PLUGIN_MIN_VERSION: &str =
    "io.cncf.notary.verificationPluginMinVersion";
pub(crate) const TIMESTAMP_SIGNATURE: &str = "io.cncf.notary.timestampSignature";
pub(crate) const SIGNING_AGENT: &str = "io.cncf.notary.signingAgent";

/// The names of signed attributes that both formats share.
pub(crate) const SIGNED_NAMES: [&str; 6] = [
    SIGNING_SCHEME,
    SIGNING_TIME,
    AUTHENTIC_SIGNING_TIME,
    EXPIRY,
    VERIFICATION_PLUGIN,
    VERIFICATION_PLUGIN_MIN_VERSION,
];

/// An attribute that the specification does not define, signed along with the others.
#[derive(Clone, Debug, PartialEq)]
pub struct ExtendedAttribute {
    /// Its name.
    pub name: AttributeName,
    /// Its value.
    pub value: AttributeValue,
    /// Whether a verifier that does not know it has to reject the signature.
    pub critical: bool,
}

/// The plugin that a signature asks to be verified with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerificationPlugin {
    /// The name of the plugin as signed. Nothing has checked that it is a plugin name.
    pub name: String,
    /// The lowest acceptable version of the plugin as signed, meant to be a semantic version.
    pub min_version: Option<String>,
}

/// The signed attributes of an envelope.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct SignedAttributes {
    /// The signing scheme.
    pub scheme: SigningScheme,
    /// The time of signing: what the signer claims under `notary.x509`, what the authority vouches
    /// for under `notary.x509.signingAuthority`.
    pub signing_time: OffsetDateTime,
    /// From when on the artifact is considered expired.
    pub expiry: Option<OffsetDateTime>,
    /// The plugin to verify with.
    pub verification_plugin: Option<VerificationPlugin>,
    /// All other attributes.
    pub extended: Vec<ExtendedAttribute>,
}

/// The unsigned attributes of an envelope, except for the certificates.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct UnsignedAttributes {
    pub(crate) timestamp: Option<Vec<u8>>,
    pub(crate) signing_agent: Option<String>,
}

impl SignedAttributes {
    /// Whether the time of signing is vouched for by a signing authority.
    #[must_use]
    pub fn authentic_signing_time(&self) -> Option<OffsetDateTime> {
        (self.scheme == SigningScheme::NotaryX509SigningAuthority).then_some(self.signing_time)
    }

    /// The name of the attribute that carries the signing time under this scheme.
    pub(crate) const fn signing_time_name(scheme: SigningScheme) -> &'static str {
        match scheme {
            SigningScheme::NotaryX509 => SIGNING_TIME,
            SigningScheme::NotaryX509SigningAuthority => AUTHENTIC_SIGNING_TIME,
        }
    }
}

/// A protected header, as far as the two formats read it differently.
pub(crate) struct ProtectedHeader {
    pub(crate) algorithm: SigningAlgorithm,
    pub(crate) content_type: String,
    pub(crate) critical: Vec<AttributeName>,
    /// Everything but the three above.
    pub(crate) rest: Vec<(AttributeName, AttributeValue)>,
    /// How the format writes a time.
    pub(crate) read_time: fn(&AttributeValue) -> Option<OffsetDateTime>,
    /// Names that the format defines and that must therefore not be listed as critical.
    pub(crate) is_registered: fn(&AttributeName) -> bool,
}

impl ProtectedHeader {
    /// The attributes, once all rules about them are met.
    pub(crate) fn into_attributes(mut self) -> Result<SignedAttributes, Error> {
        self.check_critical()?;
        let scheme = self.take_scheme()?;
        let signing_time = self.take_signing_time(scheme)?;
        let expiry = self.take_time(EXPIRY)?;
        if let Some(expiry) = expiry {
            self.demand_critical(EXPIRY)?;
            if expiry <= signing_time {
                return Err(Error::attribute(
                    EXPIRY,
                    "the expiry is not after the time of signing",
                ));
            }
        }
        let verification_plugin = self.take_verification_plugin()?;
        Ok(SignedAttributes {
            scheme,
            signing_time,
            expiry,
            verification_plugin,
            extended: self.take_extended(),
        })
    }

    /// The rules that hold for every entry of the list of critical attributes.
    fn check_critical(&self) -> Result<(), Error> {
        let refuse = |name: &AttributeName, reason: &str| {
            Err(Error::InvalidCritical {
                reason: format!("\"{name}\" {reason}"),
            })
        };
        if self.critical.is_empty() {
            return Err(Error::InvalidCritical {
                reason: "it is empty".to_owned(),
            });
        }
        let mut seen = BTreeSet::new();
        for name in &self.critical {
            if !seen.insert(name) {
                return refuse(name, "is listed twice");
            }
            if (self.is_registered)(name) {
                return refuse(
                    name,
                    "is defined by the envelope format and must not be listed",
                );
            }
            if name.is(SIGNING_TIME) {
                return refuse(name, "is informational and must not be listed");
            }
            if !self.rest.iter().any(|(present, _)| present == name) {
                return refuse(name, "is listed but not present");
            }
        }
        Ok(())
    }

    fn demand_critical(&self, name: &str) -> Result<(), Error> {
        if self.critical.iter().any(|critical| critical.is(name)) {
            return Ok(());
        }
        Err(Error::InvalidCritical {
            reason: format!("\"{name}\" is present and must be listed"),
        })
    }

    fn take(&mut self, name: &str) -> Option<AttributeValue> {
        let at = self.rest.iter().position(|(present, _)| present.is(name))?;
        Some(self.rest.remove(at).1)
    }

    fn take_text(&mut self, name: &str) -> Result<Option<String>, Error> {
        match self.take(name) {
            None => Ok(None),
            Some(AttributeValue::Text(text)) if text.is_empty() => {
                Err(Error::attribute(name, "it is empty"))
            }
            Some(AttributeValue::Text(text)) => Ok(Some(text)),
            Some(other) => Err(Error::attribute(
                name,
                format!("it is {} where a text is expected", other.kind()),
            )),
        }
    }

    fn take_time(&mut self, name: &str) -> Result<Option<OffsetDateTime>, Error> {
        let Some(value) = self.take(name) else {
            return Ok(None);
        };
        match (self.read_time)(&value) {
            Some(time) => Ok(Some(time)),
            None => Err(Error::attribute(
                name,
                "it is not a time from 1970 to 9999 as the format writes it",
            )),
        }
    }

    fn take_scheme(&mut self) -> Result<SigningScheme, Error> {
        let text = self
            .take_text(SIGNING_SCHEME)?
            .ok_or_else(|| Error::MissingAttribute {
                name: SIGNING_SCHEME.to_owned(),
            })?;
        self.demand_critical(SIGNING_SCHEME)?;
        text.parse()
            .map_err(|error: notary_plugin_protocol::UnknownWord| {
                Error::attribute(SIGNING_SCHEME, error.to_string())
            })
    }

    /// The time that the scheme wants, and not the one that it forbids.
    fn take_signing_time(&mut self, scheme: SigningScheme) -> Result<OffsetDateTime, Error> {
        let (wanted, forbidden) = match scheme {
            SigningScheme::NotaryX509 => (SIGNING_TIME, AUTHENTIC_SIGNING_TIME),
            SigningScheme::NotaryX509SigningAuthority => (AUTHENTIC_SIGNING_TIME, SIGNING_TIME),
        };
        if self.take(forbidden).is_some() {
            return Err(Error::attribute(
                forbidden,
                format!("it must be absent under the signing scheme {scheme}"),
            ));
        }
        let time = self
            .take_time(wanted)?
            .ok_or_else(|| Error::MissingAttribute {
                name: wanted.to_owned(),
            })?;
        if wanted == AUTHENTIC_SIGNING_TIME {
            self.demand_critical(wanted)?;
        }
        Ok(time)
    }

    fn take_verification_plugin(&mut self) -> Result<Option<VerificationPlugin>, Error> {
        let name = self.take_text(VERIFICATION_PLUGIN)?;
        let min_version = self.take_text(VERIFICATION_PLUGIN_MIN_VERSION)?;
        if min_version.is_some() {
            self.demand_critical(VERIFICATION_PLUGIN_MIN_VERSION)?;
        }
        match name {
            Some(name) => {
                self.demand_critical(VERIFICATION_PLUGIN)?;
                Ok(Some(VerificationPlugin { name, min_version }))
            }
            None if min_version.is_some() => Err(Error::attribute(
                VERIFICATION_PLUGIN_MIN_VERSION,
                format!("it needs {VERIFICATION_PLUGIN}, which is absent"),
            )),
            None => Ok(None),
        }
    }

    fn take_extended(self) -> Vec<ExtendedAttribute> {
        let critical = self.critical;
        self.rest
            .into_iter()
            .map(|(name, value)| ExtendedAttribute {
                critical: critical.contains(&name),
                name,
                value,
            })
            .collect()
    }
}
