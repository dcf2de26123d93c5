//! A room in which all dialects meet, beside rooms of the same size in which one is spoken.
//!
//! All are the product. What is asked is whether clients of one kind are dearer for the presence of the others, so
//! there is no floor here; how dear each kind is stands in the table of deliveries. The dialects are the four that the
//! server spells apart: plain JSON, and Socket.IO on each of its three namespaces.

use crate::contestant::{Contestant, Rooms, Round, Turn, finish, take_turns};
use crate::greeting::Dialect;
use crate::options::Setup;
use crate::publisher::By;
use crate::void::{Result, Void};

/// Bytes of the JSON text of `data`.
pub const PAYLOAD: usize = 64;
/// How many servers are open at once.
pub const SERVERS: usize = Dialect::PRODUCT.len() + 1;

/// The rounds of the rooms; the i-th of each ran one after the other.
pub struct Mixed {
    pub clients: usize,
    /// Of the rooms of one dialect, in the order of [`Dialect::PRODUCT`].
    pub alone: Vec<Vec<Round>>,
    pub together: Vec<Round>,
}

/// # Errors
/// [`Void`] of whatever spoils it.
pub async fn measure(setup: &Setup) -> Result<Mixed> {
    let clients = setup.mixed;
    // In turn, so that neighbours in the room differ wherever they can.
    let together: Vec<Dialect> = Dialect::PRODUCT.into_iter().cycle().take(clients).collect();
    let alone = Dialect::PRODUCT.map(|dialect| vec![dialect; clients]);
    let mut contestants = Vec::with_capacity(SERVERS);
    for members in alone.into_iter().chain([together]) {
        let room = Rooms { count: 1, members };
        contestants.push(Contestant::product(setup, &room, PAYLOAD, By::Post, 1).await?);
    }
    let turns = Turn::each(setup, contestants.len());
    let mut alone = take_turns(setup, &mut contestants, &turns).await?;
    finish(contestants).await?;
    let together = alone.pop().ok_or_else(|| Void::new("no rooms"))?;
    Ok(Mixed { clients, alone, together })
}
