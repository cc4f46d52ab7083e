use super::*;

fn window(factor: f64, min: f64, max: f64) -> NativeBuckets {
    NativeBuckets::new(factor, min, max).unwrap()
}

/// Windows of every schema, as wide as they may be or nearly.
fn windows() -> Vec<NativeBuckets> {
    let window = |(schema, from, to): (i8, i64, i64)| {
        let (low, high) = (to_index(schema, from), to_index(schema, to));
        NativeBuckets { schema, lowest: low as i32 + 1, cells: (high - low) as u16 }.check().unwrap()
    };
    [
        (-4, -1008, 1008),
        (-3, -16, 32),
        (-2, -4, 4),
        (-1, -20, 16),
        (0, -253, 253),
        (1, -1, 1),
        (2, -60, 60),
        (3, -20, 16),
        (4, -1022, -1000),
        (5, 1010, 1023),
        (6, -3, 4),
        (7, 0, 3),
        (8, -1, 0),
    ]
    .map(window)
    .into()
}

/// Applies the definition literally.
fn by_hand(buckets: NativeBuckets, value: f64) -> usize {
    let count = usize::from(buckets.cells);
    match value {
        _ if value.is_nan() => count + 3,
        _ if value.abs() <= buckets.zero_threshold() => 0,
        _ if value < 0.0 => count + 2,
        _ => 1 + (0..count).position(|bucket| value <= buckets.upper_bound(bucket)).unwrap_or(count),
    }
}

#[test]
fn every_value_finds_its_cell() {
    let mut state = 1_u64;
    for buckets in windows() {
        let index = NativeIndex::new(buckets);
        let bounds: Vec<f64> = (0..buckets.cells.into()).map(|bucket| buckets.upper_bound(bucket)).collect();
        let ends = bounds.iter().copied().chain([buckets.zero_threshold()]);
        let near = ends.flat_map(|bound| [bound.next_down(), bound, bound.next_up()]);
        let edges = [0.0, f64::MIN_POSITIVE.next_down(), 5e-324, 1.0, f64::MAX, f64::INFINITY, f64::NAN];
        let random: Vec<f64> = (0..2000)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                f64::from_bits(state ^ state >> 29)
            })
            .collect();
        for value in near.chain(edges).chain(random).flat_map(|value| [value, -value]) {
            assert_eq!(index.of(value), by_hand(buckets, value), "{value:e} in {buckets:?}");
        }
    }
}

#[test]
fn powers_of_two_are_the_last_of_their_bucket() {
    let buckets = window(1.1, 1e-6, 65536.0);
    let index = NativeIndex::new(buckets);
    for exponent in -19..=16_i32 {
        let power = 2_f64.powi(exponent);
        let cell = 1 + (exponent + 20) as usize * 8 - 1;
        assert_eq!((index.of(power), index.of(power.next_up())), (cell, cell + 1), "2^{exponent}");
        assert_eq!(buckets.upper_bound(cell - 1).to_bits(), power.to_bits(), "2^{exponent}");
    }
}

/// An integer of any size, in digits of 32 bits.
fn times(one: &[u32], other: &[u32]) -> Vec<u32> {
    let mut product = vec![0; one.len() + other.len()];
    for (at, digit) in one.iter().enumerate() {
        let mut carry = 0_u64;
        for (place, factor) in product[at..].iter_mut().zip(other.iter().chain([&0])) {
            carry += u64::from(*digit) * u64::from(*factor) + u64::from(*place);
            *place = carry as u32;
            carry >>= 32;
        }
    }
    product
}

/// Whether (mantissa / 2^53)^256 is below 2^part, exactly.
fn is_below(mantissa: u64, part: u32) -> bool {
    let mut number = vec![mantissa as u32, (mantissa >> 32) as u32];
    for _ in 0..8 {
        number = times(&number, &number);
    }
    let bits = number
        .iter()
        .rposition(|digit| *digit != 0)
        .map_or(0, |top| 32 * top as u32 + number[top].ilog2() + 1);
    bits <= 256 * 53 + part
}

#[test]
fn bounds_are_the_nearest_numbers_to_the_exact_ones() {
    for part in 1..256 {
        let bound = root(8, part);
        let doubled = (bound.to_bits() & ((1 << MANTISSA) - 1) | 1 << MANTISSA) << 1; // of 2^53
        assert!(is_below(doubled - 1, part) && !is_below(doubled + 1, part), "2^({part}/256)");
        for schema in 1..8_i8 {
            let coarser = 8 - u32::from(schema.unsigned_abs());
            if part.trailing_zeros() >= coarser {
                let of_coarser = root(schema, part >> coarser);
                assert_eq!(of_coarser.to_bits(), bound.to_bits(), "{part}/256 in schema {schema}");
            }
        }
    }
}

#[test]
fn schema_is_the_coarsest_that_grows_by_the_factor_at_most() {
    // As other clients of Prometheus choose it.
    for (factor, schema) in [
        (1.0001, 8),
        (1.002, 8),
        (1.005, 8),
        (1.006, 7),
        (1.01, 7),
        (1.02, 6),
        (1.05, 4),
        (1.1, 3),
        (1.2, 2),
        (1.5, 1),
        (2.0_f64.next_down(), 1),
        (2.0, 0),
        (3.0, 0),
        (4.0, -1),
        (16.0, -2),
        (300.0, -3),
        (65_536.0, -4),
        (1e9, -4),
    ] {
        assert_eq!(window(factor, 1.5, 2.0).schema, schema, "{factor}");
    }
}

