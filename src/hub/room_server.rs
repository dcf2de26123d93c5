//! The actor that orders everything: membership and publications.

use std::future::ready;
use std::sync::Arc;
use std::time::Duration;

use actix::{
    Actor, ActorFutureExt, Addr, AsyncContext, Context, Handler, MessageResult, ResponseFuture, WrapFuture,
};
use tokio::sync::{mpsc, oneshot};

use super::audience::Resolved;
use super::books::{BookLimits, Books, Change, Newcomer, Sighting};
use super::census::{self, ListSockets, SocketView, TakeCensus};
use super::compression::Compression;
use super::ledger::{Ledger, Now};
use super::messages::*;
use super::outboxes::{SocketKey, WorkerId};
use super::tally::Tally;
use super::worker_hub::WorkerHub;
use crate::dialect::{Prepared, Reply};
use crate::domain::error::ClientError;
use crate::domain::farewell::Farewell;
use crate::domain::room::Room;
use crate::domain::time::{Clock, Timestamp};
use crate::events::payload::blueprints::Sighted;
use crate::events::publication::Publication;
use crate::telemetry::{Critical, Meters};

/// How often the ledger is rid of what has expired.
const SWEEP: Duration = Duration::from_secs(60);

/// Mailbox around the [`Books`]. Runs on a thread of its own, so that a flood of publications
/// starves no socket's thread.
pub struct RoomServer {
    pub(super) books: Books,
    compression: Compression,
    clock: Arc<dyn Clock>,
    meters: Arc<Meters>,
    /// By worker number.
    hubs: Vec<Option<Addr<WorkerHub>>>,
    /// Said to whoever comes once everyone is being closed.
    farewell: Option<Farewell>,
    pub(super) ledger: Ledger,
    /// The connections that have a socket.
    connections: Tally,
}

/// If a handler panics, the books may be half changed: then the process ends.
pub(super) fn critical() -> Critical {
    Critical::section("RoomServer")
}

impl RoomServer {
    pub fn new(
        limits: BookLimits,
        compression: Compression,
        clock: Arc<dyn Clock>,
        meters: Arc<Meters>,
    ) -> RoomServer {
        RoomServer {
            books: Books::new(limits),
            compression,
            clock,
            meters,
            hubs: Vec::new(),
            farewell: None,
            ledger: Ledger::default(),
            connections: Tally::default(),
        }
    }

    /// Tells a hub. `do_send` loses nothing: a hub outlives its worker's sessions, and its queue is
    /// bounded by what waits for an answer.
    fn tell(&self, worker: WorkerId, work: Work) {
        if let Some(Some(hub)) = self.hubs.get(usize::from(worker)) {
            hub.do_send(work);
        }
    }

    /// Tells the hub of a change, and others who has come or gone. Gives what is ready once the hub
    /// has written `confirm`.
    fn change(&mut self, key: SocketKey, room: Option<&Room>, change: Change, confirm: Reply) -> Written {
        let Change { leave, join, seen } = change;
        let confirm = self.compression.confirmation(confirm, room);
        let (done, written) = oneshot::channel();
        self.tell(key.worker, Work::Change { key, leave, join, confirm, done });
        self.tell_witnesses(key, seen);
        written
    }

    fn tell_witnesses(&mut self, key: SocketKey, seen: Vec<Sighting>) {
        let now = self.now();
        for Sighting { room, present, has_come } in seen {
            // Who comes to a room is in it; alone, there is nobody to tell.
            if self.books.rooms.members(&room) <= usize::from(has_come) {
                continue;
            }
            let witnesses = self.books.witnesses(key, &room);
            let told = Sighted::new(&present.user, &present.name, room.room.name(), now);
            let event = if has_come { "user_joined" } else { "user_left" };
            let published = self.fan_out(Publication::of_server(event, &told, now), witnesses);
            // Nobody waits to hear how many took it, but they are counted.
            actix::spawn(published);
        }
    }

    /// Tells the hubs now. Gives what is ready once all of them have written it.
    fn fan_out(
        &mut self,
        publication: Publication,
        Resolved { audience, labels, others, workers }: Resolved,
    ) -> impl Future<Output = Published> + use<> {
        // The same number for all who get it (contract D-35).
        let ack = publication.requires_ack.then(|| {
            let now = self.both();
            self.ledger.open(&publication, workers.len(), now)
        });
        let event = Arc::clone(&publication.event);
        let compress_from = self.compression.from(labels.iter().flatten().chain(&others));
        let mut prepared = Prepared::new(publication, labels, ack, compress_from);
        if audience.is_for_one() {
            prepared = prepared.for_one();
        }
        let fan_out = Arc::new(FanOut { prepared, audience });
        let (report, mut reports) = mpsc::unbounded_channel();
        for worker in workers {
            self.tell(worker, Work::FanOut { fan_out: Arc::clone(&fan_out), report: report.clone() });
        }
        // The channel ends once every hub has reported and dropped its end.
        drop(report);
        let (meters, clock) = (Arc::clone(&self.meters), Arc::clone(&self.clock));
        async move {
            let mut recipients = 0;
            while let Some(accepted) = reports.recv().await {
                recipients += accepted;
            }
            meters.published(&event, recipients, clock.now().since_start());
            Published { recipients }
        }
    }

