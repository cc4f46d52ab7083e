//! gzip for pages: a deflate encoder that is several times as fast as a general one at its lowest level.
//!
//! Lines of a page repeat the line before, except for a label value and a number. So nearly all bytes are in matches at
//! the distance of the match before, or at the distance of the last place with the same four bytes: one comparison
//! finds them, without chains of candidates. Each block has its own Huffman codes.

use crate::common::{common_length, eight};
use crc32fast::Hasher;
use promshm_segment::order;

/// Longest match and largest distance of the format (RFC 1951).
const MATCH: usize = 258;
const WINDOW: usize = 32 << 10;

/// Bytes that are compared at once; shorter matches cost more bits than their literals.
const SHORTEST: usize = 4;

/// Bits of the hash of four bytes.
const HASH_BITS: u32 = 12;

/// Tokens of a block: enough that its codes are cheap, few enough to stay in the cache.
const BLOCK: usize = 24 << 10;

/// Most bits of a code.
const LONGEST: usize = 15;

/// Number of symbols for literals and lengths, for distances, and for code lengths.
const LITERALS: usize = 286;
const DISTANCES: usize = 30;
const LENGTHS: usize = 19;

const END_OF_BLOCK: usize = 256;
const FIRST_LENGTH: usize = 257;

/// A gzip stream that is compressed part by part. Matches do not cross parts.
#[derive(Debug)]
pub struct Gzip {
    out: BitWriter,
    crc: Hasher,
    length: u32,
    /// For each hash the last place in the part plus one.
    places: Box<[u32; 1 << HASH_BITS]>,
    tokens: Vec<Token>,
    /// How often each symbol occurs in `tokens`.
    literals: [u32; LITERALS],
    distances: [u32; DISTANCES],
}

/// A literal, or a match: the length in the upper half, the distance in the lower one.
#[derive(Debug, Clone, Copy)]
struct Token(u32);

impl Default for Gzip {
    fn default() -> Self {
        Self::new()
    }
}

impl Gzip {
    /// Begins a stream.
    #[must_use]
    pub fn new() -> Self {
        let mut out = BitWriter::default();
        // Magic number, deflate, no flags, no time, fastest level, an unknown system.
        out.bytes.extend_from_slice(&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 4, 255]);
        Self {
            out,
            crc: Hasher::new(),
            length: 0,
            places: Box::new([0; 1 << HASH_BITS]),
            tokens: Vec::with_capacity(BLOCK),
            literals: [0; LITERALS],
            distances: [0; DISTANCES],
        }
    }

    /// Compresses the next part, and empties it.
    pub fn take(&mut self, part: &mut Vec<u8>) {
        self.crc.update(part);
        self.length = self.length.wrapping_add(part.len() as u32);
        self.places.fill(0);
        self.find_matches(part);
        part.clear();
    }

    /// Ends the stream.
    #[must_use]
    pub fn finish(mut self) -> Vec<u8> {
        self.write_block(true);
        let mut bytes = self.out.finish();
        bytes.extend_from_slice(&self.crc.finalize().to_le_bytes());
        bytes.extend_from_slice(&self.length.to_le_bytes());
        bytes
    }

    fn find_matches(&mut self, part: &[u8]) {
        let (mut at, mut distance) = (0, 0);
        while let Some(next) = eight(part, at) {
            if !repeats(part, at, distance, next) {
                distance =
                    self.last_place(at, next).filter(|last| repeats(part, at, *last, next)).unwrap_or(0);
            }
            if distance == 0 {
                self.push_literal(part[at]);
                at += 1;
            } else {
                let length = match_length(part, at, distance);
                self.push_match(length, distance);
                at += length;
            }
        }
        part[at..].iter().for_each(|byte| self.push_literal(*byte));
    }

    /// The distance to the last place with the hash of the next four bytes.
    fn last_place(&mut self, at: usize, next: u64) -> Option<usize> {
        let hash = (next as u32).wrapping_mul(0x9e37_79b1) >> (32 - HASH_BITS);
        let last = std::mem::replace(&mut self.places[hash as usize], at as u32 + 1);
        (last > 0).then(|| at + 1 - last as usize).filter(|distance| *distance <= WINDOW)
    }

    fn push_literal(&mut self, byte: u8) {
        self.literals[usize::from(byte)] += 1;
        self.push(Token(u32::from(byte)));
    }

    fn push_match(&mut self, length: usize, distance: usize) {
        self.literals[FIRST_LENGTH + usize::from(LENGTH_CODES[length - 3].symbol)] += 1;
        self.distances[distance_symbol(distance)] += 1;
        self.push(Token((length as u32) << 16 | distance as u32));
    }

    fn push(&mut self, token: Token) {
        self.tokens.push(token);
        if self.tokens.len() == BLOCK {
            self.write_block(false);
        }
    }

    fn write_block(&mut self, is_last: bool) {
        self.literals[END_OF_BLOCK] = 1;
        let literals = Codes::<LITERALS>::new(&self.literals, LONGEST);
        let distances = Codes::<DISTANCES>::new(&self.distances, LONGEST);
        self.out.push(u64::from(is_last) | 2 << 1, 3);
        write_codes(&mut self.out, &literals, &distances);
        for token in self.tokens.drain(..) {
            write_token(&mut self.out, token, &literals, &distances);
        }
        let (code, bits) = literals.code(END_OF_BLOCK);
        self.out.push(code, bits);
        (self.literals, self.distances) = ([0; LITERALS], [0; DISTANCES]);
    }
}

