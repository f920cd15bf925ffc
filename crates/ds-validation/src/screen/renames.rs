//! What becomes of names that hold secrets.
//!
//! A name loses its secret, and what is left may be the name of another member: the sender's own, or
//! one that lost its secret, too. Two members of one name would be one member, so the later ones are
//! counted: `[REDACTED]`, `[REDACTED]#2`.

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap, HashSet},
    ops::Range,
};

use super::tokens::{Token, Tokens};
use crate::{json, secret};

/// What each name that holds a secret becomes, by where it begins.
pub(super) struct Renames(BTreeMap<usize, String>);

impl Renames {
    /// Those of all objects of `json`.
    pub(super) fn of(json: &str) -> Self {
        let mut renames = BTreeMap::new();
        let mut objects: Vec<Object<'_>> = Vec::new();
        for token in Tokens::of(json) {
            match token {
                Token::OpenObject => objects.push(Object::default()),
                // The names of an array stay away; where it is no object, none is next.
                Token::OpenArray => objects.push(Object {
                    is_array: true,
                    ..Object::default()
                }),
                Token::Close => {
                    if let Some(object) = objects.pop() {
                        renames.extend(apart(object.names));
                    }
                }
                Token::Comma => {
                    if let Some(object) = objects.last_mut() {
                        object.is_behind_name = false;
                    }
                }
                Token::Text(range) => {
                    if let Some(object) = objects.last_mut()
                        && !object.is_array
                        && !object.is_behind_name
                    {
                        object.is_behind_name = true;
                        let name = json::decode(json.get(range.clone()).unwrap_or_default());
                        object.names.push((range.start, name));
                    }
                }
                Token::Word(_) => {}
            }
        }
        Self(renames)
    }

    /// What the name at `range` becomes, if it holds a secret.
    pub(super) fn of_name(&self, range: &Range<usize>) -> Option<&str> {
        self.0.get(&range.start).map(String::as_str)
    }
}

/// An object or array whose end is not reached.
#[derive(Default)]
struct Object<'j> {
    is_array: bool,
    is_behind_name: bool,
    /// Where each name begins, and what it is.
    names: Vec<(usize, Cow<'j, str>)>,
}

/// New names for those of `names` that hold secrets, all different from one another and from the
/// others.
///
/// They are counted in the order of what they were: the order of members does not count.
fn apart(names: Vec<(usize, Cow<'_, str>)>) -> Vec<(usize, String)> {
    let mut taken: HashSet<String> = HashSet::new();
    let mut secret_names = Vec::new();
    for (at, name) in names {
        let spans = secret::find(&name);
        if spans.is_empty() {
            taken.insert(name.into_owned());
        } else {
            let clean = secret::without(&name, &spans);
            secret_names.push((name, at, clean));
        }
    }
    secret_names.sort_unstable();
    let mut counts: HashMap<String, usize> = HashMap::new();
    let mut renamed = Vec::with_capacity(secret_names.len());
    for (_, at, clean) in secret_names {
        let count = counts.entry(clean.clone()).or_default();
        let free = loop {
            *count += 1;
            let candidate = match *count {
                1 => clean.clone(),
                count => format!("{clean}#{count}"),
            };
            if taken.insert(candidate.clone()) {
                break candidate;
            }
        };
        renamed.push((at, free));
    }
    renamed
}
