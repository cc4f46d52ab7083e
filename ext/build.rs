//! Compiles the C files: what differs between PHP versions (syntax trees, flags of functions), and what macros of its headers do.

use std::{env, process::Command};

fn main() {
    let php_config = env::var_os("PHP_CONFIG").unwrap_or_else(|| "php-config".into());
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=src/engine/functions.c");
    println!("cargo:rerun-if-changed=src/engine/object.c");
    println!("cargo:rerun-if-changed=src/engine/request.c");
    ["PHP", "PHP_CONFIG", "PATH"].iter().for_each(|name| println!("cargo:rerun-if-env-changed={name}"));
    let asked = Command::new(&php_config).arg("--includes").output();
    let asked = asked.unwrap_or_else(|error| {
        panic!("{} does not run ({error}): install PHP's headers, or set PHP_CONFIG", php_config.display())
    });
    let folders = String::from_utf8_lossy(&asked.stdout).into_owned();
    let folders = folders.split_whitespace().filter_map(|folder| folder.strip_prefix("-I"));
    // PHP's headers are not ours to warn of.
    let mut build = cc::Build::new();
    folders.for_each(|folder| {
        build.flag("-isystem").flag(folder);
    });
    build
        .file("src/engine/functions.c")
        .file("src/engine/object.c")
        .file("src/engine/request.c")
        .warnings(true)
        .extra_warnings(true)
        .compile("promshm_functions");
}
