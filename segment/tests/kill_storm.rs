//! Hundreds of workers are killed at random instants; nothing that they reported is lost, and
//! nothing is counted that they did not begin. `PROMSHM_SOAK=1` kills thousands.

mod support;

use nix::sys::signal::Signal;
use promshm_segment::{
    Definition, GaugeMode, Kind, Reader, Stats, Writer, format::hints, snapshot::SlotState,
};
use std::time::{Duration, Instant};
use support::{
    workers::{Crew, LEAVE, START},
    *,
};

const COUNTERS: u8 = 12;
const HISTOGRAMS: u8 = 4;
const NATIVES: u8 = 4;
const SUMMARIES: u8 = 2;
/// All kinds of updates; those from `COUNTERS` on have a sum.
const KINDS: u8 = COUNTERS + HISTOGRAMS + NATIVES + SUMMARIES;
const WORKERS: u8 = 8;

fn definitions() -> [Definition; 5] {
    [
        counter("c", &["n"]),
        histogram_with("h", &["n"]),
        native_with("native", &["n"]),
        summary("s", &["n"]),
        gauge("alive", GaugeMode::Sum),
    ]
}

/// A worker's life: attaches, sets its bit in the gauge, then counts at random until it is killed.
/// Once in some thousands of updates it exits cleanly instead.
fn work(place: &Place, report: &mut workers::Report, worker: u8, seed: u64, generations: bool) {
    let [c, h, native, s, alive] = definitions();
    report.begin(START);
    let mut writer = place.writer();
    let family = writer.register(&alive).unwrap();
    let bit = writer.resolve(family, &[]).unwrap();
    bit.cells[0].set(if bit.shared { 0.0 } else { f64::from(1 << worker) });
    report.end(START);
    let mut random = Random(seed);
    let mut last = Instant::now();
    loop {
        if generations && last.elapsed() > Duration::from_millis(50) {
            last = Instant::now();
            writer.compact();
        }
        writer.tend();
        let kind = (random.next() % u64::from(KINDS)) as u8;
        report.begin(kind);
        update(&mut writer, [&c, &h, &native, &s], kind);
        report.end(kind);
        if random.next().is_multiple_of(5000) {
            report.begin(LEAVE);
            writer.clean_exit(random.next().is_multiple_of(2));
            report.end(LEAVE);
            return;
        }
    }
}

fn update(writer: &mut Writer, [c, h, native, s]: [&Definition; 4], kind: u8) {
    let label = kind.to_string();
    if kind < COUNTERS {
        return count(writer, c, &[&label], 1.0);
    }
    if kind >= COUNTERS + HISTOGRAMS + NATIVES {
        // Where two without a slot meet in one place of a shared ring, one of the samples may be dropped.
        let _kept = sample(writer, s, &[&label], promshm_segment::clock::now(), f64::from(kind));
        return;
    }
    let histogram = if kind < COUNTERS + HISTOGRAMS { h } else { native };
    let family = writer.register(histogram).unwrap();
    let series = writer.resolve(family, &[&label]).unwrap();
    if let Kind::NativeHistogram(buckets) = histogram.kind {
        let observe = if series.shared { hints::observe_shared } else { hints::observe_owned };
        return observe(series.cells, usize::from(kind) % (buckets.numbers() - 1), f64::from(kind));
    }
    let add = |cell: usize, by| {
        let cell = &series.cells[cell];
        if series.shared { cell.add_shared(by) } else { cell.add_owned(by) }
    };
    let sum = series.cells.len() - 1;
    add(usize::from(kind) % sum, 1.0);
    add(sum, f64::from(kind));
}

/// The numbers of a scrape that must never decrease.
#[derive(Debug, Clone, PartialEq)]
struct Totals {
    by_kind: Vec<f64>,
    sums: Vec<f64>,
    alive: u64,
    stats: Stats,
}

fn scrape(reader: &mut Reader) -> Totals {
    let snapshot = reader.scrape().expect("a scrape");
    let mut by_kind = vec![0.0; usize::from(KINDS)];
    let (mut sums, mut alive) = (by_kind.clone(), 0);
    for family in &snapshot.families {
        for row in family.rows() {
            let kind = row.labels().next().map_or(0, |label| label.parse::<usize>().unwrap());
            match family.definition.name.as_str() {
                "c" => by_kind[kind] = row.values()[0],
                "h" | "native" => {
                    let (sum, counts) = row.values().split_last().unwrap();
                    (by_kind[kind], sums[kind]) = (counts.iter().sum(), *sum);
                }
                "s" => {
                    let [median, highest, sum, count] = *row.values() else { unreachable!() };
                    let whole = |value: f64| value.is_nan() || value.to_bits() == (kind as f64).to_bits();
                    assert!(whole(median) && whole(highest), "a torn sample: {median} {highest}");
                    (by_kind[kind], sums[kind]) = (count, sum);
                }
                _ => alive = row.values()[0] as u64,
            }
        }
    }
    Totals { by_kind, sums, alive, stats: snapshot.stats.clone() }
}

