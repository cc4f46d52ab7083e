//! The pages of a node: its pods, each with its metrics and its live page, and what Prometheus finds them by.

use crate::{
    node::{
        Node,
        pod::{PageWish, Pod, PodView},
    },
    self_metrics::{HttpMetrics, Refusal},
    server::{BodySlot, Health, REPORT},
    web::{
        handler::{Answer, HEALTHY_TEXT, HTML, TEXT, compressed},
        request::PageRequest,
        routes::{HEALTHY, LANDING, READY, Route, Routes},
        service::Service,
        ui,
    },
};
use promshm_exposition::Encoder;
use serde_json::{Value, json};
use std::sync::Arc;
use tiny_http::{Method, Request};

/// What Prometheus finds its targets by.
pub(crate) const DISCOVERY: &str = "/sd";
/// The list of the pods; each pod's pages are below it.
pub(crate) const PODS: &str = "/pods";

const METRICS: &str = "metrics";
const JSON: &str = "application/json";

/// What responses are made from, shared by the backends' threads.
pub(crate) struct NodeSite {
    node: Arc<Node>,
    routes: Routes,
}

impl NodeSite {
    pub(crate) fn new(node: Arc<Node>, routes: Routes) -> Self {
        Self { node, routes }
    }

    fn answer(&self, request: &PageRequest) -> Answer {
        let page = match self.routes.below(&request.path) {
            Route::Page(page) => page,
            Route::Home => return redirect(self.routes.home()),
            Route::Nothing => return missing(),
        };
        if !matches!(request.method, Method::Get | Method::Head) {
            let rejection = Answer::new(405, TEXT, "405: only GET and HEAD are answered\n");
            return rejection.with("Allow", "GET, HEAD");
        }
        match page {
            LANDING => redirect(&self.routes.path(PODS)),
            HEALTHY => Answer::new(200, TEXT, HEALTHY_TEXT),
            READY => self.readiness(),
            DISCOVERY => self.discovery(request),
            PODS => self.list(request),
            page if page == self.routes.metrics() => self.own_metrics(request),
            page => match page.strip_prefix(PODS).and_then(|rest| rest.strip_prefix('/')) {
                Some(rest) => self.pod_page(request, rest),
                None => missing(),
            },
        }
    }

    /// A page below `/pods/`.
    fn pod_page(&self, request: &PageRequest, rest: &str) -> Answer {
        let (uid, page) = rest.split_once('/').unwrap_or((rest, ""));
        let Some(pod) = self.node.pod(uid) else { return missing() };
        match page {
            METRICS => self.pod_metrics(request, &pod),
            "" if rest.ends_with('/') => live_page(request, &pod),
            "" => redirect(&self.routes.path(&format!("{PODS}/{uid}/"))),
            "-/healthy" => Answer::new(200, TEXT, HEALTHY_TEXT),
            _ => missing(),
        }
    }

    fn pod_metrics(&self, request: &PageRequest, pod: &Pod) -> Answer {
        let (format, families, gzip) = (request.choice.format, request.families.clone(), request.gzip);
        let is_whole = request.method == Method::Get && families.is_all() && !request.is_for_people;
        let page = match self.node.scrape(pod, PageWish { format, families, gzip }) {
            Ok(page) => page,
            Err(refusal) => return Answer::new(503, TEXT, format!("503: {}\n", told(refusal))),
        };
        if request.is_late() {
            return Answer::new(
                503,
                TEXT,
                "503: the time for this scrape was over before the page was ready\n",
            );
        }
        let answer = Answer::new(200, request.choice.content_type(), page.bytes);
        let answer = answer.with("Vary", "Accept, Accept-Encoding").encoded(gzip);
        if page.is_last && is_whole { answer.with(REPORT, pod.uid.clone()) } else { answer }
    }

