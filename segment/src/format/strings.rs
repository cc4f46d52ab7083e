//! Lists of texts in a record: packing, and reading without trusting them.

use crate::{definition::MAX_LABELS, format::record::Corrupt};

/// Packs texts as a record stores them: each preceded by its length.
pub(crate) fn pack_strings<'a>(texts: impl IntoIterator<Item = &'a str>) -> Vec<u8> {
    let mut packed = Vec::new();
    for text in texts {
        packed.extend_from_slice(&(text.len() as u16).to_le_bytes());
        packed.extend_from_slice(text.as_bytes());
    }
    packed
}

/// The reverse of [`pack_strings`]: the texts, and an error in place of the first invalid one.
pub(crate) fn strings(mut packed: &[u8]) -> impl Iterator<Item = Result<&str, Corrupt>> {
    std::iter::from_fn(move || {
        let (length, rest) = match packed.split_first_chunk::<2>() {
            Some(split) => split,
            None if packed.is_empty() => return None,
            None => return Some(Err(Corrupt)),
        };
        let length = usize::from(u16::from_le_bytes(*length));
        let Some((text, rest)) = rest.split_at_checked(length) else { return Some(Err(Corrupt)) };
        packed = rest;
        Some(std::str::from_utf8(text).map_err(|_| Corrupt))
    })
}

/// Whether `packed` consists of exactly `count` texts. [`strings`] does not end after an error; its caller
/// must stop.
pub(crate) fn are_strings(packed: &[u8], count: usize) -> bool {
    let mut seen = 0;
    strings(packed).take(MAX_LABELS + 1).all(|text| {
        text.is_ok_and(|_| {
            seen += 1;
            true
        })
    }) && seen == count
}

/// Whether `packed` consists of exactly these texts.
pub(crate) fn are_these<'a>(mut packed: &[u8], mut texts: impl Iterator<Item = &'a str>) -> bool {
    let are_equal = texts.all(|text| {
        let rest = packed.split_first_chunk::<2>().and_then(|(length, rest)| {
            let is_as_long = usize::from(u16::from_le_bytes(*length)) == text.len();
            rest.strip_prefix(text.as_bytes()).filter(|_| is_as_long)
        });
        packed = rest.unwrap_or(packed);
        rest.is_some()
    });
    are_equal && packed.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_must_fill_their_record_exactly() {
        let packed = pack_strings(["ab", "c"]);
        assert_eq!(strings(&packed).collect::<Result<Vec<_>, _>>(), Ok(vec!["ab", "c"]));
        for (bytes, count) in [(&packed[..], 1), (&packed, 3), (&packed[..6], 2), (&[2, 0, 0xff, 0xfe], 1)] {
            assert!(!are_strings(bytes, count), "{bytes:?} {count}");
        }
        assert!(are_strings(&packed, 2) && are_strings(&[], 0));
    }

    #[test]
    fn only_the_same_texts_are_equal() {
        let packed = pack_strings(["ab", "", "c"]);
        assert!(are_these(&packed, ["ab", "", "c"].into_iter()) && are_these(&[], [].into_iter()));
        for others in [
            &["ab", "", "d"][..],
            &["ab", "", "cd"],
            &["ab", ""],
            &["ab", "", "c", ""],
            &["a", "b", "c"],
            &[],
        ] {
            assert!(!are_these(&packed, others.iter().copied()), "{others:?}");
        }
        assert!(!are_these(&packed[..4], ["ab", ""].into_iter()), "its last length is missing");
        assert!(
            !are_these(&packed[..5], ["ab", "", ""].into_iter()) && !are_these(&[1, 0], ["a"].into_iter())
        );
    }
}
