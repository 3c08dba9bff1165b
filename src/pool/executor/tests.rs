use super::super::core::{AdmitError, NO_THREADS, Reservation, WaitKind, Waited};
use super::super::priority_queue::Priority;
use super::*;
use crate::error::{Error, Kind};
use crossbeam_channel::{Receiver, Sender, bounded, unbounded};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

type Body = Box<dyn FnOnce() -> Tally + Send>;

/// A job that runs a closure and reports its outcome on a channel.
struct Probe {
    body: Option<Body>,
    outcome: Result<(), Error>,
    settled: Sender<Result<(), Error>>,
}

impl Work for Probe {
    fn name(&self) -> &'static str {
        "probe"
    }

    fn run(&mut self) -> Tally {
        (self.body.take().expect("run once"))()
    }

    fn fail(&mut self, error: Error) {
        self.outcome = Err(error);
    }

    fn settle(self: Box<Self>) {
        let _ = self.settled.send(self.outcome);
    }
}

const ONE: Tally = Tally { completed: 1, failed: 0, cancelled: 0 };

fn probe(settled: &Sender<Result<(), Error>>, body: impl FnOnce() + Send + 'static) -> Box<Probe> {
    let body: Body = Box::new(|| {
        body();
        ONE
    });
    Box::new(Probe { body: Some(body), outcome: Ok(()), settled: settled.clone() })
}

fn pool(threads: usize, max_wait: Option<Duration>) -> Arc<Pool> {
    Pool::new(
        Some("test".into()),
        Options { threads, max_queue: 100, max_queue_bytes: 1 << 20, max_wait, max_output: None },
    )
}

fn submit(pool: &Arc<Pool>, work: Box<Probe>) -> u64 {
    pool.try_admit(1).expect("capacity").submit(Priority::Normal, work)
}

/// Occupies a thread until the returned sender is dropped.
fn hold(pool: &Arc<Pool>, settled: &Sender<Result<(), Error>>) -> Sender<()> {
    let (release, held) = bounded::<()>(0);
    let (started, running) = bounded(1);
    submit(
        pool,
        probe(settled, move || {
            started.send(()).expect("the test waits");
            let _ = held.recv();
        }),
    );
    running.recv().expect("it starts");
    release
}

fn channel() -> (Sender<Result<(), Error>>, Receiver<Result<(), Error>>) {
    unbounded()
}

#[test]
fn starts_no_thread_before_the_first_task() {
    let pool = pool(1, None);
    assert!(pool.threads.get().is_none());
    let (settled, outcomes) = channel();
    submit(&pool, probe(&settled, || ()));
    assert_eq!(outcomes.recv().unwrap(), Ok(()));
    assert!(pool.threads.get().is_some());
}

#[test]
fn a_panic_fails_its_task_and_nothing_else() {
    let pool = pool(1, None);
    let (settled, outcomes) = channel();
    submit(&pool, probe(&settled, || panic!("on purpose")));
    let error = outcomes.recv().unwrap().unwrap_err();
    assert_eq!(error.kind, Kind::Panic);
    assert!(error.message.contains("on purpose"), "{error}");
    submit(&pool, probe(&settled, || ()));
    assert_eq!(outcomes.recv().unwrap(), Ok(()));
    let stats = pool.stats();
    assert_eq!((stats.completed, stats.failed, stats.queued, stats.queued_bytes), (1, 1, 0, 0));
}

#[test]
fn no_more_jobs_run_than_there_are_threads() {
    let pool = pool(2, None);
    let (settled, outcomes) = channel();
    let first = hold(&pool, &settled);
    let second = hold(&pool, &settled);
    submit(&pool, probe(&settled, || ()));
    assert_eq!((pool.stats().running, pool.stats().queued), (2, 1));
    drop(first);
    assert!(outcomes.recv().unwrap().is_ok());
    assert!(outcomes.recv().unwrap().is_ok());
    drop(second);
    assert!(outcomes.recv().unwrap().is_ok());
    assert_eq!(pool.stats().completed, 3);
}

#[test]
fn a_queued_job_can_be_withdrawn() {
    let pool = pool(1, None);
    let (settled, outcomes) = channel();
    let held = hold(&pool, &settled);
    let ticket = submit(&pool, probe(&settled, || panic!("must not run")));
    assert!(pool.withdraw(ticket, 1).is_some());
    assert!(pool.withdraw(ticket, 1).is_none());
    drop(held);
    assert!(outcomes.recv().unwrap().is_ok());
    assert_eq!((pool.stats().cancelled, pool.stats().queued), (1, 0));
}

