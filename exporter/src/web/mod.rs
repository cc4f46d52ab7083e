//! The pages of the exporter: routes, requests, handler and the user interface.

pub(crate) mod handler;
pub(crate) mod request;
pub(crate) mod routes;
pub(crate) mod ui;
