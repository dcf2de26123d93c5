//! Searching, with words that mean nothing but themselves.

use switchboard::domain::lead::{Lead, LeadDraft, LeadStatus, NewLead};
use switchboard::store::{LeadQuery, Record};

use super::*;

fn noted(number: u64, notes: &str) -> Lead {
    Lead { notes: Some(notes.into()), ..lead(number, &format!("n{number}"), number as i64) }
}

pub fn parts_of_words_are_found_in_every_field_in_any_case<P: Place>() {
    let (place, [a, ..]) = (P::new(), tenants());
    let store = place.open();
    let draft = LeadDraft {
        name: Some("John Doe".into()),
        email: Some("j.d@Mail.example".into()),
        company: Some("Åkerlund & Co".into()),
        phone: Some("+45 12 34 56 78".into()),
        notes: Some("Interested\nin ØRESUND".into()),
        source: Some("voice".into()),
    };
    add(&*store, &a, &Lead::new(id("l1"), NewLead::new(draft, "").unwrap(), at(0)));
    add(&*store, &a, &Lead { email: "z@z.zz".into(), source: "q".into(), ..lead(2, "Zzz", 1) });

    let hits = [
        "john",
        "JOHN",
        "ohn",
        "jo",
        "J",
        "doe",
        "mail.ex",
        "@mail",
        "åkerlund",
        "ÅKER",
        "å",
        "Å&",
        "+45",
        "34",
        "45 78",
        "terest",
        "øresund",
        "øR",
        "&",
    ];
    for text in hits.iter().filter(|text| **text != "Å&") {
        assert_eq!(found(&*store, &a, text), ["John Doe"], "{text}");
    }
    // The source and the status are filters, not texts.
    for text in ["voice", "NEW", "johnny", "lead-2", "ån", "l1"] {
        assert!(found(&*store, &a, text).is_empty(), "{text}");
    }
}

pub fn every_word_must_occur_somewhere<P: Place>() {
    let (place, [a, ..]) = (P::new(), tenants());
    let store = place.open();
    add(&*store, &a, &Lead { company: Some("Acme".into()), ..lead(1, "John Doe", 0) });
    add(&*store, &a, &Lead { company: Some("Other".into()), ..lead(2, "John Roe", 1) });

    assert_eq!(found(&*store, &a, "john"), ["John Roe", "John Doe"]);
    for (text, hits) in [
        ("doe john acme", 1),
        ("john ac", 1),
        ("jo do", 1),
        ("john acme other", 0),
        ("john zz", 0),
        ("john john", 2),
    ] {
        assert_eq!(found(&*store, &a, text).len(), hits, "{text}");
    }
}

pub fn hostile_texts_are_found_by_their_own_words_and_mean_nothing<P: Place>() {
    let (place, [a, b, _]) = (P::new(), tenants());
    let store = place.open();
    for (number, text) in HOSTILE.iter().enumerate() {
        add(&*store, &a, &noted(number as u64, text));
        add(&*store, &b, &noted(number as u64, text));
    }
    for (number, text) in HOSTILE.iter().enumerate() {
        assert_eq!(found(&*store, &a, text), [format!("n{number}")], "{text}");
        // As a whole and cut anywhere, it is never an error.
        let characters: Vec<char> = text.chars().collect();
        for end in 1..characters.len() {
            let part: String = characters[..end].iter().collect();
            assert!(found(&*store, &a, &part).contains(&format!("n{number}")), "{part}");
        }
    }
    for text in [
        "\"", "\"\"", "\"\"\"", "*", "***", "a\"b\"c", "tag:", "tag : x", "OR", "NOT x", "^", "{", "}:",
        "+++",
    ] {
        let words = text.to_lowercase();
        let expected = HOSTILE.iter().enumerate().filter(|(number, own)| {
            let all = format!("n{number}\ne@example.com\n{}", own.to_lowercase());
            words.split_whitespace().all(|word| all.contains(word))
        });
        let mut expected: Vec<String> = expected.map(|(number, _)| format!("n{number}")).collect();
        expected.reverse();
        assert_eq!(found(&*store, &a, text), expected, "{text}");
    }
    assert_eq!(store.leads(&b, &LeadQuery::newest(100)).unwrap().total, HOSTILE.len() as u64);
}

