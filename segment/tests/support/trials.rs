//! The operations that are interrupted at each crash point, and the invariants afterwards.

use super::*;

/// The definitions that the workers of these tests use.
pub fn jobs() -> Definition {
    counter("jobs", &["queue"])
}

pub fn tiny_place() -> Place {
    let mut place = Place::new();
    place.config.max_series = 8;
    place.config.max_processes = 4;
    place.config.size = 1 << 20;
    (place.config.summary_samples, place.config.series_ttl) = (16, 3600);
    place
}

/// The time of all samples.
pub const NOW: u64 = 1_000_000_000_000;

/// One of each kind, so that every way of registration and page allocation is taken.
pub fn count_all(writer: &mut Writer, by: f64) {
    count(writer, &jobs(), &["mail"], by);
    observe(writer, &histogram("seconds"), 0.3, by as u64);
    sample(writer, &summary("sizes", &[]), &[], NOW, by);
    set(writer, &gauge("busy", GaugeMode::Sum), by);
    set(writer, &gauge("load", GaugeMode::Last), by);
}

pub fn jobs_total(reader: &mut Reader) -> f64 {
    rows(reader, "jobs").iter().map(|(_, values)| values[0]).sum()
}

/// The state of a segment at the end.
#[derive(Default)]
pub struct Aftermath {
    pub leaked: u64,
    pub used: u64,
}

/// Checks the state after all processes have ended, of which at most two lived at a time.
pub fn at_rest(place: &Place) -> Aftermath {
    at_rest_after(place, 2)
}

/// Checks the state after all processes have ended: every start has an exit, and leaks are reported exactly.
/// `peak` is how many slots were owned at a time; the shared one comes on top.
pub fn at_rest_after(place: &Place, peak: usize) -> Aftermath {
    let mut reader = place.reader();
    let stats = reader.scrape().unwrap().stats.clone();
    let ends = stats.exits_clean + stats.exits_fatal + stats.exits_abrupt;
    assert_eq!(stats.worker_starts, ends, "{stats:?}");
    assert_eq!((stats.slots_in(SlotState::Live), stats.corrupt_records), (0, 0));
    assert!(stats.slots.len() <= 1 + peak, "{peak} slots were owned at a time: {stats:?}");
    assert!(stats.leaked_series <= 1);
    let room = stats.max_series - stats.series - stats.leaked_series;
    assert_eq!(fill_up(place), room, "the limit holds what is shown, and what is shown as leaked");
    Aftermath { leaked: stats.leaked_bytes, used: stats.used_bytes }
}

/// How many series still fit.
pub fn fill_up(place: &Place) -> u64 {
    let mut writer = place.writer();
    let family = writer.register(&counter("filler", &["n"])).unwrap();
    let made = (0..20).take_while(|n: &i32| writer.resolve(family, &[&n.to_string()]).is_ok()).count();
    writer.clean_exit(false);
    made as u64
}

pub fn nothing(_: &Place) {}

/// A worker that has counted and died, so that its next owner has a per-process plane to clear.
pub fn a_life(place: &Place) {
    Child::run(|| count_all(&mut place.writer(), 3.0)).kill();
}

/// A process that has counted each series once.
pub fn known(place: &Place) -> Writer {
    let mut writer = place.writer();
    count_all(&mut writer, 1.0);
    writer
}

pub fn observe_thrice(_: &Place, writer: &mut Option<Writer>) {
    observe(writer.as_mut().unwrap(), &histogram("seconds"), 0.3, 3);
}

pub fn exit_cleanly(_: &Place, writer: &mut Option<Writer>) {
    writer.take().unwrap().clean_exit(false);
}

pub fn wipe(_: &Place, writer: &mut Option<Writer>) {
    writer.take().unwrap().wipe().unwrap();
}

pub fn remove_jobs(writer: &mut Writer) {
    let family = writer.register(&jobs()).unwrap();
    assert!(writer.remove(family, &["mail"]));
}
