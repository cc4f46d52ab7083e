//! Which generation the cells of each slot are in, as one scrape sees it.

use crate::{
    layout::{ESTATE, Geometry, Half, Phase, SHARED, Slot, header},
    memory::{atomic::Word, view::View},
};
use std::mem::offset_of;

/// The phase, and the generation of each slot, at the start of a scrape.
///
/// What the scrape then reads is valid as long as no half that it reads is given back. A slot that turns meanwhile
/// leaves its old cells as they are: they lack what was counted during the scrape, and nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sight {
    phase: Phase,
    words: Vec<u64>,
}

/// How many times a scrape looks for a phase that stays while the slots' words are read.
const MOST_LOOKS: usize = 64;

/// The cells of one slot in one half.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tree {
    /// The index of the half.
    pub(crate) half: usize,
    /// The number of its roots.
    pub(crate) roots: usize,
    /// The slot that they belong to.
    pub(crate) slot: usize,
    /// Whether its gauges count. Of slot 0 only those of the present generation do: processes without a slot that
    /// set others are dead, because none lives when a generation begins.
    pub(crate) has_gauges: bool,
}

impl Sight {
    /// `None` if generations begin and end all the time: then the words may be of another generation than the
    /// phase, and a slot that is ahead of it would be left out.
    pub(crate) fn look(view: &View) -> Option<Self> {
        let look = || {
            let phase = view.phase();
            let high = view.head(header!(slots_high)).load_acquire() as usize; // pair: SLOT
            let word =
                |slot| view.slot_word(slot, offset_of!(Slot, generation)).map_or(0, Word::load_acquire); // pair: TURN
            let words = (0..high.min(view.geometry.slots)).map(word).collect();
            (view.phase() == phase).then_some(Self { phase, words })
        };
        (0..MOST_LOOKS).find_map(|_| look())
    }

    /// Whether all that was read since is valid: no half that it was read of is given back, as far as the cells
    /// that were read tell.
    pub(crate) fn still_holds(&self, view: &View) -> bool {
        let phase = Phase(view.head(header!(phase)).load_after_all()); // pair: PHASE
        let oldest = self.former().unwrap_or(self.now());
        match phase.generation().checked_sub(oldest) {
            Some(0) => true,
            Some(1) => phase.is_carrying(),
            _ => false,
        }
    }

    /// How many slots were ever used.
    pub(crate) fn slots(&self) -> usize {
        self.words.len()
    }

    /// The present generation.
    pub(crate) fn now(&self) -> u64 {
        self.phase.generation()
    }

    /// Whether the other half is empty.
    pub(crate) fn is_settled(&self) -> bool {
        self.phase.is_settled()
    }

    /// The index of the half of the present generation.
    pub(crate) fn half(&self) -> usize {
        (self.now() % 2) as usize
    }

    /// The former generation, if cells still count there.
    pub(crate) fn former(&self) -> Option<u64> {
        let former = self.now().checked_sub(1).filter(|_| self.phase.is_carrying())?;
        self.words.contains(&former).then_some(former)
    }

    /// The generations to be read, the former one first.
    pub(crate) fn generations(&self) -> impl Iterator<Item = u64> + use<> {
        self.former().into_iter().chain([self.now()])
    }

    /// The halves to be read, the former one first.
    pub(crate) fn halves<'g>(&self, geometry: &'g Geometry) -> impl Iterator<Item = &'g Half> {
        self.generations().map(|generation| geometry.half(generation))
    }

    /// The slots that are not in the present generation yet.
    pub(crate) fn behind(&self) -> impl Iterator<Item = usize> {
        let former = self.former();
        let slots = self.words.iter().enumerate().skip(SHARED + 1);
        slots.filter(move |(_, word)| former == Some(**word)).map(|(slot, _)| slot)
    }

    /// Where the cells are, in an order in which a slot's cells keep their rank when it turns: sums of floating
    /// point numbers depend on the order, and must not go back by a rounding. The shared slot's are in both halves
    /// until it has turned, and what it leaves is the estate.
    pub(crate) fn trees(&self) -> Vec<Tree> {
        let half = |generation: u64| (generation % 2) as usize;
        let now = self.now();
        let former = self.former();
        let mut trees = Vec::with_capacity(self.words.len() + 2);
        for (slot, word) in self.words.iter().enumerate() {
            let is_behind = former == Some(*word);
            if slot == SHARED {
                let shared = Tree { half: half(now), roots: SHARED, slot, has_gauges: true };
                let of_estate =
                    |generation| Tree { half: half(generation), roots: ESTATE, slot, has_gauges: false };
                if let Some(former) = former.filter(|_| is_behind) {
                    trees.extend([
                        Tree { half: half(former), has_gauges: false, ..shared },
                        of_estate(former),
                        shared,
                    ]);
                } else {
                    trees.extend([shared, of_estate(now)]);
                }
            } else if is_behind || *word == now {
                trees.push(Tree { half: half(*word), roots: slot, slot, has_gauges: true });
            }
        }
        trees
    }
}
