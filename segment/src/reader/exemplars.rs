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

/// The exemplars of one scrape.
#[derive(Debug, Default)]
pub(crate) struct Exemplars {
    /// The latest of each column of the cumulative plane, by half, in the order of the columns.
    latest: [Vec<(u64, Exemplar)>; 2],
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
        found.latest.iter_mut().for_each(keep_latest);
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
                    Some(Ok(exemplar)) => self.latest[half].push((column, exemplar)),
                    Some(Err(_)) => self.bad += 1,
                    None => {}
                }
            }
        }
    }

    /// The exemplars of a family's cells; a histogram's sum has none.
    pub(crate) fn of(&self, entry: &Entry) -> Vec<(CellPlace, Exemplar)> {
        if self.latest.iter().all(Vec::is_empty) {
            return Vec::new();
        }
        let others = match entry.definition.kind {
            Kind::NativeHistogram(_) => 2,
            Kind::Histogram => 1,
            _ => 0,
        };
        let buckets = entry.definition.cells() - others;
        let joint = entry.definition.joint_cells();
        let rows = entry.rows().iter().enumerate();
        let of_cells = rows.flat_map(|(row, series)| {
            self.of_series(series, buckets).map(move |(cell, exemplar)| (row, cell, exemplar))
        });
        let mut found: Vec<(CellPlace, Exemplar)> = of_cells
            .filter_map(|(row, cell, exemplar)| {
                let bucket = joint.as_ref().map_or(Some(cell), |joint| joint.bucket(cell))?;
                Some(((row, bucket), exemplar.clone()))
            })
            .collect();
        keep_latest(&mut found); // several cells may be of one bucket, or one of both halves
        found
    }

    /// The exemplars of a series' first cells, each with its cell, of both halves.
    fn of_series(&self, series: &Series, cells: usize) -> impl Iterator<Item = (usize, &Exemplar)> {
        let halves = self.latest.iter().zip(series.columns());
        halves.filter_map(|(all, column)| Some((all, column?))).flat_map(move |(all, column)| {
            let first = all.partition_point(|(at, _)| *at < column);
            let own = all[first..].iter().take_while(move |(at, _)| *at < column + cells as u64);
            own.map(move |(at, exemplar)| ((at - column) as usize, exemplar))
        })
    }
}

/// Sorts by place, and keeps the latest of each. The sort keeps the order of equals.
fn keep_latest<P: Ord>(all: &mut Vec<(P, Exemplar)>) {
    order::sort_elements(all, &|(place, one), (other, two)| {
        place.cmp(other).then(two.time.total_cmp(&one.time))
    });
    all.dedup_by(|(next, _), (place, _)| next == place);
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
