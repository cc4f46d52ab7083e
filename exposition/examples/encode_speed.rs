//! How long a page takes, next to copying the same bytes:
//! `cargo run --release -p promshm-exposition --example encode_speed`.
//!
//! With the words `text counters` or the like it encodes two pages of 100,000 series and nothing else. The instructions
//! of the second one: `valgrind --tool=callgrind --toggle-collect='*counted_page*' encode_speed text counters`.

use promshm_exposition::{Encoder, Format};
use promshm_segment::{Definition, Family, GaugeMode, Kind, NativeBuckets};
use std::{hint::black_box, time::Instant};

const BOUNDS: [f64; 15] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];
const ROUNDS: usize = 101;

fn rows(name: &str, kind: Kind, count: usize, cells: impl Fn(usize) -> Vec<f64>) -> Family {
    let bounds: &[f64] = if kind == Kind::Histogram { &BOUNDS } else { &[] };
    let labels = ["queue", "job_class", "status"];
    let definition = Definition::new(name, "A measured family.", kind, &labels, bounds).expect("good");
    let mut family = Family::new(definition);
    for row in 0..count {
        let (queue, class) = (format!("queue-{}", row % 50), format!("App\\Jobs\\Handler{row:06}"));
        family.push([queue.as_str(), class.as_str(), "succeeded"], &cells(row));
    }
    family
}

/// A fiftieth as well, each with observations in 40 of the usual buckets.
fn natives() -> Family {
    let buckets = NativeBuckets::new(1.1, 1e-6, 65_536.0).expect("the usual buckets");
    let count =
        |row: usize, cell: usize| if (113..153).contains(&cell) { (row * 31 + cell * 7) as f64 } else { 0.0 };
    let cells = |row| (0..buckets.numbers()).map(|cell| count(row, cell)).collect();
    rows("native_seconds", Kind::NativeHistogram(buckets), 100_000 / 50, cells)
}

fn median_ms(mut work: impl FnMut()) -> f64 {
    let mut times: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            work();
            start.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[ROUNDS / 2]
}

fn measure(title: &str, families: &[Family]) {
    [Format::Text, Format::Protobuf].into_iter().for_each(|format| measure_format(title, families, format));
}

fn measure_format(title: &str, families: &[Family], format: Format) {
    let (mut encoder, mut page, mut copy) = (Encoder::new(format), Vec::new(), Vec::new());
    let start = Instant::now();
    encoder.encode(families, &mut page);
    let first = start.elapsed().as_secs_f64() * 1e3;
    let cached = median_ms(|| {
        page.clear();
        encoder.encode(black_box(families), &mut page);
    });
    let memcpy = median_ms(|| {
        copy.clear();
        copy.extend_from_slice(black_box(&page));
    });
    let ratio = cached / memcpy;
    let bytes = page.len();
    println!(
        "{title}, {}: {bytes} bytes; first {first:.2} ms, then {cached:.2} ms; memcpy {memcpy:.2} ms; {ratio:.2}x",
        format.as_str()
    );
}

/// A page whose prefixes are cached, alone in a function so that its instructions can be counted.
#[inline(never)]
fn counted_page(encoder: &mut Encoder, families: &[Family], page: &mut Vec<u8>) {
    encoder.encode(families, page);
}

fn count(format: &str, kind: &str) {
    let format = Format::ALL.into_iter().find(|known| known.as_str() == format).expect("a format");
    let histogram = |row: usize| (0..17).map(|cell| (row * 31 + cell * 7) as f64).collect();
    let mut families = match kind {
        "counters" => [rows("whole_total", Kind::Counter, 100_000, |row| vec![(row * 7919) as f64])],
        "gauges" => [rows("gauge", Kind::Gauge(GaugeMode::Last), 100_000, |row| vec![row as f64])],
        "natives" => [natives()],
        "histograms" => [rows("duration_seconds", Kind::Histogram, 100_000 / 50, histogram)],
        _ => panic!("counters, gauges, histograms or natives"),
    };
    (0..families[0].row_count()).for_each(|row| families[0].set_created(row, 1.7e9 + row as f64 / 8.0));
    let mut encoder = Encoder::new(format);
    let mut page = Vec::new();
    encoder.encode(&families, &mut page);
    page.clear();
    counted_page(&mut encoder, black_box(&families), &mut page);
    println!("{} bytes", page.len());
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if let [format, kind] = &words[..] {
        return count(format, kind);
    }
    for scale in [10_000, 100_000] {
        let histogram = |row: usize| (0..17).map(|cell| (row * 31 + cell * 7) as f64).collect();
        let whole = rows("whole_total", Kind::Counter, scale, |row| vec![(row * 7919) as f64]);
        let fraction = rows("seconds_total", Kind::Counter, scale, |row| vec![row as f64 * 0.137]);
        let gauge = rows("gauge", Kind::Gauge(GaugeMode::Last), scale, |row| vec![row as f64]);
        let histograms = rows("duration_seconds", Kind::Histogram, scale / 50, histogram);
        measure(&format!("{scale} counters, {} histograms", scale / 50), &[whole, histograms.clone()]);
        measure(&format!("{scale} fractions"), &[fraction]);
        measure(&format!("{scale} gauges"), &[gauge]);
        measure(&format!("{} histograms", scale / 50), &[histograms]);
    }
}
