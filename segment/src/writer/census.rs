//! Decides when a generation begins: when a registration finds most of the room taken, and much of that by what
//! is not wanted any more.

use super::{
    Writer,
    generation::slots,
    register::{remove_records, state_of},
    slot::known_cells,
};
use crate::{
    clock,
    format::{family::FamilyRecord, index, record::Tag, series::SeriesRecord, settings, ttl},
    layout::{Half, OPEN, PAGE, Plane, RECORD_UNIT},
    memory::{atomic::Word, view::View},
};
use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

/// How long a census that found too little to give back is not repeated.
const REST: Duration = Duration::from_millis(100);

/// What a half holds.
#[derive(Debug, Default)]
struct Census {
    /// Families that are wanted.
    families: u64,
    /// Series that are wanted.
    series: u64,
    /// Units of their records.
    units: u64,
    /// Columns of series that are wanted, in both planes with page trees, and gauges.
    columns: u64,
    gauges: u64,
    /// Offsets of series whose family has been replaced.
    superseded: Vec<u64>,
    /// Offsets of series that nobody has used for a long time.
    forgotten: Vec<u64>,
    /// Maximum number of series in the next generation.
    max_series: u32,
}

impl Writer {
    /// Begins a generation, so that what is not used any more is given back as soon as all processes have
    /// moved on. Returns whether one has begun: not while the former one is not given back, nor where the kernel
    /// does not tell of deaths, while a process without a slot lives, or where what is wanted might not fit.
    pub fn compact(&mut self) -> bool {
        self.begin_if(fits)
    }

    /// Called before a record is made: begins a generation if that gives back much.
    pub(super) fn look_ahead(&mut self) {
        let view = &self.attached.view;
        let half = view.geometry.half(self.generation);
        if is_crowded(view, half) {
            self.make_room();
        }
    }

    /// Begins a generation if at least half of what is taken would be given back. Returns whether it did.
    pub(super) fn make_room(&mut self) -> bool {
        if self.census_rests_until.is_some_and(|then| Instant::now() < then) {
            return false;
        }
        let begun = self.begin_if(is_worth_it);
        let found_too_little = !begun && self.can_begin();
        self.census_rests_until = found_too_little.then(|| Instant::now() + REST);
        begun
    }

    fn begin_if(&mut self, is_right: impl Fn(&View, &Half, &Census) -> bool) -> bool {
        if !self.can_begin() {
            return false;
        }
        let view = &self.attached.view;
        let living = self.living();
        let half = view.geometry.half(self.generation);
        let max_series = next_max_series(view, half, living.as_deref());
        let census = Census { max_series, ..take_census(view, living.as_deref()) };
        is_right(view, half, &census)
            && self.begin(max_series, |view| {
                // Looked at again, because a series may have been used since.
                let forgotten = census.forgotten.into_iter().filter(|offset| is_forgotten(view, *offset));
                remove_records(view, forgotten.chain(census.superseded), None);
            })
    }

    /// For each slot whether a process lives there; `None` if nobody knows.
    fn living(&self) -> Option<Vec<bool>> {
        let values = self.attached.locks.as_ref()?.values(self.attached.view.geometry.slots)?;
        Some(values.iter().map(|value| *value >= OPEN).collect())
    }
}

/// The limit of series that the youngest living process is configured with, as far as the index has room for it.
fn next_max_series(view: &View, half: &Half, living: Option<&[bool]>) -> u32 {
    let owned = slots(view).filter(|slot| living.is_some_and(|living| living[*slot]));
    match settings::of_youngest(view, owned) {
        Some((_, wanted)) => wanted.max_series.min(view.geometry.most_series()),
        None => view.max_series(half),
    }
}

/// Whether at least three quarters of anything are taken.
fn is_crowded(view: &View, half: &Half) -> bool {
    view.taken(half).iter().any(|(taken, all)| *taken / 3 >= *all / 4)
}

/// The same as [`View::taken`], but of what is wanted.
fn needed(view: &View, half: &Half, census: &Census) -> [u64; 4] {
    let columns = [Plane::Cumulative, Plane::PerProcess]
        .map(|plane| view.word(half.columns(plane)).map_or(0, Word::load_relaxed));
    let columns = columns[0].saturating_add(columns[1]).max(1);
    // Pages hold columns of all ages, so they are needed in the same proportion.
    let pages = view.space(half).pages * PAGE;
    let kept = census.units * RECORD_UNIT + (pages as f64 * (census.columns as f64 / columns as f64)) as u64;
    [census.families + census.series, census.series, kept, census.gauges]
}

