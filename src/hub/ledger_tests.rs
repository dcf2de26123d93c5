use std::collections::{BTreeMap, HashSet};

use proptest::prelude::*;
use serde_json::value::RawValue;

use super::Delivery::{Acknowledged, Gone, Queued, Written};
use super::*;
use crate::events::publication::Target;

const T0: Now = Now { moment: Moment::START, wall: Timestamp::from_millis(1_000) };

fn at(seconds: u64) -> Now {
    let span = Duration::from_secs(seconds);
    Now { moment: T0.moment + span, wall: T0.wall + span }
}

fn key(slot: u32) -> SocketKey {
    SocketKey { worker: 0, slot, generation: 0 }
}

fn bearer(key: SocketKey) -> Bearer {
    let id = |text: String| Id::parse(&text).unwrap();
    let user = key.slot.is_multiple_of(2).then(|| id(format!("u{}", key.slot)));
    Bearer { id: id(format!("s{}-{}", key.slot, key.generation)), user }
}

fn publication(message_id: &str, event: &str) -> Publication {
    Publication {
        message_id: message_id.into(),
        event: event.into(),
        data: Arc::from(RawValue::from_string("1".into()).unwrap()),
        attachments: Vec::new(),
        target: Target::everyone(),
        requires_ack: true,
        priority: Priority::Urgent,
        sent_at: T0.wall,
    }
}

/// Notes for a socket that is here.
fn note(ledger: &mut Ledger, number: u32, slot: u32, state: Delivery, seconds: u64) {
    ledger.note(number, key(slot), state, || Some(bearer(key(slot))), at(seconds));
}

fn by_id(message_id: &str) -> Name {
    Name::MessageId(message_id.to_owned())
}

/// The state of each recipient by its slot, and since when.
fn states(ledger: &mut Ledger, message_id: &str, seconds: u64) -> Option<BTreeMap<u32, (Delivery, u64)>> {
    let entry = ledger.find(message_id, at(seconds).moment)?;
    let since = |own: &Recipient| T0.wall.until(own.at).as_secs();
    Some(entry.recipients.iter().map(|(key, own)| (key.slot, (own.state, since(own)))).collect())
}

#[test]
fn a_state_moves_forward_only() {
    let moves = [(Queued, Written), (Queued, Gone), (Written, Acknowledged), (Written, Gone)];
    for from in [Queued, Written, Acknowledged, Gone] {
        for to in [Queued, Written, Acknowledged, Gone] {
            assert_eq!(from.may_become(to), moves.contains(&(from, to)), "{from:?} to {to:?}");
        }
    }
}

/// What happens to one recipient, second by second, and what is known of it then.
#[test]
fn a_recipient_s_life() {
    #[derive(Clone, Copy, Debug)]
    enum Step {
        Note(Delivery),
        /// By number, and whether it counts.
        Number(bool),
        Id(bool),
        Leave,
    }
    use Step::{Id, Leave, Note, Number};
    type Life<'a> = (&'a [Step], Option<(Delivery, u64)>);
    let lives: &[Life<'_>] = &[
        (&[], None),
        (&[Number(false), Id(false), Leave], None),
        (&[Note(Queued)], Some((Queued, 0))),
        // Nobody has received what still waits.
        (&[Note(Queued), Number(false), Id(false)], Some((Queued, 0))),
        (&[Note(Queued), Note(Written)], Some((Written, 1))),
        (&[Note(Queued), Note(Written), Number(true)], Some((Acknowledged, 2))),
        (&[Note(Queued), Note(Gone)], Some((Gone, 1))),
        (&[Note(Queued), Leave], Some((Gone, 1))),
        (&[Note(Written), Leave], Some((Gone, 1))),
        (&[Note(Written), Id(true)], Some((Acknowledged, 1))),
        // A second time is no news.
        (&[Note(Written), Number(true), Id(true), Number(true)], Some((Acknowledged, 1))),
        (&[Note(Written), Number(true), Leave], Some((Acknowledged, 1))),
        (&[Note(Written), Leave, Number(false), Id(false)], Some((Gone, 1))),
        // Told in another order than it happened.
        (&[Note(Written), Note(Queued)], Some((Written, 0))),
        (&[Note(Gone), Note(Queued), Note(Written)], Some((Gone, 0))),
    ];
    for (steps, expected) in lives {
        let mut ledger = Ledger::default();
        let number = ledger.open(&publication("m", "e"), 1, T0);
        for (second, step) in (0..).zip(*steps) {
            match step {
                Note(state) => note(&mut ledger, number, 1, *state, second),
                Number(counts) => {
                    assert_eq!(
                        ledger.acknowledge(key(1), &Name::Number(number), at(second)),
                        *counts,
                        "{steps:?}"
                    );
                }
                Id(counts) => {
                    assert_eq!(ledger.acknowledge(key(1), &by_id("m"), at(second)), *counts, "{steps:?}")
                }
                Leave => ledger.leave(key(1), || Some(bearer(key(1))), at(second)),
            }
        }
        let found = states(&mut ledger, "m", 10).unwrap().get(&1).copied();
        assert_eq!(found, *expected, "{steps:?}");
    }
}