    fn own_metrics(&self, request: &PageRequest) -> Answer {
        let (mut page, families) = (Vec::new(), self.node.families());
        let families = families.iter().filter(|family| request.families.has(&family.definition.name));
        let format = request.choice.format;
        Encoder::new(format).encode(families, &mut page);
        page.extend_from_slice(format.ending());
        let page = if request.gzip { compressed(page) } else { page };
        let answer = Answer::new(200, request.choice.content_type(), page);
        answer.with("Vary", "Accept, Accept-Encoding").encoded(request.gzip)
    }

    fn readiness(&self) -> Answer {
        if self.node.is_known() {
            Answer::new(200, TEXT, "promshm-exporter is ready\n")
        } else {
            Answer::new(503, TEXT, "503: the node's processes are not listed yet\n")
        }
    }

    /// Prometheus's HTTP service discovery: each pod is a target under the name that Prometheus has for this server.
    fn discovery(&self, request: &PageRequest) -> Answer {
        let is_host = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte);
        if request.host.is_empty() || !request.host.bytes().all(is_host) {
            return Answer::new(400, TEXT, "400: the targets have the name that is asked for: send Host\n");
        }
        let target = |pod: PodView| {
            let mut labels = pod.labels;
            let path = self.routes.path(&format!("{PODS}/{}/{METRICS}", pod.uid));
            labels.insert("__metrics_path__".into(), path);
            json!({"targets": [request.host], "labels": labels})
        };
        let targets: Vec<Value> = self.node.views().into_iter().map(target).collect();
        json_answer(request, &Value::from(targets))
    }

    fn list(&self, request: &PageRequest) -> Answer {
        let pods = self.node.views();
        let answer = if request.wants_json {
            let pods: Vec<Value> = pods.iter().map(pod_value).collect();
            json_answer(request, &json!({"node": self.node.name(), "pods": pods}))
        } else {
            let page = ui::pods::page(self.node.name(), self.routes.metrics(), &pods).into_bytes();
            let page = if request.gzip { compressed(page) } else { page };
            let answer = Answer::new(200, HTML, page).with("Content-Security-Policy", ui::POLICY);
            answer.encoded(request.gzip)
        };
        answer.with("Vary", "Accept, Accept-Encoding")
    }
}

impl Service for NodeSite {
    fn respond(&self, request: Request, body: &BodySlot) {
        self.answer(&PageRequest::of(&request)).send(request, body);
    }

    fn http_metrics(&self) -> HttpMetrics {
        self.node.http_metrics()
    }

    fn health(&self) -> Health {
        Health { path: self.routes.path(HEALTHY), text: HEALTHY_TEXT }
    }

    /// The watching thread does it.
    fn warm_up(&self) {}

    /// Each scrape has its own time, and none is waited for by others.
    fn wait_for_scrapes(&self) {
        drop(self.node.views());
    }

    /// The last pages of pods are always reported.
    fn begin_linger(&self) {}

    fn note_taken(&self, connection: usize, report: &str) {
        self.node.note_taken(report, connection);
    }

    /// Pods that live are read by the next exporter of the node; those that ended only by this one.
    fn is_scraped(&self, _connections: usize, _wanted: usize) -> bool {
        self.node.is_drained()
    }
}

fn live_page(request: &PageRequest, pod: &Pod) -> Answer {
    let page = ui::page("/metrics", &ui::pods::name(&pod.labels(), &pod.uid)).into_bytes();
    let page = if request.gzip { compressed(page) } else { page };
    Answer::new(200, HTML, page)
        .with("Content-Security-Policy", ui::POLICY)
        .with("Vary", "Accept-Encoding")
        .encoded(request.gzip)
}

fn pod_value(pod: &PodView) -> Value {
    json!({
        "uid": pod.uid,
        "labels": pod.labels,
        "runtime": pod.runtime,
        "state": if pod.is_ended { "ended" } else { "live" },
        "processes": pod.processes,
        "segments": pod.segments,
        "limited": pod.limited,
    })
}

