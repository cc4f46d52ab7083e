//! Several definitions of one name: which are one family, and which are reported.

mod support;

use promshm_segment::{
    Definition, GaugeMode, Kind,
    snapshot::{Snapshot, Superseded},
};
use support::*;

fn labels(snapshot: &Snapshot, family: usize) -> Vec<(Vec<String>, f64)> {
    let family = &snapshot.families[family];
    let rows = family.rows().map(|row| (row.labels().map(String::from).collect(), row.values()[0]));
    rows.collect()
}

/// Label names are a set: two programs that give them in another order count into the same series.
#[test]
fn order_of_label_names_does_not_change_the_family() {
    let place = Place::new();
    let (mut one, mut other) = (place.writer(), place.writer());
    let first = counter("jobs_total", &["queue", "status", "host"]);
    count(&mut one, &first, &["mail", "ok", "a"], 2.0);
    count(&mut other, &counter("jobs_total", &["host", "queue", "status"]), &["a", "mail", "ok"], 3.0);
    count(&mut other, &counter("jobs_total", &["status", "host", "queue"]), &["failed", "b", "video"], 5.0);
    let mut reader = place.reader();
    let snapshot = reader.scrape().expect("readable");
    assert_eq!(snapshot.families.len(), 1);
    assert_eq!(
        snapshot.families[0].definition.label_names, first.label_names,
        "the first one's order stands"
    );
    let series = |values: [&str; 3], count| (values.map(String::from).to_vec(), count);
    assert_eq!(
        labels(snapshot, 0),
        [series(["mail", "ok", "a"], 5.0), series(["video", "failed", "b"], 5.0)]
    );
    assert_eq!((snapshot.stats.superseded_families, snapshot.stats.corrupt_records), (0, 0));
    // A removal finds the series as well; other label names make another family.
    let family = other.register(&counter("jobs_total", &["status", "queue", "host"])).expect("room");
    assert!(other.remove(family, &["ok", "mail", "a"]));
    assert!(!other.remove(family, &["mail", "ok", "a"]));
    assert!(other.resolve(family, &["ok", "mail"]).is_err());
    assert_eq!(labels(reader.scrape().expect("readable"), 0).len(), 1);
}

/// The setting of some processes only, or one that changes with a deploy: the newest definition is exported.
#[test]
fn histogram_of_both_forms_has_both_rows() {
    let place = Place::new();
    let (mut one, mut other) = (place.writer(), place.writer());
    let classic = histogram("seconds");
    let both = classic.clone().with_native_form();
    observe(&mut one, &classic, 1.5, 1);
    observe(&mut other, &both, 1.5, 2);
    observe(&mut other, &both, -1.0, 1);
    observe(&mut one, &both, 0.0, 1);
    let mut reader = place.reader();
    let snapshot = reader.scrape().expect("readable");
    let row = snapshot.families[0].rows().next().expect("a row");
    assert_eq!(row.values(), [2.0, 2.0, 0.0, 2.0], "the classic form");
    let (buckets, native) = row.native().expect("the native form");
    assert_eq!((buckets.zero(native), buckets.below(native), buckets.above(native)), (1.0, 1.0, 0.0));
    assert_eq!((buckets.positive(native).iter().sum(), buckets.sum(native)), (2.0, 2.0));
    let found = buckets.positive(native).iter().position(|count| *count > 0.0).expect("a bucket");
    assert!((buckets.upper_bound(found - 1)..buckets.upper_bound(found)).contains(&1.5));
}

/// 64 labels in orders of all kinds: each value comes to its name.
#[test]
fn values_match_their_names_in_any_order() {
    let place = Place::new();
    let mut writer = place.writer();
    let mut names: Vec<String> = (0..64).map(|number| format!("l{number}")).collect();
    let mut random = 1_u64;
    for round in 1..=20 {
        let texts: Vec<&str> = names.iter().map(String::as_str).collect();
        let gauge = Definition::new("g", "", Kind::Gauge(GaugeMode::Sum), &texts, &[]).expect("good");
        let values: Vec<String> = names.iter().map(|name| format!("value of {name}")).collect();
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        let family = writer.register(&gauge).expect("room");
        writer.resolve(family, &values).expect("room").cells[0].set(f64::from(round));
        for at in (1..names.len()).rev() {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            names.swap(at, (random >> 33) as usize % (at + 1));
        }
    }
    let mut reader = place.reader();
    let snapshot = reader.scrape().expect("readable");
    let expected = (0..64).map(|number| format!("value of l{number}")).collect();
    assert_eq!(labels(snapshot, 0), [(expected, 20.0)]);
    assert_eq!(snapshot.stats.leaked_bytes, 0);
}

fn superseded(place: &Place) -> (u64, Vec<Superseded>) {
    let mut reader = place.reader();
    let snapshot = reader.scrape().expect("readable");
    (snapshot.stats.superseded_families, snapshot.superseded.clone())
}

/// The series of one program are hidden while both live, which must be reported.
#[test]
fn family_of_a_living_process_that_is_not_exported_is_counted() {
    let place = Place::new();
    let (old, new) = (counter("jobs_total", &["queue"]), counter("jobs_total", &["queue", "status"]));
    let older = Child::run(|| {
        let mut writer = place.writer();
        count(&mut writer, &old, &["mail"], 1.0);
        std::mem::forget(writer);
    });
    assert_eq!(superseded(&place).0, 0, "alone");
    let younger = Child::run(|| {
        let mut writer = place.writer();
        count(&mut writer, &new, &["mail", "ok"], 1.0);
        std::mem::forget(writer);
    });
    let hidden = Superseded { definition: old.clone(), exported: new.clone() };
    assert_eq!(superseded(&place), (1, vec![hidden]));
    older.kill();
    assert_eq!(superseded(&place), (0, vec![]), "what the dead counted is an old deploy's");
    younger.kill();
    assert_eq!(superseded(&place), (0, vec![]));
}

/// Scripts that one process serves in turn.
#[test]
fn process_that_counts_by_two_definitions_is_counted_too() {
    let place = Place::new();
    let mut writer = place.writer();
    let [one, other] = [&["a"][..], &["b"]].map(|labels| counter("jobs_total", labels));
    for _ in 0..3 {
        count(&mut writer, &one, &["x"], 1.0);
        count(&mut writer, &other, &["x"], 1.0);
    }
    let hidden = Superseded { definition: one, exported: other };
    assert_eq!(superseded(&place), (1, vec![hidden]));
}

/// The number of reported families is limited.
#[test]
fn superseded_families_are_named_up_to_a_limit() {
    let place = Place::new();
    let mut writer = place.writer();
    for number in 0..=Snapshot::MOST_SUPERSEDED {
        let name = format!("c{number}_total");
        count(&mut writer, &counter(&name, &["a"]), &["x"], 1.0);
        count(&mut writer, &counter(&name, &["b"]), &["x"], 1.0);
    }
    let (count, named) = superseded(&place);
    assert_eq!((count, named.len()), (Snapshot::MOST_SUPERSEDED as u64 + 1, Snapshot::MOST_SUPERSEDED));
}