#[test]
fn stale_jobs_are_dropped_while_all_threads_are_busy() {
    let pool = pool(1, Some(Duration::from_millis(5)));
    let (settled, outcomes) = channel();
    let held = hold(&pool, &settled);
    for _ in 0..3 {
        submit(&pool, probe(&settled, || panic!("must not run")));
    }
    for _ in 0..3 {
        assert_eq!(outcomes.recv().unwrap().unwrap_err().kind, Kind::QueueTimeout);
    }
    drop(held);
    assert!(outcomes.recv().unwrap().is_ok());
    assert_eq!((pool.stats().rejected, pool.stats().queued_bytes), (3, 0));
}

#[test]
fn reservations_are_granted_in_order_and_released_on_drop() {
    let pool = Pool::new(
        Some("test".into()),
        Options { threads: 1, max_queue: 0, max_queue_bytes: 10, max_wait: None, max_output: None },
    );
    let reservation = pool.try_admit(5).expect("capacity");
    assert_eq!(pool.try_admit(1).err(), Some(AdmitError::Tasks));
    let (granted, grants) = unbounded();
    for number in 0..2 {
        let granted = granted.clone();
        let waiter = Box::new(move |waited| granted.send((number, reserved(waited))).expect("the test waits"));
        assert!(pool.wait(1, WaitKind::Reservation, waiter).is_some());
    }
    drop(reservation);
    let (number, reservation) = grants.recv().unwrap();
    assert_eq!(number, 0);
    assert!(grants.try_recv().is_err());
    drop(reservation);
    assert_eq!(grants.recv().unwrap().0, 1);
}

fn reserved(waited: Waited) -> Reservation {
    match waited {
        Waited::Granted(reservation) => reservation,
        Waited::Notified => panic!("notified"),
        Waited::TimedOut(error) => panic!("{}", error.message),
    }
}

#[test]
fn a_waiter_whose_time_is_limited_expires_while_all_slots_are_held() {
    let options = Options {
        threads: 1,
        max_queue: 0,
        max_queue_bytes: 10,
        max_wait: Some(Duration::from_millis(5)),
        max_output: None,
    };
    let pool = Pool::new(Some("test".into()), options);
    let held = pool.try_admit(1).expect("capacity");
    let (ended, ends) = unbounded();
    for kind in [WaitKind::Reservation, WaitKind::TimedReservation, WaitKind::TimedReservation] {
        let ended = ended.clone();
        pool.wait(1, kind, Box::new(move |waited| ended.send(waited).expect("the test waits")));
    }
    for _ in 0..2 {
        let Waited::TimedOut(error) = ends.recv().unwrap() else { panic!("granted") };
        assert_eq!(error.kind, Kind::QueueTimeout);
    }
    assert_eq!(pool.stats().rejected, 2);
    drop(held);
    drop(reserved(ends.recv().unwrap()));
    assert_eq!((pool.stats().queued, pool.stats().queued_bytes), (0, 0));
}

#[test]
fn a_job_that_is_older_than_the_watched_ones_expires_before_them() {
    let minute = Duration::from_secs(60);
    let pool = pool(1, Some(minute));
    let (settled, outcomes) = channel();
    let held = hold(&pool, &settled);
    let (young_settled, young) = channel();
    submit(&pool, probe(&young_settled, || ()));
    let (_, raw) = pool.try_admit(1).expect("capacity").into_parts();
    let since = Instant::now().checked_sub(minute).expect("a machine that runs for a minute");
    let work = probe(&settled, || panic!("must not run"));
    pool.requeue(raw.ticket, since, Job { work, bytes: raw.bytes, priority: Priority::Normal });
    let outcome = outcomes.recv_timeout(minute / 2).expect("the outcome of the older job");
    assert_eq!(outcome.unwrap_err().kind, Kind::QueueTimeout);
    drop(held);
    assert!(outcomes.recv().unwrap().is_ok());
    assert!(young.recv().unwrap().is_ok());
}

