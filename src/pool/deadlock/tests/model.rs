//! Random schedules of functions that run tasks in several pools, against the true state of the model.

use super::*;

const SCHEDULES: u64 = 10_000;
const MAX_DEPTH: usize = 3;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Queued,
    /// Holds a permit.
    Running,
    /// A native task has returned its permit; a function keeps it until its owner reads the answer.
    Unread,
    Done,
}

#[derive(Debug)]
struct Task {
    pool: usize,
    owner: Option<usize>,
    /// Whether the outcome was sent to the owner, who reads it in the next iteration of its event loop.
    is_sent: bool,
    is_function: bool,
    depth: usize,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Busy,
    AwaitsAll,
    AwaitsAny,
    Returned,
}

#[derive(Debug)]
struct Function {
    mode: Mode,
    /// How often it will submit tasks again.
    stages: usize,
    /// Tasks of the current stage.
    awaited: Vec<usize>,
    begun: Option<u64>,
}

struct World {
    seed: u64,
    table: Table<Tickets>,
    queues: Vec<Tickets>,
    threads: Vec<usize>,
    permits: Vec<usize>,
    tasks: Vec<Task>,
    /// By task.
    functions: BTreeMap<usize, Function>,
    alarms: usize,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut world = World {
            seed: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
            table: Table::new(),
            queues: Vec::new(),
            threads: Vec::new(),
            permits: Vec::new(),
            tasks: Vec::new(),
            functions: BTreeMap::new(),
            alarms: 0,
        };
        for id in 0..=world.below(3) {
            world.queues.push(pool(id, []));
            let threads = 1 + world.below(2);
            world.threads.push(threads);
            world.permits.push(0);
        }
        for _ in 0..=world.below(4) {
            world.submit(None, 0);
        }
        world
    }

    /// Returns a random number below `limit`.
    fn below(&mut self, limit: usize) -> usize {
        self.seed ^= self.seed << 13;
        self.seed ^= self.seed >> 7;
        self.seed ^= self.seed << 17;
        usize::try_from((self.seed >> 16) % limit as u64).unwrap()
    }

    fn submit(&mut self, owner: Option<usize>, depth: usize) -> usize {
        let (task, pool) = (self.tasks.len(), self.below(self.queues.len()));
        let is_function = depth == 0 || depth < MAX_DEPTH && self.below(3) == 0;
        self.tasks.push(Task { pool, owner, is_sent: false, is_function, depth, state: State::Queued });
        self.queues[pool].1.borrow_mut().insert(task as u64);
        task
    }

    fn thread(task: usize) -> u32 {
        u32::try_from(task).unwrap()
    }

    /// Gives a free permit to the first task of a queue.
    fn dispatch(&mut self, pool: usize) {
        if self.permits[pool] == self.threads[pool] {
            return;
        }
        let Some(first) = self.queues[pool].1.borrow_mut().pop_first() else { return };
        let task = usize::try_from(first).unwrap();
        self.permits[pool] += 1;
        self.tasks[task].state = State::Running;
        if self.tasks[task].is_function {
            self.table.add(Self::thread(task), Home { pool, threads: self.threads[pool] });
            let stages = self.below(3);
            self.functions.insert(task, Function { mode: Mode::Busy, stages, awaited: Vec::new(), begun: None });
        }
    }

    /// Lets a task go on by one step.
    fn step(&mut self, task: usize) {
        let Task { is_function, state, pool, owner, .. } = self.tasks[task];
        match state {
            State::Running if is_function => self.advance(task),
            State::Running => {
                // The outcome is sent later: another task may get the permit before.
                self.permits[pool] -= 1;
                self.tasks[task].state = State::Unread;
            }
            State::Unread if owner.is_none() => self.read(task),
            State::Unread => self.tasks[task].is_sent = true,
            State::Queued | State::Done => {}
        }
    }

    fn advance(&mut self, task: usize) {
        let Function { mode, stages, .. } = self.functions[&task];
        if mode != Mode::Busy {
            return;
        }
        let (mode, awaited) = if stages == 0 {
            self.tasks[task].state = State::Unread;
            (Mode::Returned, Vec::new())
        } else {
            let depth = self.tasks[task].depth + 1;
            let awaited = (0..=self.below(2)).map(|_| self.submit(Some(task), depth)).collect();
            ([Mode::Busy, Mode::AwaitsAll, Mode::AwaitsAll, Mode::AwaitsAny][self.below(4)], awaited)
        };
        let begun = self.functions[&task].begun;
        self.functions.insert(task, Function { mode, stages: stages.saturating_sub(1), awaited, begun });
    }

    /// The owner of a task reads its outcome.
    fn read(&mut self, task: usize) {
        let Task { pool, is_function, .. } = self.tasks[task];
        self.tasks[task].state = State::Done;
        if is_function {
            self.table.remove(Self::thread(task));
            self.permits[pool] -= 1;
        }
    }

    /// The event loop of a function delivers its messages.
    fn deliver(&mut self, owner: usize) {
        for task in self.tasks_of(owner) {
            if self.tasks[task].is_sent && self.tasks[task].state == State::Unread {
                self.read(task);
            }
        }
        let is_woken = self.functions.get(&owner).is_some_and(|function| self.is_woken(function));
        if is_woken && let Some(function) = self.functions.get_mut(&owner) {
            function.mode = Mode::Busy;
        }
    }

    fn is_woken(&self, function: &Function) -> bool {
        let mut done = function.awaited.iter().map(|&task| self.tasks[task].state == State::Done);
        match function.mode {
            Mode::AwaitsAll => done.all(|done| done),
            Mode::AwaitsAny => done.any(|done| done),
            Mode::Busy | Mode::Returned => false,
        }
    }

    fn tasks_of(&self, owner: usize) -> Vec<usize> {
        (0..self.tasks.len()).filter(|&task| self.tasks[task].owner == Some(owner)).collect()
    }

    /// Begins a report, or completes the one that was begun before other events.
    fn report(&mut self, owner: usize) {
        let now = self.table.now();
        let Some(function) = self.functions.get_mut(&owner) else { return };
        let Some(begun) = function.begun.take() else {
            function.begun = Some(now);
            return;
        };
        self.deliver(owner);
        let Function { mode, stages, .. } = self.functions[&owner];
        let mut tasks = self.tasks_of(owner);
        tasks.retain(|&task| self.tasks[task].state != State::Done);
        let (nested, queued): (Vec<usize>, Vec<usize>) =
            tasks.iter().partition(|&&task| self.tasks[task].is_function && self.tasks[task].state != State::Queued);
        let is_waiting = matches!(mode, Mode::AwaitsAll | Mode::AwaitsAny)
            && !tasks.is_empty()
            && queued.iter().all(|&task| self.tasks[task].state == State::Queued);
        if !is_waiting {
            self.table.unblock(Self::thread(owner));
            return;
        }
        let waits = queued.iter().map(|&task| wait(&self.queues[self.tasks[task].pool], task as u64)).collect();
        let nested = Nested { running: nested.len(), threads: nested.into_iter().map(Self::thread).collect() };
        let report = Report { begun, progress: stages as u64, waits, nested };
        if self.table.block(Self::thread(owner), report).1 {
            self.alarm(owner, &tasks);
        }
    }

    fn alarm(&mut self, owner: usize, tasks: &[usize]) {
        let movable = self.movable();
        assert!(!movable.contains(&owner), "false alarm for {owner}: {:?} {:?}", self.tasks, self.functions);
        self.alarms += 1;
        for &task in tasks {
            let Task { pool, state, .. } = self.tasks[task];
            if state == State::Queued {
                self.queues[pool].1.borrow_mut().remove(&(task as u64));
                self.tasks[task].state = State::Done;
            }
        }
        self.deliver(owner);
    }

    /// Returns the functions that may continue although no task is rejected.
    fn movable(&self) -> BTreeSet<usize> {
        let mut movable = BTreeSet::new();
        loop {
            let ends = |task: usize| match self.tasks[task].state {
                State::Queued => self.can_run(self.tasks[task].pool, &movable),
                State::Running => !self.tasks[task].is_function || movable.contains(&task),
                State::Unread => true,
                State::Done => false,
            };
            let next = self.functions.iter().find(|&(&task, function)| {
                let is_awake = matches!(function.mode, Mode::Busy | Mode::Returned) || self.is_woken(function);
                !movable.contains(&task) && (is_awake || self.tasks_of(task).into_iter().any(ends))
            });
            match next {
                Some((&task, _)) => movable.insert(task),
                None => return movable,
            };
        }
    }

    /// Whether a permit of the pool is free or may become so.
    fn can_run(&self, pool: usize, movable: &BTreeSet<usize>) -> bool {
        let frees = |(task, it): (usize, &Task)| {
            let holds = it.pool == pool && (it.state == State::Running || it.state == State::Unread && it.is_function);
            holds && (!it.is_function || movable.contains(&task))
        };
        self.permits[pool] < self.threads[pool] || self.tasks.iter().enumerate().any(frees)
    }

    fn random_event(&mut self) {
        let task = self.below(self.tasks.len());
        match self.below(5) {
            0 => {
                let pool = self.below(self.queues.len());
                self.dispatch(pool);
            }
            1 | 2 => self.step(task),
            3 => self.deliver(task),
            _ => self.report(task),
        }
    }

    /// Gives everything a turn.
    fn round(&mut self) {
        for pool in 0..self.queues.len() {
            self.dispatch(pool);
        }
        for task in 0..self.tasks.len() {
            self.step(task);
            self.deliver(task);
            self.report(task);
        }
    }
}

#[test]
fn random_schedules_have_no_false_alarm_and_end() {
    let mut alarms = 0;
    for seed in 1..=SCHEDULES {
        let mut world = World::new(seed);
        for _ in 0..200 {
            world.random_event();
        }
        let mut rounds = 0;
        while world.tasks.iter().any(|task| task.state != State::Done) {
            world.round();
            rounds += 1;
            assert!(rounds < 500, "seed {seed} does not end: {:?} {:?}", world.tasks, world.functions);
        }
        alarms += world.alarms;
    }
    assert!(alarms > 1000, "only {alarms} deadlocks");
}
