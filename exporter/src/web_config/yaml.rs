//! The YAML of a web configuration: sections in which every field is known.
//!
//! Scalars keep their source text, because exporter-toolkit's parser (yaml.v2, YAML 1.1) converts each to the type of
//! its field: `X-XSS-Protection: 0` and a user called `1` are strings.

use super::error::ConfigError;
use saphyr::{MarkedYaml, ScalarStyle, YamlData, YamlLoader};
use saphyr_parser::Parser;

/// A mapping from which known fields are taken; a field that is left at the end is an error.
pub(super) struct Section<'y> {
    fields: Vec<Field<'y>>,
    known: Vec<&'static str>,
}

/// A field's name, line and value.
pub(super) struct Field<'y> {
    name: String,
    line: usize,
    value: MarkedYaml<'y>,
}

/// The only document of `text`; an empty text is a section without fields.
pub(super) fn document(text: &str) -> Result<Section<'_>, ConfigError> {
    let mut loader = YamlLoader::<MarkedYaml<'_>>::default();
    loader.early_parse(false);
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let outcome = Parser::new_from_str(text).load(&mut loader, true);
    let failed = outcome.err().or_else(|| loader.error().cloned());
    if let Some(error) = failed {
        return Err(ConfigError::Yaml(error.to_string()));
    }
    let mut documents = loader.into_documents();
    match (documents.pop(), documents.is_empty()) {
        (Some(_), false) => Err(ConfigError::Yaml("there is more than one document".into())),
        (Some(value), true) if !is_null(&value) => {
            Field { name: "the file".into(), line: 1, value }.section()
        }
        _ => Ok(Section { fields: Vec::new(), known: Vec::new() }),
    }
}

impl<'y> Section<'y> {
    /// Takes an optional field; one without a value counts as absent.
    pub(super) fn take(&mut self, name: &'static str) -> Option<Field<'y>> {
        self.known.push(name);
        let place = self.fields.iter().position(|field| field.name == name)?;
        Some(self.fields.swap_remove(place)).filter(|field| !is_null(&field.value))
    }

    /// Takes a string; an empty one counts as absent.
    #[cfg(any(feature = "tls", test))] // nobody else wants one
    pub(super) fn text(&mut self, name: &'static str) -> Result<Option<String>, ConfigError> {
        let text = self.take(name).map(Field::text).transpose()?;
        Ok(text.filter(|text| !text.is_empty()))
    }

    /// Takes `true` or `false`, in any spelling of YAML 1.1.
    pub(super) fn switch(&mut self, name: &'static str) -> Result<Option<bool>, ConfigError> {
        let Some(field) = self.take(name) else { return Ok(None) };
        match plain_scalar(&field.value).map(str::to_ascii_lowercase).as_deref() {
            Some("true" | "yes" | "on" | "y") => Ok(Some(true)),
            Some("false" | "no" | "off" | "n") => Ok(Some(false)),
            _ => Err(field.invalid("write true or false")),
        }
    }

    /// Whether one of these fields has a non-empty string.
    pub(super) fn has_text(&self, names: &[&str]) -> bool {
        let mut fields = self.fields.iter().filter(|field| names.contains(&field.name.as_str()));
        fields.any(|field| {
            scalar_text(&field.value).is_none_or(|text| !text.is_empty()) && !is_null(&field.value)
        })
    }

    /// All fields, whatever their names.
    pub(super) fn into_fields(self) -> Vec<Field<'y>> {
        self.fields
    }

    /// Fails if a field was not taken.
    pub(super) fn end(self) -> Result<(), ConfigError> {
        let Some(Field { name, line, .. }) = self.fields.into_iter().next() else { return Ok(()) };
        Err(ConfigError::Unknown { line, field: name, known: self.known.join(", ") })
    }
}

impl<'y> Field<'y> {
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn line(&self) -> usize {
        self.line
    }

