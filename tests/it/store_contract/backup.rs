//! Backups of one tenant, and their way back.

use std::fs;
use std::path::{Path, PathBuf};

use switchboard::domain::lead::Lead;
use switchboard::store::{Backup, LeadQuery, Restored, StoreError};

use super::*;

fn back_up(store: &dyn Store, tenant: &Id) -> Backup {
    store.backup(tenant, at(0), &mut |_, _| {}).unwrap()
}

fn all(store: &dyn Store, tenant: &Id) -> Vec<Lead> {
    store.leads(tenant, &LeadQuery::newest(1000)).unwrap().leads
}

/// Two tenants with leads, journal, settings and an audit trail.
fn filled<P: Place>(place: &P) -> std::sync::Arc<dyn Store> {
    let (store, [a, b, _]) = (place.open(), tenants());
    for tenant in [&a, &b] {
        for (number, text) in HOSTILE.iter().enumerate() {
            let lead = lead(number as u64, &format!("{tenant}{number}"), number as i64);
            let lead = Lead { notes: Some((*text).to_owned()), ..lead };
            assert_eq!(stands(&*store, tenant, text), Begun::First);
            store.create_lead(tenant, &lead, done(text, &format!("{tenant} {text}")), at(2)).unwrap();
        }
        store.set_setting(tenant, "n", Some(tenant.as_str())).unwrap();
        store.record(tenant, audited("create_lead", true), at(3)).unwrap();
    }
    store
}