impl Totals {
    /// No number decreased since `before`.
    fn assert_after(&self, before: &Self) {
        let pairs = self.by_kind.iter().zip(&before.by_kind).chain(self.sums.iter().zip(&before.sums));
        assert!(pairs.clone().all(|(now, then)| now >= then), "{before:?}\n{self:?}");
        let counters =
            |stats: &Stats| [stats.worker_starts, stats.exits_clean, stats.exits_fatal, stats.exits_abrupt];
        let pairs = counters(&self.stats).into_iter().zip(counters(&before.stats));
        assert!(pairs.clone().all(|(now, then)| now >= then), "{before:?}\n{self:?}");
        assert_eq!(self.stats.corrupt_records, 0);
    }

    /// Without living processes no sum is ahead of its count: a death loses a part of the sum, never a count.
    fn assert_sums_lag(&self) {
        for kind in usize::from(COUNTERS)..self.by_kind.len() {
            assert!(self.sums[kind] <= self.by_kind[kind] * kind as f64, "series {kind}: {self:?}");
        }
    }

    /// reported ≤ total ≤ begun, series by series; a histogram's sum lags by what died in flight.
    fn assert_within(&self, ended: &[u64], begun: &[u64]) {
        for kind in 0..self.by_kind.len() {
            let total = self.by_kind[kind];
            let (least, most) = (ended[kind] as f64, begun[kind] as f64);
            assert!((least..=most).contains(&total), "series {kind}: {least} ≤ {total} ≤ {most}");
            if kind >= usize::from(COUNTERS) {
                let (sum, value) = (self.sums[kind], kind as f64);
                let right = sum >= least * value && sum <= most * value;
                assert!(right, "series {kind}: sum {sum} of {least} ≤ {total} ≤ {most}");
            }
        }
    }
}

/// Kills, restarts, scrapes and compares until `kills` workers have died.
fn murder(place: &Place, kills: u64, own_slots: bool, generations: bool) -> Totals {
    let mut crew =
        Crew::start(WORKERS, |report, worker, seed| work(place, report, worker, seed, generations));
    let mut random = Random(7);
    crew.wait_for_starts();
    let mut reader = place.reader();
    let mut before = scrape(&mut reader);
    let mut looks = 0;
    while crew.kills < kills {
        std::thread::sleep(Duration::from_micros(random.next() % 3000));
        crew.drain();
        let ended = crew.ended.clone();
        let now = scrape(&mut reader);
        crew.drain();
        now.assert_after(&before);
        now.assert_within(&ended, &crew.begun);
        before = now;
        crew.replace((random.next() % u64::from(WORKERS)) as u8);
        looks += 1;
        if looks % 10 == 0 {
            standstill(&mut crew, &mut reader, own_slots);
        }
    }
    crew.kill_all();
    let at_rest = scrape(&mut place.reader());
    at_rest.assert_after(&before);
    at_rest.assert_within(&crew.ended, &crew.begun);
    at_rest.assert_sums_lag();
    let updates: u64 = crew.ended[..usize::from(KINDS)].iter().sum();
    println!(
        "kills: {}, clean exits: {}, updates: {updates}, scrapes: {looks}",
        crew.kills, crew.clean_exits
    );
    assert!(updates > kills && looks > 0, "something was counted and compared");
    let Stats { worker_starts, exits_clean, exits_fatal, exits_abrupt, .. } = at_rest.stats;
    let clean_exits = exits_clean + exits_fatal;
    assert!(crew.reported(START).contains(&worker_starts));
    assert!(crew.reported(LEAVE).contains(&clean_exits));
    if own_slots {
        assert_eq!(exits_abrupt, worker_starts - clean_exits, "each of the others was killed");
        assert!(crew.kills - exits_abrupt <= crew.kills_outside_work, "{} kills", crew.kills);
    }
    at_rest
}

/// While all are stopped the gauge is exactly the living workers' bits.
fn standstill(crew: &mut Crew, reader: &mut Reader, own_slots: bool) {
    crew.signal_all(Signal::SIGSTOP);
    crew.drain();
    let Totals { alive, stats, .. } = scrape(reader);
    if own_slots {
        let (surely, perhaps) = (crew.started(), crew.perhaps_started());
        assert_eq!(alive & surely, surely, "{alive:b} has the bit of every worker that has set its own");
        assert_eq!(alive & !perhaps, 0, "{alive:b} has no dead worker's bit");
        // While a process carries a dead one's slot, nobody can claim that.
        let most = usize::from(WORKERS) * if stats.generation > 0 { 2 } else { 1 };
        assert!(stats.slots.len() <= most + 1, "slots follow the peak of concurrency");
        assert!(stats.slots_in(SlotState::Live) <= u64::from(WORKERS));
    }
    crew.signal_all(Signal::SIGCONT);
}

