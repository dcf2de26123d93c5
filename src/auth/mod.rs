//! From credentials to an identity, and from an identity to a right.
//!
//! [`token`] proves who someone is, [`tenants`] whose key it is; [`access`] is the table of what that allows. Both decide from
//! their arguments alone: what depends on who is already where is the RoomServer's to decide.

pub mod access;
pub mod admin;
pub mod tenants;
pub mod token;
