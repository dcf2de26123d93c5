//! The vocabulary: every event and command, declared in one place.
//!
//! [`catalog`] lists what the server may say, [`command`] what a client may ask; a payload's shape
//! and its validation stand in [`payload`]. How an event is spelled on the wire is the dialect's
//! business, whom it reaches the hub's.

pub mod catalog;
pub mod command;
pub mod payload;
pub mod publication;
