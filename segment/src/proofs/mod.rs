//! Exhaustive tests of the publication protocols: they run under loom, which tries all
//! interleavings (with at most [`PREEMPTIONS`] forced ones) and all values that a weakly ordered
//! processor may read. Processes are threads here, each with a writer of its own over the same words.
//!
//! Run by `segment/proofs.sh`. Each proof says how many executions it explored, and fails on none.

mod generations;
mod places;
mod samples;
mod slots;

use crate::{
    config::SegmentName,
    definition::{Definition, GaugeMode, Kind},
    format::{
        header::{check, hash_key},
        index,
        index::Found,
        series::{GONE, SeriesRecord, state},
        strings::pack_strings,
    },
    layout::{
        FRESH, Geometry, Half, IDENTITY, PAGE, PAGE_WORDS, Plane, Population, READY, Shape, UNSET, header,
    },
    memory::{atomic::Word, mapping::Mapping, view::View},
    reader::{Catalogue, Sight},
    writer::{FamilyId, Writer, prepare},
};
use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicUsize, Ordering::Relaxed},
};

const PREEMPTIONS: usize = 2;
const SHAPE: Shape = Shape { max_series: 4, max_processes: 1, max_label_length: 64 };

static EXECUTIONS: AtomicUsize = AtomicUsize::new(0);
/// How often each of the two outcomes of a scene occurred.
static OUTCOMES: [AtomicUsize; 2] = [AtomicUsize::new(0), AtomicUsize::new(0)];

fn note(outcome: bool) {
    OUTCOMES[usize::from(outcome)].fetch_add(1, Relaxed);
}

/// Tries all orders of `scene`. Its threads do the work: loom tries no orders of the first one's steps.
fn explore(name: &str, scene: impl Fn() + Sync + Send + 'static) {
    explore_within(PREEMPTIONS, name, scene);
}

/// Tries those orders in which threads are interrupted at most so often.
fn explore_within(preemptions: usize, name: &str, scene: impl Fn() + Sync + Send + 'static) {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let executed = || EXECUTIONS.swap(0, Relaxed);
    let outcomes = || OUTCOMES.each_ref().map(|count| count.swap(0, Relaxed));
    let _of_others = (executed(), outcomes());
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(preemptions);
    model.max_branches = 100_000;
    model.check(move || {
        EXECUTIONS.fetch_add(1, Relaxed);
        scene();
    });
    let (executions, [one, other]) = (executed(), outcomes());
    println!("proof: {name}: {executions} executions, outcomes {one} and {other}");
    assert!(executions > 20, "{name} proved nothing");
    assert_eq!(one == 0, other == 0, "{name} always came out the same way");
}

fn segment() -> View {
    let size = Geometry::new(SHAPE, 0).unwrap_err() + 4 * PAGE; // the least, and room for some records
    let mapping = Mapping::heap(size);
    prepare(&mapping, SHAPE);
    View::new(mapping, Geometry::new(SHAPE, size).unwrap())
}

/// The segment as another process views it.
fn share(view: &View) -> View {
    View::new(view.share().unwrap(), view.geometry)
}

fn process(mapping: &Mapping, slot: usize) -> Writer {
    Writer::over(mapping.share().unwrap(), slot).unwrap()
}

fn definition(kind: Kind) -> Definition {
    Definition::new("m", "", kind, &["l"], &[]).unwrap()
}

/// Records that the index refers to, and whether each is removed.
fn published(view: &View) -> Vec<(SeriesRecord, bool)> {
    let entries = (0..view.geometry.index_words)
        .map(|place| index::word(view, half(view), place).unwrap().load_acquire());
    let series = entries.filter(|entry| *entry != 0).filter_map(|entry| {
        let offset = index::offset_of(entry);
        let gone = SeriesRecord::removed(view, offset).is_some_and(|flag| state(flag.load_relaxed()) == GONE);
        Some((SeriesRecord::parse(view, offset).ok()?, gone))
    });
    series.collect()
}

/// The half of generation 0.
fn half(view: &View) -> &Half {
    view.geometry.half(0)
}

fn population(view: &View) -> (u64, u64) {
    let Population { series, entries } = view.population(half(view));
    (series, entries)
}

