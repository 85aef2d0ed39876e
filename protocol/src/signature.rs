//! Raw signatures.
//!
//! The specification does not say how `generate-signature` encodes a signature; the envelope
//! formats force it. RSASSA-PSS signatures are as long as the modulus. ECDSA signatures are `r‖s`,
//! each as wide as the curve's field (RFC 7518 §3.4, IEEE P1363), never ASN.1 DER, which is what
//! most KMS and crypto libraries return: [`EcdsaSignature`] converts.

use crate::algorithm::{KeySpec, SigningAlgorithm};

/// A signature whose length is the one that its algorithm demands.
///
/// Nothing says that it verifies: this crate has no cryptography.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawSignature {
    algorithm: SigningAlgorithm,
    bytes: Vec<u8>,
}

/// Why bytes are no raw signature of an algorithm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// The signature has the wrong length.
    #[error("a {algorithm} signature has {expected} bytes, not {found}")]
    Length {
        /// The algorithm.
        algorithm: SigningAlgorithm,
        /// The length in bytes that it demands.
        expected: usize,
        /// The length that was found.
        found: usize,
    },
    /// An ECDSA signature is in ASN.1 DER.
    #[error(
        "the {algorithm} signature is ASN.1 DER (Ecdsa-Sig-Value): it must be raw r‖s of {expected} bytes"
    )]
    Der {
        /// The algorithm.
        algorithm: SigningAlgorithm,
        /// The length in bytes that it demands.
        expected: usize,
    },
    /// The key spec is not of an elliptic curve.
    #[error("{0} is not the key spec of an elliptic curve")]
    NotEllipticCurve(KeySpec),
    /// The DER is malformed, not minimal, or has trailing bytes.
    #[error("not the DER encoding of an Ecdsa-Sig-Value (a SEQUENCE of two INTEGERs)")]
    MalformedDer,
    /// `r` or `s` is zero, negative or wider than the curve's field.
    #[error("r or s is zero, negative or too large for {0}")]
    OutOfRange(KeySpec),
}

impl RawSignature {
    /// A signature from its raw bytes.
    ///
    /// # Errors
    /// [`SignatureError::Length`], or [`SignatureError::Der`] if ECDSA bytes are DER instead.
    pub fn new(algorithm: SigningAlgorithm, bytes: Vec<u8>) -> Result<Self, SignatureError> {
        let key_spec = algorithm.key_spec();
        let expected = key_spec.signature_len();
        if bytes.len() == expected {
            return Ok(Self { algorithm, bytes });
        }
        if key_spec.is_elliptic_curve() && EcdsaSignature::from_der(key_spec, &bytes).is_ok() {
            return Err(SignatureError::Der {
                algorithm,
                expected,
            });
        }
        Err(SignatureError::Length {
            algorithm,
            expected,
            found: bytes.len(),
        })
    }

    /// The algorithm that the signature is of.
    #[must_use]
    pub const fn algorithm(&self) -> SigningAlgorithm {
        self.algorithm
    }

    /// The raw bytes: RSASSA-PSS output, or ECDSA `r‖s`.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The raw bytes.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

/// An ECDSA signature: two numbers `r` and `s`, held as `r‖s` of fixed width.
///
/// ```
/// use notary_plugin_protocol::{EcdsaSignature, KeySpec};
///
/// let der = [0x30, 0x06, 0x02, 0x01, 0x07, 0x02, 0x01, 0x2a];
/// let signature = EcdsaSignature::from_der(KeySpec::Ec256, &der)?;
/// assert_eq!(signature.as_raw().len(), 64);
/// assert_eq!(signature.to_der(), der);
/// # Ok::<(), notary_plugin_protocol::SignatureError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EcdsaSignature {
    key_spec: KeySpec,
    raw: Vec<u8>,
}

const TAG_SEQUENCE: u8 = 0x30;
const TAG_INTEGER: u8 = 0x02;

impl EcdsaSignature {
    /// From `r‖s`, each as wide as the field of the curve, big-endian.
    ///
    /// # Errors
    /// If the key spec is RSA, the length is wrong, or `r` or `s` is out of range.
    pub fn from_raw(key_spec: KeySpec, raw: &[u8]) -> Result<Self, SignatureError> {
        let width = field_width(key_spec)?;
        if raw.len() != 2 * width {
            return Err(SignatureError::Length {
                algorithm: key_spec.signing_algorithm(),
                expected: 2 * width,
                found: raw.len(),
            });
        }
        let (r, s) = raw.split_at(width);
        check_range(key_spec, r)?;
        check_range(key_spec, s)?;
        Ok(Self {
            key_spec,
            raw: raw.to_vec(),
        })
    }