#[test]
fn an_acknowledgement_counts_for_its_socket_alone() {
    let mut ledger = Ledger::default();
    let number = ledger.open(&publication("m", "e"), 1, T0);
    note(&mut ledger, number, 1, Written, 0);
    note(&mut ledger, number, 2, Written, 0);
    let later = SocketKey { generation: 1, ..key(1) };
    for (stranger, name) in [
        (key(3), Name::Number(number)),
        (key(3), by_id("m")),
        (later, Name::Number(number)),
        (key(1), Name::Number(number + 1)),
        (key(1), by_id("M")),
        (key(1), by_id("")),
    ] {
        assert!(!ledger.acknowledge(stranger, &name, at(1)), "{stranger:?} {name:?}");
    }
    assert!(ledger.acknowledge(key(2), &by_id("m"), at(2)));
    let expected = BTreeMap::from([(1, (Written, 0)), (2, (Acknowledged, 2))]);
    assert_eq!(states(&mut ledger, "m", 3), Some(expected));
}

#[test]
fn what_was_published_is_told_until_it_expires() {
    let mut ledger = Ledger::default();
    let number = ledger.open(&publication("m", "e"), 0, T0);
    let entry = ledger.find("m", T0.moment).unwrap();
    assert_eq!((&*entry.event, entry.priority, entry.sent_at), ("e", Priority::Urgent, T0.wall));
    assert_eq!(entry.expires_at, T0.wall + LIFETIME);
    note(&mut ledger, number, 1, Written, 0);
    assert!(ledger.find("m", at(599).moment).is_some());
    assert!(ledger.find("m", at(600).moment).is_none());
    assert!(!ledger.acknowledge(key(1), &Name::Number(number), at(600)));
    assert!(ledger.by_socket.is_empty() && ledger.entries.is_empty() && ledger.by_id.is_empty());
    assert_eq!((ledger.weight, ledger.unserved), (0, 0));
}

#[test]
fn a_socket_that_left_before_a_hub_told_of_it_is_gone_by_its_name() {
    let mut ledger = Ledger::default();
    let number = ledger.open(&publication("m", "e"), 2, T0);
    ledger.leave(key(2), || Some(bearer(key(2))), at(1));
    ledger.note(number, key(2), Written, || None, at(2));
    ledger.served(number);
    ledger.leave(key(3), || Some(bearer(key(3))), at(3));
    ledger.note(number, key(3), Queued, || None, at(4));
    ledger.served(number);
    assert!(ledger.departed.is_empty(), "nobody will ask any more");
    assert_eq!(ledger.find("m", at(5).moment).unwrap().recipients[&key(2)].bearer, bearer(key(2)));
    let expected = BTreeMap::from([(2, (Gone, 2)), (3, (Gone, 4))]);
    assert_eq!(states(&mut ledger, "m", 5), Some(expected));

    // While nothing is under way, those who leave are not kept.
    ledger.leave(key(4), || panic!("nobody asks for the name"), at(6));
    assert!(ledger.departed.is_empty());
}

#[test]
fn the_oldest_goes_when_there_are_too_many_and_the_newest_stays() {
    let mut ledger = Ledger::of(3 * ENTRY + 3, 0);
    let numbers = ["a", "b", "c"].map(|id| ledger.open(&publication(id, "e"), 1, T0));
    for (slot, number) in (0..).zip(numbers) {
        note(&mut ledger, number, slot, Written, 0);
    }
    assert!(ledger.find("a", T0.moment).is_some());
    note(&mut ledger, numbers[2], 9, Written, 0);
    assert!(ledger.find("a", T0.moment).is_none() && ledger.find("b", T0.moment).is_some());
    for slot in 10..100 {
        note(&mut ledger, numbers[2], slot, Written, 0);
    }
    assert!(ledger.find("b", T0.moment).is_none());
    assert_eq!(ledger.find("c", T0.moment).unwrap().recipients.len(), 92);
}

