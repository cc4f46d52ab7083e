//! The PHP extension `promshm`: metric objects whose updates are stores into shared memory.
//!
//! From the top: [`module`] says what happens at start, fork and stop, and [`info`] what phpinfo shows;
//! [`classes`] are the PHP classes; [`session`] is what a process or thread knows: settings, attachment, metrics
//! and their series; [`engine`] is all that touches the Zend API, and knows no metrics.
//!
//! Unsafe code lives in `engine::bailout`, `engine::exceptions`, `engine::globals`, `engine::object`, `engine::parameters`,
//! `engine::process_stats`, `engine::zval`, `module`, `session::generation`, `session::handle`,
//! `session::ini`, `session::summary_ring`, `session::track`.
#![deny(unsafe_code)]
#![allow(missing_docs)] // the macro's entry point has none, and nothing else is public

mod classes;
mod engine;
mod info;
mod module;
mod session;

use ext_php_rs::prelude::*;

/// What the engine asks for when it loads the library.
#[php_module]
pub fn module(module: ModuleBuilder<'_>) -> ModuleBuilder<'_> {
    module
        .name("promshm")
        .startup_function(module::startup)
        .shutdown_function(module::shutdown)
        .request_startup_function(module::request_startup)
        .request_shutdown_function(module::request_shutdown)
        .info_function(info::info)
}
