//! How plugins are run.

use std::time::Duration;

use crate::environment::PluginEnvironment;

/// How long a command may take.
///
/// Longer than the deadline that the plugin SDK sets itself, so that a plugin can still say what it
/// was waiting for; a signature by a busy HSM or a KMS on another continent takes seconds.
pub const DEFAULT_DEADLINE: Duration = Duration::from_secs(60);

/// How long `get-plugin-metadata` may take. Its answer is static, so that a plugin which needs
/// longer is broken, and a list of plugins should not wait for it.
pub const DEFAULT_METADATA_DEADLINE: Duration = Duration::from_secs(10);

/// How long a command and its repetitions may take together: long enough for the rate limits of
/// cloud services, which count by the second or the minute.
pub const DEFAULT_RETRY_BUDGET: Duration = Duration::from_secs(120);

/// How plugins are run. The default is right for most.
#[derive(Debug, Clone)]
pub struct RunOptions {
    /// How long one run of a command may take, [`DEFAULT_DEADLINE`] by default.
    pub deadline: Duration,
    /// How long `get-plugin-metadata` may take, [`DEFAULT_METADATA_DEADLINE`] by default.
    pub metadata_deadline: Duration,
    /// Which environment variables the plugin sees.
    pub environment: PluginEnvironment,
    /// Whether and how long to try again.
    pub retry: RetryPolicy,
}

impl Default for RunOptions {
    fn default() -> Self {
        Self {
            deadline: DEFAULT_DEADLINE,
            metadata_deadline: DEFAULT_METADATA_DEADLINE,
            environment: PluginEnvironment::inherited(),
            retry: RetryPolicy::default(),
        }
    }
}

/// When a plugin says `TIMEOUT` or `THROTTLED`: how long to go on, with which delays.
///
/// Before each repetition there is a delay of random length up to a bound that doubles from
/// `first_delay` to `max_delay`, so that many hosts which were throttled together do not come back
/// together. No run starts, and no run goes on, after the budget is spent. No other failure is
/// repeated, and `get-plugin-metadata` never is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// How long all runs together may take. Zero: run once, whatever happens.
    pub budget: Duration,
    /// The bound of the first delay.
    pub first_delay: Duration,
    /// The bound of the longest delay.
    pub max_delay: Duration,
}

impl RetryPolicy {
    /// Runs once, whatever happens.
    #[must_use]
    pub const fn never() -> Self {
        Self {
            budget: Duration::ZERO,
            first_delay: Duration::ZERO,
            max_delay: Duration::ZERO,
        }
    }

    /// The delay before the repetition with this number, counted from zero: half of its bound, and
    /// a random part of the other half.
    pub(crate) fn delay(&self, repetition: u32) -> Duration {
        let bound = self
            .first_delay
            .saturating_mul(2_u32.saturating_pow(repetition))
            .min(self.max_delay);
        // Without randomness the delay is the bound: less polite, still correct.
        let random = getrandom::u32().map_or(1.0, |value| f64::from(value) / f64::from(u32::MAX));
        bound.mul_f64(0.5 + random / 2.0)
    }
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            budget: DEFAULT_RETRY_BUDGET,
            first_delay: Duration::from_millis(500),
            max_delay: Duration::from_secs(10),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_a_bound_and_differ_from_each_other() {
        let policy = RetryPolicy::default();
        for (repetition, bound) in [
            (0, 500),
            (1, 1000),
            (2, 2000),
            (10, 10_000),
            (u32::MAX, 10_000),
        ] {
            let bound = Duration::from_millis(bound);
            let delays: Vec<_> = (0..8).map(|_| policy.delay(repetition)).collect();
            assert!(
                delays
                    .iter()
                    .all(|delay| *delay >= bound / 2 && *delay <= bound),
                "{delays:?}"
            );
            assert!(delays.iter().any(|delay| *delay != delays[0]));
        }
    }
}
