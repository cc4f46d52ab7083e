//! One segment: its reader, the state that is kept between scrapes, and its log lines.

use crate::{
    scrape::conflicts::{MOST_LINES, SourceFamilies},
    self_metrics::{Attachment, LeftOut, LeftOutReason, SEGMENT_LABEL, SegmentMetrics},
    targets::{
        Target,
        trust::{SourceError, Trust},
    },
};
use log::{info, warn};
use promshm_exposition::{Encoder, Format, Limits};
#[cfg(feature = "node")]
use promshm_segment::Limited;
use promshm_segment::{
    ReadError, ReadLimits, Reader,
    os::{Place, Refused},
    snapshot::{Snapshot, Superseded},
};
use std::{collections::HashSet, thread, time::Duration};

/// A segment that is being replaced has a successor within a moment: the number of attempts to attach it, and the
/// pause between them.
const ATTEMPTS: usize = 5;
const PAUSE: Duration = Duration::from_millis(2);

/// Most users who are logged because their processes may not write the segment.
const MOST_LOGGED_USERS: usize = 64;

/// Most metrics that are logged because they have all the series that one may have.
const MOST_LOGGED_OVERFLOWS: usize = 100;

const OVERFLOW: &str = "a metric has all the series that promshm.max_series_per_metric allows, and further label values \
    count together, as promshm.overflow_label says: look for a label with too many values, or raise the limit";

const REFUSED: &str = "workers of this user may not write the segment, and what they count is lost: run all workers as \
    one user, or set promshm.mode=0660 and promshm.group to a group they share, then remove the segment \
    (promshm-exporter rm)";

/// What all segments of a page have in common.
#[derive(Debug, Clone)]
pub(crate) struct Surroundings {
    pub(crate) trust: Trust,
    pub(crate) place: Place,
    pub(crate) limits: ReadLimits,
    pub(crate) page_limits: Limits,
    /// See [`Encoder::with_created`].
    pub(crate) with_created: bool,
}

/// One segment, and the state that is kept between its scrapes.
pub(crate) struct SegmentSource {
    pub(crate) target: Target,
    trust: Trust,
    place: Place,
    limits: ReadLimits,
    page_limits: Limits,
    /// Dropped after any error, so that the next attempt attaches again.
    reader: Option<Reader>,
    /// One for each format; those that are never requested stay empty.
    encoders: Vec<Encoder>,
    pub(crate) metrics: SegmentMetrics,
    /// The outcome of the last reading, until it is logged.
    outcome: Option<Result<Attachment, SourceError>>,
    /// The error that was logged last and still applies.
    failing: Option<SourceError>,
    /// The segment's owner, if neither trust nor a shared group covers it.
    unexpected_owner: Option<u32>,
    /// Names whose superseded definition was logged.
    logged_superseded: HashSet<String>,
    /// Users of whom it was logged that their processes may not write the segment.
    logged_refused: HashSet<u32>,
    /// Metrics of which it was logged that they have all the series that one may have.
    logged_overflows: HashSet<String>,
    /// Whether it was logged that series are too large for a page.
    logged_too_large: bool,
}

impl SegmentSource {
    /// Attaches no segment yet.
    pub(crate) fn new(target: Target, surroundings: &Surroundings) -> Self {
        let encoder = |format| {
            let encoder = Encoder::new(format)
                .with_created(surroundings.with_created)
                .with_limits(surroundings.page_limits);
            match &target.label {
                Some(label) => encoder.with_label(SEGMENT_LABEL, label),
                None => encoder,
            }
        };
        Self {
            encoders: Format::ALL.into_iter().map(encoder).collect(),
            metrics: SegmentMetrics::new(target.label.as_deref()),
            target,
            trust: surroundings.trust.clone(),
            place: surroundings.place.clone(),
            limits: surroundings.limits,
            page_limits: surroundings.page_limits,
            reader: None,
            outcome: None,
            failing: None,
            unexpected_owner: None,
            logged_superseded: HashSet::new(),
            logged_refused: HashSet::new(),
            logged_overflows: HashSet::new(),
            logged_too_large: false,
        }
    }

