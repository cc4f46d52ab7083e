//! `serve`: the server's life, from the first listener to the last answer.

use crate::{
    cli::Cli,
    collect::Collector,
    failure::Failure,
    guard::{Guard, Handler, Listeners, Settings},
    http::Site,
    own_metrics::{HttpMetrics, OwnMetrics},
    web_config::Door,
};
use log::info;
use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGTERM},
    iterator::Signals,
};
use std::{
    io,
    sync::{
        Arc,
        mpsc::{Sender, channel},
    },
    thread,
};

/// What the serving thread waits for.
enum Event {
    /// SIGTERM or SIGINT.
    Stop,
    /// SIGHUP.
    Reload,
    /// The guard has ended, by itself or because it was told to.
    Ended(io::Result<()>),
}

/// Serves until SIGTERM or SIGINT; SIGHUP reads the web configuration anew.
pub(crate) fn serve(cli: &Cli) -> Result<(), Failure> {
    let door = Door::open(cli.web_config.clone())?;
    let (events, inbox) = channel();
    report_signals(events.clone()).map_err(Failure::Start)?;
    let own = OwnMetrics::of_server();
    let metrics = own.http().unwrap_or_else(HttpMetrics::new);
    let site = Site::new(cli.segment, &cli.telemetry_path, Collector::new(cli.segment, own));
    site.warm_up(); // logs what is there, and makes ready for the first request
    let listeners = Listeners::bind(&cli.listen_addresses)?;
    let settings = Settings { listeners, max_requests: cli.max_requests, metrics, door };
    let handler: Arc<Handler> = Arc::new(move |request| site.respond(request));
    let ended = move |outcome| drop(events.send(Event::Ended(outcome)));
    let guard = Guard::start(settings, &handler, ended).map_err(Failure::Start)?;
    for event in inbox {
        match event {
            Event::Stop => guard.stop(),
            Event::Reload => guard.reload(),
            Event::Ended(outcome) => {
                outcome.map_err(Failure::Serve)?;
                break;
            }
        }
    }
    info!("stopped");
    Ok(())
}

fn report_signals(events: Sender<Event>) -> io::Result<()> {
    let mut signals = Signals::new([SIGTERM, SIGINT, SIGHUP])?;
    thread::Builder::new().name("signals".into()).spawn(move || {
        for signal in signals.forever() {
            let event = if signal == SIGHUP { Event::Reload } else { Event::Stop };
            if matches!(event, Event::Stop) {
                info!(signal; "stopping");
            }
            let _ = events.send(event); // nobody listens once the server has ended
        }
    })?;
    Ok(())
}
