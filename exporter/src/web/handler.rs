//! The handler: routes requests to pages and makes their responses.

use crate::{
    scrape::collector::{Collector, PageOptions},
    self_metrics::HttpMetrics,
    server::{BodySlot, Health, REPORT},
    targets::Segments,
    web::{
        request::PageRequest,
        routes::{HEALTHY, READY, Route, Routes},
        service::Service,
        ui,
    },
};
use log::debug;
use promshm_exposition::{Gzip, PART};
use promshm_segment::memory::atomic::Word;
use std::{
    borrow::Cow,
    io,
    sync::{Mutex, MutexGuard, PoisonError},
};
use tiny_http::{Header, Method, Request, Response, StatusCode};

pub(super) const TEXT: &str = "text/plain; charset=utf-8";
pub(super) const HEALTHY_TEXT: &str = "promshm-exporter is healthy\n";
pub(super) const HTML: &str = "text/html; charset=utf-8";

/// What responses are made from, shared by the backends' threads.
pub(crate) struct Site {
    segments: Segments,
    routes: Routes,
    scrape_state: Mutex<ScrapeState>,
    /// Set when the server was told to stop and waits for a last scrape.
    is_lingering: Word,
}

struct ScrapeState {
    collector: Collector,
    /// The last page's length, as capacity for the next one.
    length: usize,
}

/// A response, before it is converted for the HTTP library.
#[derive(Debug, PartialEq)]
pub(crate) struct Answer {
    status: u16,
    content_type: Cow<'static, str>,
    /// Further header fields.
    headers: Vec<(&'static str, Cow<'static, str>)>,
    body: Vec<u8>,
}

impl Answer {
    pub(super) fn new(
        status: u16,
        content_type: impl Into<Cow<'static, str>>,
        body: impl Into<Vec<u8>>,
    ) -> Self {
        Self { status, content_type: content_type.into(), headers: Vec::new(), body: body.into() }
    }

    pub(super) fn with(mut self, name: &'static str, value: impl Into<Cow<'static, str>>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Adds `Content-Encoding` if the body is compressed.
    pub(super) fn encoded(self, gzip: bool) -> Self {
        if gzip { self.with("Content-Encoding", "gzip") } else { self }
    }

    #[cfg(all(test, feature = "node"))]
    pub(super) fn status(&self) -> u16 {
        self.status
    }

    #[cfg(all(test, feature = "node"))]
    pub(super) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).expect("UTF-8")
    }

    /// Sends it.
    pub(super) fn send(self, request: Request, slot: &BodySlot) {
        let response = Response::new(StatusCode(self.status), headers(&self), io::empty(), Some(0), None);
        slot.put(self.body);
        if let Err(error) = request.respond(response) {
            debug!(cause:% = error; "the client has gone before its answer");
        }
    }
}

impl Site {
    pub(crate) fn new(segments: Segments, routes: Routes, with_created: bool) -> Self {
        let collector = Collector::of_server(segments.clone(), with_created);
        let scrape_state = ScrapeState { collector, length: 0 };
        let (scrape_state, is_lingering) = (Mutex::new(scrape_state), Word::new(0));
        Self { segments, routes, scrape_state, is_lingering }
    }

    /// Evaluated before the page is made: one that was begun before the server lingers may lack the last values, so
    /// it is not reported.
    fn answer_or_report(&self, request: &PageRequest) -> Answer {
        let is_lingering = self.is_lingering.load_acquire() != 0;
        let answer = self.answer(request);
        let is_last = is_lingering && answer.status == 200 && self.asks_for_all(request);
        if is_last { answer.with(REPORT, "taken") } else { answer }
    }

    /// Whether this is a scraper's request for the whole metrics page.
    fn asks_for_all(&self, request: &PageRequest) -> bool {
        let is_page = self.routes.route(&request.path) == Route::Page(self.routes.metrics());
        request.method == Method::Get && is_page && request.families.is_all() && !request.is_for_people
    }

