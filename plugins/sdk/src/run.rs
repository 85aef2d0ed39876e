//! From the arguments of the process to its exit code.

use std::{
    env,
    ffi::OsString,
    panic::{self, AssertUnwindSafe},
    process::ExitCode,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use notary_plugin_protocol::{Command, Message, session};

use crate::{
    Context, Deadline, Plugin, PluginError,
    command::{self, Request},
    deadline::Watchdog,
    exit::exit_now,
    keyring::Keyring,
    log, settings,
    stdio::{self, Noise, PrivateStreams},
};

/// Does what the arguments of the process ask for: a protocol command when the only argument is one, and
/// otherwise a command for people.
///
/// Protocol commands are recognised before anything else happens, and `get-plugin-metadata` starts no
/// runtime and no thread.
#[must_use]
pub fn run(plugin: Plugin) -> ExitCode {
    let arguments: Vec<OsString> = env::args_os().skip(1).collect();
    match Call::from_arguments(&arguments) {
        Some(call) => run_for_host(&plugin, call, arguments.len()),
        None => crate::person::run(&plugin, arguments),
    }
}

/// What a host starts a plugin for.
#[derive(Debug, Clone, Copy)]
enum Call {
    Command(Command),
    Session,
}

impl Call {
    fn from_arguments(arguments: &[OsString]) -> Option<Self> {
        match arguments.first()?.to_str()? {
            session::ARGUMENT => Some(Self::Session),
            word => word.parse().ok().map(Self::Command),
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Command(command) => command.as_str(),
            Self::Session => session::ARGUMENT,
        }
    }
}

fn run_for_host(plugin: &Plugin, call: Call, arguments: usize) -> ExitCode {
    let log = log::open_from_environment();
    let streams = match PrivateStreams::take(&Noise::ToLog(log.as_ref().ok().copied().flatten())) {
        Ok(streams) => streams,
        // Without streams of our own there is nobody to tell.
        Err(_) => return ExitCode::FAILURE,
    };
    panic::set_hook(Box::new(remember_panic));
    let outcome = panic::catch_unwind(AssertUnwindSafe(|| {
        log.map_err(|error| {
            PluginError::validation(format!(
                "cannot open the log file of NOTATION_PLUGIN_LOG: {error}"
            ))
        })?;
        if arguments != 1 {
            return Err(PluginError::validation(format!(
                "{} takes no further arguments: requests come on standard input",
                call.as_str()
            )));
        }
        log::event(format_args!(
            "{} {} {}",
            plugin.description.executable(),
            plugin.description.version,
            call.as_str()
        ));
        match call {
            Call::Command(command) => answer(plugin, command, &streams),
            Call::Session => crate::session::serve(plugin, &streams),
        }
    }));
    outcome
        .unwrap_or_else(|_| Err(panicked()))
        .unwrap_or_else(|error| {
            log::event(format_args!("failed: {error}"));
            let _ = streams.fail(&error.into_response().to_json());
            ExitCode::FAILURE
        })
}

/// Answers one command. The answer is written here, while the watchdog still watches.
fn answer(
    plugin: &Plugin,
    command: Command,
    streams: &PrivateStreams,
) -> Result<ExitCode, PluginError> {
    command::check_offered(plugin, command)?;
    let input = stdio::read_input(Deadline::after(settings::deadline_from_environment()))?;
    if command == Command::GetPluginMetadata {
        return write_answer(streams, &command::metadata(plugin, &input)?);
    }
    let request = Request::parse(command, &input)?;
    let context = Context::for_request(plugin.description, request.plugin_config())?;
    let _watchdog = watch(streams, context.deadline());
    let runtime = runtime()?;
    let answer = runtime.block_on(answer_and_close(plugin, request, &context));
    // Threads that hang in native code must not keep the answer back.
    runtime.shutdown_background();
    write_answer(streams, &answer?)
}

fn write_answer(streams: &PrivateStreams, answer: &[u8]) -> Result<ExitCode, PluginError> {
    match streams.answer(answer) {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(error) => Err(PluginError::error(format!(
            "cannot write the answer to standard output: {error}"
        ))),
    }
}

/// Longest time for an orderly end after the answer is known; the answer counts, not the log-out.
pub(crate) const CLOSING_TIME: Duration = Duration::from_secs(2);

async fn answer_and_close(
    plugin: &Plugin,
    request: Request,
    context: &Context,
) -> Result<Vec<u8>, PluginError> {
    let keyring = plugin.keys.as_deref().map(Keyring::new);
    let answer = context
        .deadline()
        .run(command::answer(plugin, keyring.as_ref(), request, context))
        .await;
    if let Some(keyring) = &keyring {
        let _ = tokio::time::timeout(CLOSING_TIME, keyring.close()).await;
    }
    answer
}

/// One thread is enough: a plugin waits for its backend and computes little.
pub(crate) fn runtime() -> Result<tokio::runtime::Runtime, PluginError> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| PluginError::error(format!("cannot start the async runtime: {error}")))
}

/// Answers `TIMEOUT` and ends the process if native code still holds the thread after the deadline.
fn watch(streams: &PrivateStreams, deadline: Deadline) -> Watchdog {
    let streams = streams.clone();
    Watchdog::arm(deadline, move || {
        let error = deadline.passed();
        log::event(format_args!("failed: {error}"));
        let _ = streams.fail(&error.into_response().to_json());
        exit_now(streams.exit_code());
    })
}

/// Where the last panic happened.
static PANICKED_AT: Mutex<Option<String>> = Mutex::new(None);

/// Keeps panics off standard error and remembers where they happened.
fn remember_panic(info: &panic::PanicHookInfo<'_>) {
    log::event(format_args!("{info}"));
    let location = info.location().map(ToString::to_string);
    *PANICKED_AT.lock().unwrap_or_else(PoisonError::into_inner) = location;
}

/// The error for a panic. Its text stays out: nobody has checked it for secrets.
pub(crate) fn panicked() -> PluginError {
    let location = PANICKED_AT
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .take();
    PluginError::error(format!(
        "the plugin has a bug: it panicked at {}; please report this to its authors",
        location.as_deref().unwrap_or("an unknown place")
    ))
}
