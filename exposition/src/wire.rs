//! How protobuf writes the fields of a message.

/// Wire types.
const VARINT: u8 = 0;
pub(crate) const FIXED_64: u8 = 1;
pub(crate) const LENGTH: u8 = 2;

/// Seven bits a byte, the lowest first; the highest bit says that more follow.
#[inline]
pub(crate) fn push_varint(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

/// How many bytes [`push_varint`] appends.
#[inline]
pub(crate) fn varint_size(number: usize) -> usize {
    (number | 1).ilog2() as usize / 7 + 1
}

/// A field's key, of fields up to 31.
#[inline]
pub(crate) fn push_key(bytes: &mut Vec<u8>, field: u8, wire: u8) {
    bytes.push(field << 3 | wire);
    if field > 15 {
        bytes.push(1);
    }
}

#[inline]
pub(crate) fn push_double(bytes: &mut Vec<u8>, field: u8, value: f64) {
    push_key(bytes, field, FIXED_64);
    bytes.extend_from_slice(&value.to_le_bytes());
}

pub(crate) fn push_number(bytes: &mut Vec<u8>, field: u8, number: u64) {
    push_key(bytes, field, VARINT);
    push_varint(bytes, number);
}

pub(crate) fn push_text(bytes: &mut Vec<u8>, field: u8, text: &str) {
    push_key(bytes, field, LENGTH);
    push_varint(bytes, text.len() as u64);
    bytes.extend_from_slice(text.as_bytes());
}

/// A field that is a message of its own, which `write` writes.
#[inline]
pub(crate) fn push_message(bytes: &mut Vec<u8>, field: u8, write: impl FnOnce(&mut Vec<u8>)) {
    push_key(bytes, field, LENGTH);
    bytes.push(0);
    let start = bytes.len();
    write(bytes);
    end_message(bytes, start);
}

/// Writes the length of the message that begins at `start` before it, where one byte is free.
#[inline]
fn end_message(bytes: &mut Vec<u8>, start: usize) {
    let length = bytes.len() - start;
    if length < 0x80 {
        bytes[start - 1] = length as u8;
    } else {
        end_long_message(bytes, start, length);
    }
}

fn end_long_message(bytes: &mut Vec<u8>, start: usize, length: usize) {
    push_varint(bytes, length as u64);
    bytes[start - 1..].rotate_right(varint_size(length));
    // The free byte stands behind the length now.
    bytes.remove(start - 1 + varint_size(length));
}

/// Whether a number is a whole one of 64 bits.
pub(crate) fn is_count(count: f64) -> bool {
    (count as u64 as f64).to_bits() == (count + 0.0).to_bits() // -0 is 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_take_seven_bits_a_byte() {
        for (number, expected) in [
            (0, &[0][..]),
            (127, &[127]),
            (128, &[0x80, 1]),
            (300, &[0xac, 2]),
            (u64::MAX, &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]),
        ] {
            let mut bytes = Vec::new();
            push_varint(&mut bytes, number);
            assert_eq!((&bytes[..], varint_size(number as usize)), (expected, expected.len()), "{number}");
        }
    }

    #[test]
    fn length_stands_before_a_message_of_any_size() {
        for length in [0, 1, 127, 128, 16_383, 16_384, 3_000_000] {
            let content: Vec<u8> = (0..length).map(|at| at as u8).collect();
            let mut bytes = vec![7];
            push_message(&mut bytes, 3, |bytes| bytes.extend_from_slice(&content));
            let mut expected = vec![7, 3 << 3 | LENGTH];
            push_varint(&mut expected, length);
            expected.extend_from_slice(&content);
            assert_eq!(bytes, expected, "{length}");
        }
    }
}
