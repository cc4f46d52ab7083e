//! The merge: sums over slots for cumulative values, views over living processes for gauges.

use super::{
    catalogue::Catalogue, cells::Cells, entry::Entry, exemplars::Exemplars, slots::process_labels,
    totals::Totals,
};
use crate::{
    definition::{GaugeMode, Kind},
    memory::atomic::next_id,
    native::JointCells,
    order,
    snapshot::{ABSENT, Family, Snapshot},
};

/// Refreshes the numbers of all rows but those of native histograms, and all exemplars. Returns how many rows found no room plus how many exemplars broke a
/// rule.
pub(crate) fn values(
    cells: &Cells<'_>,
    catalogue: &Catalogue,
    totals: &Totals,
    snapshot: &mut Snapshot,
) -> u64 {
    let exemplars = Exemplars::look(cells);
    let mut processes = None;
    for (entry, family) in catalogue.chosen().zip(&mut snapshot.families) {
        match entry.definition.kind {
            Kind::Gauge(GaugeMode::All) => {
                processes.get_or_insert_with(|| Processes::look(cells)).rows(cells, entry, family);
            }
            Kind::Gauge(mode) => merged_gauges(cells, entry, mode, family),
            Kind::Counter | Kind::Histogram => {
                match entry.definition.joint_cells() {
                    Some(joint) => split_totals(cells, entry, &joint, totals, family),
                    None => copy_totals(cells, entry, totals, family),
                }
                family.set_exemplars(exemplars.of(entry));
            }
            Kind::NativeHistogram(_) => family.set_exemplars(exemplars.of(entry)),
            Kind::Summary { .. } => copy_summary_totals(cells, entry, totals, family),
        }
    }
    processes.map_or(0, |processes| processes.left_out) + exemplars.bad
}

fn copy_totals(cells: &Cells<'_>, entry: &Entry, totals: &Totals, family: &mut Family) {
    let rows = family.all_values_mut().chunks_exact_mut(entry.definition.cells());
    rows.zip(entry.rows()).for_each(|(values, series)| cells.sums(totals, series, values));
}

/// The rows of both forms of a histogram.
fn split_totals(cells: &Cells<'_>, entry: &Entry, joint: &JointCells, totals: &Totals, family: &mut Family) {
    let mut sums = vec![0.0; entry.definition.cells()];
    for (row, series) in entry.rows().iter().enumerate() {
        cells.sums(totals, series, &mut sums);
        if let Some((classic, native)) = family.forms_mut(row) {
            joint.split(&sums, classic, native);
        }
    }
}

/// Sum and count; `summaries` adds the quantiles.
fn copy_summary_totals(cells: &Cells<'_>, entry: &Entry, totals: &Totals, family: &mut Family) {
    for (row, series) in entry.rows().iter().enumerate() {
        let numbers = family.values_mut(row);
        let at = numbers.len() - 2;
        let mut sums = [0.0; 2];
        cells.sums(totals, series, &mut sums);
        let [count, sum] = sums;
        numbers[at..].copy_from_slice(&[sum, count]);
    }
}

fn merged_gauges(cells: &Cells<'_>, entry: &Entry, mode: GaugeMode, family: &mut Family) {
    for (row, series) in entry.rows().iter().enumerate() {
        let living = cells.gauges(series).map(|(_, value)| value);
        family.values_mut(row)[0] = match mode {
            GaugeMode::Last | GaugeMode::All => cells.shared(series),
            GaugeMode::Sum => living.fold(0.0, |sum, value| sum + value),
            GaugeMode::Min => living.reduce(f64::min).unwrap_or(ABSENT),
            GaugeMode::Max => living.reduce(f64::max).unwrap_or(ABSENT),
        };
    }
}

/// The processes that the rows of `all` gauges distinguish.
struct Processes {
    /// The value of the label `pid`, by slot; empty without a living process.
    labels: Vec<String>,
    /// The rank of each slot in the order of these labels.
    ranks: Vec<usize>,
    /// Bytes left for rows: every process repeats all labels, and that can be more than the whole segment.
    /// See [`View::memory_limit`](crate::memory::view::View::memory_limit).
    room: usize,
    left_out: u64,
}

impl Processes {
    fn look(cells: &Cells<'_>) -> Self {
        let labels = process_labels(cells.view, cells.slots);
        let order = order::sorted(labels.len(), &|a, b| labels[a].cmp(&labels[b]));
        let mut ranks = vec![0; labels.len()];
        order.iter().enumerate().for_each(|(rank, slot)| ranks[*slot] = rank);
        let room = cells.view.memory_limit() as usize;
        Self { labels, ranks, room, left_out: 0 }
    }

    /// Lays out a row for each series and living process; keeps the generation if the labels are unchanged.
    fn rows(&mut self, cells: &Cells<'_>, entry: &Entry, family: &mut Family) {
        let mut fresh = Family::new(family.definition.clone());
        fresh.clear(family.generation());
        for (row, series) in entry.rows().iter().enumerate().filter(|(row, _)| !entry.is_hidden(*row)) {
            let living: Vec<(usize, f64)> = cells.gauges(series).collect();
            let rank = |at: usize| self.ranks[living[at].0];
            let order = order::sorted(living.len(), &|a, b| rank(a).cmp(&rank(b)));
            let bytes: usize = entry.labels(row).map(|label| label.len() + ROW_BYTES).sum();
            for (slot, value) in order.into_iter().map(|at| living[at]) {
                if self.make_room(bytes + 2 * ROW_BYTES) {
                    let labels = entry.labels(row).chain([self.labels[slot].as_str()]);
                    fresh.push(labels, &[value]);
                }
            }
        }
        if !fresh.same_rows(family) {
            fresh.set_generation(next_id());
        }
        *family = fresh;
    }

    fn make_room(&mut self, bytes: usize) -> bool {
        let left = self.room.checked_sub(bytes);
        self.left_out += u64::from(left.is_none());
        self.room = left.unwrap_or(self.room);
        left.is_some()
    }
}

/// Bytes that a label takes in addition to its text, and a number in addition to its row; an upper estimate.
const ROW_BYTES: usize = 16;
