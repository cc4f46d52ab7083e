//! The names in a certificate's Subject Alternative Name (RFC 5280, section 4.2.1.6).
//!
//! webpki verifies certificates but does not list their names. Only as much of DER is parsed here as leads to them; a
//! malformed certificate has no names, so its client is rejected.

use std::net::IpAddr;

const SEQUENCE: u8 = 0x30;
const OBJECT_IDENTIFIER: u8 = 0x06;
const OCTET_STRING: u8 = 0x04;
/// `[3] EXPLICIT`, the last field of a certificate's signed part.
const EXTENSIONS: u8 = 0xa3;
/// 2.5.29.17.
const SUBJECT_ALT_NAME: &[u8] = &[0x55, 0x1d, 0x11];
/// `[1]`, `[2]`, `[6]` and `[7]` of `GeneralName`.
const EMAIL: u8 = 0x81;
const DNS: u8 = 0x82;
const URI: u8 = 0x86;
const IP: u8 = 0x87;

/// The DNS names, e-mail addresses, URIs and IP addresses of a certificate.
pub(super) fn of(certificate: &[u8]) -> Vec<String> {
    let names = extension(certificate).map(Elements);
    names.into_iter().flatten().filter_map(|(tag, content)| name(tag, content)).collect()
}

/// The content of the extension Subject Alternative Name.
fn extension(certificate: &[u8]) -> Option<&[u8]> {
    let signed = first(SEQUENCE, first(SEQUENCE, certificate)?)?;
    let extensions = first(SEQUENCE, Elements(signed).find(|(tag, _)| *tag == EXTENSIONS)?.1)?;
    let extension = Elements(extensions)
        .filter(|(tag, _)| *tag == SEQUENCE)
        .find(|(_, extension)| first(OBJECT_IDENTIFIER, extension) == Some(SUBJECT_ALT_NAME))?;
    let (_, value) = Elements(extension.1).find(|(tag, _)| *tag == OCTET_STRING)?;
    first(SEQUENCE, value)
}

fn name(tag: u8, content: &[u8]) -> Option<String> {
    match tag {
        EMAIL | DNS | URI => String::from_utf8(content.into()).ok(),
        IP => {
            let v4 = <[u8; 4]>::try_from(content).map(IpAddr::from);
            let address = v4.or_else(|_| <[u8; 16]>::try_from(content).map(IpAddr::from)).ok()?;
            Some(address.to_string())
        }
        _ => None,
    }
}

/// The content of the first element, if it has this tag.
fn first(tag: u8, bytes: &[u8]) -> Option<&[u8]> {
    Elements(bytes).next().filter(|(each, _)| *each == tag).map(|(_, content)| content)
}

/// A sequence of elements: tags with their contents.
struct Elements<'b>(&'b [u8]);

impl<'b> Iterator for Elements<'b> {
    type Item = (u8, &'b [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (tag, rest) = self.0.split_first()?;
        let (length, rest) = rest.split_first()?;
        let (length, rest) = match length {
            0..=0x7f => (usize::from(*length), rest),
            // Long form: the next bytes are the length. No certificate's length has more than three.
            0x81..=0x83 => {
                let (digits, rest) = rest.split_at_checked(usize::from(length & 0x7f))?;
                (digits.iter().fold(0, |sum, digit| sum << 8 | usize::from(*digit)), rest)
            }
            _ => return None,
        };
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((*tag, content))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An element with a length in short or long form.
    fn element(tag: u8, content: &[u8]) -> Vec<u8> {
        let length = content.len();
        let head = if length < 0x80 {
            vec![tag, length as u8]
        } else {
            vec![tag, 0x82, (length >> 8) as u8, length as u8]
        };
        [head, content.to_vec()].concat()
    }

    fn certificate() -> Vec<u8> {
        let names = [
            element(DNS, b"a.example"),
            element(EMAIL, b"a@b.example"),
            element(0xa4, b"a directory name"),
            element(URI, b"spiffe://x/y"),
            element(IP, &[192, 0, 2, 1]),
            element(IP, &[0; 16]),
            element(IP, &[1, 2]),
            element(DNS, &[b'n'; 200]),
        ]
        .concat();
        let extension = |identifier: &[u8], value: &[u8]| {
            let fields =
                [element(OBJECT_IDENTIFIER, identifier), vec![1, 1, 0xff], element(OCTET_STRING, value)];
            element(SEQUENCE, &fields.concat())
        };
        let other = extension(&[0x55, 0x1d, 0x0f], b"\x03\x02\x05\xa0");
        let all = [other, extension(SUBJECT_ALT_NAME, &element(SEQUENCE, &names))].concat();
        let signed = [element(2, &[1]), element(EXTENSIONS, &element(SEQUENCE, &all))].concat();
        element(SEQUENCE, &[element(SEQUENCE, &signed), element(3, b"signature")].concat())
    }

    #[test]
    fn all_kinds_of_names_are_listed() {
        let long = "n".repeat(200);
        let expected = ["a.example", "a@b.example", "spiffe://x/y", "192.0.2.1", "::", &long];
        assert_eq!(of(&certificate()), expected);
    }

    #[test]
    fn truncated_certificate_has_no_names_and_altered_ones_are_harmless() {
        let certificate = certificate();
        for end in 0..certificate.len() {
            assert_eq!(of(&certificate[..end]), [""; 0], "{end}");
        }
        for place in 0..certificate.len() {
            for bit in 0..8 {
                let mut altered = certificate.clone();
                altered[place] ^= 1 << bit;
                of(&altered); // neither a panic nor an endless loop
            }
        }
    }
}
