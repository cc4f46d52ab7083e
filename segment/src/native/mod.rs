//! The buckets of a native histogram: a window of Prometheus's exponential ones.
//!
//! Bucket `index` of a schema covers (2^((index − 1) / 2^schema), 2^(index / 2^schema)], so schema 3 divides each power of
//! two into eight. A series has the cells of a window that its definition fixes:
//!
//! ```text
//! zero | bucket 0 … bucket n − 1 | above | below | nan | hint | sum
//! ```
//!
//! Both ends of a window are powers of two. `zero` counts what is as near to zero as the window's lower end or nearer,
//! `above` what is larger than its upper end, `below` what is less than minus its lower end. So every number is counted,
//! and merging processes is adding cells. `hint` is no number: it tells the reader which cells were ever counted into (see
//! [`hints`](crate::format::hints)), and a row of numbers is without it.

mod index;
mod joint;

use crate::layout::PAGE_WORDS;
pub use index::NativeIndex;
pub use joint::{JointCells, NativeForm};
use thiserror::Error;

/// The numbers of a row besides those of its window.
const OTHER_NUMBERS: usize = 5;
/// The cells of a series besides those of its window: these numbers and the hint.
const OTHER_CELLS: usize = OTHER_NUMBERS + 1;
/// Maximum number of buckets: the cells of a series must fit into one page.
pub const MAX_NATIVE_BUCKETS: usize = PAGE_WORDS - OTHER_CELLS;
/// The schemas that Prometheus has, from the coarsest to the finest.
const SCHEMAS: std::ops::RangeInclusive<i8> = -4..=8;
/// The exponents that a window may reach.
const EXPONENTS: std::ops::RangeInclusive<i64> = f64::MIN_EXP as i64 - 1..=f64::MAX_EXP as i64 - 1;
/// The exponent above all finite numbers.
const BEYOND: i64 = f64::MAX_EXP as i64;

/// The window of buckets that a native histogram counts into: `cells` buckets, the first of which has the index
/// `lowest` in that schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct NativeBuckets {
    /// How finely a power of two is divided: into 2^schema buckets. A negative schema joins powers of two.
    pub schema: i8,
    /// Prometheus's index of the first bucket.
    pub lowest: i32,
    /// Number of buckets.
    pub cells: u16,
}

/// Why there is no such window.
#[derive(Debug, Clone, Copy, PartialEq, Error)]
pub enum NativeError {
    /// The factor is not a finite number above 1.
    #[error("a bucket factor of {0}")]
    Factor(f64),
    /// One of the ends is not a positive, normal number, or they are not in order.
    #[error("buckets from {min} to {max}")]
    Range {
        /// The lower end.
        min: f64,
        /// The upper end.
        max: f64,
    },
    /// There are more buckets than a series has room for.
    #[error("{buckets} buckets of schema {schema} from 2^{from} to 2^{to}, of {limit} at most")]
    TooMany {
        /// The schema.
        schema: i8,
        /// The exponent of the lower end.
        from: i32,
        /// The exponent of the upper end.
        to: i32,
        /// How many buckets it would be.
        buckets: usize,
        /// The limit.
        limit: usize,
        /// The smallest factor for which this range fits.
        fitting: f64,
    },
    /// The window does not begin and end at powers of two, or is none of Prometheus's.
    #[error("{cells} buckets of schema {schema} from index {lowest} on")]
    Shape {
        /// The schema.
        schema: i8,
        /// The index of the first bucket.
        lowest: i32,
        /// The number of buckets.
        cells: u16,
    },
}

impl NativeBuckets {
    /// The coarsest buckets of which each is at most `factor` times the one before, from the last power of two below
    /// `min` to the first one above `max`. Factors below the finest that Prometheus has are taken for it.
    ///
    /// # Errors
    /// If the numbers make no window, or one of more than [`MAX_NATIVE_BUCKETS`] buckets.
    pub fn new(factor: f64, min: f64, max: f64) -> Result<Self, NativeError> {
        if !(factor > 1.0 && factor.is_finite()) {
            return Err(NativeError::Factor(factor));
        }
        let range = NativeError::Range { min, max };
        if !(min.is_normal() && min > 0.0 && max.is_finite() && min < max) {
            return Err(range);
        }
        let schema = SCHEMAS.into_iter().find(|schema| growth(*schema) <= factor).unwrap_or(*SCHEMAS.end());
        let unit = 1_i64 << (-schema).max(0); // of exponents
        let from = floor_exponent(min).div_euclid(unit) * unit;
        let to = -((-ceil_exponent(max)).div_euclid(unit) * unit);
        if !(EXPONENTS.contains(&from) && EXPONENTS.contains(&to)) {
            return Err(range);
        }
        let buckets = buckets_between(schema, from, to);
        if buckets > MAX_NATIVE_BUCKETS {
            let fits = |other: &i8| buckets_between(*other, from, to) <= MAX_NATIVE_BUCKETS;
            let fitting = SCHEMAS.rev().find(fits).map_or(f64::INFINITY, growth);
            let (from, to) = (from as i32, to as i32);
            return Err(NativeError::TooMany {
                schema,
                from,
                to,
                buckets,
                limit: MAX_NATIVE_BUCKETS,
                fitting,
            });
        }
        let lowest = to_index(schema, from) + 1;
        Ok(Self { schema, lowest: lowest as i32, cells: buckets as u16 })
    }