    /// Takes a socket out of the books; what it has not acknowledged, it never will. Gives what others
    /// are to hear of it, if it was there.
    fn strike_out(&mut self, key: SocketKey) -> Option<Vec<Sighting>> {
        let now = self.both();
        self.ledger.leave(key, || self.books.bearer(key), now);
        let connection = self.books.sockets.get(&key).map(|socket| socket.connection);
        if connection.is_some_and(|connection| self.connections.leave(connection)) {
            self.meters.connections_are(self.connections.len());
        }
        let tenant = self.books.tenant_of(key);
        let seen = self.books.detach(key);
        if let Some((tenant, _)) = tenant {
            let count = self.books.connections_of(&tenant);
            self.meters.tenant_connections_are(tenant.as_str(), count, now.wall.millis());
        }
        seen
    }

    fn now(&self) -> Timestamp {
        self.clock.wall()
    }

    pub(super) fn both(&self) -> Now {
        Now { moment: self.clock.now(), wall: self.clock.wall() }
    }

    /// Has what has expired forgotten again and again: without traffic nobody else asks for it.
    fn sweep(&mut self, ctx: &mut Context<Self>) {
        let _critical = critical();
        let now = self.clock.now();
        self.ledger.expire(now);
        let next = self.clock.sleep_until(now + SWEEP).into_actor(self);
        ctx.spawn(next.map(|(), server, ctx| server.sweep(ctx)));
    }
}

impl Actor for RoomServer {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        self.meters.tenants_since(self.now().millis());
        self.sweep(ctx);
    }
}

impl Handler<Register> for RoomServer {
    type Result = ();

    fn handle(&mut self, ask: Register, _: &mut Self::Context) {
        let _critical = critical();
        let index = usize::from(ask.worker);
        if self.hubs.len() <= index {
            self.hubs.resize(index + 1, None);
        }
        self.hubs[index] = Some(ask.hub);
    }
}

impl Handler<Attach> for RoomServer {
    type Result = Result<Written, ClientError>;

    fn handle(&mut self, ask: Attach, _: &mut Self::Context) -> Self::Result {
        let _critical = critical();
        let Attach { key, connection, id, identity, profile, dialect, welcome } = ask;
        let newcomer = Newcomer { key, connection, id, identity, profile };
        let groups = self.books.attach(newcomer, self.now())?;
        if self.connections.enter(connection) {
            self.meters.connections_are(self.connections.len());
        }
        // It may hold a token, beside what others have chosen.
        let welcome = welcome.never_compressed();
        if let Some((tenant, count)) = self.books.tenant_of(key) {
            self.meters.tenant_connections_are(tenant.as_str(), count, self.now().millis());
        }
        let (done, written) = oneshot::channel();
        self.tell(key.worker, Work::Attach { key, dialect, groups, welcome, done });
        if let Some(farewell) = self.farewell {
            self.tell(key.worker, Work::CloseConnection(key, farewell));
        }
        Ok(written)
    }
}

impl Handler<Identify> for RoomServer {
    type Result = Result<Written, ClientError>;

    fn handle(&mut self, ask: Identify, _: &mut Self::Context) -> Self::Result {
        let _critical = critical();
        let now = self.now();
        let change = self.books.identify(ask.key, ask.identity, &ask.may_stay, now)?;
        Ok(self.change(ask.key, None, change, ask.confirm))
    }
}

impl Handler<Join> for RoomServer {
    type Result = Result<Written, ClientError>;

    fn handle(&mut self, ask: Join, _: &mut Self::Context) -> Self::Result {
        let _critical = critical();
        let change = self.books.join(ask.key, &ask.room, self.now())?;
        Ok(self.change(ask.key, Some(&ask.room), change, ask.confirm))
    }
}

impl Handler<Enter> for RoomServer {
    type Result = Result<Written, ClientError>;

    fn handle(&mut self, ask: Enter, _: &mut Self::Context) -> Self::Result {
        let _critical = critical();
        let (change, users) = self.books.enter(ask.key, &ask.room, ask.name, self.now())?;
        Ok(self.change(ask.key, Some(&ask.room), change, (ask.confirm)(&users)))
    }
}

