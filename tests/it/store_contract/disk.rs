//! A disk without room.

use switchboard::domain::lead::{Lead, MAX_NOTES};
use switchboard::store::{AuditVerdict, LeadQuery, StoreError};

use super::*;

fn large(number: u64) -> Lead {
    let notes = format!("{number} ").repeat(MAX_NOTES / 8);
    Lead { notes: Some(notes), ..lead(number, &format!("n{number}"), number as i64) }
}

pub fn a_full_disk_has_a_name_and_nothing_is_lost<P: Place>() {
    let (place, [a, b, _]) = (P::new(), tenants());
    let store = place.open_small();
    let mut stored = 0;
    let failed = loop {
        match store.create_lead(&a, &large(stored), audited("create_lead", true), at(0)) {
            Ok(()) => stored += 1,
            Err(error) => break error,
        }
    };
    assert_eq!(failed, StoreError::Full);
    assert!(stored > 3, "{stored}");
    // It answers on, for everyone, and keeps what it has.
    let whole = |store: &dyn Store| {
        assert_eq!(store.leads(&a, &LeadQuery::newest(1)).unwrap().total, stored);
        for number in 0..stored {
            assert_eq!(store.lead(&a, &large(number).id), Ok(large(number)));
        }
        let verdict = store.verify_audit(None).unwrap();
        assert!(matches!(verdict, AuditVerdict::Sound(head) if head.row >= stored), "{verdict:?}");
        assert_eq!(store.leads(&b, &LeadQuery::newest(1)).unwrap().total, 0);
    };
    whole(&*store);
    assert_eq!(store.create_lead(&b, &large(0), Record::default(), at(0)), Err(StoreError::Full));
    whole(&*store);
    drop(store);

    // With room again, it goes on.
    let store = place.open();
    whole(&*store);
    add(&*store, &b, &large(0));
    assert_eq!(store.lead(&b, &large(0).id), Ok(large(0)));
}

pub fn a_full_disk_leaves_no_half_of_a_command<P: Place>() {
    let (place, [a, ..]) = (P::new(), tenants());
    let store = place.open_small();
    let mut number = 0;
    loop {
        let key = number.to_string();
        // Where there is no room to begin, there is no command.
        match store.begin(&a, &begin(&key, Effect::Inside), at(0)) {
            Ok(begun) => assert_eq!(begun, Begun::First),
            Err(error) => break assert_eq!(error, StoreError::Full),
        }
        match store.create_lead(&a, &large(number), done(&key, "made"), at(0)) {
            Ok(()) => number += 1,
            Err(error) => {
                assert_eq!(error, StoreError::Full);
                assert_eq!(store.begin(&a, &begin(&key, Effect::Inside), at(0)), Ok(Begun::Pending));
                break;
            }
        }
    }
    drop(store);
    let store = place.open();
    let key = number.to_string();
    let begun = store.begin(&a, &begin(&key, Effect::Inside), at(0)).unwrap();
    assert!(matches!(begun, Begun::Again | Begun::First), "{begun:?}");
    store.create_lead(&a, &large(number), done(&key, "made"), at(0)).unwrap();
    assert_eq!(store.leads(&a, &LeadQuery::newest(1)).unwrap().total, number + 1);
}
