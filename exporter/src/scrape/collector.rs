//! The collector: reads the segments, encodes their families, and adds the exporter's own metrics.

use crate::{
    scrape::{
        ScrapeError,
        conflicts::{ConflictResolver, Resolution},
        segment_source::SegmentSource,
    },
    self_metrics::{HttpMetrics, SelfMetrics},
    targets::{FindError, Found, PassedOver, Segments, Target},
};
use log::info;
use promshm_exposition::{Encoder, Format};
use promshm_segment::Family;
use std::time::Instant;

/// The segments, and the state that is kept between scrapes.
pub(crate) struct Collector {
    segments: Segments,
    /// In the order of the command line, or of their keys.
    sources: Vec<SegmentSource>,
    /// Why there is no segment.
    find_error: Option<FindError>,
    /// The cause that was logged last and still applies.
    logged: Option<String>,
    /// Segments that are not read, and those of the last log line.
    passed_over: PassedOver,
    logged_passed_over: PassedOver,
    own: SelfMetrics,
    names: ConflictResolver,
    /// Whether `OpenMetrics` pages contain the creation times of series.
    with_created: bool,
}

/// What a page is to contain.
#[derive(Debug, Default)]
pub(crate) struct PageOptions<'a> {
    pub(crate) format: Format,
    pub(crate) families: Option<&'a Selection>,
}

impl PageOptions<'_> {
    fn has(&self, family: &Family) -> bool {
        self.families.is_none_or(|families| families.has(&family.definition.name))
    }
}

/// The families that a page is to contain, by name; all if no name is given.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Selection(Vec<String>);

impl Selection {
    pub(crate) fn of(names: impl IntoIterator<Item = String>) -> Self {
        Self(names.into_iter().collect())
    }

    /// Whether all families are selected.
    pub(crate) fn is_all(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the family of this name is selected; a name is the same in all formats.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.is_empty() || self.0.iter().any(|each| each == name)
    }
}

impl Collector {
    /// For the server. Attaches no segment yet. `with_created`: see [`Encoder::with_created`].
    pub(crate) fn of_server(segments: Segments, with_created: bool) -> Self {
        let own = SelfMetrics::of_server(segments.are_labelled());
        Self::new(segments, own, with_created)
    }

    /// For a single page, without metrics of this process. `has_own`: whether the page contains more than the
    /// applications' metrics.
    pub(crate) fn of_page(segments: Segments, with_created: bool, has_own: bool) -> Self {
        let own = if has_own { SelfMetrics::of_page } else { SelfMetrics::of_bare_page };
        let own = own(segments.are_labelled());
        Self::new(segments, own, with_created)
    }

    fn new(segments: Segments, own: SelfMetrics, with_created: bool) -> Self {
        let source =
            |target: &Target| SegmentSource::new(target.clone(), segments.trust.clone(), with_created);
        let sources = segments.listed().unwrap_or_default().iter().map(source).collect();
        Self {
            segments,
            sources,
            find_error: None,
            logged: None,
            passed_over: PassedOver::default(),
            logged_passed_over: PassedOver::default(),
            own,
            names: ConflictResolver::default(),
            with_created,
        }
    }

    /// The metrics of the HTTP server.
    pub(crate) fn http_metrics(&self) -> HttpMetrics {
        self.own.http().unwrap_or_else(HttpMetrics::new)
    }

    /// Reads the segments without making a page.
    pub(crate) fn read_segments(&mut self) {
        self.discover();
        self.sources.iter_mut().for_each(SegmentSource::read);
    }

    /// Appends a page to `page`; `pass_on` may take away what is complete meanwhile. A segment that cannot be read
    /// does not affect others. If no segment can be read, the page contains the exporter's own metrics only, with
    /// `promshm_up 0`.
    pub(crate) fn scrape(
        &mut self,
        options: &PageOptions,
        page: &mut Vec<u8>,
        pass_on: &mut dyn FnMut(&mut Vec<u8>),
    ) {
        let start = Instant::now();
        self.read_segments();
        self.write(options, page, pass_on);
        self.own.note_scrape(start.elapsed());
        let own = self.own.families(self.sources.iter().map(|source| &source.metrics));
        let own = own.iter().filter(|family| options.has(family));
        Encoder::new(options.format).with_created(self.with_created).encode(own, page); // a few lines, not worth keeping
        page.extend_from_slice(options.format.ending());
    }

