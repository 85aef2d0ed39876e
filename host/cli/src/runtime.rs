//! Running asynchronous work to its end, or until Ctrl-C.

use std::future::Future;

use crate::failure::{Failure, FailureKind};

/// Runs `work` on this thread. Ctrl-C drops it, which kills plugins and aborts transfers.
///
/// # Errors
/// Those of `work`, [`FailureKind::Interrupted`], or no runtime can be made.
pub fn block_on<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::because(FailureKind::General, "cannot start", &error))?;
    runtime.block_on(async {
        tokio::select! {
            outcome = work => outcome,
            // Without a handler Ctrl-C ends the process as usual.
            Ok(()) = tokio::signal::ctrl_c() => Err(Failure::new(FailureKind::Interrupted, "interrupted")),
        }
    })
}
