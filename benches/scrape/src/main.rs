//! The parts of a scrape: `promshm-bench-scrape SERIES SLOTS counters|histograms|natives KEY [against] [EXPORTER]`.
//!
//! Makes a segment of its own under KEY, in which each slot has counted into every series, and prints
//! one line of `name=value` pairs: milliseconds (the median), bytes. With `against` it also lets the
//! `prometheus` crate build and encode the same families. With the path of an exporter it also measures whole scrapes
//! of that program. `promshm-bench-scrape generations SERIES SLOTS KEY` measures what a generation of the segment costs,
//! `promshm-bench-scrape count ROUNDS` what a count of the `prometheus` crate does.

mod against;
mod clock;
mod generations;
mod heap;
mod whole;

use promshm_exposition::{Encoder, Format, Gzip, PART};
use promshm_segment::{
    Config, Definition, Kind, NativeBuckets, Reader, SegmentName, Snapshot, Writer, format::hints,
    layout::PAGE_WORDS, os, shared_work,
};
use std::{env, fs::File, hint::black_box, io::Write, num::NonZeroUsize, thread, time::Instant};

const BOUNDS: [f64; 14] = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];
const LABELS: [&str; 3] = ["queue", "job", "status"];
/// The buckets in which a native histogram has observations: from 16 ms to half a second.
const NATIVE_CELLS: std::ops::Range<usize> = 113..153;
const ROUNDS: usize = 15;

fn main() {
    // As the exporter does.
    shared_work::allow(thread::available_parallelism().map_or(1, NonZeroUsize::get));
    let arguments: Vec<String> = env::args().skip(1).collect();
    if let [word, series, slots, key] = &arguments[..]
        && word == "generations"
    {
        let number = |text: &str| text.parse().expect("a number");
        println!("{}", generations::measure(number(series), number(slots), key));
        return;
    }
    if let [word, rounds] = &arguments[..]
        && word == "count"
    {
        println!("{}", against::count(rounds.parse().expect("a number")));
        return;
    }
    let [series, slots, kind, key, ..] = &arguments[..] else {
        panic!("SERIES SLOTS KIND KEY [against] [EXPORTER]")
    };
    let (series, slots) = (series.parse().expect("a number"), slots.parse().expect("a number"));
    let config = config(key.parse().expect("a segment's name"), series, slots);
    let definition = definition(kind);
    fill(&config, &definition, series, slots);
    let with_others = arguments.get(4).is_some_and(|word| word == "against");
    let rows = series as usize * slots as usize;
    let read = if kind == "natives" { read_used(rows) } else { read_once(rows * definition.cells()) };
    measure(config.name, read, with_others);
    if let Some(exporter) = arguments.get(4..).and_then(|words| words.iter().find(|word| word.contains('/')))
    {
        print!("{}", whole::whole(exporter, key));
    }
    println!();
    os::remove(&config.name).expect("our own segment can be removed");
}

fn config(name: SegmentName, series: u32, slots: u32) -> Config {
    Config { name, size: 16 << 30, max_series: series, max_processes: slots, ..Config::default() }
}

fn definition(kind: &str) -> Definition {
    let (kind, bounds) = match kind {
        "histograms" => (Kind::Histogram, &BOUNDS[..]),
        "natives" => {
            let buckets = NativeBuckets::new(1.1, 1e-6, 65_536.0).expect("the usual buckets");
            (Kind::NativeHistogram(buckets), &[][..])
        }
        _ => (Kind::Counter, &[][..]),
    };
    Definition::new("jobs", "Jobs done.", kind, &LABELS, bounds).expect("a good definition")
}

/// Each writer is a slot; to a reader, several in one process equal several processes.
fn fill(config: &Config, definition: &Definition, series: u32, slots: u32) {
    for slot in 0..slots {
        let mut writer = Writer::attach(config).expect("a segment");
        let family = writer.register(definition).expect("room for a family");
        for row in 0..series {
            let (queue, job) = (format!("queue-{}", row % 50), format!("App\\Jobs\\Handler{row:07}"));
            let cells =
                writer.resolve(family, &[&queue, &job, "succeeded"]).expect("room for a series").cells;
            let number = f64::from(row % 1000 + slot);
            if let Kind::NativeHistogram(_) = definition.kind {
                for cell in NATIVE_CELLS {
                    hints::observe_owned(cells, cell, number);
                    cells[cell].add_owned(number);
                }
            } else {
                cells.iter().for_each(|cell| cell.add_owned(number));
            }
        }
        std::mem::forget(writer); // the slot stays taken, as by a living process
    }
}

