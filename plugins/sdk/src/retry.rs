//! Trying again, with waits that grow and differ between processes.

use std::{future::Future, time::Duration};

use crate::{Deadline, PluginError};

/// Wait before the second attempt, before jitter. Key services recover from throttling within a second.
const FIRST_WAIT: Duration = Duration::from_millis(100);
/// Waits stop growing here, so that a recovered service is noticed soon.
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// Most attempts of one operation. With the waits above they span about ten seconds.
const MOST_ATTEMPTS: u32 = 6;

/// Runs `operation` until it succeeds, fails for good, has been tried six times, or the next wait would
/// outlast the deadline; then the last error is the answer.
pub(crate) async fn retry<T, F: Future<Output = Result<T, PluginError>>>(
    deadline: Deadline,
    mut operation: impl FnMut() -> F,
) -> Result<T, PluginError> {
    let mut attempt = 1;
    loop {
        let error = match deadline.run(operation()).await {
            Ok(value) => return Ok(value),
            Err(error) => error,
        };
        let wait = wait_before(attempt + 1, error.retry_after());
        if !error.is_retryable() || attempt == MOST_ATTEMPTS || wait >= deadline.remaining() {
            return Err(error);
        }
        crate::log::event(format_args!(
            "attempt {attempt} failed, next in {wait:?}: {error}"
        ));
        tokio::time::sleep(wait).await;
        attempt += 1;
    }
}

/// Exponential back-off with full jitter: many processes that were throttled together do not come back
/// together. What the backend asked for is the least wait.
fn wait_before(attempt: u32, asked_for: Option<Duration>) -> Duration {
    let ceiling = FIRST_WAIT
        .saturating_mul(1 << attempt.saturating_sub(2).min(16))
        .min(LONGEST_WAIT);
    let jittered = ceiling.mul_f64(random_fraction());
    match asked_for {
        Some(least) => least.saturating_add(jittered.min(FIRST_WAIT)),
        None => jittered,
    }
}

/// A random number from 0 to 1; a half where the system has no randomness, which only costs the jitter.
fn random_fraction() -> f64 {
    getrandom::u32().map_or(0.5, |random| f64::from(random) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    async fn attempts(deadline: Deadline, error: PluginError) -> u32 {
        let count = Cell::new(0);
        let answer: Result<(), _> = retry(deadline, || {
            count.set(count.get() + 1);
            std::future::ready(Err(error.clone()))
        })
        .await;
        assert_eq!(answer, Err(error));
        count.get()
    }

    #[tokio::test(start_paused = true)]
    async fn what_may_pass_is_tried_again_and_then_given_up() {
        let deadline = Deadline::after(Duration::from_secs(600));
        assert_eq!(
            attempts(deadline, PluginError::throttled("busy")).await,
            MOST_ATTEMPTS
        );
    }

    #[tokio::test(start_paused = true)]
    async fn what_will_not_pass_is_tried_once() {
        let deadline = Deadline::after(Duration::from_secs(600));
        assert_eq!(
            attempts(deadline, PluginError::access_denied("no")).await,
            1
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_that_outlasts_the_deadline_is_not_begun() {
        let deadline = Deadline::after(Duration::from_secs(2));
        let error = PluginError::throttled("busy").with_retry_after(Duration::from_secs(3));
        assert_eq!(attempts(deadline, error).await, 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_success_ends_the_attempts() {
        let count = Cell::new(0);
        let answer = retry(Deadline::after(Duration::from_secs(60)), || {
            count.set(count.get() + 1);
            std::future::ready(if count.get() < 3 {
                Err(PluginError::transient("reset"))
            } else {
                Ok(count.get())
            })
        })
        .await;
        assert_eq!(answer, Ok(3));
    }

    #[test]
    fn the_backend_s_wait_is_the_least() {
        for attempt in 2..10 {
            assert!(wait_before(attempt, Some(Duration::from_secs(7))) >= Duration::from_secs(7));
            assert!(wait_before(attempt, None) <= LONGEST_WAIT);
        }
    }
}
