//! The formats a page can be written in. A further one adds a variant here and
//! says in each `match` of this file and of `prefix.rs` how it differs.

/// An exposition format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Format {
    /// Prometheus's text format, version 0.0.4: every Prometheus reads it.
    #[default]
    Text,
}

impl Format {
    /// The `Content-Type` of a page in this format. Prometheus 3 refuses a page without one.
    #[must_use]
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
        }
    }
}
