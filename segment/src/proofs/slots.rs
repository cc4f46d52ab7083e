//! The life of a slot, from owner to owner.

use super::{explore, note, pages, process, register_all, segment, share};
use crate::{
    definition::{GaugeMode, Kind},
    layout::Plane,
    memory::atomic::{Cell, Word},
};
use std::sync::Arc;

/// Its semaphore goes from free to claimed to open, and back when its owner dies.
/// A word stands for it here, and a change of it for the kernel's, which orders at least as much.
#[test]
fn next_owner_continues_totals_and_clears_gauges() {
    explore("the life of a slot", || {
        let view = segment();
        let gauges = register_all(&view, Kind::Gauge(GaugeMode::Sum), &[]);
        let counters = register_all(&view, Kind::Counter, &[]);
        let mut dead = process(&view, 1);
        dead.resolve(gauges, &["x"]).unwrap().cells[0].set(7.0);
        dead.resolve(counters, &["x"]).unwrap().cells[0].add_owned(5.0);
        let semaphore = Arc::new(Word::modelled());
        let live = |gauge: f64, dies: bool| {
            let (mut next_owner, semaphore) = (process(&view, 1), semaphore.clone());
            loom::thread::spawn(move || {
                if semaphore.compare_exchange(0, 1).is_err() {
                    return 0;
                }
                next_owner.move_in();
                semaphore.fetch_add(1);
                next_owner.resolve(gauges, &["x"]).unwrap().cells[0].set(gauge);
                next_owner.resolve(counters, &["x"]).unwrap().cells[0].add_owned(1.0);
                if dies {
                    semaphore.store_release(0);
                }
                1
            })
        };
        let next_owners = [live(3.0, true), live(4.0, false)];
        let (reader, open) = (share(&view), semaphore.clone());
        let look = loom::thread::spawn(move || {
            let is_open = open.load_acquire() == 2;
            let page = pages(&reader, 1, Plane::PerProcess)[0];
            let cells = reader.page(page).unwrap();
            let counts = |cell: &Cell| cell.get().to_bits() == 7_f64.to_bits();
            assert!(
                !is_open || !cells.iter().any(counts),
                "a dead process's gauge counts for its next owner"
            );
        });
        let lives: u32 = next_owners.map(|next_owner| next_owner.join().unwrap()).iter().sum();
        look.join().unwrap();
        note(lives == 2);
        let total = dead.resolve(counters, &["x"]).unwrap().cells[0].get();
        assert_eq!(total as u32, 5 + lives, "the next owner goes on where the dead one stopped");
    });
}
