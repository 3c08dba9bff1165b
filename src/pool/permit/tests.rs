use super::super::options::Options;
use super::*;
use crate::error::{Error, Kind};
use crossbeam_channel::{Receiver, Sender, bounded, unbounded};

/// Progress of an external task or of a thread's job.
enum Event {
    Begun(Permit),
    Failed(u32, Error),
    Ran,
}

struct Job {
    external: Option<ExternalTask>,
    events: Sender<Event>,
    error: Option<Error>,
    /// For a thread's job, which runs until the other end is dropped.
    held: Option<(Sender<()>, Receiver<()>)>,
}

impl Work for Job {
    fn name(&self) -> &'static str {
        "job"
    }

    fn run(&mut self) -> Tally {
        assert!(self.external.is_none(), "a thread ran an external task");
        let (started, held) = self.held.take().expect("a job of a thread");
        let _ = started.send(());
        let _ = held.recv();
        Tally { completed: 1, ..Tally::default() }
    }

    fn fail(&mut self, error: Error) {
        self.error = Some(error);
    }

    fn settle(self: Box<Self>) {
        let event = match (self.external, self.error) {
            (Some(external), Some(error)) => Event::Failed(external.task, error),
            _ => Event::Ran,
        };
        self.events.send(event).unwrap();
    }

    fn external(&self) -> Option<ExternalTask> {
        self.external
    }

    fn begin(self: Box<Self>, permit: Permit) {
        self.events.send(Event::Begun(permit)).unwrap();
    }
}

struct Bench {
    pool: Arc<Pool>,
    sender: Sender<Event>,
    events: Receiver<Event>,
}

impl Bench {
    fn new(threads: usize, max_wait: Option<Duration>) -> Self {
        let options = Options { threads, max_queue: 100, max_queue_bytes: 1 << 20, max_wait, max_output: None };
        let (sender, events) = unbounded();
        Bench { pool: Pool::new(Some("test".into()), options), sender, events }
    }

    fn send(&self, owner: u64, task: u32) -> (u64, Option<Permit>) {
        let external = ExternalTask { owner, task, name: "worker" };
        let job = Job { external: Some(external), events: self.sender.clone(), error: None, held: None };
        self.pool.try_admit(10).unwrap().submit_external(Priority::Normal, external, Box::new(job))
    }

    fn requeue(&self, permit: &mut Permit, task: u32) -> Option<Requeued> {
        let external = permit.external(task)?;
        permit.requeue(
            task,
            Box::new(Job { external: Some(external), events: self.sender.clone(), error: None, held: None }),
        )
    }

    fn queue(&self, owner: u64, task: u32) -> u64 {
        let (ticket, permit) = self.send(owner, task);
        assert!(permit.is_none(), "all permits are taken");
        ticket
    }

    /// Queues a job that, once it has started, occupies a thread until the sender is dropped.
    fn hold(&self) -> (Sender<()>, Receiver<()>) {
        let (release, held) = bounded(0);
        let (started, running) = unbounded();
        let job = Job { external: None, events: self.sender.clone(), error: None, held: Some((started, held)) };
        let _ = self.pool.try_admit(1).unwrap().submit(Priority::Normal, Box::new(job));
        (release, running)
    }

    fn level(&self) -> (usize, usize) {
        let stats = self.pool.stats();
        (stats.running, stats.queued)
    }
}

fn taken(permit: &mut Permit, most: usize) -> Vec<u32> {
    let mut tasks = Vec::new();
    permit.take(most, |task| tasks.push(task));
    tasks
}

const DONE: Tally = Tally { completed: 1, failed: 0, cancelled: 0 };

#[test]
fn an_external_task_gets_a_free_permit_immediately() {
    let bench = Bench::new(2, None);
    let (_, first) = bench.send(1, 10);
    let (_, second) = bench.send(1, 11);
    assert_eq!((first.as_ref().unwrap().first(), second.as_ref().unwrap().first()), (Some(10), Some(11)));
    bench.queue(1, 12);
    assert_eq!(bench.level(), (2, 1));
    drop((first, second));
    let Event::Begun(permit) = bench.events.recv().unwrap() else { panic!("the permit is passed on") };
    assert_eq!(permit.first(), Some(12));
    drop(permit);
    assert_eq!(bench.level(), (0, 0));
    assert_eq!(bench.pool.stats().cancelled, 3, "no task was finished");
}

#[test]
fn external_tasks_of_one_owner_run_under_one_permit() {
    let bench = Bench::new(1, None);
    let mut permit = bench.send(1, 0).1.unwrap();
    for (owner, task) in [(1, 1), (1, 2), (2, 3), (1, 4)] {
        bench.queue(owner, task);
    }
    assert_eq!(taken(&mut permit, 1), [1]);
    assert_eq!(taken(&mut permit, 9), [2], "the next task has another owner");
    permit.finish(&[0, 1, 2], Tally { completed: 2, failed: 1, cancelled: 0 }, Duration::from_millis(3));
    let stats = bench.pool.stats();
    assert_eq!((stats.completed, stats.failed, stats.queued_bytes), (2, 1, 20));
    assert_eq!(stats.by_transform[0].name, "worker");
    drop(permit);
    let Event::Begun(mut other) = bench.events.recv().unwrap() else { panic!("the other owner is next") };
    assert_eq!(other.first(), Some(3));
    other.finish(&[3], DONE, Duration::ZERO);
    drop(other);
    let Event::Begun(last) = bench.events.recv().unwrap() else { panic!("the first owner is next") };
    assert_eq!(last.first(), Some(4));
}

