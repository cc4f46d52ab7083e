//! The pages of the exporter: routes, requests, handler and the user interface.

pub(crate) mod handler;
#[cfg(feature = "node")]
pub(crate) mod node_site;
pub(crate) mod request;
pub(crate) mod routes;
pub(crate) mod service;
pub(crate) mod ui;
