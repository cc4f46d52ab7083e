//! Generations: how the next one begins, how each slot is carried into it, and how the old half is given back.
//! docs/internals/generations.md explains the protocol, and tests/model tries every order of its steps.

use super::{
    Writer,
    attach::Attached,
    carry::{Carrier, Load},
    register::MOST_TURNS,
    slot::{Alone, ClaimedSlot, is_forged, pages_of},
};
use crate::{
    crash,
    layout::{ESTATE, LIVENESS_KERNEL, PAGE, Phase, Plane, RECORD_UNIT, SHARED, Slot, header},
    memory::{
        atomic::{Word, before_stores},
        view::View,
    },
    os::Locks,
    snapshot::Loss,
};
use std::{
    collections::HashMap,
    mem::offset_of,
    time::{Duration, Instant},
};

/// After an attempt to carry this process's slot that found no room, how long none is made.
const REST: Duration = Duration::from_secs(1);

impl Writer {
    /// Runs `act` in the present generation, once more if another one began meanwhile, or if `act` returns
    /// `None`. So nothing is handed out that was found in a half which all others have left: whoever carries
    /// finds all records that anybody counts into.
    pub(super) fn steady<R>(
        &mut self,
        mut act: impl FnMut(&mut Self, Phase) -> Result<Option<R>, Loss>,
    ) -> Result<R, Loss> {
        for _ in 0..MOST_TURNS {
            let phase = self.enter()?;
            let done = match act(self, phase) {
                Err(Loss::SeriesLimit | Loss::SegmentFull)
                    if self.make_room() || self.attached.view.phase_now() != phase =>
                {
                    continue;
                }
                done => done?,
            };
            match done {
                Some(done) if self.attached.view.phase_now().generation() == self.generation => {
                    return Ok(done);
                }
                _ => {}
            }
        }
        Err(Loss::Corrupt)
    }

    /// Moves to the present generation, or else does a part of the work that all have to do: not both in one call,
    /// so that no call takes long.
    fn enter(&mut self) -> Result<Phase, Loss> {
        let phase = self.attached.view.phase_now();
        if phase.generation() != self.generation {
            self.move_on(phase)?;
        } else if !phase.is_settled() {
            self.assist(phase);
        }
        Ok(self.attached.view.phase_now())
    }

    /// Does a part of the work of a generation that has begun, if there is any: carries this process's slot, or
    /// one whose owner died, or gives the old half back. Call it periodically, so that a process that looks up
    /// no series does not hold up the others; but not between a lookup and the update of what was found.
    pub fn tend(&mut self) {
        if self.has_to_tend() {
            let _without_room_later = self.enter();
        }
    }

    /// Whether [`Writer::tend`] would do anything.
    #[must_use]
    pub fn has_to_tend(&self) -> bool {
        !self.attached.view.phase().is_settled()
    }

    fn move_on(&mut self, phase: Phase) -> Result<(), Loss> {
        if self.rests_until.is_some_and(|then| Instant::now() < then) {
            return Err(Loss::SegmentFull);
        }
        if self.rests_until.take().is_some() {
            // Cells of the old half may have been handed out since the announcement.
            self.attached.view.head(header!(epoch)).fetch_add(1); // pair: EPOCH
        }
        let done = self.try_to_move_on(phase.generation());
        self.rests_until = done.err().map(|_| Instant::now() + REST);
        done
    }

    /// Carries this process's slot and its families; the slot turns last.
    fn try_to_move_on(&mut self, now: u64) -> Result<(), Loss> {
        announce(&self.attached.view, now);
        let half = self.attached.view.geometry.half(now);
        self.attached.view.forget(half.head, half.end - half.head); // what was there before was given back
        self.pages.spare.clear(); // they belong to the old half
        let slot = self.slot.number;
        let mut moves = HashMap::new();
        if slot != SHARED {
            let mut carrier = Carrier::new(self, now);
            carrier.carry(&Load { from: vec![slot], to: slot, with_gauges: true })?;
            moves = carrier.moves;
        }
        let mut homes = Vec::with_capacity(self.families.len());
        for at in 0..self.families.len() {
            let (definition, claim) = (self.families[at].definition.clone(), self.families[at].claim);
            let home = self.family_home(now, &definition)?;
            self.assert(now, home, claim)?;
            homes.push(home);
        }
        if slot != SHARED {
            turn(&self.attached.view, slot, now);
        }
        self.families.iter_mut().zip(homes).for_each(|(known, home)| known.home = home);
        let offsets =
            self.families.iter().enumerate().map(|(known, family)| (family.home.offset, known as u32));
        self.by_offset = offsets.collect();
        self.exemplars = super::ExemplarPlaces::default();
        self.moves = Some(match self.moves.take() {
            // Nobody has asked since the last move.
            Some(former) => {
                former.into_iter().filter_map(|(from, to)| Some((from, *moves.get(&to)?))).collect()
            }
            None => moves,
        });
        self.generation = now;
        Ok(())
    }