impl Handler<Subscribe> for RoomServer {
    type Result = Result<Written, ClientError>;

    fn handle(&mut self, ask: Subscribe, _: &mut Self::Context) -> Self::Result {
        let _critical = critical();
        let change = self.books.subscribe(ask.key, ask.room.as_ref(), ask.subscription, self.now())?;
        Ok(self.change(ask.key, ask.room.as_ref(), change, ask.confirm))
    }
}

impl Handler<Unsubscribe> for RoomServer {
    type Result = Result<Written, ClientError>;

    fn handle(&mut self, ask: Unsubscribe, _: &mut Self::Context) -> Self::Result {
        let _critical = critical();
        let (change, ended) = self.books.unsubscribe(ask.key, ask.room.as_ref(), ask.which.as_ref())?;
        Ok(self.change(ask.key, ask.room.as_ref(), change, (ask.confirm)(&ended)))
    }
}

impl Handler<Leave> for RoomServer {
    type Result = Result<Written, ClientError>;

    fn handle(&mut self, ask: Leave, _: &mut Self::Context) -> Self::Result {
        let _critical = critical();
        let change = self.books.leave(ask.key, &ask.room)?;
        Ok(self.change(ask.key, Some(&ask.room), change, ask.confirm))
    }
}

impl Handler<OwnRooms> for RoomServer {
    type Result = Vec<String>;

    fn handle(&mut self, OwnRooms(key): OwnRooms, _: &mut Self::Context) -> Self::Result {
        self.books.own_rooms(key)
    }
}

impl Handler<Detach> for RoomServer {
    type Result = ();

    fn handle(&mut self, Detach { key, last }: Detach, _: &mut Self::Context) {
        let _critical = critical();
        if let Some(seen) = self.strike_out(key) {
            self.tell(key.worker, Work::Detach { key, last });
            self.tell_witnesses(key, seen);
        }
    }
}

impl Handler<Evict> for RoomServer {
    type Result = ();

    fn handle(&mut self, Evict(key): Evict, _: &mut Self::Context) {
        self.tell(key.worker, Work::Evict(key));
    }
}

impl Handler<Say> for RoomServer {
    type Result = ();

    fn handle(&mut self, Say { key, reply }: Say, _: &mut Self::Context) {
        self.tell(key.worker, Work::Say(key, reply));
    }
}

impl Handler<Dismiss> for RoomServer {
    type Result = usize;

    fn handle(&mut self, Dismiss { whom, farewell }: Dismiss, _: &mut Self::Context) -> usize {
        let _critical = critical();
        let sockets = self.books.find(&whom);
        for key in &sockets {
            let seen = self.strike_out(*key);
            self.tell(key.worker, Work::Dismiss(*key, farewell));
            self.tell_witnesses(*key, seen.unwrap_or_default());
        }
        sockets.len()
    }
}

impl Handler<Publish> for RoomServer {
    type Result = ResponseFuture<Published>;

    fn handle(&mut self, Publish(publication): Publish, _: &mut Self::Context) -> Self::Result {
        let _critical = critical();
        let resolved = self.books.resolve(&publication.target);
        Box::pin(self.fan_out(publication, resolved))
    }
}

impl Handler<Relay> for RoomServer {
    type Result = ResponseFuture<Result<Published, ClientError>>;

    fn handle(&mut self, Relay { key, room, publication }: Relay, _: &mut Self::Context) -> Self::Result {
        let _critical = critical();
        match self.books.others(key, &room) {
            Ok(others) => {
                let published = self.fan_out(publication, others);
                Box::pin(async move { Ok(published.await) })
            }
            Err(error) => Box::pin(ready(Err(error))),
        }
    }
}

impl Handler<TakeCensus> for RoomServer {
    type Result = MessageResult<TakeCensus>;

    fn handle(&mut self, _: TakeCensus, _: &mut Self::Context) -> Self::Result {
        MessageResult(self.books.census())
    }
}

impl Handler<ListSockets> for RoomServer {
    type Result = ResponseFuture<Vec<SocketView>>;

    fn handle(&mut self, which: ListSockets, _: &mut Self::Context) -> Self::Result {
        Box::pin(census::look(self.hubs.clone(), self.books.list(&which)))
    }
}

impl Handler<Close> for RoomServer {
    type Result = ();

    fn handle(&mut self, close: Close, _: &mut Self::Context) {
        self.farewell = Some(close.farewell);
        for hub in self.hubs.iter().flatten() {
            hub.do_send(Work::Close(close));
        }
    }
}
