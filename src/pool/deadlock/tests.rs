use super::*;
use std::cell::RefCell;
use std::rc::Rc;

mod model;

/// A pool with its tickets in the queue.
#[derive(Debug, Clone)]
pub(super) struct Tickets(usize, Rc<RefCell<BTreeSet<u64>>>);

impl Queue for Tickets {
    fn id(&self) -> usize {
        self.0
    }

    fn is_waiting(&self, ticket: u64) -> bool {
        self.1.borrow().contains(&ticket)
    }
}

fn pool(id: usize, tickets: impl IntoIterator<Item = u64>) -> Tickets {
    Tickets(id, Rc::new(RefCell::new(tickets.into_iter().collect())))
}

fn wait(pool: &Tickets, ticket: u64) -> Wait<Tickets> {
    Wait { pool: pool.clone(), ticket }
}

/// A table with a thread for each home: its pool and the permits of that pool.
fn table(homes: &[(usize, usize)]) -> Table<Tickets> {
    let mut table = Table::new();
    for (thread, &(pool, threads)) in (1..).zip(homes) {
        table.add(thread, Home { pool, threads });
    }
    table
}

fn blocks(table: &mut Table<Tickets>, thread: u32, progress: u64, waits: &[Wait<Tickets>]) -> bool {
    let begun = table.now();
    table.block(thread, Report { begun, progress, waits: waits.to_vec(), nested: Nested::default() }).1
}

#[test]
fn a_function_that_holds_the_only_permit_of_its_pool_is_found_when_it_confirms() {
    let own = pool(7, [1]);
    let mut table = table(&[(7, 1)]);
    assert!(!blocks(&mut table, 1, 1, &[wait(&own, 1)]));
    assert!(blocks(&mut table, 1, 1, &[wait(&own, 1)]));
    // It counts as awake then.
    assert!(!blocks(&mut table, 1, 1, &[wait(&own, 1)]));
}

#[test]
fn a_free_permit_or_one_of_another_task_is_no_deadlock() {
    let own = pool(7, [1]);
    let mut table = table(&[(7, 2)]);
    assert!((0..5).all(|_| !blocks(&mut table, 1, 1, &[wait(&own, 1)])));
}

#[test]
fn idle_threads_of_a_former_pool_with_the_same_id_do_not_count() {
    let own = pool(7, [1]);
    let mut with_free_permit = table(&[(7, 1), (7, 2)]);
    assert!((0..5).all(|_| !blocks(&mut with_free_permit, 2, 1, &[wait(&own, 1)])));
    let mut without = table(&[(7, 2), (7, 1)]);
    assert!(!blocks(&mut without, 2, 1, &[wait(&own, 1)]));
    assert!(blocks(&mut without, 2, 1, &[wait(&own, 1)]));
}

#[test]
fn a_task_that_has_left_the_queue_is_no_deadlock() {
    let own = pool(7, [1, 2]);
    let mut table = table(&[(7, 1)]);
    assert!(!blocks(&mut table, 1, 1, &[wait(&own, 1), wait(&own, 2)]));
    own.1.borrow_mut().remove(&1);
    assert!((0..5).all(|_| !blocks(&mut table, 1, 1, &[wait(&own, 1), wait(&own, 2)])));
}

#[test]
fn a_report_with_another_wait_or_function_begins_from_new() {
    let own = pool(7, [1, 2]);
    let mut table = table(&[(7, 1)]);
    assert!(!blocks(&mut table, 1, 1, &[wait(&own, 1)]));
    assert!(!blocks(&mut table, 1, 1, &[wait(&own, 2)]));
    assert!(!blocks(&mut table, 1, 2, &[wait(&own, 2)]));
    assert!(blocks(&mut table, 1, 2, &[wait(&own, 2)]));
}

#[test]
fn each_function_must_confirm_after_the_last_has_blocked() {
    let own = pool(7, [1, 2]);
    let mut table = table(&[(7, 2), (7, 2)]);
    for _ in 0..3 {
        assert!(!blocks(&mut table, 1, 1, &[wait(&own, 1)]));
    }
    assert!(!blocks(&mut table, 2, 1, &[wait(&own, 2)]));
    // The first has not confirmed yet: a message to it may be in flight.
    assert!(!blocks(&mut table, 2, 1, &[wait(&own, 2)]));
    assert!(blocks(&mut table, 1, 1, &[wait(&own, 1)]));
    // The other one gets the permit of the first.
    assert!(!blocks(&mut table, 2, 1, &[wait(&own, 2)]));
}

