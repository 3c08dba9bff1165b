//! Why a loop was blocked.

use super::Nanos;
use crate::metrics::float;

/// Share of a block above which starvation or suspension is its cause.
const STARVED: f64 = 0.4;
/// Minimum share of own time on a core. With less, the thread mostly waited in system calls.
const ON_CPU: f64 = 0.4;
/// Share of a block above which garbage collections are its cause.
const COLLECTING: f64 = 0.5;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// JavaScript.
    Cpu,
    /// Garbage collections.
    Gc,
    /// Native code, which does not answer interrupts: `JSON.parse`, a synchronous hash.
    Native,
    /// A system call.
    Blocked,
    /// The thread was ready to run and got no core.
    Starved,
    /// The process was stopped, or the machine slept.
    Suspended,
}

impl Cause {
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Cause::Cpu => "cpu",
            Cause::Gc => "gc",
            Cause::Native => "native",
            Cause::Blocked => "blocked",
            Cause::Starved => "starved",
            Cause::Suspended => "suspended",
        }
    }
}

/// How a block was spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Shares {
    pub duration: Nanos,
    /// Time on a core; `None` if the system does not report it.
    pub cpu: Option<Nanos>,
    /// Time in which the thread was ready to run.
    pub starved: Nanos,
    pub suspended: Nanos,
    /// Time in garbage collections, a part of the others.
    pub gc: Nanos,
}

/// When the thread answered the first request for a stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Capture {
    OnTime,
    /// Later, in the same iteration.
    Late,
    /// Not in that iteration.
    None,
}

impl Capture {
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Capture::OnTime => "on-time",
            Capture::Late => "late",
            Capture::None => "none",
        }
    }
}

/// Returns the main cause of a block. `first` is `None` if no stack was requested.
#[must_use]
pub fn cause(shares: &Shares, first: Option<Capture>) -> Cause {
    let of = |part: Nanos, whole: Nanos| float(part) / float(whole.max(1));
    let Shares { duration, cpu, starved, suspended, gc } = *shares;
    if of(starved.max(suspended), duration) > STARVED {
        return if starved >= suspended { Cause::Starved } else { Cause::Suspended };
    }
    if of(gc, duration) > COLLECTING {
        return Cause::Gc;
    }
    let own = duration.saturating_sub(starved + suspended);
    if cpu.is_some_and(|cpu| of(cpu, own) < ON_CPU) {
        return Cause::Blocked;
    }
    match first {
        Some(Capture::Late | Capture::None) => Cause::Native,
        Some(Capture::OnTime) | None => Cause::Cpu,
    }
}

#[cfg(all(test, not(feature = "loom")))]
mod tests {
    use super::*;

    #[test]
    fn each_part_can_be_the_cause() {
        let shares = |cpu, starved, suspended| Shares { duration: 100, cpu: Some(cpu), starved, suspended, gc: 0 };
        let (on_time, late) = (Some(Capture::OnTime), Some(Capture::Late));
        for (expected, shares, first) in [
            (Cause::Cpu, shares(95, 3, 0), on_time),
            (Cause::Cpu, shares(95, 3, 0), None),
            (Cause::Cpu, Shares { cpu: None, ..shares(0, 0, 0) }, on_time),
            (Cause::Native, shares(95, 3, 0), late),
            (Cause::Native, shares(95, 3, 0), Some(Capture::None)),
            (Cause::Blocked, shares(5, 0, 0), late),
            (Cause::Blocked, shares(20, 35, 0), late),
            (Cause::Cpu, shares(40, 35, 0), on_time),
            (Cause::Starved, shares(25, 75, 0), on_time),
            (Cause::Suspended, shares(5, 10, 85), late),
            (Cause::Starved, shares(5, 50, 45), late),
            (Cause::Gc, Shares { gc: 60, ..shares(20, 10, 0) }, late),
            (Cause::Starved, Shares { gc: 60, ..shares(20, 60, 0) }, late),
            (Cause::Cpu, Shares { gc: 50, ..shares(95, 0, 0) }, on_time),
            (Cause::Cpu, Shares::default(), None),
        ] {
            assert_eq!(cause(&shares, first), expected, "{shares:?} {first:?}");
        }
    }
}
