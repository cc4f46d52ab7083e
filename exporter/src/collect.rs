//! Makes a page: attaches the segment, reads it, writes it, and adds the exporter's own metrics.

use crate::{asked::Selection, failure::Failure, names::Names, own_metrics::OwnMetrics};
use log::{info, warn};
use promshm_exposition::{Encoder, Format};
use promshm_segment::{Family, ReadError, Reader, SegmentName};
use std::{
    io::{self, Write},
    thread,
    time::{Duration, Instant},
};

/// A segment that is being replaced has a successor in a moment: so often, and so far apart, it is asked for.
const ATTEMPTS: usize = 5;
const PAUSE: Duration = Duration::from_millis(2);

/// Whether a scrape found the segment it knew or attached one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Attachment {
    /// The segment of the scrape before.
    Known,
    /// Attached in this scrape.
    Fresh,
}

/// One segment and all that is kept between its scrapes.
pub(crate) struct Collector {
    name: SegmentName,
    /// Gone after any error: the next attempt attaches afresh.
    reader: Option<Reader>,
    /// One for each format; those that nobody asks for are empty.
    encoders: Vec<Encoder>,
    own: OwnMetrics,
    names: Names,
}

/// What a page is to be.
#[derive(Debug, Default)]
pub(crate) struct Wanted<'a> {
    pub(crate) format: Format,
    pub(crate) families: Option<&'a Selection>,
}

impl Wanted<'_> {
    fn has(&self, family: &Family) -> bool {
        self.families.is_none_or(|families| families.has(&family.definition.name))
    }
}

impl Collector {
    /// Attaches nothing yet.
    pub(crate) fn new(name: SegmentName, own: OwnMetrics) -> Self {
        let encoders = Format::ALL.into_iter().map(Encoder::new).collect();
        Self { name, reader: None, encoders, own, names: Names::default() }
    }

    /// Appends a page to `page`. Without a readable segment it holds the exporter's
    /// own metrics alone, with `promshm_up 0`.
    pub(crate) fn scrape(&mut self, wanted: &Wanted, page: &mut Vec<u8>) -> Result<Attachment, ReadError> {
        let start = Instant::now();
        let outcome = self.read(wanted, page);
        self.own.note_scrape(outcome.is_ok(), start.elapsed());
        let own = self.own.families();
        let own = own.iter().filter(|family| wanted.has(family));
        Encoder::new(wanted.format).encode(own, page); // a few lines, not worth keeping
        page.extend_from_slice(wanted.format.ending());
        outcome
    }

    /// A segment that was replaced since the last scrape is attached afresh in this one.
    fn read(&mut self, wanted: &Wanted, page: &mut Vec<u8>) -> Result<Attachment, ReadError> {
        let was_attached = self.reader.is_some();
        let mut outcome = self.attempt(wanted, page);
        for _ in 1..ATTEMPTS {
            match outcome {
                Err(ReadError::Retired { .. } | ReadError::NotReady { .. }) => {}
                Err(_) if was_attached => {}
                _ => break,
            }
            thread::sleep(PAUSE);
            outcome = self.attempt(wanted, page);
        }
        outcome
    }

    fn attempt(&mut self, wanted: &Wanted, page: &mut Vec<u8>) -> Result<Attachment, ReadError> {
        match self.reader.take() {
            Some(reader) => self.write(reader, Attachment::Known, wanted, page),
            None => self.write(Reader::attach(self.name)?, Attachment::Fresh, wanted, page),
        }
    }

    fn write(
        &mut self,
        mut reader: Reader,
        attachment: Attachment,
        wanted: &Wanted,
        page: &mut Vec<u8>,
    ) -> Result<Attachment, ReadError> {
        let snapshot = reader.scrape()?;
        self.own.observe(&snapshot.vitals, attachment);
        let mut shown = self.names.shown(&snapshot.families, &self.own, wanted.format);
        shown.retain(|family| wanted.has(family));
        for encoder in &mut self.encoders {
            // The others count the page too: what they keep for nobody is given back in time.
            let is_asked = encoder.format() == wanted.format;
            encoder.encode(shown.iter().copied().filter(|_| is_asked), page);
        }
        self.reader = Some(reader);
        Ok(attachment)
    }
}

/// Logs what scrapes find, once for each change.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    failing: Option<ReadError>,
}

impl Journal {
    /// Takes note of a scrape's outcome.
    pub(crate) fn note(&mut self, outcome: Result<Attachment, ReadError>, name: SegmentName) {
        match outcome {
            Ok(Attachment::Fresh) => info!(segment:% = name; "attached the segment"),
            Ok(Attachment::Known) => {}
            Err(error) if self.failing.as_ref() == Some(&error) => return,
            Err(error) => return self.complain(error, name),
        }
        self.failing = None;
    }

    /// Before the first worker there is no segment: that is worth a line, not a warning.
    fn complain(&mut self, error: ReadError, name: SegmentName) {
        match error {
            ReadError::Absent { .. } => info!(segment:% = name, cause:% = error; "waiting for the segment"),
            _ => warn!(segment:% = name, cause:% = error; "the segment cannot be read"),
        }
        self.failing = Some(error);
    }
}

/// `dump`: prints one scrape, without the metrics of this short-lived process.
pub(crate) fn dump(name: SegmentName) -> Result<(), Failure> {
    let mut page = Vec::new();
    Collector::new(name, OwnMetrics::of_segment()).scrape(&Wanted::default(), &mut page)?;
    match io::stdout().lock().write_all(&page) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()), // `dump | head` has seen enough
    }
}
