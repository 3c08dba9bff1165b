use super::*;

fn gate(threads: usize, max_queue: usize, max_queue_bytes: usize) -> Gate<&'static str, char> {
    Gate::new(Limits { threads, max_queue, max_queue_bytes }, Instant::now())
}

fn admit<J, W>(gate: &Gate<J, W>, bytes: usize) -> Reservation {
    match gate.try_admit(bytes, Instant::now()) {
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
    assert_eq!(gate.try_admit(1, Instant::now()), Admission::TasksFull);
}

#[test]
fn bytes_are_bounded_but_a_giant_may_go_alone() {
    let gate = gate(2, 10, 100);
    let giant = admit(&gate, 1000);
    assert_eq!(gate.try_admit(1, Instant::now()), Admission::BytesFull);
    assert!(gate.release(giant.bytes, Instant::now()).is_empty());
    let small = admit(&gate, 60);
    assert_eq!(gate.try_admit(41, Instant::now()), Admission::BytesFull);
    let _ = admit(&gate, 40);
    let _ = gate.release(small.bytes, Instant::now());
    assert_eq!(gate.level(Instant::now()).bytes, 40);
}

#[test]
fn a_push_takes_a_permit_while_there_is_one() {
    let gate = gate(1, 2, 100);
    let now = Instant::now();
    assert_eq!(gate.push(admit(&gate, 1), Priority::Normal, "a", now), Wake::Thread);
    assert_eq!(gate.push(admit(&gate, 1), Priority::Normal, "b", now), Wake::Nobody);
    let level = gate.level(now);
    assert_eq!((level.running, level.queued, level.bytes), (1, 1, 2));
    assert_eq!(gate.next(now).map(|queued| queued.job), Some("a"));
    let followup = gate.finish(1, now);
    assert_eq!(followup.next.map(|queued| queued.job), Some("b"));
    assert!(gate.finish(1, now).next.is_none());
    let level = gate.level(now);
    assert_eq!((level.running, level.queued, level.bytes), (0, 0, 0));
}

#[test]
fn waiters_are_served_in_order_and_nobody_overtakes_them() {
    let gate = gate(1, 0, 100);
    let now = Instant::now();
    let held = admit(&gate, 50);
    assert!(matches!(gate.wait(80, 'x', now), Wait::Queued(_)));
    assert!(matches!(gate.wait(1, 'y', now), Wait::Queued(_)));
    let granted = gate.release(held.bytes, now);
    assert_eq!(granted.iter().map(|(_, who)| *who).collect::<String>(), "x");
    let granted = gate.release(granted[0].0.bytes, now);
    assert_eq!(granted.iter().map(|(_, who)| *who).collect::<String>(), "y");
    let _ = gate.release(granted[0].0.bytes, now);
    assert!(matches!(gate.wait(1, 'z', now), Wait::Granted(..)));
}

#[test]
fn a_waiter_that_leaves_lets_the_next_one_pass() {
    let gate = gate(4, 0, 100);
    let now = Instant::now();
    let _held = admit(&gate, 50);
    let Wait::Queued(big) = gate.wait(80, 'x', now) else { panic!("granted") };
    assert!(matches!(gate.wait(20, 'y', now), Wait::Queued(_)));
    assert_eq!(gate.try_admit(1, now), Admission::BytesFull);
    let (left, granted) = gate.leave(big, now);
    assert_eq!(left, Some('x'));
    assert_eq!(granted.iter().map(|(_, who)| *who).collect::<String>(), "y");
    assert_eq!(gate.leave(big, now).0, None);
}

#[test]
fn a_withdrawn_job_frees_its_room_at_once() {
    let gate = gate(1, 1, 100);
    let now = Instant::now();
    let first = admit(&gate, 10);
    let second = admit(&gate, 20);
    let (running, queued) = (first.ticket, second.ticket);
    assert_eq!(gate.push(first, Priority::Normal, "a", now), Wake::Thread);
    assert_eq!(gate.push(second, Priority::Normal, "b", now), Wake::Nobody);
    assert_eq!(gate.next(now).map(|queued| queued.job), Some("a"));
    assert_eq!(gate.withdraw(running, 10, now).0, None);
    assert_eq!(gate.withdraw(queued, 20, now).0, Some("b"));
    assert_eq!(gate.level(now).bytes, 10);
    let _ = admit(&gate, 1);
}

#[test]
fn a_thread_that_stands_back_is_replaced_when_a_job_ends() {
    let gate = gate(2, 8, 100);
    let now = Instant::now();
    assert_eq!(gate.push(admit(&gate, 1), Priority::Normal, "a", now), Wake::Thread);
    assert_eq!(gate.next(now).map(|queued| queued.job), Some("a"));
    for job in ["b", "c"] {
        let _ = gate.push(admit(&gate, 1), Priority::Normal, job, now);
    }
    gate.stand_back(now);
    let followup = gate.finish(1, now);
    assert_eq!(followup.next.map(|queued| queued.job), Some("b"));
    assert_eq!(followup.wake, Wake::Thread);
}

#[test]
fn busy_time_is_the_integral_of_permits() {
    let start = Instant::now();
    let gate: Gate<(), ()> = Gate::new(Limits { threads: 2, max_queue: 8, max_queue_bytes: 8 }, start);
    for _ in 0..2 {
        let _ = gate.push(admit(&gate, 0), Priority::Normal, (), start);
        assert!(gate.next(start).is_some());
    }
    let later = start + Duration::from_millis(10);
    assert_eq!(gate.level(later).busy, Duration::from_millis(20));
    assert!(gate.finish(0, later).next.is_none());
    assert_eq!(gate.level(later + Duration::from_millis(5)).busy, Duration::from_millis(25));
}

#[test]
fn a_reservation_can_change_its_weight() {
    let gate = gate(4, 0, 100);
    let mut reservation = admit(&gate, 0);
    let _other = admit(&gate, 60);
    assert!(!gate.resize(&mut reservation, 41));
    assert!(gate.resize(&mut reservation, 40));
    assert_eq!(gate.level(Instant::now()).bytes, 100);
}
