//! `serve`: starts the server, handles signals, and stops it.

use crate::{
    commands::{Error, systemd},
    server::{Handler, Listeners, ServerHandle, ServerSettings, address::ListenAddress},
    targets::Segments,
    web::{handler::Site, routes::Routes, service::Service},
    web_config::LiveConfig,
};
use log::{info, warn};
use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGTERM},
    iterator::Signals,
};
use std::{
    collections::HashSet,
    io,
    num::NonZeroUsize,
    path::PathBuf,
    sync::{
        Arc,
        mpsc::{Receiver, Sender, channel},
    },
    thread,
    time::{Duration, Instant},
};

/// The options of `serve`.
#[derive(Debug)]
pub(crate) struct ServeOptions {
    pub(crate) web_config: Option<PathBuf>,
    pub(crate) routes: Routes,
    /// Whether `OpenMetrics` contains the creation times of series.
    pub(crate) with_created: bool,
    pub(crate) listen_addresses: Vec<ListenAddress>,
    /// Take the listeners that systemd has opened instead of `listen_addresses`.
    pub(crate) takes_systemd_sockets: bool,
    /// The most requests at once; 0 for no limit.
    pub(crate) max_requests: usize,
    /// How long to wait for a last scrape after SIGTERM.
    pub(crate) linger: Duration,
    /// How many scrapes end the wait, each on a connection of its own.
    pub(crate) linger_scrapes: NonZeroUsize,
}

/// What the main thread waits for.
enum Event {
    /// SIGTERM or SIGINT.
    Stop(i32),
    /// SIGHUP.
    Reload,
    /// While the server lingers, a client has received the whole metrics page on the connection of this number.
    Scraped(usize),
    /// The server has ended, by an error or because it was stopped.
    Ended(io::Result<()>),
}

/// Serves the segments of this place.
pub(crate) fn serve(options: &ServeOptions, segments: Segments) -> Result<(), Error> {
    let site = Site::new(segments, options.routes.clone(), options.with_created);
    let site: Arc<dyn Service> = Arc::new(site);
    serve_site(options, &site)
}

/// Serves until SIGTERM or SIGINT; SIGHUP reads the web configuration again.
pub(crate) fn serve_site(options: &ServeOptions, site: &Arc<dyn Service>) -> Result<(), Error> {
    let live_config = LiveConfig::open(options.web_config.clone())?;
    let (events, inbox) = channel();
    report_signals(events.clone()).map_err(Error::Start)?;
    let listeners = if options.takes_systemd_sockets {
        Listeners::inherit()
    } else {
        Listeners::bind(&options.listen_addresses)
    }?;
    let (scraped, told) = (events.clone(), Arc::clone(site));
    let settings = ServerSettings {
        listeners,
        max_requests: options.max_requests,
        metrics: site.http_metrics(),
        live_config,
        health: site.health(),
        on_taken: Box::new(move |connection, report| {
            told.note_taken(connection, &report);
            drop(scraped.send(Event::Scraped(connection)));
        }),
    };
    let answering = Arc::clone(site);
    let handler: Arc<Handler> = Arc::new(move |request, body| answering.respond(request, body));
    let ended = move |outcome| drop(events.send(Event::Ended(outcome)));
    let server = ServerHandle::start(settings, &handler, ended).map_err(Error::Start)?;
    systemd::ready();
    warm_up_in_background(site).map_err(Error::Start)?;
    let watched = Arc::clone(site);
    systemd::run_watchdog(move || watched.wait_for_scrapes()).map_err(Error::Start)?;
    run_until_stopped(&inbox, &server, &**site, options).map_err(Error::Serve)?;
    info!("stopped");
    Ok(())
}

/// Attaches the segments and logs their state before the first request. It runs on a thread of its own, because a
/// segment may block its reader; health checks are answered meanwhile.
fn warm_up_in_background(site: &Arc<dyn Service>) -> io::Result<()> {
    let site = Arc::clone(site);
    thread::Builder::new().name("first look".into()).spawn(move || site.warm_up()).map(drop)
}

/// Handles events until the server has ended.
fn run_until_stopped(
    inbox: &Receiver<Event>,
    server: &ServerHandle,
    site: &dyn Service,
    options: &ServeOptions,
) -> io::Result<()> {
    let signal = loop {
        match inbox.recv() {
            Ok(Event::Reload) => server.reload(),
            Ok(Event::Stop(signal)) => break signal,
            Ok(Event::Ended(outcome)) => return outcome,
            Ok(Event::Scraped(_)) | Err(_) => {}
        }
    };
    systemd::stopping();
    if signal == SIGTERM && !options.linger.is_zero() {
        site.begin_linger();
        info!(limit:? = options.linger, scrapes = options.linger_scrapes.get(); "waiting for one more scrape");
        if let Some(outcome) = wait_for_scrapes(inbox, server, site, options) {
            return outcome;
        }
    }
    server.stop();
    let ended = |event| if let Event::Ended(outcome) = event { Some(outcome) } else { None };
    inbox.iter().find_map(ended).unwrap_or(Ok(()))
}

/// Waits for the last values to be scraped: until the metrics page was received on `linger_scrapes` connections, the
/// time is over, or another signal arrives. Returns an outcome if the server has ended instead.
///
/// Connections are counted, not scrapes: a Prometheus server keeps its connection, so one that scrapes twice counts
/// once.
fn wait_for_scrapes(
    inbox: &Receiver<Event>,
    server: &ServerHandle,
    site: &dyn Service,
    options: &ServeOptions,
) -> Option<io::Result<()>> {
    let (start, mut connections) = (Instant::now(), HashSet::new());
    loop {
        if site.is_scraped(connections.len(), options.linger_scrapes.get()) {
            info!("the last scrape is answered");
            return None;
        }
        match inbox.recv_timeout(options.linger.saturating_sub(start.elapsed())) {
            Ok(Event::Reload) => server.reload(),
            Ok(Event::Stop(_)) => return None,
            Ok(Event::Ended(outcome)) => return Some(outcome),
            Ok(Event::Scraped(connection)) => {
                connections.insert(connection);
            }
            Err(_) => {
                let scrapes = connections.len();
                warn!(scrapes; "too few have scraped before the time was over: the last numbers may be lost");
                return None;
            }
        }
    }
}

fn report_signals(events: Sender<Event>) -> io::Result<()> {
    let mut signals = Signals::new([SIGTERM, SIGINT, SIGHUP])?;
    thread::Builder::new().name("signals".into()).spawn(move || {
        for signal in signals.forever() {
            let event = if signal == SIGHUP { Event::Reload } else { Event::Stop(signal) };
            if signal != SIGHUP {
                info!(signal; "stopping");
            }
            let _ = events.send(event); // nobody listens once the server has ended
        }
    })?;
    Ok(())
}
