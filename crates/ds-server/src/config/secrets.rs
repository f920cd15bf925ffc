//! Secret files: a YAML or JSON map, mounted from a Kubernetes secret.

use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
};

use secrecy::{ExposeSecret, SecretString};
use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, SeqAccess, Visitor},
};

/// Why a secret could not be had. Never holds a value.
#[derive(Debug, thiserror::Error)]
pub(super) enum SecretError {
    #[error("cannot read {section} secret file {path}", path = path.display())]
    Unreadable {
        section: &'static str,
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("{section} secret file {path} is not a YAML or JSON map{place}", path = path.display())]
    Malformed {
        section: &'static str,
        path: PathBuf,
        place: Place,
    },
    #[error("{what} key '{key}' not found in {section} secret file {path}", path = path.display())]
    Missing {
        what: &'static str,
        key: String,
        section: &'static str,
        path: PathBuf,
    },
    #[error(
        "{what} key '{key}' in {section} secret file {path} is not a string: put it in quotes",
        path = path.display()
    )]
    NotText {
        what: &'static str,
        key: String,
        section: &'static str,
        path: PathBuf,
    },
}

/// Where a file stops being YAML.
#[derive(Debug)]
pub(super) struct Place(Option<(u64, u64)>);

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some((line, column)) => write!(f, " (line {line}, column {column})"),
            None => Ok(()),
        }
    }
}

/// What the database needs.
#[derive(Default)]
pub(super) struct Database {
    pub(super) username: Option<String>,
    pub(super) password: Option<SecretString>,
}

/// One secret file.
pub(super) struct Secrets {
    section: &'static str,
    path: PathBuf,
    entries: BTreeMap<String, Entry>,
}

impl Secrets {
    /// Reads the file at `path` for `section`.
    pub(super) fn read(section: &'static str, path: &Path) -> Result<Self, SecretError> {
        let path = path.to_owned();
        match std::fs::read_to_string(&path) {
            Ok(text) => Self::parse(section, path, &text),
            Err(source) => Err(SecretError::Unreadable {
                section,
                path,
                source,
            }),
        }
    }

    fn parse(section: &'static str, path: PathBuf, text: &str) -> Result<Self, SecretError> {
        match serde_saphyr::from_str_with_options(text, super::yaml::options()) {
            Ok(entries) => Ok(Self {
                section,
                path,
                entries,
            }),
            // The parser's own words may quote the file.
            Err(error) => {
                let place = Place(error.location().map(|at| (at.line(), at.column())));
                Err(SecretError::Malformed {
                    section,
                    path,
                    place,
                })
            }
        }
    }

    /// The password under `password_key`, and the name under `username_key` if both are there.
    pub(super) fn database(
        &self,
        username_key: Option<&str>,
        password_key: &str,
    ) -> Result<Database, SecretError> {
        let username = match username_key {
            Some(key) if self.entries.contains_key(key) => {
                Some(self.text("username", key)?.expose_secret().to_owned())
            }
            _ => None,
        };
        // PostgreSQL has no empty passwords: a file that holds one means "none".
        let password = Some(self.text("password", password_key)?)
            .filter(|password| !password.expose_secret().is_empty())
            .cloned();
        Ok(Database { username, password })
    }

    /// The text under `key`.
    pub(super) fn text(&self, what: &'static str, key: &str) -> Result<&SecretString, SecretError> {
        let (section, path, key) = (self.section, self.path.clone(), key.to_owned());
        match self.entries.get(&key) {
            Some(Entry::Text(text)) => Ok(text),
            Some(Entry::Other) => Err(SecretError::NotText {
                what,
                key,
                section,
                path,
            }),
            None => Err(SecretError::Missing {
                what,
                key,
                section,
                path,
            }),
        }
    }
}

/// A value of a secret file. Only texts are kept: a number that lost its leading zeros is no password.
enum Entry {
    Text(SecretString),
    Other,
}

impl<'de> Deserialize<'de> for Entry {
    fn deserialize<D: Deserializer<'de>>(value: D) -> Result<Self, D::Error> {
        value.deserialize_any(EntryVisitor)
    }
}

struct EntryVisitor;

impl<'de> Visitor<'de> for EntryVisitor {
    type Value = Entry;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Entry, E> {
        Ok(Entry::Text(text.into()))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Entry, E> {
        Ok(Entry::Other)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Entry, E> {
        Ok(Entry::Other)
    }

    fn visit_i128<E>(self, _: i128) -> Result<Entry, E> {
        Ok(Entry::Other)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Entry, E> {
        Ok(Entry::Other)
    }

    fn visit_u128<E>(self, _: u128) -> Result<Entry, E> {
        Ok(Entry::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Entry, E> {
        Ok(Entry::Other)
    }

    fn visit_unit<E>(self) -> Result<Entry, E> {
        Ok(Entry::Other)
    }

    fn visit_none<E>(self) -> Result<Entry, E> {
        Ok(Entry::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Entry, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Entry::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Entry, A::Error> {
        while entries.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Entry::Other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(file: &str, expected: &str) {
        let password = Secrets::parse("database", "/run/secrets/db.yaml".into(), file)
            .and_then(|secrets| secrets.database(Some("user"), "password"))
            .map(|found| {
                let user = found
                    .username
                    .map_or(String::new(), |user| format!("{user}: "));
                let password = found
                    .password
                    .as_ref()
                    .map_or("none", |text| text.expose_secret());
                format!("{user}{password}")
            });
        assert_eq!(
            password.unwrap_or_else(|error| error.to_string()),
            expected,
            "{file}"
        );
    }

    #[test]
    fn passwords_are_taken_as_they_are() {
        check("password: hunter2", "hunter2");
        check("password: two words", "two words");
        check(
            r#"password: "a\"quote\\and ' more""#,
            r#"a"quote\and ' more"#,
        );
        check("password: 'it''s'", "it's");
        check("password: '000123'", "000123");
        check("password: no", "no");
        check("password: ''", "none");
        check("password: \"päss wörd\u{1F511}\"", "päss wörd\u{1F511}");
        check(
            r#"{"password": "from json \\ \"x\""}"#,
            r#"from json \ "x""#,
        );
        check("password: x\nother: 5\nmore: [1, {a: b}]\n", "x");
        check("password: x\nuser: app\n", "app: x");
    }

    #[test]
    fn a_file_without_a_usable_password_is_refused_without_quoting_it() {
        let not_text = "password key 'password' in database secret file /run/secrets/db.yaml \
                        is not a string: put it in quotes";
        check("password: 000123", not_text);
        check("password: 12", not_text);
        check("password: 1.5", not_text);
        check("password: true", not_text);
        check("password: null", not_text);
        check("password: [a]", not_text);
        check("password: {a: b}", not_text);
        check(
            "pasword: x",
            "password key 'password' not found in database secret file /run/secrets/db.yaml",
        );
        check(
            "user: 5\npassword: x",
            "username key 'user' in database secret file /run/secrets/db.yaml \
             is not a string: put it in quotes",
        );
        check(
            "hunter2",
            "database secret file /run/secrets/db.yaml is not a YAML or JSON map \
             (line 1, column 1)",
        );
        check(
            "password: 'hunter2",
            "database secret file /run/secrets/db.yaml is not a YAML or JSON map \
             (line 1, column 11)",
        );
        check(
            "password: a\npassword: b",
            "database secret file /run/secrets/db.yaml is not a YAML or JSON map \
             (line 2, column 1)",
        );
    }
}
