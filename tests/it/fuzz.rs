//! Every codec under bytes that a corpus was changed into, for a bounded time.
//!
//! The property tests beside this make up what is likely; here real bytes are bent. `tests/corpus`
//! holds the seeds, a folder for each codec; each file is also a regression test. Every target
//! compares its codec with a model that is as simple as can be, and holds the promises that the
//! codec's documentation makes.

mod deflate;
mod driver;
mod engineio;
mod extensions;
mod frames;
mod frames_model;
mod json;
mod mutation;
mod plain;
mod socketio;
mod socketio_model;

/// Two tests for each codec: its corpus as it is, and its corpus changed.
macro_rules! codecs {
    ($($name:ident: $target:expr;)*) => {$(
        mod $name {
            use super::*;

            #[test]
            fn every_corpus_file_keeps_the_promises() {
                driver::replay(&$target);
            }

            #[test]
            fn no_change_of_the_corpus_breaks_a_promise() {
                driver::fuzz(&$target);
            }
        }
    )*};
}

codecs! {
    websocket_frames: frames::TARGET;
    websocket_deflate: deflate::TARGET;
    websocket_extensions: extensions::TARGET;
    engineio_packets: engineio::PACKETS;
    engineio_payloads: engineio::PAYLOADS;
    engineio_polls: engineio::POLLS;
    socketio_packets: socketio::PACKETS;
    socketio_messages: socketio::MESSAGES;
    socketio_buffers: socketio::BUFFERS;
    plain_json: plain::TARGET;
}
