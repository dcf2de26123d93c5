//! How much anyone may have: messages a second, connections, bytes waiting.
//!
//! Counting only. What happens to who exceeds a limit is decided by whoever asked here.

pub mod budget;
pub mod connections;
pub mod rate;
pub mod turns;
