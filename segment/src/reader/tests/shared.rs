//! Scrapes whose work two threads share.

use super::{SHAPE, Scene};
use crate::{
    config::{Config, ObjectName, SegmentName},
    definition::{Definition, Kind},
    error::ReadError,
    format::hints,
    layout::Shape,
    memory::atomic::Word,
    native::NativeBuckets,
    os,
    reader::Reader,
    shared_work,
    snapshot::Family,
    writer::Writer,
};
use std::{fs, sync::Barrier, thread};

/// Counts into each series of some families, each slot numbers of its own, so that a sum depends on the order of slots.
fn count(writers: &mut [Writer]) {
    let (wide, narrow) = (NativeBuckets::new(1.1, 1e-6, 65_536.0), NativeBuckets::new(1.5, 0.01, 100.0));
    let natives = [("wide", 9, wide), ("few", 1, narrow), ("narrow", 21, narrow)];
    for (slot, writer) in writers.iter_mut().enumerate() {
        let number = |row: usize| 0.1 * (slot + 1) as f64 + row as f64 / 3.0;
        for (name, rows, buckets) in natives {
            let kind = Kind::NativeHistogram(buckets.expect("good buckets"));
            let family = writer.register(&Definition::new(name, "", kind, &["l"], &[]).unwrap()).unwrap();
            for row in (0..rows).rev() {
                let cells = writer.resolve(family, &[&format!("{row:03}")]).unwrap().cells;
                let last = cells.len() - 3;
                [row % 7, last / 2, last]
                    .iter()
                    .for_each(|cell| hints::observe_owned(cells, *cell, number(row)));
            }
        }
        let counter = Definition::new("counter", "", Kind::Counter, &["l"], &[]).unwrap();
        let family = writer.register(&counter).unwrap();
        for row in 0..1200 {
            let cells = writer.resolve(family, &[&format!("{row:04}")]).unwrap().cells;
            cells[0].add_owned(number(row));
        }
    }
}

/// All values, to the bit.
fn values(families: &[Family]) -> Vec<(String, Vec<Vec<u64>>)> {
    let bits = |family: &Family| {
        family.rows().map(|row| row.values().iter().map(|value| value.to_bits()).collect()).collect()
    };
    families.iter().map(|family| (family.definition.name.clone(), bits(family))).collect()
}

#[test]
#[cfg_attr(miri, ignore = "hundreds of records")]
fn two_threads_read_what_one_reads() {
    let scene = Scene::with_shape(Shape { max_series: 2000, ..SHAPE }, 256);
    let mut writers = [1, 2, 3].map(|slot| Writer::over(scene.view.share().unwrap(), slot).unwrap());
    let reader = || Reader::over_mapping(scene.view.share().unwrap()).unwrap();
    count(&mut writers);
    let (mut alone, mut pages) = (reader(), Vec::new());
    pages.push(values(&alone.scrape().unwrap().families));
    count(&mut writers);
    pages.push(values(&alone.scrape().unwrap().families));
    assert_ne!(pages[0], pages[1]);
    assert_eq!(pages[1].iter().map(|(_, rows)| rows.len()).sum::<usize>(), 9 + 1 + 21 + 1200);
    shared_work::allow(2);
    let (mut shared, mut known) = (reader(), alone);
    for reader in [&mut shared, &mut known] {
        assert_eq!(values(&reader.scrape().unwrap().families), pages[1]);
    }
    count(&mut writers);
    let both = [&mut shared, &mut known].map(|reader| values(&reader.scrape().unwrap().families));
    assert_eq!(both[0], both[1]);
    assert_ne!(both[0], pages[1]);
}

/// The signal reaches the thread that reads, whichever it is, on its own small stack.
#[test]
#[cfg_attr(miri, ignore = "Miri knows no shared memory")]
fn truncation_is_survived_by_the_second_thread() {
    os::survive_truncation().unwrap();
    shared_work::allow(2);
    let object = format!("promshm-test-second-{}", std::process::id());
    let name = SegmentName::Posix(ObjectName::new(&object).unwrap());
    let config = Config { name, size: 16 << 20, max_processes: 16, ..Config::default() };
    drop(Writer::attach(&config).unwrap());
    let mut reader = Reader::attach(name).unwrap();
    reader.scrape().unwrap();
    let path = format!("/dev/shm/{object}");
    fs::File::options().write(true).open(&path).unwrap().set_len(4096).unwrap();
    fs::remove_file(&path).unwrap();
    let (caller, both, view) = (thread::current().id(), Barrier::new(2), &reader.view);
    shared_work::share(true, 0..2, |_| {
        both.wait(); // so that each thread has one part
        if thread::current().id() != caller {
            let beyond = view.words(4096, 8).expect("it was read before");
            assert!(beyond.iter().all(|word: &Word| word.load_relaxed() == 0), "zeros in its place");
        }
    });
    assert!(matches!(reader.scrape().map(drop), Err(ReadError::Short { .. })));
}