    fn answer(&self, request: &PageRequest) -> Answer {
        let route = self.routes.route(&request.path);
        if route == Route::Nothing {
            return Answer::new(404, TEXT, "404: there is no such page\n");
        }
        if !matches!(request.method, Method::Get | Method::Head) {
            let rejection = Answer::new(405, TEXT, "405: only GET and HEAD are answered\n");
            return rejection.with("Allow", "GET, HEAD");
        }
        match route {
            Route::Page(page) if page == self.routes.metrics() => self.metrics(request),
            Route::Page(HEALTHY) => Answer::new(200, TEXT, HEALTHY_TEXT),
            Route::Page(READY) => self.readiness(),
            Route::Page(_) => self.landing_page(request),
            Route::Home | Route::Nothing => self.redirect_home(),
        }
    }

    fn redirect_home(&self) -> Answer {
        let home = self.routes.home();
        Answer::new(302, TEXT, format!("302: the page is at {home}\n")).with("Location", home.to_string())
    }

    /// The metrics page, unless its client has given up meanwhile.
    fn metrics(&self, request: &PageRequest) -> Answer {
        let options = PageOptions { format: request.choice.format, families: Some(&request.families) };
        let page = if request.gzip { self.compressed_page(&options) } else { self.page(&options) };
        let page = Answer::new(200, request.choice.content_type(), page);
        let page = page.with("Vary", "Accept, Accept-Encoding").encoded(request.gzip);
        if request.is_late() {
            return Answer::new(
                503,
                TEXT,
                "503: the time for this scrape was over before the page was ready\n",
            );
        }
        page
    }

    /// Scrapes the segments. There is always a page, because `promshm_up` tells the outcome.
    fn page(&self, options: &PageOptions) -> Vec<u8> {
        let mut scrape_state = self.scrape_state();
        let mut page = Vec::with_capacity(scrape_state.length);
        scrape_state.collector.scrape(options, &mut page, &mut |_| {});
        scrape_state.collector.log();
        scrape_state.length = page.len();
        page
    }

    /// The same as gzip. It is compressed part by part, so that the plain page is never in memory as a whole.
    fn compressed_page(&self, options: &PageOptions) -> Vec<u8> {
        let (mut gzip, mut part) = (Gzip::new(), Vec::with_capacity(PART));
        let mut scrape_state = self.scrape_state();
        scrape_state.collector.scrape(options, &mut part, &mut |part| gzip.take(part));
        scrape_state.collector.log();
        gzip.take(&mut part);
        gzip.finish()
    }

    fn readiness(&self) -> Answer {
        match self.scrape_state().collector.check() {
            Ok(()) => Answer::new(200, TEXT, "promshm-exporter is ready\n"),
            Err(failure) => Answer::new(503, TEXT, format!("503: {failure}\n")),
        }
    }

    /// A poisoned lock is fine: a scrape that panicked has dropped its reader, and the next one attaches again.
    fn scrape_state(&self) -> MutexGuard<'_, ScrapeState> {
        self.scrape_state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn landing_page(&self, request: &PageRequest) -> Answer {
        let page = ui::page(self.routes.metrics(), &self.segments.to_string()).into_bytes();
        let page = if request.gzip { compressed(page) } else { page };
        Answer::new(200, HTML, page)
            .with("Content-Security-Policy", ui::POLICY)
            .with("Vary", "Accept-Encoding")
            .encoded(request.gzip)
    }
}

impl Service for Site {
    fn respond(&self, request: Request, body: &BodySlot) {
        self.answer_or_report(&PageRequest::of(&request)).send(request, body);
    }

    fn http_metrics(&self) -> HttpMetrics {
        self.scrape_state().collector.http_metrics()
    }

    fn health(&self) -> Health {
        Health { path: self.routes.path(HEALTHY), text: HEALTHY_TEXT }
    }

    /// Reads the segments without a page, so that they are attached and their state is logged.
    fn warm_up(&self) {
        let mut scrape_state = self.scrape_state();
        scrape_state.collector.read_segments();
        scrape_state.collector.log();
    }

    fn wait_for_scrapes(&self) {
        drop(self.scrape_state());
    }

    fn begin_linger(&self) {
        self.is_lingering.store_release(1);
    }

    fn is_scraped(&self, connections: usize, wanted: usize) -> bool {
        connections >= wanted
    }
}

/// Compresses all bytes at once.
pub(super) fn compressed(mut bytes: Vec<u8>) -> Vec<u8> {
    let mut gzip = Gzip::new();
    gzip.take(&mut bytes);
    gzip.finish()
}

