//! Durations as `--expiry` takes them: the grammar of Go's `time.ParseDuration`, since scripts written for `notation`
//! use it (`12h`, `3h20m`, `1.5h`, `90s`).

use std::time::Duration;

use thiserror::Error;

/// Why a duration was not understood. The texts are those that users of `notation` know.
#[derive(Debug, Error, Eq, PartialEq)]
pub enum DurationError {
    /// Not a number with a unit.
    #[error("time: invalid duration {0:?}")]
    Invalid(String),
    /// A number without unit.
    #[error("time: missing unit in duration {0:?}")]
    MissingUnit(String),
    /// A unit that is none of `ns`, `us`, `ms`, `s`, `m`, `h`.
    #[error("time: unknown unit {unit:?} in duration {whole:?}")]
    UnknownUnit {
        /// The unit.
        unit: String,
        /// The whole text.
        whole: String,
    },
}

/// A duration that may be negative, so that the command can say that a negative one makes no sense.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct SignedDuration {
    /// Written with a leading minus, and not zero.
    pub negative: bool,
    /// How long.
    pub magnitude: Duration,
}

const NANOSECONDS: [(&str, u128); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("μs", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60 * 1_000_000_000),
    ("h", 3_600 * 1_000_000_000),
];

/// Go keeps durations in a signed 64-bit count of nanoseconds (about 292 years).
const LONGEST: u128 = i64::MAX as u128;

/// Reads a duration.
///
/// # Errors
/// Anything that Go's `time.ParseDuration` refuses.
pub fn parse(whole: &str) -> Result<SignedDuration, DurationError> {
    let invalid = || DurationError::Invalid(whole.to_owned());
    let (negative, mut rest) = match whole.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, whole.strip_prefix('+').unwrap_or(whole)),
    };
    if rest == "0" {
        return Ok(SignedDuration {
            negative: false,
            magnitude: Duration::ZERO,
        });
    }
    if rest.is_empty() {
        return Err(invalid());
    }
    let mut total: u128 = 0;
    while !rest.is_empty() {
        let (number, after_number) = split_where(rest, |c| !c.is_ascii_digit() && c != '.');
        let (unit, after_unit) = split_where(after_number, |c| c.is_ascii_digit() || c == '.');
        if !number.contains(|c: char| c.is_ascii_digit()) {
            return Err(invalid());
        }
        if unit.is_empty() {
            return Err(DurationError::MissingUnit(whole.to_owned()));
        }
        let Some((_, scale)) = NANOSECONDS.iter().find(|(name, _)| *name == unit) else {
            return Err(DurationError::UnknownUnit {
                unit: unit.to_owned(),
                whole: whole.to_owned(),
            });
        };
        total = nanoseconds(number, *scale)
            .and_then(|part| total.checked_add(part))
            .filter(|sum| *sum <= LONGEST)
            .ok_or_else(invalid)?;
        rest = after_unit;
    }
    let nanoseconds = u64::try_from(total).map_err(|_| invalid())?;
    Ok(SignedDuration {
        negative: negative && nanoseconds > 0,
        magnitude: Duration::from_nanos(nanoseconds),
    })
}

fn split_where(text: &str, at: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(at).unwrap_or(text.len()))
}

/// `number` (digits with at most one point) times `scale`, cut to whole nanoseconds.
fn nanoseconds(number: &str, scale: u128) -> Option<u128> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let whole = if whole.is_empty() {
        0
    } else {
        whole.parse::<u128>().ok()?
    };
    let mut total = whole.checked_mul(scale)?;
    let mut place = scale;
    for digit in fraction.chars() {
        place /= 10;
        total = total.checked_add(u128::from(digit.to_digit(10)?) * place)?;
    }
    Some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(text: &str) -> f64 {
        parse(text).unwrap().magnitude.as_secs_f64()
    }

    #[test]
    fn the_forms_that_notation_documents_are_read() {
        assert_eq!(seconds("12h"), 43_200.0);
        assert_eq!(seconds("30m"), 1_800.0);
        assert_eq!(seconds("3h20m"), 12_000.0);
        assert_eq!(seconds("1.5h"), 5_400.0);
        assert_eq!(seconds(".5s"), 0.5);
        assert_eq!(seconds("+90s"), 90.0);
        assert_eq!(seconds("0"), 0.0);
        assert_eq!(seconds("1500ms"), 1.5);
    }

    #[test]
    fn a_negative_duration_is_told_apart() {
        assert!(parse("-1h").unwrap().negative);
        assert!(!parse("-0").unwrap().negative);
    }

    #[test]
    fn nonsense_is_refused_in_gos_words() {
        let text = |input: &str| parse(input).unwrap_err().to_string();
        assert_eq!(text("1x"), r#"time: unknown unit "x" in duration "1x""#);
        assert_eq!(text("12"), r#"time: missing unit in duration "12""#);
        assert_eq!(text(""), r#"time: invalid duration """#);
        assert_eq!(text("h"), r#"time: invalid duration "h""#);
        assert_eq!(text(".h"), r#"time: invalid duration ".h""#);
        assert_eq!(text("1.2.3h"), r#"time: invalid duration "1.2.3h""#);
    }

    #[test]
    fn a_duration_beyond_292_years_is_refused_instead_of_wrapping() {
        assert!(parse("9999999999h").is_err());
        assert!(parse("99999999999999999999999999999999999999999999h").is_err());
    }
}
