//! The list that module startup has read: the same for all threads and requests.

use super::{
    entry::{self, BadEntry, Entry, Shape},
    families, presets,
};
use crate::{
    engine::{functions::Declaration, globals::ModuleStatic},
    session::ini::ObserveSettings,
};
use std::{collections::HashMap, ptr};

/// What is observed.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) entries: Vec<Entry>,
    pub(super) settings: ObserveSettings,
}

/// Observed internal functions, by their number: names as declared, and how their calls are counted.
pub(super) type InternalNames = Vec<(String, Shape)>;

static INTERNAL_NAMES: ModuleStatic<*const InternalNames> = ModuleStatic::new(ptr::null());
static PLAN: ModuleStatic<*const Plan> = ModuleStatic::new(ptr::null());

impl Plan {
    /// Reads the entries, and says what is wrong with those that are left out.
    pub(super) fn new(texts: &[(&str, String)], settings: ObserveSettings) -> (Self, Vec<String>) {
        let mut reading = Reading {
            entries: Vec::new(),
            shapes: HashMap::new(),
            complaints: Vec::new(),
            buckets: settings.buckets.clone(),
        };
        for (setting, list) in texts {
            entry::split(list).into_iter().for_each(|text| reading.read(setting, text));
        }
        (Self { entries: reading.entries, settings }, reading.complaints)
    }

    /// How the calls of an internal function are counted; `None` if it is not listed.
    pub(super) fn shape_of(&self, class: Option<&[u8]>, name: &[u8]) -> Option<&Shape> {
        self.entries.iter().find(|entry| entry.lists(class, name)).map(|entry| &entry.shape)
    }

    /// The literal by which a script's function announces itself: its name, and how its calls are counted. `None`
    /// if it is not listed.
    pub(super) fn literal_of(&self, declaration: &Declaration<'_>) -> Option<Result<String, BadEntry>> {
        let entry = self.entries.iter().find(|entry| entry.selects(declaration))?;
        let name = full_name(declaration.class(), declaration.name());
        let options = declaration.options().filter(|_| entry.takes_options()).map(String::from_utf8_lossy);
        Some(match options.filter(|options| !options.trim().is_empty()) {
            Some(options) => Shape::parse(&options)
                .and_then(|shape| families::check(&shape, &self.settings.buckets).map(|()| shape))
                .map(|shape| literal(declaration, &name, &shape))
                .map_err(|BadEntry(reason)| BadEntry(format!("#[Promshm\\Observe] of {name}: {reason}"))),
            None => Ok(literal(declaration, &name, &entry.shape)),
        })
    }

    /// Whether the name of a class is enough for methods of it to be listed.
    pub(super) fn lists_class(&self, class: &[u8]) -> bool {
        self.entries.iter().any(|entry| entry.lists_class(class))
    }

    /// Whether an entry asks for attributes.
    pub(super) fn looks_at_attributes(&self) -> bool {
        self.entries.iter().any(Entry::is_by_attribute)
    }
}

struct Reading {
    entries: Vec<Entry>,
    /// The first shape under each name.
    shapes: HashMap<String, Shape>,
    complaints: Vec<String>,
    buckets: Vec<f64>,
}

impl Reading {
    fn read(&mut self, setting: &str, text: &str) {
        let texts = match (text.starts_with('@'), presets::preset(&text.to_ascii_lowercase())) {
            (_, Some(list)) => entry::split(list),
            (true, None) => {
                self.complain(setting, text, &format!("there is no such preset, but {}", presets::NAMES));
                return;
            }
            (false, None) => vec![text],
        };
        for text in texts {
            match Entry::parse(text).and_then(|entry| self.check(entry)) {
                Ok(entry) => self.entries.push(entry),
                Err(BadEntry(reason)) => self.complain(setting, text, &reason),
            }
        }
    }

    fn complain(&mut self, setting: &str, text: &str, reason: &str) {
        self.complaints.push(format!("{setting}: {text:?} is skipped: {reason}"));
    }

