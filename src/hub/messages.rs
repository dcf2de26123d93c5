//! What is asked of the RoomServer, and what it tells the hubs.

use std::sync::Arc;

use actix::{Addr, Message};
use bytes::Bytes;
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::oneshot;

use super::audience::Audience;
use super::groups::GroupId;
use super::outboxes::{SocketKey, WorkerId};
use super::presence::Present;
use super::subscriptions::{Ended, Subscription, Which};
use super::worker_hub::WorkerHub;
use crate::dialect::{Dialect, Prepared, Reply};
use crate::domain::error::ClientError;
use crate::domain::farewell::Farewell;
use crate::domain::id::Id;
use crate::domain::identity::{Identity, SignIn};
use crate::domain::profile::Profile;
use crate::domain::room::Room;
use crate::events::publication::Publication;

/// Ready once the hub has written a confirmation: what the session says next does not overtake it.
pub type Written = oneshot::Receiver<()>;

/// A hub has started on its worker.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Register {
    pub worker: WorkerId,
    pub hub: Addr<WorkerHub>,
}

/// A socket is connected: everyone's publications reach it from its welcome on. Refused, it is
/// entered nowhere and sent nothing.
#[derive(Message)]
#[rtype(result = "Result<Written, ClientError>")]
pub struct Attach {
    pub key: SocketKey,
    /// The connection it belongs to, by the key of its outbox: limits count connections.
    pub connection: SocketKey,
    pub id: Id,
    pub identity: Arc<Identity>,
    pub profile: Profile,
    pub dialect: Dialect,
    pub welcome: Reply,
}

/// A socket's bearer has shown who they are: its rooms follow.
#[derive(Message)]
#[rtype(result = "Result<Written, ClientError>")]
pub struct Identify {
    pub key: SocketKey,
    pub identity: Arc<Identity>,
    /// Whether the new identity may stay in a room it joined by request.
    pub may_stay: MayStay,
    pub confirm: Reply,
}

/// A confirmation that says who is seen in the room.
pub type ConfirmEntry = Box<dyn FnOnce(&[Present]) -> Reply + Send>;

/// A confirmation that says what has ended.
pub type ConfirmEnd = Box<dyn FnOnce(&Ended) -> Reply + Send>;

/// A right, judged by who knows rights.
pub type MayStay = Box<dyn Fn(&Room) -> bool + Send>;

/// Joining a room the socket may join. `confirm` is written in the step that makes it a member.
#[derive(Message)]
#[rtype(result = "Result<Written, ClientError>")]
pub struct Join {
    pub key: SocketKey,
    pub room: Room,
    pub confirm: Reply,
}

/// Joining a room to be seen in it. The confirmation says who else is.
#[derive(Message)]
#[rtype(result = "Result<Written, ClientError>")]
pub struct Enter {
    pub key: SocketKey,
    pub room: Room,
    /// What others are to call the user; the id stands in for it.
    pub name: Option<Arc<str>>,
    pub confirm: ConfirmEntry,
}

/// Joining a room, or subscribing to channels, or both at once; all of it or nothing.
#[derive(Message)]
#[rtype(result = "Result<Written, ClientError>")]
pub struct Subscribe {
    pub key: SocketKey,
    pub room: Option<Room>,
    pub subscription: Option<Subscription>,
    pub confirm: Reply,
}

/// The reverse. The confirmation says what has ended.
#[derive(Message)]
#[rtype(result = "Result<Written, ClientError>")]
pub struct Unsubscribe {
    pub key: SocketKey,
    pub room: Option<Room>,
    pub which: Option<Which>,
    pub confirm: ConfirmEnd,
}

/// Leaving a room. Nothing of the room follows `confirm`.
#[derive(Message)]
#[rtype(result = "Result<Written, ClientError>")]
pub struct Leave {
    pub key: SocketKey,
    pub room: Room,
    pub confirm: Reply,
}

/// An event from one member of a room to the others in it.
#[derive(Message)]
#[rtype(result = "Result<Published, ClientError>")]
pub struct Relay {
    pub key: SocketKey,
    pub room: Room,
    /// Its target is not looked at.
    pub publication: Publication,
}

/// The names of the rooms a socket is in, sorted.
#[derive(Message)]
#[rtype(result = "Vec<String>")]
pub struct OwnRooms(pub SocketKey);

/// A socket is gone. What is said with it is the last thing it is sent.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Detach {
    pub key: SocketKey,
    pub last: Option<Bytes>,
}

/// Say this to a socket, behind everything published so far.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Say {
    pub key: SocketKey,
    pub reply: Reply,
}

/// Close this socket as too slow: it holds the most when too much waits in all.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Evict(pub SocketKey);

/// Send sockets away, behind everything published so far. They are out of the books when this is
/// answered, with how many they were: nothing published later counts or reaches them.
#[derive(Message)]
#[rtype(result = "usize")]
pub struct Dismiss {
    pub whom: Whom,
    pub farewell: Farewell,
}

/// Who is to be dismissed.
pub enum Whom {
    /// The socket with this public id.
    Socket(Id),
    /// Every socket that came by one of these sign-ins.
    SignedIn(Vec<SignIn>),
}

/// An event for whoever its target reaches.
#[derive(Message)]
#[rtype(result = "Published")]
pub struct Publish(pub Publication);

/// What became of a publication.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Published {
    /// Sockets whose outbox accepted it (contract D-34).
    pub recipients: usize,
}

/// Say goodbye to a part of everyone, behind everything published so far.
#[derive(Message, Clone, Copy)]
#[rtype(result = "()")]
pub struct Close {
    pub farewell: Farewell,
    /// This part of so many. All together at once would come back all together at once.
    pub part: u32,
    pub parts: u32,
}

/// One item of a hub's queue.
#[derive(Message)]
#[rtype(result = "()")]
pub enum Work {
    /// Seat the socket in these groups and write its welcome.
    Attach {
        key: SocketKey,
        dialect: Dialect,
        groups: Vec<GroupId>,
        welcome: Reply,
        /// Dropped once that is done.
        done: oneshot::Sender<()>,
    },
    /// Leave and join groups, and write the confirmation.
    Change {
        key: SocketKey,
        leave: Vec<GroupId>,
        join: Vec<GroupId>,
        confirm: Reply,
        /// Dropped once that is done.
        done: oneshot::Sender<()>,
    },
    Detach {
        key: SocketKey,
        last: Option<Bytes>,
    },
    Say(SocketKey, Reply),
    Evict(SocketKey),
    /// Take the socket out of its groups, and leave its goodbye to its session.
    Dismiss(SocketKey, Farewell),
    /// Say goodbye to the socket's whole connection.
    CloseConnection(SocketKey, Farewell),
    /// Write a publication to its audience on this worker, then report how many took it.
    FanOut {
        fan_out: Arc<FanOut>,
        report: UnboundedSender<usize>,
    },
    Close(Close),
}

/// A publication and its audience, shared by all hubs.
pub struct FanOut {
    pub prepared: Prepared,
    pub audience: Audience,
}
