//! Leads: stored, changed, filtered, counted.

use std::sync::{Arc, Barrier};

use switchboard::domain::lead::{Lead, LeadDraft, LeadStatus, MAX_NOTES, NewLead};
use switchboard::store::{LeadQuery, MAX_LIMIT, MAX_PAGE_BYTES, Record, StoreError};

use super::*;

fn full(text: &str) -> Lead {
    let line: String = text.chars().take(60).collect();
    let draft = LeadDraft {
        name: Some(line.clone()),
        email: Some("o'hara+x@example.com".into()),
        company: Some(line.clone()),
        phone: Some("+45 12 34 56 78".into()),
        notes: Some(text.into()),
        source: Some(line),
    };
    Lead::new(id("full"), NewLead::new(draft, "voice").unwrap(), at(3))
}

pub fn a_lead_is_read_as_it_was_stored<P: Place>() {
    let [a, ..] = tenants();
    let long = "😀".repeat(MAX_NOTES);
    let texts = HOSTILE.iter().copied().filter(|text| text.len() <= 60);
    for text in texts.chain(["line\r\n\tline"]) {
        let (place, lead) = (P::new(), full(&text.replace(['\r', '\n', '\t'], " ")));
        add(&*place.open(), &a, &lead);
        assert_eq!(place.open().lead(&a, &lead.id), Ok(lead), "{text}");
    }
    let (place, mut lead) = (P::new(), lead(1, "x", 0));
    lead.notes = Some(long);
    let store = place.open();
    add(&*store, &a, &lead);
    assert_eq!(store.lead(&a, &lead.id), Ok(lead));
}