    fn carry(&mut self, now: u64, load: &Load) -> Result<(), Loss> {
        Carrier::new(self, now).carry(load)
    }

    /// Carries one slot of a dead owner, or, if there is none, gives the old half back.
    fn assist(&mut self, phase: Phase) {
        if self.slot.number == SHARED {
            return;
        }
        let now = phase.generation();
        if phase.is_carrying() && !has_turned(&self.attached.view, now) {
            self.carry_a_dead_slot(now);
        } else {
            self.collect(|writer| writer.finish(now));
        }
    }

    fn carry_a_dead_slot(&mut self, now: u64) {
        let view = &self.attached.view;
        let Some(locks) = &self.attached.locks else { return };
        let Some(values) = locks.values(view.geometry.slots).filter(|_| !is_forged(&**locks, view)) else {
            return;
        };
        let mut dead = slots(view).filter(|slot| values[*slot] == 0 && generation_of(view, *slot) != now);
        // No other thread may take the claim for one that this process made before an exec.
        let _alone = Alone::wait();
        let Some(slot) = dead.find(|slot| locks.claim(*slot).is_ok()) else { return };
        let number = ClaimedSlot { number: slot, claim_seq: 0 };
        // Looked at again: others may have carried the slot, and begun the next generation, before it was claimed here.
        // While it is claimed and behind, the phase stays.
        let phase = view.phase_now();
        let is_now = phase.is_carrying() && phase.generation() == now;
        let is_behind = number.settle_generation(view).wrapping_add(1) == now;
        if is_now
            && is_behind
            && self.carry(now, &Load { from: vec![slot], to: slot, with_gauges: false }).is_ok()
        {
            turn(&self.attached.view, slot, now);
        }
        if let Some(locks) = &self.attached.locks {
            let _undone_with_this_process = locks.return_borrowed(slot);
        }
    }

    /// Runs `act` while no other process begins or ends a generation, and no process without a slot lives that
    /// came before. Does nothing if that is not to be had at once.
    fn collect<R>(&mut self, act: impl FnOnce(&mut Self) -> Option<R>) -> Option<R> {
        let locks = self.collector()?;
        if is_forged(&**locks, &self.attached.view) {
            return None;
        }
        locks.begin_collection().ok()?;
        let done = act(self);
        if let Some(locks) = &self.attached.locks {
            let _undone_with_this_process = locks.end_collection();
        }
        done
    }

    /// Gives the old half back, or goes on with it. Another process may have done so, or died while doing so.
    fn finish(&mut self, now: u64) -> Option<()> {
        let phase = self.attached.view.phase_now();
        if phase.generation() != now || phase.is_settled() {
            return None;
        }
        if phase.is_carrying() {
            if !has_turned(&self.attached.view, now) {
                return None;
            }
            // What processes without a slot have left: nobody writes it any more. It is added to the estate once.
            if generation_of(&self.attached.view, SHARED) != now {
                let load = Load { from: vec![SHARED, ESTATE], to: ESTATE, with_gauges: false };
                let view = &self.attached.view;
                let former = view.geometry.half(now + 1);
                let has_cells =
                    |slot: &usize| pages_of(view, former, *slot, Plane::Cumulative).next().is_some();
                // Mostly there are none, and it would take long to find that out series by series.
                if load.from.iter().any(has_cells) {
                    self.carry(now, &load).ok()?;
                }
                turn(&self.attached.view, SHARED, now);
            }
        }
        let Attached { view, object, .. } = &self.attached;
        give_back(view, phase, || {
            let half = view.geometry.half(now + 1);
            let bytes = half.end - half.head;
            if crash::memory_is_kept() || object.free(view, half.head, bytes).is_err() {
                zero(view, now + 1);
            }
        })
    }

    /// Whether the next generation could begin, as far as that is seen without a system call.
    pub(super) fn can_begin(&self) -> bool {
        let phase = self.attached.view.phase_now();
        phase.is_settled() && phase.generation() == self.generation && self.collector().is_some()
    }