/// Whether at least half of what is scarce would be given back.
fn is_worth_it(view: &View, half: &Half, census: &Census) -> bool {
    let both = view.taken(half).into_iter().zip(needed(view, half, census));
    fits(view, half, census)
        && (both.into_iter().any(|((taken, all), needed)| taken / 3 >= all / 4 && needed <= taken / 2)
            || makes_room_for_series(view, half, census))
}

/// Whether series are scarce, and the next generation may have more of them.
fn makes_room_for_series(view: &View, half: &Half, census: &Census) -> bool {
    let (taken, limit) = (view.population(half).series, u64::from(view.max_series(half)));
    taken / 3 >= limit / 4 && u64::from(census.max_series) > limit
}

/// Whether what is wanted has room in the other half for certain.
fn fits(view: &View, half: &Half, census: &Census) -> bool {
    let [index, series, room, gauges] = view.taken(half).map(|(_, all)| all);
    let all = [index, series.max(census.max_series.into()), room, gauges];
    all.into_iter().zip(needed(view, half, census)).all(|(all, needed)| needed <= all / 8 * 7)
}

struct Family {
    name: String,
    newest: u64,
    is_asserted: bool,
    cells: u64,
    plane: Plane,
    bytes: u64,
}

/// Counts what is wanted of the present generation. A family is not wanted once another one has its name, unless
/// a living process uses it.
fn take_census(view: &View, living: Option<&[bool]>) -> Census {
    let half = view.geometry.half(view.phase().generation());
    let (mut families, mut series): (HashMap<u64, Family>, Vec<(u64, SeriesRecord)>) = <_>::default();
    for entry in index::entries_by_record(view, half) {
        let offset = index::offset_of(entry);
        match Tag::read(view, offset, entry) {
            Ok(Tag::Family) => drop(family(view, half, offset, living, &mut families)),
            // Most of a crowded half are gone: these need no look at their records.
            Ok(Tag::Series) if state_of(view, offset) == 0 => {
                series.extend(SeriesRecord::parse(view, offset).map(|record| (offset, record)));
            }
            Ok(Tag::Series) | Err(_) => {}
        }
    }
    let wanted = wanted(&families);
    let mut census = Census { families: wanted.len() as u64, ..Census::default() };
    census.units = wanted.iter().map(|offset| families[offset].bytes.div_ceil(RECORD_UNIT)).sum();
    census.columns = census.families;
    for (offset, record) in series {
        let Some(family) = families.get(&record.family) else { continue };
        if !wanted.contains(&record.family) {
            census.superseded.push(offset);
            continue;
        }
        if is_forgotten(view, offset) {
            census.forgotten.push(offset);
            continue;
        }
        census.series += 1;
        census.units += record.bytes().div_ceil(RECORD_UNIT);
        match family.plane {
            Plane::Shared => census.gauges += 1,
            _ => census.columns += family.cells,
        }
    }
    census
}

fn family(
    view: &View,
    half: &Half,
    offset: u64,
    living: Option<&[bool]>,
    families: &mut HashMap<u64, Family>,
) -> Option<()> {
    let record = FamilyRecord::parse(view, offset).ok()?;
    let column = (record.claim_column, 1);
    let claims = |slot: usize| {
        living.is_none_or(|living| living[slot])
            && known_cells(view, half, slot, Plane::PerProcess, column)
                .is_some_and(|cell| cell[0].get() > 0.0)
    };
    let is_asserted = slots(view).any(claims);
    let family = Family {
        newest: FamilyRecord::newest_claim(view, offset)?.load_acquire(),
        is_asserted,
        cells: record.definition.cells() as u64,
        plane: record.definition.kind.plane(),
        bytes: record.bytes,
        name: record.definition.name,
    };
    families.insert(offset, family);
    Some(())
}

/// Of each name the families that living processes use, or else the one that was used last.
fn wanted(families: &HashMap<u64, Family>) -> std::collections::HashSet<u64> {
    let mut best: HashMap<&str, (bool, u64)> = HashMap::new();
    for family in families.values() {
        let rank = (family.is_asserted, family.newest);
        let best = best.entry(&family.name).or_insert(rank);
        *best = rank.max(*best);
    }
    let is_wanted =
        |family: &Family| family.is_asserted || best.get(&*family.name) == Some(&(false, family.newest));
    families.iter().filter(|(_, family)| is_wanted(family)).map(|(offset, _)| *offset).collect()
}

/// Whether a series has been hidden by its TTL for longer than twice the TTL.
fn is_forgotten(view: &View, offset: u64) -> bool {
    let ttl = ttl::of(view);
    let touched = SeriesRecord::touched(view, offset).map_or(0, Word::load_relaxed);
    let hidden = Duration::from_secs(u64::from(ttl) * 2).as_nanos() as u64;
    ttl > 0 && ttl::hides(ttl, clock::now().saturating_sub(touched).saturating_sub(hidden))
}
