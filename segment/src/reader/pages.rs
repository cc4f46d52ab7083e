//! The existing pages of cells, found through the slots' directories. Each page is taken once, so a scrape
//! never reads more pages than the segment has, even if the directories are corrupt.

use super::{budget::Allowance, ranges::ClaimedRanges, sight::Tree};
use crate::{
    layout::{EXEMPLAR_SIZES, PAGE_WORDS, Plane, Roots, SHARED},
    memory::{
        atomic::{Cell, Word},
        view::View,
    },
};
use std::{collections::HashMap, mem::offset_of, ops::Range};

/// One slot's page of cells.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Page {
    /// Its index among the plane's pages.
    pub(crate) place: u32,
    /// The slot that owns it.
    pub(crate) slot: u16,
    /// Its number in the segment.
    number: u32,
}

impl Page {
    /// Its words.
    pub(crate) fn words<'r>(&self, view: &'r View) -> &'r [Word] {
        let offset = view.page_offset(u64::from(self.number));
        offset.and_then(|offset| view.words(offset, PAGE_WORDS as u64)).unwrap_or_default()
    }

    /// Its cells.
    pub(crate) fn cells<'r>(&self, view: &'r View) -> &'r [Cell] {
        view.known_page(u64::from(self.number)).map_or(&[], |cells| &cells[..])
    }
}

/// One plane's pages of cells, of all slots.
#[derive(Debug, Default)]
pub(crate) struct Pages {
    /// In the order of the directory walk: by slot.
    walked: Vec<Page>,
    /// Sorted by index in the plane, then by slot.
    found: Vec<Page>,
    /// The start of each of the plane's pages in `found`, and the end of the last one.
    starts: Vec<u32>,
    /// The rank of each of the plane's pages among those that exist in at least one slot.
    ranks: Vec<u32>,
    count: usize,
}

/// In [`Pages::ranks`]: no slot has that page.
const NOWHERE: u32 = u32::MAX;

/// The pages found in one walk of all directories.
#[derive(Debug, Default)]
pub(crate) struct PageMap {
    /// By half.
    pub(crate) cumulative: [Pages; 2],
    /// By half.
    pub(crate) per_process: [Pages; 2],
    /// Pages of exemplars, by half, then by the size of their places.
    pub(crate) exemplars: [[Vec<Page>; EXEMPLAR_SIZES]; 2],
    /// Number of pages found, directories included.
    pub(crate) total: u64,
    /// Number of words in directories that lead to no page, or to one that another word leads to.
    pub(crate) bad: u64,
    /// Pages that were allocated when the walk began, by half.
    allocated: [Range<u64>; 2],
    /// Numbers of the pages that were found.
    pub(super) taken: ClaimedRanges,
    /// Pages that were found and are read; of a ring only those that were written.
    pub(super) allowance: Allowance,
}

impl PageMap {
    /// Walks the directories again, up to `most` pages.
    pub(crate) fn refresh(&mut self, view: &View, trees: &[Tree], most: u64) {
        self.taken.clear();
        // Of an empty half not even the head is looked at: that would give it memory.
        self.allocated = [0, 1].map(|half| {
            let is_read = trees.iter().any(|tree| tree.half == half);
            if is_read { view.allocated_pages(&view.geometry.halves[half]) } else { 0..0 }
        });
        (self.total, self.bad, self.allowance) = (0, 0, Allowance::of(most));
        for plane in [Plane::Cumulative, Plane::PerProcess] {
            let mut pages = std::mem::take(self.pages_mut(plane));
            pages.iter_mut().for_each(|pages| pages.walked.clear());
            let counting = trees.iter().filter(|tree| plane == Plane::Cumulative || tree.has_gauges);
            counting.for_each(|tree| self.walk(view, tree, plane, &mut pages[tree.half].walked));
            pages.iter_mut().for_each(Pages::arrange);
            *self.pages_mut(plane) = pages;
        }
        self.find_exemplars(view, trees);
    }

    /// The shared slot has none, because a place has one writer.
    fn find_exemplars(&mut self, view: &View, trees: &[Tree]) {
        let mut found = std::mem::take(&mut self.exemplars);
        found.iter_mut().flatten().for_each(Vec::clear);
        for tree in trees.iter().filter(|tree| tree.slot != SHARED) {
            for (size, found) in found[tree.half].iter_mut().enumerate() {
                let roots = view.geometry.halves[tree.half].roots_of(tree.roots);
                let root = roots + (offset_of!(Roots, exemplars) + 8 * size) as u64;
                self.walk_directory(view, root, (tree.slot, 0), found);
            }
        }
        self.exemplars = found;
    }

    fn pages_mut(&mut self, plane: Plane) -> &mut [Pages; 2] {
        match plane {
            Plane::Cumulative => &mut self.cumulative,
            Plane::PerProcess | Plane::Shared => &mut self.per_process,
        }
    }

