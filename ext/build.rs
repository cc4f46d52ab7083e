//! Checks that the program and the headers are those of one PHP that this extension knows. Compiles the C files: what differs
//! between PHP versions (syntax trees, flags of functions), and what macros of its headers do.

use std::{env, ffi::OsStr, fmt, fs, path::Path, process::Command};

/// As `PHP_VERSION_ID` writes them: from 8.2, and before 8.7, whose structures nobody has seen.
const OLDEST: u32 = 80_200;
const TOO_NEW: u32 = 80_700;

fn main() {
    let php = env::var_os("PHP").unwrap_or_else(|| "php".into());
    let php_config = env::var_os("PHP_CONFIG").unwrap_or_else(|| "php-config".into());
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=src/engine/functions.c");
    println!("cargo:rerun-if-changed=src/engine/object.c");
    println!("cargo:rerun-if-changed=src/engine/request.c");
    ["PHP", "PHP_CONFIG", "PATH"].iter().for_each(|name| println!("cargo:rerun-if-env-changed={name}"));
    let folders = output(&php_config, &["--includes"]);
    let folders: Vec<_> = folders.split_whitespace().filter_map(|folder| folder.strip_prefix("-I")).collect();
    check(&php, &php_config, &folders);
    // PHP's headers are not ours to warn of.
    let mut build = cc::Build::new();
    folders.iter().for_each(|folder| {
        build.flag("-isystem").flag(folder);
    });
    build
        .file("src/engine/functions.c")
        .file("src/engine/object.c")
        .file("src/engine/request.c")
        // A metric's constructor calls them: each call into the engine is a jump less.
        .force_frame_pointer(false)
        .flag_if_supported("-fno-plt")
        .warnings(true)
        .extra_warnings(true)
        // What a newer PHP has no more would be an undefined symbol of a module that was built.
        .flag("-Werror=implicit-function-declaration")
        .compile("promshm_functions");
}

/// What must be the same for a module and the PHP that loads it.
#[derive(PartialEq)]
struct Abi {
    version: u32,
    zts: bool,
    debug: bool,
}

impl Abi {
    /// From the program itself, which says its three numbers.
    fn of_program(php: &OsStr) -> Self {
        let said =
            output(php, &["-n", "-r", "echo PHP_VERSION_ID, ' ', (int) PHP_ZTS, ' ', (int) PHP_DEBUG;"]);
        let numbers: Vec<u32> = said.split_whitespace().filter_map(|number| number.parse().ok()).collect();
        let [version, zts, debug] = numbers[..] else {
            panic!("{} is no PHP: it says {said:?}", php.display())
        };
        Self { version, zts: zts == 1, debug: debug == 1 }
    }

    /// From the headers; `None` if they lie in none of the folders.
    fn of_headers(folders: &[&str]) -> Option<Self> {
        let read =
            |name| folders.iter().find_map(|folder| fs::read_to_string(Path::new(folder).join(name)).ok());
        let (version, config) = (read("php_version.h")?, read("php_config.h")?);
        let is_set = |name| defined(&config, name) == Some(1);
        Some(Self {
            version: defined(&version, "PHP_VERSION_ID")?,
            zts: is_set("ZTS"),
            debug: is_set("ZEND_DEBUG"),
        })
    }
}

impl fmt::Display for Abi {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let threads = if self.zts { "thread-safe" } else { "not thread-safe" };
        let debug = if self.debug { ", with debug checks" } else { "" };
        write!(f, "PHP {}.{}, {threads}{debug}", self.version / 10_000, self.version / 100 % 100)
    }
}

/// The number that a header gives to a name.
fn defined(header: &str, name: &str) -> Option<u32> {
    header
        .lines()
        .find_map(|line| line.strip_prefix("#define ")?.trim().strip_prefix(name)?.trim().parse().ok())
}

/// Headers of one PHP with the program of another make an extension that neither loads, or that crashes.
fn check(php: &OsStr, php_config: &OsStr, folders: &[&str]) {
    let (php_config, program) = (php_config.display(), Abi::of_program(php));
    let Some(headers) = Abi::of_headers(folders) else {
        panic!(
            "There are no headers of PHP where {php_config} says: install php-dev, or let PHP_CONFIG name the php-config of another PHP"
        )
    };
    let known = OLDEST..TOO_NEW;
    assert!(
        headers.version >= known.start,
        "{headers} is too old: promshm needs PHP 8.2 or newer. Let PHP and PHP_CONFIG name a newer one"
    );
    assert!(
        headers.version < known.end,
        "{headers} is too new: this promshm knows PHP 8.2 to 8.6. Take a newer promshm, or let PHP and PHP_CONFIG name an older PHP"
    );
    let same = Abi { version: headers.version / 100, ..headers }
        == Abi { version: program.version / 100, ..program };
    assert!(
        same,
        "{} is {program}, but the headers that {php_config} names are of {headers}: let PHP and PHP_CONFIG name the same one",
        php.display()
    );
}

/// What a program of PHP's says.
fn output(program: &OsStr, words: &[&str]) -> String {
    let done = Command::new(program).args(words).output().unwrap_or_else(|error| {
        panic!(
            "{} does not run ({error}): install PHP with its headers, or let PHP and PHP_CONFIG name them",
            program.display()
        )
    });
    String::from_utf8_lossy(&done.stdout).into_owned()
}
