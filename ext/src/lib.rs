//! The PHP extension `promshm`: metric objects whose updates are stores into shared memory.
//!
//! Reading order: [`handle`] is what a PHP object holds and how an update finds its cell;
//! [`process`] is what a PHP process holds; `counter`, `gauge`, `histogram`, `summary` and `segment` are the
//! PHP classes; [`lifecycle`] says what happens at start, fork and stop. Unsafe code lives in
//! [`zend`] and its modules, [`object`], [`local`], [`handle`], [`ring`], [`stamp`], [`track`] and [`usage`], and
//! in the hooks of [`ini`] and [`lifecycle`].
#![deny(unsafe_code)]
#![allow(missing_docs)] // the macro's entry point has none, and nothing else is public

mod arguments;
mod class;
mod counter;
mod exceptions;
mod exemplar;
mod gauge;
mod guard;
mod handle;
mod histogram;
mod info;
mod ini;
mod labels;
mod lifecycle;
mod local;
mod metric;
mod numbers;
mod object;
mod process;
mod recent;
mod registration;
mod registry;
mod render;
mod ring;
mod runtime;
mod samples;
mod segment;
mod series_table;
mod stamp;
mod summary;
mod timer;
mod track;
mod usage;
mod zend;

use ext_php_rs::prelude::*;

/// What the engine asks for when it loads the library.
#[php_module]
pub fn module(module: ModuleBuilder<'_>) -> ModuleBuilder<'_> {
    module
        .name("promshm")
        .startup_function(lifecycle::startup)
        .shutdown_function(lifecycle::shutdown)
        .request_startup_function(lifecycle::request_startup)
        .request_shutdown_function(lifecycle::request_shutdown)
        .info_function(info::info)
}
