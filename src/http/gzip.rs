//! gzip for the answers to polls.

use std::io::Write;

use actix_web::web;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;

/// Fast, because what is compressed here goes to one client only.
const LEVEL: u32 = 1;
/// Larger answers are compressed on another thread: at this size it takes a good tenth of a
/// millisecond.
const LARGE: usize = 32 * 1024;

/// The body compressed; `None` if that did not make it smaller.
pub async fn compressed(body: Bytes) -> Option<Bytes> {
    let size = body.len();
    let small =
        if size < LARGE { compress(&body) } else { web::block(move || compress(&body)).await.ok()? };
    small.filter(|small| small.len() < size).map(Bytes::from)
}

fn compress(body: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 4), Compression::new(LEVEL));
    encoder.write_all(body).ok()?;
    encoder.finish().ok()
}
