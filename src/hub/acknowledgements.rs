//! The RoomServer's side of acknowledgements: what it is told and asked about its
//! [`Ledger`](super::ledger::Ledger).

use actix::{Handler, Message};

use super::ledger::{Entry, Name};
use super::outboxes::SocketKey;
use super::receipts::Receipts;
use super::room_server::{RoomServer, critical};

/// A socket acknowledges. Answered by whether it has received what it names.
#[derive(Message)]
#[rtype(result = "bool")]
pub struct Acknowledge {
    pub key: SocketKey,
    pub name: Name,
}

/// What has become of the publication of this id, if it was to be acknowledged and has not expired.
#[derive(Message)]
#[rtype(result = "Option<Entry>")]
pub struct FindPublication(pub String);

impl Handler<Receipts> for RoomServer {
    type Result = ();

    fn handle(&mut self, told: Receipts, _: &mut Self::Context) {
        let _critical = critical();
        let now = self.both();
        for receipt in told.receipts {
            let bearer = || self.books.bearer(receipt.key);
            self.ledger.note(receipt.number, receipt.key, receipt.state, bearer, now);
        }
        if let Some(number) = told.served {
            self.ledger.served(number);
        }
    }
}

impl Handler<Acknowledge> for RoomServer {
    type Result = bool;

    fn handle(&mut self, Acknowledge { key, name }: Acknowledge, _: &mut Self::Context) -> bool {
        let _critical = critical();
        let now = self.both();
        self.ledger.acknowledge(key, &name, now)
    }
}

impl Handler<FindPublication> for RoomServer {
    type Result = Option<Entry>;

    fn handle(&mut self, ask: FindPublication, _: &mut Self::Context) -> Option<Entry> {
        let _critical = critical();
        let now = self.both();
        self.ledger.find(&ask.0, now.moment).cloned()
    }
}