    /// From ASN.1 DER `Ecdsa-Sig-Value ::= SEQUENCE { r INTEGER, s INTEGER }` (RFC 3279 §2.2.3).
    ///
    /// # Errors
    /// If the key spec is RSA, the encoding is not DER to the last byte, or `r` or `s` is out of
    /// range.
    pub fn from_der(key_spec: KeySpec, der: &[u8]) -> Result<Self, SignatureError> {
        let width = field_width(key_spec)?;
        let (content, rest) = element(TAG_SEQUENCE, der).ok_or(SignatureError::MalformedDer)?;
        let (r, after_r) = element(TAG_INTEGER, content).ok_or(SignatureError::MalformedDer)?;
        let (s, after_s) = element(TAG_INTEGER, after_r).ok_or(SignatureError::MalformedDer)?;
        if !rest.is_empty() || !after_s.is_empty() {
            return Err(SignatureError::MalformedDer);
        }
        let mut raw = Vec::with_capacity(2 * width);
        for integer in [r, s] {
            let magnitude = magnitude(key_spec, integer)?;
            if magnitude.len() > width {
                return Err(SignatureError::OutOfRange(key_spec));
            }
            raw.resize(raw.len() + width - magnitude.len(), 0);
            raw.extend_from_slice(magnitude);
        }
        Self::from_raw(key_spec, &raw)
    }

    /// `r‖s` of fixed width: 64, 96 or 132 bytes.
    #[must_use]
    pub fn as_raw(&self) -> &[u8] {
        &self.raw
    }

    /// The key spec, and so the curve.
    #[must_use]
    pub const fn key_spec(&self) -> KeySpec {
        self.key_spec
    }

    /// The ASN.1 DER encoding, as KMS and TLS libraries use it.
    #[must_use]
    pub fn to_der(&self) -> Vec<u8> {
        let (r, s) = self.raw.split_at(self.raw.len() / 2);
        let mut content = Vec::with_capacity(self.raw.len() + 8);
        for number in [r, s] {
            let leading_zeros = number.iter().take_while(|&&byte| byte == 0).count();
            let magnitude = number.split_at(leading_zeros).1;
            let negative = magnitude.first().is_some_and(|&byte| byte & 0x80 != 0);
            content.push(TAG_INTEGER);
            push_length(&mut content, magnitude.len() + usize::from(negative));
            if negative {
                content.push(0);
            }
            content.extend_from_slice(magnitude);
        }
        let mut der = vec![TAG_SEQUENCE];
        push_length(&mut der, content.len());
        der.extend_from_slice(&content);
        der
    }
}

impl From<EcdsaSignature> for RawSignature {
    fn from(signature: EcdsaSignature) -> Self {
        Self {
            algorithm: signature.key_spec.signing_algorithm(),
            bytes: signature.raw,
        }
    }
}

fn field_width(key_spec: KeySpec) -> Result<usize, SignatureError> {
    if key_spec.is_elliptic_curve() {
        Ok(key_spec.signature_len() / 2)
    } else {
        Err(SignatureError::NotEllipticCurve(key_spec))
    }
}

/// Not zero, and within 521 bits on the one curve whose field does not fill its bytes.
fn check_range(key_spec: KeySpec, number: &[u8]) -> Result<(), SignatureError> {
    let zero = number.iter().all(|&byte| byte == 0);
    let too_large = key_spec == KeySpec::Ec521 && number.first().is_some_and(|&byte| byte > 1);
    if zero || too_large {
        return Err(SignatureError::OutOfRange(key_spec));
    }
    Ok(())
}

/// The content of a DER element with the given tag, and what follows it. Lengths beyond 255 bytes
/// do not occur in a signature of these curves.
fn element(tag: u8, input: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = match input {
        [found, length @ 0..=0x7f, rest @ ..] if *found == tag => (*length, rest),
        [found, 0x81, length @ 0x80..=0xff, rest @ ..] if *found == tag => (*length, rest),
        _ => return None,
    };
    rest.split_at_checked(usize::from(length))
}

/// The bytes of a minimally encoded positive INTEGER, without the zero that keeps it positive.
fn magnitude(key_spec: KeySpec, integer: &[u8]) -> Result<&[u8], SignatureError> {
    match integer {
        [] | [0, 0..=0x7f, ..] => Err(SignatureError::MalformedDer),
        [0x80..=0xff, ..] => Err(SignatureError::OutOfRange(key_spec)),
        [0, rest @ ..] => Ok(rest),
        all => Ok(all),
    }
}

