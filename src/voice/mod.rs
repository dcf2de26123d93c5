//! Commands by voice.

pub mod grammar;