/// Whether the next bytes, at least [`SHORTEST`], are those at a distance before.
#[inline]
fn repeats(part: &[u8], at: usize, distance: usize, next: u64) -> bool {
    let Some(before) = at.checked_sub(distance).filter(|_| distance > 0) else { return false };
    eight(part, before).is_some_and(|before| (before ^ next) << (64 - 8 * SHORTEST) == 0)
}

#[inline]
fn match_length(part: &[u8], at: usize, distance: usize) -> usize {
    let most = MATCH.min(part.len() - at);
    common_length(&part[at..at + most], &part[at - distance..])
}

fn write_token(out: &mut BitWriter, token: Token, literals: &Codes<LITERALS>, distances: &Codes<DISTANCES>) {
    let (length, distance) = ((token.0 >> 16) as usize, (token.0 & 0xffff) as usize);
    if length == 0 {
        let (code, bits) = literals.code(distance);
        return out.push(code, bits);
    }
    let LengthCode { symbol, extra, extra_bits } = LENGTH_CODES[length - 3];
    let (code, bits) = literals.code(FIRST_LENGTH + usize::from(symbol));
    let (mut all, mut count) = (code | u64::from(extra) << bits, bits + u32::from(extra_bits));
    let symbol = distance_symbol(distance);
    let (code, bits) = distances.code(symbol);
    let extra_bits = (symbol as u32 / 2).saturating_sub(1);
    let extra = (distance - 1) as u64 & ((1 << extra_bits) - 1);
    all |= (code | extra << bits) << count;
    count += bits + extra_bits;
    out.push(all, count); // 15 + 5 + 15 + 13 bits at most
}

/// The symbol of a distance: two for each power of two.
#[inline]
fn distance_symbol(distance: usize) -> usize {
    let before = distance as u32 - 1;
    if before < 4 {
        return before as usize;
    }
    let power = before.ilog2();
    (2 * power + (before >> (power - 1) & 1)) as usize
}

/// The symbol of a match's length, from 0, and its extra bits.
#[derive(Debug, Clone, Copy)]
struct LengthCode {
    symbol: u8,
    extra: u8,
    extra_bits: u8,
}

/// For the lengths from 3.
static LENGTH_CODES: [LengthCode; MATCH - 2] = length_codes();