#[test]
fn external_tasks_and_threads_share_the_permits() {
    let bench = Bench::new(1, None);
    let (release, running) = bench.hold();
    running.recv().unwrap();
    bench.queue(1, 5);
    let held = bench.hold();
    drop(release);
    assert!(matches!(bench.events.recv().unwrap(), Event::Ran));
    let Event::Begun(mut permit) = bench.events.recv().unwrap() else { panic!("first in, first out") };
    assert!(taken(&mut permit, 9).is_empty(), "a thread is next");
    permit.finish(&[5], DONE, Duration::ZERO);
    assert!(bench.events.try_recv().is_err());
    drop(permit);
    drop(held);
    assert!(matches!(bench.events.recv().unwrap(), Event::Ran));
}

#[test]
fn requeued_external_tasks_keep_their_positions() {
    let bench = Bench::new(2, None);
    let (release, running) = bench.hold();
    running.recv().unwrap();
    let mut permit = bench.send(1, 0).1.unwrap();
    for task in 1..4 {
        bench.queue(1, task);
    }
    assert_eq!(taken(&mut permit, 3), [1, 2, 3]);
    bench.queue(1, 4);
    let (later, earlier) = (bench.requeue(&mut permit, 3).unwrap(), bench.requeue(&mut permit, 2).unwrap());
    assert!(earlier.ticket < later.ticket);
    assert_eq!(later.bytes, 10);
    assert!(bench.requeue(&mut permit, 2).is_none(), "the task is no longer under the permit");
    assert_eq!((bench.level(), bench.pool.stats().queued_bytes), ((2, 4), 51));
    drop(release);
    assert!(matches!(bench.events.recv().unwrap(), Event::Ran));
    let Event::Begun(mut other) = bench.events.recv().unwrap() else { panic!("the free permit is used") };
    assert_eq!((other.first(), taken(&mut other, 9)), (Some(2), vec![3, 4]), "before younger tasks");
    permit.finish(&[1, 0], Tally { completed: 2, ..DONE }, Duration::ZERO);
    other.finish(&[2, 3, 4], Tally { completed: 3, ..DONE }, Duration::ZERO);
    drop((permit, other));
    assert_eq!((bench.level(), bench.pool.stats().queued_bytes), ((0, 0), 0));
    assert_eq!((bench.pool.stats().completed, bench.pool.stats().cancelled), (6, 0));
}

#[test]
fn a_requeued_external_task_can_be_withdrawn() {
    let bench = Bench::new(1, None);
    let mut permit = bench.send(1, 0).1.unwrap();
    bench.queue(1, 1);
    assert_eq!(taken(&mut permit, 9), [1]);
    let Requeued { ticket, bytes } = bench.requeue(&mut permit, 1).unwrap();
    assert!(bench.pool.withdraw(ticket, bytes).is_some());
    drop(permit);
    assert_eq!((bench.level(), bench.pool.stats().queued_bytes), ((0, 0), 0));
}

#[test]
fn a_requeued_external_task_keeps_its_age() {
    let limit = Duration::from_millis(5);
    let bench = Bench::new(1, Some(limit));
    let mut permit = bench.send(1, 0).1.unwrap();
    bench.queue(1, 1);
    let begun = Instant::now();
    if taken(&mut permit, 9).is_empty() {
        // The machine stalled for longer than the limit.
        return assert!(matches!(bench.events.recv().unwrap(), Event::Failed(1, _)));
    }
    while begun.elapsed() <= limit {
        std::hint::spin_loop();
    }
    let _ = bench.requeue(&mut permit, 1);
    let Event::Failed(1, error) = bench.events.recv().unwrap() else { panic!("the task has waited too long") };
    assert_eq!(error.kind, Kind::QueueTimeout);
}

#[test]
fn a_queued_external_task_can_be_withdrawn() {
    let bench = Bench::new(1, None);
    let permit = bench.send(1, 0).1.unwrap();
    let ticket = bench.queue(1, 1);
    bench.queue(1, 2);
    assert!(bench.pool.withdraw(ticket, 10).is_some());
    drop(permit);
    let Event::Begun(permit) = bench.events.recv().unwrap() else { panic!("the second task is next") };
    assert_eq!(permit.first(), Some(2));
}

#[test]
fn an_external_task_that_waited_too_long_is_dropped() {
    let bench = Bench::new(1, Some(Duration::from_millis(5)));
    let mut permit = bench.send(1, 0).1.unwrap();
    bench.queue(1, 1);
    let Event::Failed(1, error) = bench.events.recv().unwrap() else { panic!("the task times out") };
    assert_eq!(error.kind, Kind::QueueTimeout);
    assert!(taken(&mut permit, 9).is_empty());
    assert_eq!(bench.pool.stats().rejected, 1);
}
