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

/// What to write, and where.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DumpOptions<'a> {
    pub(crate) format: Format,
    /// Whether `OpenMetrics` contains the creation times of series.
    pub(crate) with_created: bool,
    /// Whether the page contains the metrics of the exporter and the workers.
    pub(crate) has_own: bool,
    pub(crate) file: Option<&'a Path>,
}

/// Writes a page without metrics of this process. Segments that cannot be read are reported in the log and on the
/// page; if all are unreadable, that is an error.
pub(crate) fn dump(segments: Segments, options: DumpOptions<'_>) -> Result<(), Error> {
    let mut page = Vec::new();
    let mut collector = Collector::of_page(segments, options.with_created, options.has_own);
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
