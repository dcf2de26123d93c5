//! The lists of the walks hold every word of the server's own table, so that none is forgotten when the
//! vocabulary grows.

use switchboard::events::catalog::{CATALOG, Direction};

use super::admin_events::{BROADCAST, REFUSED};
use super::events::{FROM_THE_SERVER, LATER};

/// Commands that something takes, and that the walks ask for.
const BUILT: &[&str] = &[
    "auth",
    "authenticate",
    "subscribe",
    "client:subscribe",
    "unsubscribe",
    "client:unsubscribe",
    "join",
    "leave",
    "join_room",
    "leave_room",
    "execute_voice_command",
    "blueprint_update",
    "ping",
    "client:ping",
    "heartbeat",
    "debug:rooms",
    // Has its tests with the ledger that it writes to.
    "ack",
];

/// Names that mean something both ways.
const BOTH_WAYS: &[&str] = &[
    "client:subscribe",
    "client:unsubscribe",
    "heartbeat",
    "message",
    "blueprint_update",
    "cursor_move",
    "scroll_position",
    "operation",
];

#[test]
fn every_word_stands_in_a_list_of_its_direction_and_in_no_other() {
    let is_later = |name: &str| LATER.iter().any(|(own, _)| *own == name);
    for row in CATALOG {
        let name = row.name;
        match row.direction {
            Direction::In(_) => {
                assert!(BUILT.contains(&name) != is_later(name), "{name} is a command");
                assert!(!FROM_THE_SERVER.contains(&name), "{name} is a command");
            }
            Direction::Out(_) => {
                assert!(FROM_THE_SERVER.contains(&name) != BOTH_WAYS.contains(&name), "{name} is an event");
                assert!(BROADCAST.contains(&name) != REFUSED.contains(&name), "{name} is an event");
            }
        }
    }
    let is_known = |name: &str| CATALOG.iter().any(|row| row.name == name);
    for name in BUILT.iter().chain(BOTH_WAYS).chain(FROM_THE_SERVER).chain(BROADCAST) {
        assert!(is_known(name), "{name} is no word of the table");
    }
}
