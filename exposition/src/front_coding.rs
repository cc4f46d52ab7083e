//! A list of lines of which each is stored as its difference from the one before.
//!
//! Lines of a family differ in a label value or a bucket, so a difference takes about a tenth of the line. Reading in
//! order changes a few bytes of the line before; reading anywhere else begins at the last line that is stored whole.

use crate::common::common_length;

/// Every so many lines one is stored whole.
const WHOLE: usize = 64;

/// Lines that are read mostly in order.
#[derive(Debug, Default)]
pub(crate) struct FrontCoded {
    /// Of each line three lengths and the changed bytes: see [`Difference`].
    bytes: Vec<u8>,
    /// Where each line that is stored whole begins.
    whole: Vec<usize>,
    count: usize,
    /// The last line.
    last: Vec<u8>,
    /// A buffer for the next line.
    spare: Vec<u8>,
    /// Bytes of all lines, as if each were stored whole.
    length: usize,
    cursor: Cursor,
}

/// The line that was read last.
#[derive(Debug, Default)]
struct Cursor {
    line: Vec<u8>,
    /// The number of the next line.
    next: usize,
    /// Where the next line begins.
    at: usize,
}

/// One reader of lines among several.
#[derive(Debug)]
pub(crate) struct Lines<'c> {
    coded: &'c FrontCoded,
    cursor: Cursor,
}

/// A line as the bytes at its beginning and its end that it has in common with the line before, and those between.
struct Difference<'a> {
    beginning: usize,
    end: usize,
    between: &'a [u8],
}

impl FrontCoded {
    /// Bytes of all lines, as if each were stored whole.
    pub(crate) fn length(&self) -> usize {
        self.length
    }

    /// Number of lines.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// Appends a line, which `write` writes.
    pub(crate) fn push(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        let mut line = std::mem::take(&mut self.spare);
        line.clear();
        write(&mut line);
        if self.count.is_multiple_of(WHOLE) {
            self.whole.push(self.bytes.len());
            self.last.clear();
        }
        Difference::of(&self.last, &line).write(&mut self.bytes);
        self.count += 1;
        self.length += line.len();
        self.spare = std::mem::replace(&mut self.last, line);
    }

    /// Line `number`.
    pub(crate) fn get(&mut self, number: usize) -> &[u8] {
        self.cursor.get(&self.bytes, &self.whole, number)
    }

    /// Reads the lines that there are, beside others.
    pub(crate) fn lines(&self) -> Lines<'_> {
        Lines { coded: self, cursor: Cursor::default() }
    }
}

impl Lines<'_> {
    /// Line `number`.
    pub(crate) fn get(&mut self, number: usize) -> &[u8] {
        self.cursor.get(&self.coded.bytes, &self.coded.whole, number)
    }
}

impl Cursor {
    #[inline]
    fn get(&mut self, bytes: &[u8], whole: &[usize], number: usize) -> &[u8] {
        // The line that was read last is 0 lines ahead, and the next one is 1.
        let ahead = (number + 1).checked_sub(self.next);
        if ahead.is_none_or(|lines| lines > WHOLE) {
            (self.next, self.at) = (number - number % WHOLE, whole[number / WHOLE]);
        }
        while self.next <= number {
            self.read_next(bytes);
        }
        &self.line
    }

    fn read_next(&mut self, bytes: &[u8]) {
        if self.next.is_multiple_of(WHOLE) {
            self.line.clear();
        }
        let difference = Difference::read(bytes, &mut self.at);
        difference.apply(&mut self.line);
        self.next += 1;
    }
}

impl<'a> Difference<'a> {
    fn of(before: &[u8], line: &'a [u8]) -> Self {
        let beginning = common_length(before, line);
        let (old, new) = (&before[beginning..], &line[beginning..]);
        let end = old.iter().rev().zip(new.iter().rev()).take_while(|(a, b)| a == b).count();
        Self { beginning, end, between: &new[..new.len() - end] }
    }

