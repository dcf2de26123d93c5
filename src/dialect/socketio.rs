//! Socket.IO on its three namespaces: one event is one packet, with its attachments behind it.

use bytes::Bytes;
use serde::Serialize;
use serde_json::value::RawValue;

use super::raw::Form;
use crate::domain::error::ClientError;
use crate::domain::json;
use crate::events::publication::Publication;
use crate::proto::engineio::MESSAGE_PREFIX;
use crate::proto::socketio::{Arguments, EncodeError, Outgoing, lookup_name};
use crate::proto::websocket::{self, FrameBuilder, Opcode};

/// A namespace one can connect to (contract X-01).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Namespace {
    /// `/`: guides 003 and 004.
    Root,
    /// `/ws`: guide 001.
    Ws,
    /// `/events`: guide 000.
    Events,
}

impl Namespace {
    pub const ALL: [Namespace; 3] = [Namespace::Root, Namespace::Ws, Namespace::Events];

    /// The namespace a client means, however it spells the query behind it.
    pub fn find(spelled: &str) -> Option<Namespace> {
        let name = lookup_name(spelled);
        Namespace::ALL.into_iter().find(|namespace| namespace.name() == name)
    }

    pub const fn name(self) -> &'static str {
        match self {
            Namespace::Root => "/",
            Namespace::Ws => "/ws",
            Namespace::Events => "/events",
        }
    }
}

/// Bytes of a packet around its name and payload: an estimate that saves reallocations.
const ENVELOPE: usize = 64;

/// A publication as the sockets of `namespace` see it, one entry for an outbox. `ack` asks for an
/// acknowledgement; `base64` sends bytes as text (`protocol.md`, 0.5).
///
/// `None` if it cannot be told in this dialect at all: whoever published it should have been told.
pub fn publication(
    publication: &Publication,
    namespace: &str,
    ack: Option<u32>,
    base64: bool,
) -> Option<Bytes> {
    let packet = Outgoing::Event {
        namespace,
        id: ack,
        name: &publication.event,
        args: Arguments::one(&publication.data),
        offset: None,
        attachments: publication.attachments.len(),
    };
    let head = frame(&packet, publication.data.get().len() + publication.event.len()).ok()?;
    Some(entry(head, &publication.attachments, base64))
}

/// Any packet with its attachments, one entry for an outbox.
///
/// # Errors
/// Clients could not read it.
pub fn packet(packet: &Outgoing<'_>, attachments: &[Bytes], base64: bool) -> Result<Bytes, EncodeError> {
    let size = match packet {
        Outgoing::Event { name, args, .. } => name.len() + args.as_str().len(),
        Outgoing::Ack { args, .. } => args.as_str().len(),
        _ => 0,
    };
    Ok(entry(frame(packet, size)?, attachments, base64))
}

/// One entry, so that nothing comes between a packet and its attachments.
fn entry(head: Bytes, attachments: &[Bytes], base64: bool) -> Bytes {
    if attachments.is_empty() {
        return head;
    }
    let mut entry = Vec::from(head);
    for attachment in attachments {
        entry.extend_from_slice(&binary(attachment, base64));
    }
    entry.into()
}

/// An event for one socket.
pub fn event<T: Serialize>(namespace: &str, name: &str, data: &T) -> Bytes {
    let data = json::raw(data);
    let args = Arguments::one(&data);
    let packet = Outgoing::Event { namespace, id: None, name, args, offset: None, attachments: 0 };
    ours(&packet, data.get().len() + name.len())
}

/// The answer to an event that asked for an acknowledgement.
pub fn ack(namespace: &str, id: u64, data: &RawValue) -> Bytes {
    let packet = Outgoing::Ack { namespace, id, args: Arguments::one(data), attachments: 0 };
    ours(&packet, data.get().len())
}

/// Grants a namespace. Exactly one key: connection state recovery, whose `pid` stood here, is not
/// offered (`protocol.md`, 0.7).
pub fn connected(namespace: &str, sid: &str) -> Bytes {
    ours(&Outgoing::Connect { namespace, sid, pid: None }, sid.len())
}

