//! The worker's end: reads requests, works them off, writes answers. Signatures that were asked for while
//! another one was made are made at the same time, in as many sessions as the token allows.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::process::ExitCode;
use std::sync::mpsc::{self, Receiver};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use notary_x509::Certificate;

use super::message::{Answer, Failure, FoundKey, Operation, Request, Response};
use crate::locator::ObjectName;
use crate::token::{self, Connection, Job, TokenError, TokenKey};

/// The first argument of a worker process.
pub(crate) const ARGUMENT: &str = "--token-worker";

/// How long a worker may go on after its plugin has gone away: enough to finish a signature and log
/// out, and a limit for a module that hangs.
const GRACE_WITHOUT_PLUGIN: Duration = Duration::from_secs(5);

/// Most signatures that are begun together: what a session of the plugin has in flight.
const MOST_TOGETHER: usize = 16;

/// Starting a thread takes some ten microseconds. A token that signs in less is asked for one signature
/// after the other.
const WORTH_A_THREAD: Duration = Duration::from_micros(200);

/// The first signatures are made alone, to learn the token's pace: the very first takes longer, since modules
/// and tokens put off what they can.
const MEASURED_ALONE: u32 = 4;

/// Serves requests from standard input until it ends.
pub(crate) fn serve() -> ExitCode {
    forbid_core_dumps();
    let Ok(answers) = take_standard_output() else {
        return ExitCode::FAILURE;
    };
    let requests = read_requests();
    let mut worker = Worker {
        answers: Answers(Mutex::new(answers)),
        connection: None,
        keys: Vec::new(),
        pace: Pace::default(),
    };
    match worker.work_off(&requests) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

struct Worker {
    answers: Answers,
    connection: Option<Connection>,
    keys: Vec<(ObjectName, TokenKey)>,
    pace: Pace,
}

impl Worker {
    fn work_off(&mut self, requests: &Receiver<Request>) -> io::Result<()> {
        let mut waiting = VecDeque::new();
        while let Some(request) = waiting.pop_front().or_else(|| requests.recv().ok()) {
            waiting.push_front(request);
            waiting.extend(requests.try_iter().take(MOST_TOGETHER));
            let together = waiting
                .iter()
                .take(MOST_TOGETHER)
                .take_while(|request| self.may_go_together(request))
                .count();
            if together > 1 && self.pace.is_worth_a_thread() {
                let batch: Vec<Request> = waiting.drain(..together).collect();
                self.sign_together(batch)?;
            } else if let Some(request) = waiting.pop_front() {
                self.work_off_alone(request)?;
            }
        }
        Ok(())
    }

    fn work_off_alone(&mut self, Request { number, operation }: Request) -> io::Result<()> {
        let signs = matches!(operation, Operation::Sign { .. });
        let start = Instant::now();
        let result = self.perform(operation);
        if signs {
            self.pace.signed_in(start.elapsed());
        }
        self.answers.give(number, result)
    }

    /// A key that always authenticates is unlocked for one signature at a time.
    fn may_go_together(&self, request: &Request) -> bool {
        let Operation::Sign { key, .. } = &request.operation else {
            return false;
        };
        self.keys
            .get(*key)
            .is_some_and(|(_, key)| !key.always_authenticate)
    }

    /// Makes several signatures at a time. Those that lose their session are made again alone, where a lost
    /// session is opened anew.
    fn sign_together(&mut self, batch: Vec<Request>) -> io::Result<()> {
        let Some(mut connection) = self.connection.take() else {
            return self.each_alone(batch);
        };
        let jobs: Vec<Job<'_>> = batch
            .iter()
            .filter_map(|request| self.job(request))
            .collect();
        let again = Mutex::new(vec![true; batch.len()]);
        let failed = Mutex::new(None);
        let answers = &self.answers;
        let begun = connection.sign_together(&jobs, &|position, result| {
            if matches!(&result, Err(error) if error.is_session_loss()) {
                return;
            }
            if let Some(again) = lock(&again).get_mut(position) {
                *again = false;
            }
            let number = batch.get(position).map_or(0, |request| request.number);
            if let Err(error) = answers.give(number, result.map(Answer::Signature)) {
                *lock(&failed) = Some(error);
            }
        });
        self.connection = Some(connection);
        // Where the token would not even say what it can do, each request learns why for itself.
        drop(begun);
        if let Some(error) = lock(&failed).take() {
            return Err(error);
        }
        let again = again.into_inner().unwrap_or_else(PoisonError::into_inner);
        let lost = batch.into_iter().zip(again).filter(|(_, again)| *again);
        self.each_alone(lost.map(|(request, _)| request).collect())
    }

    fn each_alone(&mut self, requests: Vec<Request>) -> io::Result<()> {
        requests
            .into_iter()
            .try_for_each(|request| self.work_off_alone(request))
    }

    fn job<'a>(&'a self, request: &'a Request) -> Option<Job<'a>> {
        let Operation::Sign {
            key,
            key_spec,
            payload,
        } = &request.operation
        else {
            return None;
        };
        let (_, key) = self.keys.get(*key)?;
        Some(Job {
            key,
            key_spec: *key_spec,
            payload,
        })
    }

    fn perform(&mut self, operation: Operation) -> Result<Answer, TokenError> {
        match operation {
            Operation::Connect { address, writable } => {
                self.connection = Some(Connection::open(address, writable)?);
                Ok(Answer::Done)
            }
            Operation::FindKey { name } => self.find_key(name),
            Operation::Sign {
                key,
                key_spec,
                payload,
            } => self.with_key(key, |connection, key| {
                token::sign(connection, key, key_spec, &payload).map(Answer::Signature)
            }),
            Operation::Certificates { key } => self.with_key(key, |connection, key| {
                token::certificates(connection, &key.id).map(Answer::Certificates)
            }),
            Operation::ListKeys => self
                .connected()?
                .with_session(token::list_keys)
                .map(Answer::Keys),
            Operation::Summarise => Ok(Answer::Summary(token::summarise(self.connected()?))),
            Operation::GenerateKey {
                key_spec,
                label,
                id,
            } => {
                self.connected()?.with_session(|connection| {
                    token::generate_key(connection, key_spec, &label, &id)
                })?;
                Ok(Answer::Done)
            }
            Operation::StoreCertificate { key, certificate } => {
                let certificate = Certificate::from_der(&certificate)
                    .map_err(|error| TokenError::Certificate(error.to_string()))?;
                self.with_key(key, |connection, key| {
                    token::store_certificate(connection, &certificate, &key.label, &key.id)
                })?;
                Ok(Answer::Done)
            }
        }
    }

    fn connected(&mut self) -> Result<&mut Connection, TokenError> {
        self.connection.as_mut().ok_or_else(out_of_order)
    }

    fn find_key(&mut self, name: ObjectName) -> Result<Answer, TokenError> {
        let connection = self.connection.as_mut().ok_or_else(out_of_order)?;
        let key = connection.with_session(|connection| token::find_key(connection, &name))?;
        let found = FoundKey {
            number: self.keys.len(),
            label: key.label.clone(),
            id: key.id.clone(),
            public_key: key.public_key.clone(),
        };
        self.keys.push((name, key));
        Ok(Answer::Key(found))
    }

    /// Runs `operation` with a key found before. After a lost session the key is looked up again, since
    /// handles do not outlive a session everywhere.
    fn with_key<T>(
        &mut self,
        number: usize,
        operation: impl Fn(&Connection, &TokenKey) -> Result<T, TokenError>,
    ) -> Result<T, TokenError> {
        let (name, key) = self.keys.get_mut(number).ok_or_else(out_of_order)?;
        let connection = self.connection.as_mut().ok_or_else(out_of_order)?;
        let mut first = true;
        connection.with_session(|connection| {
            if !std::mem::take(&mut first) {
                let again = token::find_key(connection, name)?;
                if again.public_key != key.public_key {
                    return Err(TokenError::Broken {
                        action: "finding the key again",
                        reason: "another key answers to the same name".to_owned(),
                    });
                }
                *key = again;
            }
            operation(connection, key)
        })
    }
}

/// How long the token takes for a signature.
#[derive(Default)]
struct Pace {
    measured: u32,
    quickest: Option<Duration>,
}

impl Pace {
    fn signed_in(&mut self, time: Duration) {
        self.measured = self.measured.saturating_add(1);
        self.quickest = Some(self.quickest.map_or(time, |quickest| quickest.min(time)));
    }

    fn is_worth_a_thread(&self) -> bool {
        self.measured >= MEASURED_ALONE && self.quickest.is_some_and(|time| time >= WORTH_A_THREAD)
    }
}

/// Where answers go, one line each.
struct Answers(Mutex<File>);

impl Answers {
    fn give(&self, number: u64, result: Result<Answer, TokenError>) -> io::Result<()> {
        let result = result.map_err(|error| Failure {
            code: error.code().as_str().to_owned(),
            message: error.to_string(),
        });
        let mut line = serde_json::to_vec(&Response { number, result })?;
        line.push(b'\n');
        lock(&self.0).write_all(&line)
    }
}

fn out_of_order() -> TokenError {
    TokenError::Broken {
        action: "serving a request",
        reason: "it came before the one that it needs".to_owned(),
    }
}

/// What a thread that panicked leaves under these locks is whole: each change is a single step.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Reads requests in a thread of its own, so that the end of the plugin is noticed even while a module
/// hangs in a call.
fn read_requests() -> Receiver<Request> {
    let (sender, requests) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(io::stdin()).split(b'\n') {
            let request = line
                .ok()
                .and_then(|line| serde_json::from_slice(&line).ok());
            let Some(request) = request else { break };
            if sender.send(request).is_err() {
                return;
            }
        }
        drop(sender);
        thread::sleep(GRACE_WITHOUT_PLUGIN);
        std::process::exit(1);
    });
    requests
}

