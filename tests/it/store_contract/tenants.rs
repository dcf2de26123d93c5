//! Tenants, the age of their keys, their settings.

use switchboard::store::LeadQuery;

use super::*;

pub fn a_key_keeps_its_age<P: Place>() {
    let (place, [a, b, _]) = (P::new(), tenants());
    let store = place.open();
    let ages = |tenant: &Id| -> Vec<(bool, i64)> {
        let keys = store.keys(tenant).unwrap();
        keys.iter().map(|key| (key.active, key.first_seen.millis() - NOW.millis())).collect()
    };
    assert_eq!((ages(&a), ages(&b)), (vec![(true, 0)], vec![(true, 0)]));
    store.mirror_tenants(&records("key-a:a,another:a,key-b:b"), at(50)).unwrap();
    assert_eq!(ages(&a), [(true, 0), (true, 50)]);
    store.mirror_tenants(&records("another:a"), at(90)).unwrap();
    assert_eq!(ages(&a), [(false, 0), (true, 50)]);
    assert_eq!(ages(&b), [(false, 0)]);
    store.mirror_tenants(&records("key-a:a,another:a"), at(99)).unwrap();
    assert_eq!(ages(&a), [(true, 0), (true, 50)], "whoever comes back is as old as before");

    let prints: Vec<String> = store.keys(&a).unwrap().into_iter().map(|key| key.fingerprint).collect();
    assert!(prints.iter().all(|print| print.len() == 8) && prints[0] != prints[1], "{prints:?}");
}

pub fn a_tenant_that_is_no_longer_set_keeps_its_data<P: Place>() {
    let (place, [a, b, _]) = (P::new(), tenants());
    let store = place.open();
    add(&*store, &a, &lead(1, "John", 0));
    store.mirror_tenants(&records("key-b:b,key-c:c"), at(1)).unwrap();
    add(&*store, &id("c"), &lead(1, "John", 0));
    store.mirror_tenants(&records("key-a:a,key-b:b"), at(2)).unwrap();
    assert_eq!(store.leads(&a, &LeadQuery::newest(1)).unwrap().total, 1);
    assert_eq!(found(&*store, &a, "john").len(), 1);
    assert!(found(&*store, &b, "john").is_empty());
}

pub fn settings_are_the_tenants_own<P: Place>() {
    let (place, [a, b, nobody]) = (P::new(), tenants());
    let store = place.open();
    for (number, text) in HOSTILE.iter().enumerate() {
        store.set_setting(&a, text, Some("x")).unwrap();
        store.set_setting(&a, text, Some(&format!("{number}\0{text}"))).unwrap();
    }
    for (number, text) in HOSTILE.iter().enumerate() {
        assert_eq!(store.setting(&a, text), Ok(Some(format!("{number}\0{text}"))));
        assert_eq!(store.setting(&b, text), Ok(None));
        assert_eq!(store.setting(&nobody, text), Ok(None));
    }
    store.set_setting(&b, HOSTILE[0], None).unwrap();
    assert!(store.setting(&a, HOSTILE[0]).unwrap().is_some());
    store.set_setting(&a, HOSTILE[0], None).unwrap();
    assert_eq!(store.setting(&a, HOSTILE[0]), Ok(None));
}
