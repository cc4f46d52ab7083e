use super::{family::*, record::*, series::*};
use crate::{
    definition::{Definition, Kind},
    format::strings::{are_strings, pack_strings, strings},
    layout::{Geometry, RECORD_UNIT, Shape},
    memory::{atomic::Word, mapping::Mapping, view::View},
    native::NativeBuckets,
};

fn place() -> View {
    let shape = Shape { max_series: 10, max_processes: 1, max_label_length: 64 };
    let size = Geometry::new(shape, 0).unwrap_err();
    let view = View::new(Mapping::heap(size), Geometry::new(shape, size).unwrap());
    view.head(view.geometry.halves[0].space()).store_relaxed(64);
    view
}

fn histogram() -> Definition {
    Definition::new("h", "héλp", Kind::Histogram, &["a", "bc"], &[0.5, 1.0]).unwrap()
}

#[test]
fn a_family_is_read_back() {
    let view = place();
    view.fill_words(view.geometry.halves[0].records, &FamilyRecord::compose(&histogram(), 7, 3)).unwrap();
    let family = FamilyRecord::parse(&view, view.geometry.halves[0].records).unwrap();
    assert_eq!((family.definition, family.hash, family.claim_column), (histogram(), 7, 3));
}

#[test]
fn a_summary_is_read_back_and_its_window_is_part_of_it() {
    let view = place();
    let of = |max_age| Definition::new("s", "", Kind::Summary { max_age }, &["a"], &[0.5, 0.99]).unwrap();
    view.fill_words(view.geometry.halves[0].records, &FamilyRecord::compose(&of(600), 7, 3)).unwrap();
    let family = FamilyRecord::parse(&view, view.geometry.halves[0].records).unwrap();
    assert_eq!(family.definition, of(600));
    let key = HashKey([1, 2]);
    assert_ne!(FamilyRecord::hash(key, &of(600)), FamilyRecord::hash(key, &of(601)));
}

fn native(schema: i8, lowest: i32, cells: u16) -> Definition {
    let buckets = NativeBuckets { schema, lowest, cells };
    Definition::new("n", "h", Kind::NativeHistogram(buckets), &["a"], &[]).unwrap()
}

#[test]
fn a_native_histogram_is_read_back_and_its_window_is_part_of_it() {
    let (view, key) = (place(), HashKey([1, 2]));
    let at = view.geometry.halves[0].records;
    let all = [
        native(3, -159, 288),
        native(3, -159, 280),
        native(3, -151, 288),
        native(-4, -1, 3),
        native(8, 1, 256),
    ];
    for definition in &all {
        view.fill_words(at, &FamilyRecord::compose(definition, 7, 3)).unwrap();
        assert_eq!(&FamilyRecord::parse(&view, at).unwrap().definition, definition);
        let same =
            |other: &&Definition| FamilyRecord::hash(key, other) == FamilyRecord::hash(key, definition);
        assert_eq!(all.iter().filter(same).count(), 1, "{definition:?}");
    }
}

fn both(bounds: &[f64]) -> Definition {
    Definition::new("h", "", Kind::Histogram, &["a"], bounds).unwrap().with_native_form()
}

#[test]
fn a_histogram_of_both_forms_is_read_back_and_is_another_family() {
    let (view, key) = (place(), HashKey([1, 2]));
    let at = view.geometry.halves[0].records;
    let definition = both(&[0.5, 1.0]);
    assert!(definition.native.is_some());
    view.fill_words(at, &FamilyRecord::compose(&definition, 7, 3)).unwrap();
    assert_eq!(FamilyRecord::parse(&view, at).unwrap().definition, definition);
    let classic = Definition::new("h", "", Kind::Histogram, &["a"], &[0.5, 1.0]).unwrap();
    assert_ne!(FamilyRecord::hash(key, &definition), FamilyRecord::hash(key, &classic));
    assert!(!definition.same_family(&classic) && definition.same_family(&definition.clone()));
}

#[test]
fn native_forms_that_do_not_fit_are_refused() {
    let view = place();
    let at = view.geometry.halves[0].records;
    let words = FamilyRecord::compose(&both(&[0.5, 1.0]), 7, 3);
    let window = |schema: u64, cells: u64, lowest: i32| schema | cells << 16 | u64::from(lowest as u32) << 32;
    let place = words.iter().rposition(|word| *word & 0xffff == 3 && *word >> 63 != 0).unwrap();
    for bad in [0, u64::MAX, window(3, 512, 1), window(8, 256, 1), window(0, 1, 5000), f64::to_bits(1.0)] {
        view.fill_words(at, &words).unwrap();
        view.word(at + 8 * place as u64).unwrap().store_relaxed(bad);
        assert!(FamilyRecord::parse(&view, at).is_err(), "{bad:x}");
    }
    view.word(at + 8 * place as u64).unwrap().store_relaxed(window(0, 1, 1));
    assert!(FamilyRecord::parse(&view, at).is_ok());
}

