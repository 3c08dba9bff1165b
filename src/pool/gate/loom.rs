//! Every interleaving of a few threads at the gate.

use super::*;
use crate::sync::Arc;
use crate::sync::atomic::{AtomicUsize, Ordering};
use ::loom::{model, thread};

type Shared = Arc<Gate<usize, usize>>;

fn gate(threads: usize, max_queue: usize) -> Shared {
    Arc::new(Gate::new(
        Options { threads, max_queue, max_queue_bytes: 100, ..Options::default() },
        TrackAge::Yes,
        Instant::now(),
    ))
}

fn admit(gate: &Shared) -> Option<RawReservation> {
    match gate.try_admit(1, Order::MayPass) {
        Admission::Admitted(reservation) => Some(reservation),
        _ => None,
    }
}

/// Runs jobs like a pool thread that holds a permit.
fn run(gate: &Shared, ran: &AtomicUsize) {
    run_from(gate, ran, gate.next(Instant::now()));
}

fn run_from(gate: &Shared, ran: &AtomicUsize, mut next: Next<usize>) {
    let now = Instant::now();
    loop {
        next = match next {
            Next::Job(_) => {
                ran.fetch_add(1, Ordering::SeqCst);
                let finished = gate.finish(1, now);
                if finished.wake == Wake::Thread {
                    run(gate, ran);
                }
                finished.next
            }
            // The duration of a spin is arbitrary: here the thread checks once.
            Next::Spin => {
                let _ = gate.is_notified();
                gate.after_spin(now)
            }
            Next::Done => return,
        };
    }
}

/// Returns the ticket, and whether a thread must run jobs.
fn push(gate: &Shared, job: usize) -> Option<(u64, Wake)> {
    let reservation = admit(gate)?;
    Some((reservation.ticket, gate.push(reservation, Priority::Normal, job, Instant::now())))
}

fn assert_idle(gate: &Shared) {
    let level = gate.level(Instant::now());
    assert_eq!((level.running, level.queued, level.bytes), (0, 0, 0));
}

#[test]
fn no_job_is_left_behind() {
    model(|| {
        let gate = gate(2, 4);
        let ran = Arc::new(AtomicUsize::new(0));
        let pushers: Vec<_> = (0..2)
            .map(|job| {
                let (gate, ran) = (gate.clone(), ran.clone());
                thread::spawn(move || {
                    if push(&gate, job).expect("capacity").1 == Wake::Thread {
                        run(&gate, &ran);
                    }
                })
            })
            .collect();
        for pusher in pushers {
            pusher.join().unwrap();
        }
        assert_eq!(ran.load(Ordering::SeqCst), 2);
        assert_idle(&gate);
    });
}

#[test]
fn a_job_is_run_or_withdrawn_never_both() {
    model(|| {
        let gate = gate(1, 4);
        let ran = Arc::new(AtomicUsize::new(0));
        let (ticket, wake) = push(&gate, 0).expect("capacity");
        assert_eq!(wake, Wake::Thread);
        let runner = {
            let (gate, ran) = (gate.clone(), ran.clone());
            thread::spawn(move || run(&gate, &ran))
        };
        let withdrawn = gate.withdraw(ticket, 1).0.is_some();
        runner.join().unwrap();
        assert_eq!(usize::from(withdrawn) + ran.load(Ordering::SeqCst), 1);
        assert_idle(&gate);
    });
}

#[test]
fn a_requeued_job_is_run_or_withdrawn_never_both() {
    model(|| {
        let gate = gate(2, 4);
        let ran = Arc::new(AtomicUsize::new(0));
        let (ticket, wake) = push(&gate, 0).expect("capacity");
        assert_eq!(wake, Wake::Thread);
        let queued = gate.take_if(|_| true).expect("its turn");
        let returner = {
            let (gate, ran) = (gate.clone(), ran.clone());
            thread::spawn(move || {
                if gate.requeue(Priority::Normal, queued, Instant::now()) == Wake::Thread {
                    run(&gate, &ran);
                }
                if gate.return_permit(Instant::now()) == Wake::Thread {
                    run(&gate, &ran);
                }
            })
        };
        let withdrawn = gate.withdraw(ticket, 1).0.is_some();
        returner.join().unwrap();
        assert_eq!(usize::from(withdrawn) + ran.load(Ordering::SeqCst), 1);
        assert_idle(&gate);
    });
}

#[test]
fn a_waiter_is_granted_or_leaves_never_both() {
    model(|| {
        let gate = gate(1, 0);
        let held = admit(&gate).expect("capacity");
        let Wait::Queued(number) = gate.wait(1, None, 7) else { panic!("granted") };
        let releaser = {
            let gate = gate.clone();
            thread::spawn(move || gate.release(held.bytes))
        };
        let (left, granted) = gate.leave(number);
        let mut grants = releaser.join().unwrap();
        grants.extend(granted);
        assert_eq!(grants.len() + usize::from(left.is_some()), 1);
        for (reservation, _) in grants {
            assert!(gate.release(reservation.bytes).is_empty());
        }
        assert_idle(&gate);
    });
}

#[test]
fn a_waiter_is_granted_or_expires_or_leaves_and_only_once() {
    model(|| {
        let gate = gate(1, 0);
        let start = Instant::now();
        let held = admit(&gate).expect("capacity");
        let Wait::Queued(number) = gate.wait(1, Some(start), 7) else { panic!("granted") };
        let releaser = {
            let gate = gate.clone();
            thread::spawn(move || gate.release(held.bytes))
        };
        let timer = {
            let gate = gate.clone();
            thread::spawn(move || gate.take_stale_waiter(start))
        };
        let (left, mut grants) = gate.leave(number);
        let mut ends = usize::from(left.is_some());
        grants.extend(releaser.join().unwrap());
        if let Some((_, granted)) = timer.join().unwrap() {
            ends += 1;
            grants.extend(granted);
        }
        assert_eq!(grants.len() + ends, 1);
        for (reservation, _) in grants {
            assert_eq!(reservation.since, Some(start));
            assert!(gate.release(reservation.bytes).is_empty());
        }
        assert_idle(&gate);
        assert_eq!(gate.oldest(), None);
    });
}

#[test]
fn a_yielded_permit_strands_no_job() {
    model(|| {
        let gate = gate(2, 4);
        let ran = Arc::new(AtomicUsize::new(0));
        assert_eq!(push(&gate, 0).expect("capacity").1, Wake::Thread);
        let runner = {
            let (gate, ran) = (gate.clone(), ran.clone());
            thread::spawn(move || {
                // The job waits for a part of its work, and the thread steals the other job's wake-up meanwhile.
                let Next::Job(queued) = gate.next(Instant::now()) else { panic!("its own job is gone") };
                ran.fetch_add(1, Ordering::SeqCst);
                if push(&gate, queued.job + 1).expect("capacity").1 == Wake::Thread {
                    gate.yield_permit(Instant::now());
                }
                let finished = gate.finish(1, Instant::now());
                if finished.wake == Wake::Thread {
                    run(&gate, &ran);
                }
                run_from(&gate, &ran, finished.next);
            })
        };
        runner.join().unwrap();
        assert_eq!(ran.load(Ordering::SeqCst), 2);
        assert_idle(&gate);
    });
}
