//! The trail that nobody changes unseen.

use std::sync::Arc;

use switchboard::store::{AuditHead, AuditVerdict, Broken, StoreError};

use super::*;

/// A trail of so many entries, of both tenants and of none.
fn trail<P: Place>(place: &P, rows: u64) -> AuditHead {
    let (store, [a, b, _]) = (place.open(), tenants());
    for row in 0..rows {
        let millis = at(row as i64);
        match row % 3 {
            0 => store.record(&a, audited("get_leads", row % 2 == 0), millis).unwrap(),
            1 => store.record(&b, audited("start_backup", true), millis).unwrap(),
            _ => store
                .audit(vec![(AuditEntry { kind: AuditKind::Admin, ..entry("broadcast", true) }, millis)])
                .unwrap(),
        }
    }
    match store.verify_audit(None).unwrap() {
        AuditVerdict::Sound(head) => head,
        broken => panic!("{broken:?}"),
    }
}

fn verdict<P: Place>(place: &P, known: Option<&AuditHead>) -> AuditVerdict {
    place.open().verify_audit(known).unwrap()
}

fn broken_row<P: Place>(place: &P, known: Option<&AuditHead>) -> u64 {
    match verdict(place, known) {
        AuditVerdict::Broken(Broken { row, .. }) => row,
        sound => panic!("{sound:?}"),
    }
}

pub fn an_untouched_trail_is_sound_and_grows<P: Place>() {
    let place = P::new();
    assert_eq!(verdict(&place, None), AuditVerdict::Sound(AuditHead::START));
    let ten = trail(&place, 10);
    assert_eq!(ten.row, 10);
    let more = trail(&place, 5);
    assert_eq!(more.row, 15);
    assert_eq!(verdict(&place, Some(&ten)), AuditVerdict::Sound(more));
}

pub fn whoever_changes_a_field_is_found_at_its_row<P: Place>() {
    let columns = ["at", "tenant", "kind", "action", "actor", "success", "details", "hash"];
    for (number, column) in columns.into_iter().enumerate() {
        for row in [1, 3 + number as u64 % 3, 7] {
            let place = P::new();
            trail(&place, 7);
            place.tamper(Tamper::Field(row, column));
            assert_eq!(broken_row(&place, None), row, "{column}");
        }
    }
}

pub fn whoever_removes_or_moves_a_row_is_found<P: Place>() {
    let cases = [
        (Tamper::Remove(1), 1),
        (Tamper::Remove(4), 4),
        (Tamper::Remove(7), 7),
        (Tamper::Swap(3, 5), 3),
        (Tamper::Swap(6, 7), 6),
    ];
    for (tamper, row) in cases {
        let place = P::new();
        trail(&place, 7);
        place.tamper(tamper);
        assert_eq!(broken_row(&place, None), row);
    }
}

pub fn a_tail_cut_off_is_missed<P: Place>() {
    for row in [1, 5, 7] {
        let place = P::new();
        trail(&place, 7);
        place.tamper(Tamper::Cut(row));
        assert_eq!(broken_row(&place, None), row);
    }
}

pub fn a_noted_head_is_held_against_the_trail<P: Place>() {
    let place = P::new();
    let noted = trail(&place, 7);
    place.tamper(Tamper::CutAndMend(6));
    // Nothing inside the file tells; what was noted outside of it does.
    assert!(matches!(verdict(&place, None), AuditVerdict::Sound(head) if head.row == 5));
    assert_eq!(broken_row(&place, Some(&noted)), 6);

    let place = P::new();
    trail(&place, 7);
    let other = AuditHead { hash: [7; 32], ..noted };
    assert_eq!(broken_row(&place, Some(&other)), 7);
    assert!(matches!(verdict(&place, Some(&AuditHead::START)), AuditVerdict::Sound(_)));
}

pub fn an_entry_and_what_it_tells_of_are_written_together<P: Place>() {
    let (place, [a, ..]) = (P::new(), tenants());
    let store = place.open();
    let both = || Record { audit: Some(entry("create_lead", true)), ..done("k", "x") };
    assert_eq!(store.record(&a, both(), at(1)), Err(StoreError::NotPending));
    assert_eq!(store.create_lead(&a, &lead(1, "x", 0), both(), at(1)), Err(StoreError::NotPending));
    assert_eq!(store.verify_audit(None), Ok(AuditVerdict::Sound(AuditHead::START)));

    assert_eq!(stands(&*store, &a, "k"), Begun::First);
    store.create_lead(&a, &lead(1, "x", 0), both(), at(1)).unwrap();
    assert!(matches!(store.verify_audit(None), Ok(AuditVerdict::Sound(head)) if head.row == 1));
}

pub fn commands_are_counted_by_tenant_and_time<P: Place>() {
    let (place, [a, b, _]) = (P::new(), tenants());
    let store = place.open();
    for (millis, action, success) in
        [(0, "get_leads", true), (10, "get_leads", false), (20, "create_lead", true), (30, "get_leads", true)]
    {
        store.record(&a, audited(action, success), at(millis)).unwrap();
    }
    let sign_in = AuditEntry { kind: AuditKind::Auth, ..entry("get_leads", true) };
    store.record(&a, Record { settle: None, audit: Some(sign_in) }, at(10)).unwrap();
    store.audit(vec![(entry("get_leads", true), at(10))]).unwrap();

    let counts = store.command_counts(&a, at(0), at(30)).unwrap();
    assert_eq!((counts.total, counts.failed), (3, 1));
    assert_eq!(counts.by_command, [("create_lead".to_owned(), 1), ("get_leads".to_owned(), 2)]);
    assert_eq!(store.command_counts(&a, at(31), at(99)).unwrap(), Default::default());
    assert_eq!(store.command_counts(&b, at(0), at(99)).unwrap(), Default::default());
}

pub fn a_long_entry_is_cut_and_a_hostile_one_kept<P: Place>() {
    let (place, [a, ..]) = (P::new(), tenants());
    let store = place.open();
    let long = "😀".repeat(1_000_000);
    for text in HOSTILE.iter().copied().chain(["", "\0", "a\0b", &long]) {
        let text = text.to_owned();
        let (action, actor, details) = (text.clone(), text.clone(), text);
        let entry = AuditEntry { kind: AuditKind::Command, action, actor, success: true, details };
        store.record(&a, Record { settle: None, audit: Some(entry) }, at(1)).unwrap();
    }
    assert!(matches!(store.verify_audit(None), Ok(AuditVerdict::Sound(_))));
    let counts = store.command_counts(&a, at(0), at(9)).unwrap();
    assert!(counts.by_command.iter().all(|(action, _)| action.len() <= 4096));
    assert!(counts.by_command.iter().any(|(action, _)| action == "a\0b"));
}

pub fn threads_append_one_chain<P: Place>() {
    let (place, [a, ..]) = (P::new(), tenants());
    let store = place.open();
    let threads: Vec<_> = (0..8)
        .map(|_| {
            let (store, a) = (Arc::clone(&store), a.clone());
            std::thread::spawn(move || {
                for millis in 0..20 {
                    store.record(&a, audited("get_leads", true), at(millis)).unwrap();
                    // Whoever checks meanwhile sees a whole trail.
                    assert!(matches!(store.verify_audit(None), Ok(AuditVerdict::Sound(_))));
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    assert!(matches!(store.verify_audit(None), Ok(AuditVerdict::Sound(head)) if head.row == 160));
}
