//! The grammar of `promshm.observe`.
//!
//! ```text
//! entry  = target [labels] ["as" NAME] [buckets] | "count(" target ")" [labels] ["as" NAME]
//! target = FUNCTION | CLASS "::" METHOD | "#[" ATTRIBUTE "]" ["::" METHOD]
//! labels = "{" LABEL "=" source {"," LABEL "=" source} "}"      source = "class(" path ")" | path
//! path   = ("function" | "this" | "argN") {"." PROPERTY | "[" KEY "]"}      buckets = "buckets(" NUMBER {"," NUMBER} ")"
//! ```
//!
//! Names ignore case, and a `*` at the end of a name stands for any rest.

use crate::engine::functions::Declaration;
use std::fmt;

/// Most labels of an entry.
pub(super) const MOST_LABELS: usize = 4;

/// An entry of the list.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    target: Target,
    only_function: Option<String>,
    /// How calls are counted.
    pub(super) shape: Shape,
}

#[derive(Debug, Clone)]
enum Target {
    Function(Pattern),
    Method(Pattern, Pattern),
    /// Functions that have the attribute themselves.
    Attribute(AttributeName),
    /// Methods of classes that have the attribute.
    ClassAttribute(AttributeName, Pattern),
}

/// A name in lower case, or its beginning.
#[derive(Debug, Clone)]
struct Pattern {
    text: String,
    is_prefix: bool,
}

/// An attribute's full name, or, without a backslash, its last part; in lower case.
#[derive(Debug, Clone)]
struct AttributeName(String);

/// How the calls of a function are counted.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Shape {
    /// Without a clock.
    pub(super) counts_only: bool,
    /// The function is a generator. No entry says so, but the literal of a script's function.
    pub(super) is_generator: bool,
    /// The name of a family of its own.
    pub(super) name: Option<String>,
    /// Empty stands for the function's name.
    pub(super) labels: Vec<(String, Source)>,
    pub(super) buckets: Option<Vec<f64>>,
}

/// Where a label's value comes from.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Source {
    pub(super) root: Root,
    pub(super) steps: Vec<Step>,
    /// The class of what is found, rather than its value.
    pub(super) is_class: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Root {
    Function,
    This,
    /// Counted from 0.
    Argument(u32),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    Property(String),
    Key(String),
}

/// Why an entry is not understood.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct BadEntry(pub(super) String);

fn bad<T>(reason: impl Into<String>) -> Result<T, BadEntry> {
    Err(BadEntry(reason.into()))
}

impl Entry {
    pub(super) fn parse(text: &str) -> Result<Self, BadEntry> {
        let (target, rest, counts_only) = if let Some(rest) = text.strip_prefix("count(") {
            let (target, rest) = rest.split_once(')').ok_or(BadEntry("count( is not closed".into()))?;
            (target.trim(), rest, true)
        } else {
            let (target, rest) = split_target(text)?;
            (target, rest, false)
        };
        let shape = Shape { counts_only, ..Shape::parse(rest)? };
        if counts_only && shape.buckets.is_some() {
            return bad("count() measures no durations, so it has no buckets");
        }
        let is_one_function = !target.contains(['*', ':', '#']);
        let only_function = is_one_function.then(|| target.trim_start_matches('\\').to_ascii_lowercase());
        Ok(Self { target: Target::parse(target)?, only_function, shape })
    }

    /// The only function that the entry can mean, in lower case.
    pub(super) fn only_function(&self) -> Option<&str> {
        self.only_function.as_deref()
    }

    /// Whether the entry may mean internal functions.
    pub(super) fn lists(&self, class: Option<&[u8]>, name: &[u8]) -> bool {
        match (&self.target, class) {
            (Target::Function(function), None) => function.is(name),
            (Target::Method(of, method), Some(class)) => of.is(class) && method.is(name),
            _ => false,
        }
    }

    /// Whether the entry means methods of that class by its name.
    pub(super) fn lists_class(&self, class: &[u8]) -> bool {
        matches!(&self.target, Target::Method(of, _) if of.is(class))
    }

    /// Whether the entry means a function that is being compiled.
    pub(super) fn selects(&self, declaration: &Declaration<'_>) -> bool {
        match &self.target {
            Target::Attribute(attribute) => declaration.attributes().any(|name| attribute.is(name)),
            Target::ClassAttribute(attribute, method) => {
                method.is(declaration.name()) && declaration.class_attributes().any(|name| attribute.is(name))
            }
            _ => self.lists(declaration.class(), declaration.name()),
        }
    }

