//! Plain JSON over WebSocket: one frame shape for the clients of guides 002 and 004.
//!
//! `{"type":T,"event":T,"data":D,"room"?:R,"timestamp":ISO}` (contract 0.2), written straight into
//! a frame: the payload's text is copied once and parsed never.

use std::fmt::Write;

use bytes::Bytes;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::domain::error::ClientError;
use crate::domain::json;
use crate::domain::time::Timestamp;
use crate::events::payload::system::Failure;
use crate::events::publication::Publication;
use crate::proto::socketio::to_plain;
use crate::proto::websocket::{FrameBuilder, Opcode};

/// Bytes of a frame around its name, payload and room: an estimate that saves reallocations.
const ENVELOPE: usize = 128;

/// A publication as a plain client sees it; `room` is the room it was matched by (contract D-36).
/// Attachments stand in the payload, as base64 (D-37).
///
/// `None` if the attachments and their placeholders do not fit together: whoever published it
/// should have been told.
pub fn publication(publication: &Publication, room: Option<&str>) -> Option<Bytes> {
    // How large it becomes was judged when it was published.
    let data = to_plain(&publication.data, &publication.attachments, usize::MAX).ok()?;
    let data = data.get();
    let mut frame = FrameBuilder::with_capacity(data.len() + 2 * publication.event.len() + ENVELOPE);
    open(&mut frame, &publication.event, data);
    if let Some(room) = room {
        member(&mut frame, "room", room);
    }
    if publication.requires_ack {
        member(&mut frame, "message_id", &publication.message_id);
        raw_member(&mut frame, "requires_ack", "true");
    }
    Some(close(frame, publication.sent_at))
}

/// An answer to one socket; `id` is the request's own mark, echoed.
pub fn reply<T: Serialize>(event: &str, data: &T, id: Option<&RawValue>, at: Timestamp) -> Bytes {
    let data = json::raw(data);
    let mut frame = FrameBuilder::with_capacity(data.get().len() + 2 * event.len() + ENVELOPE);
    open(&mut frame, event, data.get());
    echo(&mut frame, id);
    close(frame, at)
}

/// A refusal: the `error` event, with the error once more at the top level for guide 002
/// (contract X-24).
pub fn failure(error: &ClientError, event: Option<&str>, id: Option<&RawValue>, at: Timestamp) -> Bytes {
    #[derive(Serialize)]
    struct Short<'a> {
        code: crate::domain::error::ErrorCode,
        message: &'a str,
        timestamp: Timestamp,
    }
    let data = json::raw(&Failure::new(error, event, at));
    let short = json::raw(&Short { code: error.code, message: &error.message, timestamp: at });
    let mut frame = FrameBuilder::with_capacity(data.get().len() + short.get().len() + ENVELOPE);
    open(&mut frame, "error", data.get());
    raw_member(&mut frame, "error", short.get());
    echo(&mut frame, id);
    close(frame, at)
}

fn open(frame: &mut FrameBuilder, event: &str, data: &str) {
    write_raw(frame, "{\"type\":");
    write_string(frame, event);
    write_raw(frame, ",\"event\":");
    write_string(frame, event);
    raw_member(frame, "data", data);
}

fn close(mut frame: FrameBuilder, at: Timestamp) -> Bytes {
    let _ = write!(frame, ",\"timestamp\":\"{at}\"}}");
    frame.finish(Opcode::Text)
}

fn echo(frame: &mut FrameBuilder, id: Option<&RawValue>) {
    if let Some(id) = id {
        raw_member(frame, "id", id.get());
    }
}

fn member(frame: &mut FrameBuilder, key: &str, value: &str) {
    write_raw(frame, ",\"");
    write_raw(frame, key);
    write_raw(frame, "\":");
    write_string(frame, value);
}

fn raw_member(frame: &mut FrameBuilder, key: &str, value: &str) {
    write_raw(frame, ",\"");
    write_raw(frame, key);
    write_raw(frame, "\":");
    write_raw(frame, value);
}

fn write_raw(frame: &mut FrameBuilder, text: &str) {
    frame.push(text.as_bytes());
}

fn write_string(frame: &mut FrameBuilder, text: &str) {
    serde_json::to_writer(frame, text).expect("a string serialises into memory");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::publication::{Priority, Target};

    fn text(frame: &Bytes) -> &str {
        let head = match frame[1] {
            126 => 4,
            127 => 10,
            _ => 2,
        };
        std::str::from_utf8(&frame[head..]).unwrap()
    }

    fn sample(requires_ack: bool) -> Publication {
        Publication {
            message_id: "m1".into(),
            event: "metric_update".into(),
            data: std::sync::Arc::from(RawValue::from_string("{\"b\":45.50,\"a\":1}".into()).unwrap()),
            attachments: Vec::new(),
            target: Target::everyone(),
            requires_ack,
            priority: Priority::default(),
            sent_at: Timestamp::from_millis(0),
        }
    }

    #[test]
    fn a_publication_keeps_its_payload_to_the_letter() {
        assert_eq!(
            text(&publication(&sample(false), Some("dashboard:overview")).unwrap()),
            r#"{"type":"metric_update","event":"metric_update","data":{"b":45.50,"a":1},"room":"dashboard:overview","timestamp":"1970-01-01T00:00:00.000Z"}"#
        );
    }

    #[test]
    fn an_acknowledgement_is_asked_for_at_the_top_level() {
        assert_eq!(
            text(&publication(&sample(true), None).unwrap()),
            r#"{"type":"metric_update","event":"metric_update","data":{"b":45.50,"a":1},"message_id":"m1","requires_ack":true,"timestamp":"1970-01-01T00:00:00.000Z"}"#
        );
    }

    #[test]
    fn attachments_stand_in_the_payload() {
        let data = r#"{"image":{"_placeholder":true,"num":0}}"#;
        let data = RawValue::from_string(data.into()).unwrap().into();
        let attachments = vec![Bytes::from_static(&[1, 2, 3])];
        let frame = publication(&Publication { data, attachments, ..sample(false) }, None).unwrap();
        assert!(text(&frame).contains(r#""data":{"image":{"type":"Buffer","base64":"AQID"}},"#));
    }

    #[test]
    fn a_room_with_quotes_in_its_name_cannot_break_out() {
        let frame = publication(&sample(false), Some("a\",\"data\":\"x")).unwrap();
        let value: serde_json::Value = serde_json::from_str(text(&frame)).unwrap();
        assert_eq!(value["room"], "a\",\"data\":\"x");
        assert_eq!(value["data"]["a"], 1);
    }

    #[test]
    fn a_failure_carries_its_error_twice_and_echoes_the_id() {
        let id = RawValue::from_string("\"q1\"".into()).unwrap();
        let error = ClientError::unauthorized("no");
        let frame = failure(&error, Some("join"), Some(&id), Timestamp::from_millis(0));
        let value: serde_json::Value = serde_json::from_str(text(&frame)).unwrap();
        assert_eq!(value["type"], "error");
        assert_eq!(value["data"]["event"], "join");
        assert_eq!(value["error"]["code"], "UNAUTHORIZED");
        assert_eq!(value["id"], "q1");
    }
}