    /// Reads the segment, and starts a new page. A segment that was replaced since the last scrape is attached again.
    pub(crate) fn read(&mut self) {
        self.encoders.iter_mut().for_each(Encoder::begin_page);
        let was_attached = self.reader.is_some();
        let mut outcome = self.attempt();
        for _ in 1..ATTEMPTS {
            match outcome {
                Err(SourceError::Read(ReadError::Retired { .. } | ReadError::NotReady { .. })) => {}
                Err(_) if was_attached => {}
                _ => break,
            }
            thread::sleep(PAUSE);
            outcome = self.attempt();
        }
        self.metrics.note_reading(outcome.is_ok());
        self.outcome = Some(outcome);
    }

    /// What is left of the limits of several segments.
    pub(crate) fn set_limits(&mut self, limits: ReadLimits) {
        if self.limits != limits {
            self.limits = limits;
            self.reader.iter_mut().for_each(|reader| reader.set_limits(limits));
        }
    }

    /// The limits without what this segment takes.
    pub(crate) fn remaining(&self, limits: ReadLimits) -> ReadLimits {
        let Some(reader) = &self.reader else { return limits };
        let stats = &reader.snapshot().stats;
        let series = limits.series.saturating_sub(stats.series + stats.hidden_series);
        let families = limits.families.saturating_sub(reader.families());
        ReadLimits { series, families, bytes: limits.bytes.saturating_sub(stats.used_bytes), ..limits }
    }

    /// Which limits left out a part of the segment.
    #[cfg(feature = "node")]
    pub(crate) fn limited(&self) -> Limited {
        let too_large = matches!(self.error(), Some(SourceError::Read(ReadError::TooLarge { .. })));
        let limited = self.reader.as_ref().map(Reader::limited).unwrap_or_default();
        Limited { by_bytes: limited.by_bytes || too_large, ..limited }
    }

    /// The living processes that hold slots, at most so many.
    #[cfg(feature = "node")]
    pub(crate) fn holders(&self, most: usize) -> Vec<u32> {
        self.reader.as_ref().map(|reader| reader.holders(most)).unwrap_or_default()
    }

    fn attempt(&mut self) -> Result<Attachment, SourceError> {
        let (mut reader, attachment) = match self.reader.take() {
            Some(reader) => (reader, Attachment::Known),
            None => (self.trust.attach_at(&self.place, self.target.name, self.limits)?, Attachment::Fresh),
        };
        self.metrics.observe(reader.scrape()?, attachment);
        self.note_refused();
        if attachment == Attachment::Fresh {
            let unexpected = |owner| self.trust.unexpected_owner(&self.place, self.target.name, owner);
            self.unexpected_owner = reader.owner().and_then(unexpected);
            self.metrics.note_owner(self.unexpected_owner.is_none());
        }
        self.reader = Some(reader);
        Ok(attachment)
    }

    /// Records how many processes may not write the segment, and logs each of their users once.
    fn note_refused(&mut self) {
        let refused = self.place.refused(&self.target.name);
        self.metrics.note_refused(&refused);
        for Refused { uid, processes } in refused {
            let is_new = processes > 0
                && self.logged_refused.len() < MOST_LOGGED_USERS
                && self.logged_refused.insert(uid);
            if is_new {
                warn!(segment:% = self.target, uid, processes; "{REFUSED}");
            }
        }
    }

    /// The families of the last reading (none after a failure), and their encoder.
    pub(crate) fn parts(&mut self, format: Format) -> (SourceFamilies<'_>, &mut Encoder) {
        let families = self.reader.as_ref().map_or(&[][..], |reader| &reader.snapshot().families);
        let found = SourceFamilies { label: self.target.label.as_deref(), families };
        let mut encoders = self.encoders.iter_mut();
        (found, encoders.find(|encoder| encoder.format() == format).expect("there is one for each format"))
    }

