//! `basic_auth_users`, and the credentials that a client sends (RFC 7617).

use super::{error::ConfigError, yaml::Section};
use base64::{Engine, prelude::BASE64_STANDARD};
use bcrypt::HashParts;
use std::{collections::HashMap, fmt};

/// Users and the bcrypt hashes of their passwords.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Users {
    hashes: HashMap<String, String>,
    /// Dummy hash for unknown users, so that timing does not reveal user names.
    dummy_hash: String,
}

/// A user and a password as a client sent them.
#[derive(PartialEq, Eq)]
pub(crate) struct Credentials {
    pub(crate) user: String,
    pub(crate) password: Vec<u8>,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("user", &self.user).finish_non_exhaustive()
    }
}

impl Users {
    pub(super) fn read(section: Section<'_>) -> Result<Self, ConfigError> {
        let (mut hashes, mut most) = (HashMap::new(), 4);
        for field in section.into_fields() {
            let (user, line) = (field.name().to_string(), field.line());
            let hash = field.text()?;
            let cost = cost(&hash).map_err(|cause| {
                let expected = format!("write a bcrypt hash, such as htpasswd -nB makes: {cause}");
                ConfigError::Value { line, field: user.clone(), expected }
            })?;
            most = most.max(cost);
            hashes.insert(user, hash);
        }
        // A hash that no password has, with the highest cost of all users.
        Ok(Self { hashes, dummy_hash: format!("$2b${most:02}${}", ".".repeat(53)) })
    }

    /// Whether no password is required.
    pub(crate) fn is_empty(&self) -> bool {
        self.hashes.is_empty()
    }

    /// The hash to compare a user's password with; the dummy hash for an unknown user.
    pub(crate) fn hash(&self, user: &str) -> &str {
        self.hashes.get(user).unwrap_or(&self.dummy_hash)
    }
}

/// The cost of a hash, or why the hash is unusable.
fn cost(hash: &str) -> Result<u32, String> {
    let parts: HashParts = hash.parse().map_err(|error: bcrypt::BcryptError| error.to_string())?;
    match parts.get_cost() {
        cost @ 4..=31 => Ok(cost),
        cost => Err(format!("its cost is {cost}, not 4 to 31")),
    }
}

impl Credentials {
    /// Parses the value of `Authorization`.
    pub(crate) fn read(authorization: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(authorization).ok()?;
        let (scheme, encoded) = text.split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("basic") {
            return None;
        }
        let decoded = BASE64_STANDARD.decode(encoded.trim()).ok()?;
        let end = decoded.iter().position(|byte| *byte == b':')?;
        let user = String::from_utf8(decoded[..end].to_vec()).ok()?;
        Some(Self { user, password: decoded[end + 1..].to_vec() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web_config::yaml::document;

    #[test]
    fn credentials_are_read() {
        let read = |text: &str| Credentials::read(text.as_bytes());
        let alice = read("Basic YWxpY2U6YTpi").expect("alice:a:b");
        assert_eq!((alice.user.as_str(), alice.password.as_slice()), ("alice", &b"a:b"[..]));
        assert_eq!(read("bASIC YWxpY2U6YTpi"), Some(alice));
        for bad in ["", "Basic", "Bearer YWxpY2U6YTpi", "Basic !", "Basic YWxpY2U=", "Basic /zo="] {
            assert_eq!(read(bad), None, "{bad}");
        }
        assert!(
            !format!("{:?}", read("Basic YWxpY2U6YTpi")).contains("97"),
            "passwords stay out of messages"
        );
    }

    #[test]
    fn unknown_user_is_compared_with_a_hash_of_the_same_cost() {
        let hash = bcrypt::hash_with_salt("secret", 5, [7; 16]).expect("a hash").to_string();
        let text = format!("a: {hash}\nb: {hash}\n");
        let users = Users::read(document(&text).expect("YAML")).expect("good");
        assert_eq!(users.hash("a"), hash);
        let dummy_hash: HashParts = users.hash("c").parse().expect("a hash");
        assert_eq!(dummy_hash.get_cost(), 5);
        assert!(!bcrypt::verify("", users.hash("c")).expect("a hash"));
    }
}
