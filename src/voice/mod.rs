//! Commands by voice (guide 000), each of which takes effect once.
//!
//! A session reads what its client asks into an [`order::Order`] and leaves it to the [`executor`]; the
//! [`queue`] says whose turn it is, a thread of the [`workshop`] runs it, with the journal around it, and what the
//! tenant's sockets are told goes out through a [`Publisher`](crate::events::publisher::Publisher). The table of
//! commands is [`command::COMMANDS`].

pub mod command;
pub mod commands;
pub mod confirm;
pub mod executor;
pub mod grammar;
pub mod order;
pub mod queue;
pub mod workshop;
