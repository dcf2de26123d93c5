use super::*;

fn draft() -> LeadDraft {
    LeadDraft {
        name: Some(" John Doe ".into()),
        email: Some("john@example.com".into()),
        ..LeadDraft::default()
    }
}

fn lead() -> Lead {
    let new = NewLead::new(draft(), "voice").unwrap();
    Lead::new(Id::parse("l1").unwrap(), new, Timestamp::from_millis(0))
}

fn edits(json: &str) -> Result<LeadChange, InvalidLead> {
    LeadChange::new(serde_json::from_str(json).unwrap())
}

#[test]
fn a_lead_prints_what_clients_see_and_nothing_that_is_not_there() {
    let mut lead = lead();
    let bare = r#"{"id":"l1","name":"John Doe","email":"john@example.com","source":"voice","status":"NEW","createdAt":"1970-01-01T00:00:00.000Z","updatedAt":"1970-01-01T00:00:00.000Z"}"#;
    assert_eq!(serde_json::to_string(&lead).unwrap(), bare);

    lead.change(edits(r#"{"phone":"+45 12 34 56 78"}"#).unwrap(), Timestamp::from_millis(5));
    let printed = serde_json::to_string(&lead).unwrap();
    assert!(printed.contains(r#""phone":"+45 12 34 56 78","source""#), "{printed}");
    assert!(printed.ends_with(r#""updatedAt":"1970-01-01T00:00:00.005Z"}"#), "{printed}");
}

/// `(field, values it takes, values it refuses)`
fn fields() -> Vec<(&'static str, Vec<String>, Vec<String>)> {
    let own = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    let with = |mut list: Vec<String>, long: String| {
        list.push(long);
        list
    };
    vec![
        (
            "name",
            with(own(&["x", "Ø", "'; DROP TABLE leads; --", "שלום 👋"]), "ü".repeat(MAX_NAME)),
            with(own(&["", "  ", "a\nb", "a\0b", "\u{1b}[31m"]), "x".repeat(MAX_NAME + 1)),
        ),
        (
            "email",
            own(&["a@b.co", "a+b@sub.example.com", "ü@example.com", "o'hara@example.com"]),
            with(
                own(&[
                    "",
                    "x",
                    "a@b",
                    "a@",
                    "@b.co",
                    "a b@c.de",
                    "a@b.co, c@d.ef",
                    "Ann <a@b.co>",
                    "a@[1.2.3.4]",
                    "a@b.co\0",
                    "a@b.co\nbcc: c@d.ef",
                ]),
                format!("{}@example.com", "x".repeat(MAX_EMAIL)),
            ),
        ),
        (
            "phone",
            own(&["", "1234567", "+45 12 34 56 78", "(030) 123-45.67/8", "123456789012345"]),
            own(&["123456", "1234567890123456", "12 34+567", "++1234567", "tel 1234567", "١٢٣٤٥٦٧"])
                .into_iter()
                .chain([format!("1234567{}", " ".repeat(MAX_PHONE) + "8")])
                .collect(),
        ),
        (
            "company",
            with(own(&["", " ", "A & B"]), "x".repeat(MAX_COMPANY)),
            with(own(&["a\tb"]), "x".repeat(MAX_COMPANY + 1)),
        ),
        (
            "notes",
            with(own(&["", "a\r\n\tb", "\" OR *"]), "😀".repeat(MAX_NOTES)),
            with(own(&["a\0b", "a\u{7}"]), "x".repeat(MAX_NOTES + 1)),
        ),
        (
            "source",
            with(own(&["voice", "web form"]), "x".repeat(MAX_SOURCE)),
            with(own(&["a\nb"]), "x".repeat(MAX_SOURCE + 1)),
        ),
    ]
}

#[test]
fn each_field_takes_its_good_values_and_refuses_its_bad_ones() {
    for (field, good, bad) in fields() {
        let attempts = good.iter().map(|value| (value, true)).chain(bad.iter().map(|value| (value, false)));
        for (value, is_good) in attempts {
            let mut json = serde_json::json!({"name": "n", "email": "e@example.com"});
            json[field] = value.as_str().into();
            let made = NewLead::new(serde_json::from_value(json).unwrap(), "voice");
            assert_eq!(made.as_ref().err().map(|bad| bad.field), (!is_good).then_some(field), "{value:?}");
            let json = serde_json::json!({ field: value }).to_string();
            assert_eq!(edits(&json).err().map(|bad| bad.field), (!is_good).then_some(field), "{value:?}");
        }
    }
}

#[test]
fn name_and_email_are_required() {
    let without = |name: Option<&str>, email: Option<&str>| {
        let (name, email) = (name.map(Into::into), email.map(Into::into));
        NewLead::new(LeadDraft { name, email, ..LeadDraft::default() }, "voice").unwrap_err().to_string()
    };
    assert_eq!(without(None, Some("a@b.co")), "`name` is required");
    assert_eq!(without(Some("x"), None), "`email` is required");
}

#[test]
fn an_empty_source_is_the_callers() {
    let source = |own: Option<&str>| {
        let new = NewLead::new(LeadDraft { source: own.map(Into::into), ..draft() }, "voice").unwrap();
        new.source
    };
    assert_eq!((&*source(None), &*source(Some(" ")), &*source(Some("web"))), ("voice", "voice", "web"));
}

#[test]
fn a_change_says_what_it_changed() {
    let change = |json: &str| lead().change(edits(json).unwrap(), Timestamp::from_millis(9));
    let was = |fields, status_was| LeadDifference { fields, status_was };

    assert_eq!(change(r#"{"status":"contacted"}"#), was(false, Some(LeadStatus::New)));
    assert_eq!(change(r#"{"status":"LOST","name":"J"}"#), was(true, Some(LeadStatus::New)));
    assert_eq!(change(r#"{"company":"Acme"}"#), was(true, None));
    assert_eq!(change(r#"{"name":"John Doe","status":"NEW"}"#), was(false, None));
    assert!(edits(r#"{"status":"nope"}"#).is_err() && edits("{}").is_err());
}

#[test]
fn null_takes_an_optional_field_away_and_what_is_not_named_stays() {
    let mut lead = lead();
    lead.change(edits(r#"{"company":"Acme","notes":"n"}"#).unwrap(), Timestamp::from_millis(1));
    lead.change(edits(r#"{"company":null,"name":"Ann"}"#).unwrap(), Timestamp::from_millis(2));
    assert_eq!((lead.company, lead.notes.as_deref(), &*lead.name), (None, Some("n"), "Ann"));
    assert_eq!((lead.created_at.millis(), lead.updated_at.millis()), (0, 2));
}

#[test]
fn a_change_to_what_is_leaves_the_time_of_the_last() {
    let mut lead = lead();
    let difference = lead.change(edits(r#"{"name":"John Doe"}"#).unwrap(), Timestamp::from_millis(7));
    assert_eq!((difference.is_any(), lead.updated_at.millis()), (false, 0));
}
