//! Warm sessions: one process that answers many requests (`docs/design/sessions.md`).
//!
//! Requests are answered by the same code as one-shot commands. What makes a session warm is that the
//! [`Keyring`] outlives the request, and with it the log-in, the connections and the keys that were found.

mod frames;

use std::{
    cell::RefCell,
    collections::BTreeSet,
    future::Future,
    io::{self, Write},
    panic::AssertUnwindSafe,
    process::ExitCode,
    time::Duration,
};

use self::frames::Frames;
use crate::{
    Context, Plugin, PluginError, Settings,
    command::{self, Request},
    keyring::Keyring,
    log,
    overdue::Overdue,
    run::{CLOSING_TIME, panicked, runtime},
    stdio::PrivateStreams,
};
use futures::{FutureExt, StreamExt, stream::FuturesUnordered};
use notary_plugin_protocol::{
    Command, ErrorCode, PluginConfig,
    session::{Answer, AnswerFrame, FrameError, RequestFrame, WarmSessions},
};

/// Serves a session until the input ends, the host is quiet for too long, or a frame is broken.
pub(crate) fn serve(plugin: &Plugin, streams: &PrivateStreams) -> Result<ExitCode, PluginError> {
    let terms = plugin.sessions;
    let frames = Frames::of_standard_input().map_err(|error| {
        PluginError::error(format!("cannot start reading the session's input: {error}"))
    })?;
    let runtime = runtime()?;
    let ended = runtime.block_on(Session::new(plugin, streams).serve(frames, terms));
    runtime.shutdown_background();
    log::event(format_args!("session ended: {ended:?}"));
    Ok(match ended {
        End::OfInput | End::Idle => ExitCode::SUCCESS,
        End::BrokenFrame | End::HostGone => ExitCode::FAILURE,
    })
}

/// Why a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    OfInput,
    Idle,
    BrokenFrame,
    HostGone,
}

struct Session<'p> {
    plugin: &'p Plugin,
    streams: &'p PrivateStreams,
    keyring: Option<Keyring<'p>>,
    overdue: Overdue,
    last_settings: RefCell<Option<(PluginConfig, Settings)>>,
}

impl<'p> Session<'p> {
    fn new(plugin: &'p Plugin, streams: &'p PrivateStreams) -> Self {
        let for_watchdog = streams.clone();
        Self {
            plugin,
            streams,
            keyring: plugin.keys.as_deref().map(Keyring::new),
            overdue: Overdue::watch(move |id, error| {
                let _ = write(&for_watchdog, Some(id), Err(error));
            }),
            last_settings: RefCell::default(),
        }
    }

    async fn serve(&self, mut frames: Frames, terms: WarmSessions) -> End {
        let most = usize::try_from(terms.max_in_flight.get()).unwrap_or(usize::MAX);
        let idle = Duration::from_secs(terms.idle_timeout_in_seconds.get());
        let mut in_flight = FuturesUnordered::new();
        let mut ids = BTreeSet::new();
        let end = loop {
            tokio::select! {
                // Answers first: they free places for the requests that are waiting.
                biased;
                Some((id, answer)) = in_flight.next(), if !in_flight.is_empty() => {
                    ids.remove(&id);
                    if write(self.streams, Some(id), answer).is_err() {
                        return End::HostGone;
                    }
                }
                frame = frames.next() => match frame.map(|frame| admit(frame, &ids, most)) {
                    None => break End::OfInput,
                    Some(Ok(frame)) => {
                        ids.insert(frame.id);
                        in_flight.push(self.answer(frame));
                    }
                    Some(Err(refused)) => {
                        if write(self.streams, refused.id, Err(refused.error)).is_err() {
                            return End::HostGone;
                        }
                        if refused.id.is_none() {
                            break End::BrokenFrame;
                        }
                    }
                },
                () = tokio::time::sleep(idle), if in_flight.is_empty() => {
                    if !frames.any_waiting() {
                        break End::Idle;
                    }
                }
            }
        };
        while let Some((id, answer)) = in_flight.next().await {
            if write(self.streams, Some(id), answer).is_err() {
                return End::HostGone;
            }
        }
        if let Some(keyring) = &self.keyring {
            let _ = tokio::time::timeout(CLOSING_TIME, keyring.close()).await;
        }
        end
    }

