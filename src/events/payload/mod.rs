//! Payloads that the server completes or builds, one file per family.
//!
//! Whatever a backend sends passes through as the text received; only what must be completed is
//! taken apart, and then one level deep (contract D-38).

pub mod blueprints;
pub mod intraday;
pub mod leads;
pub mod studio;
pub mod system;
pub mod tenant;