    pub(super) fn section(self) -> Result<Section<'y>, ConfigError> {
        let invalid = self.invalid("write fields below it, indented");
        let YamlData::Mapping(mapping) = self.value.data else { return Err(invalid) };
        let mut fields: Vec<Field<'y>> = Vec::new();
        for (key, value) in mapping {
            let line = key.span.start.line();
            let name = Field { name: "the name of a field".into(), line, value: key }.text()?;
            if fields.iter().any(|field| field.name == name) {
                return Err(ConfigError::Yaml(format!("line {line}: {name} stands there twice")));
            }
            fields.push(Field { name, line, value });
        }
        Ok(Section { fields, known: Vec::new() })
    }

    /// The string as it is written.
    pub(super) fn text(self) -> Result<String, ConfigError> {
        match scalar_text(&self.value).filter(|_| !is_null(&self.value)) {
            Some(text) => Ok(text.into()),
            None => Err(self.invalid("write a text")),
        }
    }

    /// The strings of a list.
    #[cfg(any(feature = "tls", test))] // nobody else wants them
    pub(super) fn texts(self) -> Result<Vec<String>, ConfigError> {
        let invalid = self.invalid("write a list, such as [one, two]");
        let YamlData::Sequence(items) = self.value.data else { return Err(invalid) };
        let text = |value: MarkedYaml<'y>| {
            Field { name: self.name.clone(), line: value.span.start.line(), value }.text()
        };
        items.into_iter().map(text).collect()
    }

    /// An error about this field.
    pub(super) fn invalid(&self, expected: impl Into<String>) -> ConfigError {
        ConfigError::Value { line: self.line, field: self.name.clone(), expected: expected.into() }
    }
}

/// The text of a scalar.
fn scalar_text<'v>(value: &'v MarkedYaml<'_>) -> Option<&'v str> {
    if let YamlData::Representation(text, ..) = &value.data { Some(text) } else { None }
}

/// The text of an unquoted scalar, which YAML may read as another type.
fn plain_scalar<'v>(value: &'v MarkedYaml<'_>) -> Option<&'v str> {
    match &value.data {
        YamlData::Representation(text, ScalarStyle::Plain, _) => Some(text),
        _ => None,
    }
}

fn is_null(value: &MarkedYaml<'_>) -> bool {
    matches!(plain_scalar(value), Some("" | "~" | "null" | "Null" | "NULL"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(outcome: Result<impl Sized, ConfigError>) -> String {
        outcome.err().expect("an error").to_string()
    }

    #[test]
    fn fields_are_taken_by_name() {
        let text = "a: text\nb: true\nc: [x, 'y', 1]\nd:\n  e: 'true'\nf:\ng: ''\nh: 0x0\ni: Off\n7: x\n";
        let mut section = document(text).expect("YAML");
        assert_eq!(section.text("a").expect("a text").as_deref(), Some("text"));
        assert_eq!(section.switch("b").expect("a switch"), Some(true));
        assert_eq!(section.take("c").expect("there").texts().expect("texts"), ["x", "y", "1"]);
        let mut inner = section.take("d").expect("there").section().expect("a section");
        assert_eq!(inner.text("e").expect("a text").as_deref(), Some("true"));
        assert!(section.take("f").is_none() && section.take("none").is_none());
        assert_eq!(section.text("g").expect("a text"), None, "an empty one");
        assert_eq!(section.text("h").expect("a text").as_deref(), Some("0x0"), "as it is written");
        assert_eq!(section.switch("i").expect("a switch"), Some(false));
        assert_eq!(section.text("7").expect("a text").as_deref(), Some("x"));
        assert!(section.end().is_ok() && inner.end().is_ok());
    }

    #[test]
    fn errors_tell_where() {
        let mut section = document("a: text\nb: [1]\n\ntsl: x\n").expect("YAML");
        assert_eq!(error(section.switch("a")), "line 1: a: write true or false");
        assert!(error(section.text("b")).starts_with("line 2: b: write a text"));
        assert_eq!(error(section.end()), "line 4: unknown field tsl; known are a, b");
        assert!(error(document("a: [")).starts_with("not YAML: "));
        for twice in ["a: 1\na: 2", "a: 1\n'a': 2"] {
            assert!(error(document(twice)).starts_with("not YAML: "), "{twice}");
        }
        assert!(error(document("- a")).contains("write fields"));
        assert!(error(document("a: 1\n---\nb: 2")).contains("more than one document"));
        for nothing in ["", "# nothing\n", "---\n", "~", "\u{feff}"] {
            assert!(document(nothing).expect("YAML").into_fields().is_empty(), "{nothing:?}");
        }
    }
}
