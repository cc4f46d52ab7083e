//! Segments of the layout versions before this one, as those versions' writers have left them.

use super::{Reader, Region};
use crate::{
    config::SegmentName,
    error::ReadError,
    layout::{MAGIC, OLDEST_READABLE, VERSION},
    snapshot::{Family, Row, Snapshot},
};

/// What two processes of version 1 have counted: one series of each kind, the first process's cells
/// 1, 2, 3, … and the second's twice that. Size, then runs of equal words: offset, how many, word.
const VERSION_1: &str = include_str!("version-1.txt");

/// The same of version 2: each process has also observed its slot's number into a summary, at one second
/// of the clock, left an exemplar with its counter, and told of itself.
const VERSION_2: &str = include_str!("version-2.txt");

fn region(image: &str) -> Region {
    let mut lines = image.lines();
    let number = |text: &str| u64::from_str_radix(text, 16).unwrap();
    let region = Region::heap(number(lines.next().unwrap()));
    for line in lines {
        let (offset, rest) = line.split_once(' ').unwrap();
        let (count, word) = rest.split_once(' ').unwrap();
        let run = region.words(number(offset), count.parse().unwrap()).unwrap();
        run.iter().for_each(|place| place.fill(number(word)));
    }
    region
}

type Rows<'s> = Vec<(&'s str, Vec<(Vec<String>, Vec<f64>)>)>;

/// The rows of each family, by its name.
fn rows(snapshot: &Snapshot) -> Rows<'_> {
    let row = |row: Row<'_>| (row.labels().map(String::from).collect(), row.values().to_vec());
    let families = snapshot.families.iter();
    families.map(|family| (&*family.definition.name, family.rows().map(row).collect())).collect()
}

/// What both have counted.
fn counted() -> Rows<'static> {
    let labels = |labels: &[&str]| labels.iter().map(ToString::to_string).collect::<Vec<_>>();
    vec![
        ("busy", vec![(labels(&[]), vec![3.0])]),
        ("jobs_total", vec![(labels(&["größe"]), vec![3.0])]),
        ("level", vec![(labels(&[]), vec![2.0])]),
        ("open", vec![(labels(&["101"]), vec![1.0]), (labels(&["102"]), vec![2.0])]),
        ("seconds", vec![(labels(&["größe"]), vec![3.0, 6.0, 9.0, 12.0])]),
    ]
}

/// Nothing is known of when series were made or used, so none has a time and none is hidden.
fn assert_timeless(snapshot: &Snapshot) {
    assert_eq!(snapshot.vitals.hidden_series, 0);
    assert!(snapshot.families.iter().flat_map(Family::rows).all(|row| row.created().is_none()));
    let vitals = &snapshot.vitals;
    assert_eq!((vitals.corrupt_records, vitals.leaked_bytes, vitals.worker_starts), (0, 0, 2));
}

#[test]
fn version_1_is_read() {
    let region = region(VERSION_1);
    assert_eq!(region.head(0).peek(), MAGIC << 32 | 1);
    let mut reader = Reader::over_region(region).unwrap();
    let snapshot = reader.scrape().unwrap();
    assert_eq!(rows(snapshot), counted());
    assert_timeless(snapshot);
    assert!(snapshot.vitals.slots.iter().all(|slot| slot.process.is_none()), "nobody told of itself then");
    assert!(snapshot.families.iter().flat_map(Family::rows).all(|row| row.exemplars().next().is_none()));
}

#[test]
fn version_2_is_read() {
    let region = region(VERSION_2);
    assert_eq!(region.head(0).peek(), MAGIC << 32 | 2);
    let mut reader = Reader::over_region(region).unwrap();
    let snapshot = reader.scrape_at(2_000_000_000).unwrap();
    let mut expected = counted();
    let samples = vec![1.0, 2.0, 3.0, 2.0];
    expected.insert(1, ("bytes", vec![(vec!["größe".to_string()], samples)]));
    assert_eq!(rows(snapshot), expected);
    assert_timeless(snapshot);
    let told = snapshot.vitals.slots.iter().filter_map(|slot| slot.process.as_ref());
    assert_eq!(told.map(|process| process.runtime.requests as u64).sum::<u64>(), 14);
    let exemplars = snapshot.families.iter().flat_map(Family::rows).flat_map(|row| row.exemplars());
    assert_eq!(exemplars.count(), 1);
}

#[test]
fn older_and_newer_ones_are_refused() {
    for version in [0, VERSION + 1] {
        let region = region(VERSION_1);
        region.head(0).fill(MAGIC << 32 | u64::from(version));
        let error = ReadError::Version { name: SegmentName::default(), found: version, known: VERSION };
        assert_eq!(Reader::over_region(region).map(drop), Err(error));
    }
    assert_eq!((OLDEST_READABLE, VERSION), (1, 3), "each one that is read has its test here");
}
