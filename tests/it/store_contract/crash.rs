//! What a process that ended in the middle leaves for the next.

use std::process::Command;

use switchboard::store::{AuditVerdict, LeadQuery, StoreError};

use super::sqlite::SqlitePlace;
use super::*;

pub fn a_pending_effect_in_the_store_did_not_happen_and_may_be_begun_again<P: Place>() {
    let (place, [a, ..]) = (P::new(), tenants());
    assert_eq!(stands(&*place.open(), &a, "k"), Begun::First);

    let store = place.open();
    let other = Begin::new("k", "other body", "create_lead", Effect::Inside);
    assert_eq!(store.begin(&a, &other, at(1)), Ok(Begun::Conflict), "the key has its body");
    assert_eq!(store.record(&a, done("k", "x"), at(1)), Err(StoreError::NotPending), "not begun here");
    assert_eq!(stands(&*store, &a, "k"), Begun::Again);
    assert_eq!(stands(&*store, &a, "k"), Begun::Pending);
    store.create_lead(&a, &lead(1, "x", 0), done("k", "made"), at(1)).unwrap();
    drop(store);

    let store = place.open();
    assert_eq!(stands(&*store, &a, "k"), Begun::Replay("made".into()));
    assert_eq!(store.leads(&a, &LeadQuery::newest(10)).unwrap().total, 1);
}

pub fn a_pending_effect_outside_is_unknown<P: Place>() {
    let (place, [a, ..]) = (P::new(), tenants());
    let backup = || begin("k", Effect::Outside);
    assert_eq!(place.open().begin(&a, &backup(), at(0)), Ok(Begun::First));
    for _ in 0..2 {
        let store = place.open();
        assert_eq!(store.begin(&a, &backup(), at(1)), Ok(Begun::Unknown));
        assert_eq!(store.begin(&a, &backup(), at(1)), Ok(Begun::Unknown), "however often one asks");
        let other = Begin::new("k", "other body", "start_backup", Effect::Outside);
        assert_eq!(store.begin(&a, &other, at(1)), Ok(Begun::Conflict));
    }
    let store = place.open();
    assert_eq!(store.begin(&a, &backup(), at(TTL)), Ok(Begun::First), "until it is forgotten");
}

pub fn what_was_answered_is_still_there<P: Place>() {
    let (place, [a, ..]) = (P::new(), tenants());
    for round in 0..5 {
        let store = place.open();
        add(&*store, &a, &lead(round, &format!("n{round}"), round as i64));
        store.record(&a, audited("create_lead", true), at(0)).unwrap();
        store.set_setting(&a, "round", Some(&round.to_string())).unwrap();
        drop(store);
        let store = place.open();
        assert_eq!(store.leads(&a, &LeadQuery::newest(10)).unwrap().total, round + 1);
        assert_eq!(found(&*store, &a, &format!("n{round}")), [format!("n{round}")]);
        assert_eq!(store.setting(&a, "round"), Ok(Some(round.to_string())));
        let verdict = store.verify_audit(None).unwrap();
        assert!(matches!(verdict, AuditVerdict::Sound(head) if head.row == round + 1));
    }
}

/// Where the process that is to be killed works.
const CHILD: &str = "SWITCHBOARD_TEST_STORE";

/// A process that ends between the steps of a command without a word to SQLite, and what the next finds.
#[test]
fn a_killed_process_leaves_whole_steps() {
    let [a, ..] = tenants();
    if let Some(step) = std::env::var_os(CHILD) {
        let (dir, step) = step
            .to_str()
            .unwrap()
            .rsplit_once(' ')
            .map(|(dir, step)| (dir.to_owned(), step.to_owned()))
            .unwrap();
        let store = SqlitePlace::at(dir.into());
        let open = store.open();
        let both = || Record { audit: Some(entry("create_lead", true)), ..done("k", "made") };
        let steps: [&dyn Fn(); 3] = [
            &|| assert_eq!(stands(&*open, &a, "k"), Begun::First),
            &|| open.create_lead(&a, &lead(1, "John", 0), both(), at(1)).unwrap(),
            &|| assert_eq!(open.begin(&a, &begin("out", Effect::Outside), at(1)), Ok(Begun::First)),
        ];
        steps.iter().take(step.parse().unwrap()).for_each(|step| step());
        std::process::abort();
    }
    let replay = || Begun::Replay("made".into());
    let expected = [
        (Begun::First, 0, Begun::First),
        (Begun::Again, 0, Begun::First),
        (replay(), 1, Begun::First),
        (replay(), 1, Begun::Unknown),
    ];
    for (step, (inside, leads, outside)) in expected.into_iter().enumerate() {
        let place = SqlitePlace::new();
        let name = "store_contract::crash::a_killed_process_leaves_whole_steps";
        let mut child = Command::new(std::env::current_exe().unwrap());
        let told = format!("{} {step}", place.root().display());
        let output = child.args(["--exact", name]).env(CHILD, told).output().unwrap();
        assert!(output.status.code().is_none(), "it was to be killed: {output:?}");

        // The trail can be checked before the store is opened again.
        let trail = switchboard::store::sqlite::verify_audit(&place.options().data_dir, None).unwrap();
        assert!(matches!(trail, AuditVerdict::Sound(head) if head.row == u64::from(step >= 2)), "{trail:?}");
        let store = place.open();
        assert_eq!(stands(&*store, &a, "k"), inside, "step {step}");
        assert_eq!(store.begin(&a, &begin("out", Effect::Outside), at(2)), Ok(outside), "step {step}");
        assert_eq!(found(&*store, &a, "john").len(), leads, "step {step}");
    }
}
