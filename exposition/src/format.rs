//! The formats of a page. A new one adds a variant here, and an arm to each `match` of this file for its differences.

/// An exposition format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Format {
    /// Prometheus's text format, version 0.0.4: every Prometheus reads it.
    #[default]
    Text,
    /// Prometheus's text format, version 1.0.0. It differs in names beyond ASCII, which do not occur here: the same
    /// lines under another content type.
    Text1,
    /// `OpenMetrics` 1.0.0.
    OpenMetrics,
    /// Protobuf: `io.prometheus.client.MetricFamily` messages, each preceded by its length.
    Protobuf,
}

impl Format {
    /// All formats, in the order in which one is chosen if a client accepts several equally.
    pub const ALL: [Self; 4] = [Self::Text, Self::Text1, Self::OpenMetrics, Self::Protobuf];

    /// The format's name on the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Text1 => "text1",
            Self::OpenMetrics => "openmetrics",
            Self::Protobuf => "protobuf",
        }
    }

    /// The `Content-Type` of a page in this format. Prometheus 3 rejects a page without one.
    #[must_use]
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
            Self::Text1 => "text/plain; version=1.0.0; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Protobuf => {
                "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"
            }
        }
    }

    /// The end of a page.
    #[must_use]
    pub fn ending(self) -> &'static [u8] {
        match self {
            Self::Text | Self::Text1 | Self::Protobuf => b"",
            Self::OpenMetrics => b"# EOF\n",
        }
    }

    /// Type and subtype.
    pub(crate) fn media_type(self) -> (&'static str, &'static str) {
        match self {
            Self::Text | Self::Text1 => ("text", "plain"),
            Self::OpenMetrics => ("application", "openmetrics-text"),
            Self::Protobuf => ("application", "vnd.google.protobuf"),
        }
    }

    /// The parameters of the media type that a client may name, and their values.
    pub(crate) fn parameters(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Text => &[("version", "0.0.4"), ("charset", "utf-8")],
            Self::Text1 | Self::OpenMetrics => &[("version", "1.0.0"), ("charset", "utf-8")],
            Self::Protobuf => &[("proto", "io.prometheus.client.MetricFamily"), ("encoding", "delimited")],
        }
    }
}