    /// # Errors
    /// If this is no window that [`NativeBuckets::new`] makes.
    pub(crate) fn check(self) -> Result<Self, NativeError> {
        let Self { schema, lowest, cells } = self;
        let is_one = SCHEMAS.contains(&schema)
            && (1..=MAX_NATIVE_BUCKETS).contains(&cells.into())
            && (self.first_boundary() % self.per_power() == 0 && i64::from(cells) % self.per_power() == 0)
            && EXPONENTS.contains(&self.from())
            && EXPONENTS.contains(&self.to());
        if is_one { Ok(self) } else { Err(NativeError::Shape { schema, lowest, cells }) }
    }

    /// The index of the bucket that ends where the window begins.
    fn first_boundary(self) -> i64 {
        i64::from(self.lowest) - 1
    }

    /// How many buckets make a power of two; 1 if a bucket is a power of two or several.
    fn per_power(self) -> i64 {
        1 << self.schema.max(0)
    }

    /// The exponent of the window's lower end.
    fn from(self) -> i64 {
        to_exponent(self.schema, self.first_boundary())
    }

    /// The exponent of the window's upper end.
    fn to(self) -> i64 {
        to_exponent(self.schema, self.first_boundary() + i64::from(self.cells))
    }

    /// The exponents of the window's ends, both of which are powers of two.
    #[must_use]
    pub fn exponents(self) -> (i32, i32) {
        (self.from() as i32, self.to() as i32)
    }

    /// Number of values in a row.
    #[must_use]
    pub fn numbers(self) -> usize {
        usize::from(self.cells) + OTHER_NUMBERS
    }

    /// Number of cells of a series: one for each value of a row, and that of the hint before the last.
    #[must_use]
    pub(crate) fn cells_of_series(self) -> usize {
        usize::from(self.cells) + OTHER_CELLS
    }

    /// The factor from one bucket's bound to the next one's.
    #[must_use]
    pub fn factor(self) -> f64 {
        growth(self.schema)
    }

    /// The window's lower end: what is as near to zero, or nearer, is in the zero bucket.
    #[must_use]
    pub fn zero_threshold(self) -> f64 {
        bound(self.schema, self.first_boundary())
    }

    /// The upper bound of the window's bucket `bucket`, which is part of the bucket.
    #[must_use]
    pub fn upper_bound(self, bucket: usize) -> f64 {
        bound(self.schema, i64::from(self.lowest) + bucket as i64)
    }

    /// The index of the positive bucket that stands for everything above the window: the one that +Inf belongs to.
    #[must_use]
    pub fn above_index(self) -> i32 {
        (to_index(self.schema, BEYOND) + 1) as i32
    }

    /// The index of the negative bucket that stands for everything below minus the window's lower end: the one that
    /// -Inf belongs to.
    #[must_use]
    pub fn below_index(self) -> i32 {
        self.above_index()
    }

    /// How many observations of a row were in the zero bucket.
    #[must_use]
    pub fn zero(self, row: &[f64]) -> f64 {
        number_at(row, 0)
    }

    /// A row's observations in the buckets of the window.
    #[must_use]
    pub fn positive(self, row: &[f64]) -> &[f64] {
        row.get(1..=usize::from(self.cells)).unwrap_or_default()
    }

    /// How many observations of a row were above the window.
    #[must_use]
    pub fn above(self, row: &[f64]) -> f64 {
        number_at(row, self.above_cell())
    }

    /// How many observations of a row were negative and not in the zero bucket.
    #[must_use]
    pub fn below(self, row: &[f64]) -> f64 {
        number_at(row, self.above_cell() + 1)
    }

