//! gzip at level 1: higher levels save little more and take several times as long.

use flate2::{Compression, write::GzEncoder};
use std::io::Write;

/// A gzip stream that is compressed part by part.
pub(crate) struct Gzip(GzEncoder<Vec<u8>>);

impl Gzip {
    pub(crate) fn new() -> Self {
        Self(GzEncoder::new(Vec::new(), Compression::fast()))
    }

    /// Compresses the next part, and empties it.
    pub(crate) fn take(&mut self, part: &mut Vec<u8>) {
        self.0.write_all(part).expect("memory takes all that is written");
        part.clear();
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        self.0.finish().expect("memory takes all that is written")
    }
}

/// Compresses all bytes at once.
pub(crate) fn compressed(mut bytes: Vec<u8>) -> Vec<u8> {
    let mut gzip = Gzip::new();
    gzip.take(&mut bytes);
    gzip.finish()
}