const fn length_codes() -> [LengthCode; MATCH - 2] {
    let mut codes = [LengthCode { symbol: 0, extra: 0, extra_bits: 0 }; MATCH - 2];
    let mut at = 0;
    while at < MATCH - 3 {
        // As for distances, but with four symbols for each power of two.
        let power = if at < 8 { 2 } else { at.ilog2() };
        let extra_bits = power - 2;
        let symbol = 4 * extra_bits + (at >> extra_bits) as u32;
        codes[at] = LengthCode {
            symbol: symbol as u8,
            extra: (at & ((1 << extra_bits) - 1)) as u8,
            extra_bits: extra_bits as u8,
        };
        at += 1;
    }
    codes[MATCH - 3] = LengthCode { symbol: 28, extra: 0, extra_bits: 0 };
    codes
}

/// Huffman codes of an alphabet.
#[derive(Debug)]
struct Codes<const N: usize> {
    /// For each symbol its code, whose first bit is the lowest, and its length in the lowest four bits.
    codes: [u32; N],
}

impl<const N: usize> Codes<N> {
    /// Codes of at most `longest` bits for symbols of these frequencies.
    fn new(counts: &[u32; N], longest: usize) -> Self {
        let lengths = code_lengths(counts, longest);
        let mut next = first_codes(&lengths);
        let codes = lengths.map(|length| {
            let code = next[usize::from(length)];
            next[usize::from(length)] += 1;
            // An unused symbol has no code.
            code.reverse_bits().checked_shr(32 - u32::from(length)).unwrap_or(0) << 4 | u32::from(length)
        });
        Self { codes }
    }

    /// The bits of a symbol, and their number.
    #[inline]
    fn code(&self, symbol: usize) -> (u64, u32) {
        let code = self.codes[symbol];
        (u64::from(code >> 4), code & 15)
    }

    fn lengths(&self) -> impl Iterator<Item = u8> {
        self.codes.iter().map(|code| (code & 15) as u8)
    }
}

/// The first code of each length, so that codes of one length follow one another (RFC 1951, 3.2.2).
fn first_codes(lengths: &[u8]) -> [u32; LONGEST + 1] {
    let mut counts = [0_u32; LONGEST + 1];
    lengths.iter().filter(|length| **length > 0).for_each(|length| counts[usize::from(*length)] += 1);
    let mut first = [0; LONGEST + 1];
    for length in 1..=LONGEST {
        first[length] = (first[length - 1] + counts[length - 1]) << 1;
    }
    first
}

/// The length of each symbol's code; 0 for symbols that do not occur.
fn code_lengths<const N: usize>(counts: &[u32; N], longest: usize) -> [u8; N] {
    let mut symbols: Vec<(u64, u64)> =
        counts.iter().map(|count| u64::from(*count)).zip(0..).filter(|(count, _)| *count > 0).collect();
    // A complete code has two symbols at least.
    let unused = (0..N).filter(|symbol| counts[*symbol] == 0).map(|symbol| (1, symbol as u64));
    symbols.extend(unused.take(2_usize.saturating_sub(symbols.len())));
    order::sort_pairs(&mut symbols);
    let mut per_length = limited(&depths(&symbols), longest);
    let mut lengths = [0; N];
    let mut length = longest;
    for (_, symbol) in symbols {
        while per_length[length] == 0 {
            length -= 1;
        }
        per_length[length] -= 1;
        lengths[symbol as usize] = length as u8;
    }
    lengths
}

/// The depth of each symbol in the Huffman tree. `symbols` have ascending frequencies; there are two at least.
fn depths(symbols: &[(u64, u64)]) -> Vec<usize> {
    let leaves = symbols.len();
    let mut counts: Vec<u64> = symbols.iter().map(|(count, _)| *count).collect();
    let mut parents = vec![0; 2 * leaves - 1];
    // Inner nodes are made in the order of their frequencies too, so the two smallest are always at a front.
    let (mut leaf, mut inner) = (0, leaves);
    for made in leaves..2 * leaves - 1 {
        let mut sum = 0;
        for _ in 0..2 {
            let takes_leaf = leaf < leaves && (inner >= made || counts[leaf] <= counts[inner]);
            let smallest = if takes_leaf { &mut leaf } else { &mut inner };
            sum += counts[*smallest];
            parents[*smallest] = made;
            *smallest += 1;
        }
        counts.push(sum);
    }
    let mut depths = vec![0; 2 * leaves - 1];
    for node in (0..2 * leaves - 2).rev() {
        depths[node] = depths[parents[node]] + 1;
    }
    depths.truncate(leaves);
    depths
}

