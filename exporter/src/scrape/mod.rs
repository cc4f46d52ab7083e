//! One scrape: each segment is read, names that clash are resolved, and a page is made of all.

pub(crate) mod collector;
pub(crate) mod conflicts;
pub(crate) mod source;
