//! The commands, by what they are about.

pub mod backup;
pub mod compliance;
pub mod leads;
pub mod metrics;
