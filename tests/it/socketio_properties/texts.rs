//! Texts that proptest makes up: soup, nearly packets, and packets of ours.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::Value;
use serde_json::value::RawValue;
use switchboard::proto::socketio::{
    Arguments, Assembler, Kind, Limits, Outgoing, PacketError, decode, is_reserved,
};

use super::{LIMITS, digest, raw, written};

/// Pieces that packets are made of, more often than chance would have them.
fn soup() -> impl Strategy<Value = String> {
    let piece = select(vec![
        "0",
        "1",
        "2",
        "3",
        "4",
        "5",
        "6",
        "-",
        "/",
        "/ws",
        ",",
        "?",
        "[",
        "]",
        "{",
        "}",
        "\"",
        "\\",
        ":",
        " ",
        "[\"e\"",
        "\"num\"",
        "\"_placeholder\":true",
        "{\"_placeholder\":true,\"num\":",
        "\"type\":\"Buffer\"",
        "\"base64\":\"AA==\"",
        "{\"type\":\"Buffer\",\"base64\":\"",
        "\\u",
        "d800",
        "true",
        "null",
        "1e9",
        "\u{1e}",
        "é",
        "日本",
    ]);
    vec(prop_oneof![8 => piece.prop_map(str::to_owned), 1 => any::<char>().prop_map(String::from)], 0..40)
        .prop_map(|pieces| pieces.concat())
}

/// JSON as a client's library writes it, of little depth.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-1e9..1e9).prop_map(Value::from),
        "\\PC{0,8}".prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        select(vec!["connect", "disconnect", "newListener", "error", "e", "_placeholder"])
            .prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            3 => vec(inner.clone(), 0..4).prop_map(Value::from),
            1 => prop::collection::btree_map("[a-c_\"\\\\é]{0,3}", inner, 0..4)
                .prop_map(|entries| entries.into_iter().collect::<serde_json::Map<_, _>>().into()),
        ]
    })
}

/// JSON, or JSON with a byte of syntax put in, put elsewhere or taken out.
fn nearly_json() -> impl Strategy<Value = String> {
    let damage =
        (any::<Index>(), select(vec!["", "[", "]", "{", "}", ",", ":", "\"", "\\", "1", "-", ".", " "]));
    (value(), any::<bool>(), vec(damage, 0..3)).prop_map(|(value, wrapped, damages)| {
        let mut text = if wrapped { Value::from(vec![value]) } else { value }.to_string();
        for (index, piece) in damages {
            let at: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
            let at = at[index.index(at.len())];
            match piece {
                "" => drop(text.remove(at)),
                _ => text.insert_str(at, piece),
            }
            if text.is_empty() {
                break;
            }
        }
        text
    })
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z:_]{0,12}", any::<String>()].prop_filter("not reserved", |name| !is_reserved(name))
}

/// As `decode` leaves one: no comma, no control character.
fn namespace() -> impl Strategy<Value = String> {
    prop_oneof![Just("/".to_owned()), "/[a-z]{1,9}", "/[^,\\p{Cc}]{1,9}"]
}