    fn write(&self, bytes: &mut Vec<u8>) {
        [self.beginning, self.end, self.between.len()]
            .into_iter()
            .for_each(|length| push_length(bytes, length));
        bytes.extend_from_slice(self.between);
    }

    #[inline]
    fn read(bytes: &'a [u8], at: &mut usize) -> Self {
        let (beginning, end, between) =
            (read_length(bytes, at), read_length(bytes, at), read_length(bytes, at));
        let start = *at;
        *at += between;
        Self { beginning, end, between: &bytes[start..*at] }
    }

    /// Changes the line before into this line.
    #[inline]
    fn apply(&self, line: &mut Vec<u8>) {
        let (old_end, new_end) = (line.len() - self.end, self.beginning + self.between.len());
        if new_end != old_end {
            let length = new_end + self.end;
            line.resize(line.len().max(length), 0);
            line.copy_within(old_end..old_end + self.end, new_end);
            line.truncate(length);
        }
        line[self.beginning..new_end].copy_from_slice(self.between);
    }
}

/// Seven bits a byte, the lowest first; the highest bit says that more follow.
fn push_length(bytes: &mut Vec<u8>, mut length: usize) {
    while length > 0x7f {
        bytes.push(length as u8 | 0x80);
        length >>= 7;
    }
    bytes.push(length as u8);
}

#[inline]
fn read_length(bytes: &[u8], at: &mut usize) -> usize {
    let (mut length, mut shift) = (0, 0);
    loop {
        let byte = bytes[*at];
        *at += 1;
        length |= usize::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return length;
        }
        shift += 7;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines() -> Vec<Vec<u8>> {
        let line = |n: usize| match n % 7 {
            0 => String::new(),
            1 => "x".repeat(n),
            2 => format!("{n}"),
            _ => format!("jobs_total{{queue=\"{}\",job=\"{n:05}\"}} ", n % 50),
        };
        (0..1000).map(|n| line(n).into_bytes()).collect()
    }

    fn coded() -> FrontCoded {
        let mut coded = FrontCoded::default();
        lines().iter().for_each(|line| coded.push(|buffer| buffer.extend_from_slice(line)));
        coded
    }

    #[test]
    fn lines_are_read_in_any_order() {
        let (lines, mut coded) = (lines(), coded());
        assert_eq!(coded.length(), lines.iter().map(Vec::len).sum::<usize>());
        let in_order = 0..lines.len();
        let scattered = (0..3000).map(|n| n * 7919 % lines.len());
        for number in in_order.clone().chain(in_order.clone().rev()).chain(scattered) {
            assert_eq!(coded.get(number), lines[number], "{number}");
            assert_eq!(coded.get(number), lines[number], "{number} again");
        }
    }

    #[test]
    fn readers_beside_each_other_read_the_same_lines() {
        let (lines, coded) = (lines(), coded());
        let (mut one, mut other) = (coded.lines(), coded.lines());
        for number in 0..lines.len() {
            let back = lines.len() - 1 - number;
            assert_eq!((one.get(number), other.get(back)), (&*lines[number], &*lines[back]));
        }
    }

    #[test]
    fn lines_may_be_added_between_readings() {
        let (lines, mut coded) = (lines(), FrontCoded::default());
        for (number, line) in lines.iter().enumerate() {
            coded.push(|buffer| buffer.extend_from_slice(line));
            assert_eq!(coded.get(number), line);
            assert_eq!(coded.get(number / 2), lines[number / 2]);
        }
    }

    #[test]
    fn similar_lines_take_a_tenth_of_their_bytes() {
        let mut coded = FrontCoded::default();
        for n in 0..10_000 {
            let line =
                format!("jobs_total{{queue=\"mail\",job=\"App\\\\Jobs\\\\Handler{n:07}\",status=\"ok\"}} ");
            coded.push(|buffer| buffer.extend_from_slice(line.as_bytes()));
        }
        assert!(coded.bytes.len() * 10 < coded.length(), "{} of {}", coded.bytes.len(), coded.length());
    }
}
