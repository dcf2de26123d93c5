//! The attacks that have worked elsewhere, and those our own rewriting could invite, one named
//! test each.

use bytes::Bytes;
use serde_json::value::RawValue;
use switchboard::proto::socketio::PacketError as Error;
use switchboard::proto::socketio::PlaceholderError as Place;
use switchboard::proto::socketio::{
    Arguments, Assembler, Incoming, Kind, Limits, Outgoing, decode, from_plain, lookup_name, to_plain,
};

use super::{LIMITS, digest, raw, refused, written};

#[test]
fn a_count_of_ten_thousand_attachments_is_refused_at_the_header() {
    // CVE-2026-33151.
    for count in ["11", "10000", "4294967296", "18446744073709551616", &"9".repeat(100_000)] {
        let mut assembler = Assembler::new(LIMITS);
        let text = format!(r#"5{count}-["e"]"#);

        assert_eq!(refused(&text), Some(Error::TooManyAttachments));
        assert!(assembler.text(&text).is_err());
        assert!(!assembler.is_awaiting());
    }
}

#[test]
fn an_announced_attachment_that_never_comes_holds_its_header_and_no_more() {
    let mut assembler = Assembler::new(LIMITS);
    let header = r#"510-["e"]"#;

    assert!(matches!(assembler.text(header), Ok(Incoming::Awaiting { left: 10 })));

    assert_eq!(assembler.buffered(), header.len());
    assert_eq!(assembler.text(header).unwrap_err(), Error::TextInsideBinary);
    assert_eq!(assembler.buffered(), 0);
}

#[test]
fn an_attachment_without_a_header_is_refused() {
    // CVE-2023-32695.
    let mut assembler = Assembler::new(LIMITS);
    assert_eq!(assembler.binary(Bytes::new()).unwrap_err(), Error::BinaryWithoutHeader);
    assert_eq!(assembler.dropped_binary(5_000).unwrap_err(), Error::BinaryWithoutHeader);

    assert!(matches!(assembler.text(r#"51-["e"]"#), Ok(Incoming::Awaiting { left: 1 })));
    assert!(matches!(assembler.binary(Bytes::new()), Ok(Incoming::Assembled(_))));
    assert_eq!(assembler.binary(Bytes::new()).unwrap_err(), Error::BinaryWithoutHeader);
}

#[test]
fn a_placeholder_number_that_is_none_is_refused() {
    // CVE-2022-2421.
    let numbers = [
        "1",
        "-1",
        "-0",
        "0.0",
        "0.5",
        "1e0",
        "0e9",
        "1e999",
        "99999999999999999999",
        "18446744073709551616",
        r#""0""#,
        "null",
        "true",
        r#""__proto__""#,
        r#""length""#,
        "[0]",
        "{}",
    ];
    for number in numbers {
        let text = format!(r#"51-["e",{{"_placeholder":true,"num":{number}}}]"#);
        assert!(matches!(refused(&text), Some(Error::Placeholder(_))), "{text}");
    }
}

#[test]
fn a_placeholder_that_two_clients_would_read_differently_is_refused() {
    let objects = [
        r#"{"_placeholder":true,"_placeholder":true,"num":0}"#,
        r#"{"_placeholder":true,"num":0,"num":9}"#,
        r#"{"_placeholder":true,"_placeholder":true}"#,
        r#"{"_placeholder":true}"#,
        r#"{"_placeholder":true,"num":0,"x":1}"#,
        r#"{"x":[{}],"_placeholder":true,"num":9}"#,
        r#"{"_placeholder":1,"num":9}"#,
        r#"{"_placeholder":false,"num":9}"#,
        r#"{"\u005fplaceholder":true,"num":9}"#,
        r#"{"_placeholder":true,"n\u0075m":0}"#,
        r#"{"\u005f\u0070\u006c\u0061\u0063\u0065\u0068\u006f\u006c\u0064\u0065\u0072" : true,"num":9,"x":0}"#,
    ];
    for object in objects {
        let text = format!(r#"51-["e",[{{"deep":{object}}}]]"#);
        assert_eq!(refused(&text), Some(Error::Placeholder(Place::Shape)), "{text}");
    }
    let innocent = r#"51-["e","_placeholder",{"x":"_placeholder","y":"{\"_placeholder\":true,\"num\":9}"}]"#;
    assert_eq!(refused(innocent), None);
}

#[test]
fn one_attachment_named_a_thousand_times_does_not_fill_the_memory() {
    let places = vec![r#"{"_placeholder":true,"num":0}"#; 30_000].join(",");
    let (data, attachment) = (raw(&format!("[{places}]")), Bytes::from(vec![7; 1_000_000]));

    let plain = to_plain(&data, &[attachment], 4_000_000);

    assert_eq!(plain.unwrap_err(), Place::TooLarge);
}

#[test]
fn a_plain_client_cannot_smuggle_a_placeholder_beside_a_buffer() {
    // Passed on in a binary packet, it would disconnect every client of the room.
    let buffer = r#"{"type":"Buffer","base64":"AA=="}"#;
    for forged in [r#"{"_placeholder":true,"num":9}"#, r#"{"a":[],"\u005fplaceholder":true,"num":9}"#] {
        for text in [format!("[{forged},{buffer}]"), format!("[{buffer},[{forged}]]")] {
            assert_eq!(from_plain(&raw(&text), &LIMITS).unwrap_err(), Place::Forged, "{text}");
        }
        assert_eq!(from_plain(&raw(forged), &LIMITS).unwrap().data.get(), forged);
    }
}

#[test]
fn ids_that_overflow_are_refused_and_all_others_kept() {
    for digits in ["18446744073709551616", "99999999999999999999", &"1".repeat(1_000_000)] {
        assert_eq!(refused(&format!(r#"2{digits}["e"]"#)), Some(Error::Id));
        assert_eq!(refused(&format!("3{digits}[]")), Some(Error::Id));
        assert_eq!(refused(&format!("3/ws,{digits}")), Some(Error::Id));
    }
    let zeros = format!(r#"2{}7["e"]"#, "0".repeat(1_000_000));
    assert_eq!(decode(&zeros, &Limits::default()).unwrap().id, Some(7));
}

#[test]
fn prototype_names_are_names_like_any_other() {
    for name in ["__proto__", "constructor", "prototype", "toString", "hasOwnProperty"] {
        let text = format!(r#"2["{name}",{{"{name}":{{"{name}":1}}}}]"#);
        let header = decode(&text, &LIMITS).unwrap();
        let event = header.event().unwrap();
        assert_eq!(event.name, name);

        let packet = Outgoing::Event {
            namespace: "/",
            id: None,
            name: &event.name,
            args: event.args,
            offset: None,
            attachments: 0,
        };
        assert_eq!(written(&packet).unwrap(), text);
    }
}

#[test]
fn a_hundred_thousand_brackets_need_no_stack() {
    // A small stack, so that recursion could not hide.
    let attack = || {
        for depth in [10_000, 100_000] {
            let arrays = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
            let objects = format!("{}1{}", r#"{"a":"#.repeat(depth), "}".repeat(depth));
            for deep in [arrays, objects] {
                assert_eq!(refused(&format!(r#"2["e",{deep}]"#)), None);
                assert_eq!(refused(&format!(r#"51-["e",{deep},{{"_placeholder":true,"num":0}}]"#)), None);
                assert!(refused(&format!("2{deep}")).is_some());
                assert_eq!(refused(&format!(r#"2["e",{}"#, &deep[..depth])), Some(Error::Json));

                let packet = format!(r#"2["e",{deep},2]"#);
                let header = decode(&packet, &Limits::default()).unwrap();
                assert_eq!(header.event().unwrap().args.iter().count(), 2);

                let plain = raw(&format!(r#"[{deep},{{"type":"Buffer","base64":"AA"}}]"#));
                let unpacked = from_plain(&plain, &Limits::default()).unwrap();
                assert!(to_plain(&unpacked.data, &unpacked.attachments, 10_000_000).is_ok());
            }
        }
    };
    std::thread::Builder::new().stack_size(256 * 1024).spawn(attack).unwrap().join().unwrap();
}

#[test]
fn half_a_surrogate_pair_is_no_name_but_may_be_an_argument() {
    for half in [r"\ud800", r"\udc00", r"\ud800\u0041", r"a\udbff"] {
        assert_eq!(refused(&format!(r#"2["{half}"]"#)), Some(Error::EventName), "{half}");
        assert_eq!(refused(&format!(r#"2["e","{half}",{{"{half}":0}}]"#)), None, "{half}");
        assert_eq!(refused(&format!(r#"51-["e",{{"{half}":0}}]"#)), None, "{half}");
    }
    assert_eq!(decode(r#"2["\ud83d\ude00"]"#, &LIMITS).unwrap().event().unwrap().name, "\u{1f600}");
}

#[test]
fn separators_and_nul_inside_strings_stay_escaped() {
    for raw_byte in ['\u{1e}', '\0', '\u{1f}', '\n'] {
        assert_eq!(refused(&format!("2[\"{raw_byte}\"]")), Some(Error::Json));
        assert_eq!(refused(&format!("2[\"e\",\"{raw_byte}\"]")), Some(Error::Json));
        assert_eq!(refused(&format!("0/{raw_byte},{{}}")), Some(Error::Namespace));
    }
    let header = decode(r#"2["a\u001e\u0000",{"\u001e":"\u0000"}]"#, &LIMITS).unwrap();
    let event = header.event().unwrap();
    assert_eq!(event.name, "a\u{1e}\0");

    let (namespace, name, args) = ("/", &*event.name, event.args);
    let packet = Outgoing::Event { namespace, id: None, name, args, offset: Some("\u{1e}"), attachments: 0 };

    let text = written(&packet).unwrap();
    assert!(!text.bytes().any(|byte| byte.is_ascii_control()), "{text:?}");
    assert_eq!(text, r#"2["a\u001e\u0000",{"\u001e":"\u0000"},"\u001e"]"#);
}

#[test]
fn a_flood_of_namespaces_costs_no_memory() {
    let mut assembler = Assembler::new(LIMITS);
    for number in 0..20_000 {
        let text = format!("0/{number},");
        let Ok(Incoming::Packet(header)) = assembler.text(&text) else { panic!("{text}") };
        // Borrowed: the header is a view of the text.
        assert_eq!(header.namespace.as_ptr(), text[1..].as_ptr());
        assert_eq!((header.kind, lookup_name(header.namespace)), (Kind::Connect, &text[1..text.len() - 1]));
    }
    assert_eq!(assembler.buffered(), 0);
}

#[test]
fn a_namespace_of_a_mebibyte_is_refused() {
    let long = "n".repeat(1 << 20);
    for text in [format!("0/{long}"), format!("0/{long},{{}}"), format!(r#"51-/{long},["e"]"#)] {
        assert_eq!(refused(&text), Some(Error::NamespaceTooLong));
    }
    let most = format!("0/{},", &long[1..LIMITS.namespace]);
    assert_eq!(decode(&most, &LIMITS).unwrap().namespace.len(), LIMITS.namespace);
    assert_eq!(decode(&format!("0/n{}", &most[2..]), &LIMITS).unwrap_err(), Error::NamespaceTooLong);
}

#[test]
fn a_million_arguments_are_not_listed_before_someone_asks() {
    let text = format!(r#"2["e"{}]"#, ",0".repeat(500_000));
    let header = decode(&text, &Limits::default()).unwrap();
    let event = header.event().unwrap();

    assert_eq!(event.args.first().map(RawValue::get), Some("0"));
    assert_eq!(event.args.iter().count(), 500_000);
    assert_eq!(Arguments::of_array(header.data.unwrap()).unwrap().iter().count(), 500_001);
}

#[test]
fn texts_cut_at_every_byte_do_no_harm() {
    let whole =
        r#"52-/ws?é=1,12["naïve\u00e9",{"_placeholder":true,"num":1},[{"type":"Buffer","base64":"AA=="}]]"#;
    for (at, _) in whole.char_indices() {
        digest(&whole[..at]);
        digest(&whole[at..]);
    }
    for at in 0..=whole.len() {
        let _ = Assembler::new(LIMITS).dropped_text(&whole.as_bytes()[..at], 1_500);
    }
}
