//! Trust level by verb by room: every cell of the table, by every verb of the guides (contract X-05).

use serde_json::{Value, json};

use super::peer::{Door, Form, Heard, Peer, Who, plain, polling, websocket};
use super::rooms_table::{Cell, rows};
use super::{KEY, rooms_of, unhurried};
use crate::support::TestServer;

/// A verb: its name, the key its room stands under, and the event it is confirmed by if there is one.
#[derive(Clone, Copy)]
struct Verb {
    name: &'static str,
    key: &'static str,
    event: Option<&'static str>,
}

const fn verb(name: &'static str, key: &'static str, event: Option<&'static str>) -> Verb {
    Verb { name, key, event }
}

/// What joins, and what leaves again.
const VERBS: [(Verb, Verb); 4] = [
    (verb("join", "room", Some("room_joined")), verb("leave", "room", Some("room_left"))),
    (verb("subscribe", "room", None), verb("unsubscribe", "room", None)),
    (verb("client:subscribe", "room", None), verb("client:unsubscribe", "room", None)),
    (verb("join_room", "roomId", Some("room_joined")), verb("leave_room", "roomId", Some("room_left"))),
];

/// One client on a server of its own, and what is true while it is where it was at first.
struct Walk {
    server: TestServer,
    door: Door,
    peer: Peer,
    /// The rooms it is in by being who it is.
    home: Vec<String>,
    all: Vec<(String, u64)>,
    cells: usize,
}

impl Walk {
    async fn begin(door: Door, who: &Who, home: &[&str]) -> Walk {
        let server = unhurried();
        let (peer, heard) = Peer::enter(&server, door, who).await;
        assert_eq!(heard.rooms(), home, "{door:?}");
        let all = rooms_of(&server).await;
        assert_eq!(all, home.iter().map(|name| ((*name).to_owned(), 1)).collect::<Vec<_>>());
        let home = heard.rooms();
        Walk { server, door, peer, home, all, cells: 0 }
    }

    async fn ask(&mut self, verb: Verb, room: &str) -> Heard {
        self.cells += 1;
        self.peer.tell(verb.name, &json!({verb.key: room})).await
    }

    /// The request must be refused, and nothing have changed for the socket.
    async fn refused(&mut self, verb: Verb, room: &str, code: &str) {
        let heard = self.ask(verb, room).await;
        let cell = format!("{:?}: {} {room:?}", self.door, verb.name);
        assert_eq!(heard.refusal().as_deref(), Some(code), "{cell}: {heard:?}");
        assert_eq!(heard.rooms(), self.home, "{cell}");
    }

    /// The request must be granted, in the words of its dialect. Gives the rooms the socket is in then.
    async fn granted(&mut self, verb: Verb, room: &str) -> Vec<String> {
        let heard = self.ask(verb, room).await;
        let cell = format!("{:?}: {} {room:?}: {heard:?}", self.door, verb.name);
        assert_eq!(heard.refusal(), None, "{cell}");
        let reply = format!("{}:ack", verb.name);
        let event = match self.door.form {
            Form::Type | Form::Event => Some(verb.event.unwrap_or(&reply)),
            Form::Acked | Form::Bare => verb.event,
        };
        assert_eq!(heard.names(), event.into_iter().collect::<Vec<_>>(), "{cell}");
        if verb.event.is_some() {
            let data = &heard.events[0].1;
            assert_eq!((&data["room"], &data["roomId"]), (&json!(room), &json!(room)), "{cell}");
            assert_eq!(data["users"].is_array(), verb.name == "join_room", "{cell}");
        }
        assert_eq!(heard.ack.is_some(), self.door.form == Form::Acked, "{cell}");
        assert!(heard.ack.as_ref().is_none_or(|ack| ack["success"] == true), "{cell}");
        heard.rooms()
    }

    /// Says something in the room as an admin: it must come to as many sockets, and to this one if any.
    async fn broadcast(&mut self, room: &str, recipients: u64) {
        let body = json!({"type": "custom:cell", "room": room, "data": room});
        let answer = self.server.broadcast(body).await;
        assert_eq!(answer["recipients_count"], recipients, "{:?}: {room:?}", self.door);
        let heard = self.peer.hear().await;
        let copies = (0..recipients).map(|_| ("custom:cell".to_owned(), Value::from(room)));
        assert_eq!(heard.events, copies.collect::<Vec<_>>(), "{:?}: {room:?}", self.door);
    }

    /// No room has come or gone, anywhere.
    async fn assert_unchanged(&self, room: &str) {
        assert_eq!(rooms_of(&self.server).await, self.all, "{:?}: {room:?}", self.door);
    }

