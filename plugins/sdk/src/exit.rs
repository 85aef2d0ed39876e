//! Ending the process while a native library holds its thread.

/// Ends the process at once with `code`, without running exit handlers: those of a library that hangs
/// would hang as well.
#[cfg(unix)]
#[allow(
    unsafe_code,
    reason = "the standard library has no way out that skips exit handlers and keeps the exit code"
)]
pub(crate) fn exit_now(code: i32) -> ! {
    // SAFETY: `_exit` has no preconditions and does not return.
    unsafe { libc::_exit(code) }
}

/// Ends the process at once with `code`.
#[cfg(not(unix))]
pub(crate) fn exit_now(code: i32) -> ! {
    std::process::exit(code)
}