    /// Whether it is about attributes.
    pub(super) fn is_by_attribute(&self) -> bool {
        matches!(self.target, Target::Attribute(_) | Target::ClassAttribute(..))
    }

    /// Whether it is the attribute whose arguments say how to count.
    pub(super) fn takes_options(&self) -> bool {
        matches!(&self.target, Target::Attribute(attribute) if attribute.is(b"Promshm\\Observe"))
    }
}

/// The target at the beginning of an entry, and the rest.
fn split_target(text: &str) -> Result<(&str, &str), BadEntry> {
    let from = match text.strip_prefix("#[") {
        Some(attribute) => 3 + attribute.find(']').ok_or(BadEntry("#[ is not closed".into()))?,
        None => 0,
    };
    let end = text[from..]
        .find(|char: char| char == '{' || char.is_whitespace())
        .map_or(text.len(), |end| from + end);
    Ok((&text[..end], &text[end..]))
}

impl Target {
    fn parse(text: &str) -> Result<Self, BadEntry> {
        if let Some(rest) = text.strip_prefix("#[") {
            let (attribute, rest) = rest.split_once(']').ok_or(BadEntry("#[ is not closed".into()))?;
            let Pattern { text, is_prefix: false } = Pattern::parse(attribute)? else {
                return bad("an attribute is named in full, or by the last part of its name");
            };
            let attribute = AttributeName(text);
            return match rest.strip_prefix("::") {
                Some(method) => Ok(Self::ClassAttribute(attribute, Pattern::parse(method)?)),
                None if rest.is_empty() => Ok(Self::Attribute(attribute)),
                None => bad(format!("{rest:?} after the attribute is not understood")),
            };
        }
        match text.split_once("::") {
            Some((class, method)) => Ok(Self::Method(Pattern::parse(class)?, Pattern::parse(method)?)),
            None => Ok(Self::Function(Pattern::parse(text)?)),
        }
    }
}

impl Pattern {
    fn parse(text: &str) -> Result<Self, BadEntry> {
        let text = text.trim();
        let (name, is_prefix) = text.strip_suffix('*').map_or((text, false), |name| (name, true));
        let name = name.strip_prefix('\\').unwrap_or(name);
        if name.is_empty() && !is_prefix {
            return bad("a name is missing");
        }
        if name.contains('*') {
            return bad("a * may only end a name");
        }
        match name
            .chars()
            .find(|char| !(char.is_alphanumeric() || matches!(char, '_' | '\\') || !char.is_ascii()))
        {
            Some(char) => bad(format!("{char:?} is not allowed in a name")),
            None => Ok(Self { text: name.to_ascii_lowercase(), is_prefix }),
        }
    }

    fn is(&self, name: &[u8]) -> bool {
        let text = self.text.as_bytes();
        let compared = if self.is_prefix { name.get(..text.len()) } else { Some(name) };
        compared.is_some_and(|name| name.eq_ignore_ascii_case(text))
    }
}

impl AttributeName {
    fn is(&self, name: &[u8]) -> bool {
        let Self(text) = self;
        let last_part = || name.rsplit(|byte| *byte == b'\\').next().unwrap_or(name);
        let compared = if text.contains('\\') { name } else { last_part() };
        compared.eq_ignore_ascii_case(text.as_bytes())
    }
}

impl Shape {
    /// What follows a target.
    pub(super) fn parse(text: &str) -> Result<Self, BadEntry> {
        let mut shape = Self::default();
        let mut rest = text.trim();
        if let Some(labels) = rest.strip_prefix('{') {
            let (labels, after) = labels.split_once('}').ok_or(BadEntry("{ is not closed".into()))?;
            shape.labels = labels.split(',').map(label).collect::<Result<_, _>>()?;
            rest = after.trim_start();
        }
        if let Some(after) = rest.strip_prefix("as ") {
            let after = after.trim_start();
            let end = after.find(char::is_whitespace).unwrap_or(after.len());
            shape.name = Some(after[..end].to_owned());
            rest = after[end..].trim_start();
        }
        if let Some(after) = rest.strip_prefix("buckets(") {
            let (numbers, after) = after.split_once(')').ok_or(BadEntry("buckets( is not closed".into()))?;
            shape.buckets = Some(buckets(numbers)?);
            rest = after.trim_start();
        }
        if !rest.is_empty() {
            return bad(format!("{rest:?} is not understood"));
        }
        if shape.labels.len() > MOST_LABELS {
            return bad(format!("it has more than {MOST_LABELS} labels"));
        }
        if shape.name.is_none() && !(shape.labels.is_empty() && shape.buckets.is_none()) {
            return bad("labels and buckets of its own need a name of its own: add \"as NAME\"");
        }
        Ok(shape)
    }
}

