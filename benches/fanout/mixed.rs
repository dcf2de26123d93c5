//! A room in which both dialects meet, beside two rooms of the same size in which one is spoken.
//!
//! All three are the product. What is asked is whether clients of one kind are dearer for the presence of the other,
//! so there is no floor here; how dear each kind is stands in the table of deliveries.

use crate::contestant::{Contestant, Round, finish, in_turns};
use crate::greeting::Dialect;
use crate::options::Setup;
use crate::void::Result;

/// Bytes of the JSON text of `data`.
pub const PAYLOAD: usize = 64;

/// The rounds of the three rooms; the i-th of each ran one after the other.
pub struct Rooms {
    pub clients: usize,
    pub plain: Vec<Round>,
    pub socket_io: Vec<Round>,
    pub mixed: Vec<Round>,
}

/// # Errors
/// [`crate::void::Void`] of whatever spoils it.
pub async fn measure(setup: &Setup) -> Result<Rooms> {
    let clients = setup.mixed;
    // In turn, so that neighbours in the room differ wherever they can.
    let dialects = [Dialect::Plain, Dialect::SocketIo].into_iter().cycle().take(clients);
    let room = |dialect| Contestant::product(setup, std::iter::repeat_n(dialect, clients), PAYLOAD, 1);
    let mut rooms = [
        room(Dialect::Plain).await?,
        room(Dialect::SocketIo).await?,
        Contestant::product(setup, dialects, PAYLOAD, 1).await?,
    ];
    let [plain, socket_io, mixed] = in_turns(setup, &mut rooms, 1).await?;
    finish(rooms).await?;
    Ok(Rooms { clients, plain, socket_io, mixed })
}
