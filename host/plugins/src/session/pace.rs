//! How many requests are in flight: as many as the plugin takes, fewer while the service behind it is overrun.

use std::num::NonZeroU64;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

/// More in flight than this gains nothing on one process, whatever a plugin offers.
const MOST_IN_FLIGHT: u32 = 256;

/// A limit that halves when the service says that it is overrun, and grows by one for each round of answers: so all
/// requests together settle just below what the service permits, without knowing it.
#[derive(Debug)]
pub(crate) struct Pace {
    most: f64,
    load: Mutex<Load>,
    free: Notify,
}

#[derive(Debug)]
struct Load {
    limit: f64,
    in_flight: u32,
    /// How many answers are still to come from requests that were in flight when the limit was last halved. They know
    /// nothing about the new limit yet.
    stale: u32,
}

/// Room for one request, until it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    pace: Arc<Pace>,
}

impl Pace {
    /// At most this many at a time.
    pub(crate) fn up_to(most: NonZeroU64) -> Self {
        let most = u32::try_from(most.get()).unwrap_or(u32::MAX);
        let most = f64::from(most.min(MOST_IN_FLIGHT));
        Self {
            most,
            load: Mutex::new(Load {
                limit: most,
                in_flight: 0,
                stale: 0,
            }),
            free: Notify::new(),
        }
    }

    /// Waits for room.
    pub(crate) async fn place(self: &Arc<Self>) -> Place {
        loop {
            let freed = self.free.notified();
            if self.take() {
                return Place { pace: self.clone() };
            }
            freed.await;
        }
    }

    fn take(&self) -> bool {
        let mut load = self.load.lock().unwrap_or_else(PoisonError::into_inner);
        let fits = f64::from(load.in_flight + 1) <= load.limit;
        if fits {
            load.in_flight += 1;
        }
        fits
    }

    /// Takes into account whether a request was turned away because there were too many.
    pub(crate) fn learn(&self, throttled: bool) {
        let mut load = self.load.lock().unwrap_or_else(PoisonError::into_inner);
        let stale = load.stale > 0;
        load.stale = load.stale.saturating_sub(1);
        match (throttled, stale) {
            (true, true) => {}
            (true, false) => {
                load.limit = (load.limit / 2.0).max(1.0);
                load.stale = load.in_flight;
            }
            (false, _) => load.limit = (load.limit + 1.0 / load.limit).min(self.most),
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut load = self
            .pace
            .load
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        load.in_flight = load.in_flight.saturating_sub(1);
        drop(load);
        // All who wait look again: the limit may have grown by more than this one place.
        self.pace.free.notify_waiters();
        self.pace.free.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;

    fn room(pace: &Arc<Pace>) -> usize {
        let places: Vec<Place> = std::iter::from_fn(|| pace.place().now_or_never())
            .take(1000)
            .collect();
        places.len()
    }

    fn pace(most: u64) -> Arc<Pace> {
        Arc::new(Pace::up_to(NonZeroU64::new(most).unwrap()))
    }

    #[test]
    fn there_is_room_for_what_the_plugin_takes_and_no_more() {
        assert_eq!(room(&pace(3)), 3);
        assert_eq!(room(&pace(u64::MAX)), MOST_IN_FLIGHT as usize);
    }

    #[test]
    fn being_turned_away_halves_the_room_and_one_request_always_fits() {
        let pace = pace(16);
        pace.learn(true);
        assert_eq!(room(&pace), 8);
        for _ in 0..100 {
            pace.learn(true);
        }
        assert_eq!(room(&pace), 1);
    }

    #[test]
    fn a_volley_that_is_turned_away_halves_the_room_once() {
        let pace = pace(16);
        let volley: Vec<Place> = std::iter::from_fn(|| pace.place().now_or_never()).collect();
        for _ in &volley {
            pace.learn(true);
        }
        drop(volley);
        assert_eq!(room(&pace), 8);
    }

    #[test]
    fn answers_give_the_room_back_slowly() {
        let pace = pace(16);
        pace.learn(true);
        for _ in 0..9 {
            pace.learn(false);
        }
        assert_eq!(room(&pace), 9);
        for _ in 0..1000 {
            pace.learn(false);
        }
        assert_eq!(room(&pace), 16);
    }

    #[tokio::test]
    async fn whoever_waits_gets_the_place_that_is_given_back() {
        let pace = pace(1);
        let first = pace.place().await;
        let waiting = tokio::spawn({
            let pace = pace.clone();
            async move { pace.place().await }
        });
        tokio::task::yield_now().await;
        drop(first);
        waiting.await.unwrap();
    }
}