/// `name=source`
fn label(text: &str) -> Result<(String, Source), BadEntry> {
    let (name, source) =
        text.split_once('=').ok_or_else(|| BadEntry(format!("{text:?} is not LABEL=SOURCE")))?;
    Ok((name.trim().to_owned(), Source::parse(source.trim())?))
}

/// Bounds, as numbers with commas between them.
pub(crate) fn buckets(text: &str) -> Result<Vec<f64>, BadEntry> {
    let number =
        |number: &str| number.trim().parse().map_err(|_| BadEntry(format!("{number:?} is not a number")));
    text.split(',').map(number).collect()
}

impl Source {
    fn parse(text: &str) -> Result<Self, BadEntry> {
        let class = text.strip_prefix("class(").and_then(|rest| rest.strip_suffix(')'));
        let path = class.unwrap_or(text).trim();
        let end = path.find(['.', '[']).unwrap_or(path.len());
        let root = Self::root(&path[..end]).ok_or_else(|| {
            BadEntry(format!("{text:?} is no source: it begins with argN, this or function"))
        })?;
        let steps = steps(&path[end..])?;
        Ok(Self { root, steps, is_class: class.is_some() })
    }

    fn root(text: &str) -> Option<Root> {
        match text {
            "function" => Some(Root::Function),
            "this" => Some(Root::This),
            _ => {
                let number: u32 =
                    text.strip_prefix("arg")?.parse().ok().filter(|number| (1..=99).contains(number))?;
                Some(Root::Argument(number - 1))
            }
        }
    }
}

fn steps(mut rest: &str) -> Result<Vec<Step>, BadEntry> {
    let mut steps = Vec::new();
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix('[') {
            let (key, after) = after.split_once(']').ok_or(BadEntry("[ is not closed".into()))?;
            let key = key.trim().trim_matches(['\'', '"']);
            if key.is_empty() || key.parse::<i64>().is_ok() {
                return bad("an array's key is a name");
            }
            steps.push(Step::Key(key.to_owned()));
            rest = after;
        } else {
            let after = &rest[1..];
            let end = after.find(['.', '[']).unwrap_or(after.len());
            let name = &after[..end];
            if !rest.starts_with('.')
                || name.is_empty()
                || !name.chars().all(|char| char.is_alphanumeric() || char == '_')
            {
                return bad(format!("{rest:?} is neither .property nor [key]"));
            }
            steps.push(Step::Property(name.to_owned()));
            rest = &after[end..];
        }
    }
    Ok(steps)
}

/// As it is written after a target, so that [`Shape::parse`] reads it again.
impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |items: Vec<String>| items.join(",");
        if !self.labels.is_empty() {
            let labels = self.labels.iter().map(|(name, source)| format!("{name}={source}"));
            write!(f, "{{{}}}", list(labels.collect()))?;
        }
        if let Some(name) = &self.name {
            write!(f, " as {name}")?;
        }
        if let Some(buckets) = &self.buckets {
            write!(f, " buckets({})", list(buckets.iter().map(ToString::to_string).collect()))?;
        }
        Ok(())
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (before, after) = if self.is_class { ("class(", ")") } else { ("", "") };
        f.write_str(before)?;
        match self.root {
            Root::Function => f.write_str("function")?,
            Root::This => f.write_str("this")?,
            Root::Argument(number) => write!(f, "arg{}", number + 1)?,
        }
        for step in &self.steps {
            match step {
                Step::Property(name) => write!(f, ".{name}")?,
                Step::Key(key) => write!(f, "[{key}]")?,
            }
        }
        f.write_str(after)
    }
}

/// The entries of a list: separated by commas and line ends that stand in no brackets.
pub(super) fn split(list: &str) -> Vec<&str> {
    let (mut entries, mut from, mut depth) = (Vec::new(), 0, 0_usize);
    for (at, char) in list.char_indices() {
        match char {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                entries.push(&list[from..at]);
                from = at + 1;
            }
            _ => {}
        }
    }
    entries.push(&list[from..]);
    entries.retain(|entry| !entry.trim().is_empty());
    entries.into_iter().map(str::trim).collect()
}
