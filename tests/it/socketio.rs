//! Engine.IO and Socket.IO over real sockets, byte by byte: what the tables of the protocol say.
//!
//! No client library takes part; what those make of it is tested with them. Silence is never waited
//! for: a question is asked, and its answer must come next. Time moves by hand only, so that nothing
//! depends on how fast the machine is.

mod abandoned;
mod access;
mod acks;
mod aside;
mod base64;
mod connecting;
mod defects;
mod dotnet;
mod handshake;
mod heartbeat;
mod mixed;
mod namespaces;
mod packets;
mod polling;
mod pushes;
mod under_load;
mod upgrade;

use serde_json::{Value, json};

/// Every spelling of the paths that an engine is mounted on.
const PATHS: [&str; 4] = ["/socket.io", "/socket.io/", "/ws", "/ws/"];

const SOCKET_IO: &str = "/socket.io/";

/// A room for whoever has shown a token.
const ROOM: &str = "public:blueprint-1";

/// What comes later is heard later, whichever connection it comes on.
const ONE_WORKER: [(&str, &str); 1] = [("WORKERS", "1")];

/// The payload of a `blueprint_update`.
fn update(room: &str, content: Value) -> Value {
    json!({"roomId": room, "blueprintId": "b1", "changes": {"action": "update", "content": content}})
}