/// A private duplicate of standard output; the number 1 then means standard error, so that a module that
/// prints cannot spoil an answer.
#[cfg(unix)]
fn take_standard_output() -> io::Result<File> {
    let private = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdout(), 3)?;
    rustix::stdio::dup2_stdout(rustix::stdio::stderr())?;
    Ok(private.into())
}

/// A dump of this process would hold the PIN and the session's secrets.
#[cfg(unix)]
fn forbid_core_dumps() {
    use rustix::process::{Resource, Rlimit, setrlimit};
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    // A system that refuses has no core dumps of ours either way: the limit can only be lowered.
    let _ = setrlimit(Resource::Core, none);
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quick_token_is_not_taken_for_a_slow_one_by_its_first_signature() {
        let mut pace = Pace::default();
        pace.signed_in(Duration::from_millis(5));
        assert!(!pace.is_worth_a_thread());
        for _ in 1..MEASURED_ALONE {
            pace.signed_in(Duration::from_micros(60));
        }
        assert!(!pace.is_worth_a_thread());
    }

    #[test]
    fn a_slow_token_is_known_after_a_few_signatures() {
        let mut pace = Pace::default();
        for _ in 0..MEASURED_ALONE {
            pace.signed_in(Duration::from_millis(5));
        }
        assert!(pace.is_worth_a_thread());
    }
}
