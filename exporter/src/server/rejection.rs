//! Why requests and connections are rejected, and what the client reads.

/// The text for a client that sent plain HTTP where TLS is required.
pub(crate) const WANTS_TLS: &str = "this port speaks HTTPS, and the client sent plain HTTP";

/// Why a request is rejected, or a connection is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Rejection {
    /// Not HTTP/1.0 or 1.1; the text says what is wrong.
    Malformed(&'static str),
    /// The head is too long, or has too many fields.
    HeadTooLarge,
    /// The request has a body.
    Body,
    /// The head did not arrive in time.
    SlowHead,
    /// No password, or a wrong one.
    Unauthorized,
    /// More requests at once than `--web.max-requests`.
    TooManyRequests,
    /// More requests than `rate_limit` of the web configuration allows.
    RateLimited,
    /// Too many password comparisons of this peer are waiting.
    TooManyPasswords,
    /// The handler's response was lost, or did not arrive in time.
    NoAnswer,
    /// An idle connection was closed to accept a new one.
    Evicted,
    /// The client did not read its response in time, or while its memory was needed.
    SlowReader,
    /// The system is out of descriptors.
    NoDescriptors,
    /// The TLS handshake failed, or a record was invalid.
    Tls,
    /// The client sent plain HTTP where TLS is required.
    NotTls,
    /// The file of `--web.config.file` is invalid.
    Config,
}

impl Rejection {
    /// The value of the label `reason`.
    pub(crate) fn reason(self) -> &'static str {
        match self {
            Self::Malformed(_) => "malformed",
            Self::HeadTooLarge => "head_too_large",
            Self::Body => "body",
            Self::SlowHead => "slow_head",
            Self::SlowReader => "slow_reader",
            Self::Evicted => "evicted",
            Self::TooManyRequests | Self::TooManyPasswords => "too_many_requests",
            Self::RateLimited => "rate_limit",
            Self::NoAnswer => "no_answer",
            Self::NoDescriptors => "no_descriptors",
            Self::Unauthorized => "unauthorized",
            Self::Tls | Self::NotTls => "tls",
            Self::Config => "config",
        }
    }

    /// Whether the connection must be closed: the bytes that follow cannot be parsed, or are not wanted.
    pub(super) fn is_last(self) -> bool {
        !matches!(
            self,
            Self::Unauthorized | Self::TooManyRequests | Self::RateLimited | Self::TooManyPasswords
        )
    }

    /// The status line and the text for a person, for those that can be sent.
    pub(super) fn status_and_text(self) -> (&'static str, &'static str) {
        match self {
            Self::Malformed(what) => ("400 Bad Request", what),
            Self::HeadTooLarge => ("431 Request Header Fields Too Large", "the request's head is too large"),
            Self::Body => ("413 Content Too Large", "requests with a body are not taken"),
            Self::SlowHead => ("408 Request Timeout", "the request took too long to come"),
            Self::Unauthorized => ("401 Unauthorized", "a user and a password are asked for"),
            Self::TooManyRequests => {
                ("503 Service Unavailable", "too many requests at once (--web.max-requests)")
            }
            Self::RateLimited => {
                ("429 Too Many Requests", "too many requests in a row (rate_limit of --web.config.file)")
            }
            Self::TooManyPasswords => ("503 Service Unavailable", "too many passwords to compare at once"),
            Self::NotTls => ("400 Bad Request", WANTS_TLS),
            Self::Config => ("503 Service Unavailable", "the file of --web.config.file is broken"),
            Self::NoAnswer | Self::Evicted | Self::SlowReader | Self::NoDescriptors | Self::Tls => {
                ("500 Internal Server Error", "the answer was lost")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::self_metrics::HttpMetrics;

    #[test]
    fn every_reason_is_in_the_list() {
        for rejection in [
            Rejection::Malformed(""),
            Rejection::HeadTooLarge,
            Rejection::Body,
            Rejection::SlowHead,
            Rejection::Unauthorized,
            Rejection::TooManyRequests,
            Rejection::RateLimited,
            Rejection::TooManyPasswords,
            Rejection::NoAnswer,
            Rejection::Evicted,
            Rejection::SlowReader,
            Rejection::NoDescriptors,
            Rejection::Tls,
            Rejection::NotTls,
            Rejection::Config,
        ] {
            assert!(HttpMetrics::REASONS.contains(&rejection.reason()), "{rejection:?}");
            assert!(rejection.status_and_text().0.as_bytes()[0] >= b'4', "{rejection:?}");
        }
    }
}
