//! What all revocation requests of one verification together may cost.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::FetchError;

/// The most requests for one verification. A usual chain needs two; a hostile one, in an untrusted
/// signature, could name hundreds of places in each of its certificates.
pub const MAX_REQUESTS: usize = 64;

/// The time and the requests that are left, shared by all checks of one verification.
#[derive(Debug)]
pub struct Budget {
    /// What is done before the first request, such as asking a registry, does not count.
    begin: OnceLock<Instant>,
    time: Duration,
    requests: AtomicUsize,
}

impl Budget {
    /// A budget of `time`, counted from the first request, and [`MAX_REQUESTS`] requests.
    #[must_use]
    pub fn new(time: Duration) -> Self {
        Self {
            begin: OnceLock::new(),
            time,
            requests: AtomicUsize::new(MAX_REQUESTS),
        }
    }

    /// Takes one request out of the budget; gives the time that it may take, `at_most` or what is left.
    ///
    /// # Errors
    /// [`FetchError::Budget`] if time or requests are used up.
    pub fn spend(&self, at_most: Duration) -> Result<Duration, FetchError> {
        let begin = self.begin.get_or_init(Instant::now);
        let left = self.time.saturating_sub(begin.elapsed());
        if left.is_zero() {
            return Err(FetchError::Budget { what: "time" });
        }
        self.requests
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                left.checked_sub(1)
            })
            .map_err(|_| FetchError::Budget { what: "requests" })?;
        Ok(left.min(at_most))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_ends_with_its_time_or_its_requests() {
        let used_up = Budget::new(Duration::ZERO);
        assert_eq!(
            used_up.spend(Duration::from_secs(1)),
            Err(FetchError::Budget { what: "time" })
        );

        let budget = Budget::new(Duration::from_secs(3600));
        for _ in 0..MAX_REQUESTS {
            assert_eq!(
                budget.spend(Duration::from_secs(2)),
                Ok(Duration::from_secs(2))
            );
        }
        assert_eq!(
            budget.spend(Duration::from_secs(2)),
            Err(FetchError::Budget { what: "requests" })
        );
    }

    #[test]
    fn a_request_gets_no_more_time_than_is_left() {
        let budget = Budget::new(Duration::from_millis(500));
        assert!(budget.spend(Duration::from_secs(2)).unwrap() <= Duration::from_millis(500));
    }
}
