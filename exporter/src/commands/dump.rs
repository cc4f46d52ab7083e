//! `dump`: one scrape, printed or written to a file.

use crate::{
    commands::{Error, atomic_file},
    scrape::collector::{Collector, PageOptions},
    targets::Segments,
};
use promshm_exposition::Format;
use std::{
    io::{self, Write},
    path::Path,
};

/// What is to be written, and where.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Options<'a> {
    pub(crate) format: Format,
    /// Whether `OpenMetrics` tells when series were made.
    pub(crate) tells_created: bool,
    /// Whether the page holds what exporter and workers tell of themselves.
    pub(crate) has_own: bool,
    pub(crate) file: Option<&'a Path>,
}

/// Writes a page without the metrics of this short-lived process. Segments that cannot be read are
/// told of in the log and on the page, unless there is no other.
pub(crate) fn dump(segments: Segments, options: Options<'_>) -> Result<(), Error> {
    let mut page = Vec::new();
    let mut collector = Collector::of_page(segments, options.tells_created, options.has_own);
    collector.scrape(&PageOptions { format: options.format, families: None }, &mut page, &mut |_| {});
    collector.finish()?;
    if let Some(file) = options.file {
        return Ok(atomic_file::replace(file, &page)?);
    }
    match io::stdout().lock().write_all(&page) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()), // `dump | head` has seen enough
    }
}
