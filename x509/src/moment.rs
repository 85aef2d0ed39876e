//! Times in messages.

use time::format_description::well_known::Rfc3339;
use time::{OffsetDateTime, UtcOffset};

/// A time for people and programs: RFC 3339 in UTC.
#[must_use]
pub fn describe_time(time: OffsetDateTime) -> String {
    let utc = time.to_offset(UtcOffset::UTC);
    utc.format(&Rfc3339).unwrap_or_else(|_| utc.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_described_in_utc_whatever_its_offset() {
        let time = time::macros::datetime!(2026-06-01 14:00 +2);
        assert_eq!(describe_time(time), "2026-06-01T12:00:00Z");
    }
}