    async fn row(&mut self, room: &str, cell: Cell) {
        let is_member = self.home.iter().any(|own| own == room);
        // `global` is open to guide 004's verified clients, and they are not in it from the start.
        let cell = if cell == Cell::IsIn && !is_member { Cell::Joins } else { cell };
        let code = match cell {
            Cell::NoName => "INVALID_MESSAGE",
            Cell::NoSuchRoom => "ROOM_NOT_FOUND",
            Cell::Unauthorized => "UNAUTHORIZED",
            Cell::IsIn | Cell::Joins => "",
        };
        // Nobody leaves where nobody is (contract D-12).
        for (_, leave) in VERBS.iter().filter(|_| !is_member) {
            let code = if cell == Cell::NoName { code } else { "ROOM_NOT_FOUND" };
            self.refused(*leave, room, code).await;
        }
        for (join, leave) in VERBS {
            match cell {
                Cell::Joins => {
                    let rooms = self.granted(join, room).await;
                    let mut expected = [&self.home[..], &[room.to_owned()]].concat();
                    expected.sort();
                    assert_eq!(rooms, expected, "{:?}: {} {room:?}", self.door, join.name);
                    let now = rooms_of(&self.server).await;
                    assert!(now.contains(&(room.to_owned(), 1)), "{room:?} is not among {now:?}");
                    assert_eq!(now.len(), self.all.len() + 1, "{now:?}");
                    self.broadcast(room, 1).await;
                    assert_eq!(self.granted(leave, room).await, self.home);
                    self.broadcast(room, 0).await;
                }
                Cell::IsIn => {
                    assert!(is_member, "{room}");
                    assert_eq!(self.granted(join, room).await, self.home);
                    self.broadcast(room, 1).await;
                }
                _ => self.refused(join, room, code).await,
            }
        }
        if cell != Cell::NoName {
            self.broadcast(room, u64::from(is_member)).await;
        }
        self.assert_unchanged(room).await;
    }
}

/// Walks a column of the table through these doors, each with the rooms one is in there at first.
/// Gives how many cells were asked for.
async fn walk(column: usize, who: &Who, doors: &[(Door, &[&str])]) -> usize {
    let mut cells = 0;
    for (door, home) in doors {
        let mut walk = Walk::begin(*door, who, home).await;
        for (room, row) in rows() {
            walk.row(&room, row[column]).await;
        }
        cells += walk.cells;
    }
    cells
}

#[actix_web::test]
async fn nobody_may_enter_what_is_public_and_nothing_else() {
    let doors: [(Door, &[&str]); 3] = [
        (plain("/ws", Form::Type), &[]),
        (websocket("/ws/", "/", Form::Acked), &[]),
        (polling("/ws/", "/", Form::Bare), &[]),
    ];
    assert_eq!(walk(0, &Who::Nobody, &doors).await, 1428);
}

#[actix_web::test]
async fn who_claims_to_be_somebody_may_enter_no_more_than_nobody() {
    let home: &[&str] = &["org:o1"];
    let doors = [
        (plain("/ws", Form::Event), home),
        (websocket("/ws/", "/", Form::Acked), home),
        (polling("/ws/", "/", Form::Bare), home),
    ];
    assert_eq!(walk(1, &Who::Claims("u1", "o1"), &doors).await, 1416);
}

#[actix_web::test]
async fn a_tenant_may_enter_no_more_than_nobody() {
    let home: &[&str] = &["tenant:demo1"];
    let doors = [
        (plain("/events", Form::Type), home),
        (websocket("/socket.io/", "/events", Form::Acked), home),
        (polling("/ws/", "/events", Form::Bare), home),
    ];
    assert_eq!(walk(2, &Who::Holds(KEY), &doors).await, 1416);
}

#[actix_web::test]
async fn the_verified_may_enter_what_is_not_another_s() {
    let home: &[&str] = &["global", "user:u1"];
    let doors = [
        (plain("/ws", Form::Type), home),
        (websocket("/socket.io/", "/", Form::Acked), home),
        (websocket("/ws/", "/ws", Form::Bare), home),
        (polling("/socket.io/", "/", Form::Bare), home),
    ];
    assert_eq!(walk(3, &Who::Bears(json!({"sub": "u1"})), &doors).await, 2080);
}

#[actix_web::test]
async fn the_verified_of_an_organization_may_enter_the_same_rooms_of_its_own() {
    let home: &[&str] = &["global", "org:o1", "user:u1"];
    let doors = [
        (plain("/ws", Form::Event), home),
        // Contract 0.2: guide 004 knows no such room.
        (websocket("/ws/", "/", Form::Acked), &["org:o1", "user:u1"]),
        // Contract D-30: only guides 002 and 004 speak of organizations.
        (websocket("/socket.io/", "/", Form::Bare), &["global", "user:u1"]),
    ];
    assert_eq!(walk(4, &Who::Bears(json!({"sub": "u1", "org": "o1"})), &doors).await, 1560);
}

#[actix_web::test]
async fn an_admin_may_enter_the_admins_room_besides() {
    let home: &[&str] = &["global", "user:u1"];
    let doors = [(plain("/ws", Form::Type), home), (websocket("/socket.io/", "/ws", Form::Acked), home)];
    assert_eq!(walk(5, &Who::Bears(json!({"sub": "u1", "role": "admin"})), &doors).await, 1048);
}

#[actix_web::test]
async fn a_token_that_lists_rooms_opens_those_alone() {
    let home: &[&str] = &["global", "user:u1"];
    let doors = [(plain("/ws", Form::Type), home), (websocket("/socket.io/", "/ws", Form::Acked), home)];
    let claims = json!({"sub": "u1", "projects": ["1"], "rooms": ["project:2", "listed-room"]});
    assert_eq!(walk(6, &Who::Bears(claims), &doors).await, 976);
}
