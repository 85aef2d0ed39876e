//! The frames of a session, read by a thread of their own.

use std::{
    io::{self, BufRead, Read},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use notary_plugin_protocol::session::{FrameError, MAX_FRAME_LEN, RequestFrame};
use tokio::sync::mpsc;

/// The frames on standard input.
pub(super) struct Frames {
    receiver: mpsc::Receiver<Result<RequestFrame, FrameError>>,
    /// How many lines the thread has read, counted before it does anything else with them.
    read: Arc<AtomicU64>,
    taken: u64,
}

impl Frames {
    pub(super) fn of_standard_input() -> io::Result<Self> {
        let (sender, receiver) = mpsc::channel(1);
        let read = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&read);
        thread::Builder::new()
            .name("session input".to_owned())
            .spawn(move || read_frames(io::stdin().lock(), &sender, &counter))?;
        Ok(Self {
            receiver,
            read,
            taken: 0,
        })
    }

    /// The next frame; `None` at the end of the input.
    pub(super) async fn next(&mut self) -> Option<Result<RequestFrame, FrameError>> {
        let frame = self.receiver.recv().await;
        self.taken += u64::from(frame.is_some());
        frame
    }

    /// Whether a line has been read that was not taken yet: the session must not end as idle then.
    pub(super) fn any_waiting(&self) -> bool {
        self.read.load(Ordering::SeqCst) != self.taken
    }
}

/// Reads frames until the input ends or one is broken beyond an answer.
fn read_frames(
    mut input: impl BufRead,
    frames: &mpsc::Sender<Result<RequestFrame, FrameError>>,
    read: &AtomicU64,
) {
    loop {
        let mut line = Vec::new();
        // The frame, its newline, and one byte that tells when it is too long.
        let mut limited = input.by_ref().take(MAX_FRAME_LEN as u64 + 2);
        match limited.read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        read.fetch_add(1, Ordering::SeqCst);
        let frame = RequestFrame::from_line(&line);
        let last = matches!(&frame, Err(error) if error.id.is_none());
        if frames.blocking_send(frame).is_err() || last {
            return;
        }
    }
}