pub fn a_restore_brings_back_every_row_and_touches_nobody_else<P: Place>() {
    let (place, [a, b, _]) = (P::new(), tenants());
    let store = filled(&place);
    let (before, others) = (all(&*store, &a), all(&*store, &b));
    let backup = back_up(&*store, &a);
    let count = HOSTILE.len() as u64;
    let rows = Restored { leads: count, journal: count, settings: 1 };
    assert_eq!((backup.rows, backup.taken_at), (rows, at(0)));
    assert!(backup.path.starts_with(place.backup_dir().join("a")) && backup.bytes > 0);

    // Everything changes for both.
    for tenant in [&a, &b] {
        let then = Box::new(|_: &switchboard::store::Changed| audited("change", true));
        store.change_lead(tenant, &id("lead-0"), change(r#"{"name":"other"}"#), at(9), then).unwrap();
        add(&*store, tenant, &lead(999, "Newcomer", 99));
        assert_eq!(stands(&*store, tenant, "later"), Begun::First);
        store.record(tenant, done("later", "x"), at(9)).unwrap();
        store.set_setting(tenant, "n", Some("other")).unwrap();
        store.set_setting(tenant, "m", Some("other")).unwrap();
    }
    let trail = store.verify_audit(None).unwrap();

    assert_eq!(store.restore(&a, &backup.path), Ok(rows));

    assert_eq!(all(&*store, &a), before);
    for text in HOSTILE {
        assert_eq!(stands(&*store, &a, text), Begun::Replay(format!("a {text}")));
    }
    assert_eq!(stands(&*store, &a, "later"), Begun::First);
    assert_eq!(store.setting(&a, "n"), Ok(Some("a".into())));
    assert_eq!(store.setting(&a, "m"), Ok(None));
    assert!(found(&*store, &a, "newcomer").is_empty() && found(&*store, &a, "other").is_empty());
    assert_eq!(found(&*store, &a, "a3"), ["a3"]);

    assert_eq!(store.verify_audit(None).unwrap(), trail, "the audit trail goes on");
    assert_eq!(all(&*store, &b).len(), others.len() + 1);
    assert_eq!(store.setting(&b, "m"), Ok(Some("other".into())));
    assert_eq!(stands(&*store, &b, "later"), Begun::Replay("x".into()));
    assert_eq!(found(&*store, &b, "newcomer"), ["Newcomer"]);
}

pub fn progress_goes_from_0_to_100<P: Place>() {
    let (place, [a, b, _]) = (P::new(), tenants());
    let store = filled(&place);
    let mut told = Vec::new();
    store.backup(&a, at(0), &mut |_, percent| told.push(percent)).unwrap();
    assert!(told.is_sorted_by(|one, next| one < next) && told.len() > 20, "{told:?}");
    assert_eq!((told[0], told.last()), (0, Some(&100)));

    drop(store);
    let place = P::new();
    let mut told = Vec::new();
    place.open().backup(&b, at(0), &mut |_, percent| told.push(percent)).unwrap();
    assert_eq!(told, [0, 100], "of nothing");
}

pub fn a_backup_is_of_one_moment_and_keeps_nobody_from_writing<P: Place>() {
    let (place, [a, ..]) = (P::new(), tenants());
    let store = filled(&place);
    let before = all(&*store, &a);
    let mut number = 500;
    let backup = store
        .backup(&a, at(0), &mut |_, percent| {
            if percent < 100 {
                number += 1;
                add(&*store, &a, &lead(number, "Latecomer", 50));
            }
        })
        .unwrap();
    assert_eq!(backup.rows.leads, before.len() as u64);
    assert!(found(&*store, &a, "latecomer").len() > 5);
    store.restore(&a, &backup.path).unwrap();
    assert_eq!(all(&*store, &a), before);
}

pub fn two_in_a_millisecond_are_two_files<P: Place>() {
    let (place, [a, b, _]) = (P::new(), tenants());
    let store = filled(&place);
    assert_eq!(store.last_backup(&a), Ok(None));
    let (one, other) = (back_up(&*store, &a), back_up(&*store, &a));
    assert_ne!((&one.id, &one.path), (&other.id, &other.path));
    assert!(one.path.exists() && other.path.exists());
    assert_eq!((store.last_backup(&a), store.last_backup(&b)), (Ok(Some(at(0))), Ok(None)));
    store.backup(&a, at(7), &mut |_, _| {}).unwrap();
    assert_eq!(store.last_backup(&a), Ok(Some(at(7))));
    assert_eq!(files(&place.backup_dir().join("a")).len(), 3);
}

/// Whoever may start backups must neither fill the disk with them nor be able to replace those of other days.
pub fn of_a_day_the_first_and_the_newest_nine_are_kept<P: Place>() {
    const DAY: i64 = 24 * 60 * 60 * 1000;
    let (place, [a, b, _]) = (P::new(), tenants());
    let store = filled(&place);
    let take = |millis| store.backup(&a, at(millis), &mut |_, _| {}).unwrap().path;
    let other = back_up(&*store, &b).path;
    let day_before: Vec<_> = (1..=3).map(|number| take(-number)).collect();
    let of_day: Vec<_> = (0..15).map(|number| take(number * 1000)).collect();
    let day_after = take(DAY);
    let kept = |path: &PathBuf| path.exists();
    assert!(day_before.iter().chain([&other, &day_after]).all(kept));
    let left: Vec<usize> = (0..15).filter(|number| kept(&of_day[*number])).collect();
    assert_eq!(left, [0, 6, 7, 8, 9, 10, 11, 12, 13, 14]);
    // The clock was set back: the one that was asked for is there.
    assert!(kept(&take(1)));
    assert_eq!(store.last_backup(&a), Ok(Some(at(DAY))));
}

fn files(dir: &Path) -> Vec<PathBuf> {
    fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect()
}

pub fn a_place_that_cannot_be_written_to_is_named_and_nothing_is_lost<P: Place>() {
    let (place, [a, ..]) = (P::new(), tenants());
    let store = filled(&place);
    fs::create_dir_all(place.backup_dir()).unwrap();
    fs::write(place.backup_dir().join("a"), "in the way").unwrap();
    let failed = store.backup(&a, at(0), &mut |_, _| {});
    assert!(matches!(failed, Err(StoreError::Target(_))), "{failed:?}");
    assert_eq!(all(&*store, &a).len(), HOSTILE.len());

    fs::remove_file(place.backup_dir().join("a")).unwrap();
    let backup = back_up(&*store, &a);
    // It vanishes while it is written to.
    let dir = place.backup_dir().join("a");
    let failed = store.backup(&a, at(1), &mut |_, percent| {
        if percent > 50 && dir.exists() {
            fs::remove_dir_all(&dir).unwrap();
        }
    });
    assert!(matches!(failed, Err(StoreError::Target(_))), "{failed:?}");
    assert!(!backup.path.exists());
    assert_eq!(files(back_up(&*store, &a).path.parent().unwrap()).len(), 1, "nothing half is left");
}

pub fn what_is_no_backup_changes_nothing<P: Place>() {
    let (place, [a, b, _]) = (P::new(), tenants());
    let store = filled(&place);
    let before = all(&*store, &a);
    let good = back_up(&*store, &a).path;
    let bytes = fs::read(&good).unwrap();
    let foreign = back_up(&*store, &b).path;
    let broken = |name: &str, bytes: &[u8]| {
        let path = good.with_file_name(name);
        fs::write(&path, bytes).unwrap();
        path
    };
    let mut damaged = bytes.clone();
    damaged[8192..12288].fill(0x55);
    let mut cases = vec![
        good.with_file_name("not there"),
        good.parent().unwrap().to_owned(),
        broken("empty", b""),
        broken("text", b"leads"),
        broken("short", &bytes[..bytes.len() / 2]),
        broken("damaged", &damaged),
        foreign,
    ];
    cases.extend(place.spoiled(&good));
    for path in cases {
        let restored = store.restore(&a, &path);
        assert!(matches!(restored, Err(StoreError::NotABackup(_))), "{}: {restored:?}", path.display());
        assert_eq!(all(&*store, &a), before, "{}", path.display());
        assert_eq!(stands(&*store, &a, HOSTILE[0]), Begun::Replay(format!("a {}", HOSTILE[0])));
    }
    assert!(store.restore(&a, &good).is_ok());
}

pub fn a_pending_command_comes_back_as_that_of_another_process<P: Place>() {
    let (place, [a, ..]) = (P::new(), tenants());
    let store = place.open();
    assert_eq!(stands(&*store, &a, "inside"), Begun::First);
    assert_eq!(store.begin(&a, &begin("outside", Effect::Outside), at(1)), Ok(Begun::First));
    let backup = back_up(&*store, &a);
    store.restore(&a, &backup.path).unwrap();
    assert_eq!(store.begin(&a, &begin("outside", Effect::Outside), at(2)), Ok(Begun::Unknown));
    assert_eq!(stands(&*store, &a, "inside"), Begun::Again);
}

pub fn an_unknown_tenant_has_no_backups<P: Place>() {
    let (place, [a, _, nobody]) = (P::new(), tenants());
    let store = filled(&place);
    let unknown = StoreError::UnknownTenant("nobody".into());
    assert_eq!(store.backup(&nobody, at(0), &mut |_, _| {}), Err(unknown));
    let backup = back_up(&*store, &a);
    assert!(matches!(store.restore(&nobody, &backup.path), Err(StoreError::NotABackup(_))));
}

pub fn a_thousand_leads_come_back_in_order<P: Place>() {
    let (place, [a, ..]) = (P::new(), tenants());
    let store = place.open();
    let threads: Vec<_> = (0..4_u64)
        .map(|part| {
            let (store, a) = (std::sync::Arc::clone(&store), a.clone());
            std::thread::spawn(move || {
                (0..250).for_each(|number| add(&*store, &a, &lead(part * 250 + number, "Same Time", 0)));
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    let (before, by_text) = (all(&*store, &a), found_ids(&*store, &a));
    let backup = back_up(&*store, &a);
    for _ in 0..2 {
        store.restore(&a, &backup.path).unwrap();
        assert_eq!((all(&*store, &a), found_ids(&*store, &a)), (before.clone(), by_text.clone()));
    }
}

fn found_ids(store: &dyn Store, tenant: &Id) -> Vec<Id> {
    let query = LeadQuery { text: SearchText::parse("same time"), ..LeadQuery::newest(1000) };
    store.leads(tenant, &query).unwrap().leads.into_iter().map(|lead| lead.id).collect()
}
