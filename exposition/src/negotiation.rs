//! Content negotiation: the format for a client's `Accept` header (RFC 9110, section 12.5.1).

use crate::format::Format;

/// The schemes by which Prometheus 3 can ask to escape names beyond ASCII. Such names do not occur here, so a page is
/// the same in each; only the content type repeats the scheme.
const ESCAPINGS: [&str; 4] = ["allow-utf-8", "underscores", "dots", "values"];

/// A format, and the escaping scheme that goes with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Choice {
    /// The format.
    pub format: Format,
    escaping: Option<&'static str>,
}

impl Choice {
    /// The `Content-Type` with both.
    #[must_use]
    pub fn content_type(&self) -> String {
        let content_type = self.format.content_type();
        self.escaping.map_or(content_type.into(), |escaping| format!("{content_type}; escaping={escaping}"))
    }
}

/// Chooses by the value of an `Accept` header; several headers are joined by commas.
///
/// The highest `q` wins, then the more specific range, then the one that is named first, then the order of
/// [`Format::ALL`]. Without a header or a match it is text 0.0.4, which every reader accepts.
#[must_use]
pub fn negotiate(accept: &str) -> Choice {
    let ranges: Vec<Range> = split(accept, b',').enumerate().filter_map(Range::parse).collect();
    let mut best: Option<(Format, &Range)> = None;
    for format in Format::ALL {
        let Some(range) = governing(&ranges, format).filter(|range| range.quality > 0) else { continue };
        if best.is_none_or(|(_, other)| range.rank() > other.rank()) {
            best = Some((format, range));
        }
    }
    best.map_or_else(Choice::default, |(format, range)| Choice { format, escaping: range.escaping(format) })
}

/// The most specific range that matches a format; of equal ones the first.
fn governing<'r, 'h>(ranges: &'r [Range<'h>], format: Format) -> Option<&'r Range<'h>> {
    let matching = ranges.iter().filter(|range| range.matches(format));
    matching.reduce(|best, other| if other.specificity() > best.specificity() { other } else { best })
}

/// One item of the header.
#[derive(Debug)]
struct Range<'h> {
    kind: &'h str,
    subtype: &'h str,
    parameters: Vec<(&'h str, &'h str)>,
    /// In thousandths.
    quality: u16,
    position: usize,
}

impl<'h> Range<'h> {
    fn parse((position, item): (usize, &'h str)) -> Option<Self> {
        let mut parts = split(item, b';');
        let (kind, subtype) = parts.next()?.split_once('/')?;
        let mut range = Self { kind, subtype, parameters: Vec::new(), quality: 1000, position };
        for part in parts.filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=')?;
            let (name, value) = (name.trim(), value.trim());
            if name.eq_ignore_ascii_case("q") {
                range.quality = quality(value)?;
            } else {
                range.parameters.push((name, unquoted(value)));
            }
        }
        Some(range)
    }

    fn matches(&self, format: Format) -> bool {
        let (kind, subtype) = format.media_type();
        let is_within = |range: &str, own: &str| range == "*" || range.eq_ignore_ascii_case(own);
        let has = |(name, value): &(&str, &str)| {
            let is_it = |(own, of_own): &(&str, &str)| {
                own.eq_ignore_ascii_case(name) && of_own.eq_ignore_ascii_case(value)
            };
            // An unknown way of escaping is answered with one that is known.
            name.eq_ignore_ascii_case("escaping") || format.parameters().iter().any(is_it)
        };
        let is_sound = self.kind != "*" || self.subtype == "*";
        // The media type of protobuf alone says neither what a message is nor where it ends.
        let is_full = format != Format::Protobuf || self.subtype == "*" || self.names(format.parameters());
        is_sound
            && is_full
            && is_within(self.kind, kind)
            && is_within(self.subtype, subtype)
            && self.parameters.iter().all(has)
    }

    /// Whether the range names all these parameters.
    fn names(&self, all: &[(&str, &str)]) -> bool {
        let is_named = |name: &str| self.parameters.iter().any(|(own, _)| own.eq_ignore_ascii_case(name));
        all.iter().all(|(name, _)| is_named(name))
    }

    /// Specificity: 0 for `*/*`, 1 for `text/*`, 2 for `text/plain`.
    fn narrowness(&self) -> u8 {
        u8::from(self.kind != "*") + u8::from(self.subtype != "*")
    }

    fn specificity(&self) -> (u8, usize) {
        (self.narrowness(), self.parameters.len())
    }

    /// The rank; the client prefers the higher one.
    fn rank(&self) -> (u16, u8, std::cmp::Reverse<usize>) {
        (self.quality, self.narrowness(), std::cmp::Reverse(self.position))
    }

    /// Text 0.0.4 has no escaping schemes, and text 1.0.0 always names one. `OpenMetrics` 1.0.0 is older than the
    /// schemes, and protobuf needs none, so there one is named only if the client names one.
    fn escaping(&self, format: Format) -> Option<&'static str> {
        let wanted = self.parameters.iter().find(|(name, _)| name.eq_ignore_ascii_case("escaping"));
        let known = |wanted: &str| ESCAPINGS.into_iter().find(|known| *known == wanted);
        let asked = wanted.map(|(_, wanted)| known(wanted).unwrap_or("underscores"));
        match format {
            Format::Text => None,
            Format::Text1 => asked.or(Some("underscores")),
            Format::OpenMetrics | Format::Protobuf => asked,
        }
    }
}

/// Parses a weight into thousandths: 0 to 1 with at most three decimals. Also for `Accept-Encoding`.
#[must_use]
pub fn quality(text: &str) -> Option<u16> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    let is_plain = decimals.len() <= 3 && decimals.bytes().all(|byte| byte.is_ascii_digit());
    let decimals: u16 = if is_plain { format!("{decimals:0<3}").parse().ok()? } else { return None };
    match (whole, decimals) {
        ("0", decimals) => Some(decimals),
        ("1", 0) => Some(1000),
        _ => None,
    }
}

/// The trimmed parts between separators outside of quotation marks.
fn split(text: &str, separator: u8) -> impl Iterator<Item = &str> {
    let (mut is_quoted, mut is_escaped) = (false, false);
    let parts = text.split(move |character: char| {
        let was_escaped = is_escaped;
        is_escaped = is_quoted && !was_escaped && character == '\\';
        is_quoted ^= character == '"' && !was_escaped;
        !is_quoted && character == char::from(separator)
    });
    parts.map(str::trim)
}

fn unquoted(value: &str) -> &str {
    value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(value)
}

#[cfg(test)]
mod tests;
