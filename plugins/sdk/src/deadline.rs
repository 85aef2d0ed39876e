//! The time that a command has, and what happens when a library never comes back.

use std::{
    future::Future,
    sync::{Arc, Condvar, Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use crate::PluginError;

/// When a command has to have answered.
///
/// Futures are cut off by [`run`](Self::run). A native call that blocks its thread cannot be cut off; for
/// those a watchdog thread answers `TIMEOUT` shortly after the deadline and ends the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadline {
    at: Instant,
    length: Duration,
}

impl Deadline {
    /// The deadline for a command that starts now and may take `length`.
    #[must_use]
    pub fn after(length: Duration) -> Self {
        let now = Instant::now();
        // A length beyond what the clock can express means "practically never".
        let at = now
            .checked_add(length)
            .unwrap_or_else(|| now + Duration::from_secs(86_400 * 365));
        Self { at, length }
    }

    /// Time left; zero when the deadline has passed.
    #[must_use]
    pub fn remaining(&self) -> Duration {
        self.at.saturating_duration_since(Instant::now())
    }

    /// The instant itself.
    #[must_use]
    pub fn at(&self) -> Instant {
        self.at
    }

    /// Runs a future until the deadline.
    ///
    /// # Errors
    /// The future's own error, or `TIMEOUT`.
    pub async fn run<T>(
        &self,
        future: impl Future<Output = Result<T, PluginError>>,
    ) -> Result<T, PluginError> {
        tokio::time::timeout_at(self.at.into(), future)
            .await
            .unwrap_or_else(|_| Err(self.passed()))
    }

    /// The error that says that the deadline has passed.
    #[must_use]
    pub fn passed(&self) -> PluginError {
        PluginError::timeout(format!(
            "no answer within {:?}: the key service or token did not respond; try again, or raise {}",
            self.length,
            crate::settings::DEADLINE.name_for_people()
        ))
    }
}

/// A thread that acts when the deadline passes and the command is still at work, because native code
/// blocks the thread that would have noticed.
#[derive(Debug)]
pub(crate) struct Watchdog {
    done: Arc<(Mutex<bool>, Condvar)>,
}

impl Watchdog {
    /// How long after the deadline the watchdog waits, so that the orderly way comes first.
    const GRACE: Duration = Duration::from_millis(250);

    /// Calls `on_expiry` once the deadline has passed, unless the watchdog is dropped before.
    pub(crate) fn arm(deadline: Deadline, on_expiry: impl FnOnce() + Send + 'static) -> Self {
        let done = Arc::new((Mutex::new(false), Condvar::new()));
        let seen = Arc::clone(&done);
        // Without the thread (no memory, no process slots) the command still works; it only loses the
        // answer to a library that hangs, and hosts have a time limit of their own.
        let _ = thread::Builder::new()
            .name("deadline".to_owned())
            .stack_size(64 * 1024)
            .spawn(move || {
                let (done, changed) = &*seen;
                let guard = done.lock().unwrap_or_else(PoisonError::into_inner);
                let wait = deadline.remaining() + Self::GRACE;
                let (done, _) = changed
                    .wait_timeout_while(guard, wait, |done| !*done)
                    .unwrap_or_else(PoisonError::into_inner);
                if !*done {
                    drop(done);
                    on_expiry();
                }
            });
        Self { done }
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        *self.done.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.done.1.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn the_watchdog_acts_when_nothing_answered_in_time() {
        let (sender, receiver) = mpsc::channel();
        let _watchdog = Watchdog::arm(Deadline::after(Duration::ZERO), move || {
            sender.send(()).unwrap()
        });
        receiver.recv_timeout(Duration::from_secs(5)).unwrap();
    }

    #[test]
    fn a_watchdog_that_is_dropped_in_time_does_nothing() {
        let (sender, receiver) = mpsc::channel::<()>();
        drop(Watchdog::arm(
            Deadline::after(Duration::from_millis(50)),
            move || sender.send(()).unwrap(),
        ));
        // The closure is dropped unused, and with it the sender.
        assert_eq!(
            receiver.recv_timeout(Duration::from_secs(5)),
            Err(mpsc::RecvTimeoutError::Disconnected)
        );
    }

    #[test]
    fn a_deadline_that_the_clock_cannot_express_is_far_away() {
        assert!(Deadline::after(Duration::MAX).remaining() > Duration::from_secs(86_400));
    }
}
