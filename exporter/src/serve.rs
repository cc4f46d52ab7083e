//! `serve`: the server's life, from the first listener to the last answer.

use crate::{cli::Cli, collect::Collector, failure::Failure, http::Site, own_metrics::OwnMetrics};
use log::{debug, error, info, warn};
use nix::sys::socket::{Shutdown, setsockopt, shutdown, sockopt::TcpNoDelay};
use signal_hook::{
    consts::{SIGINT, SIGTERM},
    iterator::Signals,
};
use std::{
    io,
    net::TcpListener,
    os::fd::AsRawFd,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    },
    thread,
    time::Duration,
};
use tiny_http::Server;

/// Scrapes are answered one after the other anyway; the others keep slow readers from holding them up.
const WORKERS: usize = 4;
/// How long requests that are being read may take to be queued once no more are accepted.
const STRAGGLERS: Duration = Duration::from_millis(50);
/// How long answers that are being sent may take before the server goes without them.
const DRAIN_LIMIT: Duration = Duration::from_secs(10);

/// What ends the server.
enum End {
    Signal,
    /// The accept loop has stopped for good.
    Accept(io::Error),
}

/// Shared by the workers.
struct Shared {
    server: Server,
    site: Site,
    stopping: AtomicBool,
}

/// Serves until SIGTERM or SIGINT.
pub(crate) fn serve(cli: &Cli) -> Result<(), Failure> {
    let (ends, end) = channel();
    report_signals(ends.clone()).map_err(Failure::Start)?;
    let collector = Collector::new(cli.segment, OwnMetrics::of_server());
    let site = Site::new(cli.segment, &cli.telemetry_path, collector);
    site.warm_up(); // logs what is there, and makes ready for the first request
    let listener = listen(cli)?;
    let accepting = listener.try_clone().map_err(Failure::Start)?;
    let server =
        Server::from_listener(listener, None).map_err(|error| Failure::Start(io::Error::other(error)))?;
    let shared = Arc::new(Shared { server, site, stopping: AtomicBool::new(false) });
    let workers = start_workers(&shared, &ends).map_err(Failure::Start)?;
    let ended = end.recv();
    stop(&shared, &accepting, &workers);
    match ended {
        Ok(End::Accept(error)) => Err(Failure::Accept(error)),
        Ok(End::Signal) | Err(_) => Ok(()),
    }
}

fn report_signals(ends: Sender<End>) -> io::Result<()> {
    let mut signals = Signals::new([SIGTERM, SIGINT])?;
    thread::Builder::new().name("signals".into()).spawn(move || {
        for signal in signals.forever() {
            info!(signal; "stopping");
            let _ = ends.send(End::Signal); // nobody listens once the server is stopping
        }
    })?;
    Ok(())
}

fn listen(cli: &Cli) -> Result<TcpListener, Failure> {
    let failed = |error| Failure::Listen { address: cli.listen_address, error };
    let listener = cli.listen_address.bind().map_err(failed)?;
    // Accepted connections inherit it; without it a kept-alive one waits 40 ms for each answer's tail.
    setsockopt(&listener, TcpNoDelay, &true).map_err(|errno| failed(errno.into()))?;
    let address = listener.local_addr().map_err(failed)?;
    info!(address:% = address, version = env!("CARGO_PKG_VERSION"); "listening");
    Ok(listener)
}

/// Starts the workers; the receiver hears nothing but the last one's end.
fn start_workers(shared: &Arc<Shared>, ends: &Sender<End>) -> io::Result<Receiver<()>> {
    let (working, workers) = channel();
    for number in 0..WORKERS {
        let (shared, ends, working) = (Arc::clone(shared), ends.clone(), working.clone());
        thread::Builder::new().name(format!("http-{number}")).spawn(move || {
            work(&shared, &ends);
            drop(working);
        })?;
    }
    Ok(workers)
}

fn work(shared: &Shared, ends: &Sender<End>) {
    loop {
        match shared.server.recv() {
            Ok(request) => respond(&shared.site, request),
            Err(_) if shared.stopping.load(Ordering::SeqCst) => return,
            Err(error) => {
                let _ = ends.send(End::Accept(error));
            }
        }
    }
}

/// A panic costs this one answer (the library sends 500 for it), not the worker.
fn respond(site: &Site, request: tiny_http::Request) {
    if catch_unwind(AssertUnwindSafe(|| site.respond(request))).is_err() {
        error!("a request ended in a panic");
    }
}

/// Refuses new connections, then waits for the answers that are on their way. Workers are
/// told last, behind the requests that are queued.
fn stop(shared: &Shared, accepting: &TcpListener, workers: &Receiver<()>) {
    shared.stopping.store(true, Ordering::SeqCst);
    if let Err(error) = shutdown(accepting.as_raw_fd(), Shutdown::Both) {
        warn!(cause:% = error; "the listener could not be closed");
    }
    thread::sleep(STRAGGLERS);
    for _ in 0..WORKERS {
        shared.server.unblock();
    }
    debug!("waiting for the answers on their way");
    if workers.recv_timeout(DRAIN_LIMIT) == Err(RecvTimeoutError::Timeout) {
        warn!("some clients have not taken their answers");
    }
    info!("stopped");
}
