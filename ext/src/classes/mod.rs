//! The PHP classes, each in a file, and the code that several of them share.

pub(crate) mod counter;
pub(crate) mod gauge;
pub(crate) mod histogram;
mod label_order;
pub(crate) mod metric_class;
pub(crate) mod native_histogram;
pub(crate) mod registration;
pub(crate) mod registry;
pub(crate) mod render;
pub(crate) mod samples;
pub(crate) mod segment;
pub(crate) mod summary;
pub(crate) mod timer;
