//! Joins the parts of the landing page into one file, and writes the policy that
//! lets a browser run them: a hash of the style and of the script
//! (<https://www.w3.org/TR/CSP3/#grammardef-hash-source>).

use base64::{Engine as _, engine::general_purpose::STANDARD};
use sha2::{Digest as _, Sha256};
use std::{
    env, fs,
    path::{Path, PathBuf},
};

const FOLDER: &str = "src/web/ui";
/// In the order in which they need each other.
const SCRIPTS: [&str; 12] = [
    "text.js",
    "format.js",
    "model.js",
    "draw.js",
    "query.js",
    "row.js",
    "list.js",
    "table.js",
    "functions.js",
    "workers.js",
    "status.js",
    "page.js",
];

fn main() {
    println!("cargo::rerun-if-changed={FOLDER}");
    let style = part("page.css");
    let script = "\"use strict\";\n".to_string() + &SCRIPTS.map(part).concat();
    let page = part("page.html").replace("%STYLE%", &style).replace("%SCRIPT%", &script);
    made("page.deflated", &miniz_oxide::deflate::compress_to_vec(page.as_bytes(), 10));
    made("policy", policy(&style, &script).as_bytes());
    made("pods.html", part("pods.html").replace("%STYLE%", &style).as_bytes());
}

fn part(name: &str) -> String {
    let path = Path::new(FOLDER).join(name);
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    without_comments(&text)
}

/// Drops indentation, empty lines, and comments that fill whole lines: 8 kB less in the program and in each
/// answer. Whatever is not a whole line stays as it is, because it would take a parser to know what it is.
fn without_comments(text: &str) -> String {
    let mut lean = String::with_capacity(text.len());
    let mut in_comment = false;
    for line in text.lines().map(str::trim) {
        in_comment |= line.starts_with("/*");
        if !(in_comment || line.is_empty() || line.starts_with("//")) {
            lean.push_str(line);
            lean.push('\n');
        }
        in_comment &= !line.ends_with("*/");
    }
    lean
}

fn made(name: &str, bytes: &[u8]) {
    let folder = PathBuf::from(env::var_os("OUT_DIR").expect("cargo names it"));
    fs::write(folder.join(name), bytes).expect("cargo's folder can be written");
}

/// Only this style and this script, and no other server than the page's own.
fn policy(style: &str, script: &str) -> String {
    format!(
        "default-src 'none'; style-src {}; script-src {}; connect-src 'self'; img-src data:; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        hash(style),
        hash(script)
    )
}

fn hash(text: &str) -> String {
    format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text)))
}
