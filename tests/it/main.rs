//! The one Rust integration binary: every module is linked and built once.

mod admin_rest;
mod architecture;
mod attacks;
mod command_line;
mod compression;
mod cookies;
mod differential;
mod engineio_properties;
mod failure;
mod fuzz;
mod journeys;
mod matrix;
mod mounts;
mod order;
mod presence;
mod proto_properties;
mod slow_clients;
mod socketio;
mod socketio_properties;
mod store_contract;
mod support;
mod time;
mod transcripts;
mod voice;
