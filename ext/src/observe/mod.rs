//! Metrics without code: listed functions are observed, whoever calls them.
//!
//! An internal function's handler is replaced once all modules have started; a script's function is rewritten while
//! it is compiled. Neither touches a function that is not listed, so nothing else pays. The engine's observer
//! interface, merely registered, makes every call of every script dearer.
//!
//! From the top: [`internal`] and [`user`] lead calls here; [`calls`] is the hot path, the stack of running calls and
//! their end; [`sites`] is what an interpreter knows of each function, [`families`] the metrics; [`plan`] is the list
//! that module startup has read, [`entry`] its grammar.

mod calls;
pub(crate) mod collect;
mod entry;
mod families;
mod internal;
mod overflow;
mod plan;
mod presets;
mod sites;
mod updates;
mod user;
mod values;

pub(crate) use calls::{at_fatal_error, begin_request, end_request, forked};
pub(crate) use user::register_attribute as register;

use crate::{
    engine::zval,
    session::{
        ini::{self, ObserveSettings},
        moves, work,
    },
};

/// Module startup: reads the list, and installs what it needs; nothing without a list.
pub(crate) fn startup() {
    let settings = ini::observe_settings();
    collect::startup();
    if settings.list.is_empty() && settings.file.is_empty() {
        return;
    }
    let text = text_of(&settings);
    let observe_user = settings.observe_user;
    let (plan, complaints) = plan::Plan::new(&text, settings);
    complaints.iter().for_each(|complaint| zval::warn(complaint));
    if plan.entries.is_empty() {
        return;
    }
    let plan = plan::install(plan);
    moves::listen(calls::follow);
    work::ask_for_first_call(calls::first_start);
    internal::install();
    if observe_user {
        user::install(plan);
    }
}

/// The entries of both settings, each on a line of its own.
fn text_of(settings: &ObserveSettings) -> Vec<(&'static str, String)> {
    let mut texts = vec![("promshm.observe", settings.list.clone())];
    if !settings.file.is_empty() {
        match std::fs::read(&settings.file) {
            Ok(bytes) => {
                let text = String::from_utf8_lossy(&bytes);
                let is_comment = |line: &str| {
                    let line = line.trim_start();
                    line.starts_with(';') || line.starts_with('#') && !line.starts_with("#[")
                };
                let lines = text.lines().filter(|line| !is_comment(line));
                texts.extend(lines.map(|line| ("promshm.observe_file", line.to_owned())));
            }
            Err(error) => {
                zval::warn(&format!("promshm.observe_file = {:?} is not read: {error}", settings.file));
            }
        }
    }
    texts
}

/// Module shutdown.
pub(crate) fn shutdown() {
    collect::shutdown();
    user::uninstall();
    internal::uninstall();
    plan::uninstall();
}

/// The rows of phpinfo.
pub(crate) fn info() -> Vec<(&'static str, String)> {
    let Some(plan) = plan::get() else { return Vec::new() };
    vec![
        ("Observed entries", plan.entries.len().to_string()),
        ("Observed internal functions", plan::internal_names().len().to_string()),
        ("Observed script functions", if user::is_installed() { "those listed" } else { "none" }.into()),
    ]
}