/// How many codes there are of each length: as the depths say, but none longer than `longest`.
fn limited(depths: &[usize], longest: usize) -> [usize; LONGEST + 1] {
    let mut per_length = [0; LONGEST + 1];
    depths.iter().for_each(|depth| per_length[(*depth).min(longest)] += 1);
    // Codes that were shortened take too much of the code space; for each unit, a shorter code becomes two.
    let space = |per_length: &[usize]| {
        (1..=longest).map(|length| per_length[length] << (longest - length)).sum::<usize>()
    };
    for _ in 1 << longest..space(&per_length) {
        per_length[longest] -= 1;
        let Some(split) = (1..longest).rev().find(|length| per_length[*length] > 0) else { break };
        per_length[split] -= 1;
        per_length[split + 1] += 2;
    }
    per_length
}

/// Writes the code lengths of both alphabets (RFC 1951, 3.2.7); runs of zeros are shortened.
fn write_codes(out: &mut BitWriter, literals: &Codes<LITERALS>, distances: &Codes<DISTANCES>) {
    let all: Vec<u8> = literals.lengths().chain(distances.lengths()).collect();
    let mut symbols = Vec::new();
    for run in all.chunk_by(|a, b| a == b) {
        if run[0] > 0 {
            symbols.extend(run.iter().map(|length| (usize::from(*length), 0, 0)));
            continue;
        }
        let mut left = run.len();
        while left > 0 {
            let (taken, symbol) = match left {
                11.. => (left.min(138), (18, left.min(138) - 11, 7)),
                3.. => (left, (17, left - 3, 3)),
                _ => (1, (0, 0, 0)),
            };
            symbols.push(symbol);
            left -= taken;
        }
    }
    let mut counts = [0; LENGTHS];
    symbols.iter().for_each(|(symbol, ..)| counts[*symbol] += 1);
    let codes = Codes::<LENGTHS>::new(&counts, 7);
    out.push(LITERALS as u64 - 257, 5);
    out.push(DISTANCES as u64 - 1, 5);
    out.push(LENGTHS as u64 - 4, 4);
    LENGTH_ORDER.iter().for_each(|symbol| out.push(u64::from(codes.codes[*symbol] & 15), 3));
    for (symbol, extra, extra_bits) in symbols {
        let (code, bits) = codes.code(symbol);
        out.push(code | (extra as u64) << bits, bits + extra_bits);
    }
}

/// The order in which the format lists the lengths of the code lengths' own codes.
const LENGTH_ORDER: [usize; LENGTHS] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/// Appends bits to bytes, the lowest first.
#[derive(Debug, Default)]
struct BitWriter {
    bytes: Vec<u8>,
    bits: u64,
    /// Number of `bits`.
    count: u32,
}

impl BitWriter {
    /// Appends up to 56 bits.
    #[inline]
    fn push(&mut self, bits: u64, count: u32) {
        if self.count + count >= u64::BITS {
            self.pass_on();
        }
        self.bits |= bits << self.count;
        self.count += count;
    }

    /// Appends the whole bytes.
    fn pass_on(&mut self) {
        let end = self.bytes.len() + self.count as usize / 8;
        self.bytes.extend_from_slice(&self.bits.to_le_bytes());
        self.bytes.truncate(end);
        self.bits = self.bits.checked_shr(self.count & !7).unwrap_or(0);
        self.count &= 7;
    }

