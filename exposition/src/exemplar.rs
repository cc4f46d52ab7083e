//! Exemplars, which `OpenMetrics` alone has.

use crate::{escape::push_quotable, number::push_value};
use promshm_segment::Exemplar;

/// Appends ` # {trace_id="abc"} 0.67 1520879607.789`, as it stands behind a sample.
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

    #[test]
    fn labels_are_escaped_and_time_has_its_fraction() {
        let labels = vec![("trace_id".into(), "a\"b\\".into()), ("span".into(), String::new())];
        let mut page = Vec::new();
        push_exemplar(&mut page, &Exemplar { labels, value: 0.67, time: 1_520_879_607.789 });
        let expected = " # {trace_id=\"a\\\"b\\\\\",span=\"\"} 0.67 1520879607.789";
        assert_eq!(String::from_utf8_lossy(&page), expected);
    }
}
