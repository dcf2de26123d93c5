//! Bytes to packets and back: sans-IO codecs.
//!
//! No clock, no async, no panic, and no allocation before a bound was checked. Every codec takes
//! bytes and gives events, *need more*, or a named error; who the bytes belong to is not known here.

pub mod engineio;
pub mod plain;
pub mod socketio;
pub mod websocket;