pub fn a_change_is_stored_and_told_with_what_goes_with_it<P: Place>() {
    let (place, [a, ..]) = (P::new(), tenants());
    let store = place.open();
    add(&*store, &a, &lead(1, "Ann", 0));
    assert_eq!(stands(&*store, &a, "k"), Begun::First);

    let edits = change(r#"{"status":"CONTACTED","company":"Acme"}"#);
    let then = Box::new(|changed: &switchboard::store::Changed| {
        done("k", &format!("{} of {:?}", changed.lead.status, changed.lead.company))
    });
    let changed = store.change_lead(&a, &id("lead-1"), edits, at(5), then).unwrap();
    assert_eq!(changed.difference.status_was, Some(LeadStatus::New));
    assert!(changed.difference.fields);
    assert_eq!((changed.lead.created_at, changed.lead.updated_at), (at(0), at(5)));
    assert_eq!(store.lead(&a, &id("lead-1")), Ok(changed.lead));
    assert_eq!(stands(&*store, &a, "k"), Begun::Replay("CONTACTED of Some(\"Acme\")".into()));

    // Not pending any more: neither.
    let again =
        store.change_lead(&a, &id("lead-1"), change(r#"{"name":"B"}"#), at(6), Box::new(|_| done("k", "")));
    assert_eq!(again, Err(StoreError::NotPending));
    assert_eq!(store.lead(&a, &id("lead-1")).unwrap().name, "Ann");
}

pub fn a_lead_that_is_not_there_is_not_changed<P: Place>() {
    let (place, [a, ..]) = (P::new(), tenants());
    let store = place.open();
    let never = Box::new(|_: &switchboard::store::Changed| panic!("there is nothing to tell of"));
    let changed = store.change_lead(&a, &id("x"), change(r#"{"name":"B"}"#), at(1), never);
    assert_eq!(changed, Err(StoreError::NotFound));
    assert_eq!(store.lead(&a, &id("x")), Err(StoreError::NotFound));
}

pub fn no_tenant_reaches_anothers_leads<P: Place>() {
    let (place, [a, b, _]) = (P::new(), tenants());
    let store = place.open();
    add(&*store, &a, &lead(1, "Ann", 0));

    assert_eq!(store.lead(&b, &id("lead-1")), Err(StoreError::NotFound));
    let never = Box::new(|_: &switchboard::store::Changed| Record::default());
    let changed = store.change_lead(&b, &id("lead-1"), change(r#"{"name":"B"}"#), at(1), never);
    assert_eq!(changed, Err(StoreError::NotFound));
    assert_eq!(store.leads(&b, &LeadQuery::newest(10)).unwrap().total, 0);
    assert_eq!(store.lead_counts(&b, at(-9), at(9)).unwrap().total, 0);

    // The same id is another lead.
    add(&*store, &b, &lead(1, "Bob", 0));
    assert_eq!(store.lead(&a, &id("lead-1")).unwrap().name, "Ann");
    assert_eq!(names(&*store, &a, &LeadQuery::newest(10)), ["Ann"]);
    assert_eq!(names(&*store, &b, &LeadQuery::newest(10)), ["Bob"]);
}

pub fn an_id_is_taken_once_per_tenant<P: Place>() {
    let (place, [a, ..]) = (P::new(), tenants());
    let store = place.open();
    add(&*store, &a, &lead(1, "Ann", 0));
    let twice = store.create_lead(&a, &lead(1, "Bob", 1), audited("create_lead", true), at(1));
    assert_eq!(twice, Err(StoreError::Exists));
    assert_eq!(names(&*store, &a, &LeadQuery::newest(10)), ["Ann"]);
    assert_eq!(store.command_counts(&a, at(-9), at(9)).unwrap().total, 0);
}

pub fn filters_must_all_hold_and_the_newest_come_first<P: Place>() {
    let (place, [a, b, _]) = (P::new(), tenants());
    let store = place.open();
    for (number, (status, source)) in
        [("NEW", "voice"), ("LOST", "voice"), ("NEW", "web"), ("LOST", "web"), ("NEW", "voice")]
            .into_iter()
            .enumerate()
    {
        let number = number as u64;
        for tenant in [&a, &b] {
            let name = format!("{tenant}{number}");
            add(&*store, tenant, &lead(number, &name, 10 * number as i64));
            let edits = change(&format!(r#"{{"status":"{status}","source":"{source}"}}"#));
            let then = Box::new(|_: &switchboard::store::Changed| Record::default());
            let key = id(&format!("lead-{number}"));
            store.change_lead(tenant, &key, edits, at(99), then).unwrap();
        }
    }
    let all = LeadQuery::newest(100);
    let (new, web) = (Some(LeadStatus::New), Some("web".to_owned()));
    let cases = [
        (all.clone(), "a4 a3 a2 a1 a0", 5),
        (LeadQuery { limit: 2, ..all.clone() }, "a4 a3", 5),
        (LeadQuery { status: new, ..all.clone() }, "a4 a2 a0", 3),
        (LeadQuery { status: new, limit: 1, ..all.clone() }, "a4", 3),
        (LeadQuery { source: web.clone(), ..all.clone() }, "a3 a2", 2),
        (LeadQuery { source: web.clone(), status: new, ..all.clone() }, "a2", 1),
        (LeadQuery { from: Some(at(10)), to: Some(at(30)), ..all.clone() }, "a2 a1", 2),
        (LeadQuery { from: Some(at(10)), status: new, source: web, ..all.clone() }, "a2", 1),
        (LeadQuery { to: Some(at(0)), ..all.clone() }, "", 0),
        (LeadQuery { source: Some("' OR 1=1 --".into()), ..all }, "", 0),
    ];
    for (query, expected, total) in cases {
        assert_eq!(names(&*store, &a, &query).join(" "), expected, "{query:?}");
        assert_eq!(store.leads(&a, &query).unwrap().total, total, "{query:?}");
    }
}

pub fn a_page_is_bounded_in_leads_and_bytes<P: Place>() {
    let (place, [a, b, _]) = (P::new(), tenants());
    let store = place.open();
    let notes = "😀".repeat(MAX_NOTES);
    for number in 0..40 {
        add(&*store, &a, &Lead { notes: Some(notes.clone()), ..lead(number, "x", number as i64) });
    }
    let page = store.leads(&a, &LeadQuery::newest(40)).unwrap();
    let bytes: usize = page.leads.iter().map(Lead::size).sum();
    assert!(bytes <= MAX_PAGE_BYTES && bytes > MAX_PAGE_BYTES - 50_000, "{bytes}");
    assert_eq!((page.total, &*page.leads[0].id.to_string()), (40, "lead-39"));

    let threads: Vec<_> = (0..4_u64)
        .map(|part| {
            let (store, b) = (Arc::clone(&store), b.clone());
            std::thread::spawn(move || {
                (0..260).for_each(|number| add(&*store, &b, &lead(part * 260 + number, "x", 0)));
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    let page = store.leads(&b, &LeadQuery::newest(u32::MAX)).unwrap();
    assert_eq!((page.leads.len(), page.total), (MAX_LIMIT as usize, 1040));
}

pub fn leads_are_counted_by_status_and_time<P: Place>() {
    let (place, [a, b, _]) = (P::new(), tenants());
    let store = place.open();
    for number in 0..4 {
        add(&*store, &a, &lead(number, "x", 10 * number as i64));
    }
    add(&*store, &b, &lead(0, "x", 10));
    let then = Box::new(|_: &switchboard::store::Changed| Record::default());
    store.change_lead(&a, &id("lead-0"), change(r#"{"status":"LOST"}"#), at(9), then).unwrap();

    let counts = store.lead_counts(&a, at(10), at(30)).unwrap();
    assert_eq!((counts.total, counts.created), (4, 2));
    let by_status: Vec<_> =
        counts.by_status.iter().map(|(status, count)| (status.as_str(), *count)).collect();
    let expected = [("NEW", 3), ("CONTACTED", 0), ("QUALIFIED", 0), ("CONVERTED", 0), ("LOST", 1)];
    assert_eq!(by_status, expected);
}

pub fn an_unknown_tenant_is_refused_and_has_nothing<P: Place>() {
    let (place, [.., nobody]) = (P::new(), tenants());
    let store = place.open();
    let unknown = StoreError::UnknownTenant("nobody".into());
    let created = store.create_lead(&nobody, &lead(1, "x", 0), Record::default(), at(0));
    assert_eq!(created, Err(unknown.clone()));
    assert_eq!(store.begin(&nobody, &begin("k", Effect::Inside), at(0)), Err(unknown.clone()));
    assert_eq!(store.set_setting(&nobody, "n", Some("v")), Err(unknown.clone()));
    assert_eq!(store.record(&nobody, audited("get_leads", true), at(0)), Err(unknown));
    assert_eq!(store.record(&nobody, done("k", ""), at(0)), Err(StoreError::NotPending));
    assert_eq!(store.leads(&nobody, &LeadQuery::newest(10)).unwrap().total, 0);
    assert_eq!(store.keys(&nobody), Ok(vec![]));
}

pub fn threads_write_and_read_at_once<P: Place>() {
    let (place, [a, b, _]) = (P::new(), tenants());
    let store = place.open();
    let start = Arc::new(Barrier::new(8));
    let threads: Vec<_> = (0..8_u64)
        .map(|thread| {
            let (store, start) = (Arc::clone(&store), Arc::clone(&start));
            let tenant = if thread % 2 == 0 { a.clone() } else { b.clone() };
            std::thread::spawn(move || {
                start.wait();
                for number in 0..25 {
                    let own = lead(thread * 100 + number, "x", 0);
                    add(&*store, &tenant, &own);
                    // What was answered is there for everyone at once.
                    assert_eq!(store.lead(&tenant, &own.id), Ok(own));
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    for tenant in [&a, &b] {
        assert_eq!(store.leads(tenant, &LeadQuery::newest(1)).unwrap().total, 100);
    }
}
