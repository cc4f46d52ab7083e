//! Sorts rows by their label values, eight bytes at a time.
//!
//! Rows are compared by a number that holds the next eight bytes of their labels, and those with the same number by the
//! bytes after them. Comparing the labels themselves would read two rows from scattered memory at each of about
//! seventeen comparisons a row.

use super::Labels;

/// Bytes of a key.
const KEY: usize = 8;

/// Up to where the labels of some rows are known to be equal.
#[derive(Debug, Clone, Copy, Default)]
struct Depth {
    label: usize,
    byte: usize,
}

/// Sorts rows, given by their indexes, by their `width` label values. Equal rows are sorted by index.
pub(crate) fn sort_rows(rows: &mut [u32], labels: &Labels, width: usize) {
    let mut keys: Vec<(u64, u32)> = Vec::with_capacity(rows.len());
    let mut groups = vec![(0..rows.len(), Depth::default())];
    while let Some((group, depth)) = groups.pop() {
        let rows = &mut rows[group.clone()];
        keys.clear();
        keys.extend(rows.iter().map(|row| (key(labels, width, *row, depth).0, *row)));
        keys.sort_unstable();
        rows.iter_mut().zip(&keys).for_each(|(row, (_, sorted))| *row = *sorted);
        let mut start = group.start;
        for alike in keys.chunk_by(|one, other| one.0 == other.0) {
            let range = start..start + alike.len();
            start = range.end;
            let (_, depth) = key(labels, width, alike[0].1, depth);
            if alike.len() > 1 && depth.label < width {
                groups.push((range, depth));
            }
        }
    }
}

/// The next bytes of a row's labels, and where those after them begin. Each byte is one more than it is, which fits
/// because UTF-8 has no 255, and each value ends with 0: so a value sorts before those that it begins.
#[inline]
fn key(labels: &Labels, width: usize, row: u32, depth: Depth) -> (u64, Depth) {
    if depth.label < width
        && let Some(eight) =
            labels.value_bytes(row as usize * width + depth.label)[depth.byte..].first_chunk()
    {
        let key = u64::from_be_bytes(*eight).wrapping_add(u64::from_be_bytes([1; KEY]));
        return (key, Depth { byte: depth.byte + KEY, ..depth });
    }
    key_of_ends(labels, width, row, depth)
}

/// The same where a value ends within the key.
fn key_of_ends(labels: &Labels, width: usize, row: u32, mut depth: Depth) -> (u64, Depth) {
    let (mut key, mut room) = ([0; KEY], 0..KEY);
    while depth.label < width && !room.is_empty() {
        let value = &labels.value_bytes(row as usize * width + depth.label)[depth.byte..];
        let length = value.len().min(room.len());
        let bytes = key[room.clone()].iter_mut().zip(value);
        bytes.for_each(|(key, byte)| *key = byte + 1);
        depth.byte += length;
        room.start += length;
        if room.next().is_some() {
            depth = Depth { label: depth.label + 1, byte: 0 };
        }
    }
    (u64::from_be_bytes(key), depth)
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    /// Values that share beginnings, end at the borders of keys, or contain what ends a value in a key.
    const VALUES: [&str; 14] = [
        "",
        "\0",
        "\0\0",
        "a",
        "a\0",
        "a\0b",
        "ab",
        "Handler",
        "Handler1",
        "Handler12",
        "Handler1Handler2",
        "Handler1Handler23",
        "\u{10ffff}",
        "ö",
    ];

    fn random(state: &mut u64, below: usize) -> usize {
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        (*state % below as u64) as usize
    }

    #[test]
    fn rows_are_sorted_as_their_labels_compare() {
        let mut state = 0x9e37_79b9_7f4a_7c15;
        for width in 0..4 {
            for rows in [0, 1, 2, 40, if cfg!(miri) { 100 } else { 1000 }] {
                let mut labels = Labels::default();
                (0..rows * width).for_each(|_| labels.push(VALUES[random(&mut state, VALUES.len())]));
                let mut expected: Vec<u32> = (0..rows as u32).collect();
                let mut sorted = expected.clone();
                let row = |row: &u32| labels.row(width, *row as usize).collect::<Vec<_>>();
                expected.sort_by_key(row);
                sort_rows(&mut sorted, &labels, width);
                assert_eq!(sorted, expected, "{rows} rows of {width} labels");
            }
        }
    }

    #[test]
    fn some_rows_are_sorted_among_themselves() {
        let mut labels = Labels::default();
        ["d", "c", "b", "a"].iter().for_each(|value| labels.push(value));
        let mut rows = [1, 3];
        sort_rows(&mut rows, &labels, 1);
        assert_eq!(rows, [3, 1]);
    }
}