    /// Finds the segments that exist now, unless they are listed.
    fn discover(&mut self) {
        if self.segments.listed().is_some() {
            return;
        }
        match self.segments.find(self.sources.iter().map(|source| &source.target)) {
            Ok(found) => self.follow(found),
            // If the kernel does not list them, the known segments may still be readable.
            Err(error) => self.find_error = Some(error),
        }
    }

    /// Keeps the state of the segments that still exist.
    fn follow(&mut self, Found { targets, passed_over }: Found) {
        self.find_error = targets.is_empty().then(|| FindError::nothing_left(&passed_over));
        self.passed_over = passed_over;
        let mut known = std::mem::take(&mut self.sources);
        for target in targets {
            let at = known.iter().position(|source| source.target == target);
            let fresh = || SegmentSource::new(target, self.segments.trust.clone(), self.with_created);
            self.sources.push(at.map_or_else(fresh, |at| known.swap_remove(at)));
        }
        for gone in known {
            info!(segment:% = gone.target; "the segment is gone");
        }
    }

    /// Writes each family once: its header, then the series of each segment.
    fn write(&mut self, options: &PageOptions, page: &mut Vec<u8>, pass_on: &mut dyn FnMut(&mut Vec<u8>)) {
        let parts = self.sources.iter_mut().map(|source| source.parts(options.format));
        let (families, mut encoders): (Vec<_>, Vec<_>) = parts.unzip();
        let Resolution { exported, left_out } = self.names.resolve(&families, &self.own, options.format);
        let groups = exported.chunk_by(|one, other| one.name() == other.name());
        for group in groups.filter(|group| options.has(group[0].family)) {
            let group = group.iter().map(|exported| (exported.source, exported.family));
            Encoder::push_group(&mut encoders, group, page, pass_on);
        }
        let too_large: Vec<u64> = encoders.iter().map(|encoder| encoder.left_out()).collect();
        for ((source, left_out), too_large) in self.sources.iter_mut().zip(left_out).zip(too_large) {
            source.note_left_out(left_out);
            source.note_too_large(too_large);
        }
    }

    /// Checks whether a scrape would find anything. One readable segment is enough: a failing one must not take the
    /// others out of service.
    pub(crate) fn check(&mut self) -> Result<(), ScrapeError> {
        self.discover();
        if self.sources.is_empty() {
            return Err(self.take_find_error());
        }
        let mut errors = Vec::new();
        for source in &self.sources {
            match source.check() {
                Ok(()) => return Ok(()),
                Err(error) => errors.push(error),
            }
        }
        Err(ScrapeError::Unreadable(errors))
    }

    /// Logs the state after a scrape, once for each change.
    pub(crate) fn log(&mut self) {
        let logged = self.find_error.as_ref().map(ToString::to_string);
        if logged != self.logged {
            if let Some(cause) = &logged {
                info!(segment:% = self.segments, cause; "waiting for a segment");
            }
            self.logged = logged;
        }
        self.log_passed_over();
        self.sources.iter_mut().for_each(SegmentSource::log);
    }

    /// Logs which segments are passed over, once for each change.
    fn log_passed_over(&mut self) {
        if self.passed_over != self.logged_passed_over {
            self.passed_over.log();
            self.logged_passed_over = self.passed_over.clone();
        }
    }

    /// Logs which segments are missing on the last page; fails if all are.
    pub(crate) fn finish(&mut self) -> Result<(), ScrapeError> {
        self.log_passed_over();
        if self.sources.is_empty() {
            return Err(self.take_find_error());
        }
        let failed = || self.sources.iter().filter(|source| source.error().is_some());
        if failed().count() == self.sources.len() {
            let errors = failed().filter_map(SegmentSource::error).cloned();
            return Err(ScrapeError::Unreadable(errors.collect()));
        }
        failed().for_each(SegmentSource::log_failure);
        Ok(())
    }

    fn take_find_error(&mut self) -> ScrapeError {
        self.find_error.take().unwrap_or(FindError::NothingFound).into()
    }
}
