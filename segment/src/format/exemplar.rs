//! Exemplars: one observation that represents a cell's others, with labels such as a trace id.
//!
//! ```text
//! slot → directory page of a size → pages of places
//! place   cell's offset | half | half
//! half    sequence | value | time | text…
//! ```
//! A place belongs to one cell of the same slot, and has one writer: the slot's owner. Updates alternate
//! between its two halves. A writer clears the half's sequence first and sets it last, so a writer that dies
//! in between leaves the other half intact, and a concurrent reader notices that the half changed.
//!
//! A text consists of names and values, each followed by a byte that UTF-8 never contains. So the longest
//! text that `OpenMetrics` allows always fits the larger size, and an empty name ends the text.

use crate::{
    definition::is_label_name,
    layout::{EXEMPLAR_SIZES, PAGE_WORDS},
    memory::atomic::Word,
};

/// Maximum number of characters in all names and values together
/// (<https://github.com/prometheus/OpenMetrics/blob/main/specification/OpenMetrics.md#exemplars>).
pub const MAX_CHARACTERS: usize = 128;
/// Words of text in a half, by size. The larger size fits every text: a name's first character is one byte,
/// so the longest text takes 1 + 127 × 4 bytes and two terminators.
pub(crate) const TEXT_WORDS: [usize; EXEMPLAR_SIZES] = [16, 64];

/// Length of the longest text, in bytes.
const MOST_BYTES: usize = 8 * TEXT_WORDS[EXEMPLAR_SIZES - 1];
/// Terminates each name and value, and fills the rest of the text.
const END: u8 = 0xff;

/// Number of words before a half's text.
const HALF_HEAD: usize = 3;
const SEQUENCE: usize = 0;
const VALUE: usize = 1;
const TIME: usize = 2;

/// Number of words of a place, by size.
pub(crate) const fn place_words(size: usize) -> usize {
    1 + 2 * (HALF_HEAD + TEXT_WORDS[size])
}

/// Number of places in a page, by size.
pub(crate) const fn places(size: usize) -> usize {
    PAGE_WORDS / place_words(size)
}

/// Maximum number of attempts to read a place; after that it is treated as empty.
const MOST_LOOKS: usize = 4;

/// An exemplar that was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Exemplar {
    /// Names and values; no name occurs twice.
    pub labels: Vec<(String, String)>,
    /// The observed value; for a counter, the increment.
    pub value: f64,
    /// When it was observed, in seconds since 1970.
    pub time: f64,
}

/// The error for labels that no exemplar may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadLabels;

/// An exemplar's labels, packed for the segment without allocation.
#[derive(Debug, Clone)]
pub struct ExemplarLabels {
    bytes: [u8; MOST_BYTES],
    length: usize,
    characters: usize,
}

impl Default for ExemplarLabels {
    fn default() -> Self {
        Self { bytes: [END; MOST_BYTES], length: 0, characters: 0 }
    }
}

/// Whether an exemplar may have this label.
#[must_use]
pub fn is_label(name: &str, value: &str) -> bool {
    is_name(name.as_bytes()) && characters_of(value.as_bytes()).is_some()
}

/// Whether an exemplar may have a label of this name. Strict readers refuse names that begin with `__`, and with
/// them the whole page.
fn is_name(name: &[u8]) -> bool {
    is_label_name(name) && !name.starts_with(b"__")
}

/// The number of characters of a value; `None` if no exemplar may have it. Prometheus's lexer ends at a NUL byte in
/// an exemplar, which would make it reject the whole page.
fn characters_of(value: &[u8]) -> Option<usize> {
    // Nearly all values are identifiers. The loop has no exit, so that it looks at many bytes at once.
    let is_plain = value.iter().fold(true, |plain, byte| plain & (1..0x80).contains(byte));
    if is_plain {
        return Some(value.len());
    }
    let text = std::str::from_utf8(value).ok().filter(|text| !text.contains('\0'))?;
    Some(text.chars().count())
}

impl ExemplarLabels {
    /// Adds a label; the caller passes distinct names.
    ///
    /// # Errors
    /// If [`is_label`] is false, the name or value is not UTF-8, or all labels together are too long.
    pub fn push(&mut self, name: &[u8], value: &[u8]) -> Result<(), BadLabels> {
        // The byte lengths come first, so that the characters of a megabyte need not be counted.
        if name.len().saturating_add(value.len()) > MOST_BYTES {
            return Err(BadLabels);
        }
        let characters = characters_of(value).filter(|_| is_name(name)).ok_or(BadLabels)?;
        self.characters += name.len() + characters;
        if self.characters > MAX_CHARACTERS {
            return Err(BadLabels);
        }
        for text in [name, value] {
            self.bytes[self.length..self.length + text.len()].copy_from_slice(text);
            self.length += text.len() + 1;
        }
        Ok(())
    }

    /// Whether there is no label yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// The smallest size of places that fits these labels.
    pub(crate) fn size(&self) -> usize {
        TEXT_WORDS.iter().position(|words| self.length <= 8 * words).unwrap_or(EXEMPLAR_SIZES - 1)
    }

