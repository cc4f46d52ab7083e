//! The work of the reader grows linearly: instructions of a scrape, counted by valgrind, for a
//! segment and for one of eight times its size. Instructions, not time: they are the same on a busy machine.

mod support;

use promshm_segment::{Definition, GaugeMode};
use std::process::Command;
use support::*;

const SHAPE: &str = "PROMSHM_TEST_SHAPE";

/// Fills a segment with a number of items.
type Grow = fn(&Place, usize);

/// Segments of which a part grows with `n`.
const SHAPES: [(&str, Grow); 4] = [
    ("summary families", |place, n| families(place, n, |name| summary(name, &[]))),
    ("gauge families told apart by process", |place, n| {
        families(place, n, |name| gauge(name, GaugeMode::All));
    }),
    ("series of a summary", |place, n| series(place, n, &summary("s", &["n"]))),
    ("superseded families", |place, n| {
        families(place, n, |name| counter(name, &["a"]));
        families(place, n, |name| counter(name, &["b"]));
    }),
];

fn families(place: &Place, n: usize, definition: impl Fn(&str) -> Definition) {
    let mut writer = place.writer();
    for number in 0..n {
        let definition = definition(&format!("m{number}"));
        let labels = vec!["x"; definition.label_names.len()];
        let family = writer.register(&definition).expect("room");
        writer.resolve(family, &labels).expect("room").cells[0].set(1.0);
    }
    std::mem::forget(writer);
}

fn series(place: &Place, n: usize, definition: &Definition) {
    let mut writer = place.writer();
    let family = writer.register(definition).expect("room");
    for number in 0..n {
        writer.resolve(family, &[&number.to_string()]).expect("room").cells[0].set(1.0);
    }
}

/// Fills a segment and scrapes it so often; runs under valgrind.
#[test]
#[ignore = "the program that is counted by the other test"]
fn counted_program() {
    let Ok(asked) = std::env::var(SHAPE) else { return };
    let numbers: Vec<usize> = asked.split(' ').map(|number| number.parse().expect("a number")).collect();
    let [shape, n, scrapes] = numbers[..] else { panic!("{asked}") };
    let mut place = Place::new();
    (place.config.size, place.config.max_series, place.config.summary_samples) = (256 << 20, 10_000, 1);
    SHAPES[shape].1(&place, n);
    let mut reader = place.reader();
    for _ in 0..scrapes {
        assert!(reader.scrape().expect("readable").stats.series >= n as u64 / 2);
    }
}

/// Instructions of the program.
fn instructions(shape: usize, n: usize, scrapes: usize) -> u64 {
    let program = std::env::current_exe().expect("the test binary");
    let mut command = Command::new("valgrind");
    command.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]).arg(program);
    command.args(["--ignored", "--exact", "counted_program"]).env(SHAPE, format!("{shape} {n} {scrapes}"));
    let output = command.output().expect("valgrind is installed (make testdeps)");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stdout));
    // The child that tries the kernel's liveness has a sum too, before that of the program.
    let line =
        text.lines().filter_map(|line| line.split_once("Collected : ")).next_back().expect("the sum").1;
    line.trim().parse().expect("a number")
}

#[test]
fn instructions_of_a_scrape_grow_no_faster_than_the_segment() {
    for (shape, (name, _)) in SHAPES.iter().enumerate() {
        let of = |n| {
            // All up to the first scrape, which takes all in, and a later one.
            let [one, three] = [1, 3].map(|scrapes| instructions(shape, n, scrapes));
            (one, three.saturating_sub(one) / 2)
        };
        let (few, many) = (of(125), of(1000));
        println!("{name}: first {} and {}, later {} and {}", few.0, many.0, few.1, many.1);
        assert!(few.1 > 10_000, "{name}: {few:?} is no scrape");
        assert!(
            many.0 < 8 * few.0 && many.1 < 8 * few.1,
            "{name}: {few:?}, but {many:?} for eight times as many"
        );
    }
}