/// A lookup finds either nothing or a complete record.
fn look_up(view: &View, family: u64, label: &str) -> bool {
    let labels = pack_strings([label]);
    let hash = SeriesRecord::hash(hash_key(view), family, &labels);
    match index::search(view, half(view), hash, |_| true) {
        Found::Record { entry, .. } => {
            let offset = index::offset_of(entry);
            assert!(SeriesRecord::is_at(view, offset, hash, family, &labels), "half a record");
            true
        }
        Found::Empty { .. } => false,
        Found::Full => panic!("there is room"),
    }
}

#[test]
fn concurrent_registrations_of_one_series_share_a_record() {
    explore("one series, two processes", || {
        let view = segment();
        let definition = definition(Kind::Counter);
        let family = process(&view, 0).register(&definition).unwrap();
        // Its page exists, because another proof is about pages.
        process(&view, 0).resolve(family, &["w"]).unwrap();
        let register = |slot| {
            let mut writer = process(&view, slot);
            loom::thread::spawn(move || {
                writer.resolve(family, &["x"]).unwrap().cells[0].add_shared(1.0);
            })
        };
        let others = [register(0), register(0)];
        others.map(|other| other.join().unwrap());
        assert_eq!(published(&view).len(), 2);
        assert_eq!(population(&view), (2, 3));
        let mut writer = process(&view, 0);
        assert_eq!(writer.resolve(family, &["x"]).unwrap().cells[0].get() as u64, 2);
    });
}

#[test]
fn records_found_through_the_index_are_complete() {
    explore("a record and who looks for it", || {
        let view = segment();
        let family = process(&view, 0).register(&definition(Kind::Counter)).unwrap();
        let (mut writer, reader) = (process(&view, 0), share(&view));
        let write = loom::thread::spawn(move || drop(writer.resolve(family, &["x"]).unwrap()));
        let read = loom::thread::spawn(move || look_up(&reader, family.offset(), "x"));
        write.join().unwrap();
        note(read.join().unwrap());
        assert!(look_up(&view, family.offset(), "x"));
    });
}

#[test]
fn two_series_never_share_an_index_word() {
    explore("two series, two processes", || {
        let view = segment();
        let family = process(&view, 0).register(&definition(Kind::Counter)).unwrap();
        let register = |label: &'static str| {
            let mut writer = process(&view, 0);
            loom::thread::spawn(move || {
                writer.resolve(family, &[label]).unwrap().cells[0].add_shared(1.0);
            })
        };
        let others = [register("x"), register("y")];
        others.map(|other| other.join().unwrap());
        let found = published(&view);
        assert_eq!((found.len(), population(&view)), (2, (2, 3)));
        assert_ne!(found[0].0.column, found[1].0.column);
        assert_apart(&view);
    });
}

/// Records and pages do not overlap.
fn assert_apart(view: &View) {
    let space = view.space(half(view));
    assert!(space.pack(half(view)).is_some(), "{space:?}");
}

#[test]
fn removed_series_is_replaced_once() {
    explore("removal against lookup", || {
        let view = segment();
        let mut first = process(&view, 0);
        let family = first.register(&definition(Kind::Counter)).unwrap();
        first.resolve(family, &["x"]).unwrap();
        let epoch = view.head(header!(epoch)).load_relaxed();
        let mut second = process(&view, 0);
        let resolve = loom::thread::spawn(move || drop(second.resolve(family, &["x"]).unwrap()));
        let remove = loom::thread::spawn(move || first.remove(family, &["x"]));
        resolve.join().unwrap();
        assert!(remove.join().unwrap());
        let found = published(&view);
        let live = found.iter().filter(|(_, gone)| !gone).count();
        note(live == 1);
        assert_eq!((found.len(), population(&view).0), (1, live as u64));
        assert_ne!(view.head(header!(epoch)).load_relaxed(), epoch);
    });
}

#[test]
fn concurrent_removals_of_one_series_count_once() {
    explore("two removals", || {
        let view = segment();
        let mut first = process(&view, 0);
        let family = first.register(&definition(Kind::Counter)).unwrap();
        first.resolve(family, &["x"]).unwrap();
        let mut second = process(&view, 0);
        let one = loom::thread::spawn(move || first.remove(family, &["x"]));
        let other = loom::thread::spawn(move || second.remove(family, &["x"]));
        let removed = [one.join().unwrap(), other.join().unwrap()];
        note(removed[0]);
        assert_ne!(removed[0], removed[1], "one of them removed it");
        assert!(published(&view)[0].1);
        assert_eq!(population(&view), (0, 2));
    });
}

