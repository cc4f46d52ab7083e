//! The bound objects that a metric object has handed out lately, found by the identities of their label values:
//! `labels('GET', '200')` returns the same object at each call.

use crate::{
    engine::{
        bailout::attempt,
        identity::{Identity, RetainedIdentity},
    },
    session::label_words::{LINES, MOST_LABELS, Permit, identities, line_of, retain_all},
};
use ext_php_rs::types::Zval;
use std::{array, cell::RefCell, mem};

/// A small cache: each set of label values has one line where it may lie. All sets of a metric have the same size.
#[derive(Debug)]
pub(crate) struct BoundCache {
    labels: usize,
    lines: [[RetainedIdentity; MOST_LABELS]; LINES],
    /// The object of each line, or null.
    objects: RefCell<[Zval; LINES]>,
    _permit: Permit,
}

impl BoundCache {
    /// An empty cache for sets of that many labels; `None` if they are too many, or the process has too many caches.
    pub(crate) fn new(labels: usize) -> Option<Self> {
        if !(1..=MOST_LABELS).contains(&labels) {
            return None;
        }
        let lines = array::from_fn(|_| Default::default());
        Some(Self { labels, lines, objects: RefCell::default(), _permit: Permit::take()? })
    }

    /// The object that is bound to these very values.
    #[inline(always)]
    pub(crate) fn find(&self, values: &[Zval]) -> Option<Zval> {
        if values.len() != self.labels {
            return None;
        }
        match values {
            [a] => self.find_in_line(&identities([a])?),
            [a, b] => self.find_in_line(&identities([a, b])?),
            [a, b, c] => self.find_in_line(&identities([a, b, c])?),
            [a, b, c, d] => self.find_in_line(&identities([a, b, c, d])?),
            _ => None,
        }
    }

    #[inline(always)]
    fn find_in_line(&self, words: &[Identity]) -> Option<Zval> {
        let number = line_of(words);
        let is_it = self.lines[number].iter().zip(words).all(|(known, word)| known.is(*word));
        is_it.then(|| self.objects.borrow()[number].shallow_clone())
    }

    /// Stores an object, unless one of its values ends with the running call. The former object of the line is
    /// returned: releasing it may run scripts, as it may be the key of a `WeakMap`.
    pub(crate) fn store(&self, values: &[Zval], object: &Zval) -> Option<Zval> {
        if values.len() != self.labels {
            return None;
        }
        let number = retain_all(values.iter(), false, |number| &self.lines[number])?;
        Some(mem::replace(&mut self.objects.borrow_mut()[number], object.shallow_clone()))
    }

    /// Shows the objects to the cycle collector.
    pub(crate) fn each_object(&self, show: &mut dyn FnMut(&Zval)) {
        if let Ok(objects) = self.objects.try_borrow() {
            objects.iter().for_each(show);
        }
    }
}

/// Releasing an object may end the request. The others are released nevertheless.
impl Drop for BoundCache {
    fn drop(&mut self) {
        let mut ended = None;
        for object in mem::take(self.objects.get_mut()).into_iter().filter(Zval::is_object) {
            if let Err(payload) = attempt(move || drop(object)) {
                ended = Some(payload);
            }
        }
        if let Some(payload) = ended {
            std::panic::resume_unwind(payload);
        }
    }
}
