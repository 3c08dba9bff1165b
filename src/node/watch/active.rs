//! The watch of an environment, while it is on.

use super::pulse::Pulse;
use super::watched_loop::WatchedLoop;
use crate::watch::watchdog::{self, Watched};
use napi::{Env, Error, Result};
use std::rc::Rc;
use std::sync::Arc;

pub struct ActiveWatch {
    pub watched: Arc<WatchedLoop>,
    pulse: Rc<Pulse>,
    /// The watched loop, as the watchdog knows it.
    entry: Arc<dyn Watched>,
}

impl ActiveWatch {
    pub fn start(env: &Env, runtime: &'static super::runtime::Runtime, watched: Arc<WatchedLoop>) -> Result<Self> {
        let pulse = Pulse::start(env, runtime, watched.clone())?;
        watched.start();
        let entry: Arc<dyn Watched> = Arc::new(watched.clone());
        if let Err(error) = watchdog::add(entry.clone()) {
            watched.end();
            pulse.close();
            return Err(Error::from_reason(format!("The watchdog thread could not be started: {error}")));
        }
        Ok(ActiveWatch { watched, pulse, entry })
    }

    pub fn pause(&self) {
        self.watched.beat();
        self.watched.pause();
        self.pulse.pause();
    }

    pub fn resume(&self) {
        self.watched.resume();
        self.pulse.resume();
    }
}

impl Drop for ActiveWatch {
    fn drop(&mut self) {
        watchdog::remove(&self.entry);
        self.watched.end();
        self.pulse.close();
    }
}
