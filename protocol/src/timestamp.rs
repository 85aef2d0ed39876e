//! Times on the wire: RFC 3339, in UTC when we write them.

use serde::{Serialize, Serializer};
use time::format_description::well_known::Rfc3339;
use time::macros::datetime;
use time::{OffsetDateTime, UtcOffset};

use crate::json::{Node, Read};
use crate::message_error::Rule;

/// A time as RFC 3339 in UTC.
pub(crate) struct Timestamp(pub(crate) OffsetDateTime);

impl Timestamp {
    /// What hosts in use send for "no time".
    pub(crate) const ZERO: Self = Self(datetime!(0001-01-01 00:00 UTC));
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // A year that RFC 3339 cannot write is as good as the first or last that it can.
        let limit = if self.0.year() < 0 {
            "0000-01-01T00:00:00Z"
        } else {
            "9999-12-31T23:59:59Z"
        };
        let text = in_utc(self.0)
            .format(&Rfc3339)
            .unwrap_or_else(|_| limit.to_owned());
        serializer.serialize_str(&text)
    }
}

/// A time, or `None` for the zero time.
pub(crate) fn read_timestamp(node: Node<'_>) -> Read<Option<OffsetDateTime>> {
    let text = node.non_empty_text()?;
    let refuse = || node.violates(Rule::NotTime(text.to_owned()));
    if !has_canonical_shape(text) {
        return Err(refuse());
    }
    let time = OffsetDateTime::parse(text, &Rfc3339).map_err(|_| refuse())?;
    Ok((time != Timestamp::ZERO.0).then(|| in_utc(time)))
}

/// The same instant in UTC, unless its year there is one that RFC 3339 cannot write.
fn in_utc(time: OffsetDateTime) -> OffsetDateTime {
    time.checked_to_offset(UtcOffset::UTC)
        .filter(|utc| (0..=9999).contains(&utc.year()))
        .unwrap_or(time)
}

/// `2026-01-31T12:00:00`, a fraction of one to nine digits, and `Z` or an offset. Parsers differ in
/// what else they accept (lower case, leap seconds, a space for the `T`), so that nothing else is.
fn has_canonical_shape(text: &str) -> bool {
    let Some((date_time, rest)) = text.split_at_checked("2026-01-31T12:00:00".len()) else {
        return false;
    };
    let offset = match rest.strip_prefix('.') {
        Some(fraction) => {
            let after = fraction.trim_start_matches(|c: char| c.is_ascii_digit());
            if !(1..=9).contains(&(fraction.len() - after.len())) {
                return false;
            }
            after
        }
        None => rest,
    };
    let signed = offset.strip_prefix(['+', '-']);
    matches_digits(date_time, "0000-00-00T00:00:00")
        && !date_time.ends_with(":60")
        && (offset == "Z" || signed.is_some_and(|offset| matches_digits(offset, "00:00")))
}

/// Whether the text is the pattern with any digit in place of each zero.
fn matches_digits(text: &str, pattern: &str) -> bool {
    text.len() == pattern.len()
        && text.bytes().zip(pattern.bytes()).all(|(byte, expected)| {
            if expected == b'0' {
                byte.is_ascii_digit()
            } else {
                byte == expected
            }
        })
}
