//! Requests of a session whose native code never comes back.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    thread,
    time::Duration,
};

use crate::{Deadline, PluginError, exit::exit_now};

/// How often the watch looks, and how late a request may be before it acts; the orderly way, cutting off
/// the future, comes first.
const INTERVAL: Duration = Duration::from_millis(250);

/// Watches over the requests in flight from a thread of its own. A request that is still there after its
/// deadline means that native code holds the session's only thread: it gets its answer from here, and the
/// process ends, since nothing else can be done in it.
#[derive(Debug)]
pub(crate) struct Overdue {
    deadlines: Arc<Mutex<BTreeMap<u64, Deadline>>>,
}

impl Overdue {
    pub(crate) fn watch(mut answer: impl FnMut(u64, PluginError) + Send + 'static) -> Self {
        let deadlines = Arc::new(Mutex::new(BTreeMap::new()));
        let watched = Arc::downgrade(&deadlines);
        // Without the thread sessions still work, only without an answer to a library that hangs.
        let _ = thread::Builder::new()
            .name("deadline".to_owned())
            .stack_size(64 * 1024)
            .spawn(move || {
                if let Some(late) = wait_for_late(&watched) {
                    for (id, deadline) in late {
                        answer(id, deadline.passed());
                    }
                    exit_now(1);
                }
            });
        Self { deadlines }
    }

    pub(crate) fn begin(&self, id: u64, deadline: Deadline) {
        lock(&self.deadlines).insert(id, deadline);
    }

    pub(crate) fn done(&self, id: u64) {
        lock(&self.deadlines).remove(&id);
    }
}

/// Waits until requests are late; `None` when the session is over.
fn wait_for_late(
    deadlines: &Weak<Mutex<BTreeMap<u64, Deadline>>>,
) -> Option<BTreeMap<u64, Deadline>> {
    let mut suspects: BTreeMap<u64, Deadline> = BTreeMap::new();
    loop {
        thread::sleep(INTERVAL);
        let deadlines = deadlines.upgrade()?;
        let deadlines = lock(&deadlines);
        suspects.retain(|id, deadline| deadlines.get(id) == Some(deadline));
        if !suspects.is_empty() {
            return Some(suspects);
        }
        suspects = deadlines
            .iter()
            .filter(|(_, deadline)| deadline.remaining().is_zero())
            .map(|(id, at)| (*id, *at))
            .collect();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
