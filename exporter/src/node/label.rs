//! `--node.label`: environment variables of the workers that become labels.

use std::str::FromStr;
use thiserror::Error;

/// Parts of names whose values are not for everybody who can see a metric.
const SECRET: [&str; 16] = [
    "PASS",
    "PWD",
    "SECRET",
    "TOKEN",
    "KEY",
    "CREDENTIAL",
    "AUTH",
    "DSN",
    "URL",
    "URI",
    "PRIVATE",
    "CERT",
    "SALT",
    "COOKIE",
    "SIGN",
    "CONN",
];

/// Labels that are set otherwise, by this exporter or by Prometheus.
const TAKEN: [&str; 11] = [
    "namespace",
    "pod",
    "container",
    "pod_uid",
    "container_id",
    "host",
    "owner",
    "node",
    "ipc_namespace",
    "job",
    "instance",
];

/// Most bytes of a value.
const LONGEST: usize = 256;

/// An environment variable, and the label that it becomes: its name in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EnvLabel {
    variable: String,
    pub(super) label: String,
}

/// A variable that cannot be a label.
#[derive(Debug, Error, PartialEq, Eq)]
pub(crate) enum BadLabel {
    #[error(
        "write the name of an environment variable: letters, digits and _, with no digit and no __ in front"
    )]
    Name,
    #[error(
        "a variable with {0} in its name may be a secret, and labels are seen by everybody; copy what is not into another variable"
    )]
    Secret(&'static str),
    #[error("the label {0} is set already; use another variable")]
    Taken(String),
}

impl FromStr for EnvLabel {
    type Err = BadLabel;

    fn from_str(text: &str) -> Result<Self, BadLabel> {
        let is_name = !text.is_empty()
            && !text.starts_with("__")
            && !text.starts_with(|first: char| first.is_ascii_digit())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if !is_name {
            return Err(BadLabel::Name);
        }
        let upper = text.to_ascii_uppercase();
        if let Some(part) = SECRET.into_iter().find(|part| upper.contains(part)) {
            return Err(BadLabel::Secret(part));
        }
        let label = text.to_ascii_lowercase();
        if TAKEN.contains(&label.as_str()) {
            return Err(BadLabel::Taken(label));
        }
        Ok(Self { variable: text.into(), label })
    }
}

impl EnvLabel {
    /// The variable's value in the text of `/proc/PID/environ`, if it has one.
    pub(super) fn value(&self, environ: &str) -> Option<String> {
        let of_it = |entry: &str| entry.strip_prefix(&self.variable)?.strip_prefix('=').map(String::from);
        let mut value = environ.split('\0').find_map(of_it).filter(|value| !value.is_empty())?;
        let end = (0..=LONGEST.min(value.len())).rev().find(|at| value.is_char_boundary(*at));
        value.truncate(end.unwrap_or_default());
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_become_labels_in_lower_case() {
        let label: EnvLabel = "APP_Env".parse().expect("a name");
        assert_eq!(label.label, "app_env");
        assert_eq!(label.value("A=1\0APP_Env=a=b\0").as_deref(), Some("a=b"));
        assert_eq!(label.value("XAPP_Env=1\0APP_Env\0APP_Env2=1"), None);
        assert_eq!(label.value("APP_Env=\0"), None, "an empty label is none");
        let long = format!("APP_Env={}", "ä".repeat(200));
        assert_eq!(label.value(&long).map(|value| value.len()), Some(LONGEST));
    }

    #[test]
    fn variables_that_may_be_secrets_are_refused() {
        for (name, part) in [
            ("DB_PASSWORD", "PASS"),
            ("api_token", "TOKEN"),
            ("AWS_SECRET_ACCESS_ID", "SECRET"),
            ("APP_KEY", "KEY"),
            ("DATABASE_URL", "URL"),
            ("SENTRY_DSN", "DSN"),
            ("GOOGLE_CREDENTIALS", "CREDENTIAL"),
            ("BASIC_AUTH", "AUTH"),
        ] {
            assert_eq!(name.parse::<EnvLabel>(), Err(BadLabel::Secret(part)), "{name}");
        }
    }

    #[test]
    fn names_that_are_no_labels_or_are_taken_are_refused() {
        for bad in ["", "1A", "__A", "A-B", "A B", "Ä", "A=B"] {
            assert_eq!(bad.parse::<EnvLabel>(), Err(BadLabel::Name), "{bad}");
        }
        for taken in ["NAMESPACE", "pod", "Job"] {
            assert!(matches!(taken.parse::<EnvLabel>(), Err(BadLabel::Taken(_))), "{taken}");
        }
    }
}
