//! A segment that is used for years: series come and go, and processes are killed among them.
//! `PROMSHM_SOAK=1` makes ten million series.

mod support;

use promshm_segment::Writer;
use std::time::Duration;
use support::{
    workers::{Crew, Report, START},
    *,
};

const WORKERS: u8 = 8;
/// Series of each worker that exist at a time.
const ALIVE: u64 = 125;
/// Most series that a worker makes while a generation is not complete: all of them together leave room in the index.
const BEHIND: u64 = 1000;
/// The report of a series that was made and counted.
const MADE: u8 = 1;
/// Reported for each update that found no room.
const DROPPED: u8 = 2;
/// What each series counts.
const VALUE: f64 = 3.0;

fn definition() -> promshm_segment::Definition {
    counter("c", &["worker", "number"])
}

/// Makes series, each under a name of its own, and removes the one that it made `ALIVE` ones ago.
fn work(place: &Place, report: &mut Report, worker: u8, seed: u64) {
    let mut writer = place.writer();
    assert_ne!(writer.slot(), 0);
    let name = worker.to_string();
    let family = writer.register(&definition()).unwrap();
    writer.remove_matching(family, &[Some(&name), None]); // its predecessor's
    report.begin(START);
    report.end(START);
    count(&mut writer, &counter("starts", &[]), &[], 1.0);
    for number in seed.. {
        report.begin(MADE);
        if make(&mut writer, [&name, &number.to_string()]) {
            report.end(MADE);
        } else {
            report.begin(DROPPED);
        }
        writer.remove(family, &[&name, &number.wrapping_sub(ALIVE).to_string()]);
        // A process that the scheduler leaves out holds up a generation, while the others fill the segment.
        while number % BEHIND == 0 && writer.has_to_tend() {
            writer.tend();
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

fn make(writer: &mut Writer, labels: [&str; 2]) -> bool {
    let family = writer.register(&definition()).expect("a family that is known");
    for _ in 0..VALUE as u32 {
        match writer.resolve(family, &labels) {
            Ok(series) => series.cells[0].add_owned(1.0),
            Err(_) => return false,
        }
    }
    true
}

#[test]
fn series_come_and_go_for_years() {
    let _watchdog = Watchdog::new();
    let mut place = Place::new();
    (place.config.size, place.config.max_series, place.config.max_processes) = (64 << 20, 30_000, 16);
    let (all, every) = if soak() { (10_000_000, 2000) } else { (500_000, 500) };
    let mut crew = Crew::start(WORKERS, |report, worker, seed| work(&place, report, worker, seed >> 8));
    crew.wait_for_starts();
    let mut reader = place.reader();
    let (mut settled, mut most, mut next_kill) = (0, 0, every);
    let mut random = Random(5);
    while crew.ended[usize::from(MADE)] < all {
        std::thread::sleep(Duration::from_millis(5));
        crew.drain();
        let made = crew.ended[usize::from(MADE)];
        most = most.max(resident(&place));
        if made < all / 4 {
            settled = most;
        }
        if made >= next_kill {
            next_kill = made + all / every;
            crew.replace((random.next() % u64::from(WORKERS)) as u8);
            let stats = &reader.scrape().unwrap().stats;
            assert_eq!((stats.dropped.iter().sum::<u64>(), stats.corrupt_records), (0, 0));
            assert!(stats.series < 1200, "{} series", stats.series);
        }
    }
    crew.kill_all();
    assert_eq!(crew.begun[usize::from(DROPPED)], 0, "nothing was dropped");
    let series = rows(&mut reader, "c");
    assert!(series.len() > 500, "{} series are alive", series.len());
    let last = u64::from(WORKERS);
    let partly = series.iter().filter(|(_, values)| values[0] < VALUE).count() as u64;
    assert!(partly <= last, "{partly} are not complete: only what a worker was killed at may be so");
    assert!(series.iter().all(|(_, values)| values[0] <= VALUE), "no series counted what another one did");
    let begun = value(&mut reader, "starts").unwrap();
    assert!(
        crew.reported(START).contains(&(begun as u64))
            || begun as u64 + last >= crew.ended[usize::from(START)]
    );
    let stats = reader.scrape().unwrap().stats.clone();
    println!(
        "series: {}, kills: {}, generations: {}, resident: {settled} then {most} bytes",
        crew.ended[usize::from(MADE)],
        crew.kills,
        stats.generation
    );
    assert!(most <= settled + settled / 2, "{most} bytes after {settled}");
    assert!(stats.generation > all / 50_000, "{} generations", stats.generation);
}
