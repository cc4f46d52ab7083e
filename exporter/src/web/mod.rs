//! Which request gets which page.

pub(crate) mod gzip;
pub(crate) mod handler;
pub(crate) mod request;
pub(crate) mod routes;
pub(crate) mod ui;
