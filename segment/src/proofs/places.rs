//! The two halves of a place of exemplars.

use super::{explore, note};
use crate::{
    format::exemplar::{Exemplar, ExemplarLabels, Place},
    memory::mapping::Mapping,
};

/// A place with a word of text in each half.
const WORDS: u64 = 1 + 2 * 4;

fn place(mapping: &Mapping) -> Place<'_> {
    Place::over(mapping.words(0, WORDS).unwrap())
}

/// Everything in exemplar `number` is that number.
fn write(mapping: &Mapping, number: u8) {
    let mut labels = ExemplarLabels::default();
    labels.push(b"n", &[b'0' + number]).unwrap();
    place(mapping).write(&labels, number.into(), number.into());
}

/// The number of the exemplar that is found.
fn read(mapping: &Mapping) -> Option<u8> {
    let Exemplar { labels, value, time } = place(mapping).read()?;
    let number = value as u8;
    let is_whole = labels == [("n".to_string(), number.to_string())] && time as u8 == number;
    assert!(is_whole, "{labels:?} {value} {time}: of two exemplars");
    Some(number)
}

#[test]
fn exemplar_under_replacement_is_the_old_or_the_new_one() {
    explore("an exemplar and who reads it", || {
        let mapping = Mapping::heap(8 * WORDS);
        write(&mapping, 1);
        write(&mapping, 2);
        let (writer, reader) = (mapping.share().unwrap(), mapping.share().unwrap());
        let write = loom::thread::spawn(move || write(&writer, 3));
        let read = loom::thread::spawn(move || read(&reader).expect("one half is always whole"));
        write.join().unwrap();
        let found = read.join().unwrap();
        assert!(found == 2 || found == 3, "{found}");
        note(found == 3);
    });
}

#[test]
fn reader_overtaken_by_exemplars_sees_neither_mixed_nor_older_ones() {
    explore("two exemplars and who reads them", || {
        let mapping = Mapping::heap(8 * WORDS);
        write(&mapping, 1);
        let (writer, reader) = (mapping.share().unwrap(), mapping.share().unwrap());
        let write = loom::thread::spawn(move || (2..4).for_each(|number| write(&writer, number)));
        let read = loom::thread::spawn(move || {
            let (earlier, later) = (read(&reader), read(&reader));
            assert!(later.is_none() || later >= earlier, "{later:?} after {earlier:?}");
            later
        });
        write.join().unwrap();
        note(read.join().unwrap() == Some(3));
    });
}
