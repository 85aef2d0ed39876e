//! Times in the forms that `notation` prints, which are those of Go.

use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;

const ANSIC: &[BorrowedFormatItem<'_>] = format_description!(
    "[weekday repr:short] [month repr:short] [day padding:space] [hour]:[minute]:[second] [year]"
);
const GO_DEFAULT: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day] [hour]:[minute]:[second] +0000 UTC");

/// `Mon Nov  3 23:50:14 2026`, in the zone of the value.
#[must_use]
pub fn ansic(at: OffsetDateTime) -> String {
    at.format(ANSIC).unwrap_or_else(|_| at.to_string())
}

/// `2026-11-03 23:50:14 +0000 UTC`
#[must_use]
pub fn go_default(at: OffsetDateTime) -> String {
    let at = at.to_offset(time::UtcOffset::UTC);
    at.format(GO_DEFAULT).unwrap_or_else(|_| at.to_string())
}

/// `2026-11-03T23:50:14Z`
#[must_use]
pub fn rfc3339(at: OffsetDateTime) -> String {
    at.format(&Rfc3339).unwrap_or_else(|_| at.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn times_look_as_go_prints_them() {
        let at = datetime!(2026-11-03 23:50:14 UTC);
        assert_eq!(ansic(at), "Tue Nov  3 23:50:14 2026");
        assert_eq!(go_default(at), "2026-11-03 23:50:14 +0000 UTC");
        assert_eq!(rfc3339(at), "2026-11-03T23:50:14Z");
    }
}