    fn finish(mut self) -> Vec<u8> {
        self.push(0, self.count.wrapping_neg() & 7);
        self.pass_on();
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::read::GzDecoder;
    use std::io::Read;

    fn compressed(parts: &[&[u8]]) -> Vec<u8> {
        let mut gzip = Gzip::new();
        parts.iter().for_each(|part| gzip.take(&mut part.to_vec()));
        gzip.finish()
    }

    /// Compresses parts, and checks that a common decoder reads them. Returns the compressed length.
    fn round_trip(parts: &[&[u8]]) -> usize {
        let bytes = compressed(parts);
        let mut read = Vec::new();
        GzDecoder::new(bytes.as_slice()).read_to_end(&mut read).expect("valid gzip");
        assert!(read == parts.concat(), "{} bytes", read.len());
        bytes.len()
    }

    /// A pseudo-random sequence that is the same in each run.
    fn random() -> impl FnMut(usize) -> usize {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        move |below| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize % below
        }
    }

    fn page(lines: usize) -> Vec<u8> {
        let mut random = random();
        let line = |n: usize| {
            let (queue, value) = (n % 50, random(5000));
            format!("jobs_total{{queue=\"queue-{queue}\",job=\"Handler{n:07}\",status=\"ok\"}} {value}\n")
        };
        (0..lines).map(line).collect::<String>().into_bytes()
    }

    #[test]
    fn empty_and_short_streams_are_read_back() {
        round_trip(&[]);
        round_trip(&[b""]);
        for length in 1..40 {
            round_trip(&[&b"abcdefghijklmnopqrstuvwxyz0123456789ABCD"[..length]]);
            round_trip(&[&b"a".repeat(length)]);
            round_trip(&[&b"ab".repeat(length), b"", &b"ab".repeat(length)]);
        }
    }

    #[test]
    fn matches_of_every_length_and_distance_are_read_back() {
        let mut random = random();
        let noise: Vec<u8> = (0..2 * WINDOW).map(|_| random(256) as u8).collect();
        for length in 3..600 {
            round_trip(&[&[&noise[..length], b"#", &noise[..length], b"$"].concat()]);
        }
        for distance in (1..100).chain([255, 256, 257, 4095, 4096, 4097, WINDOW - 1, WINDOW, WINDOW + 1]) {
            round_trip(&[&[&noise[..distance], &noise[..40]].concat()]);
        }
    }

    #[test]
    fn bytes_of_every_distribution_are_read_back() {
        let mut random = random();
        for symbols in [1, 2, 3, 17, 256] {
            let bytes: Vec<u8> = (0..200_000).map(|_| random(symbols) as u8).collect();
            round_trip(&[&bytes]);
        }
        // Frequencies that double make the longest codes.
        let skewed: Vec<u8> = (0..20_u8).flat_map(|byte| std::iter::repeat_n(byte, 1 << byte)).collect();
        let mut shuffled = skewed;
        (1..shuffled.len()).for_each(|at| shuffled.swap(at, random(at + 1)));
        round_trip(&[&shuffled]);
    }

    #[test]
    fn page_in_parts_is_read_back_and_smaller_than_at_level_1() {
        let page = page(20_000);
        let parts: Vec<&[u8]> = page.chunks(64 << 10).collect();
        let mut usual = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        std::io::Write::write_all(&mut usual, &page).expect("memory");
        let usual = usual.finish().expect("memory").len();
        let ours = round_trip(&parts);
        assert!(ours * 10 <= usual * 13, "{ours} bytes, and {usual} at level 1");
    }

    #[test]
    fn codes_are_complete_and_limited() {
        let mut random = random();
        for most in [1, 2, 1 << 10, 1 << 24] {
            for longest in [9, LONGEST] {
                let counts: [u32; LITERALS] = std::array::from_fn(|_| random(most) as u32);
                let lengths = code_lengths(&counts, longest);
                let used = lengths.iter().filter(|length| **length > 0);
                let space: usize = used.map(|length| 1 << (LONGEST - usize::from(*length))).sum();
                assert_eq!(space, 1 << LONGEST, "{most} {longest}");
                assert!(lengths.iter().all(|length| usize::from(*length) <= longest));
                assert!(counts.iter().zip(lengths).all(|(count, length)| *count == 0 || length > 0));
            }
        }
    }
}
