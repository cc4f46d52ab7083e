//! What a generation costs those who count and those who scrape: milliseconds of CPU time of the longest call and of all
//! calls, and of scrapes before it, while both halves are in use, and after it.

use crate::{LABELS, ROUNDS, clock::timed, config};
use promshm_segment::{Config, Definition, Kind, Reader, Writer, os};
use std::{fmt::Write as _, hint::black_box};

/// How many generations are measured; each number is their median.
const GENERATIONS: usize = 5;

/// Measures on a segment of its own, in which each slot has counted into every series. Returns `name=value` pairs.
pub(crate) fn measure(series: u32, slots: u32, key: &str) -> String {
    let name = key.parse().expect("a segment's name");
    let config = Config { max_series: 2 * series, ..config(name, series, slots) };
    let mut writers: Vec<Writer> = (0..slots).map(|_| Writer::attach(&config).expect("a segment")).collect();
    writers.iter_mut().for_each(|writer| count_all(writer, series));
    let mut reader = Reader::attach(config.name).expect("the segment");
    reader.scrape().expect("a scrape");
    let rounds: Vec<Vec<(&str, f64)>> = (0..GENERATIONS).map(|_| round(&mut writers, &mut reader)).collect();
    os::remove(&config.name).expect("our own segment can be removed");
    let mut line = String::new();
    for (at, (name, _)) in rounds[0].iter().enumerate() {
        let value = median(rounds.iter().map(|round| round[at].1).collect());
        write!(line, "{name}={value:.3} ").expect("memory");
    }
    line
}

fn count_all(writer: &mut Writer, series: u32) {
    let jobs = Definition::new("jobs", "Jobs done.", Kind::Counter, &LABELS, &[]).expect("a good definition");
    let family = writer.register(&jobs).expect("room for a family");
    for row in 0..series {
        let (queue, job) = (format!("queue-{}", row % 50), format!("App\\Jobs\\Handler{row:07}"));
        let found = writer.resolve(family, &[&queue, &job, "succeeded"]).expect("room for a series");
        found.cells[0].add_owned(1.0);
    }
}

/// One generation, from its beginning to its end.
fn round(writers: &mut [Writer], reader: &mut Reader) -> Vec<(&'static str, f64)> {
    let settled = median((0..ROUNDS).map(|_| scrape(reader)).collect());
    let begin = timed(|| assert!(writers[0].compact(), "a generation begins"));
    let (early, late) = writers.split_at_mut(writers.len() / 2);
    let early: Vec<f64> = early.iter_mut().map(|writer| timed(|| writer.tend())).collect();
    let first_in_both = scrape(reader);
    let in_both = median((0..ROUNDS).map(|_| scrape(reader)).collect());
    let late: Vec<f64> = late.iter_mut().map(|writer| timed(|| writer.tend())).collect();
    let give_back = timed(|| writers[0].tend());
    assert!(!writers[0].has_to_tend(), "all slots have turned, and the old half is given back");
    let first_after = scrape(reader);
    let calls = || [begin, give_back].into_iter().chain(early.iter().chain(&late).copied());
    vec![
        ("begin", begin),
        ("carry_and_make_records", early[0]),
        ("carry", median(late.clone())),
        ("give_back", give_back),
        ("longest_call", calls().fold(0.0, f64::max)),
        ("all_calls", calls().sum()),
        ("scrape", settled),
        ("scrape_first_in_both", first_in_both),
        ("scrape_in_both", in_both),
        ("scrape_first_after", first_after),
    ]
}

fn scrape(reader: &mut Reader) -> f64 {
    timed(|| _ = black_box(reader.scrape().expect("a scrape").families.len()))
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
