use super::*;

fn id(text: &str) -> Id {
    Id::parse(text).unwrap()
}

/// Everything that may run now.
fn running(queue: &mut Queue) -> Vec<Ticket> {
    std::iter::from_fn(|| queue.start_next()).collect()
}

/// Answers a running command, and ends it.
fn finish(queue: &mut Queue, ticket: Ticket) -> Vec<Ticket> {
    let due = queue.answered(ticket);
    queue.end(ticket);
    due
}

#[test]
fn fifty_commands_of_one_asker_run_one_by_one_in_order() {
    let mut queue = Queue::of(64);
    let (tenant, asker) = (id("t"), id("s"));
    let tickets: Vec<_> =
        (0..50).map(|_| queue.push(&tenant, &asker, Lane::Quick).expect("there is room")).collect();
    for ticket in tickets {
        assert_eq!(running(&mut queue), [ticket]);
        assert!(finish(&mut queue, ticket).is_empty());
    }
    assert!(queue.is_empty());
}

#[test]
fn an_asker_s_next_command_waits_across_lanes() {
    let mut queue = Queue::of(64);
    let (tenant, asker) = (id("t"), id("s"));
    let long = queue.push(&tenant, &asker, Lane::Long).unwrap();
    let quick = queue.push(&tenant, &asker, Lane::Quick).unwrap();
    assert_eq!(running(&mut queue), [long]);
    finish(&mut queue, long);
    assert_eq!(running(&mut queue), [quick]);
}

#[test]
fn a_tenant_has_half_of_a_lane_at_most_and_others_take_turns() {
    let mut queue = Queue::of(64);
    let push = |queue: &mut Queue, tenant: &str, number: usize| {
        queue.push(&id(tenant), &id(&format!("{tenant}{number}")), Lane::Quick).unwrap()
    };
    let greedy: Vec<_> = (0..20).map(|number| push(&mut queue, "a", number)).collect();
    assert_eq!(running(&mut queue), greedy[..2], "two of four threads");
    let (b, c): (Vec<_>, Vec<_>) =
        (0..3).map(|number| (push(&mut queue, "b", number), push(&mut queue, "c", number))).unzip();
    // Who came later finds a thread at once.
    assert_eq!(running(&mut queue), [b[0], c[0]]);
    // A freed thread goes to whoever has waited longest for a turn, not to who has the most commands.
    finish(&mut queue, greedy[0]);
    assert_eq!(running(&mut queue), [b[1]]);
    finish(&mut queue, b[0]);
    assert_eq!(running(&mut queue), [c[1]]);
    finish(&mut queue, c[0]);
    assert_eq!(running(&mut queue), [greedy[2]]);
}

#[test]
fn long_commands_take_no_thread_of_the_quick_ones() {
    let mut queue = Queue::of(64);
    for number in 0..8 {
        queue.push(&id(&format!("t{number}")), &id(&format!("s{number}")), Lane::Long).unwrap();
    }
    assert_eq!(running(&mut queue).len(), 2);
    let quick = queue.push(&id("t9"), &id("s9"), Lane::Quick).unwrap();
    assert_eq!(running(&mut queue), [quick]);
}

#[test]
fn too_many_of_a_tenant_are_refused_and_others_are_not() {
    let mut queue = Queue::of(2);
    let (a, b) = (id("a"), id("b"));
    let first = queue.push(&a, &id("s1"), Lane::Quick).unwrap();
    queue.push(&a, &id("s2"), Lane::Quick).unwrap();
    assert_eq!(queue.push(&a, &id("s3"), Lane::Quick), None);
    assert!(queue.push(&b, &id("s4"), Lane::Quick).is_some());
    running(&mut queue);
    // Answered, but its thread is not free: it still counts.
    queue.answered(first);
    assert_eq!(queue.push(&a, &id("s3"), Lane::Quick), None);
    queue.end(first);
    assert!(queue.push(&a, &id("s3"), Lane::Quick).is_some());
}

#[test]
fn a_refusal_is_told_in_its_turn() {
    let mut queue = Queue::of(2);
    let (tenant, asker) = (id("t"), id("s"));
    assert_eq!(queue.push_refused(&asker), None, "nothing is before it");
    let [first, second] = [(), ()].map(|()| queue.push(&tenant, &asker, Lane::Quick).unwrap());
    let third = queue.push_refused(&asker).unwrap();
    assert_eq!(running(&mut queue), [first]);
    assert!(finish(&mut queue, first).is_empty());
    assert_eq!(running(&mut queue), [second]);
    assert_eq!(finish(&mut queue, second), [third]);
    assert!(queue.is_empty());
}

#[test]
fn refusals_that_wait_are_bounded() {
    let mut queue = Queue::of(1);
    let (tenant, asker) = (id("t"), id("s"));
    queue.push(&tenant, &asker, Lane::Quick).unwrap();
    for _ in 0..REFUSED {
        assert!(queue.push_refused(&asker).is_some());
    }
    assert_eq!(queue.push_refused(&asker), None);
}

#[test]
fn one_that_waits_for_another_s_result_holds_no_thread_but_its_asker() {
    let mut queue = Queue::of(64);
    let (tenant, asker) = (id("t"), id("s"));
    let parked = queue.push(&tenant, &asker, Lane::Long).unwrap();
    let behind = queue.push(&tenant, &asker, Lane::Quick).unwrap();
    let other = queue.push(&tenant, &id("s2"), Lane::Long).unwrap();
    assert_eq!(running(&mut queue), [parked], "one long command of a tenant");
    queue.free(parked);
    assert_eq!(running(&mut queue), [other]);
    finish(&mut queue, parked);
    assert_eq!(running(&mut queue), [behind]);
}

#[test]
fn one_that_is_given_up_before_its_turn_is_passed_over() {
    let mut queue = Queue::of(64);
    let tenant = id("t");
    let tickets: Vec<_> =
        (0..4).map(|number| queue.push(&tenant, &id(&format!("s{number}")), Lane::Quick).unwrap()).collect();
    assert_eq!(running(&mut queue), tickets[..2]);
    finish(&mut queue, tickets[2]);
    finish(&mut queue, tickets[0]);
    assert_eq!(running(&mut queue), [tickets[3]]);
    finish(&mut queue, tickets[1]);
    finish(&mut queue, tickets[3]);
    assert!(queue.is_empty());
}

#[test]
fn a_freed_command_has_a_thread_again_before_its_asker_s_next() {
    let mut queue = Queue::of(64);
    let (tenant, asker) = (id("t"), id("s"));
    let first = queue.push(&tenant, &asker, Lane::Quick).unwrap();
    let next = queue.push(&tenant, &asker, Lane::Quick).unwrap();
    queue.resume(first);
    assert_eq!(running(&mut queue), [first], "it was waiting anyway");
    queue.resume(first);
    assert!(running(&mut queue).is_empty(), "it has one");
    queue.free(first);
    queue.resume(first);
    assert_eq!(running(&mut queue), [first]);
    finish(&mut queue, first);
    assert_eq!(running(&mut queue), [next]);
    finish(&mut queue, next);
    assert!(queue.is_empty());
}
