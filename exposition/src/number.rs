//! Formats numbers as the shortest decimals that parse to the same float64.

/// Integers below this are written in full; from here on an exponent is shorter and as exact.
const WRITTEN_OUT: f64 = 1e21;

/// Numbers from this size on have no fraction.
const FITS_I64: f64 = 9_223_372_036_854_775_808.0;

/// The powers of ten that Go writes without an exponent.
const GO_WRITES_OUT: std::ops::Range<i32> = -4..6;

/// Appends a sample's value: integers without a point or exponent, others as the shortest decimals that parse to the
/// same value, and `+Inf`, `-Inf`, `NaN`.
pub fn push_value(page: &mut Vec<u8>, value: f64) {
    let whole = value as i64; // saturates; NaN becomes 0
    // Compares bits, so that -0 and NaN do not equal 0. A value that is too large saturates to MAX.
    if (whole as f64).to_bits() == value.to_bits() && whole != i64::MAX {
        page.extend_from_slice(itoa::Buffer::new().format(whole).as_bytes());
    } else if value.abs() < FITS_I64 && value - whole as f64 != 0.0 {
        page.extend_from_slice(zmij::Buffer::new().format_finite(value).as_bytes());
    } else {
        push_rare(page, value);
    }
}

/// Infinities, NaN, minus zero, and integers beyond 64 bits.
#[cold]
fn push_rare(page: &mut Vec<u8>, value: f64) {
    let mut whole = itoa::Buffer::new();
    let mut decimal = zmij::Buffer::new();
    let text = if value.is_nan() {
        "NaN"
    } else if value.is_infinite() {
        if value > 0.0 { "+Inf" } else { "-Inf" }
    } else if value == 0.0 {
        "-0"
    } else if value.abs() < WRITTEN_OUT {
        whole.format(value as i128)
    } else {
        decimal.format_finite(value)
    };
    page.extend_from_slice(text.as_bytes());
}

/// Appends a bucket's upper bound, the value of its label `le`: `0.5`, `1.0`, `1e+06`, `+Inf`.
///
/// Prometheus 2 keeps this text as it is, and Prometheus 3 normalizes it as Go's client does. Writing the normalized
/// text keeps a series' name through an upgrade.
pub fn push_bound(page: &mut Vec<u8>, bound: f64) {
    if !bound.is_finite() {
        return push_rare(page, bound);
    }
    let scientific = format!("{bound:e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let text = if GO_WRITES_OUT.contains(&exponent) {
        format!("{bound:?}") // always has a point
    } else {
        let direction = if exponent < 0 { '-' } else { '+' };
        format!("{mantissa}e{direction}{:02}", exponent.abs())
    };
    page.extend_from_slice(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(value: f64) -> String {
        let mut page = Vec::new();
        push_value(&mut page, value);
        String::from_utf8(page).expect("digits")
    }

    fn bound(bound: f64) -> String {
        let mut page = Vec::new();
        push_bound(&mut page, bound);
        String::from_utf8(page).expect("digits")
    }

    /// Bit patterns of all exponents; a range of small steps would cover tiny numbers only.
    fn patterns() -> impl Iterator<Item = f64> {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        (0..200_000).map(move |_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            f64::from_bits(state)
        })
    }

    fn assert_reads_back(number: f64, text: &str) {
        let read: f64 = text.parse().expect(text);
        let same = read.to_bits() == number.to_bits() || (read.is_nan() && number.is_nan());
        assert!(same, "{number:?} was written as {text}");
    }

    #[test]
    fn values_read_back_as_the_same_number() {
        for number in patterns() {
            assert_reads_back(number, &value(number));
        }
        for number in [f64::MIN, f64::MAX, f64::MIN_POSITIVE, 5e-324, -0.0, f64::EPSILON, f64::NAN] {
            assert_reads_back(number, &value(number));
        }
    }

    #[test]
    fn whole_numbers_have_neither_point_nor_exponent() {
        for power in 0..70 {
            for step in [-1.0, 0.0, 1.0] {
                let number = 2f64.powi(power) + step;
                for number in [number, -number] {
                    let text = value(number);
                    assert_reads_back(number, &text);
                    let plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
                    assert!(plain || number.abs() >= WRITTEN_OUT, "{text}");
                }
            }
        }
    }

    #[test]
    fn values_are_written_as_prometheus_reads_them() {
        let expected = [
            (0.0, "0"),
            (-0.0, "-0"),
            (1.0, "1"),
            (-17.0, "-17"),
            (0.1, "0.1"),
            (1_234.5, "1234.5"),
            (1e20, "100000000000000000000"),
            (9_223_372_036_854_775_808.0, "9223372036854775808"),
            (-9_223_372_036_854_775_808.0, "-9223372036854775808"),
            (1e21, "1e+21"),
            (2.5e-9, "2.5e-9"),
            (f64::INFINITY, "+Inf"),
            (f64::NEG_INFINITY, "-Inf"),
            (f64::NAN, "NaN"),
            (-f64::NAN, "NaN"),
        ];
        for (number, text) in expected {
            assert_eq!(value(number), text);
        }
    }

    #[test]
    fn bounds_are_written_as_go_writes_them() {
        let expected = [
            (0.0, "0.0"),
            (1.0, "1.0"),
            (-2.5, "-2.5"),
            (0.005, "0.005"),
            (0.0001, "0.0001"),
            (0.000_015, "1.5e-05"),
            (100_000.0, "100000.0"),
            (123_456.5, "123456.5"),
            (1e6, "1e+06"),
            (1_048_576.0, "1.048576e+06"),
            (-1e6, "-1e+06"),
            (1e21, "1e+21"),
            (1e100, "1e+100"),
            (f64::INFINITY, "+Inf"),
        ];
        for (number, text) in expected {
            assert_eq!(bound(number), text);
        }
    }

    #[test]
    fn bounds_read_back_as_the_same_number() {
        for number in patterns() {
            assert_reads_back(number, &bound(number));
        }
    }
}
