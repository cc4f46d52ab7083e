//! Exemplars, which only `OpenMetrics` has.

use crate::{escape::push_quotable, number::push_value};
use promshm_segment::{
    Exemplar,
    format::exemplar::{MAX_CHARACTERS, is_label},
};

/// Valid times in seconds since 1970; Prometheus rejects the whole page for an infinite one.
const TIMES: std::ops::Range<f64> = 0.0..1e12;

/// Whether readers accept an exemplar. One that they reject costs the whole page: Prometheus's lexer ends at a NUL
/// byte there, which it accepts in labels and help texts.
pub(crate) fn is_exemplar(Exemplar { labels, time, .. }: &Exemplar) -> bool {
    let characters = |text: &str| text.chars().count();
    let length: usize = labels.iter().map(|(name, value)| characters(name) + characters(value)).sum();
    let is_taken = |(index, (name, value)): (usize, &(String, String))| {
        let is_first = labels[..index].iter().all(|(other, _)| other != name);
        is_first && is_label(name, value)
    };
    TIMES.contains(time) && length <= MAX_CHARACTERS && labels.iter().enumerate().all(is_taken)
}

/// Appends ` # {trace_id="abc"} 0.67 1520879607.789`, the part after a sample.
pub(crate) fn push_exemplar(page: &mut Vec<u8>, Exemplar { labels, value, time }: &Exemplar) {
    page.extend_from_slice(b" # {");
    for (index, (name, value)) in labels.iter().enumerate() {
        if index > 0 {
            page.push(b',');
        }
        page.extend_from_slice(name.as_bytes());
        page.extend_from_slice(b"=\"");
        push_quotable(page, value);
        page.push(b'"');
    }
    page.extend_from_slice(b"} ");
    push_value(page, *value);
    page.push(b' ');
    push_value(page, *time);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exemplar(labels: &[(&str, &str)], time: f64) -> Exemplar {
        let labels = labels.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        Exemplar { labels, value: 1.0, time }
    }

    #[test]
    fn exemplar_that_readers_refuse_is_left_out() {
        let long = "é".repeat(MAX_CHARACTERS - 1);
        for good in
            [&[][..], &[("a", "")], &[("a", &long)], &[("_A9", "\u{1}\u{7f}\r\n\t\"\\\u{fffe}\u{feff}")]]
        {
            assert!(is_exemplar(&exemplar(good, 1.5)), "{good:?}");
        }
        let longer = long.clone() + "x";
        for bad in [
            &[("a", "\0")][..],
            &[("a", "x"), ("b", "abc\0def")],
            &[("a", &longer)],
            &[("a", "x"), ("a", "y")],
            &[("", "x")],
            &[("9", "x")],
            &[("a:b", "x")],
            &[("é", "x")],
            &[("__a", "x")],
        ] {
            assert!(!is_exemplar(&exemplar(bad, 1.5)), "{bad:?}");
        }
        for time in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1.0, 1e12] {
            assert!(!is_exemplar(&exemplar(&[("a", "x")], time)), "{time}");
        }
    }

    #[test]
    fn labels_are_escaped_and_time_has_its_fraction() {
        let labels = vec![("trace_id".into(), "a\"b\\".into()), ("span".into(), String::new())];
        let mut page = Vec::new();
        push_exemplar(&mut page, &Exemplar { labels, value: 0.67, time: 1_520_879_607.789 });
        let expected = " # {trace_id=\"a\\\"b\\\\\",span=\"\"} 0.67 1520879607.789";
        assert_eq!(String::from_utf8_lossy(&page), expected);
    }
}
