//! What the tables of deliveries have rows for.
//!
//! Cells of one board are open at the same time and take turns, so that how the cost grows from one to the next is
//! measured and not reckoned from two runs.

use crate::contestant::Depth;
use crate::greeting::Dialect;
use crate::options::Part;
use crate::publisher::By;

/// Rooms of subscribers and one payload size, measured at several depths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    /// What all of them speak.
    pub dialect: Dialect,
    pub by: By,
    /// Bytes of the JSON text that varies, see [`By::text`].
    pub payload: usize,
    /// How many rooms are published to one after the other.
    pub rooms: usize,
    /// The floor's: as many, or fewer where the files of one process do not allow it.
    pub floor_rooms: usize,
    /// Of each room.
    pub clients: usize,
    /// How many broadcasts are under way.
    pub depths: &'static [Depth],
}

impl Cell {
    /// One room, by POST, one broadcast in flight.
    const fn new(dialect: Dialect, payload: usize, clients: usize) -> Self {
        Self { dialect, by: By::Post, payload, rooms: 1, floor_rooms: 1, clients, depths: &[Depth::ONE] }
    }

    /// Eight broadcasts besides, in flight and at once. Eight of 16 KiB would fill the sockets, which the floor by design cannot
    /// handle.
    const fn and_eight(self) -> Self {
        Self { depths: &[Depth::ONE, Depth::InFlight(8), Depth::AtOnce(8)], ..self }
    }

    const fn by_session(self) -> Self {
        Self { by: By::Session, ..self }
    }

    const fn rooms(self, rooms: usize) -> Self {
        Self { rooms, floor_rooms: rooms, ..self }
    }

    /// Connections of product and floor together.
    fn sockets(&self) -> usize {
        self.clients * (self.rooms + self.floor_rooms)
    }
}

pub struct Board {
    pub part: Part,
    pub title: &'static str,
    pub cells: Vec<Cell>,
}

impl Board {
    /// Cuts the largest cells until all that is open at once fits into `most` sockets, the floor's rooms first; says
    /// whether any of the product's had to be cut.
    pub fn fit(&mut self, most: usize) -> bool {
        let mut is_cut = false;
        while self.cells.iter().map(Cell::sockets).sum::<usize>() > most {
            let Some(largest) = self.cells.iter_mut().max_by_key(|cell| cell.sockets()) else { break };
            if largest.floor_rooms > 100 {
                largest.floor_rooms -= largest.floor_rooms.div_ceil(100);
                continue;
            } else if largest.rooms > 1 {
                largest.rooms -= largest.rooms.div_ceil(20);
                largest.floor_rooms = largest.floor_rooms.min(largest.rooms);
            } else if largest.clients > 1 {
                largest.clients -= largest.clients.div_ceil(20).min(largest.clients - 1);
            } else {
                break;
            }
            is_cut = true;
        }
        self.dedup();
        is_cut
    }

    /// Leaves one of those that have become alike.
    pub fn dedup(&mut self) {
        self.cells.dedup_by(|one, other| Cell { depths: other.depths, ..one.clone() } == *other);
    }
}

pub fn all() -> Vec<Board> {
    use Dialect::{Plain, SocketIo};
    const KIB: usize = 1024;

    let rooms = |by: fn(Cell) -> Cell| {
        let cell = |rooms: usize| by(Cell::new(Plain, 64, 10).rooms(rooms));
        [1, 100, 1000].map(cell).into()
    };
    let board = |part, title, cells| Board { part, title, cells };
    vec![
        board(
            Part::Plain,
            "plain clients",
            vec![
                Cell::new(Plain, 64, 100),
                Cell::new(Plain, 64, 1000).and_eight(),
                Cell::new(Plain, 64, 5000),
            ],
        ),
        board(
            Part::SocketIo,
            "Socket.IO clients on WebSockets",
            vec![
                Cell::new(SocketIo, 64, 100),
                Cell::new(SocketIo, 64, 1000).and_eight(),
                Cell::new(SocketIo, 64, 5000),
            ],
        ),
        board(
            Part::Session,
            "publications by a client in the room",
            vec![
                Cell::new(Plain, 64, 1000).by_session().and_eight(),
                Cell::new(Plain, 64, 5000).by_session(),
                Cell::new(SocketIo, 64, 1000).by_session(),
            ],
        ),
        board(
            Part::Payload,
            "payloads",
            vec![
                Cell::new(Plain, 64, 1000),
                Cell::new(Plain, KIB, 1000).and_eight(),
                Cell::new(Plain, 16 * KIB, 1000),
                Cell::new(SocketIo, KIB, 1000),
            ],
        ),
        board(Part::Rooms, "rooms of ten, one after the other, by POST", rooms(|cell| cell)),
        board(Part::Rooms, "rooms of ten, one after the other, by a client in all", rooms(Cell::by_session)),
    ]
}