#[test]
fn one_free_slot_notifies_all_waiters_in_order_and_stays_free() {
    let pool = Pool::new(
        Some("test".into()),
        Options { threads: 1, max_queue: 0, max_queue_bytes: 10, max_wait: None, max_output: None },
    );
    let held = pool.try_admit(5).expect("capacity");
    let (notified, notifications) = unbounded();
    for number in 0..100_000 {
        let notified = notified.clone();
        let deliver = Box::new(move |waited| {
            assert!(matches!(waited, Waited::Notified));
            notified.send(number).expect("the test waits");
        });
        assert!(pool.wait(1, WaitKind::Notification, deliver).is_some());
    }
    assert!(notifications.is_empty());
    drop(held);
    assert!(notifications.try_iter().eq(0..100_000));
    assert!(pool.try_admit(5).is_ok());
}

#[test]
fn a_job_that_waits_for_its_parts_does_not_run_another() {
    let pool = pool(2, None);
    let (settled, outcomes) = channel();
    let (start, started) = bounded::<()>(1);
    let (release, released) = bounded::<()>(0);
    let has_run = Arc::new(AtomicBool::new(false));
    let (inside, again, runs) = (pool.clone(), settled.clone(), has_run.clone());
    let split = move || {
        rayon::join(
            // Ends once the other thread runs the other half. Then this thread waits for it, and may steal jobs.
            || started.recv().expect("the other half starts"),
            || {
                submit(&inside, probe(&again, move || runs.store(true, Ordering::SeqCst)));
                start.send(()).expect("the first half waits");
                let _ = released.recv();
            },
        );
    };
    submit(&pool, probe(&settled, split));
    // Waits until the blocked thread, woken for the second job, has returned its permit without running that job.
    while { pool.stats() }.queued != 1 {
        assert!(!has_run.load(Ordering::SeqCst), "a job ran inside another one");
        std::thread::yield_now();
    }
    drop(release);
    assert!(outcomes.recv().unwrap().is_ok());
    assert!(outcomes.recv().unwrap().is_ok());
    assert!(has_run.load(Ordering::SeqCst));
}

#[test]
fn without_threads_jobs_fail_and_with_threads_they_run_again() {
    let pool = pool(2, None);
    let (settled, outcomes) = channel();
    NO_THREADS.set(true);
    assert_eq!(pool.try_admit(1).err(), Some(AdmitError::NoThreads));
    for _ in 0..5 {
        let (send, granted) = bounded(1);
        let deliver = Box::new(move |waited| send.send(waited).expect("the test waits"));
        assert!(pool.wait(1, WaitKind::Reservation, deliver).is_none());
        let reservation = reserved(granted.recv().expect("the end of the wait"));
        let _ = reservation.submit(Priority::Normal, probe(&settled, || unreachable!("no thread")));
        assert_eq!(outcomes.recv().unwrap().unwrap_err().kind, Kind::Resources);
    }
    assert_eq!((pool.stats().queued, pool.stats().running, pool.stats().queued_bytes), (0, 0, 0));
    NO_THREADS.set(false);
    submit(&pool, probe(&settled, || ()));
    assert!(outcomes.recv().unwrap().is_ok());
}

#[test]
fn every_job_settles_exactly_once_under_load() {
    let pool = pool(3, Some(Duration::from_millis(50)));
    let (settled, outcomes) = channel();
    let mut tickets = Vec::new();
    let (mut admitted, mut withdrawn) = (0, 0);
    let in_turn = [Priority::High, Priority::Normal, Priority::Low].into_iter().cycle();
    for (round, priority) in (0..20_000_u64).zip(in_turn) {
        if let Ok(reservation) = pool.try_admit(1) {
            admitted += 1;
            let work = probe(&settled, move || assert!(round % 97 != 0, "a panic now and then"));
            tickets.push(reservation.submit(priority, work));
        }
        if round % 5 == 0 && tickets.pop().is_some_and(|ticket| pool.withdraw(ticket, 1).is_some()) {
            withdrawn += 1;
        }
    }
    for _ in 0..admitted - withdrawn {
        let _ = outcomes.recv_timeout(Duration::from_secs(20)).expect("every admitted job settles");
    }
    assert!(outcomes.try_recv().is_err(), "a job settled twice");
    let stats = pool.stats();
    assert_eq!((stats.queued, stats.queued_bytes), (0, 0));
    assert_eq!(stats.completed + stats.failed + stats.rejected + stats.cancelled, admitted);
}
