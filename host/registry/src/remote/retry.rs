//! When a request is repeated, and how long to wait before.

use std::time::{Duration, Instant};

use http::HeaderMap;
use http::header::{DATE, RETRY_AFTER};
use reqwest::StatusCode;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

/// The pause before the first repetition; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// The longest pause that the registry did not ask for.
const LONGEST_PAUSE: Duration = Duration::from_secs(8);
/// How often a request is repeated at most, however short the pauses are.
const MAX_REPETITIONS: u32 = 8;

/// The time that is left for repeating one request.
pub(super) struct RetryBudget {
    deadline: Instant,
    repetitions: u32,
}

impl RetryBudget {
    pub(super) fn new(budget: Duration) -> Self {
        Self {
            deadline: Instant::now() + budget,
            repetitions: 0,
        }
    }

    /// How long to wait before the next repetition, or nothing if there must be none. `asked` is what
    /// the registry asked for; it is never undercut.
    pub(super) fn next_pause(&mut self, asked: Option<Duration>) -> Option<Duration> {
        let doubled = FIRST_PAUSE.saturating_mul(1 << self.repetitions.min(16));
        let pause = asked.unwrap_or_else(|| with_jitter(doubled.min(LONGEST_PAUSE)));
        self.repetitions += 1;
        let in_time = Instant::now()
            .checked_add(pause)
            .is_some_and(|then| then < self.deadline);
        (in_time && self.repetitions <= MAX_REPETITIONS).then_some(pause)
    }
}

/// Between half and all of `pause`, so that clients that were turned away together do not come back
/// together.
pub(super) fn with_jitter(pause: Duration) -> Duration {
    let mut byte = [0_u8; 1];
    // Without randomness the pause is merely not spread.
    let _ = getrandom::fill(&mut byte);
    pause / 2 + pause.mul_f64(f64::from(byte[0]) / 510.0)
}

/// Whether the registry will probably answer differently a little later.
pub(super) fn is_transient(status: StatusCode) -> bool {
    matches!(status.as_u16(), 408 | 425 | 429 | 500 | 502 | 503 | 504)
}

/// How long the registry asks one to wait: `Retry-After` in seconds or as a date, which is taken
/// relative to the registry's own clock.
pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let date = |text: &str| OffsetDateTime::parse(text, &Rfc2822).ok();
    let now = headers
        .get(DATE)
        .and_then(|now| date(now.to_str().ok()?))
        .unwrap_or_else(OffsetDateTime::now_utc);
    Some(Duration::try_from(date(value)? - now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(http::HeaderName, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (name.clone(), value.parse().unwrap()))
            .collect()
    }

    #[test]
    fn retry_after_is_seconds_or_a_date_by_the_registrys_clock() {
        assert_eq!(
            retry_after(&headers(&[(RETRY_AFTER, "7")])),
            Some(Duration::from_secs(7))
        );
        let dated = headers(&[
            (DATE, "Mon, 23 Nov 2026 21:35:35 GMT"),
            (RETRY_AFTER, "Mon, 23 Nov 2026 21:35:45 GMT"),
        ]);
        assert_eq!(retry_after(&dated), Some(Duration::from_secs(10)));
        let past = headers(&[(RETRY_AFTER, "Mon, 01 Jan 2001 00:00:00 GMT")]);
        assert_eq!(retry_after(&past), Some(Duration::ZERO));
        assert_eq!(retry_after(&headers(&[(RETRY_AFTER, "soon")])), None);
        assert_eq!(retry_after(&HeaderMap::new()), None);
    }

    #[test]
    fn a_pause_beyond_the_budget_is_not_begun() {
        let mut budget = RetryBudget::new(Duration::from_secs(5));
        assert_eq!(budget.next_pause(Some(Duration::from_secs(3600))), None);
        assert_eq!(budget.next_pause(Some(Duration::from_secs(u64::MAX))), None);
        assert_eq!(
            budget.next_pause(Some(Duration::from_secs(1))),
            Some(Duration::from_secs(1))
        );
    }

    #[test]
    fn repetitions_end_even_without_pauses() {
        let mut budget = RetryBudget::new(Duration::from_secs(3600));
        let pauses = std::iter::from_fn(|| budget.next_pause(Some(Duration::ZERO)))
            .take(1000)
            .count();
        assert_eq!(pauses, MAX_REPETITIONS as usize);
    }

    #[test]
    fn pauses_grow_and_stay_in_their_bounds() {
        let mut budget = RetryBudget::new(Duration::from_secs(3600));
        let pauses: Vec<_> = std::iter::from_fn(|| budget.next_pause(None)).collect();
        assert!(
            pauses[0] >= FIRST_PAUSE / 2 && pauses[0] <= FIRST_PAUSE,
            "{pauses:?}"
        );
        assert!(
            pauses.iter().all(|pause| *pause <= LONGEST_PAUSE),
            "{pauses:?}"
        );
        assert!(pauses[7] >= LONGEST_PAUSE / 2, "{pauses:?}");
    }
}