    fn walk(&mut self, view: &View, tree: &Tree, plane: Plane, found: &mut Vec<Page>) {
        let roots = view.geometry.halves[tree.half].roots_of(tree.roots) + plane.roots_offset();
        for root in 0..plane.roots() {
            self.walk_directory(view, roots + 8 * root as u64, (tree.slot, root * PAGE_WORDS), found);
        }
    }

    /// Adds the pages of the directory that the word at `root` leads to. The first of them is `slot`'s page
    /// number `first`.
    fn walk_directory(
        &mut self,
        view: &View,
        root: u64,
        (slot, first): (usize, usize),
        found: &mut Vec<Page>,
    ) {
        let directory = view.word(root).and_then(|root| self.enter(view, root));
        let entries = directory.and_then(|(_, directory)| view.words(directory, PAGE_WORDS as u64));
        for (entry, word) in entries.unwrap_or_default().iter().enumerate() {
            if let Some((number, _)) = self.enter(view, word) {
                found.push(Page { place: (first + entry) as u32, slot: slot as u16, number });
            }
        }
    }

    /// The number of pages of each of the first slots.
    pub(crate) fn pages_by_slot(&self, slots: usize) -> Vec<u64> {
        let mut by_slot = vec![0; slots];
        let cells = self.cumulative.iter().chain(&self.per_process).map(|pages| &pages.found);
        let pages = cells.chain(self.exemplars.iter().flatten()).flatten();
        pages.for_each(|page| by_slot[usize::from(page.slot)] += 1);
        by_slot
    }

    /// The number and offset of the page that the word leads to, if it was not taken before.
    fn enter(&mut self, view: &View, word: &Word) -> Option<(u32, u64)> {
        let number = word.load_acquire(); // pair: PAGE
        if number == 0 {
            return None;
        }
        let offset = self.offset(view, number).filter(|_| self.taken.take(number, 1));
        let Some(offset) = offset.filter(|_| self.allowance.take(1)) else {
            self.bad += 1;
            return None;
        };
        self.total += 1;
        Some((number as u32, offset))
    }

    /// The offset of the page with this number, if it is allocated. Most are found without a look at the half's head.
    fn offset(&self, view: &View, number: u64) -> Option<u64> {
        let [one, other] = &self.allocated;
        if one.contains(&number) || other.contains(&number) {
            view.geometry.offset_of_page(number).filter(|_| view.known_page(number).is_some())
        } else {
            view.page_offset(number)
        }
    }
}

impl Pages {
    /// Counting sort: there are few indexes, and many pages for each.
    fn arrange(&mut self) {
        let places = self.walked.iter().map(|page| page.place as usize + 1).max().unwrap_or(0);
        self.starts.clear();
        self.starts.resize(places + 1, 0);
        self.walked.iter().for_each(|page| self.starts[page.place as usize + 1] += 1);
        for at in 1..=places {
            self.starts[at] += self.starts[at - 1];
        }
        let mut next = self.starts.clone();
        self.found.clone_from(&self.walked);
        for page in &self.walked {
            let at = &mut next[page.place as usize];
            self.found[*at as usize] = *page;
            *at += 1;
        }
        self.rank_places();
    }

    fn rank_places(&mut self) {
        self.count = 0;
        self.ranks.clear();
        for ends in self.starts.windows(2) {
            let exists = ends[0] != ends[1];
            self.ranks.push(if exists { self.count as u32 } else { NOWHERE });
            self.count += usize::from(exists);
        }
    }

    /// The rank of that column's page among those that exist in at least one slot.
    pub(crate) fn rank(&self, column: u64) -> Option<usize> {
        let rank = *self.ranks.get((column / PAGE_WORDS as u64) as usize)?;
        (rank != NOWHERE).then_some(rank as usize)
    }

    /// How many of the plane's pages exist in at least one slot.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// The plane's pages that exist in at least one slot, sorted by rank: for each the slots' pages.
    pub(crate) fn by_rank(&self) -> impl Iterator<Item = &[Page]> {
        self.found.chunk_by(|a, b| a.place == b.place)
    }

    /// The slots' pages that hold that column.
    pub(crate) fn of(&self, column: u64) -> &[Page] {
        self.at((column / PAGE_WORDS as u64) as u32)
    }

    /// The slots' pages with that index in the plane, sorted by slot.
    pub(crate) fn at(&self, place: u32) -> &[Page] {
        let place = place as usize;
        match self.starts.get(place..place + 2) {
            Some(&[start, end]) => &self.found[start as usize..end as usize],
            _ => &[],
        }
    }

    /// From the number of a page in the segment to its slot and its index there.
    pub(crate) fn by_number(&self) -> HashMap<u32, (u16, u32)> {
        self.found.iter().map(|page| (page.number, (page.slot, page.place))).collect()
    }
}
