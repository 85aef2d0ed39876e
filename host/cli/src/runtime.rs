//! Running asynchronous work to its end, or until Ctrl-C or `SIGTERM`.

use std::future::Future;

use crate::failure::{Failure, FailureKind};

/// Runs `work` on this thread. Ctrl-C and `SIGTERM` drop it, which kills plugins and aborts transfers.
///
/// # Errors
/// Those of `work`, [`FailureKind::Interrupted`], or no runtime can be made.
pub fn block_on<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::because(FailureKind::General, "cannot start", &error))?;
    let outcome = runtime.block_on(async {
        tokio::select! {
            outcome = work => outcome,
            // Without a handler Ctrl-C ends the process as usual.
            Ok(()) = tokio::signal::ctrl_c() => Err(Failure::new(FailureKind::Interrupted, "interrupted")),
            Ok(()) = told_to_end() => Err(Failure::new(FailureKind::Interrupted, "told to end")),
        }
    });
    // Names are resolved on threads of their own, which nothing can stop; the answer does not matter any more.
    runtime.shutdown_background();
    outcome
}

/// `SIGTERM`. Left to itself it would end this process and leave a plugin behind that goes on with its key. (`SIGHUP` is
/// left to itself: `nohup` has it ignored, which a handler would undo.)
#[cfg(unix)]
async fn told_to_end() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    signal(SignalKind::terminate())?.recv().await;
    Ok(())
}

#[cfg(not(unix))]
async fn told_to_end() -> std::io::Result<()> {
    std::future::pending().await
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_hangs_on_a_thread_of_its_own_does_not_hold_the_command_up() {
        let (release, released) = channel::<()>();
        let outcome = block_on(async move {
            tokio::task::spawn_blocking(move || released.recv_timeout(Duration::from_secs(60)));
            Ok(())
        });
        assert!(outcome.is_ok());
        release.send(()).expect("the thread is still waiting");
    }
}
