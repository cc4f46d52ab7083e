//! One exporter for all pods of a node: which IPC namespaces there are, whose they are, and what their segments hold.

#[allow(dead_code, unused_imports, reason = "until the command uses it")]
pub(crate) mod identity;