#[test]
fn default_window_has_288_buckets() {
    let buckets = window(1.1, 1e-6, 65536.0);
    assert_eq!(buckets, NativeBuckets { schema: 3, lowest: -159, cells: 288 });
    assert_eq!((buckets.exponents(), buckets.numbers()), ((-20, 16), 293));
    assert_eq!(buckets.zero_threshold().to_bits(), 2_f64.powi(-20).to_bits());
    assert_eq!((buckets.above_index(), buckets.below_index()), (8193, 8193));
}

#[test]
fn window_ends_at_powers_of_two_around_the_range() {
    for (factor, min, max, ends) in [
        (1.1, 1.0, 2.0, (0, 1)),
        (1.1, 1.0, 2.0_f64.next_up(), (0, 2)),
        (1.1, 1.0_f64.next_down(), 2.0, (-1, 1)),
        (1.1, 0.3, 0.4, (-2, -1)),
        (4.0, 0.5, 2.0, (-2, 2)),
        (65_536.0, 1e-6, 65536.0, (-32, 16)),
    ] {
        assert_eq!(window(factor, min, max).exponents(), ends, "{factor} {min} {max}");
    }
    assert_eq!(
        window(65_536.0, f64::MIN_POSITIVE * 1e5, 1e300).check().map(NativeBuckets::exponents),
        Ok((-1008, 1008))
    );
}

#[test]
fn impossible_windows_are_refused_with_their_numbers() {
    for factor in [1.0, 0.5, -2.0, f64::NAN, f64::INFINITY] {
        let refused = NativeBuckets::new(factor, 1.0, 2.0);
        assert!(matches!(refused, Err(NativeError::Factor(of)) if of.to_bits() == factor.to_bits()));
    }
    let bad = [
        (0.0, 1.0),
        (-1.0, 1.0),
        (1.0, 1.0),
        (2.0, 1.0),
        (f64::NAN, 1.0),
        (1.0, f64::NAN),
        (1.0, f64::INFINITY),
        (f64::MIN_POSITIVE.next_down(), 1.0),
        (1.0, f64::MAX),
    ];
    for (min, max) in bad {
        let refused = NativeBuckets::new(2.0, min, max);
        assert!(matches!(refused, Err(NativeError::Range { .. })), "{min} {max}");
    }
    let refused = NativeBuckets::new(1.01, 1e-6, 65536.0).unwrap_err();
    let fitting = 2_f64.powf(0.125);
    let (schema, from, to, buckets) = (7, -20, 16, 36 * 128);
    assert_eq!(refused, NativeError::TooMany { schema, from, to, buckets, limit: 506, fitting });
    assert!(NativeBuckets::new(fitting, 1e-6, 65536.0).is_ok(), "what the error names fits");
}

#[test]
fn shapes_that_are_no_window_are_refused() {
    let good = NativeBuckets { schema: 3, lowest: -159, cells: 288 };
    assert_eq!(good.check(), Ok(good));
    for bad in [
        NativeBuckets { schema: 9, ..good },
        NativeBuckets { schema: -5, ..good },
        NativeBuckets { schema: i8::MIN, ..good },
        NativeBuckets { lowest: -158, ..good },
        NativeBuckets { lowest: i32::MIN, ..good },
        NativeBuckets { lowest: i32::MAX - 6, ..good },
        NativeBuckets { cells: 287, ..good },
        NativeBuckets { cells: 0, ..good },
        NativeBuckets { cells: 512, ..good },
        NativeBuckets { schema: 0, lowest: 600, cells: 500 },
        NativeBuckets { schema: -4, lowest: -64, cells: 1 },
    ] {
        let NativeBuckets { schema, lowest, cells } = bad;
        assert_eq!(bad.check(), Err(NativeError::Shape { schema, lowest, cells }));
    }
}

#[test]
fn row_is_taken_apart() {
    let buckets = window(2.0, 1.0, 4.0);
    let row = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 70.0];
    assert_eq!((buckets.zero(&row), buckets.positive(&row)), (1.0, &row[1..3]));
    assert_eq!((buckets.above(&row), buckets.below(&row), buckets.nan(&row)), (4.0, 5.0, 6.0));
    assert_eq!((buckets.sum(&row), buckets.count(&row)), (70.0, 21.0));
    assert_eq!((buckets.zero(&[]), buckets.positive(&[]), buckets.count(&[])), (0.0, &[][..], 0.0));
}

#[test]
fn classic_form_has_the_same_counts() {
    for buckets in windows() {
        let index = NativeIndex::new(buckets);
        let bounds: Vec<f64> = buckets.classic_bounds().collect();
        let values = bounds.iter().flat_map(|bound| [*bound, bound.next_up(), bound * 1.4, -bound]);
        let values: Vec<f64> = values.chain([0.0, f64::INFINITY, f64::NEG_INFINITY, f64::NAN]).collect();
        let mut row = vec![0.0; buckets.numbers()];
        values.iter().for_each(|value| row[index.of(*value)] += 1.0);
        let counts: Vec<f64> = buckets.classic_counts(&row).collect();
        assert_eq!(counts.len(), bounds.len() + 1);
        let mut total = 0;
        for (bound, count) in bounds.iter().zip(&counts) {
            total += *count as usize;
            let expected = values.iter().filter(|value| *value <= bound).count();
            assert_eq!(total, expected, "le {bound} of {buckets:?}");
        }
        assert_eq!(counts.iter().sum::<f64>() as usize, values.len());
        for at in 0..buckets.numbers() - 1 {
            row.fill(0.0);
            row[at] = 1.0;
            let place = buckets.classic_counts(&row).position(|count| count > 0.0);
            assert_eq!(place, Some(buckets.classic_bucket(at)), "{at} of {buckets:?}");
        }
    }
}
