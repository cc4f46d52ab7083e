//! Escaping of free text.

/// Appends a help text: only backslashes and line feeds are escaped.
pub fn push_help(page: &mut Vec<u8>, text: &str) {
    push_escaped(page, text, |byte| matches!(byte, b'\\' | b'\n'));
}

/// Appends a label value without its quotes, or a help text of `OpenMetrics`.
pub fn push_quotable(page: &mut Vec<u8>, text: &str) {
    push_escaped(page, text, |byte| matches!(byte, b'\\' | b'\n' | b'"'));
}

fn push_escaped(page: &mut Vec<u8>, text: &str, is_special: impl Fn(u8) -> bool) {
    let mut rest = text.as_bytes();
    while let Some(at) = rest.iter().position(|byte| is_special(*byte)) {
        page.extend_from_slice(&rest[..at]);
        page.push(b'\\');
        page.push(if rest[at] == b'\n' { b'n' } else { rest[at] });
        rest = &rest[at + 1..];
    }
    page.extend_from_slice(rest);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(push: impl Fn(&mut Vec<u8>, &str), text: &str) -> String {
        let mut page = Vec::new();
        push(&mut page, text);
        String::from_utf8(page).expect("escaping keeps UTF-8")
    }

    #[test]
    fn help_keeps_its_quotes() {
        assert_eq!(written(push_help, "a \"b\" \\ c\nd"), "a \"b\" \\\\ c\\nd");
        assert_eq!(written(push_help, ""), "");
    }

    #[test]
    fn label_values_escape_quotes_too() {
        assert_eq!(written(push_quotable, "\"\\\n"), "\\\"\\\\\\n");
        assert_eq!(written(push_quotable, "App\\Job\\Mail"), "App\\\\Job\\\\Mail");
        assert_eq!(written(push_quotable, "größe\t✓"), "größe\t✓");
    }
}