fn headers(answer: &Answer) -> Vec<Header> {
    let header = |name: &str, value: &str| Header::from_bytes(name, value).expect("ASCII from the source");
    let mut headers = vec![header("Content-Type", &answer.content_type)];
    headers.extend(answer.headers.iter().map(|(name, value)| header(name, value)));
    headers
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::targets::Selector;
    use flate2::read::GzDecoder;
    use std::io::Read;

    /// A key without a segment.
    fn site(telemetry_path: &str) -> Site {
        let selector: Selector = "sysv:0x7e570001".parse().expect("a segment");
        Site::new(Segments::of(&[selector]).expect("one"), Routes::new(None, None, telemetry_path), false)
    }

    fn prefixed(prefix: &str) -> Site {
        let prefix = prefix.parse().expect("a prefix");
        Site { routes: Routes::new(Some(&prefix), None, "/metrics"), ..site("/metrics") }
    }

    fn get(url: &str) -> PageRequest {
        PageRequest::with(Method::Get, url, &[])
    }

    fn text(answer: Answer) -> String {
        String::from_utf8(answer.body).expect("UTF-8")
    }

    #[test]
    fn the_landing_page_links_what_there_is() {
        let answer = site("/m&m").answer(&get("/"));
        assert_eq!((answer.status, answer.content_type.as_ref()), (200, HTML));
        let page = text(answer);
        assert!(page.contains("href=\"./m&amp;m\"") && page.contains("href=\"./-/healthy\""), "{page}");
    }

    #[test]
    fn without_a_segment_the_page_says_so_and_is_200() {
        let answer = site("/metrics").answer(&get("/metrics?x=1"));
        assert_eq!(answer.status, 200);
        assert_eq!(answer.content_type, "text/plain; version=0.0.4; charset=utf-8");
        assert_eq!(answer.headers, [("Vary", "Accept, Accept-Encoding".into())]);
        assert!(text(answer).contains("\npromshm_up 0\n"));
    }

    #[test]
    fn format_follows_the_accept_header() {
        let accept = [("Accept", "application/openmetrics-text;escaping=values;q=0.5,*/*;q=0.1")];
        let answer = site("/metrics").answer(&PageRequest::with(Method::Get, "/metrics", &accept));
        let expected = "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=values";
        assert_eq!(answer.content_type, expected);
        let page = text(answer);
        assert!(
            page.contains("\n# TYPE process_cpu_seconds counter\n# UNIT process_cpu_seconds seconds\n"),
            "{page}"
        );
        assert!(page.contains("\nprocess_cpu_seconds_total ") && page.ends_with("\n# EOF\n"), "{page}");
        assert_eq!(page.matches("# EOF").count(), 1);
    }

    #[test]
    fn page_is_compressed_for_clients_that_accept_gzip() {
        let gzip = [("Accept-Encoding", "gzip")];
        let answer =
            site("/metrics").answer(&PageRequest::with(Method::Get, "/metrics?name[]=promshm_up", &gzip));
        assert!(answer.headers.contains(&("Content-Encoding", "gzip".into())), "{:?}", answer.headers);
        let mut page = String::new();
        GzDecoder::new(answer.body.as_slice()).read_to_string(&mut page).expect("gzip");
        let plain = text(site("/metrics").answer(&get("/metrics?name[]=promshm_up")));
        assert_eq!(page, plain);
        let other = site("/metrics").answer(&PageRequest::with(Method::Get, "/-/healthy", &gzip));
        assert!(other.headers.is_empty() && text(other).ends_with('\n'));
    }

    #[test]
    fn names_choose_families() {
        let page = |query: &str| text(site("/metrics").answer(&get(&format!("/metrics?{query}"))));
        let expected = "# HELP promshm_up Whether the segment could be read: 1 or 0.\n# TYPE promshm_up gauge\n\
            promshm_up 0\n";
        assert_eq!(page("name[]=promshm_up"), expected);
        let two = page("name%5B%5D=promshm_up&name[]=process_cpu_seconds_total");
        assert_eq!(two.matches("# TYPE").count(), 2, "{two}");
        assert_eq!(page("name[]=process_cpu_seconds"), "", "names are whole names");
    }

    #[test]
    fn page_after_the_scrape_timeout_is_503() {
        let hurried = [("X-Prometheus-Scrape-Timeout-Seconds", "1e-9"), ("Accept-Encoding", "gzip")];
        let answer = site("/metrics").answer(&PageRequest::with(Method::Get, "/metrics", &hurried));
        assert_eq!((answer.status, answer.content_type.as_ref()), (503, TEXT));
        assert_eq!(answer.headers, []);
        let answer = site("/metrics").answer(&PageRequest::with(Method::Get, "/-/healthy", &hurried));
        assert_eq!(answer.status, 200, "only scrapes have a budget");
    }

    #[test]
    fn without_a_segment_it_is_healthy_and_not_ready() {
        let site = site("/metrics");
        assert_eq!(site.answer(&get(HEALTHY)).status, 200);
        let answer = site.answer(&get(READY));
        assert_eq!((answer.status, answer.content_type.as_ref()), (503, TEXT));
        assert!(text(answer).starts_with("503: no segment sysv:0x7e570001: no worker has counted yet"));
    }

    #[test]
    fn health_needs_no_segment() {
        let site = site("/metrics");
        let _scrape = site.scrape_state();
        assert_eq!(site.answer(&get(HEALTHY)).status, 200, "a scrape that hangs is no matter");
    }

    #[test]
    fn only_complete_scrapes_during_linger_are_reported() {
        let site = site("/m");
        let is_reported = |request: &PageRequest| {
            site.answer_or_report(request).headers.contains(&(REPORT, "taken".into()))
        };
        assert!(!is_reported(&get("/m")));
        site.begin_linger();
        assert!(is_reported(&get("/m")) && is_reported(&get("/m?x=1")));
        let hurried = [("X-Prometheus-Scrape-Timeout-Seconds", "1e-9")];
        for other in [
            get("/"),
            get(HEALTHY),
            get("/m?name[]=a"),
            PageRequest::with(Method::Head, "/m", &[]),
            PageRequest::with(Method::Get, "/m", &[("Promshm-Live", "1")]),
            PageRequest::with(Method::Get, "/m", &[("Sec-Fetch-Mode", "cors")]),
            PageRequest::with(Method::Get, "/m", &hurried),
        ] {
            assert!(!is_reported(&other), "{other:?}");
        }
    }

    #[test]
    fn with_a_prefix_every_page_is_below_it() {
        let site = prefixed("/x");
        for path in ["/x/", "/x/metrics", "/x/-/healthy"] {
            assert_eq!(site.answer(&get(path)).status, 200, "{path}");
        }
        for path in ["/metrics", "/-/healthy", "/xmetrics", "/x/x/"] {
            assert_eq!(site.answer(&get(path)).status, 404, "{path}");
        }
        for path in ["/", "/x"] {
            let answer = site.answer(&get(path));
            assert_eq!((answer.status, answer.headers), (302, vec![("Location", "/x/".into())]), "{path}");
        }
        assert_eq!(site.health().path, "/x/-/healthy");
        site.begin_linger();
        assert!(site.answer_or_report(&get("/x/metrics")).headers.contains(&(REPORT, "taken".into())));
    }

    #[test]
    fn metrics_path_may_replace_the_landing_page() {
        assert!(text(site("/").answer(&get("/"))).contains("promshm_up"));
    }

    #[test]
    fn head_is_answered_like_get() {
        let site = site("/metrics");
        for path in ["/", HEALTHY, READY] {
            assert_eq!(site.answer(&PageRequest::with(Method::Head, path, &[])), site.answer(&get(path)));
        }
    }

    #[test]
    fn other_paths_are_404_and_other_methods_405() {
        let site = site("/metrics");
        for path in ["/metrics/", "/nothing", "/-/", "*", ""] {
            assert_eq!(site.answer(&get(path)).status, 404, "{path}");
        }
        for method in [Method::Post, Method::Put, Method::Delete, Method::Options] {
            let answer = site.answer(&PageRequest::with(method, "/metrics", &[]));
            assert_eq!((answer.status, answer.headers), (405, vec![("Allow", "GET, HEAD".into())]));
        }
    }
}