#[test]
fn nothing_is_lost_when_processes_are_killed() {
    let _watchdog = Watchdog::new();
    let mut place = Place::new();
    place.config.summary_samples = 64;
    murder(&place, if soak() { 5000 } else { 312 }, true, false);
}

#[test]
fn nothing_is_lost_when_processes_in_the_shared_slot_are_killed() {
    let _watchdog = Watchdog::new();
    let mut place = Place::new();
    (place.config.max_processes, place.config.summary_samples) = (3, 64);
    murder(&place, if soak() { 2000 } else { 150 }, false, false);
}

/// Every worker begins one 50 ms after the last that it began, and all carry what the dead have left.
#[test]
fn nothing_is_lost_when_processes_are_killed_while_generations_begin() {
    let _watchdog = Watchdog::new();
    let mut place = Place::new();
    place.config.summary_samples = 64;
    let at_rest = murder(&place, if soak() { 5000 } else { 300 }, true, true);
    println!("generations: {}", at_rest.stats.generation);
    assert!(at_rest.stats.generation > 10, "only {} generations", at_rest.stats.generation);
}

/// Every kill is counted, exactly, when the dead had counted themselves in.
#[test]
fn each_kill_is_one_abrupt_exit() {
    let _watchdog = Watchdog::new();
    let place = Place::new();
    let kills = if soak() { 2000 } else { 200 };
    let c = counter("c", &[]);
    for _ in 0..kills {
        Child::run(|| count(&mut place.writer(), &c, &[], 1.0)).kill();
    }
    let stats = place.reader().scrape().unwrap().stats.clone();
    println!("kills: {kills}");
    assert_eq!((stats.worker_starts, stats.exits_abrupt), (kills, kills));
    assert_eq!(value(&mut place.reader(), "c"), Some(kills as f64));
}

/// Memory and the work of a scrape follow the peak of concurrency, not the number of processes.
#[test]
fn short_lived_processes_leave_nothing_behind() {
    let _watchdog = Watchdog::new();
    let place = Place::new();
    let c = counter("c", &["n"]);
    let life = |n: u32| {
        let mut writer = place.writer();
        count(&mut writer, &c, &[&(n % 10).to_string()], 1.0);
        if !n.is_multiple_of(3) {
            writer.clean_exit(n % 3 == 1);
        }
    };
    let lives: u32 = if soak() { 50_000 } else { 2_000 };
    (0..10).for_each(|n| Child::run(|| life(n)).end());
    let mut reader = place.reader();
    let first = reader.scrape().unwrap().stats.clone();
    (10..lives).for_each(|n| Child::run(|| life(n)).end());
    let last = reader.scrape().unwrap().stats.clone();
    println!("processes: {lives}, used: {} bytes", last.used_bytes);
    assert_eq!(
        (last.used_bytes, last.slots.len(), last.leaked_bytes),
        (first.used_bytes, first.slots.len(), 0)
    );
    let total: f64 = rows(&mut reader, "c").iter().map(|(_, values)| values[0]).sum();
    assert!((total - f64::from(lives)).abs() < 1e-9);
    assert_eq!(last.exits_clean + last.exits_fatal + last.exits_abrupt, u64::from(lives));
    assert_eq!(last.exits_abrupt, u64::from(lives.div_ceil(3)));
}

/// 200 processes find no segment at the same instant. One segment, one set, 200 slots, 200 counts.
#[test]
fn concurrent_creation_makes_one_segment() {
    let _watchdog = Watchdog::new();
    let rounds = if soak() { 50 } else { 3 };
    for _ in 0..rounds {
        let mut place = Place::new();
        place.config.max_processes = 256;
        let (racers, slots) = workers::race(200, || {
            let mut writer = place.writer();
            count(&mut writer, &counter("c", &[]), &[], 1.0);
            let slot = writer.slot();
            std::mem::forget(writer);
            slot as u16
        });
        let distinct: std::collections::BTreeSet<_> = slots.iter().collect();
        assert_eq!((slots.len(), distinct.len()), (200, 200), "no slot is given twice");
        assert!(!distinct.contains(&0), "and each has its own");
        assert_eq!(value(&mut place.reader(), "c"), Some(200.0));
        let stats = place.reader().scrape().unwrap().stats.clone();
        assert_eq!((stats.worker_starts, stats.slots_in(SlotState::Live)), (200, 200));
        assert_eq!(stats.liveness, promshm_segment::snapshot::Liveness::Kernel);
        assert_eq!((kernel_objects("shm", &place), kernel_objects("sem", &place)), (1, 1));
        drop(racers);
    }
    println!("racers: {}", 200 * rounds);
}