    /// How many observations of a row were NaN.
    #[must_use]
    pub fn nan(self, row: &[f64]) -> f64 {
        number_at(row, self.above_cell() + 2)
    }

    /// The sum of a row's observations.
    #[must_use]
    pub fn sum(self, row: &[f64]) -> f64 {
        number_at(row, self.above_cell() + 3)
    }

    /// How many observations a row has, NaN included.
    #[must_use]
    pub fn count(self, row: &[f64]) -> f64 {
        row.split_last().map_or(0.0, |(_sum, counts)| counts.iter().sum())
    }

    /// The cell after the window's.
    fn above_cell(self) -> usize {
        usize::from(self.cells) + 1
    }

    /// The bounds of the same histogram as a classic one, without +Inf: the window's lower end and each power of two (or
    /// each bucket, if it is more) up to its upper end, where the bounds of both forms coincide.
    #[must_use]
    pub fn classic_bounds(self) -> impl ExactSizeIterator<Item = f64> + Clone {
        let step = self.per_power();
        let bounds = usize::from(self.cells) / step as usize + 1;
        (0..bounds).map(move |at| bound(self.schema, self.first_boundary() + at as i64 * step))
    }

    /// A row's observations between the bounds of the classic form, not added up; the last number is that of +Inf, to
    /// which NaN belongs as well.
    pub fn classic_counts(self, row: &[f64]) -> impl Iterator<Item = f64> {
        let chunks = self.positive(row).chunks(self.per_power() as usize);
        let first = self.below(row) + self.zero(row);
        let last = self.above(row) + self.nan(row);
        [first].into_iter().chain(chunks.map(|chunk| chunk.iter().sum())).chain([last])
    }

    /// The bucket of the classic form that a number of a row is part of, by its place in the row: one of those of
    /// [`NativeBuckets::classic_counts`].
    #[must_use]
    pub fn classic_bucket(self, at: usize) -> usize {
        let above = self.above_cell();
        match at {
            0 => 0,
            _ if at < above => 1 + (at - 1) / self.per_power() as usize,
            _ if at == above + 1 => 0,
            _ => self.classic_bounds().len(),
        }
    }
}

fn number_at(row: &[f64], cell: usize) -> f64 {
    row.get(cell).copied().unwrap_or_default()
}

/// How many buckets of a schema lie between two powers of two.
fn buckets_between(schema: i8, from: i64, to: i64) -> usize {
    (to_index(schema, to) - to_index(schema, from)) as usize
}

/// The index of the bucket that ends at a power of two, or contains it.
fn to_index(schema: i8, exponent: i64) -> i64 {
    if schema < 0 { -((-exponent) >> -schema) } else { exponent << schema }
}

/// The exponent of a bucket's upper bound, if that is a power of two.
fn to_exponent(schema: i8, index: i64) -> i64 {
    if schema < 0 { index << -schema } else { index >> schema }
}

/// The factor from one bucket's bound to the next one's.
fn growth(schema: i8) -> f64 {
    bound(schema, 1)
}

/// The upper bound of a bucket, rounded to the nearest number.
fn bound(schema: i8, index: i64) -> f64 {
    let exponent = to_exponent(schema, index);
    let part = if schema > 0 { index & ((1 << schema) - 1) } else { 0 };
    root(schema, part as u32) * power(exponent)
}

/// 2^(part / 2^schema).
fn root(schema: i8, part: u32) -> f64 {
    2_f64.powf(f64::from(part) / f64::from(1_u32 << schema.max(0)))
}

/// A power of two; infinite above the exponents that a window may reach, and 0 below.
fn power(exponent: i64) -> f64 {
    match exponent {
        _ if exponent < *EXPONENTS.start() => 0.0,
        _ if exponent > *EXPONENTS.end() => f64::INFINITY,
        _ => f64::from_bits(((exponent + BIAS) as u64) << MANTISSA),
    }
}

/// Bits of a number's mantissa.
const MANTISSA: u32 = f64::MANTISSA_DIGITS - 1;
/// What is added to an exponent where it is stored.
const BIAS: i64 = 1 - (f64::MIN_EXP as i64 - 1);

/// The exponent of the last power of two that is not above a positive, normal number.
fn floor_exponent(number: f64) -> i64 {
    (number.to_bits() >> MANTISSA).cast_signed() - BIAS
}

/// The exponent of the first power of two that is not below it.
fn ceil_exponent(number: f64) -> i64 {
    let is_between = number.to_bits() << (u64::BITS - MANTISSA) != 0;
    floor_exponent(number) + i64::from(is_between)
}

#[cfg(all(test, not(loom)))]
mod tests;
