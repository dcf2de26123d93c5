//! The vocabulary: every event and command, declared in one place.
//!
//! [`table`] lists what the server may say and what a client may ask, [`catalog`] says what a row means,
//! [`command`] what a client's words become; a payload's shape and its validation stand in [`fields`]
//! and [`payload`]. How an event is spelled on the wire is the dialect's
//! business, whom it reaches the hub's.

pub mod catalog;
pub mod command;
pub mod fields;
pub mod payload;
pub mod publication;
pub mod publisher;
pub mod table;
