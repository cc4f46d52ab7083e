//! What can be wrong with a web configuration.

use std::{io, path::PathBuf};
use thiserror::Error;

/// Why a web configuration cannot be used.
#[derive(Debug, Error)]
pub(crate) enum ConfigError {
    #[error("cannot read {path}: {error}")]
    Read { path: PathBuf, error: io::Error },
    #[error("{0} is not UTF-8")]
    Encoding(PathBuf),
    #[error("not YAML: {0}")]
    Yaml(String),
    #[error("{0} is no regular file")]
    NoFile(PathBuf),
    #[error("line {line}: unknown field {field}; known are {known}")]
    Unknown { line: usize, field: String, known: String },
    #[error("line {line}: {field}: {expected}")]
    Value { line: usize, field: String, expected: String },
    #[error("rate_limit: burst is missing: without it no request is ever answered")]
    RateLimit,
    #[error("tls_server_config: {0}")]
    Tls(String),
    #[error(
        "the file has no {0} any more, which a running server does not take; restart it if that is meant"
    )]
    Weaker(&'static str),
}
