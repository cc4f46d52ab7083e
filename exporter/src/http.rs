//! Which page answers what.

use crate::collect::{Collector, Journal};
use log::debug;
use promshm_exposition::Format;
use promshm_segment::SegmentName;
use std::sync::{Mutex, PoisonError};
use tiny_http::{Header, Method, Request, Response, StatusCode};

/// The path of the health check.
pub(crate) const HEALTHY: &str = "/-/healthy";

const TEXT: &str = "text/plain; charset=utf-8";
const HTML: &str = "text/html; charset=utf-8";

/// Everything that requests are answered from, shared by the workers.
pub(crate) struct Site {
    segment: SegmentName,
    telemetry_path: String,
    source: Mutex<Source>,
}

struct Source {
    collector: Collector,
    journal: Journal,
    /// The last page's length: the next one will be about as long.
    length: usize,
}

/// An answer that has not met the HTTP library yet.
#[derive(Debug, PartialEq)]
pub(crate) struct Answer {
    status: u16,
    content_type: &'static str,
    /// The methods of the resource, where another one was used.
    allow: Option<&'static str>,
    body: Vec<u8>,
}

impl Answer {
    fn new(status: u16, content_type: &'static str, body: impl Into<Vec<u8>>) -> Self {
        Self { status, content_type, allow: None, body: body.into() }
    }
}

impl Site {
    pub(crate) fn new(segment: SegmentName, telemetry_path: &str, collector: Collector) -> Self {
        let source = Source { collector, journal: Journal::default(), length: 0 };
        Self { segment, telemetry_path: telemetry_path.into(), source: Mutex::new(source) }
    }

    /// Answers a request and sees it sent.
    pub(crate) fn respond(&self, request: Request) {
        let answer = self.answer(request.method(), request.url());
        let length = answer.body.len();
        let response = Response::new(
            StatusCode(answer.status),
            headers(&answer),
            answer.body.as_slice(),
            Some(length),
            None,
        );
        // The length is known, so nothing is chunked; the library would from 32 KiB on.
        if let Err(error) = request.respond(response.with_chunked_threshold(usize::MAX)) {
            debug!(cause:% = error; "the client has gone before its answer");
        }
    }

    fn answer(&self, method: &Method, url: &str) -> Answer {
        let path = url.split_once('?').map_or(url, |(path, _query)| path);
        let is_known = path == "/" || path == HEALTHY || path == self.telemetry_path;
        if !is_known {
            return Answer::new(404, TEXT, "404: there is no such page\n");
        }
        if !matches!(method, Method::Get | Method::Head) {
            let refusal = Answer::new(405, TEXT, "405: only GET and HEAD are answered\n");
            return Answer { allow: Some("GET, HEAD"), ..refusal };
        }
        match path {
            HEALTHY => Answer::new(200, TEXT, "promshm-exporter is healthy\n"),
            _ if path == self.telemetry_path => self.metrics(),
            _ => Answer::new(200, HTML, self.landing_page()),
        }
    }

    /// Scrapes the segment; always 200, for `promshm_up` tells how it went.
    pub(crate) fn metrics(&self) -> Answer {
        // A scrape that panicked has dropped its reader; the next one attaches afresh.
        let mut source = self.source.lock().unwrap_or_else(PoisonError::into_inner);
        let mut page = Vec::with_capacity(source.length);
        let outcome = source.collector.scrape(&mut page);
        source.journal.note(outcome, self.segment);
        source.length = page.len();
        Answer::new(200, Format::Text.content_type(), page)
    }

    fn landing_page(&self) -> String {
        let (path, version) = (escaped(&self.telemetry_path), env!("CARGO_PKG_VERSION"));
        format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>promshm exporter</title></head>\n\
             <body>\n<h1>promshm exporter</h1>\n<p>Version {version}, segment {}</p>\n<ul>\n\
             <li><a href=\"{path}\">Metrics</a></li>\n<li><a href=\"{HEALTHY}\">Health</a></li>\n</ul>\n</body>\n</html>\n",
            self.segment
        )
    }
}

fn headers(answer: &Answer) -> Vec<Header> {
    let header = |name: &str, value: &str| Header::from_bytes(name, value).expect("ASCII from the source");
    let mut headers = vec![header("Content-Type", answer.content_type)];
    headers.extend(answer.allow.map(|methods| header("Allow", methods)));
    headers
}

/// For HTML: the path comes from the command line.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::own_metrics::OwnMetrics;

    /// A key that nobody uses: there is no segment.
    fn site(telemetry_path: &str) -> Site {
        let name = SegmentName::Sysv(0x7e57_0001);
        Site::new(name, telemetry_path, Collector::new(name, OwnMetrics::of_server()))
    }

    fn text(answer: Answer) -> String {
        String::from_utf8(answer.body).expect("UTF-8")
    }

    #[test]
    fn the_landing_page_links_what_there_is() {
        let answer = site("/m&m").answer(&Method::Get, "/");
        assert_eq!((answer.status, answer.content_type), (200, HTML));
        let page = text(answer);
        assert!(page.contains("href=\"/m&amp;m\"") && page.contains("href=\"/-/healthy\""), "{page}");
    }

    #[test]
    fn without_a_segment_the_page_says_so_and_is_200() {
        let answer = site("/metrics").answer(&Method::Get, "/metrics?x=1");
        assert_eq!(answer.status, 200);
        assert_eq!(answer.content_type, "text/plain; version=0.0.4; charset=utf-8");
        assert!(text(answer).contains("\npromshm_up 0\n"));
    }

    #[test]
    fn metrics_may_take_the_landing_pages_place() {
        assert!(text(site("/").answer(&Method::Get, "/")).contains("promshm_up"));
    }

    #[test]
    fn head_is_answered_like_get() {
        let site = site("/metrics");
        for path in ["/", HEALTHY] {
            assert_eq!(site.answer(&Method::Head, path), site.answer(&Method::Get, path));
        }
    }

    #[test]
    fn other_paths_are_404_and_other_methods_405() {
        let site = site("/metrics");
        for path in ["/metrics/", "/nothing", "/-/", "*", ""] {
            assert_eq!(site.answer(&Method::Get, path).status, 404, "{path}");
        }
        for method in [Method::Post, Method::Put, Method::Delete, Method::Options] {
            let answer = site.answer(&method, "/metrics");
            assert_eq!((answer.status, answer.allow), (405, Some("GET, HEAD")), "{method}");
        }
    }
}
