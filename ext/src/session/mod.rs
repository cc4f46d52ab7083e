//! The state of a process, or of a thread of a thread-safe PHP: settings, the attached segment, metrics and their
//! series.

pub(crate) mod attachment;
pub(crate) mod bound_cache;
pub(crate) mod countdown;
pub(crate) mod error_text;
pub(crate) mod exemplar;
pub(crate) mod gauge_cell;
pub(crate) mod generation;
pub(crate) mod handle;
pub(crate) mod heartbeat;
pub(crate) mod histogram_cells;
pub(crate) mod ini;
pub(crate) mod keyed_labels;
pub(crate) mod label_hash;
pub(crate) mod label_words;
pub(crate) mod labels;
pub(crate) mod lookup;
pub(crate) mod metric;
pub(crate) mod metric_table;
pub(crate) mod moves;
pub(crate) mod series;
pub(crate) mod series_cache;
pub(crate) mod series_table;
pub(crate) mod summary_ring;
pub(crate) mod text_cache;
pub(crate) mod track;
pub(crate) mod work;