    /// The words to write: those in use, and an empty name that ends the text.
    fn words(&self) -> impl Iterator<Item = u64> {
        let used = (self.length + 1).min(MOST_BYTES).div_ceil(8);
        self.bytes.as_chunks::<8>().0[..used].iter().map(|word| u64::from_le_bytes(*word))
    }
}

/// A place in the segment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'r>(&'r [Word]);

impl<'r> Place<'r> {
    /// A view of words as a place: a head, and two halves of equal length.
    pub(crate) fn over(words: &'r [Word]) -> Self {
        Self(words)
    }

    /// Offset of the cell that the place belongs to; 0 while it belongs to none.
    pub(crate) fn cell(self) -> u64 {
        self.0.first().map_or(0, Word::load_acquire) // pair: PLACE
    }

    /// Assigns the place to a cell. Its first exemplar must already be written.
    pub(crate) fn give_to(self, cell: u64) {
        if let Some(word) = self.0.first() {
            word.store_release(cell); // pair: PLACE
        }
    }

    fn halves(self) -> [&'r [Word]; 2] {
        let (one, other) = self.0[1..].split_at((self.0.len() - 1) / 2);
        [one, other]
    }

    /// Writes an exemplar over the older of the two halves.
    pub(crate) fn write(self, labels: &ExemplarLabels, value: f64, time: f64) {
        let [one, other] = self.halves();
        let [first, second] = [one, other].map(|half| half[SEQUENCE].load_relaxed());
        let half = if first <= second { one } else { other };
        half[SEQUENCE].store_release(0); // pair: HALF, as all below
        half[VALUE].store_release(value.to_bits());
        half[TIME].store_release(time.to_bits());
        half[HALF_HEAD..].iter().zip(labels.words()).for_each(|(word, value)| word.store_release(value));
        half[SEQUENCE].store_release(first.max(second).wrapping_add(1));
    }

    /// The newest exemplar that is complete; an error if it breaks a rule. A fast writer may overwrite one
    /// half after the other while they are read, so the read is repeated, a limited number of times.
    pub(crate) fn find(self) -> Option<Result<Exemplar, BadLabels>> {
        Some((0..MOST_LOOKS).find_map(|_| self.newest())?.exemplar().ok_or(BadLabels))
    }

    #[cfg(test)]
    pub(crate) fn read(self) -> Option<Exemplar> {
        self.find()?.ok()
    }

    fn newest(self) -> Option<Copied> {
        let found = self.halves().map(|half| read_half(half).map(|found| (half, found)));
        let newest = found.into_iter().flatten().max_by_key(|(_, found)| found.sequence);
        // This half may have been overwritten while the other was read; it would then be older than an
        // exemplar that was already exported.
        // pair: HALF
        let still = |(half, found): &(&[Word], Copied)| half[SEQUENCE].load_acquire() == found.sequence;
        newest.filter(still).map(|(_, found)| found)
    }
}

/// The contents of a half, not yet checked.
struct Copied {
    sequence: u64,
    value: f64,
    time: f64,
    text: Vec<u8>,
}

/// The contents of a half; `None` if it is empty, half-written, or changed while it was read.
fn read_half(half: &[Word]) -> Option<Copied> {
    let sequence = half[SEQUENCE].load_acquire(); // pair: HALF, as all below
    if sequence == 0 {
        return None;
    }
    let [value, time] = [VALUE, TIME].map(|at| f64::from_bits(half[at].load_acquire()));
    let text = half[HALF_HEAD..].iter().flat_map(|word| word.load_acquire().to_le_bytes()).collect();
    (half[SEQUENCE].load_acquire() == sequence).then_some(Copied { sequence, value, time, text })
}

impl Copied {
    fn exemplar(self) -> Option<Exemplar> {
        let labels = labels_of(&self.text)?;
        // A later time has no millisecond precision, and no clock shows it.
        let is_time = (0.0..1e12).contains(&self.time);
        is_time.then_some(Exemplar { labels, value: self.value, time: self.time })
    }
}

