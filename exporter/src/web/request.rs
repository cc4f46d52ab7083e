//! The parts of a request that the handler uses.

use crate::scrape::collector::Selection;
use promshm_exposition::{Choice, negotiate, quality};
use std::time::{Duration, Instant};
use tiny_http::{Method, Request};

/// Header fields that no scraper sends: the live page's own, and one that browsers add (to HTTPS only).
const FOR_PEOPLE: [&str; 2] = ["Promshm-Live", "Sec-Fetch-Mode"];

/// A parsed request.
#[derive(Debug)]
pub(crate) struct PageRequest {
    pub(crate) method: Method,
    pub(crate) path: String,
    /// What the client calls this server.
    #[cfg(feature = "node")]
    pub(crate) host: String,
    /// Whether the client prefers JSON to a page for people.
    #[cfg(feature = "node")]
    pub(crate) wants_json: bool,
    pub(crate) families: Selection,
    pub(crate) choice: Choice,
    pub(crate) gzip: bool,
    /// Whether a browser or the live page sent it.
    pub(crate) is_for_people: bool,
    /// The client has given up after this time.
    deadline: Option<Instant>,
}

impl PageRequest {
    pub(crate) fn of(request: &Request) -> Self {
        let header = |name: &'static str| {
            let all = request.headers().iter().filter(|header| header.field.equiv(name));
            all.map(|header| header.value.as_str()).collect::<Vec<_>>().join(",")
        };
        Self::new(request.method().clone(), request.url(), header)
    }

    /// `header` returns a field's value: several fields of one name joined by commas, an absent one as an empty
    /// string.
    fn new(method: Method, url: &str, header: impl Fn(&'static str) -> String) -> Self {
        let (path, query) = url.split_once('?').unwrap_or((url, ""));
        let budget = budget(&header("X-Prometheus-Scrape-Timeout-Seconds"));
        Self {
            method,
            path: path.into(),
            #[cfg(feature = "node")]
            host: header("Host"),
            #[cfg(feature = "node")]
            wants_json: wants_json(&header("Accept")),
            families: selection(query),
            choice: negotiate(&header("Accept")),
            gzip: wants_gzip(&header("Accept-Encoding")),
            is_for_people: FOR_PEOPLE.iter().any(|name| !header(name).is_empty()),
            deadline: budget.and_then(|budget| Instant::now().checked_add(budget)),
        }
    }

    /// Whether the client has given up.
    pub(crate) fn is_late(&self) -> bool {
        self.deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }

    #[cfg(test)]
    pub(crate) fn with(method: Method, url: &str, headers: &[(&str, &str)]) -> Self {
        let value = |name| headers.iter().find(|(each, _)| *each == name).map_or("", |(_, value)| value);
        Self::new(method, url, |name| value(name).into())
    }
}

/// The families of `?name[]=`, or all if there is none.
fn selection(query: &str) -> Selection {
    let named = form_urlencoded::parse(query.as_bytes()).filter(|(key, _)| key == "name[]");
    Selection::of(named.map(|(_, name)| name.into_owned()))
}

/// Whether JSON is named, and HTML is not, as browsers do.
#[cfg(feature = "node")]
fn wants_json(accept: &str) -> bool {
    accept.contains("application/json") && !accept.contains("text/html")
}

/// The scraper's time limit; an invalid one is no limit.
fn budget(text: &str) -> Option<Duration> {
    let seconds = text.parse().ok().filter(|seconds| *seconds > 0.0)?;
    Duration::try_from_secs_f64(seconds).ok()
}

/// Whether the client prefers gzip to no encoding (RFC 9110, section 12.5.3). What it does not name ranks below what
/// it names.
fn wants_gzip(accept_encoding: &str) -> bool {
    let items = || accept_encoding.split(',').filter_map(coding);
    let quality_of = |names: &[&str]| {
        let named = items().find(|(name, _)| names.iter().any(|each| name.eq_ignore_ascii_case(each)));
        named.map(|(_, quality)| quality)
    };
    let any = quality_of(&["*"]);
    let gzip = quality_of(&["gzip", "x-gzip"]).or(any).unwrap_or(0);
    gzip > 0 && gzip >= quality_of(&["identity"]).unwrap_or(0)
}

/// A coding and its weight; `None` if it cannot be parsed.
fn coding(item: &str) -> Option<(&str, u16)> {
    let Some((name, parameter)) = item.split_once(';') else { return Some((item.trim(), 1000)) };
    let (key, weight) = parameter.split_once('=')?;
    let is_weight = key.trim().eq_ignore_ascii_case("q");
    Some((name.trim(), quality(weight.trim()).filter(|_| is_weight)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_goes_by_weight() {
        for yes in
            ["gzip", "GZip", "x-gzip", "gzip, deflate, br", "br;q=1, gzip;q=0.1", "*", "identity;q=0, *"]
        {
            assert!(wants_gzip(yes), "{yes}");
        }
        for yes in ["gzip;q=0.5, identity;q=0.4", "gzip;q=0.5, identity;q=0", "gzip ; Q=0.5 , identity;q=0.5"]
        {
            assert!(wants_gzip(yes), "{yes}");
        }
        for no in ["", "identity", "deflate", "gzip;q=0", "gzip;q=0, *", "*;q=0", "gzip;q=0.5, identity"] {
            assert!(!wants_gzip(no), "{no}");
        }
        for no in ["gzip;q=2", "gzip;", "gzip;x=1", "identity;q=0", "identity;q=0, br"] {
            assert!(!wants_gzip(no), "{no}");
        }
    }

    #[test]
    fn names_are_selected() {
        let of = |names: &[&str]| Selection::of(names.iter().map(ToString::to_string));
        assert_eq!(
            selection("name[]=a&name%5B%5D=b_total&x=y&name[]=%C3%A4+%2B"),
            of(&["a", "b_total", "ä +"])
        );
        assert_eq!(selection("name=a&name[=b&name[]="), of(&[""]));
        assert_eq!(selection("name=a&name[=b&&"), of(&[]));
        assert_eq!(
            selection("name[]=%&name[]=%4&name[]=%+4&name[]=%zz&name[]=%ff"),
            of(&["%", "%4", "% 4", "%zz", "\u{fffd}"])
        );
        assert!(selection("").has("a") && selection("name[]=a").has("a"));
        assert!(!selection("name[]=a").has("a_total") && !selection("name[]=").has("a"));
    }

    #[test]
    fn budgets_are_positive_seconds() {
        assert_eq!(budget("9.5"), Some(Duration::from_millis(9500)));
        for none in ["", "0", "-1", "NaN", "inf", "1e300", "soon", "1,1"] {
            assert_eq!(budget(none), None, "{none}");
        }
    }

    #[test]
    fn request_without_timeout_is_never_late() {
        let request = |headers: &[(&str, &str)]| PageRequest::with(Method::Get, "/", headers);
        assert!(!request(&[]).is_late());
        assert!(!request(&[("X-Prometheus-Scrape-Timeout-Seconds", "86400")]).is_late());
        let late = request(&[("X-Prometheus-Scrape-Timeout-Seconds", "1e-9")]);
        while !late.is_late() {}
    }

    #[test]
    fn a_request_is_taken_apart() {
        let request =
            PageRequest::with(Method::Head, "/m?name[]=a?b", &[("Accept", "application/openmetrics-text")]);
        assert_eq!((request.path.as_str(), request.gzip), ("/m", false));
        assert_eq!(request.families, Selection::of(["a?b".into()]));
        assert!(request.choice.content_type().starts_with("application/openmetrics-text;"));
    }
}
