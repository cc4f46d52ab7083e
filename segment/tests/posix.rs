//! The suites of `sysv.rs` on POSIX objects (see `support::POSIX`), and tests of POSIX objects only.
#![allow(clippy::duplicate_mod)] // each suite brings its own `support`

#[path = "bounds.rs"]
mod bounds;
#[path = "churn.rs"]
mod churn;
#[path = "corruption.rs"]
mod corruption;
#[path = "counting.rs"]
mod counting;
#[path = "crash_points.rs"]
mod crash_points;
#[path = "definitions.rs"]
mod definitions;
#[path = "environments.rs"]
mod environments;
#[path = "exemplars.rs"]
mod exemplars;
#[path = "generations.rs"]
mod generations;
#[path = "kill_storm.rs"]
mod kill_storm;
#[path = "limits.rs"]
mod limits;
#[path = "posix/objects.rs"]
mod objects;
#[path = "records.rs"]
mod records;
#[path = "runtime.rs"]
mod runtime;
#[path = "settings.rs"]
mod settings;
#[path = "sigstop.rs"]
mod sigstop;
#[path = "summaries.rs"]
mod summaries;
#[path = "times.rs"]
mod times;