    fn check(&mut self, entry: Entry) -> Result<Entry, BadEntry> {
        families::check(&entry.shape, &self.buckets)?;
        if let Some(function) = entry.only_function().filter(|function| presets::is_opcode(function)) {
            return Err(BadEntry(format!(
                "PHP compiles {function}() to an opcode, so its calls cannot be seen"
            )));
        }
        if let Some(name) = &entry.shape.name {
            let first = self.shapes.entry(name.clone()).or_insert_with(|| entry.shape.clone());
            if !first.is_same_family(&entry.shape) {
                return Err(BadEntry(format!("{name} is the name of an entry with other labels or buckets")));
            }
        }
        Ok(entry)
    }
}

impl Shape {
    /// Whether the calls go into the same metrics; where the values come from may differ.
    pub(super) fn is_same_family(&self, other: &Self) -> bool {
        let names = |shape: &Self| shape.labels.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
        self.name == other.name
            && self.counts_only == other.counts_only
            && self.buckets == other.buckets
            && names(self) == names(other)
    }
}

/// `Class::method`, or `function`.
pub(super) fn full_name(class: Option<&[u8]>, name: &[u8]) -> String {
    let text = String::from_utf8_lossy;
    class.map_or_else(|| text(name).into_owned(), |class| format!("{}::{}", text(class), text(name)))
}

/// Stands before the entry in the literal of a generator.
const GENERATOR: &str = "generator ";

/// An entry for exactly this function.
fn literal(declaration: &Declaration<'_>, name: &str, shape: &Shape) -> String {
    let kind = if declaration.is_generator() { GENERATOR } else { "" };
    if shape.counts_only { format!("{kind}count({name}){shape}") } else { format!("{kind}{name}{shape}") }
}

/// The function's name in a literal, and how its calls are counted.
pub(super) fn read_literal(literal: &str) -> Option<(&str, Shape)> {
    let (is_generator, literal) =
        literal.strip_prefix(GENERATOR).map_or((false, literal), |entry| (true, entry));
    let (name, rest, counts_only) = if let Some(rest) = literal.strip_prefix("count(") {
        rest.split_once(')').map(|(name, rest)| (name, rest, true))?
    } else {
        let end = literal.find(['{', ' ']).unwrap_or(literal.len());
        (&literal[..end], &literal[end..], false)
    };
    Some((name, Shape { counts_only, is_generator, ..Shape::parse(rest).ok()? }))
}

/// Makes the plan the one of this process, at module startup.
pub(super) fn install(plan: Plan) -> &'static Plan {
    let plan = Box::leak(Box::new(plan));
    PLAN.set(plan);
    plan
}

/// Frees the plan, at module shutdown: no script runs any more.
#[allow(unsafe_code)]
pub(super) fn uninstall() {
    let (plan, names) = (PLAN.get().cast_mut(), INTERNAL_NAMES.get().cast_mut());
    PLAN.set(ptr::null());
    INTERNAL_NAMES.set(ptr::null());
    // SAFETY: leaked by `install` and `set_internal_names`; nobody runs who could have a reference.
    unsafe {
        if !plan.is_null() {
            drop(Box::from_raw(plan));
        }
        if !names.is_null() {
            drop(Box::from_raw(names));
        }
    }
}

/// Once all modules have started: the internal functions that are observed.
pub(super) fn set_internal_names(names: InternalNames) {
    INTERNAL_NAMES.set(Box::leak(Box::new(names)));
}

/// The internal functions that are observed.
#[allow(unsafe_code)]
pub(super) fn internal_names() -> &'static [(String, Shape)] {
    // SAFETY: null, or what `set_internal_names` leaked, which lives as long as the module.
    unsafe { INTERNAL_NAMES.get().as_ref() }.map_or(&[], Vec::as_slice)
}

/// The plan, if there is one.
#[allow(unsafe_code)]
pub(super) fn get() -> Option<&'static Plan> {
    // SAFETY: null, or what `install` leaked, which lives as long as the module.
    unsafe { PLAN.get().as_ref() }
}
