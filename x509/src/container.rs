//! Certificates from what they come in: PEM, DER, PKCS#7 and PKCS#12.

mod pbes2;
pub(crate) mod pem;
mod pkcs12;
mod pkcs7;

use der::Tag;

use crate::asn1::Fields;
use crate::{Certificate, Error};

/// The largest file of certificates that is read, in bytes. The largest that is met in practice, a
/// bundle of every public root, has a fifth of that.
pub const MAX_CERTIFICATE_FILE_LEN: usize = 1024 * 1024;

/// The certificates in `bytes`, in the order of the input.
///
/// Accepted are: PEM with any number of `CERTIFICATE` (also `X509 CERTIFICATE`, `TRUSTED
/// CERTIFICATE` is not), `PKCS7` and `CMS` blocks and any text around them; DER, one certificate or
/// several one after the other; PKCS#7 in DER; PKCS#12 whose certificates are not encrypted or
/// encrypted under the empty password with PBES2 and AES. Of a PKCS#12 file with a private key only
/// the certificates are looked at.
///
/// # Errors
/// [`Error::TooLarge`] above [`MAX_CERTIFICATE_FILE_LEN`], [`Error::NoCertificate`] if there is none,
/// [`Error::EncryptedPkcs12`], [`Error::Malformed`].
///
/// ```
/// # let pem = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/../testdata/reference/notation-core-go/pem.crt"))?;
/// let certificates = notary_x509::parse_certificates(&pem)?;
/// assert_eq!(certificates.len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn parse_certificates(bytes: &[u8]) -> Result<Vec<Certificate>, Error> {
    Error::check_size("certificate file", bytes.len(), MAX_CERTIFICATE_FILE_LEN)?;
    let certificates = if pem::is_pem(bytes) {
        from_pem(bytes)?
    } else {
        from_der(bytes)?
    };
    if certificates.is_empty() {
        return Err(Error::NoCertificate);
    }
    Ok(certificates)
}

fn from_pem(bytes: &[u8]) -> Result<Vec<Certificate>, Error> {
    let mut certificates = Vec::new();
    for block in pem::blocks(bytes)? {
        match block.label.as_str() {
            "CERTIFICATE" | "X509 CERTIFICATE" => {
                certificates.push(Certificate::from_der(&block.contents)?)
            }
            "PKCS7" | "CMS" => certificates.extend(pkcs7::certificates(&block.contents)?),
            _ => {}
        }
    }
    Ok(certificates)
}

fn from_der(bytes: &[u8]) -> Result<Vec<Certificate>, Error> {
    let mut values = Fields::of(bytes).map_err(|_| Error::NoCertificate)?;
    let mut certificates = Vec::new();
    while !values.is_empty() {
        let value = match values.expect(Tag::Sequence) {
            Ok(value) => value,
            Err(_) if certificates.is_empty() => return Err(Error::NoCertificate),
            Err(error) => {
                return Err(Error::malformed(
                    "what follows the certificates in the file",
                )(error));
            }
        };
        let first_field = value.fields().and_then(|mut fields| fields.next_field());
        match first_field.map(|field| field.tag) {
            Ok(Tag::ObjectIdentifier) => certificates.extend(pkcs7::certificates(value.raw)?),
            Ok(Tag::Integer) => certificates.extend(pkcs12::certificates(value.raw)?),
            _ => certificates.push(Certificate::from_der(value.raw)?),
        }
    }
    Ok(certificates)
}
