//! The hub as whoever only publishes sees it.

use actix::Addr;

use super::messages::Publish;
use super::room_server::RoomServer;
use crate::events::publication::Publication;
use crate::events::publisher::Publisher;

impl Publisher for Addr<RoomServer> {
    /// Lost only if the RoomServer is gone, and everybody with it.
    fn publish(&self, publication: Publication) {
        self.do_send(Publish(publication));
    }
}
