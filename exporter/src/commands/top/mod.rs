//! `top`: shows the segments live in a terminal.
//!
//! [`feed`] reads the segments, [`model`] and [`functions`] keep the readings, [`view`] has the user's choices, and [`draw`] renders a
//! screen of both.

mod draw;
mod feed;
mod functions;
mod model;
mod reading;
#[cfg(test)]
mod tests;
mod view;

use crate::{commands::Error, targets::Segments, text::utc};
use draw::{Scene, Theme};
use feed::Feeds;
use model::Model;
use ratatui::{DefaultTerminal, crossterm::event};
use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGTERM},
    iterator::Signals,
};
use std::{
    env,
    io::{self, IsTerminal},
    sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};
use view::{Flow, View};

const INTERVAL: Duration = Duration::from_secs(1);

/// What the main loop waits for.
enum ScreenEvent {
    Input(event::Event),
    /// A signal, or the end of the terminal's input.
    End,
}

/// Shows the segments until the user quits.
pub(crate) fn run(segments: Segments) -> Result<(), Error> {
    if !(io::stdin().is_terminal() && io::stdout().is_terminal()) {
        return Err(Error::NoScreen);
    }
    let (sender, events) = channel();
    report_signals(sender.clone()).map_err(Error::Screen)?;
    // The library restores the terminal when the program panics.
    let outcome = ratatui::try_init().and_then(|mut terminal| {
        report_input(sender)?;
        Top::new(segments).go_on(&mut terminal, &events)
    });
    ratatui::restore();
    outcome.map_err(Error::Screen)
}

fn report_signals(sender: Sender<ScreenEvent>) -> io::Result<()> {
    let mut signals = Signals::new([SIGHUP, SIGINT, SIGTERM])?;
    let forward = move || signals.forever().any(|_| sender.send(ScreenEvent::End).is_err());
    thread::Builder::new().name("signals".into()).spawn(forward)?;
    Ok(())
}

fn report_input(sender: Sender<ScreenEvent>) -> io::Result<()> {
    let forward = move || {
        while let Ok(input) = event::read() {
            if sender.send(ScreenEvent::Input(input)).is_err() {
                return;
            }
        }
        let _ = sender.send(ScreenEvent::End); // nobody listens any more
    };
    thread::Builder::new().name("input".into()).spawn(forward)?;
    Ok(())
}

/// The state of the program.
struct Top {
    feeds: Feeds,
    source: String,
    theme: Theme,
    model: Model,
    view: View,
    start: Instant,
}

impl Top {
    fn new(segments: Segments) -> Self {
        let has_colours = env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Self {
            source: segments.to_string(),
            feeds: Feeds::new(segments),
            theme: Theme::new(has_colours),
            model: Model::default(),
            view: View::default(),
            start: Instant::now(),
        }
    }

    fn go_on(&mut self, terminal: &mut DefaultTerminal, events: &Receiver<ScreenEvent>) -> io::Result<()> {
        let mut due = Instant::now();
        loop {
            if Instant::now() >= due {
                self.read();
                due = Instant::now() + INTERVAL;
            }
            self.draw(terminal)?;
            match events.recv_timeout(due.saturating_duration_since(Instant::now())) {
                Ok(ScreenEvent::Input(event::Event::Key(key))) if key.is_press() => {
                    if self.view.on_key(key) == Flow::Quit {
                        return Ok(());
                    }
                }
                Ok(ScreenEvent::Input(_)) | Err(RecvTimeoutError::Timeout) => {} // drawn anew, at the new size
                Ok(ScreenEvent::End) | Err(RecvTimeoutError::Disconnected) => return Ok(()),
            }
        }
    }

    fn read(&mut self) {
        if !self.view.paused {
            self.feeds.read_into(&mut self.model, self.start.elapsed());
        }
    }

    fn draw(&mut self, terminal: &mut DefaultTerminal) -> io::Result<()> {
        let now = SystemTime::now();
        let text = utc(now).unwrap_or_default();
        let scene = Scene {
            theme: self.theme,
            source: &self.source,
            now: now.duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64()),
            clock: text.split_once(' ').map_or("", |(_, clock)| clock),
        };
        terminal.draw(|frame| draw::draw(frame.buffer_mut(), &self.model, &mut self.view, &scene))?;
        Ok(())
    }
}