/// A process that sees the flag sees the new epoch, and one that saw the last epoch sees the flag: so a handle that
/// is still current refers to no hidden series, and a reader eventually sees every removal.
#[test]
fn epoch_changes_before_and_after_a_removal() {
    explore("epoch and removal", || {
        let view = segment();
        let mut writer = process(&view, 0);
        let family = writer.register(&definition(Kind::Counter)).unwrap();
        writer.resolve(family, &["x"]).unwrap();
        let old = view.head(header!(epoch)).load_relaxed();
        let labels = pack_strings(["x"]);
        let hash = SeriesRecord::hash(hash_key(&view), family.offset(), &labels);
        let Found::Record { entry, .. } = index::search(&view, half(&view), hash, |_| true) else {
            panic!("it was registered")
        };
        let offset = index::offset_of(entry);
        let remove = loom::thread::spawn(move || writer.remove(family, &["x"]));
        let look = loom::thread::spawn(move || {
            let flag = || SeriesRecord::removed(&view, offset).unwrap();
            let gone = state(flag().load_acquire()) == GONE;
            let epoch = view.head(header!(epoch)).load_acquire();
            assert!(!gone || epoch != old, "hidden before the epoch said so");
            assert!(
                epoch != old + 2 || state(flag().load_relaxed()) == GONE,
                "the last epoch came before the flag"
            );
            gone
        });
        assert!(remove.join().unwrap());
        note(look.join().unwrap());
    });
}

#[test]
fn concurrent_allocations_of_one_page_use_one() {
    explore("one page, two processes", || {
        let view = segment();
        let family = register_all(&view, Kind::Counter, &["x"]);
        let count = || {
            let mut writer = process(&view, 0);
            loom::thread::spawn(move || {
                writer.resolve(family, &["x"]).unwrap().cells[0].add_shared(1.0);
                writer.spare_pages()
            })
        };
        let before = view.head(half(&view).space()).load_relaxed() >> 32;
        let others = [count(), count()];
        let spare: usize = others.map(|other| other.join().unwrap()).iter().sum();
        let taken = view.head(half(&view).space()).load_relaxed() >> 32;
        note(spare > 0);
        assert_eq!(taken - before - spare as u64, 2, "a directory and a page of cells, and no other");
        assert_eq!(process(&view, 0).resolve(family, &["x"]).unwrap().cells[0].get() as u64, 2);
        assert_apart(&view);
    });
}

fn register_all(mapping: &Mapping, kind: Kind, labels: &[&str]) -> FamilyId {
    let mut writer = process(mapping, 1);
    let family = writer.register(&definition(kind)).unwrap();
    labels.iter().for_each(|label| drop(writer.resolve(family, &[label]).unwrap()));
    family
}

/// All cells of a page of gauges are unset before the page is published, and a page that lost a race
/// is zero again before it becomes a page of counters.
#[test]
fn new_gauge_page_has_no_zero_values() {
    explore("a page of gauges and who reads it", || {
        let view = segment();
        let family = register_all(&view, Kind::Gauge(GaugeMode::Sum), &[]);
        let (mut writer, reader) = (process(&view, 0), share(&view));
        let set = loom::thread::spawn(move || writer.resolve(family, &["x"]).unwrap().cells[0].set(7.0));
        let look = loom::thread::spawn(move || {
            let found = pages(&reader, 0, Plane::PerProcess);
            for page in &found {
                let cells = reader.page(*page).expect("a published page can be reached");
                let mut values = cells.iter().map(|cell| cell.get().to_bits());
                assert!(values.all(|value| value == UNSET || value == 7_f64.to_bits()));
            }
            !found.is_empty()
        });
        set.join().unwrap();
        note(look.join().unwrap());
        assert_eq!(pages(&view, 0, Plane::PerProcess).len(), 1);
    });
}

#[test]
fn spare_page_is_zeroed() {
    explore("a lost page of gauges becomes one of counters", || {
        let view = segment();
        // The directory exists; the page that "x" needs does not.
        let gauges = register_all(&view, Kind::Gauge(GaugeMode::Sum), &[]);
        process(&view, 0).resolve(gauges, &["w"]).unwrap();
        view.head(half(&view).columns(Plane::PerProcess)).store_relaxed(PAGE_WORDS as u64);
        process(&view, 1).resolve(gauges, &["x"]).unwrap();
        let counters = register_all(&view, Kind::Counter, &["y"]);
        let (mut one, mut other) = (process(&view, 0), process(&view, 0));
        let other = loom::thread::spawn(move || drop(other.resolve(gauges, &["x"]).unwrap()));
        let one = loom::thread::spawn(move || {
            one.resolve(gauges, &["x"]).unwrap();
            let spares = one.spare_pages();
            let cells = one.resolve(counters, &["y"]).expect("a spare page is a good directory").cells;
            assert_eq!(cells[0].get().to_bits(), 0, "a new counter is zero");
            spares > 0
        });
        other.join().unwrap();
        note(one.join().unwrap());
        assert_apart(&view);
    });
}

