//! From credentials to an identity, and from an identity to a right.
//!
//! [`token`] proves who someone is, [`cookies`] remembers it for browsers, [`tenants`] knows whose key it
//! is; [`authenticator`] decides what a profile takes of that, and [`access`] is the table of what it
//! allows. All decide from their arguments alone: what depends on who is already where is the
//! RoomServer's to decide.

pub mod access;
pub mod admin;
pub mod authenticator;
pub mod cookies;
pub mod tenants;
pub mod token;
