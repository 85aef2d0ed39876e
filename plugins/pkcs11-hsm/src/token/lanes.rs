//! Several sessions that sign at the same time.
//!
//! A session does one thing at a time (PKCS#11 §5.1.4), and an HSM has more than one engine: a network HSM
//! answers a second session while the first still waits for its signature. All sessions of an application
//! share one log-in.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use cryptoki::session::Session;
use notary_plugin_protocol::KeySpec;

use super::connection::Connection;
use super::error::TokenError;
use super::objects::TokenKey;

/// Most sessions beside the first. HSMs have few engines, and some allow an application few sessions.
const MOST_LANES: usize = 7;

/// Sessions beside the connection's own.
#[derive(Default)]
pub(super) struct Lanes {
    sessions: Vec<Session>,
    /// The token gave no more when it was asked.
    exhausted: bool,
}

/// A signature to make.
pub(crate) struct Job<'a> {
    pub(crate) key: &'a TokenKey,
    pub(crate) key_spec: KeySpec,
    pub(crate) payload: &'a [u8],
}

impl Connection {
    /// Makes signatures in as many sessions as there are jobs and the token allows, and hands each result
    /// to `done` with the position of its job, in any order and from any thread.
    ///
    /// # Errors
    /// What the token said when it was asked for its mechanisms; no job was begun then.
    pub(crate) fn sign_together(
        &mut self,
        jobs: &[Job<'_>],
        done: &(dyn Fn(usize, Result<Vec<u8>, TokenError>) + Sync),
    ) -> Result<(), TokenError> {
        self.open_lanes(jobs.len().saturating_sub(1));
        // Taken out while they are used, so that the rest of the connection can be read beside them.
        let mut lanes = std::mem::take(&mut self.lanes);
        let signing = match self.signing() {
            Ok(signing) => signing,
            Err(error) => {
                self.lanes = lanes;
                return Err(error);
            }
        };
        let next = AtomicUsize::new(0);
        let work = |session: &Session| {
            while let Some((position, job)) = {
                let position = next.fetch_add(1, Ordering::Relaxed);
                jobs.get(position).map(|job| (position, job))
            } {
                done(
                    position,
                    signing.sign(session, job.key, job.key_spec, job.payload),
                );
            }
        };
        thread::scope(|scope| {
            for lane in &mut lanes.sessions {
                let work = &work;
                scope.spawn(move || work(lane));
            }
            work(self.session());
        });
        self.lanes = lanes;
        Ok(())
    }

    fn open_lanes(&mut self, wanted: usize) {
        while !self.lanes.exhausted && self.lanes.sessions.len() < wanted.min(MOST_LANES) {
            match self.another_session() {
                Some(session) => self.lanes.sessions.push(session),
                None => self.lanes.exhausted = true,
            }
        }
    }
}