    /// Answers one request. A panic is an error of this request; the session goes on.
    fn answer(
        &self,
        frame: RequestFrame,
    ) -> impl Future<Output = (u64, Result<Vec<u8>, PluginError>)> {
        let id = frame.id;
        let answer = AssertUnwindSafe(self.try_answer(frame)).catch_unwind();
        async move {
            let answer = answer.await.unwrap_or_else(|_| Err(panicked()));
            self.overdue.done(id);
            (id, answer)
        }
    }

    /// The context of a request. The environment of a process does not change, so equal configurations mean
    /// equal settings, and reading them once saves bulk signing hundreds of look-ups for each signature.
    fn context(&self, config: &PluginConfig) -> Result<Context, PluginError> {
        let mut last = self.last_settings.borrow_mut();
        if let Some((known, settings)) = &*last
            && known == config
        {
            return Ok(Context::with_settings(settings.clone()));
        }
        let context = Context::for_request(self.plugin.description, config)?;
        *last = Some((config.clone(), context.settings().clone()));
        Ok(context)
    }

    async fn try_answer(&self, frame: RequestFrame) -> Result<Vec<u8>, PluginError> {
        command::check_offered(self.plugin, frame.command)?;
        if frame.command == Command::GetPluginMetadata {
            return command::metadata(self.plugin, &frame.request);
        }
        let request = Request::parse(frame.command, &frame.request)?;
        let context = self.context(request.plugin_config())?;
        self.overdue.begin(frame.id, context.deadline());
        let answer = command::answer(self.plugin, self.keyring.as_ref(), request, &context);
        let answer = context.deadline().run(answer).await;
        self.overdue.done(frame.id);
        if let Some(keyring) = &self.keyring {
            if answer.as_ref().is_err_and(may_be_cured_by_reopening) {
                keyring.forget(&context);
            }
            let _ = tokio::time::timeout(CLOSING_TIME, keyring.close_retired()).await;
        }
        answer
    }
}

/// The token may have been removed, the credentials may have expired, the connection may hang.
fn may_be_cured_by_reopening(error: &PluginError) -> bool {
    matches!(
        error.code(),
        ErrorCode::Error | ErrorCode::AccessDenied | ErrorCode::Timeout
    )
}

/// A frame that gets an error at once. Without an id, nobody can tell whose it is, and the session ends.
struct Refused {
    id: Option<u64>,
    error: PluginError,
}

/// Whether a frame may be answered beside those in flight.
fn admit(
    frame: Result<RequestFrame, FrameError>,
    in_flight: &BTreeSet<u64>,
    most: usize,
) -> Result<RequestFrame, Refused> {
    let refused = |id, error| Err(Refused { id, error });
    let frame = match frame {
        Ok(frame) => frame,
        Err(error) => return refused(error.id, PluginError::validation(error.to_string())),
    };
    if in_flight.contains(&frame.id) {
        let message = format!("request {} is already in flight", frame.id);
        return refused(None, PluginError::validation(message));
    }
    if in_flight.len() >= most {
        let message = format!("{most} requests are in flight, the most that were offered");
        return refused(Some(frame.id), PluginError::throttled(message));
    }
    Ok(frame)
}

fn write(
    streams: &PrivateStreams,
    id: Option<u64>,
    answer: Result<Vec<u8>, PluginError>,
) -> io::Result<()> {
    let answer = match answer {
        Ok(response) => Answer::Response(response),
        Err(error) => {
            log::event(format_args!("request {id:?} failed: {error}"));
            Answer::Error(error.into_response())
        }
    };
    let line = AnswerFrame { id, answer }.to_line().or_else(|error| {
        AnswerFrame {
            id,
            answer: Answer::Error(PluginError::error(error.to_string()).into_response()),
        }
        .to_line()
    });
    match line {
        Ok(line) => streams.output().write_all(&line),
        Err(error) => Err(io::Error::other(error)),
    }
}