#[test]
fn an_iteration_that_began_before_the_last_function_blocked_confirms_nothing() {
    let own = pool(7, [1, 2]);
    let mut table = table(&[(7, 2), (7, 2)]);
    assert!(!blocks(&mut table, 1, 1, &[wait(&own, 1)]));
    let begun = table.now();
    assert!(!blocks(&mut table, 2, 1, &[wait(&own, 2)]));
    assert!(!blocks(&mut table, 2, 1, &[wait(&own, 2)]));
    assert!(!table.block(1, Report { begun, progress: 1, waits: vec![wait(&own, 1)], nested: Nested::default() }).1);
}

#[test]
fn pools_that_wait_for_one_another_are_found() {
    let (left, right) = (pool(1, [1]), pool(2, [2]));
    let mut table = table(&[(1, 1), (2, 1)]);
    assert!(!blocks(&mut table, 1, 1, &[wait(&right, 2)]));
    assert!(!blocks(&mut table, 2, 1, &[wait(&left, 1)]));
    assert!(!blocks(&mut table, 1, 1, &[wait(&right, 2)]));
    assert!(blocks(&mut table, 2, 1, &[wait(&left, 1)]));
    assert!(!blocks(&mut table, 1, 1, &[wait(&right, 2)]));
}

#[test]
fn a_function_that_waits_for_a_stuck_pool_from_outside_is_spared() {
    let stuck = pool(2, [1, 2]);
    let mut table = table(&[(1, 1), (2, 1)]);
    assert!(!blocks(&mut table, 2, 1, &[wait(&stuck, 2)]));
    assert!((0..3).all(|_| !blocks(&mut table, 1, 1, &[wait(&stuck, 1)])));
    assert!(blocks(&mut table, 2, 1, &[wait(&stuck, 2)]));
}

#[test]
fn a_function_that_waits_for_its_pool_or_a_stuck_one_is_spared_until_the_other_has_ended() {
    let (own, stuck) = (pool(1, [1]), pool(2, [2, 3]));
    let mut table = table(&[(1, 1), (2, 1)]);
    assert!(!blocks(&mut table, 2, 1, &[wait(&stuck, 3)]));
    assert!((0..3).all(|_| !blocks(&mut table, 1, 1, &[wait(&own, 1), wait(&stuck, 2)])));
    assert!(blocks(&mut table, 2, 1, &[wait(&stuck, 3)]));
}

fn waits_for_nested(table: &mut Table<Tickets>, thread: u32, nested: &[u32], running: usize) -> bool {
    let nested = Nested { threads: nested.iter().copied().collect(), running };
    let begun = table.now();
    table.block(thread, Report { begun, progress: 1, waits: Vec::new(), nested }).1
}

#[test]
fn a_nested_function_is_found_instead_of_the_one_that_waits_for_it() {
    let own = pool(7, [1]);
    let mut table = table(&[(7, 2), (7, 2), (7, 2)]);
    // The third thread is idle.
    assert!(!waits_for_nested(&mut table, 1, &[2, 3], 1));
    assert!(!blocks(&mut table, 2, 1, &[wait(&own, 1)]));
    assert!(!waits_for_nested(&mut table, 1, &[2, 3], 1));
    assert!(blocks(&mut table, 2, 1, &[wait(&own, 1)]));
}

#[test]
fn a_nested_function_in_a_pool_with_free_threads_is_found() {
    let outer = pool(1, [1]);
    let mut table = table(&[(1, 1), (2, 8)]);
    assert!(!waits_for_nested(&mut table, 1, &[2], 1));
    assert!(!blocks(&mut table, 2, 1, &[wait(&outer, 1)]));
    assert!(!waits_for_nested(&mut table, 1, &[2], 1));
    assert!(blocks(&mut table, 2, 1, &[wait(&outer, 1)]));
}

#[test]
fn a_nested_function_that_runs_is_no_deadlock() {
    let outer = pool(1, [1]);
    let mut table = table(&[(1, 1), (2, 8), (2, 8)]);
    for _ in 0..3 {
        assert!(!waits_for_nested(&mut table, 1, &[2, 3], 2));
        assert!(!blocks(&mut table, 2, 1, &[wait(&outer, 1)]));
    }
}

#[test]
fn threads_that_were_removed_or_are_awake_do_not_count() {
    let own = pool(7, [1, 2]);
    let mut table = table(&[(7, 2), (7, 2)]);
    for thread in [1, 2, 1] {
        assert!(!blocks(&mut table, thread, 1, &[wait(&own, thread.into())]));
    }
    assert!(table.unblock(1).is_some());
    assert!(!blocks(&mut table, 2, 1, &[wait(&own, 2)]));
    assert!(table.remove(1).is_none() && table.remove(2).is_some());
    assert!(!blocks(&mut table, 2, 1, &[wait(&own, 2)]));
}
