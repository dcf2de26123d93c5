//! The one Rust integration binary: every module is linked and built once.

mod proto_properties;