fn arguments() -> impl Strategy<Value = Vec<Value>> {
    vec(value(), 0..4)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_makes_a_packet_or_an_error(text in prop_oneof![soup(), any::<String>()]) {
        digest(&text);
    }

    #[test]
    fn nearly_any_json_behind_any_head_makes_a_packet_or_an_error(
        head in "[0-6]?([0-9]{0,2}-)?(/[a-z?]{0,3},?)?[0-9]{0,3}",
        json in nearly_json(),
    ) {
        digest(&format!("{head}{json}"));
        digest(&json);
    }

    #[test]
    fn any_start_of_a_dropped_text_does_no_harm(start in vec(any::<u8>(), 0..60), size in any::<usize>()) {
        let _ = Assembler::new(LIMITS).dropped_text(&start, size);
        let _ = Assembler::new(LIMITS).dropped_text(&[b"51-/", &start[..]].concat(), size % 2_000);
    }

    #[test]
    fn a_text_is_an_event_where_a_tree_says_so(text in nearly_json()) {
        // A digit would be the id's, and a slash the namespace's.
        prop_assume!(!text.is_empty() && !text.starts_with(|c: char| c == '/' || c.is_ascii_digit()));
        let tree = match serde_json::from_str::<Value>(&text) {
            Ok(Value::Array(items)) => items.into_iter().next(),
            Ok(_) => None,
            // JSON to us, as it is to the clients: only a tree has no place for it.
            Err(error) if error.to_string().contains("out of range") => return Ok(()),
            Err(_) => None,
        };
        let expected = match tree {
            Some(Value::String(name)) => !is_reserved(&name),
            Some(Value::Number(_)) => true,
            _ => false,
        };

        let packet = format!("2{text}");
        let header = decode(&packet, &LIMITS);

        prop_assert_eq!(header.is_ok(), expected, "{:?}", header);
    }

    #[test]
    fn an_event_comes_back_as_it_was_written(
        namespace in namespace(),
        id in prop::option::of(0_u32..1 << 31),
        name in name(),
        args in arguments(),
        offset in prop::option::of(any::<String>()),
        attachments in 0_usize..=10,
    ) {
        let array = raw(&Value::from(args.clone()).to_string());
        let offset = offset.filter(|_| id.is_none());
        let packet = Outgoing::Event {
            namespace: &namespace,
            id,
            name: &name,
            args: Arguments::of_array(&array).unwrap(),
            offset: offset.as_deref(),
            attachments,
        };

        let text = written(&packet).unwrap();
        let header = decode(&text, &Limits::default()).unwrap();
        let event = header.event().unwrap();

        prop_assert_eq!(header.kind, if attachments == 0 { Kind::Event } else { Kind::BinaryEvent });
        prop_assert_eq!(header.namespace, &namespace);
        prop_assert_eq!((header.id, header.attachments), (id.map(u64::from), attachments));
        prop_assert_eq!(event.name, name);
        // As texts: a tree would not even give every number back.
        let heard: Vec<&str> = event.args.iter().map(RawValue::get).collect();
        let sent: Vec<String> =
            args.iter().chain(&offset.map(Value::from)).map(Value::to_string).collect();
        prop_assert_eq!(heard, sent);
        prop_assert!(!text.bytes().any(|byte| byte < b' '), "{}", text);
    }

    #[test]
    fn an_answer_comes_back_as_it_was_written(
        namespace in namespace(),
        id in any::<u64>(),
        args in arguments(),
        message in any::<String>(),
        attachments in 0_usize..=10,
    ) {
        let array = raw(&Value::from(args).to_string());
        let args = Arguments::of_array(&array).unwrap();

        let ack = written(&Outgoing::Ack { namespace: &namespace, id, args, attachments }).unwrap();
        let refusal = Outgoing::ConnectError { namespace: &namespace, message: &message, data: Some(&array) };
        let refusal = written(&refusal).unwrap();

        let header = decode(&ack, &Limits::default()).unwrap();
        prop_assert_eq!((header.namespace, header.id, header.attachments), (&*namespace, Some(id), attachments));
        prop_assert_eq!(header.data.unwrap().get(), array.get());
        let header = decode(&refusal, &Limits::default()).unwrap();
        prop_assert_eq!((header.kind, header.namespace), (Kind::ConnectError, &*namespace));
        let said: Value = serde_json::from_str(header.data.unwrap().get()).unwrap();
        prop_assert_eq!(&said["message"], &Value::from(message));
        prop_assert_eq!(&said["data"], &serde_json::from_str::<Value>(array.get()).unwrap());
    }

    #[test]
    fn a_connect_comes_back_as_it_was_written(namespace in namespace(), sid in any::<String>(), pid in prop::option::of(any::<String>())) {
        let text = written(&Outgoing::Connect { namespace: &namespace, sid: &sid, pid: pid.as_deref() }).unwrap();

        let header = decode(&text, &Limits::default()).unwrap();

        prop_assert_eq!((header.kind, header.namespace), (Kind::Connect, &*namespace));
        let said: Value = serde_json::from_str(header.data.unwrap().get()).unwrap();
        prop_assert_eq!(said.as_object().unwrap().len(), 1 + usize::from(pid.is_some()));
        prop_assert_eq!(said.get("pid").cloned(), pid.map(Value::from));
        prop_assert_eq!(&said["sid"], &Value::from(sid));

        let text = written(&Outgoing::Disconnect { namespace: &namespace }).unwrap();
        let header = decode(&text, &Limits::default()).unwrap();
        prop_assert_eq!((header.kind, header.namespace), (Kind::Disconnect, &*namespace));
        let refused = decode(&format!("{}{{}}", text), &Limits::default()).unwrap_err();
        prop_assert_eq!(refused, PacketError::Payload);
    }
}
