use super::*;

fn gate(threads: usize, max_queue: usize, max_queue_bytes: usize) -> Gate<&'static str, char> {
    Gate::new(Options { threads, max_queue, max_queue_bytes, ..Options::default() }, TrackAge::Yes, Instant::now())
}

/// Returns the job that a thread must run next, if any.
fn job<J>(next: Next<J>) -> Option<J> {
    match next {
        Next::Job(queued) => Some(queued.job),
        Next::Spin | Next::Done => None,
    }
}

fn admit<J, W>(gate: &Gate<J, W>, bytes: usize) -> RawReservation {
    match gate.try_admit(bytes, Order::MayPass) {
        Admission::Admitted(reservation) => reservation,
        refused => panic!("{refused:?}"),
    }
}

#[test]
fn admits_threads_plus_queue_and_no_more() {
    let gate = gate(2, 3, 1000);
    for _ in 0..5 {
        let _ = admit(&gate, 1);
    }
    assert_eq!(gate.try_admit(1, Order::MayPass), Admission::TasksFull);
}

#[test]
fn bytes_are_bounded_except_for_a_lone_large_task() {
    let gate = gate(2, 10, 100);
    let large = admit(&gate, 1000);
    assert_eq!(gate.try_admit(1, Order::MayPass), Admission::BytesFull);
    assert!(gate.release(large.bytes).is_empty());
    let small = admit(&gate, 60);
    assert_eq!(gate.try_admit(41, Order::MayPass), Admission::BytesFull);
    let _ = admit(&gate, 40);
    let _ = gate.release(small.bytes);
    assert_eq!(gate.level(Instant::now()).bytes, 40);
}

#[test]
fn a_push_takes_a_free_permit() {
    let gate = gate(1, 2, 100);
    let now = Instant::now();
    assert_eq!(gate.push(admit(&gate, 1), Priority::Normal, "a", now), Wake::Thread);
    assert_eq!(gate.push(admit(&gate, 1), Priority::Normal, "b", now), Wake::None);
    let level = gate.level(now);
    assert_eq!((level.running, level.queued, level.bytes), (1, 1, 2));
    assert_eq!(job(gate.next(now)), Some("a"));
    let finished = gate.finish(1, now);
    assert_eq!(job(finished.next), Some("b"));
    assert!(matches!(gate.finish(1, now).next, Next::Spin));
    let level = gate.level(now);
    assert_eq!((level.running, level.queued, level.bytes), (0, 0, 0));
}

#[test]
fn waiters_are_served_in_order() {
    let gate = gate(1, 0, 100);
    let held = admit(&gate, 50);
    assert!(matches!(gate.wait(80, None, 'x'), Wait::Queued(_)));
    assert!(matches!(gate.wait(1, None, 'y'), Wait::Queued(_)));
    let granted = gate.release(held.bytes);
    assert_eq!(granted.iter().map(|(_, waiter)| *waiter).collect::<String>(), "x");
    let granted = gate.release(granted[0].0.bytes);
    assert_eq!(granted.iter().map(|(_, waiter)| *waiter).collect::<String>(), "y");
    let _ = gate.release(granted[0].0.bytes);
    assert!(matches!(gate.wait(1, None, 'z'), Wait::Granted(..)));
}

#[test]
fn a_leaving_waiter_unblocks_the_next_one() {
    let gate = gate(4, 0, 100);
    let _held = admit(&gate, 50);
    let Wait::Queued(big) = gate.wait(80, None, 'x') else { panic!("granted") };
    assert!(matches!(gate.wait(20, None, 'y'), Wait::Queued(_)));
    let (left, granted) = gate.leave(big);
    assert_eq!(left, Some('x'));
    assert_eq!(granted.iter().map(|(_, waiter)| *waiter).collect::<String>(), "y");
    assert_eq!(gate.leave(big).0, None);
}

