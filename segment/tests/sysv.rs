//! The suites on System V segments, in one program: each of its own would compile and link the same code again.
//! `posix.rs` runs them on POSIX objects; what only one kind has stands in a program of its own (see `Cargo.toml`).
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
#[path = "memory.rs"]
mod memory;
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

use std::path::Path;

/// What is in no program is not compiled, so nothing would tell that it is missing.
#[test]
fn every_suite_is_part_of_a_program() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests");
    let programs = [include_str!("sysv.rs"), include_str!("../Cargo.toml")];
    let posix = include_str!("posix.rs");
    let mut suites = 0;
    for entry in std::fs::read_dir(folder).expect("the folder of this test") {
        let name = entry.expect("readable").file_name().into_string().expect("a plain name");
        if Path::new(&name).extension().is_some_and(|extension| extension == "rs") {
            let named = |text: &&str| {
                text.contains(&format!("\"{name}\"")) || text.contains(&format!("tests/{name}\""))
            };
            assert!(programs.iter().any(named), "{name} is neither in sysv.rs nor in Cargo.toml");
            let is_included = |text: &str| text.contains(&format!("#[path = \"{name}\"]"));
            let is_of_both = is_included(programs[0]) && name != "memory.rs"; // which is neither kind
            assert!(!is_of_both || is_included(posix), "{name} is in sysv.rs and not in posix.rs");
            suites += 1;
        }
    }
    assert!(suites > 10, "{suites}");
}
