//! The live page, with its style and script in one file. It fetches the telemetry path like any scraper and renders
//! what it reads; `build.rs` joins its parts.

#[cfg(feature = "node")]
pub(crate) mod pods;

/// Deflated by `build.rs`, to a third of its size.
const PAGE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/page.deflated"));

/// The page's Content-Security-Policy.
pub(crate) const POLICY: &str = include_str!(concat!(env!("OUT_DIR"), "/policy"));

/// The page that fetches `telemetry_path` and shows the name `segment`. Its links are relative, because a proxy may
/// serve it under another path.
pub(crate) fn page(telemetry_path: &str, segment: &str) -> String {
    template()
        .replace("%METRICS%", &escaped(&format!(".{telemetry_path}")))
        .replace("%SEGMENT%", &escaped(segment))
        .replace("%VERSION%", env!("CARGO_PKG_VERSION"))
}

fn template() -> String {
    let page =
        miniz_oxide::inflate::decompress_to_vec(PAGE).ok().and_then(|page| String::from_utf8(page).ok());
    page.expect("build.rs made it of text, and tests read it")
}

/// Escapes values of the command line for HTML.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_replaced_and_nothing_else() {
        let filled = page("/m&\"<m>", "sysv:0x1");
        assert!(filled.contains("data-metrics=\"./m&amp;&quot;&lt;m>\""));
        assert!(filled.contains("href=\"./m&amp;&quot;&lt;m>\""));
        assert!(filled.contains(">sysv:0x1</span>"));
        assert!(filled.contains(concat!("promshm-exporter ", env!("CARGO_PKG_VERSION"))));
        for blank in ["%STYLE%", "%SCRIPT%", "%METRICS%", "%SEGMENT%", "%VERSION%"] {
            assert!(!filled.contains(blank), "{blank}");
        }
        // A placeholder within script or style would change the bytes that the policy has the hash of.
        let blank = template();
        let (script, style) =
            (between(&blank, "<script>", "</script>"), between(&blank, "<style>", "</style>"));
        assert!(filled.contains(script) && filled.contains(style));
    }

    #[test]
    fn page_loads_nothing_from_other_hosts() {
        let page = template();
        assert!(!page.contains("href=\"/"), "a path from the top leads elsewhere behind a proxy");
        for foreign in ["src=", "@import", "url(", "//cdn", " onclick", " style=", "eval("] {
            assert!(!page.contains(foreign), "{foreign}");
        }
        for part in ["default-src 'none'", "script-src 'sha256-", "style-src 'sha256-", "connect-src 'self'"]
        {
            assert!(POLICY.contains(part), "{POLICY}");
        }
        assert!(!POLICY.contains("unsafe"), "{POLICY}");
    }

    fn between<'p>(page: &'p str, from: &str, to: &str) -> &'p str {
        page.split_once(from).and_then(|(_, rest)| rest.split_once(to)).expect("one of each").0
    }
}
