//! The paths of the pages: `--web.route-prefix`, `--web.external-url` and `--web.telemetry-path`.
//!
//! Links within the pages are relative, so that a proxy may serve them under another prefix than the exporter does.

use std::str::FromStr;
use thiserror::Error;

/// Liveness: the server answers.
pub(crate) const HEALTHY: &str = "/-/healthy";
/// Readiness: there is a segment to read.
pub(crate) const READY: &str = "/-/ready";
/// The live page.
pub(crate) const LANDING: &str = "/";

/// The prefix of each path: empty, or `/prefix`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Prefix(String);

/// The URL under which people reach the exporter; it may be a path alone, without a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ExternalUrl {
    /// Without a slash at its end.
    text: String,
    path: Prefix,
}

#[derive(Debug, Error, PartialEq, Eq)]
#[error("write a path, such as /promshm")]
pub(crate) struct BadPrefix;

#[derive(Debug, Error, PartialEq, Eq)]
#[error("write a URL, such as https://example.org/promshm, or its path alone")]
pub(crate) struct BadUrl;

impl FromStr for Prefix {
    type Err = BadPrefix;

    fn from_str(text: &str) -> Result<Self, BadPrefix> {
        let inner = text.trim_matches('/');
        if !is_path(text) {
            return Err(BadPrefix);
        }
        Ok(Self(if inner.is_empty() { String::new() } else { format!("/{inner}") }))
    }
}

impl FromStr for ExternalUrl {
    type Err = BadUrl;

    fn from_str(text: &str) -> Result<Self, BadUrl> {
        let path = match text.split_once("://") {
            Some((scheme, rest))
                if ["http", "https"].iter().any(|each| scheme.eq_ignore_ascii_case(each)) =>
            {
                let start = rest.find('/').unwrap_or(rest.len());
                if start == 0 || !is_path(&rest[..start]) {
                    return Err(BadUrl);
                }
                &rest[start..]
            }
            None if text.starts_with('/') => text,
            _ => return Err(BadUrl),
        };
        let path = path.parse().map_err(|BadPrefix| BadUrl)?;
        Ok(Self { text: text.trim_end_matches('/').into(), path })
    }
}

/// Whether the text is valid in a path and in a header field as it is.
fn is_path(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_graphic() && !b"?#\"<>\\".contains(&byte))
}

/// The paths of the pages.
#[derive(Debug, Clone)]
pub(crate) struct Routes {
    prefix: Prefix,
    /// The target of the redirect from above the prefix.
    home: String,
    metrics: String,
}

/// What a path is routed to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Route<'p> {
    /// A page, without the prefix.
    Page(&'p str),
    /// A redirect to the live page.
    Home,
    Nothing,
}

impl Routes {
    /// `prefix` defaults to the path of the external URL.
    pub(crate) fn new(prefix: Option<&Prefix>, external: Option<&ExternalUrl>, metrics: &str) -> Self {
        let prefix = prefix.or(external.map(|url| &url.path)).cloned().unwrap_or_default();
        let home = external.map_or(&prefix.0, |url| &url.text);
        Self { home: format!("{home}/"), metrics: metrics.into(), prefix }
    }

    /// The path of a page, with the prefix.
    pub(crate) fn path(&self, page: &str) -> String {
        format!("{}{page}", self.prefix.0)
    }

    pub(crate) fn home(&self) -> &str {
        &self.home
    }

    /// The path of the metrics page, without the prefix.
    pub(crate) fn metrics(&self) -> &str {
        &self.metrics
    }

    pub(crate) fn route<'p>(&self, path: &'p str) -> Route<'p> {
        match self.below(path) {
            Route::Page(page) => self.page(page),
            other => other,
        }
    }

    /// As [`Routes::route`], with all paths below the prefix as pages.
    pub(crate) fn below<'p>(&self, path: &'p str) -> Route<'p> {
        match path.strip_prefix(&self.prefix.0) {
            Some("") if !path.is_empty() => Route::Home,
            Some(page) if page.starts_with('/') => Route::Page(page),
            _ if path == LANDING => Route::Home,
            _ => Route::Nothing,
        }
    }

    fn page<'p>(&self, page: &'p str) -> Route<'p> {
        let is_known = [LANDING, HEALTHY, READY, &self.metrics].contains(&page);
        if is_known { Route::Page(page) } else { Route::Nothing }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routes(prefix: Option<&str>, external: Option<&str>) -> Routes {
        let prefix = prefix.map(|text| text.parse().expect("a prefix"));
        let external = external.map(|text| text.parse().expect("a URL"));
        Routes::new(prefix.as_ref(), external.as_ref(), "/metrics")
    }

    #[test]
    fn without_a_prefix_pages_are_at_the_top() {
        for none in [routes(None, None), routes(Some("/"), None), routes(Some("/"), Some("http://a/b"))] {
            assert_eq!(none.route("/"), Route::Page("/"));
            assert_eq!(none.route("/metrics"), Route::Page("/metrics"));
            assert_eq!(none.route("/x"), Route::Nothing);
            assert_eq!(none.path(HEALTHY), "/-/healthy");
        }
    }

    #[test]
    fn with_a_prefix_all_pages_have_it() {
        for all in [routes(Some("x/"), None), routes(None, Some("/x")), routes(None, Some("HTTPS://a:1/x/"))]
        {
            assert_eq!(all.route("/x/"), Route::Page("/"));
            assert_eq!(all.route("/x/-/ready"), Route::Page("/-/ready"));
            assert_eq!([all.route("/x"), all.route("/")], [Route::Home, Route::Home]);
            assert_eq!([all.route("/metrics"), all.route("/xmetrics")], [Route::Nothing, Route::Nothing]);
            assert_eq!(all.path(HEALTHY), "/x/-/healthy");
        }
    }

    #[test]
    fn redirect_leads_to_the_external_url() {
        assert_eq!(routes(Some("/x"), None).home(), "/x/");
        assert_eq!(routes(None, Some("https://a/b/")).home(), "https://a/b/");
        assert_eq!(routes(Some("/x"), Some("https://a")).home(), "https://a/");
    }

    #[test]
    fn invalid_paths_and_urls_are_refused() {
        for bad in ["/a b", "/a?b", "/a#b", "/ä", "/a\r\nb"] {
            assert_eq!(bad.parse::<Prefix>(), Err(BadPrefix), "{bad:?}");
        }
        for bad in ["", "a", "ftp://a/b", "http:///b", "http://a/b?c", "javascript://x", "http://a b/"] {
            assert_eq!(bad.parse::<ExternalUrl>(), Err(BadUrl), "{bad:?}");
        }
    }
}
