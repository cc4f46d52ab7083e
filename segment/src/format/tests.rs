use super::{family::*, record::*, series::*};
use crate::{
    definition::{Definition, Kind},
    format::strings::{are_strings, pack_strings, strings},
    layout::{Geometry, RECORD_UNIT, Shape, header},
    memory::{atomic::Word, mapping::Mapping},
};

fn place() -> (Mapping, Geometry) {
    let shape = Shape { max_series: 10, max_processes: 1, max_label_length: 64 };
    let size = Geometry::new(shape, 0).unwrap_err();
    let region = Mapping::heap(size);
    region.head(header!(space)).store_relaxed(64);
    (region, Geometry::new(shape, size).unwrap())
}

fn histogram() -> Definition {
    Definition::new("h", "héλp", Kind::Histogram, &["a", "bc"], &[0.5, 1.0]).unwrap()
}

#[test]
fn a_family_is_read_back() {
    let (region, geometry) = place();
    region.fill_words(geometry.records, &FamilyRecord::compose(&histogram(), 7, 3)).unwrap();
    let family = FamilyRecord::parse(&region, &geometry, geometry.records).unwrap();
    assert_eq!((family.definition, family.hash, family.claim_column), (histogram(), 7, 3));
}

#[test]
fn a_summary_is_read_back_and_its_window_is_part_of_it() {
    let (region, geometry) = place();
    let of = |max_age| Definition::new("s", "", Kind::Summary { max_age }, &["a"], &[0.5, 0.99]).unwrap();
    region.fill_words(geometry.records, &FamilyRecord::compose(&of(600), 7, 3)).unwrap();
    let family = FamilyRecord::parse(&region, &geometry, geometry.records).unwrap();
    assert_eq!(family.definition, of(600));
    let key = HashKey([1, 2]);
    assert_ne!(FamilyRecord::hash(key, &of(600)), FamilyRecord::hash(key, &of(601)));
}

#[test]
fn a_series_is_read_back() {
    let (region, geometry) = place();
    let labels = pack_strings(["", "x", "λ"]);
    let at = geometry.records;
    let times = Times { created: 1_700_000_000.5, touched: 77 };
    region.fill_words(at, &SeriesRecord::compose(64, 9, 5, 3, &labels, times)).unwrap();
    let series = SeriesRecord::parse(&region, &geometry, at).unwrap();
    let mut found = Vec::new();
    series.copy_labels(&region, &geometry, at, &mut found).unwrap();
    assert!(are_strings(&found, 3));
    assert_eq!(strings(&found).collect::<Result<Vec<_>, _>>(), Ok(vec!["", "x", "λ"]));
    assert_eq!((series.family, series.hash, series.column, series.removed), (64, 9, 5, false));
    assert_eq!(series.created.to_bits(), times.created.to_bits());
    assert_eq!(SeriesRecord::touched(&region, at).map(Word::load_relaxed), Some(77));
    assert!(SeriesRecord::is_at(&region, &geometry, at, 9, 64, &labels));
    for other in [pack_strings(["", "x", "y"]), pack_strings(["", "x", "λ", ""]), Vec::new()] {
        assert!(!SeriesRecord::is_at(&region, &geometry, at, 9, 64, &other));
    }
    assert!(!SeriesRecord::is_at(&region, &geometry, at, 8, 64, &labels));
    assert!(!SeriesRecord::is_at(&region, &geometry, at, 9, 80, &labels));
}

#[test]
fn times_that_make_no_sense_are_unknown() {
    let (region, geometry) = place();
    let (at, labels) = (geometry.records, pack_strings(["x"]));
    for created in [0.0, -1.0, f64::NAN, f64::INFINITY, -0.0] {
        let words = SeriesRecord::compose(64, 9, 5, 1, &labels, Times { created, touched: 1 });
        region.fill_words(at, &words).unwrap();
        assert!(SeriesRecord::parse(&region, &geometry, at).unwrap().created.is_nan(), "{created}");
    }
    for words_before_text in [0, 1, 3, 0xffff] {
        region.word(at).unwrap().store_relaxed(0x53 | 1 << 32 | words_before_text << 48);
        assert!(SeriesRecord::parse(&region, &geometry, at).is_err(), "{words_before_text}");
    }
}

#[test]
fn every_single_forged_word_is_survived() {
    let (region, geometry) = place();
    let words = FamilyRecord::compose(&histogram(), 7, 3);
    for at in 0..words.len() {
        for corrupt in [0, 1, 0x53, u64::MAX, 1 << 63, f64::NAN.to_bits(), words[at] ^ 1 << 40] {
            region.fill_words(geometry.records, &words).unwrap();
            region.word(geometry.records + 8 * at as u64).unwrap().store_relaxed(corrupt);
            let _survived = FamilyRecord::parse(&region, &geometry, geometry.records);
        }
    }
    for offset in [0, 8, geometry.records + 8, region.bytes(), u64::MAX - 7] {
        assert_eq!(Tag::read(&region, &geometry, offset, offset), Err(Corrupt), "{offset}");
        assert!(FamilyRecord::parse(&region, &geometry, offset).is_err(), "{offset}");
    }
}

#[test]
fn what_was_not_handed_out_is_not_read() {
    let (region, geometry) = place();
    let words = FamilyRecord::compose(&histogram(), 7, 3);
    region.fill_words(geometry.records, &words).unwrap();
    let units = (words.len() as u64 * 8).div_ceil(RECORD_UNIT);
    for (units, readable) in [(units, true), (units - 1, false), (0, false), (u64::MAX >> 32, true)] {
        region.head(header!(space)).store_relaxed(units);
        let found = FamilyRecord::parse(&region, &geometry, geometry.records);
        assert_eq!(found.is_ok(), readable, "{units}");
    }
}
