//! Commands with effect once.

use std::sync::{Arc, Barrier};

use switchboard::store::{LeadQuery, StoreError};

use super::*;

pub fn a_command_is_first_then_pending_then_replayed<P: Place>() {
    let (place, [a, ..]) = (P::new(), tenants());
    let store = place.open();
    assert_eq!(stands(&*store, &a, "k"), Begun::First);
    assert_eq!(stands(&*store, &a, "k"), Begun::Pending);
    store.record(&a, done("k", r#"{"success":true}"#), at(2)).unwrap();
    for _ in 0..2 {
        assert_eq!(stands(&*store, &a, "k"), Begun::Replay(r#"{"success":true}"#.into()));
    }
    assert_eq!(store.record(&a, done("k", "other"), at(3)), Err(StoreError::NotPending));
    assert_eq!(store.record(&a, done("never begun", ""), at(3)), Err(StoreError::NotPending));
}

pub fn another_body_is_a_conflict<P: Place>() {
    let (place, [a, ..]) = (P::new(), tenants());
    let store = place.open();
    let other = Begin::new("k", "other body", "create_lead", Effect::Inside);
    assert_eq!(stands(&*store, &a, "k"), Begun::First);
    assert_eq!(store.begin(&a, &other, at(1)), Ok(Begun::Conflict));
    store.record(&a, done("k", "x"), at(2)).unwrap();
    assert_eq!(store.begin(&a, &other, at(3)), Ok(Begun::Conflict));
    assert_eq!(stands(&*store, &a, "k"), Begun::Replay("x".into()));
}

pub fn looking_begins_nothing_and_sees_how_a_key_stands<P: Place>() {
    let (place, [a, b, _]) = (P::new(), tenants());
    let store = place.open();
    let look = |store: &dyn Store, tenant, key: &str, millis| {
        store.stands(tenant, key, &begin(key, Effect::Inside).body, at(millis)).unwrap()
    };
    for _ in 0..2 {
        assert_eq!(look(&*store, &a, "k", 1), Begun::First);
    }
    for (key, effect) in [("k", Effect::Inside), ("out", Effect::Outside), ("done", Effect::Inside)] {
        assert_eq!(store.begin(&a, &begin(key, effect), at(1)), Ok(Begun::First));
        assert_eq!(look(&*store, &a, key, 1), Begun::Pending);
        assert_eq!(look(&*store, &b, key, 1), Begun::First, "another tenant's");
        assert_eq!(store.stands(&a, key, &[0; 32], at(1)), Ok(Begun::Conflict));
    }
    store.record(&a, done("done", "x"), at(1)).unwrap();
    assert_eq!(look(&*store, &a, "done", TTL), Begun::Replay("x".into()));
    assert_eq!(look(&*store, &a, "done", 1 + TTL), Begun::First, "it is due");
    drop(store);
    let store = place.open();
    let stands = ["k", "out", "done"].map(|key| look(&*store, &a, key, 1));
    assert_eq!(stands, [Begun::Again, Begun::Unknown, Begun::Replay("x".into())]);
}

pub fn what_was_withdrawn_may_be_begun_with_any_body<P: Place>() {
    let (place, [a, ..]) = (P::new(), tenants());
    let store = place.open();
    let withdrawn = || Record { settle: Some(Settle::Withdrawn { key: "k".into() }), audit: None };
    assert_eq!(stands(&*store, &a, "k"), Begun::First);
    store.record(&a, withdrawn(), at(1)).unwrap();
    let other = Begin::new("k", "other body", "create_lead", Effect::Inside);
    assert_eq!(store.begin(&a, &other, at(1)), Ok(Begun::First));
    store.record(&a, done("k", "x"), at(2)).unwrap();
    assert_eq!(store.record(&a, withdrawn(), at(3)), Err(StoreError::NotPending));
    assert_eq!(store.begin(&a, &other, at(4)), Ok(Begun::Replay("x".into())));
}

pub fn keys_are_the_tenants_own<P: Place>() {
    let (place, [a, b, _]) = (P::new(), tenants());
    let store = place.open();
    assert_eq!(stands(&*store, &a, "k"), Begun::First);
    assert_eq!(stands(&*store, &b, "k"), Begun::First);
    store.record(&a, done("k", "a's"), at(1)).unwrap();
    assert_eq!(stands(&*store, &b, "k"), Begun::Pending);
    store.record(&b, done("k", "b's"), at(1)).unwrap();
    assert_eq!(stands(&*store, &a, "k"), Begun::Replay("a's".into()));
    assert_eq!(store.record(&b, done("only a's", ""), at(1)), Err(StoreError::NotPending));
}

pub fn an_effect_and_its_answer_are_stored_together_or_not_at_all<P: Place>() {
    let (place, [a, b, _]) = (P::new(), tenants());
    let store = place.open();
    assert_eq!(stands(&*store, &a, "k"), Begun::First);
    let with =
        |tenant, number, key| store.create_lead(tenant, &lead(number, "x", 0), done(key, "made"), at(1));
    assert_eq!(with(&a, 1, "k"), Ok(()));
    assert_eq!(with(&a, 2, "k"), Err(StoreError::NotPending), "it is settled");
    assert_eq!(with(&a, 3, "no such key"), Err(StoreError::NotPending));
    assert_eq!(with(&b, 4, "k"), Err(StoreError::NotPending), "another tenant's");
    assert_eq!(store.leads(&a, &LeadQuery::newest(10)).unwrap().total, 1);
    assert_eq!(store.leads(&b, &LeadQuery::newest(10)).unwrap().total, 0);

    assert_eq!(stands(&*store, &a, "twice"), Begun::First);
    assert_eq!(with(&a, 1, "twice"), Err(StoreError::Exists));
    assert_eq!(stands(&*store, &a, "twice"), Begun::Pending, "no effect, no answer");
}

pub fn of_threads_that_begin_at_once_one_is_first<P: Place>() {
    let (place, [a, ..]) = (P::new(), tenants());
    let store = place.open();
    for round in 0..20 {
        let start = Arc::new(Barrier::new(8));
        let threads: Vec<_> = (0..8)
            .map(|_| {
                let (store, start, a) = (Arc::clone(&store), Arc::clone(&start), a.clone());
                std::thread::spawn(move || {
                    start.wait();
                    stands(&*store, &a, &format!("k{round}"))
                })
            })
            .collect();
        let begun: Vec<Begun> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
        let count = |which: &Begun| begun.iter().filter(|one| *one == which).count();
        assert_eq!((count(&Begun::First), count(&Begun::Pending)), (1, 7));
    }
}

pub fn of_threads_that_run_the_same_command_one_has_an_effect<P: Place>() {
    let (place, [a, ..]) = (P::new(), tenants());
    let store = place.open();
    let start = Arc::new(Barrier::new(8));
    let threads: Vec<_> = (0..8)
        .map(|thread| {
            let (store, start, a) = (Arc::clone(&store), Arc::clone(&start), a.clone());
            std::thread::spawn(move || {
                start.wait();
                for round in 0..20 {
                    let key = format!("k{round}");
                    // Even who does not look at how it stands has no second effect.
                    let _ = stands(&*store, &a, &key);
                    let own = lead(thread * 100 + round, "x", 0);
                    let _ = store.create_lead(&a, &own, done(&key, own.id.as_str()), at(1));
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    let page = store.leads(&a, &LeadQuery::newest(100)).unwrap();
    assert_eq!(page.total, 20);
    for round in 0..20 {
        let Begun::Replay(made) = stands(&*store, &a, &format!("k{round}")) else { panic!("settled") };
        assert!(store.lead(&a, &id(&made)).is_ok());
    }
}

pub fn a_row_is_forgotten_when_it_is_due<P: Place>() {
    let (place, [a, b, _]) = (P::new(), tenants());
    let store = place.open();
    for tenant in [&a, &b] {
        for key in ["done", "pending"] {
            assert_eq!(store.begin(tenant, &begin(key, Effect::Inside), at(0)), Ok(Begun::First));
        }
        store.record(tenant, done("done", "x"), at(10)).unwrap();
    }
    let stands = |key, millis| store.begin(&a, &begin(key, Effect::Inside), at(millis)).unwrap();

    // It lives from when it was settled; a clock set back forgets nothing.
    assert_eq!(stands("done", 9 + TTL), Begun::Replay("x".into()));
    assert_eq!(stands("done", -TTL), Begun::Replay("x".into()));
    assert_eq!(store.forget(at(9 + TTL)), Ok(0));
    // What is pending here is pending, however long.
    assert_eq!(stands("pending", 10 * TTL), Begun::Pending);
    // A row that is due counts as forgotten before it is.
    assert_eq!(stands("done", 10 + TTL), Begun::First);
    store.record(&a, done("done", "y"), at(11 + TTL)).unwrap();

    assert_eq!(store.forget(at(10 + TTL)), Ok(1), "b's");
    assert_eq!(store.forget(at(9 * TTL)), Ok(1), "a's");
    assert_eq!(store.forget(at(99 * TTL)), Ok(0), "the pending ones stay");

    drop(store);
    let store = place.open();
    assert_eq!(store.forget(at(TTL - 1)), Ok(0));
    assert_eq!(store.forget(at(TTL)), Ok(2), "of an earlier process");
}

pub fn hostile_keys_and_answers_are_kept_to_the_letter<P: Place>() {
    let (place, [a, ..]) = (P::new(), tenants());
    let long = "x".repeat(10_000);
    let odd = ["", "\0", "a\0b", "a", "A", "a ", "\u{202e}", "%", "_", &long];
    let keys: Vec<&str> = HOSTILE.iter().copied().chain(odd).collect();
    let store = place.open();
    for key in &keys {
        assert_eq!(stands(&*store, &a, key), Begun::First, "{key:?}");
        store.record(&a, done(key, &format!("{key}\0{key}")), at(1)).unwrap();
    }
    drop(store);
    let store = place.open();
    for key in &keys {
        assert_eq!(stands(&*store, &a, key), Begun::Replay(format!("{key}\0{key}")), "{key:?}");
    }
}
