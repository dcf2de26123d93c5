//! Placeholders and plain buffers, made the other and back.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::Value;
use switchboard::proto::socketio::PlaceholderError as Place;
use switchboard::proto::socketio::{Limits, PacketError, from_plain, to_plain};

use super::{LIMITS, raw, refused};

#[test]
fn every_spelling_of_a_buffer_is_taken_out_and_nothing_else() {
    let buffers = [
        r#"{"type":"Buffer","base64":"+/8="}"#,
        r#"{"base64":"+/8=","type":"Buffer"}"#,
        "{ \"type\" :\t\"Buffer\" ,\n\"base64\" : \"+/8\" }",
        r#"{"type":"Buffer","base64":"+\/8="}"#,
        r#"{"type":"Buffer","base64":"\u002b/8="}"#,
    ];
    for buffer in buffers {
        let text = format!(r#"{{"a" : [{buffer}, 1.0], "b":"{{}}"}}"#);
        let data = raw(&text);
        let unpacked = from_plain(&data, &LIMITS).unwrap();
        assert_eq!(unpacked.data.get(), text.replace(buffer, r#"{"_placeholder":true,"num":0}"#));
        assert_eq!(unpacked.attachments, [[0xFB, 0xFF].as_slice()]);
    }
    let others = [
        r#"{"type":"Buffer","base64":"AA==","x":1}"#,
        r#"{"type":"Buffer"}"#,
        r#"{"type":"Buffer","data":[1,2]}"#,
        r#"{"type":"buffer","base64":"AA=="}"#,
        r#"{"type":"Buffer","base64":5}"#,
        r#"{"type":"Buffer","base64":["AA=="]}"#,
        r#"{"type":"Buffer","type":"Buffer","base64":"AA=="}"#,
        r#"{"base64":"AA==","base64":"AA=="}"#,
        r#""{\"type\":\"Buffer\",\"base64\":\"AA==\"}""#,
        r#"{"x":[],"type":"Buffer","base64":"AA=="}"#,
    ];
    for other in others {
        let data = raw(other);
        let unpacked = from_plain(&data, &LIMITS).unwrap();
        assert_eq!((unpacked.data.get(), unpacked.attachments.len()), (other, 0));
    }
}

#[test]
fn buffers_are_bounded_in_number_and_bytes_and_must_be_base64() {
    let buffers = |count, base64: &str| {
        raw(&format!("[{}]", vec![format!(r#"{{"type":"Buffer","base64":"{base64}"}}"#); count].join(",")))
    };
    let limits = Limits { soft: 30, ..LIMITS };
    let outcome = |data: &serde_json::value::RawValue| {
        from_plain(data, &limits).map(|unpacked| unpacked.attachments.len())
    };

    assert_eq!(outcome(&buffers(10, "AAAA")), Ok(10));
    assert_eq!(outcome(&buffers(10, "")), Ok(10));
    assert_eq!(outcome(&buffers(11, "")), Err(Place::TooMany));
    assert_eq!(outcome(&buffers(10, "AAAAAA==")), Err(Place::TooLarge));
    assert_eq!(outcome(&buffers(1, &"A".repeat(41))), Err(Place::Base64));
    assert_eq!(outcome(&buffers(1, &"A".repeat(42))), Err(Place::TooLarge));
    for wrong in ["A", "!!!!", "====", "AA=A", "AB==", "A A=", "-_8=", r"\ud800"] {
        assert_eq!(outcome(&buffers(1, wrong)), Err(Place::Base64), "{wrong}");
    }
}

#[test]
fn attachments_go_where_they_are_named_twice_or_not_at_all() {
    let data = raw(r#"[{"num":1,"_placeholder":true}, {"_placeholder":true,"num":1}]"#);
    let attachments = [Bytes::from("unnamed"), Bytes::from("b")];
    let expected = r#"[{"type":"Buffer","base64":"Yg=="}, {"type":"Buffer","base64":"Yg=="}]"#;

    assert_eq!(to_plain(&data, &attachments, expected.len()).unwrap().get(), expected);
    assert_eq!(to_plain(&data, &attachments, expected.len() - 1).unwrap_err(), Place::TooLarge);
    assert_eq!(to_plain(&data, &attachments[..1], 1_000).unwrap_err(), Place::Number);
    assert_eq!(to_plain(&data, &[], 0).unwrap().get(), data.get());
}

/// A payload, of which four texts can be made.
#[derive(Clone, Debug)]
enum Tree {
    /// Raw JSON without braces.
    Leaf(&'static str),
    Bytes(Vec<u8>),
    Array(Vec<Tree>),
    Object(Vec<(&'static str, Tree)>),
}

/// How its bytes are told.
#[derive(Clone, Copy, PartialEq)]
enum Told {
    Buffers,
    /// With whitespace, the keys the other way round, and no padding.
    LooseBuffers,
    Placeholders,
}

impl Tree {
    fn text(&self, told: Told, bytes: &mut Vec<Vec<u8>>) -> String {
        match self {
            Tree::Leaf(text) => (*text).to_owned(),
            Tree::Bytes(own) => {
                bytes.push(own.clone());
                match told {
                    Told::Buffers => format!(r#"{{"type":"Buffer","base64":"{}"}}"#, STANDARD.encode(own)),
                    Told::LooseBuffers => {
                        format!(r#"{{ "base64": "{}", "type": "Buffer" }}"#, STANDARD_NO_PAD.encode(own))
                    }
                    Told::Placeholders => format!(r#"{{"_placeholder":true,"num":{}}}"#, bytes.len() - 1),
                }
            }
            Tree::Array(items) => {
                let items: Vec<String> = items.iter().map(|item| item.text(told, bytes)).collect();
                format!("[ {}]", items.join(" ,"))
            }
            Tree::Object(entries) => {
                let entry = |(key, value): &(&str, Tree)| format!("\"{key}\" :{}", value.text(told, bytes));
                let entries: Vec<String> = entries.iter().map(entry).collect();
                format!("{{{}\n}}", entries.join(", "))
            }
        }
    }
}

fn tree() -> impl Strategy<Value = Tree> {
    let texts = vec![
        "null",
        "true",
        "1.50e2",
        r#""""#,
        r#""a}{\"\\""#,
        r#""é\ud800""#,
        r#""_placeholder""#,
        r#""Buffer""#,
    ];
    let keys = select(vec!["type", "base64", "num", "a", r"\\", r#"\":{"#, "placeholder", ""]);
    let leaf = prop_oneof![select(texts).prop_map(Tree::Leaf), vec(any::<u8>(), 0..9).prop_map(Tree::Bytes)];
    leaf.prop_recursive(5, 24, 4, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Tree::Array),
            vec((keys.clone(), inner), 0..4)
                .prop_filter("a buffer by chance", |entries| !is_told_as_buffer(entries))
                .prop_map(Tree::Object),
        ]
    })
}

/// Whether these leaves would be taken for `Tree::Bytes`.
fn is_told_as_buffer(entries: &[(&str, Tree)]) -> bool {
    let text = |wanted: &str| {
        entries.iter().find_map(|(key, value)| match value {
            Tree::Leaf(text) if *key == wanted => Some(*text),
            _ => None,
        })
    };
    entries.len() == 2
        && text("type") == Some(r#""Buffer""#)
        && text("base64").is_some_and(|leaf| leaf.starts_with('"'))
}

/// Objects that are placeholders, or nearly, and what else may stand about them.
fn nearly_placeholders() -> impl Strategy<Value = Value> {
    let leaf = select(vec![
        Value::from(0),
        Value::from(1),
        Value::from(2),
        Value::from(-1),
        Value::from(0.0),
        Value::from(true),
        Value::from("num"),
        Value::from("_placeholder"),
        Value::from("{\"_placeholder\":true,\"num\":7}"),
    ]);
    let place = (0_u64..3).prop_map(|number| serde_json::json!({ "_placeholder": true, "num": number }));
    prop_oneof![2 => leaf, 3 => place].prop_recursive(4, 16, 4, |inner| {
        let keys = select(vec!["_placeholder", "num", "a"]).prop_map(str::to_owned);
        prop_oneof![
            3 => vec(inner.clone(), 0..4).prop_map(Value::from),
            1 => prop::collection::btree_map(keys, inner, 0..4)
                .prop_map(|entries| entries.into_iter().collect::<serde_json::Map<_, _>>().into()),
        ]
    })
}

/// Whether all that has the key is a placeholder in range, told with a tree and recursion.
fn is_sound(value: &Value, attachments: u64) -> bool {
    match value {
        Value::Array(items) => items.iter().all(|item| is_sound(item, attachments)),
        Value::Object(entries) if entries.contains_key("_placeholder") => {
            entries.len() == 2
                && entries["_placeholder"] == true
                && entries.get("num").and_then(Value::as_u64).is_some_and(|number| number < attachments)
        }
        Value::Object(entries) => entries.values().all(|entry| is_sound(entry, attachments)),
        _ => true,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn there_and_back_is_the_same_text_but_for_the_buffers(tree in tree()) {
        let mut bytes = Vec::new();
        let tight = tree.text(Told::Buffers, &mut bytes);
        let loose = tree.text(Told::LooseBuffers, &mut Vec::new());
        let places = tree.text(Told::Placeholders, &mut Vec::new());
        let limits = Limits { attachments: 100, ..LIMITS };

        for plain in [&tight, &loose] {
            let data = raw(plain);
            let unpacked = from_plain(&data, &limits).unwrap();
            prop_assert_eq!(unpacked.data.get(), &places);
            prop_assert_eq!(&unpacked.attachments, &bytes);

            let back = to_plain(&unpacked.data, &unpacked.attachments, tight.len()).unwrap();
            prop_assert_eq!(back.get(), if bytes.is_empty() { plain } else { &tight });
        }
    }

    #[test]
    fn placeholders_are_sound_where_a_tree_says_so(value in nearly_placeholders(), attachments in 0_u64..4) {
        let text = format!("5{attachments}-[\"e\",{value}]");

        let expected = is_sound(&value, attachments);

        let outcome = refused(&text);
        prop_assert!(matches!(outcome, None | Some(PacketError::Placeholder(_))));
        prop_assert_eq!(outcome.is_none(), expected);
    }
}
