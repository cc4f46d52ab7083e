//! PHP's numbers: lists for buckets and quantiles, and floats as text.

use crate::engine::zval::{IS_STRING, bytes_of, dereferenced, list_values, number_of, type_of};
use ext_php_rs::types::{ZendHashTable, Zval};
use std::fmt::{self, Write};

/// The numbers of an array; `None` if any element is not a number.
pub(crate) fn list_of(table: &ZendHashTable) -> Option<Vec<f64>> {
    let number = |value: &Zval| {
        let value = dereferenced(value);
        match type_of(value) {
            IS_STRING => std::str::from_utf8(bytes_of(value)?).ok()?.trim().parse().ok(),
            _ => number_of(value),
        }
    };
    table.values().map(number).collect()
}

/// Whether an array is a list of just these numbers, as integers and floats.
pub(crate) fn same_numbers(table: &ZendHashTable, numbers: &[f64]) -> bool {
    let same = |(value, number): (&Zval, &f64)| number_of(value) == Some(*number);
    list_values(table).is_some_and(|list| list.len() == numbers.len() && list.iter().zip(numbers).all(same))
}

/// Returns numbers as an array.
pub(crate) fn return_list(ret: &mut Zval, numbers: impl Iterator<Item = f64>) {
    let mut list = ZendHashTable::new();
    for number in numbers {
        let _only_fails_on_overflow = list.push(number);
    }
    ret.set_hashtable(list);
}

/// A float as PHP prints it with `precision=-1`: the shortest digits that parse to the same float. It does not
/// depend on the setting `precision`, because two servers would spell one label value differently then, and two
/// floats could become one value.
pub(crate) struct PhpDouble(pub(crate) f64);

impl fmt::Display for PhpDouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(value) = *self;
        match value {
            _ if value.is_nan() => f.write_str("NAN"),
            f64::INFINITY => f.write_str("INF"),
            f64::NEG_INFINITY => f.write_str("-INF"),
            _ if value == 0.0 => write!(f, "{value}"),
            _ => spell(value, f),
        }
    }
}

fn spell(value: f64, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let text = Digits::scientific(value);
    let (mantissa, power) = text.as_str().split_once('e').ok_or(fmt::Error)?;
    let power: i32 = power.parse().map_err(|_| fmt::Error)?;
    // PHP uses an exponent if a number would have more digits than a float can distinguish.
    if !(-4..17).contains(&power) {
        let fraction = if mantissa.contains('.') { "" } else { ".0" };
        return write!(f, "{mantissa}{fraction}E{power:+}");
    }
    let (sign, mantissa) = mantissa.strip_prefix('-').map_or(("", mantissa), |rest| ("-", rest));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let Ok(power) = usize::try_from(power) else {
        let zeros = power.unsigned_abs() as usize - 1;
        return write!(f, "{sign}0.{:0<zeros$}{whole}{fraction}", "");
    };
    match fraction.split_at_checked(power) {
        Some((before, after)) if !after.is_empty() => write!(f, "{sign}{whole}{before}.{after}"),
        _ => write!(f, "{sign}{whole}{fraction:0<power$}"),
    }
}

/// A number's text on the stack; the longest has 24 bytes.
#[derive(Default)]
struct Digits {
    bytes: [u8; 32],
    length: usize,
}

impl Digits {
    /// The shortest digits; among those, the correctly rounded ones: of two that are equally near, PHP takes the
    /// even one, and Rust does not.
    fn scientific(value: f64) -> Self {
        let mut shortest = Self::default();
        let mut rounded = Self::default();
        let written = write!(shortest, "{value:e}").and_then(|()| {
            let mantissa = shortest.as_str().split('e').next().unwrap_or_default();
            let places = mantissa.split_once('.').map_or(0, |(_, fraction)| fraction.len());
            write!(rounded, "{value:.places$e}")
        });
        let is_same = written.is_ok() && rounded.as_str().parse() == Ok(value);
        if is_same { rounded } else { shortest }
    }

    fn as_str(&self) -> &str {
        str::from_utf8(&self.bytes[..self.length]).unwrap_or_default()
    }
}

impl Write for Digits {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = self.bytes.get_mut(self.length..self.length + text.len()).ok_or(fmt::Error)?;
        room.copy_from_slice(text.as_bytes());
        self.length += text.len();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_are_spelt_as_php_does() {
        let spelt = [
            (0.0, "0"),
            (-0.0, "-0"),
            (0.1, "0.1"),
            (0.1 + 0.2, "0.30000000000000004"),
            (1e16, "10000000000000000"),
            (99_999_999_999_999_990.0, "99999999999999980"),
            (1e17, "1.0E+17"),
            (-1.5e300, "-1.5E+300"),
            (0.0001, "0.0001"),
            (-0.000_123, "-0.000123"),
            (1_754_899_619_195_046.2, "1754899619195046.2"),
            (123_456.5, "123456.5"),
            (1200.0, "1200"),
            (0.000_012_345, "1.2345E-5"),
            (5e-324, "5.0E-324"),
            (f64::NAN, "NAN"),
            (f64::NEG_INFINITY, "-INF"),
        ];
        for (value, text) in spelt {
            assert_eq!(PhpDouble(value).to_string(), text);
        }
    }
}