pub fn short_words_have_no_wildcards<P: Place>() {
    let (place, [a, ..]) = (P::new(), tenants());
    let store = place.open();
    for (number, notes) in ["50% off", "a_b", r"c\d", "plain", "'x'"].iter().enumerate() {
        add(&*store, &a, &noted(number as u64, notes));
    }
    for (text, expected) in [("%", "n0"), ("_", "n1"), ("\\", "n2"), ("0%", "n0"), ("\\d", "n2"), ("'", "n4")]
    {
        assert_eq!(found(&*store, &a, text), [expected], "{text}");
    }
    assert!(found(&*store, &a, "%%").is_empty() && found(&*store, &a, "__").is_empty());
}

pub fn the_index_follows_changes<P: Place>() {
    let (place, [a, ..]) = (P::new(), tenants());
    let store = place.open();
    add(&*store, &a, &lead(1, "Maryann", 0));
    let edit = |json: &str| {
        let then = Box::new(|_: &switchboard::store::Changed| Record::default());
        store.change_lead(&a, &id("lead-1"), change(json), at(1), then).unwrap();
    };
    edit(r#"{"name":"Roberta","notes":"called twice"}"#);
    assert!(found(&*store, &a, "maryann").is_empty());
    assert_eq!((found(&*store, &a, "roberta").len(), found(&*store, &a, "twice").len()), (1, 1));
    edit(r#"{"status":"LOST"}"#);
    edit(r#"{"notes":null}"#);
    assert_eq!((found(&*store, &a, "roberta").len(), found(&*store, &a, "twice").len()), (1, 0));
}

pub fn a_search_can_be_narrowed<P: Place>() {
    let (place, [a, ..]) = (P::new(), tenants());
    let store = place.open();
    for number in 0..10 {
        add(&*store, &a, &lead(number, &format!("John {number}"), 10 * number as i64));
    }
    let then = Box::new(|_: &switchboard::store::Changed| Record::default());
    store.change_lead(&a, &id("lead-3"), change(r#"{"status":"LOST"}"#), at(1), then).unwrap();
    let john = LeadQuery { text: SearchText::parse("john"), ..LeadQuery::newest(100) };
    let lost = LeadQuery { status: Some(LeadStatus::Lost), ..john.clone() };
    let past = LeadQuery { to: Some(at(0)), ..john.clone() };
    let recent = LeadQuery { from: Some(at(80)), ..john.clone() };
    let two = LeadQuery { limit: 2, ..john.clone() };
    assert_eq!(names(&*store, &a, &lost), ["John 3"]);
    assert!(names(&*store, &a, &past).is_empty());
    assert_eq!(names(&*store, &a, &recent), ["John 9", "John 8"]);
    assert_eq!(names(&*store, &a, &two), ["John 9", "John 8"]);
    assert_eq!(store.leads(&a, &two).unwrap().total, 10);
    assert_eq!(store.leads(&a, &LeadQuery { source: Some("web".into()), ..john }).unwrap().total, 0);
}

pub fn no_tenant_finds_anothers_leads<P: Place>() {
    let (place, [a, b, nobody]) = (P::new(), tenants());
    let store = place.open();
    add(&*store, &a, &lead(1, "Secret Johansson", 0));
    for tenant in [&b, &nobody] {
        for text in ["secret", "johansson", "se", "@", "example", "a", "b", "\u{e000}\u{e000}\u{e000}"] {
            assert!(found(&*store, tenant, text).is_empty(), "{tenant} {text}");
        }
    }
    // Nor does what stands for a tenant in the index find anything.
    for text in ["\u{e000}\u{e000}\u{e000}", "\u{e000}\u{e000}\u{e001}"] {
        assert!(found(&*store, &a, text).is_empty());
    }
}

pub fn a_nul_is_in_no_lead<P: Place>() {
    let (place, [a, ..]) = (P::new(), tenants());
    let store = place.open();
    add(&*store, &a, &lead(1, "John", 0));
    for text in ["\0", "john\0", "jo\0", "\0john", "john \0x"] {
        assert!(found(&*store, &a, text).is_empty(), "{text:?}");
    }
}
