//! What is served: one page of the segments of this place, or the pages of a node's pods.

use crate::{
    self_metrics::HttpMetrics,
    server::{BodySlot, Health},
};
use tiny_http::Request;

/// Answers requests, and knows when the last numbers were taken.
pub(crate) trait Service: Send + Sync {
    /// Answers a request and sends the response.
    fn respond(&self, request: Request, body: &BodySlot);

    /// The metrics of the HTTP server.
    fn http_metrics(&self) -> HttpMetrics;

    /// The page that the event loop answers itself.
    fn health(&self) -> Health;

    /// Does before the first request what may take long.
    fn warm_up(&self);

    /// Returns once no scrape is running: never, if one hangs.
    fn wait_for_scrapes(&self);

    /// From now on responses with the whole metrics page ask the server to report their receipt.
    fn begin_linger(&self);

    /// A client has received a response whose receipt was to be reported with these words.
    fn note_taken(&self, _connection: usize, _report: &str) {}

    /// While the server lingers: whether it may end. The whole metrics page was received on `connections`
    /// connections; `wanted` is `--web.linger-scrapes`.
    fn is_scraped(&self, connections: usize, wanted: usize) -> bool;
}
