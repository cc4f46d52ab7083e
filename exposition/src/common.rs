//! Comparison of bytes, eight at a time.

/// The eight bytes from `at`.
#[inline]
pub(crate) fn eight(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..)?.first_chunk().map(|eight| u64::from_le_bytes(*eight))
}

/// How many bytes both begin with.
#[inline]
pub(crate) fn common_length(a: &[u8], b: &[u8]) -> usize {
    let mut length = 0;
    while let (Some(one), Some(other)) = (eight(a, length), eight(b, length)) {
        if one != other {
            return length + ((one ^ other).trailing_zeros() / 8) as usize;
        }
        length += 8;
    }
    length + a[length..].iter().zip(&b[length..]).take_while(|(a, b)| a == b).count()
}
