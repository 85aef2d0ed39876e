//! Times in JWS headers: RFC 3339.

use time::format_description::well_known::Rfc3339;
use time::{OffsetDateTime, UtcOffset};

/// Years before the epoch and after 9999 cannot be a time of signing, and COSE cannot express the
/// former. Go programs write year 1 where they have no time.
pub(crate) const YEARS: std::ops::RangeInclusive<i32> = 1970..=9999;

/// Writes a time in UTC, without fraction. `None` if its year is not in [`YEARS`].
pub(crate) fn write(time: OffsetDateTime) -> Option<String> {
    let utc = time
        .checked_to_offset(UtcOffset::UTC)?
        .replace_nanosecond(0)
        .ok()?;
    YEARS
        .contains(&utc.year())
        .then(|| utc.format(&Rfc3339).ok())?
}

/// Reads a time with any offset, as UTC. Parsers differ about lower case, leap seconds and a space
/// for the `T`, so that none of these is accepted.
pub(crate) fn read(text: &str) -> Option<OffsetDateTime> {
    if !has_canonical_shape(text) {
        return None;
    }
    let time = OffsetDateTime::parse(text, &Rfc3339)
        .ok()?
        .checked_to_offset(UtcOffset::UTC)?;
    YEARS.contains(&time.year()).then_some(time)
}

/// `2026-01-31T12:00:00`, at most a fraction of one to nine digits, and `Z` or an offset.
fn has_canonical_shape(text: &str) -> bool {
    let Some((date_time, rest)) = text.split_at_checked("2026-01-31T12:00:00".len()) else {
        return false;
    };
    let zone = match rest.strip_prefix('.') {
        None => rest,
        Some(fraction) => {
            let zone = fraction.trim_start_matches(|digit: char| digit.is_ascii_digit());
            if !(1..=9).contains(&(fraction.len() - zone.len())) {
                return false;
            }
            zone
        }
    };
    let offset = zone.strip_prefix(['+', '-']);
    is_like(date_time, "0000-00-00T00:00:00")
        && !date_time.ends_with(":60")
        && (zone == "Z" || offset.is_some_and(|offset| is_like(offset, "00:00")))
}

/// Whether the text is the pattern with any digit in the place of each zero.
fn is_like(text: &str, pattern: &str) -> bool {
    text.len() == pattern.len()
        && text.bytes().zip(pattern.bytes()).all(|(byte, expected)| {
            if expected == b'0' {
                byte.is_ascii_digit()
            } else {
                byte == expected
            }
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use time::macros::datetime;

    #[test]
    fn a_time_is_written_in_utc_without_fraction() {
        let time = datetime!(2026-01-31 01:30:00.75 +02:00);
        assert_eq!(write(time).unwrap(), "2026-01-30T23:30:00Z");
        assert_eq!(write(datetime!(1969-12-31 23:59:59 UTC)), None);
    }

    #[test]
    fn a_time_is_read_with_any_offset_and_fraction() {
        assert_eq!(
            read("2026-01-31T01:30:00+02:00"),
            Some(datetime!(2026-01-30 23:30:00 UTC))
        );
        assert_eq!(
            read("2026-01-31T01:30:00.5Z"),
            Some(datetime!(2026-01-31 01:30:00.5 UTC))
        );
    }

    #[test]
    fn other_spellings_of_a_time_are_refused() {
        for text in [
            "",
            "2026-01-31",
            "2026-01-31t01:30:00Z",
            "2026-01-31T01:30:00z",
            "2026-01-31 01:30:00Z",
            "2026-01-31T01:30:00",
            "2026-01-31T01:30:60Z",
            "2026-02-30T01:30:00Z",
            "2026-01-31T24:00:00Z",
            "2026-01-31T01:30:00.Z",
            "2026-01-31T01:30:00,5Z",
            "2026-01-31T01:30:00+0200",
            "2026-01-31T01:30:00+99:00",
            "0001-01-01T00:00:00Z",
            "12026-01-31T01:30:00Z",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_written_time_is_read_back(seconds in 0i64..253_402_300_800) {
            let time = OffsetDateTime::from_unix_timestamp(seconds).unwrap();
            prop_assert_eq!(read(&write(time).unwrap()), Some(time));
        }
    }
}