#[test]
fn a_withdrawn_job_releases_its_capacity() {
    let gate = gate(1, 1, 100);
    let now = Instant::now();
    let first = admit(&gate, 10);
    let second = admit(&gate, 20);
    let (running, queued) = (first.ticket, second.ticket);
    assert_eq!(gate.push(first, Priority::Normal, "a", now), Wake::Thread);
    assert_eq!(gate.push(second, Priority::Normal, "b", now), Wake::None);
    assert_eq!(job(gate.next(now)), Some("a"));
    assert_eq!(gate.withdraw(running, 10).0, None);
    assert_eq!(gate.withdraw(queued, 20).0, Some("b"));
    assert_eq!(gate.level(now).bytes, 10);
    let _ = admit(&gate, 1);
}

#[test]
fn a_yielded_permit_is_taken_again_when_a_job_ends() {
    let gate = gate(2, 8, 100);
    let now = Instant::now();
    assert_eq!(gate.push(admit(&gate, 1), Priority::Normal, "a", now), Wake::Thread);
    assert_eq!(job(gate.next(now)), Some("a"));
    for job in ["b", "c"] {
        let _ = gate.push(admit(&gate, 1), Priority::Normal, job, now);
    }
    gate.yield_permit(now);
    let finished = gate.finish(1, now);
    assert_eq!(job(finished.next), Some("b"));
    assert_eq!(finished.wake, Wake::Thread);
}

#[test]
fn a_spinning_thread_is_notified_instead_of_waking_another() {
    let gate = gate(2, 8, 100);
    let now = Instant::now();
    assert_eq!(gate.push(admit(&gate, 1), Priority::Normal, "a", now), Wake::Thread);
    assert_eq!(job(gate.next(now)), Some("a"));
    assert!(matches!(gate.finish(1, now).next, Next::Spin));
    assert!(!gate.is_notified());
    assert_eq!(gate.level(now).running, 0);
    assert_eq!(gate.push(admit(&gate, 1), Priority::Normal, "b", now), Wake::None);
    assert!(gate.is_notified());
    assert_eq!(gate.push(admit(&gate, 1), Priority::Normal, "c", now), Wake::Thread);
    assert_eq!(job(gate.after_spin(now)), Some("b"));
    assert_eq!(job(gate.next(now)), Some("c"));
    assert!(matches!(gate.finish(1, now).next, Next::Spin));
    assert!(matches!(gate.finish(1, now).next, Next::Done));
    assert!(matches!(gate.after_spin(now), Next::Done));
    assert_eq!(gate.push(admit(&gate, 1), Priority::Normal, "d", now), Wake::Thread);
}

#[test]
fn busy_time_is_the_integral_of_permits() {
    let start = Instant::now();
    let gate: Gate<(), ()> =
        Gate::new(Options { threads: 2, max_queue: 8, max_queue_bytes: 8, ..Options::default() }, TrackAge::No, start);
    for _ in 0..2 {
        let _ = gate.push(admit(&gate, 0), Priority::Normal, (), start);
        assert!(job(gate.next(start)).is_some());
    }
    let later = start + Duration::from_millis(10);
    assert_eq!(gate.level(later).busy, Duration::from_millis(20));
    assert!(matches!(gate.finish(0, later).next, Next::Spin));
    assert_eq!(gate.level(later + Duration::from_millis(5)).busy, Duration::from_millis(25));
}

#[test]
fn retained_bytes_block_admission_but_not_shrinking() {
    let gate = gate(4, 0, 100);
    let mut reservation = admit(&gate, 60);
    let retained = gate.retain(90);
    assert!(matches!(gate.try_admit(1, Order::MayPass), Admission::BytesFull));
    assert!(gate.resize(&mut reservation, 61).is_none());
    assert!(gate.resize(&mut reservation, 30).is_some());
    let _ = gate.release(retained.bytes);
    assert!(matches!(gate.try_admit(1, Order::MayPass), Admission::Admitted(_)));
}

#[test]
fn a_reservation_can_change_its_bytes() {
    let gate = gate(4, 0, 100);
    let mut reservation = admit(&gate, 0);
    let _other = admit(&gate, 60);
    assert!(gate.resize(&mut reservation, 41).is_none());
    assert!(gate.resize(&mut reservation, 40).is_some());
    assert_eq!(gate.level(Instant::now()).bytes, 100);
}

