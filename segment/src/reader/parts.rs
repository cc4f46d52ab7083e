//! Which cells of the present half are added up as they lie: those of all series that are shown but native histograms.
//! It depends on where the series lie and not on their numbers, so it is found out once for many scrapes.

use super::entry::Entry;
use crate::{
    definition::Kind,
    layout::{PAGE_WORDS, Plane},
};
use std::{collections::HashMap, ops::Range};

/// What is wanted of each page of the cumulative plane.
#[derive(Debug, Default)]
pub(crate) struct Parts {
    /// The catalogue's layout, and the half of the present generation, that it was found for.
    layout: Option<(u64, usize)>,
    /// By index in the plane: whether there is anything.
    is_wanted: Vec<bool>,
    /// Of the pages that native histograms share with other series: the cells of the others.
    shared: HashMap<usize, Vec<Range<usize>>>,
}

impl Parts {
    /// Looks at all series again if they may lie elsewhere by now. `now` is the half of the present generation.
    pub(crate) fn refresh<'e>(
        &mut self,
        layout: u64,
        now: usize,
        entries: impl Iterator<Item = &'e Entry> + Clone,
    ) {
        if self.layout == Some((layout, now)) {
            return;
        }
        *self = Self { layout: Some((layout, now)), ..Self::default() };
        let cumulative = entries.filter(|entry| entry.definition.kind.plane() == Plane::Cumulative);
        let is_native = |entry: &&Entry| matches!(entry.definition.kind, Kind::NativeHistogram(_));
        let natives = cumulative.clone().filter(is_native);
        for place in natives.flat_map(|entry| columns(entry, now)).map(place_of) {
            self.shared.entry(place).or_default();
        }
        for entry in cumulative.filter(|entry| !is_native(entry)) {
            let cells = entry.definition.cells();
            for column in columns(entry, now) {
                let place = place_of(column);
                if self.is_wanted.len() <= place {
                    self.is_wanted.resize(place + 1, false);
                }
                self.is_wanted[place] = true;
                if let Some(parts) = self.shared.get_mut(&place) {
                    let first = column as usize % PAGE_WORDS;
                    parts.push(first..first + cells);
                }
            }
        }
    }

    /// The ranges of cells that are wanted of the page with that index in the plane.
    pub(crate) fn of(&self, place: usize) -> &[Range<usize>] {
        static WHOLE: Range<usize> = 0..PAGE_WORDS;
        if !self.is_wanted.get(place).copied().unwrap_or(false) {
            return &[];
        }
        self.shared.get(&place).map_or(std::slice::from_ref(&WHOLE), |parts| parts)
    }
}

fn columns(entry: &Entry, half: usize) -> impl Iterator<Item = u64> {
    entry.rows().iter().filter_map(move |series| series.column(half))
}

fn place_of(column: u64) -> usize {
    column as usize / PAGE_WORDS
}