/// The pages of cells in a slot's directories.
fn pages(view: &View, slot: usize, plane: Plane) -> Vec<u64> {
    pages_in(view, half(view), slot, plane)
}

fn pages_in(view: &View, half: &Half, slot: usize, plane: Plane) -> Vec<u64> {
    let root = view.word(half.roots_of(slot) + plane.roots_offset()).unwrap().load_acquire();
    let Some(directory) = view.page_offset(root) else { return Vec::new() };
    let entries = view.words(directory, PAGE_WORDS as u64).unwrap().iter().map(Word::load_acquire);
    entries.filter(|number| *number != 0).collect()
}

/// Creators with different settings initialise the header word by word; a process that finds it ready
/// sees the same shape as all others.
#[test]
fn header_is_initialised_once() {
    explore("two creators and who attaches", || {
        let size = Geometry::new(SHAPE, 0).unwrap_err();
        let mapping = Mapping::heap(size);
        let create = |max_series: u32| {
            let mapping = mapping.share().unwrap();
            loom::thread::spawn(move || {
                mapping.head(header!(identity)).init_once(IDENTITY);
                mapping.head(header!(size)).init_once(size);
                mapping.head(header!(config)).init_once(Shape { max_series, ..SHAPE }.pack());
                let _or_retired = mapping.head(header!(state)).compare_exchange(FRESH, READY);
            })
        };
        let look = |mapping: &Mapping| check(SegmentName::default(), mapping).ok().map(|found| found.shape);
        let creators = [create(3), create(4)];
        let early = mapping.share().unwrap();
        let attach = loom::thread::spawn(move || look(&early));
        creators.map(|creator| creator.join().unwrap());
        let (early, late) = (attach.join().unwrap(), look(&mapping));
        note(early.is_some());
        assert!(late.is_some() && (early.is_none() || early == late), "{early:?} {late:?}");
    });
}

/// A reader that scrapes while a series is removed and another one is created sees both changes at the latest when
/// it scrapes again.
#[test]
fn reader_sees_every_update_eventually() {
    // Both one after the other take seven times as many orders as each for itself, so `make soak` alone tries all of those.
    let of_both = if std::env::var_os("PROMSHM_SOAK").is_some() { PREEMPTIONS } else { 1 };
    read_beside(PREEMPTIONS, "a reader beside a removal", |writer, family| {
        assert!(writer.remove(family, &["x"]));
    });
    read_beside(PREEMPTIONS, "a reader beside a new series", |writer, family| {
        writer.resolve(family, &["y"]).unwrap();
    });
    read_beside(of_both, "a reader beside a removal and a new series", |writer, family| {
        assert!(writer.remove(family, &["x"]));
        writer.resolve(family, &["y"]).unwrap();
    });
}

fn read_beside(preemptions: usize, name: &str, change: fn(&mut Writer, FamilyId)) {
    explore_within(preemptions, name, move || {
        let view = segment();
        let mut writer = process(&view, 0);
        let family = writer.register(&definition(Kind::Counter)).unwrap();
        writer.resolve(family, &["x"]).unwrap();
        let living =
            |view: &View| published(view).iter().filter(|(_, is_removed)| !is_removed).count() as u64;
        let before = living(&view);
        let reader = share(&view);
        let write = loom::thread::spawn(move || change(&mut writer, family));
        let read = loom::thread::spawn(move || {
            let mut catalogue = Catalogue::default();
            catalogue.refresh(&reader, &Sight::look(&reader).unwrap(), u64::MAX);
            catalogue
        });
        write.join().unwrap();
        let mut catalogue = read.join().unwrap();
        note(catalogue.series_count(0) == before);
        catalogue.refresh(&view, &Sight::look(&view).unwrap(), u64::MAX);
        assert_eq!((catalogue.series_count(0), catalogue.corrupt()), (living(&view), 0));
    });
}
