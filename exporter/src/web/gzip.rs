//! gzip at level 1: the next ones save little more and take several times as long.

use flate2::{Compression, write::GzEncoder};
use std::io::Write;

/// Bytes that are compressed while they come.
pub(crate) struct Gzip(GzEncoder<Vec<u8>>);

impl Gzip {
    pub(crate) fn new() -> Self {
        Self(GzEncoder::new(Vec::new(), Compression::fast()))
    }

    /// Takes the next part away.
    pub(crate) fn take(&mut self, part: &mut Vec<u8>) {
        self.0.write_all(part).expect("memory takes all that is written");
        part.clear();
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        self.0.finish().expect("memory takes all that is written")
    }
}

/// All at once.
pub(crate) fn compressed(mut bytes: Vec<u8>) -> Vec<u8> {
    let mut gzip = Gzip::new();
    gzip.take(&mut bytes);
    gzip.finish()
}
