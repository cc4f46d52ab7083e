//! What `top` reads of a segment, and how it names a series.

use promshm_segment::Snapshot;

/// The outcome of reading one segment.
pub(super) struct Reading<'r> {
    /// The segment's label, if there are several.
    pub(super) label: Option<&'r str>,
    /// The content, or the error's text.
    pub(super) outcome: Result<&'r Snapshot, String>,
}

/// A series' key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    /// The segment's label, or empty.
    pub(super) segment: String,
    pub(super) name: String,
    /// `queue=mail status=ok`
    pub(super) labels: String,
}

impl Key {
    /// Whether all words of a filter occur in it, ignoring case.
    pub(super) fn has(&self, words: &[String]) -> bool {
        let text = format!("{} {} {}", self.segment, self.name, self.labels).to_lowercase();
        words.iter().all(|word| text.contains(word))
    }
}
