//! The YAML of a web configuration: sections whose fields are all known.

use super::error::ConfigError;
use saphyr::{LoadableYamlNode, MarkedYaml, Scalar, YamlData};

/// A mapping from which known fields are taken; what is left at the end is an error.
pub(super) struct Section<'y> {
    fields: Vec<Field<'y>>,
    known: Vec<&'static str>,
}

/// A named value, and where it stands.
pub(super) struct Field<'y> {
    name: String,
    line: usize,
    value: MarkedYaml<'y>,
}

/// The only document of a text.
pub(super) fn document(text: &str) -> Result<Section<'_>, ConfigError> {
    let mut documents =
        MarkedYaml::load_from_str(text).map_err(|error| ConfigError::Yaml(error.to_string()))?;
    match (documents.pop(), documents.is_empty()) {
        (None, _) => Err(ConfigError::Empty),
        (Some(_), false) => Err(ConfigError::Yaml("there is more than one document".into())),
        (Some(value), true) if is_nothing(&value) => Err(ConfigError::Empty),
        (Some(value), true) => Field { name: "the file".into(), line: 1, value }.section(),
    }
}

impl<'y> Section<'y> {
    /// Takes out a field that may be left out; one without a value is left out.
    pub(super) fn take(&mut self, name: &'static str) -> Option<Field<'y>> {
        self.known.push(name);
        let place = self.fields.iter().position(|field| field.name == name)?;
        Some(self.fields.swap_remove(place)).filter(|field| !is_nothing(&field.value))
    }

    /// Takes out a text.
    #[cfg(any(feature = "tls", test))] // nobody else wants one
    pub(super) fn text(&mut self, name: &'static str) -> Result<Option<String>, ConfigError> {
        self.take(name).map(Field::text).transpose()
    }

    /// Takes out `true` or `false`.
    pub(super) fn switch(&mut self, name: &'static str) -> Result<Option<bool>, ConfigError> {
        let Some(field) = self.take(name) else { return Ok(None) };
        match field.value.data {
            YamlData::Value(Scalar::Boolean(value)) => Ok(Some(value)),
            _ => Err(field.wrong("write true or false")),
        }
    }

    /// All fields, whatever their names.
    pub(super) fn into_fields(self) -> Vec<Field<'y>> {
        self.fields
    }

    /// Complains of what nobody has taken.
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
        let wrong = self.wrong("write fields below it, indented");
        let YamlData::Mapping(mapping) = self.value.data else { return Err(wrong) };
        let field = |(key, value): (MarkedYaml<'y>, MarkedYaml<'y>)| {
            let line = key.span.start.line();
            let name = Field { name: "the name of a field".into(), line, value: key }.text()?;
            Ok(Field { name, line, value })
        };
        let fields = mapping.into_iter().map(field).collect::<Result<_, ConfigError>>()?;
        Ok(Section { fields, known: Vec::new() })
    }

    /// The text; what YAML takes for something else must stand in quotes.
    pub(super) fn text(self) -> Result<String, ConfigError> {
        match &self.value.data {
            YamlData::Value(Scalar::String(text)) => Ok(text.to_string()),
            _ => Err(self.wrong("write a text, in quotes if it looks like something else")),
        }
    }

    /// The texts of a list.
    #[cfg(any(feature = "tls", test))] // nobody else wants them
    pub(super) fn texts(self) -> Result<Vec<String>, ConfigError> {
        let wrong = self.wrong("write a list, such as [one, two]");
        let YamlData::Sequence(items) = self.value.data else { return Err(wrong) };
        let text = |value: MarkedYaml<'y>| {
            Field { name: self.name.clone(), line: value.span.start.line(), value }.text()
        };
        items.into_iter().map(text).collect()
    }

    /// An error about this field.
    pub(super) fn wrong(&self, expected: impl Into<String>) -> ConfigError {
        ConfigError::Value { line: self.line, field: self.name.clone(), expected: expected.into() }
    }
}

fn is_nothing(value: &MarkedYaml<'_>) -> bool {
    matches!(value.data, YamlData::Value(Scalar::Null))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(outcome: Result<impl Sized, ConfigError>) -> String {
        outcome.err().expect("an error").to_string()
    }

    #[test]
    fn fields_are_taken_by_name() {
        let mut section = document("a: text\nb: true\nc: [x, 'y']\nd:\n  e: 'true'\nf:\n").expect("YAML");
        assert_eq!(section.text("a").expect("a text").as_deref(), Some("text"));
        assert_eq!(section.switch("b").expect("a switch"), Some(true));
        assert_eq!(section.take("c").expect("there").texts().expect("texts"), ["x", "y"]);
        let mut inner = section.take("d").expect("there").section().expect("a section");
        assert_eq!(inner.text("e").expect("a text").as_deref(), Some("true"));
        assert!(section.take("f").is_none() && section.take("g").is_none());
        assert!(section.end().is_ok() && inner.end().is_ok());
    }

    #[test]
    fn errors_tell_where() {
        let mut section = document("a: text\nb: 1\n\ntsl: x\n").expect("YAML");
        assert_eq!(error(section.switch("a")), "line 1: a: write true or false");
        assert!(error(section.text("b")).starts_with("line 2: b: write a text, in quotes"));
        assert_eq!(error(section.end()), "line 4: unknown field tsl; known are a, b");
        assert!(error(document("a: [")).starts_with("not YAML: "));
        assert!(error(document("a: 1\na: 2")).starts_with("not YAML: "));
        assert!(error(document("- a")).contains("write fields"));
        assert!(error(document("a: 1\n---\nb: 2")).contains("more than one document"));
        for nothing in ["", "# nothing\n", "---\n", "~"] {
            assert!(error(document(nothing)).starts_with("nothing is configured"), "{nothing:?}");
        }
    }
}
