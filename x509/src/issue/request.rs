//! PKCS#10 certification requests (RFC 2986).

use super::{SubjectAltName, assemble, concat, extension, key_identifier, usage_extensions};
use crate::asn1::write;
use crate::container::pem;
use crate::{Error, Name, PublicKey, oid};

/// What a request asks for.
#[derive(Clone, Debug)]
pub struct RequestTemplate {
    /// The subject; [`Name::from_rfc4514`] makes one. The CA may change it.
    pub subject: Name,
    /// Alternative names.
    pub subject_alt_names: Vec<SubjectAltName>,
}

/// A PKCS#10 request for a code-signing certificate, signed by the key that is to be certified.
///
/// It asks for the extensions that the specification wants of a signing certificate (keyUsage
/// digitalSignature, critical; extKeyUsage codeSigning; no CA), so that a CA that copies what is
/// asked for issues a certificate that can be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificationRequest {
    der: Vec<u8>,
}

impl CertificationRequest {
    /// The bytes that the private key of `key` must sign.
    ///
    /// # Errors
    /// [`Error::Template`] if the subject is empty or a name is malformed; [`Error::UnsupportedKey`].
    pub fn prepare(template: &RequestTemplate, key: &PublicKey) -> Result<UnsignedRequest, Error> {
        if template.subject.is_empty() {
            return Err(Error::Template {
                what: "a certification request",
                reason: "the subject is empty".to_owned(),
            });
        }
        template
            .subject_alt_names
            .iter()
            .try_for_each(SubjectAltName::check)?;
        key.key_spec()?;

        let mut extensions = usage_extensions(&template.subject_alt_names);
        extensions.push(extension(
            oid::SUBJECT_KEY_IDENTIFIER,
            false,
            &write::octet_string(&key_identifier(key)),
        ));
        let extension_request = write::sequence(&[
            &write::object_identifier(oid::EXTENSION_REQUEST),
            &write::set(&[&concat(&extensions)]),
        ]);
        let version_1 = write::integer(&[0]);
        let to_be_signed = write::sequence(&[
            &version_1,
            template.subject.as_der(),
            key.spki_der(),
            // [0] IMPLICIT SET OF Attribute, of which there is one.
            &write::explicit(0, &extension_request),
        ]);
        Ok(UnsignedRequest {
            to_be_signed,
            key: key.clone(),
        })
    }

    /// The DER encoding.
    #[must_use]
    pub fn as_der(&self) -> &[u8] {
        &self.der
    }

    /// PEM (RFC 7468 §7), with a line feed at the end.
    #[must_use]
    pub fn to_pem(&self) -> String {
        pem::encode("CERTIFICATE REQUEST", &self.der)
    }
}

/// A request that lacks its signature.
#[derive(Clone, Debug)]
pub struct UnsignedRequest {
    to_be_signed: Vec<u8>,
    key: PublicKey,
}

impl UnsignedRequest {
    /// The bytes to sign, unhashed, with the algorithm of the key's spec.
    #[must_use]
    pub fn to_be_signed(&self) -> &[u8] {
        &self.to_be_signed
    }

    /// The request with `raw_signature`: RSASSA-PSS, or ECDSA as r‖s.
    ///
    /// # Errors
    /// [`Error::SignatureInvalid`] if the key did not make the signature over these bytes.
    pub fn assemble(self, raw_signature: &[u8]) -> Result<CertificationRequest, Error> {
        assemble(&self.to_be_signed, &self.key, raw_signature)
            .map(|der| CertificationRequest { der })
    }
}
