//! Responses: what the backend returned, and what is sent to the client.

use super::rejection::Rejection;
use std::io::IoSlice;

/// The site's response as the backend returned it, without hop-by-hop fields.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Reply {
    /// Status line and fields, without the empty line at the end.
    pub(super) lines: Vec<u8>,
    pub(super) body: Vec<u8>,
    /// Whether the client's receipt is to be reported.
    pub(super) report: Option<String>,
}

impl Reply {
    /// A response of the event loop itself. `without_body`: only the head is sent.
    pub(super) fn text(status: &str, text: &str, without_body: bool) -> Self {
        let lines = format!(
            "HTTP/1.1 {status}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {}\r\n",
            text.len()
        );
        let body = if without_body { Vec::new() } else { text.into() };
        Self { lines: lines.into_bytes(), body, report: None }
    }
}

/// A response that is being sent to a client.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct PendingResponse {
    head: Vec<u8>,
    body: Vec<u8>,
    sent: usize,
    /// Whether the connection is closed after it.
    pub(super) is_last: bool,
    pub(super) report: Option<String>,
}

impl PendingResponse {
    /// `fields` are configured header lines, each with its line end. One that the reply has itself is left out: two
    /// values of `Content-Security-Policy` both apply, and the configured one would forbid the live page its own
    /// script.
    pub(super) fn new(reply: Reply, fields: &[u8], is_last: bool) -> Self {
        let mut head = reply.lines;
        let reply_end = head.len();
        for field in fields.split_inclusive(|byte| *byte == b'\n') {
            if !has_field(&head[..reply_end], field) {
                head.extend_from_slice(field);
            }
        }
        // HTTP/1.1 keeps connections by default; HTTP/1.0 needs the field.
        head.extend_from_slice(if is_last {
            b"Connection: close\r\n"
        } else {
            b"Connection: keep-alive\r\n"
        });
        head.extend_from_slice(b"\r\n");
        Self { head, body: reply.body, sent: 0, is_last, report: reply.report }
    }

    /// The response that rejects a request. `without_body`: only the head is sent.
    pub(super) fn rejecting(rejection: Rejection, fields: &[u8], without_body: bool, is_last: bool) -> Self {
        let (status, text) = rejection.status_and_text();
        let mut reply = Reply::text(status, &format!("{}: {text}\n", &status[..3]), without_body);
        if rejection == Rejection::Unauthorized {
            let field = b"WWW-Authenticate: Basic realm=\"promshm-exporter\", charset=\"UTF-8\"\r\n";
            reply.lines.extend_from_slice(field);
        }
        Self::new(reply, fields, is_last)
    }

    /// The bytes that are not sent yet.
    pub(super) fn rest(&self) -> [IoSlice<'_>; 2] {
        let head = &self.head[self.sent.min(self.head.len())..];
        let body = &self.body[self.sent.saturating_sub(self.head.len())..];
        [IoSlice::new(head), IoSlice::new(body)]
    }

    pub(super) fn advance(&mut self, bytes: usize) {
        self.sent += bytes;
    }

    pub(super) fn is_sent(&self) -> bool {
        self.sent >= self.head.len() + self.body.len()
    }

    /// The share of it that is not sent yet, from 0 to 1.
    pub(super) fn unsent_share(&self) -> f64 {
        let length = self.head.len() + self.body.len();
        length.saturating_sub(self.sent) as f64 / length.max(1) as f64
    }

    /// Memory that it holds until it is sent. Capacity that was never written takes none.
    pub(super) fn held_bytes(&self) -> usize {
        self.head.len() + self.body.len()
    }
}

/// Whether `lines` has a header field of the same name as `field`.
fn has_field(lines: &[u8], field: &[u8]) -> bool {
    let end = field.iter().position(|byte| *byte == b':').map_or(field.len(), |colon| colon + 1);
    let mut names = lines.split(|byte| *byte == b'\n').filter_map(|line| line.get(..end));
    names.any(|name| name.eq_ignore_ascii_case(&field[..end]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(answer: &PendingResponse) -> String {
        answer.rest().iter().map(|slice| String::from_utf8_lossy(slice)).collect()
    }

    #[test]
    fn an_answer_is_sent_in_any_pieces() {
        let reply = || Reply { lines: b"HTTP/1.1 200 OK\r\n".to_vec(), body: b"page".to_vec(), report: None };
        let mut answer = PendingResponse::new(reply(), b"X: y\r\n", false);
        let expected = "HTTP/1.1 200 OK\r\nX: y\r\nConnection: keep-alive\r\n\r\npage";
        assert_eq!(whole(&answer), expected);
        for sent in 0..expected.len() {
            assert_eq!(whole(&answer), expected[sent..]);
            assert!(!answer.is_sent());
            answer.advance(1);
        }
        assert!(answer.is_sent() && whole(&answer).is_empty());
        assert!(whole(&PendingResponse::new(reply(), b"", true)).contains("\r\nConnection: close\r\n\r\n"));
    }

    #[test]
    fn a_configured_field_does_not_double_one_of_the_answers() {
        let lines = b"HTTP/1.1 200 OK\r\nContent-Security-Policy: own\r\n".to_vec();
        let reply = Reply { lines, body: Vec::new(), report: None };
        let fields = b"X-Frame-Options: deny\r\ncontent-security-policy: configured\r\nContent: x\r\n";
        let text = whole(&PendingResponse::new(reply, fields, true));
        assert!(
            text.contains("\r\nContent-Security-Policy: own\r\n") && !text.contains("configured"),
            "{text}"
        );
        assert!(text.contains("\r\nX-Frame-Options: deny\r\nContent: x\r\n"), "{text}");
        let refused = whole(&PendingResponse::rejecting(Rejection::Body, fields, false, true));
        assert!(refused.contains("configured"), "{refused}");
    }

    #[test]
    fn rejection_says_why() {
        let text = whole(&PendingResponse::rejecting(Rejection::Body, b"", false, true));
        assert!(text.starts_with("HTTP/1.1 413 Content Too Large\r\n"), "{text}");
        assert!(text.ends_with("\r\n\r\n413: requests with a body are not taken\n"), "{text}");
        let head = whole(&PendingResponse::rejecting(Rejection::Unauthorized, b"", true, false));
        assert!(head.contains("\r\nWWW-Authenticate: Basic realm=") && head.ends_with("\r\n\r\n"), "{head}");
    }
}
