//! Request heads: parsed strictly, and written anew for the HTTP library.
//!
//! The library sees this text only, never the client's bytes: one request without a body, in ASCII, without
//! hop-by-hop fields (RFC 9110, section 7.6.1).

use super::{
    limits::{HEAD_BYTES, HEAD_FIELDS},
    rejection::Rejection,
};
use httparse::{EMPTY_HEADER, Error, Request, Status};
use std::borrow::Cow;

/// Proves to the library's handler that a request came through the event loop.
pub(super) const SECRET_FIELD: &str = "Promshm-Pass";

/// Fields that are not passed on: hop-by-hop fields, those about a body, and secrets.
const KEPT_BACK: [&str; 13] = [
    "Connection",
    "Keep-Alive",
    "Proxy-Connection",
    "TE",
    "Trailer",
    "Transfer-Encoding",
    "Content-Length",
    "Upgrade",
    "Expect",
    "Authorization",
    "Proxy-Authorization",
    "Cookie",
    SECRET_FIELD,
];

/// A valid request, ready to be passed on.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct RequestHead {
    /// Whether the response has no body.
    pub(super) without_body: bool,
    /// Whether the client asks to keep the connection.
    pub(super) keeps_alive: bool,
    /// The value of `Authorization`.
    pub(super) authorization: Option<Vec<u8>>,
    /// The request line and the fields, without the empty line at the end.
    pub(super) lines: Vec<u8>,
}

impl RequestHead {
    /// Whether this is `GET` or `HEAD` of `path`.
    pub(super) fn asks_for(&self, path: &str) -> bool {
        let target = self.lines.strip_prefix(b"GET ").or_else(|| self.lines.strip_prefix(b"HEAD "));
        let rest = target.and_then(|target| target.strip_prefix(path.as_bytes()));
        rest.is_some_and(|rest| matches!(rest.first(), Some(b' ' | b'?')))
    }
}

/// Parses a head from the beginning of `bytes`: the head and its length, or `None` while it is incomplete.
pub(super) fn parse(bytes: &[u8]) -> Result<Option<(RequestHead, usize)>, Rejection> {
    let mut fields = [EMPTY_HEADER; HEAD_FIELDS];
    let mut request = Request::new(&mut fields);
    match request.parse(bytes) {
        Ok(Status::Complete(length)) if length <= HEAD_BYTES => Ok(Some((head(&request)?, length))),
        Ok(Status::Partial) if bytes.len() < HEAD_BYTES => Ok(None),
        Ok(_) | Err(Error::TooManyHeaders) => Err(Rejection::HeadTooLarge),
        Err(Error::Version) => Err(Rejection::Malformed("only HTTP/1.0 and HTTP/1.1 are spoken here")),
        Err(_) => Err(Rejection::Malformed("this is not an HTTP request")),
    }
}

fn head(request: &Request<'_, '_>) -> Result<RequestHead, Rejection> {
    let (method, target) = (request.method.unwrap_or_default(), request.path.unwrap_or_default());
    reject_body(request)?;
    let hosts = values(request, "Host").count();
    let is_old = request.version == Some(0);
    if hosts > 1 || (hosts == 0 && !is_old) {
        return Err(Rejection::Malformed("a request names one Host"));
    }
    let mut authorizations = values(request, "Authorization");
    let authorization = authorizations.next().map(<[u8]>::to_vec);
    if authorizations.next().is_some() {
        return Err(Rejection::Malformed("there are two Authorization fields"));
    }
    if !target.is_ascii() {
        return Err(Rejection::Malformed("the request's target is not ASCII"));
    }
    Ok(RequestHead {
        without_body: method == "HEAD",
        keeps_alive: keeps_alive(request, is_old),
        authorization,
        lines: lines(request, method, &origin_form(target)),
    })
}

/// A body is never read, so its length must be 0, given at most once: two lengths that differ are how requests are
/// smuggled past proxies.
fn reject_body(request: &Request<'_, '_>) -> Result<(), Rejection> {
    let mut lengths = values(request, "Content-Length");
    let (length, second) = (lengths.next(), lengths.next());
    let is_encoded = values(request, "Transfer-Encoding").next().is_some();
    match length {
        Some(_) if second.is_some() || is_encoded => {
            Err(Rejection::Malformed("the body's length is told twice"))
        }
        Some(digits) if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) => {
            Err(Rejection::Malformed("Content-Length is no number"))
        }
        Some(digits) if digits.iter().any(|digit| *digit != b'0') => Err(Rejection::Body),
        _ if is_encoded => Err(Rejection::Body),
        _ => Ok(()),
    }
}

/// The values of all fields called `name`.
fn values<'r>(request: &'r Request<'_, '_>, name: &'static str) -> impl Iterator<Item = &'r [u8]> {
    request.headers.iter().filter(move |field| field.name.eq_ignore_ascii_case(name)).map(|field| field.value)
}

/// RFC 9112, section 9.3.
fn keeps_alive(request: &Request<'_, '_>, is_old: bool) -> bool {
    let says = |word: &str| {
        let mut words = values(request, "Connection").flat_map(|value| value.split(|byte| *byte == b','));
        words.any(|each| each.trim_ascii().eq_ignore_ascii_case(word.as_bytes()))
    };
    !says("close") && (!is_old || says("keep-alive"))
}

/// The path of an absolute target such as `http://host/path`, which proxies receive and servers must understand (RFC
/// 9112, section 3.2.2). The scheme is case-insensitive.
fn origin_form(target: &str) -> Cow<'_, str> {
    let without = |scheme: &str| {
        let (start, rest) = target.split_at_checked(scheme.len())?;
        start.eq_ignore_ascii_case(scheme).then_some(rest)
    };
    let Some(rest) = without("http://").or_else(|| without("https://")) else { return target.into() };
    match rest.find(['/', '?']).map(|start| &rest[start..]) {
        Some(path) if path.starts_with('/') => path.into(),
        Some(query) => format!("/{query}").into(),
        None => "/".into(),
    }
}

fn lines(request: &Request<'_, '_>, method: &str, target: &str) -> Vec<u8> {
    let mut lines = format!("{method} {target} HTTP/1.1\r\n").into_bytes();
    for field in request.headers.iter() {
        let is_kept_back = KEPT_BACK.iter().any(|name| field.name.eq_ignore_ascii_case(name));
        // The library parses ASCII only. No field that a response depends on has other bytes.
        if !is_kept_back && field.value.is_ascii() {
            lines.extend_from_slice(field.name.as_bytes());
            lines.extend_from_slice(b": ");
            lines.extend_from_slice(field.value);
            lines.extend_from_slice(b"\r\n");
        }
    }
    lines
}

#[cfg(test)]
mod tests;