/// Refuses a namespace, in words (`error.message` at the client) and with a code for programs
/// (contract X-02).
pub fn refused(namespace: &str, message: &str, error: &ClientError) -> Bytes {
    #[derive(Serialize)]
    struct Data<'a> {
        code: crate::domain::error::ErrorCode,
        reason: &'a str,
    }
    let data = json::raw(&Data { code: error.code, reason: &error.message });
    ours(&Outgoing::ConnectError { namespace, message, data: Some(&data) }, ENVELOPE)
}

/// Refuses a namespace that is none. Nothing but the message: clients and the official suite
/// compare the whole packet.
pub fn unknown(namespace: &str) -> Bytes {
    ours(&Outgoing::ConnectError { namespace, message: "Invalid namespace", data: None }, ENVELOPE)
}

/// Ends a namespace; the client does not come back by itself.
pub fn disconnected(namespace: &str) -> Bytes {
    ours(&Outgoing::Disconnect { namespace }, namespace.len())
}

/// An Engine.IO text packet: its digit and what follows.
pub fn engine(text: &str) -> Bytes {
    websocket::encode(Opcode::Text, text.as_bytes())
}

/// A packet of our own making, which can always be written: its name stands in the catalog, its
/// namespace was read from a packet.
fn ours(packet: &Outgoing<'_>, size: usize) -> Bytes {
    frame(packet, size).expect("our own packet is one")
}

fn frame(packet: &Outgoing<'_>, size: usize) -> Result<Bytes, EncodeError> {
    let mut frame = FrameBuilder::with_capacity(size + ENVELOPE);
    frame.push(MESSAGE_PREFIX.as_bytes());
    packet.write(&mut frame)?;
    Ok(frame.finish(Opcode::Text))
}

fn binary(bytes: &[u8], base64: bool) -> Bytes {
    Form::Engine { base64 }.binary(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::Timestamp;
    use crate::events::publication::{Priority, Target};
    use crate::proto::engineio::{Bare, poll_packets};

    fn sample(data: &str, attachments: Vec<Bytes>) -> Publication {
        Publication {
            message_id: "m1".into(),
            event: "blueprint_update".into(),
            data: RawValue::from_string(data.into()).unwrap().into(),
            attachments,
            target: Target::everyone(),
            requires_ack: false,
            priority: Priority::default(),
            sent_at: Timestamp::from_millis(0),
        }
    }

    fn packets(entry: &Bytes) -> Vec<Bare<'_>> {
        poll_packets(entry).collect()
    }

    #[test]
    fn a_publication_is_spelled_for_its_namespace() {
        let plain = sample(r#"{"b":1.50}"#, Vec::new());
        let root = publication(&plain, "/", None, false).unwrap();
        let ws = publication(&plain, "/ws", Some(7), true).unwrap();
        assert_eq!(packets(&root), [Bare::Text(br#"42["blueprint_update",{"b":1.50}]"#)]);
        assert_eq!(packets(&ws), [Bare::Text(br#"42/ws,7["blueprint_update",{"b":1.50}]"#)]);
    }

    #[test]
    fn attachments_follow_their_packet_in_one_entry() {
        let data = r#"{"image":{"_placeholder":true,"num":0}}"#;
        let with = sample(data, vec![Bytes::from_static(&[1, 2, 3])]);
        let head = format!(r#"451-/events,["blueprint_update",{data}]"#);

        let bytes = publication(&with, "/events", None, false).unwrap();
        assert_eq!(packets(&bytes), [Bare::Text(head.as_bytes()), Bare::Binary(&[1, 2, 3])]);
        let text = publication(&with, "/events", None, true).unwrap();
        assert_eq!(packets(&text), [Bare::Text(head.as_bytes()), Bare::Text(b"bAQID")]);
    }

    #[test]
    fn what_no_client_could_read_is_not_written() {
        let too_many = sample("{}", vec![Bytes::new(); 11]);
        assert_eq!(publication(&too_many, "/", None, false), None);
    }

    #[test]
    fn a_namespace_is_found_behind_any_query() {
        let found = ["/", "/ws", "/ws?x=1", "/events?", "ws", "/Ws", "/nope", ""].map(Namespace::find);
        let (root, ws, events) = (Some(Namespace::Root), Some(Namespace::Ws), Some(Namespace::Events));
        assert_eq!(found, [root, ws, ws, events, None, None, None, None]);
    }
}