#[test]
fn native_buckets_that_are_no_window_are_refused() {
    let view = place();
    let at = view.geometry.halves[0].records;
    let words = FamilyRecord::compose(&native(3, -159, 288), 7, 3);
    let window =
        words.iter().position(|word| *word == 3 | 288 << 16 | u64::from(-159_i32 as u32) << 32).unwrap();
    for bad in [
        0,
        3,
        3 | 512 << 16,
        u64::MAX,
        words[window] | 1 << 8,
        words[window] + (1 << 32),
        words[window] | 0x80,
    ] {
        view.fill_words(at, &words).unwrap();
        view.word(at + 8 * window as u64).unwrap().store_relaxed(bad);
        assert!(FamilyRecord::parse(&view, at).is_err(), "{bad:x}");
    }
}

#[test]
fn a_series_is_read_back() {
    let view = place();
    let labels = pack_strings(["", "x", "λ"]);
    let at = view.geometry.halves[0].records;
    let times = Times { created: 1_700_000_000.5, touched: 77, origin: 0 };
    view.fill_words(at, &SeriesRecord::compose(64, 9, 5, 3, &labels, times)).unwrap();
    let series = SeriesRecord::parse(&view, at).unwrap();
    let mut found = Vec::new();
    series.copy_labels(&view, at, &mut found).unwrap();
    assert!(are_strings(&found, 3));
    assert_eq!(strings(&found).collect::<Result<Vec<_>, _>>(), Ok(vec!["", "x", "λ"]));
    assert_eq!((series.family, series.hash, series.column, series.removed), (64, 9, 5, false));
    assert_eq!(series.created.to_bits(), times.created.to_bits());
    assert_eq!(SeriesRecord::touched(&view, at).map(Word::load_relaxed), Some(77));
    assert!(SeriesRecord::is_at(&view, at, 9, 64, &labels));
    for other in [pack_strings(["", "x", "y"]), pack_strings(["", "x", "λ", ""]), Vec::new()] {
        assert!(!SeriesRecord::is_at(&view, at, 9, 64, &other));
    }
    assert!(!SeriesRecord::is_at(&view, at, 8, 64, &labels));
    assert!(!SeriesRecord::is_at(&view, at, 9, 80, &labels));
}

#[test]
fn implausible_times_are_unknown() {
    let view = place();
    let (at, labels) = (view.geometry.halves[0].records, pack_strings(["x"]));
    for created in [0.0, -1.0, f64::NAN, f64::INFINITY, -0.0] {
        let words = SeriesRecord::compose(64, 9, 5, 1, &labels, Times { created, touched: 1, origin: 0 });
        view.fill_words(at, &words).unwrap();
        assert!(SeriesRecord::parse(&view, at).unwrap().created.is_nan(), "{created}");
    }
    for words_before_text in [0, 1, 2, 4, 0xffff] {
        view.word(at).unwrap().store_relaxed(0x53 | 1 << 32 | words_before_text << 48);
        assert!(SeriesRecord::parse(&view, at).is_err(), "{words_before_text}");
    }
}

#[test]
fn corruption_of_every_word_is_survived() {
    let view = place();
    for words in [&histogram(), &native(3, -159, 288), &both(&[0.5, 1.0])]
        .map(|definition| FamilyRecord::compose(definition, 7, 3))
    {
        survives_corruption_of_every_word(&view, &words);
    }
    for offset in [0, 8, view.geometry.halves[0].records + 8, view.bytes(), u64::MAX - 7] {
        assert_eq!(Tag::read(&view, offset, offset), Err(Corrupt), "{offset}");
        assert!(FamilyRecord::parse(&view, offset).is_err(), "{offset}");
    }
}

fn survives_corruption_of_every_word(view: &View, words: &[u64]) {
    for at in 0..words.len() {
        for corrupt in [0, 1, 0x53, u64::MAX, 1 << 63, f64::NAN.to_bits(), words[at] ^ 1 << 40] {
            view.fill_words(view.geometry.halves[0].records, words).unwrap();
            view.word(view.geometry.halves[0].records + 8 * at as u64).unwrap().store_relaxed(corrupt);
            let _survived = FamilyRecord::parse(view, view.geometry.halves[0].records);
        }
    }
}

#[test]
fn unallocated_bytes_are_not_read() {
    let view = place();
    let words = FamilyRecord::compose(&histogram(), 7, 3);
    view.fill_words(view.geometry.halves[0].records, &words).unwrap();
    let units = (words.len() as u64 * 8).div_ceil(RECORD_UNIT);
    for (units, readable) in [(units, true), (units - 1, false), (0, false), (u64::MAX >> 32, true)] {
        view.head(view.geometry.halves[0].space()).store_relaxed(units);
        let found = FamilyRecord::parse(&view, view.geometry.halves[0].records);
        assert_eq!(found.is_ok(), readable, "{units}");
    }
}
