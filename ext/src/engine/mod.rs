//! Access to the engine: all that touches the Zend API, and nothing that knows metrics.

pub(crate) mod arguments;
pub(crate) mod bailout;
pub(crate) mod builder;
pub(crate) mod call;
pub(crate) mod callable;
pub(crate) mod class;
pub(crate) mod exceptions;
pub(crate) mod float_list;
pub(crate) mod functions;
pub(crate) mod globals;
pub(crate) mod identity;
pub(crate) mod object;
pub(crate) mod panic;
pub(crate) mod parameters;
pub(crate) mod process_stats;
pub(crate) mod request;
pub(crate) mod zval;