#[test]
fn what_has_expired_is_not_found_after_the_clock_was_set_back() {
    let mut ledger = Ledger::default();
    let set_back = |seconds| Now { moment: at(seconds).moment, wall: T0.wall };
    ledger.open(&publication("early", "e"), 1, Now { wall: at(3600).wall, ..T0 });
    ledger.open(&publication("late", "e"), 1, set_back(1));
    assert!(ledger.find("early", at(599).moment).is_some());
    for (seconds, id) in [(600, "early"), (601, "late")] {
        assert!(ledger.find(id, at(seconds).moment).is_none(), "{id}");
        assert!(!ledger.acknowledge(key(1), &by_id(id), set_back(seconds)), "{id}");
    }
}

#[test]
fn an_empty_ledger_holds_no_memory() {
    let mut ledger = Ledger::default();
    for index in 0..100 {
        let number = ledger.open(&publication(&format!("m{index}"), "e"), 0, at(index));
        note(&mut ledger, number, 1, Written, index);
    }
    ledger.expire(at(700).moment);
    let tables = [ledger.entries.capacity(), ledger.by_id.capacity(), ledger.by_socket.capacity()];
    assert_eq!((tables, ledger.order.capacity(), ledger.weight), ([0; 3], 0, 0));
}

#[test]
fn a_number_is_below_two_to_the_31_and_not_given_twice_while_it_lives() {
    let mut ledger = Ledger::of(1000, NUMBERS - 2);
    let first = ["a", "b", "c"].map(|id| ledger.open(&publication(id, "e"), 0, T0));
    assert_eq!(first, [NUMBERS - 2, NUMBERS - 1, 0]);
    ledger.next = NUMBERS - 1;
    assert_eq!(ledger.open(&publication("d", "e"), 0, T0), 1);
    // Expired, they are free.
    ledger.next = NUMBERS - 1;
    assert_eq!(ledger.open(&publication("e", "e"), 0, at(600)), NUMBERS - 1);
}

#[derive(Clone, Copy, Debug)]
enum Op {
    Open(usize),
    Note(usize, u32, Delivery),
    Served(usize),
    /// The socket of this slot ends, and another takes its place.
    Leave(u32),
    Acknowledge(usize, u32, bool),
    Pass(u64),
}

fn op() -> impl Strategy<Value = Op> {
    // Counted from the newest publication.
    let back = 0..4_usize;
    let slot = 0..5_u32;
    let told = prop_oneof![Just(Queued), Just(Written), Just(Gone)];
    prop_oneof![
        2 => (0..3_usize).prop_map(Op::Open),
        6 => (back.clone(), slot.clone(), told).prop_map(|(back, slot, state)| Op::Note(back, slot, state)),
        2 => back.clone().prop_map(Op::Served),
        2 => slot.clone().prop_map(Op::Leave),
        3 => (back, slot, any::<bool>()).prop_map(|(back, slot, by_id)| Op::Acknowledge(back, slot, by_id)),
        1 => (0..400_u64).prop_map(Op::Pass),
    ]
}

/// The same, without an index or a bound on time: all publications that were, newest last.
#[derive(Default)]
struct Model {
    published: Vec<Published>,
    generations: [u32; 5],
    departed: HashSet<SocketKey>,
}

struct Published {
    number: u32,
    opened: u64,
    unserved: usize,
    is_forgotten: bool,
    recipients: BTreeMap<SocketKey, Delivery>,
}

impl Model {
    fn key(&self, slot: u32) -> SocketKey {
        SocketKey { generation: self.generations[slot as usize], ..key(slot) }
    }

    fn back(&mut self, back: usize) -> Option<(usize, &mut Published)> {
        let index = self.published.len().checked_sub(back + 1)?;
        Some((index, &mut self.published[index]))
    }

