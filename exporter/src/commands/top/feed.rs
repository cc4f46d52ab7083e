//! Reads the segments for `top`, and attaches them again when needed.

use super::{model::Model, reading::Reading};
use crate::targets::{
    FindError, Segments, Target,
    trust::{SourceError, Trust},
};
use promshm_segment::{ReadError, Reader};
use std::time::Duration;

/// All requested segments.
pub(super) struct Feeds {
    segments: Segments,
    feeds: Vec<Feed>,
}

/// A segment and its reader, which is dropped after any error.
struct Feed {
    target: Target,
    reader: Option<Reader>,
}

impl Feeds {
    /// Attaches no segment yet.
    pub(super) fn new(segments: Segments) -> Self {
        Self { segments, feeds: Vec::new() }
    }

    /// Reads the segments into the model; `at` is the time since the start. A segment that fails does not affect
    /// others.
    pub(super) fn read_into(&mut self, model: &mut Model, at: Duration) {
        if let Err(error) = self.discover() {
            return model.update(at, &[Reading { label: None, outcome: Err(error.to_string()) }]);
        }
        let trust = &self.segments.trust;
        let outcomes: Vec<_> = self.feeds.iter_mut().map(|feed| feed.read(trust)).collect();
        let readings: Vec<_> =
            self.feeds.iter().zip(outcomes).map(|(feed, outcome)| feed.reading(outcome)).collect();
        model.update(at, &readings);
    }

    /// Finds the segments that exist now, and keeps the readers of those that still do.
    fn discover(&mut self) -> Result<(), FindError> {
        let mut known = std::mem::take(&mut self.feeds);
        for target in self.segments.some_targets()? {
            let at = known.iter().position(|feed| feed.target == target);
            self.feeds.push(at.map_or_else(|| Feed { target, reader: None }, |at| known.swap_remove(at)));
        }
        Ok(())
    }
}

impl Feed {
    fn read(&mut self, trust: &Trust) -> Result<(), SourceError> {
        match self.attempt(trust) {
            Err(SourceError::Read(ReadError::Retired { .. })) => self.attempt(trust), // its successor may be there
            outcome => outcome,
        }
    }

    fn attempt(&mut self, trust: &Trust) -> Result<(), SourceError> {
        let mut reader = match self.reader.take() {
            Some(reader) => reader,
            None => trust.attach(self.target.name)?,
        };
        reader.scrape()?;
        self.reader = Some(reader);
        Ok(())
    }

    fn reading(&self, outcome: Result<(), SourceError>) -> Reading<'_> {
        let snapshot = self.reader.as_ref().map(Reader::snapshot);
        let cause = outcome.err().map(|error| error.to_string()).unwrap_or_default();
        Reading { label: self.target.label.as_deref(), outcome: snapshot.ok_or(cause) }
    }
}
