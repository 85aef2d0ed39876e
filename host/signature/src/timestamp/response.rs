//! Timestamp responses (RFC 3161 §2.4.2).

use der::Tag;
use notary_x509::asn1::{Fields, Tlv};

use super::TimestampError;
use super::ber;
use crate::limits::MAX_TIMESTAMP_LEN;

const WHAT: &str = "TimeStampResp";

/// The DER of the token in a response that granted one.
pub(super) fn token_of(response: &[u8]) -> Result<Vec<u8>, TimestampError> {
    if response.len() > MAX_TIMESTAMP_LEN {
        return Err(TimestampError::TooLarge {
            limit: MAX_TIMESTAMP_LEN,
            actual: response.len(),
        });
    }
    let der = ber::to_der(response).map_err(TimestampError::malformed(WHAT))?;
    let (status, token) = split(&der).map_err(TimestampError::malformed(WHAT))?;
    let refusal = refusal(&status).map_err(TimestampError::malformed("PKIStatusInfo"))?;
    match (refusal, token) {
        (Some(refusal), _) => Err(refusal),
        (None, Some(token)) => Ok(token.raw.to_vec()),
        (None, None) => Err(TimestampError::Malformed {
            what: WHAT,
            reason: "it is granted but has no token".to_owned(),
        }),
    }
}

fn split(der: &[u8]) -> Result<(Tlv<'_>, Option<Tlv<'_>>), der::Error> {
    let mut fields = Fields::single(der, Tag::Sequence)?.fields()?;
    let status = fields.expect(Tag::Sequence)?;
    let token = fields.optional(Tag::Sequence)?;
    fields.finish()?;
    Ok((status, token))
}

/// What a status other than granted (0) and grantedWithMods (1) says.
fn refusal(status: &Tlv<'_>) -> Result<Option<TimestampError>, der::Error> {
    const STATUS: [&str; 6] = [
        "granted",
        "granted with modifications",
        "rejection",
        "waiting",
        "revocation warning",
        "revocation notification",
    ];
    let mut fields = status.fields()?;
    let number = fields.expect(Tag::Integer)?.small_integer()?;
    let texts = fields.optional(Tag::Sequence)?;
    let failure = fields.optional(Tag::BitString)?;
    fields.finish()?;
    if number <= 1 {
        return Ok(None);
    }
    let name = usize::try_from(number)
        .ok()
        .and_then(|index| STATUS.get(index));
    let mut explanation = Vec::new();
    if let Some(texts) = texts {
        let mut texts = texts.fields()?;
        while !texts.is_empty() {
            explanation.push(printable(texts.expect(Tag::Utf8String)?.value));
        }
    }
    explanation.extend(
        failure
            .iter()
            .flat_map(|bits| failures(bits.value))
            .map(str::to_owned),
    );
    let explanation = explanation.join(", ");
    Ok(Some(TimestampError::Refused {
        status: name.map_or_else(|| format!("status {number}"), |name| (*name).to_owned()),
        explanation: if explanation.is_empty() {
            explanation
        } else {
            format!(": {explanation}")
        },
    }))
}

/// A text from the network, fit for a terminal.
fn printable(text: &[u8]) -> String {
    String::from_utf8_lossy(text)
        .chars()
        .filter(|character| !character.is_control())
        .take(200)
        .collect()
}

/// The names of the bits of PKIFailureInfo that RFC 3161 defines.
fn failures(bit_string: &[u8]) -> impl Iterator<Item = &'static str> {
    const NAMES: [(usize, &str); 8] = [
        (0, "unrecognized or unsupported algorithm"),
        (2, "transaction not permitted or supported"),
        (5, "data in the wrong format"),
        (14, "time source not available"),
        (15, "policy not supported"),
        (16, "extension not supported"),
        (17, "additional information not available"),
        (25, "system failure"),
    ];
    let bits: Vec<u8> = bit_string.iter().skip(1).copied().collect();
    NAMES.into_iter().filter_map(move |(bit, name)| {
        let byte = bits.get(bit / 8)?;
        (byte & (0x80 >> (bit % 8)) != 0).then_some(name)
    })
}

#[cfg(test)]
mod tests {
    use super::super::ber::tlv;
    use super::*;

    #[test]
    fn a_rejection_is_reported_with_the_authoritys_words() {
        let text = tlv(0x30, &tlv(0x0c, "no\u{1b}pe".as_bytes()));
        let status = tlv(
            0x30,
            &[tlv(0x02, &[2]), text, tlv(0x03, b"\x07\x80")].concat(),
        );
        let error = token_of(&tlv(0x30, &status)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the timestamping authority refused: rejection: nope, unrecognized or unsupported algorithm"
        );
    }

    #[test]
    fn a_granted_response_without_token_is_refused() {
        let status = tlv(0x30, &tlv(0x02, &[0]));
        let error = token_of(&tlv(0x30, &status)).unwrap_err();
        assert!(error.to_string().contains("no token"));
    }

    #[test]
    fn a_response_above_the_limit_is_refused() {
        let error = token_of(&vec![0; MAX_TIMESTAMP_LEN + 1]).unwrap_err();
        assert!(matches!(
            error,
            TimestampError::TooLarge {
                limit: MAX_TIMESTAMP_LEN,
                ..
            }
        ));
    }
}