fn measure(name: SegmentName, read: f64, with_others: bool) {
    heap::restart();
    let start = Instant::now();
    let mut reader = Reader::attach(name).expect("the segment");
    let mut encoder = Encoder::default();
    // As the exporter does: the page is never in memory as a whole.
    let mut part = Vec::new();
    encoder.encode_in_parts(&reader.scrape().expect("a scrape").families, &mut part, Vec::clear);
    let first = milliseconds(start);
    let first_peak = heap::restart();
    let merges = times(|| drop(black_box(reader.scrape().map(|snapshot| snapshot.families.len()))));
    let (merge, merge_least) = (merges[ROUNDS / 2], merges[0]);
    part.clear();
    encoder.encode_in_parts(&reader.scrape().expect("a scrape").families, &mut part, Vec::clear);
    let peak = heap::restart();
    let snapshot = reader.scrape().expect("a scrape");
    let mut page = Vec::new();
    let encode = median(|| {
        page.clear();
        encoder.encode(&snapshot.families, &mut page);
    });
    let mut protobuf = Encoder::new(Format::Protobuf);
    let mut messages = Vec::new();
    protobuf.encode(&snapshot.families, &mut messages);
    let protobufs = times(|| {
        messages.clear();
        protobuf.encode(&snapshot.families, &mut messages);
    });
    let (encode_protobuf, protobuf_least) = (protobufs[ROUNDS / 2], protobufs[0]);
    let copy = cached_copy(&page);
    let (compress, compressed) = compressed(&page);
    let write = written(&page);
    print!(
        "first={first:.3} read={read:.3} merge={merge:.3} encode={encode:.3} copy={copy:.3} compress={compress:.3} \
         write={write:.3} "
    );
    print!("merge_least={merge_least:.3} protobuf={encode_protobuf:.3} protobuf_least={protobuf_least:.3} ");
    print!("protobuf_bytes={} ", messages.len());
    print!("bytes={} compressed={compressed} first_peak={first_peak} peak={peak}", page.len());
    if with_others {
        let (median, least) = against::prometheus_crate(snapshot);
        print!(" prometheus_crate={median:.3} prometheus_crate_cpu={least:.3}");
    }
}

/// The lower bound of an encoder: copies the cached prefix and a value for each line.
fn cached_copy(page: &[u8]) -> f64 {
    let lines: Vec<(Vec<u8>, Vec<u8>)> = page
        .split_inclusive(|byte| *byte == b'\n')
        .map(|line| {
            let value = line.iter().rposition(|byte| *byte == b' ').map_or(0, |at| at + 1);
            (line[..value].to_vec(), line[value..].to_vec())
        })
        .collect();
    let mut copy = Vec::with_capacity(page.len());
    median(|| {
        copy.clear();
        for (prefix, value) in &lines {
            copy.extend_from_slice(prefix);
            copy.extend_from_slice(value);
        }
        black_box(&copy);
    })
}

/// The lower bound of a merge: adds up the same number of cells, all in one row.
fn read_once(cells: usize) -> f64 {
    let memory: Vec<f64> = (0..cells).map(|cell| cell as f64).collect();
    median(|| {
        let (rows, rest) = memory.as_chunks::<16>();
        let sums = rows.iter().fold([0.0; 16], |sums, row| std::array::from_fn(|at| sums[at] + row[at]));
        black_box((sums, rest));
    })
}

/// The same for native histograms: reads what is used of so many pages, each with one series of one slot.
fn read_used(pages: usize) -> f64 {
    let memory: Vec<[f64; PAGE_WORDS]> = (0..pages).map(|page| [page as f64; PAGE_WORDS]).collect();
    median(|| {
        let sums = memory.iter().fold([0.0; 8], |sums, page| {
            let (used, _) =
                page[NATIVE_CELLS.start & !7..NATIVE_CELLS.end.next_multiple_of(8)].as_chunks::<8>();
            let sums: [f64; 8] = std::array::from_fn(|at| sums[at] + page[PAGE_WORDS / 2 + at]);
            used.iter().fold(sums, |sums, eight| std::array::from_fn(|at| sums[at] + eight[at]))
        });
        black_box(sums);
    })
}

fn compressed(page: &[u8]) -> (f64, usize) {
    let mut bytes = 0;
    let mut part = Vec::with_capacity(PART);
    let time = median(|| {
        let mut gzip = Gzip::new();
        for next in page.chunks(PART) {
            part.extend_from_slice(next);
            gzip.take(&mut part);
        }
        bytes = gzip.finish().len();
    });
    (time, bytes)
}

/// Writes the page to a pipe with a reader.
fn written(page: &[u8]) -> f64 {
    let (mut from, mut to) = std::io::pipe().expect("a pipe");
    let reader = thread::spawn(move || {
        let mut sink = File::create("/dev/null").expect("the sink");
        std::io::copy(&mut from, &mut sink)
    });
    let time = median(|| to.write_all(page).expect("a reader"));
    drop(to);
    let _all_read = reader.join();
    time
}

fn median(work: impl FnMut()) -> f64 {
    times(work)[ROUNDS / 2]
}

/// Milliseconds of each round, the least first.
fn times(mut work: impl FnMut()) -> Vec<f64> {
    let mut times: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            work();
            milliseconds(start)
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times
}

fn milliseconds(start: Instant) -> f64 {
    start.elapsed().as_secs_f64() * 1e3
}

/// The type of a snapshot.
type Page<'s> = &'s Snapshot;
