//! Who is in which room, and the way of a publication to their sockets.
//!
//! [`RoomServer`](room_server::RoomServer) is one actor: it keeps the books, orders everything that
//! changes membership or is published, and is the only one who tells the hubs. A
//! [`WorkerHub`](worker_hub::WorkerHub) is one actor per worker thread: it keeps the outboxes'
//! seats and writes. Both are thin mailboxes around pure parts ([`books`], [`rooms`], [`subscriptions`],
//! [`presence`], [`ledger`], [`roster`]).
//!
//! **Order.** What the RoomServer decides reaches each hub in the order it was decided, over all
//! rooms; a hub never lets one thing overtake another. A confirmation of membership travels with
//! the join and is written in the step that makes the socket a member, so whoever has read it
//! misses nothing published afterwards.

pub mod acknowledgements;
pub mod audience;
pub mod books;
pub mod census;
pub mod compression;
pub mod groups;
pub mod ledger;
mod membership;
pub mod messages;
pub mod organizations;
pub mod outbox;
pub mod outboxes;
pub mod presence;
mod publisher;
mod queue;
pub mod receipts;
pub mod room_server;
pub mod rooms;
pub mod roster;
pub mod sign_ins;
pub mod subscriptions;
pub mod tally;
mod targets;
mod walk;
pub mod worker;
pub mod worker_hub;
mod writing;