    /// Begins the next generation, if the other half is empty, with a limit of series. `mark` removes what is not to be
    /// carried.
    pub(super) fn begin(&mut self, max_series: u32, mark: impl FnOnce(&View)) -> bool {
        let now = self.generation;
        let begun = self.collect(|writer| {
            let view = &writer.attached.view;
            let phase = view.phase_now();
            if phase != Phase::settled(now) {
                return None;
            }
            let half = view.geometry.half(now + 1);
            view.forget(half.head, half.end - half.head);
            if !view.reserve(half.head, half.records - half.head) {
                return None;
            }
            mark(view);
            if let Some(limit) = view.word(half.max_series()) {
                limit.store_relaxed(max_series.into()); // seen by whoever sees the next phase
            }
            view.head(header!(phase)).compare_exchange(phase.0, phase.next().0).ok()?; // pair: PHASE
            announce(view, now + 1);
            Some(())
        });
        begun.is_some()
    }

    /// The locks, if generations may begin and end here: if the kernel tells of all deaths, and this process has a
    /// slot of its own.
    fn collector(&self) -> Option<&Locks> {
        let word = |offset| self.attached.view.head(offset).load_acquire();
        let is_known = word(header!(liveness)) == LIVENESS_KERNEL && word(header!(uncounted)) == 0;
        self.attached.locks.as_ref().filter(|_| is_known && self.slot.number != SHARED)
    }
}

/// Makes every process look its series up again, and so move on. Comes before any slot turns: a process that
/// has turned must not use cells that it looked up before. Whoever finds it undone does it, perhaps once more.
fn announce(view: &View, now: u64) {
    let announced = view.head(header!(announced));
    if announced.load_acquire() < now {
        view.head(header!(epoch)).fetch_add(1); // pair: EPOCH
        announced.fetch_max(now);
    }
}

/// Ends the time of the old half at a phase: readers learn of it before `free` gives its memory back, and others begin
/// a generation there only after that.
pub(crate) fn give_back(view: &View, phase: Phase, free: impl FnOnce()) -> Option<()> {
    let giving_back = if phase.is_carrying() { phase.next() } else { phase };
    if phase.is_carrying() {
        view.head(header!(phase)).compare_exchange(phase.0, giving_back.0).ok()?; // pair: PHASE
    }
    before_stores(); // pair: PHASE
    free();
    view.head(header!(phase)).compare_exchange(giving_back.0, giving_back.next().0).ok().map(drop) // pair: PHASE
}

/// The one store by which all cells of a slot are those of the new half.
pub(crate) fn turn(view: &View, slot: usize, now: u64) {
    if let Some(word) = view.slot_word(slot, offset_of!(Slot, generation)) {
        word.store_release(now); // pair: TURN
    }
}

/// The generation that a slot's cells are in.
pub(crate) fn generation_of(view: &View, slot: usize) -> u64 {
    view.slot_word(slot, offset_of!(Slot, generation)).map_or(0, Word::load_acquire) // pair: TURN
}

/// The slots that were ever used, but for the shared one.
pub(super) fn slots(view: &View) -> impl Iterator<Item = usize> + use<> {
    let high = view.head(header!(slots_high)).load_acquire() as usize; // pair: SLOT
    SHARED + 1..high.min(view.geometry.slots)
}

/// Whether the cells of all slots with owners of their own are in this generation.
fn has_turned(view: &View, now: u64) -> bool {
    slots(view).all(|slot| generation_of(view, slot) == now)
}

/// Zeroes what was taken of a half, where the system does not take its memory back. The head comes last,
/// because it says what was taken.
fn zero(view: &View, generation: u64) {
    let half = view.geometry.half(generation);
    let space = view.space(half);
    let used = view.head(header!(slots_high)).load_acquire() as usize;
    let areas = [
        (half.gauge_map, half.roots),
        (half.roots, half.roots_of(used.min(view.geometry.slots))),
        (half.index, half.records),
        (half.records, half.records + (space.units * RECORD_UNIT).min(half.room())),
        (half.end - (space.pages * PAGE).min(half.room()), half.end),
        (half.head, half.gauge_map),
    ];
    for (from, to) in areas {
        for start in (from..to).step_by(PAGE as usize) {
            let words = view.words(start, (to - start).min(PAGE) / 8).unwrap_or_default();
            words.iter().filter(|word| word.load_relaxed() != 0).for_each(|word| word.store_relaxed(0));
        }
    }
}
