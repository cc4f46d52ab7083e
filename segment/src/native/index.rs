//! Finds the cell of a native histogram that a value belongs to.

use super::{BIAS, MANTISSA, NativeBuckets, root};

/// A part of the range of mantissas, so narrow that one bucket at most ends in it.
#[derive(Debug, Clone, Copy)]
struct Slice {
    /// How many buckets end before it.
    passed: u32,
    /// The mantissa of the bound in it; `u64::MAX` if there is none.
    bound: u64,
}

/// A native histogram's window, in a form that is fast to search.
#[derive(Debug)]
pub struct NativeIndex {
    /// The bits of the window's lower end.
    first: u64,
    /// By how much the bits of the numbers in the window exceed `first`, at most.
    span: u64,
    /// How far a mantissa is shifted to the number of its slice.
    to_slice: u32,
    /// How many bits of an exponent all numbers of a bucket have in common, if a bucket is several powers of two.
    joined: u32,
    /// How far the number of a power of two is shifted to that of its first bucket.
    divided: u32,
    slices: Box<[Slice]>,
    /// The cell of what is above the window; the others of no bucket follow it.
    above: usize,
}

/// The bits of a mantissa.
const MANTISSA_BITS: u64 = (1 << MANTISSA) - 1;

impl NativeIndex {
    /// For the cells of a series with these buckets, which are those of a valid definition.
    #[must_use]
    pub fn new(buckets: NativeBuckets) -> Self {
        let of_power = |exponent: i64| ((exponent + BIAS) as u64) << MANTISSA;
        let first = of_power(buckets.from());
        let divided = u32::from(buckets.schema.max(0).unsigned_abs());
        // Twice as many slices as buckets: the narrowest bucket is wider than ln 2 of the average one.
        let slice_bits = if divided == 0 { 0 } else { divided + 1 };
        Self {
            first,
            span: of_power(buckets.to()) - first,
            to_slice: MANTISSA - slice_bits,
            joined: u32::from(buckets.schema.min(0).unsigned_abs()),
            divided,
            slices: slices(buckets.schema, slice_bits),
            above: buckets.above_cell(),
        }
    }

    /// Bytes that it takes besides its own.
    #[must_use]
    pub fn bytes(&self) -> usize {
        size_of_val(&*self.slices)
    }

    /// Index of the value's cell.
    ///
    /// A bucket contains its upper bound, but the exponent of a power of two is that of the numbers above it. So what is
    /// looked up is the number before the value.
    #[must_use]
    #[inline(always)]
    pub fn of(&self, value: f64) -> usize {
        let before = value.to_bits().wrapping_sub(1).wrapping_sub(self.first);
        if before >= self.span {
            return self.of_outsider(value);
        }
        let (exponent, mantissa) = (before >> MANTISSA, before & MANTISSA_BITS);
        let Some(slice) = self.slices.get((mantissa >> self.to_slice) as usize) else { return self.above };
        let in_power = slice.passed as usize + usize::from(mantissa >= slice.bound);
        1 + ((exponent >> self.joined << self.divided) as usize) + in_power
    }

    /// Index of the cell of a value that is in no bucket of the window.
    #[cold]
    #[inline(never)]
    fn of_outsider(&self, value: f64) -> usize {
        let threshold = f64::from_bits(self.first);
        if value.is_nan() {
            self.above + 2
        } else if value > threshold {
            self.above
        } else if value < -threshold {
            self.above + 1
        } else {
            0
        }
    }
}

/// The slices of a power of two.
fn slices(schema: i8, slice_bits: u32) -> Box<[Slice]> {
    let bound_of = |part: u32| root(schema, part).to_bits() & MANTISSA_BITS;
    let bounds: Vec<u64> = (1..1_u32 << schema.max(0)).map(bound_of).collect();
    let slice = |number: u64| {
        let (start, end) = (number << (MANTISSA - slice_bits), (number + 1) << (MANTISSA - slice_bits));
        let passed = bounds.partition_point(|bound| *bound < start);
        let bound = bounds.get(passed).copied().filter(|bound| *bound < end);
        Slice { passed: passed as u32, bound: bound.unwrap_or(u64::MAX) }
    };
    (0..1_u64 << slice_bits).map(slice).collect()
}
