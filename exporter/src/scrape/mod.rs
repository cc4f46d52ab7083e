//! One scrape: reads each segment, resolves conflicts of names, and makes one page of all.

pub(crate) mod collector;
mod conflicts;
mod segment_source;

use crate::{
    targets::{FindError, trust::SourceError},
    text::joined,
};
use thiserror::Error;

/// Why no segment can be read.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
pub(crate) enum ScrapeError {
    #[error(transparent)]
    Find(#[from] FindError),
    #[error("{}", joined(.0, "; "))]
    Unreadable(Vec<SourceError>),
}
