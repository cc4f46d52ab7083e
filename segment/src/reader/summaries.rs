//! Quantiles: the recent samples of a summary's series, over all slots.
//!
//! Samples of dead processes count too until they are too old, because their observations remain valid.

use super::{catalogue::Catalogue, entry::Series, pages::PageMap};
use crate::{
    definition::Kind,
    format::ring::{nearest_rank, ring_of, samples_of},
    layout::{PAGE_WORDS, SUMMARY_CELLS, ring_pages},
    memory::{atomic::Sample, view::View},
    snapshot::{Snapshot, Window},
};

/// Between two scrapes only the buffers' capacity is kept.
#[derive(Debug, Default)]
pub(crate) struct Summaries {
    /// The summaries' series.
    series: Vec<SummarySeries>,
    /// Their rings, in the order of `series` and then of the slots.
    rings: Vec<Ring>,
    /// Buffer for the recent values of one series.
    values: Vec<f64>,
}

#[derive(Debug, Clone, Copy)]
struct SummarySeries {
    columns: [Option<u64>; 2],
    /// The family's index in the snapshot, if it is exported, and the row.
    row: Option<(usize, usize)>,
}

/// One slot's ring of a series.
#[derive(Debug, Clone, Copy)]
struct Ring {
    /// The index of the series in [`Summaries::series`].
    series: usize,
    /// The number of its last page.
    number: u64,
    /// How many places were ever written: those beyond are holes, and their reader pays for the memory.
    used: u64,
}

impl Summaries {
    /// Finds all rings. Each page is taken once, so that all rings together are no larger than the segment,
    /// even if their cells are corrupt.
    pub(crate) fn look(&mut self, view: &View, page_map: &mut PageMap, catalogue: &Catalogue) {
        self.series.clear();
        self.rings.clear();
        for (family, entry) in catalogue.summaries() {
            let series = |(row, series): (usize, &Series)| SummarySeries {
                columns: series.columns(),
                row: family.map(|family| (family, row)),
            };
            self.series.extend(entry.all_series().enumerate().map(series));
        }
        let samples = samples_of(view);
        let ring = ring_pages(samples);
        if ring == 0 {
            return; // corrupt header
        }
        for (series, SummarySeries { columns, .. }) in self.series.iter().enumerate() {
            let cumulative = columns.iter().zip(&page_map.cumulative);
            let pages = cumulative.filter_map(|(column, pages)| Some((*column, pages.of((*column)?))));
            let pages_of = pages.flat_map(|(column, pages)| pages.iter().map(move |page| (column, page)));
            for (column, page) in pages_of {
                let column = column.unwrap_or_default();
                let cells = page.cells(view).get(column as usize % PAGE_WORDS..);
                let Some(cells) = cells.and_then(|cells| cells.get(..SUMMARY_CELLS)) else { continue };
                let number = ring_of(cells); // pair: RING
                if number == 0 {
                    continue;
                }
                let is_ring = view.ring(number, samples).is_some();
                let used = (cells[0].get() as u64).min(samples);
                if !is_ring
                    || !page_map.taken.take(number + 1 - ring, ring)
                    || !page_map.allowance.take(ring_pages(used))
                {
                    page_map.bad += 1;
                    continue;
                }
                page_map.total += ring;
                self.rings.push(Ring { series, number, used });
            }
        }
    }

    /// Writes the quantiles of the recent observations into the rows; NaN if there are none.
    pub(crate) fn merge(&mut self, view: &View, now: u64, snapshot: &mut Snapshot) {
        let samples = samples_of(view);
        let mut rest = &self.rings[..];
        for (at, series) in self.series.iter().enumerate() {
            let own;
            (own, rest) = rest.split_at(rest.partition_point(|ring| ring.series == at));
            let Some((family, row)) = series.row else { continue };
            let family = &mut snapshot.families[family];
            let Kind::Summary { max_age } = family.definition.kind else { continue };
            let oldest = now.saturating_sub(u64::from(max_age) * 1_000_000_000);
            self.values.clear();
            for ring in own {
                let places = view.ring(ring.number, samples).unwrap_or_default();
                let recent = places.iter().take(ring.used as usize).filter_map(Sample::get);
                self.values.extend(
                    recent
                        .filter(|(when, _)| *when >= oldest)
                        .map(|(_, value)| if value.is_nan() { f64::NAN } else { value }),
                );
            }
            self.values.sort_unstable_by(f64::total_cmp);
            let sum = self.values.iter().sum();
            family.set_window(row, Window { count: self.values.len(), sum });
            let quantiles = family.definition.bounds.clone();
            for (number, quantile) in family.values_mut(row).iter_mut().zip(quantiles) {
                *number =
                    if self.values.is_empty() { f64::NAN } else { nearest_rank(&self.values, quantile) };
            }
        }
    }
}
