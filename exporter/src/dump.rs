//! `dump`: one scrape, printed or written to a file.

use crate::{
    collect::{Collector, Wanted},
    failure::Failure,
    output,
    segments::Segments,
};
use promshm_exposition::Format;
use std::{
    io::{self, Write},
    path::Path,
};

/// Writes a page without the metrics of this short-lived process. Segments that cannot be read are
/// told of in the log and on the page, unless there is no other. `tells_created` is for `OpenMetrics`.
pub(crate) fn dump(
    segments: Segments,
    format: Format,
    tells_created: bool,
    file: Option<&Path>,
) -> Result<(), Failure> {
    let mut page = Vec::new();
    let mut collector = Collector::of_page(segments, tells_created);
    collector.scrape(&Wanted { format, families: None }, &mut page, &mut |_| {});
    collector.finish()?;
    if let Some(file) = file {
        return Ok(output::replace(file, &page)?);
    }
    match io::stdout().lock().write_all(&page) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()), // `dump | head` has seen enough
    }
}