    /// Records how many families the page lacks, including superseded ones.
    pub(crate) fn note_left_out(&mut self, mut counts: LeftOut) {
        let Some(snapshot) = self.reader.as_ref().map(Reader::snapshot) else { return };
        counts[LeftOutReason::Superseded as usize] = snapshot.stats.superseded_families;
        self.metrics.note_left_out(counts);
        let mut lines = MOST_LINES;
        for Superseded { definition, exported } in &snapshot.superseded {
            let is_known = self.logged_superseded.contains(&definition.name);
            if is_known || lines == 0 || self.logged_superseded.len() >= Snapshot::MOST_SUPERSEDED {
                continue;
            }
            lines -= 1;
            self.logged_superseded.insert(definition.name.clone());
            warn!(
                segment:% = self.target, metric = definition.name, left_out = definition.describe(),
                exported = exported.describe(); "{}", LeftOutReason::Superseded.message()
            );
        }
    }

    /// Logs each metric once that has all the series that one may have.
    fn log_overflows(&mut self) {
        let Some(snapshot) = self.reader.as_ref().map(Reader::snapshot) else { return };
        for family in snapshot.families.iter().filter(|family| family.overflows() > 0) {
            let name = &family.definition.name;
            if self.logged_overflows.len() < MOST_LOGGED_OVERFLOWS
                && self.logged_overflows.insert(name.clone())
            {
                warn!(segment:% = self.target, metric = name, series = family.row_count(); "{OVERFLOW}");
            }
        }
    }

    /// Records how many series the page lacks because their lines would take too many bytes.
    pub(crate) fn note_too_large(&mut self, series: u64) {
        self.metrics.note_too_large(series);
        if series > 0 && !std::mem::replace(&mut self.logged_too_large, true) {
            let Limits { series: of_one, page } = self.page_limits;
            warn!(
                segment:% = self.target, series, bytes_of_a_series = of_one, bytes_of_a_page = page;
                "series are left out: their lines take too many bytes; shorten label values or use fewer buckets"
            );
        }
    }

    /// Checks whether the next scrape can read the segment.
    pub(crate) fn check(&self) -> Result<(), SourceError> {
        match &self.reader {
            Some(reader) if reader.check().is_ok() => Ok(()),
            _ => self.trust.attach_at(&self.place, self.target.name, self.limits).map(drop),
        }
    }

    /// Logs that the segment was attached, and warns if its owner is unexpected.
    fn log_attached(&self) {
        info!(segment:% = self.target; "attached the segment");
        if let Some(uid) = self.unexpected_owner {
            warn!(
                segment:% = self.target, uid;
                "an unexpected user owns the segment; if its workers run as this user, add it to --segment.trust"
            );
        }
    }

    /// Why the last reading failed.
    pub(crate) fn error(&self) -> Option<&SourceError> {
        self.outcome.as_ref()?.as_ref().err()
    }

    /// Logs the outcome of the last reading, once for each change.
    pub(crate) fn log(&mut self) {
        match &self.outcome {
            Some(Ok(Attachment::Fresh)) => self.log_attached(),
            Some(Err(error)) if self.failing.as_ref() != Some(error) => self.log_failure(),
            _ => {}
        }
        self.failing = self.error().cloned();
        self.log_overflows();
    }

    /// Logs why the last reading failed. No segment exists before the first worker, so its absence is information,
    /// not a warning.
    pub(crate) fn log_failure(&self) {
        let target = &self.target;
        match self.error() {
            Some(error @ SourceError::Read(ReadError::Absent { .. })) => {
                info!(segment:% = target, cause:% = error; "waiting for the segment");
            }
            Some(error) => warn!(segment:% = target, cause:% = error; "the segment cannot be read"),
            None => {}
        }
    }
}
