//! The worker's end: reads requests, works them off in order, writes answers.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::process::ExitCode;
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use notary_x509::Certificate;

use super::message::{Answer, Failure, FoundKey, Operation, Request, Response};
use crate::locator::ObjectName;
use crate::token::{self, Connection, TokenError, TokenKey};

/// The first argument of a worker process.
pub(crate) const ARGUMENT: &str = "--token-worker";

/// How long a worker may go on after its plugin has gone away: enough to finish a signature and log
/// out, and a limit for a module that hangs.
const GRACE_WITHOUT_PLUGIN: Duration = Duration::from_secs(5);

/// Serves requests from standard input until it ends.
pub(crate) fn serve() -> ExitCode {
    forbid_core_dumps();
    let Ok(answers) = take_standard_output() else {
        return ExitCode::FAILURE;
    };
    let requests = read_requests();
    let mut worker = Worker {
        answers,
        connection: None,
        keys: Vec::new(),
    };
    match worker.work_off(&requests) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

struct Worker {
    answers: File,
    connection: Option<Connection>,
    keys: Vec<(ObjectName, TokenKey)>,
}

impl Worker {
    fn work_off(&mut self, requests: &Receiver<Request>) -> io::Result<()> {
        for Request { number, operation } in requests {
            let result = self.perform(operation).map_err(|error| Failure {
                code: error.code().as_str().to_owned(),
                message: error.to_string(),
            });
            let mut line = serde_json::to_vec(&Response { number, result })?;
            line.push(b'\n');
            self.answers.write_all(&line)?;
        }
        Ok(())
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

fn out_of_order() -> TokenError {
    TokenError::Broken {
        action: "serving a request",
        reason: "it came before the one that it needs".to_owned(),
    }
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
