//! The PHP extension `promshm`: metric objects whose updates are stores into shared memory.
//!
//! From the top: [`module`] has the hooks of start, fork and stop, and [`info`] the output of phpinfo; [`classes`]
//! are the PHP classes, and beside them [`observe`] counts calls of listed functions; [`session`] is the state of a
//! process or thread: settings, attachment, metrics and their series; [`engine`] is all that touches the Zend API, and
//! does not know metrics.
//!
//! Unsafe code lives in `engine::bailout`, `engine::builder`, `engine::call`, `engine::callable`, `engine::class`,
//! `engine::exceptions`, `engine::functions`, `engine::globals`, `engine::identity`, `engine::object`, `engine::parameters`,
//! `engine::process_stats`, `engine::request`, `engine::zval`, `module`, `observe::calls`, `observe::internal`,
//! `observe::plan`, `observe::sites`, `observe::updates`, `observe::user`, `session::generation`, `session::handle`,
//! `session::ini`, `session::summary_ring`, `session::track`.
#![deny(unsafe_code)]
#![allow(missing_docs)] // the macro's entry point has none, and nothing else is public

mod classes;
mod engine;
mod info;
mod module;
mod observe;
mod session;

use ext_php_rs::prelude::*;

/// The module's entry, which the engine asks for when it loads the library.
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