    fn forget(&mut self, capacity: usize, seconds: u64) {
        for own in &mut self.published {
            own.is_forgotten |= seconds >= own.opened + LIFETIME.as_secs();
        }
        loop {
            let kept = || self.published.iter().filter(|own| !own.is_forgotten);
            if kept().map(|own| ENTRY + own.recipients.len()).sum::<usize>() <= capacity || kept().count() < 2
            {
                break;
            }
            self.published.iter_mut().find(|own| !own.is_forgotten).unwrap().is_forgotten = true;
        }
        if self.published.iter().all(|own| own.is_forgotten || own.unserved == 0) {
            self.departed.clear();
        }
    }
}

proptest! {
    #[test]
    fn the_ledger_is_as_good_as_a_list(ops in prop::collection::vec(op(), 1..120), capacity in 5..40_usize) {
        let (mut ledger, mut model, mut seconds) = (Ledger::of(capacity, 0), Model::default(), 0);
        for op in ops {
            match op {
                Op::Open(unserved) => {
                    let message_id = format!("m{}", model.published.len());
                    let number = ledger.open(&publication(&message_id, "e"), unserved, at(seconds));
                    let recipients = BTreeMap::new();
                    model.published.push(Published { number, opened: seconds, unserved, is_forgotten: false, recipients });
                }
                Op::Note(back, slot, state) => {
                    // Sometimes of a socket that has ended.
                    let mut key = model.key(slot);
                    let is_here = back != 1;
                    if !is_here {
                        key.generation = key.generation.wrapping_sub(1);
                    }
                    let is_known = is_here || model.departed.contains(&key);
                    let Some((_, own)) = model.back(back) else { continue };
                    ledger.note(own.number, key, state, || is_here.then(|| bearer(key)), at(seconds));
                    if own.is_forgotten {
                        continue;
                    }
                    match own.recipients.get_mut(&key) {
                        Some(old) if old.may_become(state) => *old = state,
                        Some(_) => {}
                        None if is_known => {
                            own.recipients.insert(key, if is_here { state } else { Gone });
                        }
                        None => {}
                    }
                }
                Op::Served(back) => {
                    let Some((_, own)) = model.back(back) else { continue };
                    ledger.served(own.number);
                    own.unserved = own.unserved.saturating_sub(1);
                }
                Op::Leave(slot) => {
                    let key = model.key(slot);
                    ledger.leave(key, || Some(bearer(key)), at(seconds));
                    for own in &mut model.published {
                        if let Some(state) = own.recipients.get_mut(&key) && state.may_become(Gone) {
                            *state = Gone;
                        }
                    }
                    if model.published.iter().any(|own| !own.is_forgotten && own.unserved > 0) {
                        model.departed.insert(key);
                    }
                    model.generations[slot as usize] += 1;
                }
                Op::Acknowledge(back, slot, is_by_id) => {
                    let key = model.key(slot);
                    let Some((index, own)) = model.back(back) else { continue };
                    let name = if is_by_id { by_id(&format!("m{index}")) } else { Name::Number(own.number) };
                    let counts = ledger.acknowledge(key, &name, at(seconds));
                    let state = own.recipients.get_mut(&key).filter(|_| !own.is_forgotten);
                    let received = state.is_some_and(|state| {
                        let received = matches!(state, Written | Acknowledged);
                        if received { *state = Acknowledged; }
                        received
                    });
                    prop_assert_eq!(counts, received);
                }
                Op::Pass(more) => {
                    seconds += more;
                    // Time is only looked at when something is asked.
                    ledger.expire(at(seconds).moment);
                }
            }
            model.forget(capacity, seconds);
            for (index, own) in model.published.iter().enumerate() {
                let found = ledger.find(&format!("m{index}"), at(seconds).moment);
                prop_assert_eq!(found.is_none(), own.is_forgotten);
                if let Some(found) = found {
                    let found: BTreeMap<_, _> = found.recipients.iter().map(|(key, own)| (*key, own.state)).collect();
                    prop_assert_eq!(&found, &own.recipients);
                }
            }
            let weight: usize = ledger.entries.values().map(Entry::weight).sum();
            prop_assert_eq!(ledger.weight, weight);
            prop_assert!(weight <= capacity || ledger.entries.len() == 1);
            prop_assert_eq!(ledger.by_id.len(), ledger.entries.len());
            let departed: HashSet<SocketKey> = ledger.departed.keys().copied().collect();
            prop_assert_eq!(&departed, &model.departed);
            for (key, numbers) in &ledger.by_socket {
                prop_assert!(!numbers.is_empty());
                prop_assert!(numbers.iter().all(|number| ledger.entries[number].recipients.contains_key(key)));
            }
        }
    }
}
