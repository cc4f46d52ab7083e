//! The exemplars of all slots: for each cell the latest one.

use super::{
    cells::Cells,
    entry::{Entry, Series},
    pages::Page,
};
use crate::{
    definition::Kind,
    format::exemplar::{Exemplar, Place, place_words},
    layout::{Geometry, PAGE, PAGE_WORDS},
    order,
    snapshot::CellPlace,
};
use std::collections::HashMap;

/// The exemplars of one scrape, by half and column of the cumulative plane.
#[derive(Debug, Default)]
pub(crate) struct Exemplars {
    latest: HashMap<(usize, u64), Exemplar>,
    /// Number of places whose exemplar breaks a rule. They are skipped, because one invalid exemplar would
    /// make the whole exposition page invalid.
    pub(crate) bad: u64,
}

impl Exemplars {
    /// Reads all places. Skips those that are being written or belong to no cell, and those whose exemplar
    /// breaks a rule.
    pub(crate) fn look(cells: &Cells<'_>) -> Self {
        let mut found = Self::default();
        for (half, pages) in cells.page_map.exemplars.iter().enumerate() {
            if !pages.iter().all(Vec::is_empty) {
                found.look_at(cells, half, pages);
            }
        }
        found
    }

    fn look_at(&mut self, cells: &Cells<'_>, half: usize, pages: &[Vec<Page>]) {
        let owners = cells.page_map.cumulative[half].by_number();
        for (size, pages) in pages.iter().enumerate() {
            for (page, place) in pages.iter().flat_map(|page| places(cells, size, page)) {
                let Some(column) = column(&cells.view.geometry, &owners, page, place.cell()) else {
                    continue;
                };
                match place.find() {
                    Some(Ok(exemplar)) => self.take((half, column), exemplar),
                    Some(Err(_)) => self.bad += 1,
                    None => {}
                }
            }
        }
    }

    fn take(&mut self, place: (usize, u64), exemplar: Exemplar) {
        let known = self.latest.get(&place);
        if known.is_none_or(|known| known.time < exemplar.time) {
            self.latest.insert(place, exemplar);
        }
    }

    /// The exemplars of a family's cells; a histogram's sum has none.
    pub(crate) fn of(&self, entry: &Entry) -> Vec<(CellPlace, Exemplar)> {
        if self.latest.is_empty() {
            return Vec::new();
        }
        let is_histogram = matches!(entry.definition.kind, Kind::Histogram | Kind::NativeHistogram(_));
        let buckets = entry.definition.cells() - usize::from(is_histogram);
        let joint = entry.definition.joint_cells();
        let cells = entry
            .rows()
            .iter()
            .enumerate()
            .flat_map(|(row, series)| (0..buckets).map(move |cell| ((row, cell), series)));
        let mut found: Vec<(CellPlace, Exemplar)> = cells
            .filter_map(|((row, cell), series)| {
                let exemplar = self.latest_of(series, cell)?.clone();
                let bucket = joint.as_ref().map_or(Some(cell), |joint| joint.bucket(cell))?;
                Some(((row, bucket), exemplar))
            })
            .collect();
        // Several cells may be of one bucket. The latest stays; the sort keeps the order of equals.
        order::sort_elements(&mut found, &|(place, one), (other, two)| {
            place.cmp(other).then(two.time.total_cmp(&one.time))
        });
        found.dedup_by_key(|(place, _)| *place);
        found
    }

    fn latest_of(&self, series: &Series, cell: usize) -> Option<&Exemplar> {
        let places = (0..2).filter_map(|half| Some((half, series.column(half)? + cell as u64)));
        let found = places.filter_map(|place| self.latest.get(&place));
        found.reduce(|one, other| if other.time > one.time { other } else { one })
    }
}

/// A page's places, each with the page.
fn places<'r>(cells: &Cells<'r>, size: usize, page: &'r Page) -> impl Iterator<Item = (&'r Page, Place<'r>)> {
    let words = page.words(cells.view);
    words.chunks_exact(place_words(size)).map(move |place| (page, Place::over(place)))
}

/// The column of the cell at an offset, if the cell belongs to the same slot.
fn column(geometry: &Geometry, owners: &HashMap<u32, (u16, u32)>, page: &Page, cell: u64) -> Option<u64> {
    let back = geometry.end.checked_sub(cell)?;
    let (slot, place) = owners.get(&u32::try_from(back.div_ceil(PAGE)).ok()?)?;
    let inside = (PAGE - back % PAGE) % PAGE / 8;
    (*slot == page.slot && cell.is_multiple_of(8)).then_some(u64::from(*place) * PAGE_WORDS as u64 + inside)
}