#[test]
fn a_shrinking_reservation_admits_a_waiter() {
    let gate = gate(1, 10, 100);
    let mut reservation = admit(&gate, 90);
    let Wait::Queued(_) = gate.wait(20, None, 'a') else { panic!("granted") };
    let granted = gate.resize(&mut reservation, 80).expect("fewer always fit");
    assert_eq!(granted.iter().map(|(granted, waiter)| (granted.bytes, *waiter)).collect::<Vec<_>>(), [(20, 'a')]);
}

#[test]
fn a_large_waiter_is_passed_a_bounded_number_of_times() {
    let gate = gate(1000, 1000, 100);
    let mut held = admit(&gate, 50);
    assert!(matches!(gate.wait(90, None, 'x'), Wait::Queued(_)));
    let mut passed = 0;
    loop {
        match gate.try_admit(50, Order::MayPass) {
            Admission::Admitted(next) => {
                assert!(gate.release(held.bytes).is_empty());
                held = next;
                passed += 1;
            }
            refused => break assert_eq!(refused, Admission::BytesFull),
        }
    }
    assert_eq!(passed, MAX_PASSED);
    let _ = admit(&gate, 0);
    let granted = gate.release(held.bytes);
    assert_eq!(granted.iter().map(|(_, waiter)| *waiter).collect::<String>(), "x");
    let _ = admit(&gate, 10);
}

#[test]
fn a_task_in_turn_passes_no_waiter() {
    let gate = gate(4, 0, 100);
    let held = admit(&gate, 50);
    let Wait::Queued(ticket) = gate.wait(80, None, 'x') else { panic!("granted") };
    assert_eq!(gate.try_admit(1, Order::InTurn), Admission::BytesFull);
    assert_eq!(gate.try_admit(0, Order::InTurn), Admission::BytesFull);
    let _ = gate.release(admit(&gate, 1).bytes);
    assert_eq!(gate.leave(ticket).0, Some('x'));
    assert!(matches!(gate.try_admit(1, Order::InTurn), Admission::Admitted(_)));
    let _ = gate.release(held.bytes);
}

#[test]
fn a_job_is_as_old_as_the_wait_of_its_caller() {
    let gate = gate(1, 1, 100);
    let start = Instant::now();
    let later = start + Duration::from_millis(10);
    let held = [admit(&gate, 1), admit(&gate, 1)];
    assert!(matches!(gate.wait(1, Some(start), 'x'), Wait::Queued(_)));
    assert_eq!(gate.oldest(), Some(start));
    let (reservation, _) = gate.release(held[0].bytes).remove(0);
    assert_eq!((reservation.since, gate.oldest()), (Some(start), None));
    let _ = gate.push(reservation, Priority::Normal, "a", later);
    assert_eq!(gate.oldest(), Some(start));
    assert_eq!(gate.take_stale(start).map(|queued| queued.job), Some("a"));
}

#[test]
fn waiters_go_stale_in_the_order_of_their_calls_unless_their_time_is_unlimited() {
    let gate = gate(1, 0, 100);
    let start = Instant::now();
    let held = admit(&gate, 1);
    let at = |millis| start + Duration::from_millis(millis);
    for (since, waiter) in [(None, 'm'), (Some(at(0)), 'a'), (Some(at(5)), 'b'), (Some(at(9)), 'c')] {
        assert!(matches!(gate.wait(1, since, waiter), Wait::Queued(_)));
    }
    let stale: String = std::iter::from_fn(|| gate.take_stale_waiter(at(5))).map(|(waiter, _)| waiter).collect();
    assert_eq!((stale.as_str(), gate.oldest()), ("ab", Some(at(9))));
    let (reservation, waiter) = gate.release(held.bytes).remove(0);
    assert_eq!(waiter, 'm');
    assert_eq!(gate.release(reservation.bytes).remove(0).1, 'c');
}

#[test]
fn a_stale_waiter_unblocks_the_next_one() {
    let gate = gate(4, 0, 100);
    let start = Instant::now();
    let _held = admit(&gate, 50);
    assert!(matches!(gate.wait(80, Some(start), 'x'), Wait::Queued(_)));
    assert!(matches!(gate.wait(20, None, 'y'), Wait::Queued(_)));
    let (stale, granted) = gate.take_stale_waiter(start).expect("stale");
    assert_eq!((stale, granted[0].1), ('x', 'y'));
}
