//! Label values as a segment stores them: UTF-8, and no longer than the segment's limit.
//!
//! Values come from clients (paths, user agents), so no value is an error. Bytes that are not UTF-8 are
//! replaced by U+FFFD, because Prometheus refuses a whole page for one bad byte. A value that is too long is
//! cut and ends in a hash of the whole value, so that two different values never become one series.

use siphasher::sip128::{Hasher128, SipHasher13};
use std::{borrow::Cow, hash::Hasher, io::Write};

/// Length of the mark at the end of a cut value, in bytes: `~` and 32 hexadecimal digits.
const MARK: usize = 33;

/// Appends these bytes as a label value. Allocates only what `out` grows by, which is at most `limit`
/// bytes.
pub fn push_label_value(out: &mut Vec<u8>, value: &[u8], limit: usize) {
    if value.len() <= limit && std::str::from_utf8(value).is_ok() {
        out.extend_from_slice(value);
        return;
    }
    let length: usize = pieces(value).map(str::len).sum();
    if length <= limit {
        pieces(value).for_each(|piece| out.extend_from_slice(piece.as_bytes()));
        return;
    }
    push_beginning(out, value, limit.saturating_sub(MARK));
    let _a_vec_takes_all = write!(out, "~{:032x}", hash(pieces(value)));
}

/// A label value within the limit, cut if necessary.
pub(crate) fn fit(label: &str, limit: usize) -> Cow<'_, str> {
    if label.len() <= limit {
        return Cow::Borrowed(label);
    }
    let beginning = beginning(label, limit.saturating_sub(MARK));
    Cow::Owned(format!("{beginning}~{:032x}", hash([label].into_iter())))
}

/// The bytes as text, in pieces.
fn pieces(value: &[u8]) -> impl Iterator<Item = &str> {
    value.utf8_chunks().flat_map(|chunk| {
        let replacement = if chunk.invalid().is_empty() { "" } else { "\u{fffd}" };
        [chunk.valid(), replacement]
    })
}

/// Appends as much of the text as fits into `room` bytes, in whole characters.
fn push_beginning(out: &mut Vec<u8>, value: &[u8], mut room: usize) {
    for piece in pieces(value) {
        let kept = beginning(piece, room);
        out.extend_from_slice(kept.as_bytes());
        if kept.len() < piece.len() {
            return;
        }
        room -= kept.len();
    }
}

/// The longest prefix of the text that fits into `room` bytes, in whole characters.
fn beginning(text: &str, room: usize) -> &str {
    let fits = (0..=room.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    &text[..fits.unwrap_or(0)]
}

fn hash<'p>(pieces: impl Iterator<Item = &'p str>) -> u128 {
    let mut hasher = SipHasher13::new();
    pieces.for_each(|piece| hasher.write(piece.as_bytes()));
    hasher.finish128().as_u128()
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn pushed(value: &[u8], limit: usize) -> String {
        let mut out = Vec::new();
        push_label_value(&mut out, value, limit);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn truncated_labels_stay_distinct_and_within_the_limit() {
        let (a, b) = ("é".repeat(100), format!("{}x", "é".repeat(100)));
        let (cut_a, cut_b) = (fit(&a, 64), fit(&b, 64));
        assert!(cut_a.len() <= 64 && cut_b.len() <= 64);
        assert_ne!(cut_a, cut_b);
        assert_eq!(fit("short", 64), "short");
    }

    #[test]
    fn bytes_and_text_become_the_same_value() {
        for length in (0..200).step_by(if cfg!(miri) { 31 } else { 1 }) {
            for unit in ["x", "é", "€", "𝄞"] {
                let text = unit.repeat(length);
                assert_eq!(pushed(text.as_bytes(), 64), fit(&text, 64), "{length} {unit}");
            }
        }
    }

    #[test]
    fn invalid_bytes_become_what_lossy_conversion_makes_of_them() {
        for bytes in
            [&b"caf\xe9"[..], b"\xff\xfe", b"cut \xc3", b"\xed\xa0\x80", b"\xf0\x9f\x92", b"a\0b\xff", b""]
        {
            for times in [1, 10, 100] {
                let bytes = bytes.repeat(times);
                assert_eq!(pushed(&bytes, 64), fit(&String::from_utf8_lossy(&bytes), 64), "{bytes:?}");
            }
        }
    }
}
