//! Segments of the layout version before this one, as that version's writers have left them.

use super::{Reader, Region};
use crate::{
    config::SegmentName,
    layout::{MAGIC, OLDEST_READABLE, VERSION},
    reader::ReadError,
    snapshot::Family,
};

/// What two processes of version 1 have counted: one series of each kind, the first process's cells
/// 1, 2, 3, … and the second's twice that. Size, then runs of equal words: offset, how many, word.
const VERSION_1: &str = include_str!("version-1.txt");

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

#[test]
fn version_1_is_read() {
    let region = region(VERSION_1);
    assert_eq!(region.head(0).peek(), MAGIC << 32 | 1);
    let mut reader = Reader::over_region(region).unwrap();
    let snapshot = reader.scrape().unwrap();
    let row = |family: &Family| -> Vec<(Vec<String>, Vec<f64>)> {
        family.rows().map(|row| (row.labels().map(String::from).collect(), row.values().to_vec())).collect()
    };
    let found: Vec<_> =
        snapshot.families.iter().map(|family| (&*family.definition.name, row(family))).collect();
    let labels = |labels: &[&str]| labels.iter().map(ToString::to_string).collect::<Vec<_>>();
    let expected = [
        ("busy", vec![(labels(&[]), vec![3.0])]),
        ("jobs_total", vec![(labels(&["größe"]), vec![3.0])]),
        ("level", vec![(labels(&[]), vec![2.0])]),
        ("open", vec![(labels(&["101"]), vec![1.0]), (labels(&["102"]), vec![2.0])]),
        ("seconds", vec![(labels(&["größe"]), vec![3.0, 6.0, 9.0, 12.0])]),
    ];
    assert_eq!(found, expected);
    let vitals = &snapshot.vitals;
    assert_eq!((vitals.corrupt_records, vitals.leaked_bytes, vitals.worker_starts), (0, 0, 2));
    assert!(vitals.slots.iter().all(|slot| slot.process.is_none()), "nobody told of itself then");
    assert!(snapshot.families.iter().flat_map(Family::rows).all(|row| row.exemplars().next().is_none()));
}

#[test]
fn older_and_newer_ones_are_refused() {
    for version in [0, VERSION + 1] {
        let region = region(VERSION_1);
        region.head(0).fill(MAGIC << 32 | u64::from(version));
        let error = ReadError::Version { name: SegmentName::default(), found: version, known: VERSION };
        assert_eq!(Reader::over_region(region).map(drop), Err(error));
    }
    assert_eq!(OLDEST_READABLE, VERSION - 1, "a version is read until two later");
}
