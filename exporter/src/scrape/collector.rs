//! The collector: reads the segments, encodes their families, and adds the exporter's own metrics.

use crate::{
    scrape::{
        ScrapeError,
        conflicts::{ConflictResolver, Resolution},
        segment_source::{SegmentSource, Surroundings},
    },
    self_metrics::{HttpMetrics, SelfMetrics},
    targets::{FindError, Found, PassedOver, Segments, Target},
};
use log::info;
use promshm_exposition::{Encoder, Format, Limits};
#[cfg(feature = "node")]
use promshm_segment::Limited;
use promshm_segment::{Family, ReadLimits, os::Place};
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
    surroundings: Surroundings,
}

/// What a scrape has found, for those who set limits.
#[cfg(feature = "node")]
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Extent {
    pub(crate) segments: usize,
    pub(crate) limited: Limited,
    /// Whether there are more segments, or some of users who are not trusted.
    pub(crate) passed_over: bool,
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
#[derive(Debug, Default, Clone, PartialEq)]
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

    /// For the page of one pod of a node.
    #[cfg(feature = "node")]
    pub(crate) fn of_pod(segments: Segments, limits: ReadLimits, with_created: bool) -> Self {
        let mut collector = Self::new(segments, SelfMetrics::of_pod(), with_created);
        collector.surroundings.limits = limits;
        collector.surroundings.page_limits.page = limits.bytes as usize;
        collector.surroundings.page_limits.series = (limits.bytes as usize).min(1 << 20);
        collector
    }

    /// From the next scrape on segments are looked for there.
    #[cfg(feature = "node")]
    pub(crate) fn set_place(&mut self, place: Place) {
        self.surroundings.place = place;
    }

    /// What the last scrape has left out because of limits, and how many segments it has read.
    #[cfg(feature = "node")]
    pub(crate) fn extent(&self) -> Extent {
        let limited = self.sources.iter().map(SegmentSource::limited);
        Extent {
            segments: self.sources.len(),
            limited: limited.fold(Limited::default(), Limited::or),
            passed_over: !self.passed_over.is_empty(),
        }
    }

    /// The living processes that hold slots in the segments of the last scrape, at most so many.
    #[cfg(feature = "node")]
    pub(crate) fn holders(&self, most: usize) -> Vec<u32> {
        self.sources.iter().flat_map(|source| source.holders(most)).take(most).collect()
    }

    fn new(segments: Segments, own: SelfMetrics, with_created: bool) -> Self {
        let (place, limits, page_limits) = (Place::default(), ReadLimits::default(), Limits::default());
        let surroundings =
            Surroundings { trust: segments.trust.clone(), place, limits, page_limits, with_created };
        let source = |target: &Target| SegmentSource::new(target.clone(), &surroundings);
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
            surroundings,
        }
    }

    /// The metrics of the HTTP server.
    pub(crate) fn http_metrics(&self) -> HttpMetrics {
        self.own.http().unwrap_or_else(HttpMetrics::new)
    }

    /// Reads the segments without making a page.
    pub(crate) fn read_segments(&mut self) {
        self.discover();
        let mut limits = self.surroundings.limits;
        for source in &mut self.sources {
            source.set_limits(limits);
            source.read();
            limits = source.remaining(limits);
        }
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
        Encoder::new(options.format).with_created(self.surroundings.with_created).encode(own, page); // a few lines, not worth keeping
        page.extend_from_slice(options.format.ending());
    }

    /// Finds the segments that exist now, unless they are listed.
    fn discover(&mut self) {
        if self.segments.listed().is_some() {
            return;
        }
        let known = self.sources.iter().map(|source| &source.target);
        match self.segments.find(&self.surroundings.place, known) {
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
            let fresh = || SegmentSource::new(target, &self.surroundings);
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
