//! Label values of a call, read from its frame without running any code of scripts.

use super::entry::{Root, Source, Step};
use crate::engine::{
    functions::{Name, argument_of, class_of, class_text, declared_argument, object_of, this_of},
    zval::{
        IS_FALSE, IS_LONG, IS_STRING, IS_TRUE, bytes_of, dereferenced, hash_of_bytes, hashed_bytes_of,
        long_of, string_hash, type_of,
    },
};
use ext_php_rs::{ffi::zend_object, types::Zval, zend::ExecuteData};

/// A source, ready to be read at each call.
#[derive(Debug)]
pub(super) struct Reader {
    root: Root,
    steps: Vec<Lookup>,
    is_class: bool,
    /// The argument's number, if nothing is done with it.
    plain_argument: Option<u32>,
}

#[derive(Debug)]
enum Lookup {
    Property(Name),
    Key(Name),
}

/// A value, and its hash by the engine.
#[derive(Debug, Clone, Copy)]
pub(super) struct Text<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) hash: u64,
}

impl<'a> Text<'a> {
    pub(super) const EMPTY: Self = Self { bytes: b"", hash: 0 };

    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, hash: hash_of_bytes(bytes) }
    }
}

/// Something on the way to a value.
#[derive(Clone, Copy)]
enum Found<'a> {
    Object(*mut zend_object),
    Value(&'a Zval),
}

impl Reader {
    pub(super) fn new(source: &Source) -> Self {
        let lookup = |step: &Step| match step {
            Step::Property(name) => Lookup::Property(Name::new(name)),
            Step::Key(key) => Lookup::Key(Name::new(key)),
        };
        let plain_argument = match source.root {
            Root::Argument(number) if source.steps.is_empty() && !source.is_class => Some(number),
            _ => None,
        };
        Self {
            plain_argument,
            root: source.root,
            steps: source.steps.iter().map(lookup).collect(),
            is_class: source.is_class,
        }
    }

    /// The value of a declared argument that is a string, known to the engine by its hash, and taken as it is: by far the most
    /// frequent kind, so it takes no more than this, and calls nothing.
    #[inline(always)]
    pub(super) fn plain_argument<'a>(&self, frame: *mut ExecuteData) -> Option<Text<'a>> {
        let value = declared_argument(frame, self.plain_argument?)?;
        hashed_bytes_of(value).map(|(bytes, hash)| Text { bytes, hash })
    }

    /// Makes the engine hash such an argument; `false` if there is none, or it was hashed before.
    pub(super) fn hash_plain_argument(&self, frame: *mut ExecuteData) -> bool {
        let value = self.plain_argument.and_then(|number| declared_argument(frame, number));
        value.is_some_and(|value| hashed_bytes_of(value).is_none() && string_hash(value).is_some())
    }

    /// The value; the empty one if there is none, or none that could be a label.
    #[inline]
    pub(super) fn read<'a>(
        &self,
        frame: *mut ExecuteData,
        function: Text<'a>,
        digits: &'a mut itoa::Buffer,
    ) -> Text<'a> {
        let found = match self.root {
            Root::Function => return function,
            Root::This => this_of(frame).map(Found::Object),
            Root::Argument(number) => argument_of(frame, number).map(found_in),
        };
        let found = self.steps.iter().try_fold(found, |found, step| found.map(|found| step.follow(found)));
        match found.flatten() {
            Some(Found::Object(object)) => class(object),
            Some(Found::Value(value)) if !self.is_class => text(value, digits),
            _ => Text::EMPTY,
        }
    }
}

impl Lookup {
    #[inline]
    fn follow<'a>(&self, found: Found<'a>) -> Option<Found<'a>> {
        match (self, found) {
            (Self::Property(name), Found::Object(object)) => name.property_of(object).map(found_in),
            (Self::Key(key), Found::Value(value)) => key.element_of(value.array()?).map(found_in),
            _ => None,
        }
    }
}

#[inline]
fn found_in(value: &Zval) -> Found<'_> {
    let value = dereferenced(value);
    object_of(value).map_or(Found::Value(value), Found::Object)
}

fn class<'a>(object: *mut zend_object) -> Text<'a> {
    let (bytes, hash) = class_text(class_of(object));
    Text { bytes, hash }
}

#[inline]
fn text<'a>(value: &'a Zval, digits: &'a mut itoa::Buffer) -> Text<'a> {
    match type_of(value) {
        IS_STRING => {
            Text { bytes: bytes_of(value).unwrap_or_default(), hash: string_hash(value).unwrap_or_default() }
        }
        IS_LONG => Text::new(digits.format(long_of(value)).as_bytes()),
        IS_TRUE => Text::new(b"true"),
        IS_FALSE => Text::new(b"false"),
        _ => Text::EMPTY,
    }
}