/// The labels in a text, if they obey all rules.
fn labels_of(text: &[u8]) -> Option<Vec<(String, String)>> {
    let mut parts = text.split(|byte| *byte == END);
    let (mut labels, mut checked) = (Vec::new(), ExemplarLabels::default());
    while let Some(name) = parts.next().filter(|name| !name.is_empty()) {
        let value = parts.next()?;
        checked.push(name, value).ok()?;
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        let label = (text(name), text(value));
        if labels.iter().any(|(known, _)| *known == label.0) {
            return None;
        }
        labels.push(label);
    }
    (!labels.is_empty()).then_some(labels)
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn place(size: usize) -> Vec<Word> {
        (0..place_words(size)).map(|_| Word::new(0)).collect()
    }

    fn labels(pairs: &[(&str, &str)]) -> ExemplarLabels {
        let mut labels = ExemplarLabels::default();
        pairs.iter().for_each(|(name, value)| labels.push(name.as_bytes(), value.as_bytes()).unwrap());
        labels
    }

    fn exemplar(pairs: &[(&str, &str)], value: f64, time: f64) -> Exemplar {
        let labels = pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        Exemplar { labels, value, time }
    }

    #[test]
    fn pages_hold_some_places_of_each_size() {
        assert_eq!([places(0), places(1)], [13, 3]);
    }

    #[test]
    fn last_written_exemplar_is_read() {
        let words = place(0);
        let place = Place::over(&words);
        assert_eq!(place.read(), None);
        for round in 1..10 {
            let id = format!("{round}").repeat(round);
            place.write(&labels(&[("trace_id", &id)]), round as f64, 1.5 + round as f64);
            let expected = exemplar(&[("trace_id", &id)], round as f64, 1.5 + round as f64);
            assert_eq!(place.read(), Some(expected), "{round}");
        }
    }

    #[test]
    fn exemplars_up_to_the_maximum_length_fit() {
        let names: Vec<String> =
            ('A'..='Z').flat_map(|name| [format!("{name}"), format!("{name}{name}")]).collect();
        let many: Vec<(&str, &str)> = names.iter().take(50).map(|name| (name.as_str(), "x")).collect();
        let euros = "€".repeat(127);
        let clefs = "𝄞".repeat(127);
        for pairs in [&[("a", euros.as_str())][..], &[("a", clefs.as_str())], &[("a", ""), ("b", "")], &many]
        {
            let labels = labels(pairs);
            let words = place(labels.size());
            Place::over(&words).write(&labels, 1.0, 1.0);
            assert_eq!(Place::over(&words).read(), Some(exemplar(pairs, 1.0, 1.0)));
        }
        let too_long = "x".repeat(128);
        assert_eq!(ExemplarLabels::default().push(b"a", too_long.as_bytes()), Err(BadLabels));
        let mut full = labels(&[("a", &clefs)]);
        assert_eq!(full.push(b"b", b""), Err(BadLabels));
        assert_eq!(ExemplarLabels::default().push(b"a", &vec![b'x'; 1 << 20]), Err(BadLabels));
    }

    #[test]
    fn names_and_values_follow_prometheus() {
        for (name, value) in [("", "x"), ("9", "x"), ("a-b", "x"), ("a:b", "x"), ("ü", "x")] {
            assert_eq!(
                ExemplarLabels::default().push(name.as_bytes(), value.as_bytes()),
                Err(BadLabels),
                "{name}"
            );
        }
        assert_eq!(ExemplarLabels::default().push(b"a\xff", b"x"), Err(BadLabels));
        assert_eq!(ExemplarLabels::default().push(b"a", b"\xff"), Err(BadLabels));
        assert_eq!(
            ExemplarLabels::default().push(b"a", b"abc\0def"),
            Err(BadLabels),
            "ends Prometheus's lexer"
        );
        assert_eq!(ExemplarLabels::default().push(b"__a", b"x"), Err(BadLabels), "reserved");
        assert!(ExemplarLabels::default().push(b"_trace_ID9", "größe \x01\n".as_bytes()).is_ok());
    }

    #[test]
    fn reader_uses_the_half_that_is_not_being_written() {
        let words = place(0);
        let place = Place::over(&words);
        place.write(&labels(&[("n", "1")]), 1.0, 1.0);
        place.write(&labels(&[("n", "2")]), 2.0, 2.0);
        // The state that a writer leaves that dies while it writes the third exemplar.
        words[1].store_relaxed(0);
        words[2].store_relaxed(99);
        assert_eq!(place.read(), Some(exemplar(&[("n", "2")], 2.0, 2.0)));
        place.write(&labels(&[("n", "4")]), 4.0, 4.0);
        assert_eq!(place.read(), Some(exemplar(&[("n", "4")], 4.0, 4.0)));
    }

    #[test]
    fn implausible_exemplars_are_not_read() {
        let words = place(0);
        let place = Place::over(&words);
        place.write(&labels(&[("n", "1")]), 1.0, 1.0);
        let valid: Vec<u64> = words.iter().map(Word::load_relaxed).collect();
        let word = |text: &[u8; 8]| u64::from_le_bytes(*text);
        let forgeries = [
            (3, f64::NAN.to_bits()),
            (3, f64::INFINITY.to_bits()),
            (3, (-1.0_f64).to_bits()),
            (4, 0),
            (4, u64::MAX),
            (4, word(b"9\xffx\xff\xff\xff\xff\xff")),
            (4, word(b"n\xff1\xffn\xff2\xff")),
            (4, word(b"n\xff\xc3(\xff\xff\xff\xff")),
            (4, word(b"n\xffa\0b\xff\xff\xff")),
            (4, word(b"__n\xffa\xff\xff\xff")),
        ];
        for (at, corrupt) in forgeries {
            words.iter().zip(&valid).for_each(|(word, value)| word.store_relaxed(*value));
            words[at].store_relaxed(corrupt);
            assert_eq!(place.find(), Some(Err(BadLabels)), "{at} {corrupt:x}");
        }
        words.iter().for_each(|word| word.store_relaxed(u64::from_le_bytes(*b"aaaaaaaa")));
        assert_eq!(place.read(), None, "a text without an end");
    }
}
