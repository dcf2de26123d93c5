//! The list: texts, and the packet or the error they make; packets, and the text they make.

use serde_json::value::RawValue;
use switchboard::proto::socketio::PacketError as Error;
use switchboard::proto::socketio::PlaceholderError as Place;
use switchboard::proto::socketio::{
    Arguments, EncodeError, Event, Kind, Limits, Outgoing, RESERVED, decode, is_reserved, lookup_name,
};

use super::{Seen, raw, refused, seen, written};

#[rustfmt::skip] // A row is a line.
const PACKETS: &[(&str, Seen<'static>)] = &[
    ("0", (Kind::Connect, "/", None, 0, None)),
    ("0{}", (Kind::Connect, "/", None, 0, Some("{}"))),
    ("0/", (Kind::Connect, "/", None, 0, None)),
    ("0/,", (Kind::Connect, "/", None, 0, None)),
    ("0/ws", (Kind::Connect, "/ws", None, 0, None)),
    ("0/ws,", (Kind::Connect, "/ws", None, 0, None)),
    (r#"0/ws,{"token":"a,b"}"#, (Kind::Connect, "/ws", None, 0, Some(r#"{"token":"a,b"}"#))),
    ("0/ws?x=1", (Kind::Connect, "/ws?x=1", None, 0, None)),
    ("0/ws?x=1,{}", (Kind::Connect, "/ws?x=1", None, 0, Some("{}"))),
    ("0/日本,", (Kind::Connect, "/日本", None, 0, None)),
    ("1", (Kind::Disconnect, "/", None, 0, None)),
    ("1/ws,", (Kind::Disconnect, "/ws", None, 0, None)),
    ("2", (Kind::Event, "/", None, 0, None)),
    ("2/ws,", (Kind::Event, "/ws", None, 0, None)),
    (r#"2/ws["e"]"#, (Kind::Event, r#"/ws["e"]"#, None, 0, None)),
    (r#"2["e"]"#, (Kind::Event, "/", None, 0, Some(r#"["e"]"#))),
    (r#"2["e",1.0,{"b":1,"a":2}]"#, (Kind::Event, "/", None, 0, Some(r#"["e",1.0,{"b":1,"a":2}]"#))),
    (r#"2 [ "e" ] "#, (Kind::Event, "/", None, 0, Some(r#"[ "e" ]"#))),
    (r#"2[5,"x"]"#, (Kind::Event, "/", None, 0, Some(r#"[5,"x"]"#))),
    ("2[-0.5e9]", (Kind::Event, "/", None, 0, Some("[-0.5e9]"))),
    (r#"2[""]"#, (Kind::Event, "/", None, 0, Some(r#"[""]"#))),
    (r#"20["e"]"#, (Kind::Event, "/", Some(0), 0, Some(r#"["e"]"#))),
    (r#"2007["e"]"#, (Kind::Event, "/", Some(7), 0, Some(r#"["e"]"#))),
    (r#"2/ws,12["e"]"#, (Kind::Event, "/ws", Some(12), 0, Some(r#"["e"]"#))),
    (r#"29007199254740993["e"]"#, (Kind::Event, "/", Some(9_007_199_254_740_993), 0, Some(r#"["e"]"#))),
    (r#"218446744073709551615["e"]"#, (Kind::Event, "/", Some(u64::MAX), 0, Some(r#"["e"]"#))),
    ("3999[1]", (Kind::Ack, "/", Some(999), 0, Some("[1]"))),
    ("3[1]", (Kind::Ack, "/", None, 0, Some("[1]"))),
    ("37", (Kind::Ack, "/", Some(7), 0, None)),
    ("3/ws,7[]", (Kind::Ack, "/ws", Some(7), 0, Some("[]"))),
    (r#"4{"message":"no"}"#, (Kind::ConnectError, "/", None, 0, Some(r#"{"message":"no"}"#))),
    (r#"4/ws,"no""#, (Kind::ConnectError, "/ws", None, 0, Some(r#""no""#))),
    (r#"50-["e"]"#, (Kind::BinaryEvent, "/", None, 0, Some(r#"["e"]"#))),
    (r#"5010-["e"]"#, (Kind::BinaryEvent, "/", None, 10, Some(r#"["e"]"#))),
    (r#"51-/ws,3["e",{"_placeholder":true,"num":0}]"#,
        (Kind::BinaryEvent, "/ws", Some(3), 1, Some(r#"["e",{"_placeholder":true,"num":0}]"#))),
    (r#"62-4[{ "num" : 1 , "_placeholder" : true },[{"_placeholder":true,"num":1}]]"#,
        (Kind::BinaryAck, "/", Some(4), 2,
            Some(r#"[{ "num" : 1 , "_placeholder" : true },[{"_placeholder":true,"num":1}]]"#))),
    // Without attachments a placeholder is an object like any other.
    (r#"2["e",{"_placeholder":true,"num":9}]"#,
        (Kind::Event, "/", None, 0, Some(r#"["e",{"_placeholder":true,"num":9}]"#))),
];

#[rustfmt::skip]
const REFUSED: &[(&str, Error)] = &[
    ("", Error::Kind),
    ("7", Error::Kind),
    ("x", Error::Kind),
    ("é", Error::Kind),
    ("０", Error::Kind),
    ("-1", Error::Kind),
    ("0ws,", Error::Json),
    ("0,{}", Error::Json),
    ("0[]", Error::Payload),
    (r#"0"x""#, Error::Payload),
    ("0null", Error::Payload),
    ("0{", Error::Json),
    ("0{}{}", Error::Json),
    ("0 ", Error::Json),
    ("0/a\u{1e}b,", Error::Namespace),
    ("0/a\0", Error::Namespace),
    (r#"1{"a":1}"#, Error::Payload),
    ("1null", Error::Payload),
    ("2[]", Error::EventName),
    ("2[{}]", Error::EventName),
    ("2[null]", Error::EventName),
    ("2[true]", Error::EventName),
    (r#"2[["e"]]"#, Error::EventName),
    ("2{}", Error::Payload),
    (r#"2"e""#, Error::Payload),
    (r#"2["connect_error"]"#, Error::ReservedName),
    (r#"2["disconn\u0065ct"]"#, Error::ReservedName),
    (r#"2["e",]"#, Error::Json),
    (r#"2["e""#, Error::Json),
    (r#"2["e"]x"#, Error::Json),
    (r#"21-["e"]"#, Error::Json),
    (r#"2-1["e"]"#, Error::Json),
    (r#"2+1["e"]"#, Error::Json),
    (r#"2１["e"]"#, Error::Json),
    ("2[\"a\tb\"]", Error::Json),
    ("2[\"a\u{1e}b\"]", Error::Json),
    ("3{}", Error::Payload),
    (r#"37"x""#, Error::Payload),
    ("4", Error::Payload),
    ("4[]", Error::Payload),
    (r#"5["e"]"#, Error::AttachmentCount),
    (r#"5-["e"]"#, Error::AttachmentCount),
    (r#"5+1-["e"]"#, Error::AttachmentCount),
    (r#"51.0-["e"]"#, Error::AttachmentCount),
    (r#"5 1-["e"]"#, Error::AttachmentCount),
    (r#"5["e-"]"#, Error::AttachmentCount),
    ("51", Error::AttachmentCount),
    ("51-", Error::Payload),
    ("61-7", Error::Payload),
    (r#"51-["e""#, Error::Json),
    (r#"51-["disconnecting"]"#, Error::ReservedName),
    (r#"511-["e"]"#, Error::TooManyAttachments),
    (r#"51-["e",{"_placeholder":true,"num":3}]"#, Error::Placeholder(Place::Number)),
    (r#"51-[{"_placeholder":true,"num":0}]"#, Error::EventName),
    (r#"61-[{"_placeholder":true,"num":"0"}]"#, Error::Placeholder(Place::Number)),
    (r#"50-["e",{"_placeholder":true,"num":0}]"#, Error::Placeholder(Place::Number)),
];

#[test]
fn every_text_makes_its_packet_or_its_error() {
    for (text, packet) in PACKETS {
        let header = decode(text, &Limits::default()).unwrap_or_else(|error| panic!("{error}: {text}"));
        assert_eq!(seen(&header), *packet, "{text}");
    }
    for (text, error) in REFUSED {
        assert_eq!(refused(text), Some(*error), "{text}");
    }
}

#[test]
fn the_reserved_names_are_refused_and_others_like_them_are_not() {
    for name in RESERVED {
        assert!(is_reserved(name));
        assert_eq!(refused(&format!(r#"2["{name}"]"#)), Some(Error::ReservedName));
        assert_eq!(refused(&format!(r#"2["{name} "]"#)), None);
    }
    for name in ["error", "message", "ping", "pong", "Connect", "newlistener"] {
        assert_eq!(refused(&format!(r#"2["{name}"]"#)), None, "{name}");
    }
}

#[test]
fn an_event_is_its_name_and_what_follows() {
    #[rustfmt::skip]
    let cases: &[(&str, &str, &str, &[&str])] = &[
        (r#"["e"]"#, "e", "", &[]),
        (r#"["a\"\u00e9\\",1]"#, "a\"é\\", "1", &["1"]),
        (r#"[5,"x"]"#, "5", r#""x""#, &[r#""x""#]),
        (r#"[1.50e0]"#, "1.50e0", "", &[]),
        (r#"[ "e" , null ,"a,]" , [1, 2] ]"#, "e", r#"null ,"a,]" , [1, 2]"#, &["null", r#""a,]""#, "[1, 2]"]),
        (r#"["e",{},true,-1]"#, "e", "{},true,-1", &["{}", "true", "-1"]),
    ];
    for (array, name, args, listed) in cases {
        let array = raw(array);
        let event = Event::split(&array).unwrap();
        assert_eq!((&*event.name, event.args.as_str()), (*name, *args));
        assert_eq!(event.args.iter().map(RawValue::get).collect::<Vec<_>>(), *listed);
        assert_eq!(event.args.first().map(RawValue::get), listed.first().copied());
        assert_eq!(event.args.is_empty(), listed.is_empty());
    }
}

#[test]
fn a_namespace_is_looked_up_without_its_query() {
    let cases = [("/", "/"), ("/ws", "/ws"), ("/ws?x=1", "/ws"), ("/?x", "/"), ("/a?b?c", "/a")];
    for (spelled, name) in cases {
        assert_eq!(lookup_name(spelled), name);
    }
}

#[test]
fn every_packet_is_written_as_the_clients_read_it() {
    let (list, place) = (raw(r#"[1.0,"x"]"#), raw(r#"{"_placeholder":true,"num":0}"#));
    let (args, place) = (Arguments::of_array(&list).unwrap(), Arguments::one(&place));
    let event = |namespace, id, args, offset, attachments| Outgoing::Event {
        namespace,
        id,
        name: "e",
        args,
        offset,
        attachments,
    };
    let (root, none) = ("/", Arguments::NONE);
    #[rustfmt::skip]
    let cases = [
        (Outgoing::Connect { namespace: root, sid: "a1", pid: None }, r#"0{"sid":"a1"}"#),
        (Outgoing::Connect { namespace: "/ws?x", sid: "a1", pid: Some("p") }, r#"0/ws?x,{"sid":"a1","pid":"p"}"#),
        (Outgoing::ConnectError { namespace: "/random", message: "Invalid namespace", data: None },
            r#"4/random,{"message":"Invalid namespace"}"#),
        (Outgoing::ConnectError { namespace: root, message: "\"\u{1e}\n", data: Some(&list) },
            r#"4{"message":"\"\u001e\n","data":[1.0,"x"]}"#),
        (Outgoing::Disconnect { namespace: root }, "1"),
        (Outgoing::Disconnect { namespace: "/ws" }, "1/ws,"),
        (event(root, None, none, None, 0), r#"2["e"]"#),
        (event("/ws", None, args, None, 0), r#"2/ws,["e",1.0,"x"]"#),
        (event("/ws", Some(7), args, None, 0), r#"2/ws,7["e",1.0,"x"]"#),
        (event(root, None, args, Some("1-0"), 0), r#"2["e",1.0,"x","1-0"]"#),
        (event(root, None, none, Some("1-0"), 0), r#"2["e","1-0"]"#),
        (event("/ws", Some(7), place, None, 1), r#"51-/ws,7["e",{"_placeholder":true,"num":0}]"#),
        (event(root, None, none, None, 10), r#"510-["e"]"#),
        (Outgoing::Ack { namespace: root, id: u64::MAX, args: none, attachments: 0 }, "318446744073709551615[]"),
        (Outgoing::Ack { namespace: "/ws", id: 7, args, attachments: 0 }, r#"3/ws,7[1.0,"x"]"#),
        (Outgoing::Ack { namespace: "/ws", id: 7, args: place, attachments: 1 },
            r#"61-/ws,7[{"_placeholder":true,"num":0}]"#),
    ];
    for (packet, text) in cases {
        assert_eq!(written(&packet).unwrap(), text);
    }
}

#[test]
fn what_no_client_could_read_is_not_written_not_even_in_part() {
    let place = raw(r#"{"_placeholder":true,"num":1}"#);
    let args = Arguments::one(&place);
    let event = |namespace, args, attachments| Outgoing::Event {
        namespace,
        id: None,
        name: "e",
        args,
        offset: None,
        attachments,
    };
    let refused = |packet: Outgoing<'_>| {
        let mut text = Vec::new();
        let error = packet.write(&mut text).unwrap_err();
        assert_eq!(text, b"", "{error}");
        error
    };
    let ack = Outgoing::Ack { namespace: "/", id: 1, args, attachments: 1 };

    assert!(matches!(refused(event("/", Arguments::NONE, 11)), EncodeError::TooManyAttachments));
    assert!(matches!(refused(event("/", args, 1)), EncodeError::Placeholder(Place::Number)));
    assert!(matches!(refused(ack), EncodeError::Placeholder(Place::Number)));
    for namespace in ["", "ws", "/a,b", "/a\u{1e}", "/a\n"] {
        assert!(matches!(refused(event(namespace, Arguments::NONE, 0)), EncodeError::Namespace));
    }
}

#[test]
fn a_reserved_name_is_never_written() {
    for name in RESERVED {
        let mut text = Vec::new();
        let packet = Outgoing::Event {
            namespace: "/",
            id: None,
            name,
            args: Arguments::NONE,
            offset: None,
            attachments: 0,
        };

        // A debug build stops at our own mistake, a release build refuses it.
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| packet.write(&mut text)));

        assert!(matches!(outcome, Err(_) | Ok(Err(EncodeError::ReservedName))));
        assert_eq!(text, b"");
    }
}
