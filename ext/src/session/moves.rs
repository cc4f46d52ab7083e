//! Tells those who are to take a number back from a gauge later where its cell has gone, when this process moves to
//! another generation of the segment.

use promshm_segment::Moves;
use std::sync::OnceLock;

/// Told of the attachment's number and its moves.
type Listener = fn(u64, &Moves);

/// No list behind a lock, which a fork could leave locked.
static LISTENERS: [OnceLock<Listener>; 2] = [const { OnceLock::new() }; 2];

/// Module startup: tells `listener`, which must not look anything up.
pub(crate) fn listen(listener: Listener) {
    let is_listener =
        |place: &&OnceLock<Listener>| std::ptr::fn_addr_eq(*place.get_or_init(|| listener), listener);
    let _for_two_at_most = LISTENERS.iter().find(is_listener);
}

/// The gauges of that attachment have moved.
pub(super) fn tell(attachment_id: u64, moves: &Moves) {
    LISTENERS.iter().filter_map(OnceLock::get).for_each(|listener| listener(attachment_id, moves));
}
