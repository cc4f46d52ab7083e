//! The output of `phpinfo()` and `php --ri promshm`.

use crate::{
    classes::segment,
    engine::{panic::catch_panic, zval, zval::guarded},
    observe,
    session::{attachment, error_text, ini},
};
use ext_php_rs::{info_table_end, info_table_row, info_table_start, zend::ModuleEntry};
use promshm_segment::Stats;

/// Prints the table.
pub(crate) extern "C" fn info(module: *mut ModuleEntry) {
    catch_panic(|| {
        let rows = rows();
        guarded(|| {
            info_table_start!();
            for (name, value) in &rows {
                info_table_row!(*name, value.as_str());
            }
            info_table_end!();
            zval::print_ini(module);
        });
    });
}

fn settings(stats: &Stats) -> String {
    let differences = segment::differences(stats);
    error_text::other_settings(ini::config().name, &differences).unwrap_or_else(|| "the segment's own".into())
}

fn rows() -> Vec<(&'static str, String)> {
    let process = attachment::status();
    let state_text = match (ini::enabled(), &process.error, process.attached) {
        (false, _, _) => "disabled (promshm.enabled=0)".into(),
        (true, Some(error), _) => format!("metrics are not stored: {error}"),
        (true, None, true) => "attached".into(),
        (true, None, false) => "enabled, attaches at the first update".into(),
    };
    let mut rows = vec![
        ("Status", state_text),
        ("Version", env!("CARGO_PKG_VERSION").into()),
        ("Segment", ini::config().name.to_string()),
        ("Slot", process.slot.map_or("none".into(), |slot| slot.to_string())),
    ];
    match segment::stats() {
        Err(_) if !ini::enabled() => {}
        Err(error) => rows.push(("Segment state", error_text::read_error(&error))),
        Ok(stats) => rows.extend([
            ("Bytes used / reserved", format!("{} / {}", stats.used_bytes, stats.reserved_bytes)),
            ("Series used / limit", format!("{} / {}", stats.series, stats.max_series)),
            ("Updates dropped", stats.dropped.iter().sum::<u64>().to_string()),
            ("Liveness mode", stats.liveness.as_str().into()),
            ("Settings", settings(&stats)),
        ]),
    }
    rows.extend(observe::info());
    rows
}