fn json_answer(request: &PageRequest, value: &Value) -> Answer {
    let body = value.to_string().into_bytes();
    let body = if request.gzip { compressed(body) } else { body };
    Answer::new(200, JSON, body).encoded(request.gzip)
}

fn missing() -> Answer {
    Answer::new(404, TEXT, "404: there is no such page\n")
}

fn redirect(to: &str) -> Answer {
    Answer::new(302, TEXT, format!("302: the page is at {to}\n")).with("Location", to.to_string())
}

/// Why a pod is not scraped.
fn told(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::Time => "the scrape took longer than --node.max-scrape-time",
        Refusal::Rest => "the pod rests because its last scrape took longer than --node.max-scrape-time",
        Refusal::Enter => "the pod's IPC namespace cannot be entered",
        _ => "the scrape failed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node::{Bounds, NodeOptions};
    use std::{num::NonZeroUsize, time::Duration};

    /// Of a node without processes.
    fn site(prefix: Option<&str>) -> NodeSite {
        let bounds = Bounds {
            pods: 1,
            segments: NonZeroUsize::MIN,
            series: 1,
            families: 1,
            bytes: 1,
            scrape_time: Duration::from_secs(1),
            trust: Vec::new(),
            with_created: false,
        };
        let options = NodeOptions {
            proc: "/nonexistent".into(),
            logs: "/nonexistent".into(),
            name: "a<b".into(),
            labels: Vec::new(),
            keep: Duration::ZERO,
            poll: Duration::from_secs(60),
            scrapes: NonZeroUsize::MIN,
            bounds,
        };
        let prefix = prefix.map(|prefix| prefix.parse().expect("a prefix"));
        let routes = Routes::new(prefix.as_ref(), None, "/metrics");
        NodeSite::new(Node::start(options).expect("a thread"), routes)
    }

    fn get(url: &str, headers: &[(&str, &str)]) -> PageRequest {
        PageRequest::with(Method::Get, url, headers)
    }

    #[test]
    fn targets_have_the_name_that_was_asked_for() {
        let site = site(None);
        assert_eq!(site.answer(&get("/sd", &[("Host", "node-1:10200")])).text(), "[]");
        for bad in ["", "a b", "a\"b", "a/b"] {
            assert_eq!(site.answer(&get("/sd", &[("Host", bad)])).status(), 400, "{bad:?}");
        }
    }

    #[test]
    fn the_list_is_html_for_people_and_json_for_programs() {
        let site = site(None);
        assert!(site.answer(&get("/pods", &[("Accept", "text/html")])).text().contains("a&lt;b"));
        let json = site.answer(&get("/pods", &[("Accept", "application/json")])).text();
        assert_eq!(json, r#"{"node":"a<b","pods":[]}"#);
    }

    #[test]
    fn all_pages_are_below_the_prefix() {
        let site = site(Some("/x"));
        for (path, status) in [
            ("/x/pods", 200),
            ("/x/metrics", 200),
            ("/x/-/healthy", 200),
            ("/x/", 302),
            ("/x", 302),
            ("/", 302),
            ("/pods", 404),
            ("/x/pods/none/metrics", 404),
            ("/x/pods/", 404),
            ("/x/nothing", 404),
        ] {
            assert_eq!(site.answer(&get(path, &[])).status(), status, "{path}");
        }
        let post = site.answer(&PageRequest::with(Method::Post, "/x/pods", &[]));
        assert_eq!(post.status(), 405);
    }

    #[test]
    fn the_nodes_own_page_tells_of_every_refusal() {
        let page = site(None).answer(&get("/metrics", &[])).text();
        for reason in Refusal::ALL {
            let line = format!("promshm_node_refused_total{{reason=\"{}\"}} 0\n", reason.as_str());
            assert!(page.contains(&line), "{page}");
        }
        assert!(page.contains("promshm_http_connections"), "{page}");
    }
}
