//! Switchboard: a real-time gateway. A backend POSTs once, and every client in the room has it.
//!
//! # The floors
//! A module imports from its own folder and from lower floors only; `tests/it/architecture.rs`
//! holds the table.
//!
//! | floor | module | what lives there |
//! |---|---|---|
//! | 6 | [`app`] | the gateway put together, started and stopped |
//! | 5 | [`http`] | routes, callers, the hand-over of a socket |
//! | 4 | [`session`] | one connection, as an actor |
//! | 3 | [`hub`], [`voice`] | who is in which room; the way of a publication to the sockets; commands by voice |
//! | 2 | [`dialect`], [`auth`] | how events are spelled; who may do what |
//! | 1 | [`proto`], [`events`], [`store`] | sans-IO codecs; the vocabulary; what outlives the process |
//! | 0 | [`domain`], [`ambient`], [`config`], [`limits`], [`telemetry`] | nouns, time, settings, counts, logs |
//!
//! # Four journeys, to be read in this order
//! **An admin POST to a thousand dashboards**: [`http::broadcast`] reads it, [`events::catalog`] says
//! whether it may be sent, [`hub::room_server`] finds out whom it means and tells each worker once,
//! [`hub::worker_hub`] writes the bytes that [`dialect::prepared`] made once.
//!
//! **A dashboard joins a room**: [`session::io`] reads, [`proto::websocket`] and [`proto::plain`]
//! take the bytes apart, [`events::command`] types them, [`auth::access`] allows it,
//! [`hub::room_server`] enters it in the books, and the hub writes `room_joined` in the very step
//! that makes it a member.
//!
//! **A Socket.IO client behind a proxy comes in**: [`session::mount`] is the table of where clients
//! connect; [`http::engine`] opens a session for its first poll, [`session::directory`] knows it from then on, whatever thread the next request comes on.
//! [`proto::engineio`] says what becomes of polls, pushes and the WebSocket that may follow;
//! [`proto::socketio`] takes packets apart, and each namespace becomes a socket of its own.
//! Answers ([`dialect::answer`]) and publications wait in the one outbox, from which polls take
//! them until the upgrade, and to whose socket they are written after it.
//!
//! **A voice command**: [`events::payload::leads`] reads it, [`voice::order`] says whether it may be asked,
//! [`voice::executor`] has it wait for its turn, [`voice::workshop`] runs it on a thread that may block, with the
//! journal around it, and the hub says what came of it behind what it has caused.

#![forbid(unsafe_code)]
#![warn(rust_2018_idioms)]

pub mod ambient;
pub mod app;
pub mod auth;
pub mod config;
pub mod dialect;
pub mod domain;
pub mod events;
pub mod http;
pub mod hub;
pub mod limits;
mod listeners;
pub mod proto;
pub mod session;
pub mod store;
pub mod telemetry;
pub mod voice;

pub use app::{App, Running};
pub use config::Settings;
pub use session::SessionSettings;
pub use session::mount::Mount;
pub use session::own::{Arguments, Emit, Event, Message, MessageHandler, NamespaceHandler, Out};
