//! The two words of a summary's sample are read consistently or not at all.

use super::{explore, note, segment};
use crate::memory::{
    atomic::{Sample, samples},
    mapping::Mapping,
    view::View,
};
use loom::thread::spawn;

/// The sample that all threads of a scene use.
fn sample(mapping: &Mapping) -> &Sample {
    &samples(mapping.words(0, 2).unwrap())[0]
}

fn is_whole((when, what): (u64, f64)) -> bool {
    (when as f64).to_bits() == what.to_bits()
}

/// A segment whose first two words hold a sample.
fn scene() -> View {
    let view = segment();
    sample(&view).put_owned(10, 10.0);
    view
}

#[test]
fn a_sample_is_never_torn() {
    explore("a writer and a reader of a sample", || {
        let view = scene();
        let (writers, readers) = (view.share().unwrap(), view.share().unwrap());
        let write = spawn(move || [20, 30].map(|when| sample(&writers).put_owned(when, when as f64)));
        let read = spawn(move || sample(&readers).get());
        write.join().unwrap();
        let found = read.join().unwrap();
        note(found.is_some());
        assert!(found.is_none_or(is_whole), "{found:?}");
        assert_eq!(sample(&view).get(), Some((30, 30.0)));
    });
}

#[test]
fn writers_of_one_place_never_mix_samples() {
    explore("two writers and a reader of a sample", || {
        let view = scene();
        let writers = [20, 30].map(|when| {
            let mapping = view.share().unwrap();
            spawn(move || sample(&mapping).put_shared(when, when as f64))
        });
        let readers = view.share().unwrap();
        let read = spawn(move || sample(&readers).get());
        let kept = writers.map(|writer| writer.join().unwrap());
        let found = read.join().unwrap();
        note(kept == [true, true]);
        assert!(kept != [false, false] && found.is_none_or(is_whole), "{kept:?} {found:?}");
        assert!(sample(&view).get().is_some_and(|last| is_whole(last) && last.0 > 10));
    });
}
