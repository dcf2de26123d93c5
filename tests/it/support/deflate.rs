//! permessage-deflate by another hand than the server's: `miniz_oxide`.

use miniz_oxide::deflate::core::{CompressorOxide, create_comp_flags_from_zip_params};
use miniz_oxide::deflate::stream::deflate;
use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::inflate_flags::TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF;
use miniz_oxide::inflate::core::{DecompressorOxide, decompress};
use miniz_oxide::{MZFlush, MZStatus};

/// What a sender leaves out (RFC 7692, 7.2.2), and an empty last block, so that there is an end.
const END: [u8; 9] = [0, 0, 0xFF, 0xFF, 1, 0, 0, 0xFF, 0xFF];

/// What became of a compressed message.
#[derive(Debug, PartialEq)]
pub struct Inflated {
    /// All that could be made, or at least one byte more than was asked for.
    pub bytes: Vec<u8>,
    /// Whether that is all, and nothing was wrong.
    pub is_whole: bool,
}

/// Inflates the payload of a message until it has more than `enough` bytes.
pub fn inflated(message: &[u8], enough: usize) -> Inflated {
    let input = [message, &END].concat();
    let (mut bytes, mut read) = (Vec::new(), 0);
    loop {
        // Whatever comes of the end was not the message's.
        let own = stream(message.get(read..).unwrap_or_default(), enough).bytes.len();
        let Stream { bytes: made, taken, is_done } = stream(&input[read..], enough);
        let is_sound = is_done && made.len() <= own;
        bytes.extend(made);
        read += taken;
        let is_whole = read == message.len() || read == input.len();
        // Another block may follow a last one (7.2.1), and knows nothing of what was before.
        if !is_sound || is_whole || bytes.len() > enough {
            return Inflated { bytes, is_whole: is_sound && is_whole };
        }
    }
}

/// What became of the blocks up to a last one.
struct Stream {
    bytes: Vec<u8>,
    taken: usize,
    is_done: bool,
}

fn stream(input: &[u8], enough: usize) -> Stream {
    let mut state = Box::new(DecompressorOxide::new());
    let mut bytes = vec![0; 1_024];
    let (mut read, mut made) = (0, 0);
    let status = loop {
        let flags = TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF;
        let (status, taken, written) = decompress(&mut state, &input[read..], &mut bytes, made, flags);
        (read, made) = (read + taken, made + written);
        if status != TINFLStatus::HasMoreOutput || made > enough {
            break status;
        }
        bytes.resize(2 * bytes.len(), 0);
    };
    bytes.truncate(made);
    Stream { bytes, taken: read, is_done: status == TINFLStatus::Done }
}

/// The payload of a compressed message, by one of the levels 0 to 10.
pub fn deflated(message: &[u8], level: u8) -> Vec<u8> {
    let mut state = CompressorOxide::new(create_comp_flags_from_zip_params(level.into(), 0, 0));
    let mut bytes = vec![0; 2 * message.len() + 64];
    let result = deflate(&mut state, message, &mut bytes, MZFlush::Sync);
    assert_eq!((result.status, result.bytes_consumed), (Ok(MZStatus::Ok), message.len()));
    bytes.truncate(result.bytes_written);
    let payload = bytes.strip_suffix(&END[..4]).expect("it was flushed");
    payload.to_vec()
}

#[test]
fn its_own_messages_come_back_and_broken_ones_are_known() {
    for level in 0..=10 {
        let message = b"over and over and over and over".repeat(usize::from(level));
        let payload = deflated(&message, level);
        assert_eq!(inflated(&payload, usize::MAX), Inflated { bytes: message, is_whole: true });
        assert!(!inflated(&payload[..payload.len() - 1], usize::MAX).is_whole);
    }
    assert!(inflated(b"\xf3\x48\xcd\xc9\xc9\x07\x00\x00", 9).is_whole);
    assert!(!inflated(b"\xf3\x48\xcd\xc9\xc9\x07\x00\x07", 9).is_whole);
}
