//! The words of a generation: a slot turns while it is read and its old half is given back, and a generation begins
//! while a series is registered.

use super::{explore, note, pages_in, process, published, register_all, segment, share};
use crate::{
    definition::Kind,
    layout::{Phase, Plane, Slot, header},
    memory::{
        atomic::{Cell, Word},
        view::View,
    },
    reader::Sight,
    writer::{generation_of, give_back, turn},
};
use std::mem::offset_of;

/// The slot that turns.
const SLOT: usize = 1;

/// Begins a generation, as a writer with locks does.
fn begin(view: &View) {
    let phase = view.phase_now();
    view.head(header!(phase)).compare_exchange(phase.0, phase.next().0).expect("nobody else begins one");
}

/// The first cell of a slot's page.
fn cell(view: &View, page: u64) -> &Cell {
    &view.page(page).expect("a page that was published")[0]
}

/// A segment in which generation 1 has begun, with the pages of the slot's counter in both halves. Its owner, who
/// has counted 1, has not copied it yet.
fn carrying() -> (View, [u64; 2]) {
    let view = segment();
    let family = register_all(&view, Kind::Counter, &[]);
    let mut owner = process(&view, SLOT);
    owner.resolve(family, &["x"]).unwrap().cells[0].add_owned(1.0);
    begin(&view);
    owner.tend();
    let found = [0, 1].map(|number| pages_in(&view, view.geometry.half(number), SLOT, Plane::Cumulative)[0]);
    assert_eq!(found.map(|page| cell(&view, page).get() as u64), [1, 1], "it was carried");
    cell(&view, found[1]).set(0.0);
    view.slot_word(SLOT, offset_of!(Slot, generation)).unwrap().store_relaxed(0);
    (view, found)
}

/// Whatever a reader sees of the words, it reads the cells of one half, complete, or knows that it did not.
#[test]
fn total_stays_while_its_slot_turns_and_the_old_half_is_given_back() {
    explore("a slot turns beside a reader", || {
        let (view, [old, new]) = carrying();
        let owner = share(&view);
        let turning = loom::thread::spawn(move || {
            cell(&owner, new).set(cell(&owner, old).get());
            turn(&owner, SLOT, 1);
            cell(&owner, new).add_owned(1.0);
        });
        let last = share(&view);
        let giving = loom::thread::spawn(move || {
            let has_turned = generation_of(&last, SLOT) == 1;
            if has_turned {
                give_back(&last, last.phase_now(), || cell(&last, old).set(0.0));
            }
            has_turned
        });
        let reader = share(&view);
        let reading = loom::thread::spawn(move || {
            let sight = Sight::look(&reader)?;
            let tree = sight.trees().into_iter().find(|tree| tree.slot == SLOT).expect("a slot in use");
            let total = cell(&reader, [old, new][tree.half]).get() as u64;
            sight.still_holds(&reader).then_some((tree.half, total))
        });
        turning.join().unwrap();
        let is_given_back = giving.join().unwrap();
        let read = reading.join().unwrap();
        note(is_given_back && read.is_some());
        assert!(read.is_none_or(|(_, total)| [1, 2].contains(&total)), "{read:?}");
        assert!(!is_given_back || view.phase() == Phase::settled(1));
    });
}

/// Whoever carries after the change of the phase finds the record, or else its maker sees the change and makes it
/// in the new half: nobody counts where all others have left.
#[test]
fn series_registered_while_a_generation_begins_is_in_the_half_that_is_counted() {
    explore("a registration beside the begin of a generation", || {
        let view = segment();
        let family = register_all(&view, Kind::Counter, &["w"]);
        let mut maker = process(&view, SLOT);
        let making = loom::thread::spawn(move || {
            maker.resolve(family, &["x"]).unwrap().cells[0].add_owned(1.0);
            maker.generation()
        });
        let beginner = share(&view);
        let beginning = loom::thread::spawn(move || {
            begin(&beginner);
            published(&beginner).len() == 2
        });
        let generation = making.join().unwrap();
        let is_found = beginning.join().unwrap();
        note(generation == 1);
        assert!(generation == 1 || is_found, "a record that nobody carries");
        assert_eq!(
            view.slot_word(SLOT, offset_of!(Slot, generation)).map(Word::load_relaxed),
            Some(generation)
        );
    });
}