fn push_length(der: &mut Vec<u8>, length: usize) {
    // At most 2 · (66 + 1 + 2) = 138: two fields of P-521 with their headers.
    let length = u8::try_from(length).unwrap_or(u8::MAX);
    if length > 0x7f {
        der.push(0x81);
    }
    der.push(length);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const CURVES: [KeySpec; 3] = [KeySpec::Ec256, KeySpec::Ec384, KeySpec::Ec521];

    fn raw_signatures() -> impl Strategy<Value = (KeySpec, Vec<u8>)> {
        proptest::sample::select(&CURVES[..]).prop_flat_map(|key_spec| {
            let width = key_spec.signature_len() / 2;
            // Leading zero bytes and high bits are where encodings go wrong.
            let number = (0..width, proptest::collection::vec(any::<u8>(), width)).prop_map(
                move |(zeros, mut bytes)| {
                    bytes.iter_mut().take(zeros).for_each(|byte| *byte = 0);
                    if key_spec == KeySpec::Ec521 {
                        bytes[0] &= 1;
                    }
                    bytes[width - 1] |= 1;
                    bytes
                },
            );
            (number.clone(), number).prop_map(move |(r, s)| (key_spec, [r, s].concat()))
        })
    }

    proptest! {
        #[test]
        fn raw_and_der_are_two_forms_of_one_value((key_spec, raw) in raw_signatures()) {
            let signature = EcdsaSignature::from_raw(key_spec, &raw).unwrap();
            let der = signature.to_der();
            prop_assert_eq!(EcdsaSignature::from_der(key_spec, &der).unwrap(), signature);
        }

        #[test]
        fn whatever_is_read_as_der_is_written_back_byte_for_byte(
            der in proptest::collection::vec(prop_oneof![Just(0x30u8), Just(2), 0..12u8, any::<u8>()], 0..16)
        ) {
            for key_spec in CURVES {
                if let Ok(signature) = EcdsaSignature::from_der(key_spec, &der) {
                    prop_assert_eq!(signature.to_der(), der.clone());
                }
            }
        }

        #[test]
        fn a_changed_der_encoding_is_refused_or_means_something_else(
            (key_spec, raw) in raw_signatures(), position in any::<proptest::sample::Index>(), flip in 1..=255u8
        ) {
            let signature = EcdsaSignature::from_raw(key_spec, &raw).unwrap();
            let mut der = signature.to_der();
            let position = position.index(der.len());
            der[position] ^= flip;
            prop_assert_ne!(EcdsaSignature::from_der(key_spec, &der), Ok(signature));
        }
    }

    #[test]
    fn der_that_is_not_minimal_or_not_whole_is_refused() {
        let table: &[&[u8]] = &[
            &[],
            &[0x30],
            &[0x30, 0x00],
            &[0x30, 0x03, 0x02, 0x01, 0x01],
            &[0x30, 0x06, 0x02, 0x01, 0x01, 0x02, 0x01],
            &[0x30, 0x06, 0x02, 0x01, 0x01, 0x02, 0x01, 0x01, 0x00],
            &[0x30, 0x81, 0x06, 0x02, 0x01, 0x01, 0x02, 0x01, 0x01],
            &[0x30, 0x80, 0x02, 0x01, 0x01, 0x02, 0x01, 0x01, 0x00, 0x00],
            &[0x30, 0x07, 0x02, 0x02, 0x00, 0x01, 0x02, 0x01, 0x01],
            &[
                0x30, 0x09, 0x02, 0x01, 0x01, 0x02, 0x01, 0x01, 0x02, 0x01, 0x01,
            ],
            &[0x31, 0x06, 0x02, 0x01, 0x01, 0x02, 0x01, 0x01],
            &[0x30, 0x05, 0x02, 0x00, 0x02, 0x01, 0x01],
        ];
        for der in table {
            assert_eq!(
                EcdsaSignature::from_der(KeySpec::Ec256, der),
                Err(SignatureError::MalformedDer),
                "{der:02x?}"
            );
        }
    }

    #[test]
    fn zero_negative_and_oversized_numbers_are_refused() {
        let out_of_range = Err(SignatureError::OutOfRange(KeySpec::Ec256));
        let zero = [0x30, 0x06, 0x02, 0x01, 0x00, 0x02, 0x01, 0x01];
        assert_eq!(
            EcdsaSignature::from_der(KeySpec::Ec256, &zero),
            out_of_range
        );
        let negative = [0x30, 0x06, 0x02, 0x01, 0x80, 0x02, 0x01, 0x01];
        assert_eq!(
            EcdsaSignature::from_der(KeySpec::Ec256, &negative),
            out_of_range
        );
        let wide = EcdsaSignature::from_raw(KeySpec::Ec384, &[1; 96])
            .unwrap()
            .to_der();
        assert_eq!(
            EcdsaSignature::from_der(KeySpec::Ec256, &wide),
            out_of_range
        );
        assert_eq!(
            EcdsaSignature::from_raw(KeySpec::Ec521, &[2; 132]),
            Err(SignatureError::OutOfRange(KeySpec::Ec521))
        );
    }

    #[test]
    fn a_der_signature_is_named_as_such_where_a_raw_one_belongs() {
        let der = EcdsaSignature::from_raw(KeySpec::Ec256, &[9; 64])
            .unwrap()
            .to_der();
        assert_eq!(
            RawSignature::new(SigningAlgorithm::EcdsaSha256, der),
            Err(SignatureError::Der {
                algorithm: SigningAlgorithm::EcdsaSha256,
                expected: 64
            })
        );
        assert!(matches!(
            RawSignature::new(SigningAlgorithm::RsassaPssSha256, vec![1; 255]),
            Err(SignatureError::Length {
                expected: 256,
                found: 255,
                ..
            })
        ));
    }
}
