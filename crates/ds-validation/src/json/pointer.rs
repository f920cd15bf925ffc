//! JSON pointers (RFC 6901) to places in a body.

use std::borrow::Cow;

/// Longest pointer that is reported; a member name can be as long as the body.
const BYTES_MAX: usize = 256;

/// One step from an object or array to a value inside.
pub(super) enum Step<'a> {
    Member(Cow<'a, str>),
    Item(usize),
}

/// The pointer to the place `path` below the envelope member `field`.
pub(super) fn pointer(field: &str, path: &[Step<'_>]) -> String {
    let mut pointer = String::new();
    if field != "body" {
        pointer.push('/');
        pointer.push_str(field);
    }
    for step in path {
        match step {
            Step::Item(index) => pointer.push_str(&format!("/{index}")),
            Step::Member(name) => push_step(&mut pointer, name),
        }
    }
    shorten(&mut pointer);
    pointer
}

/// Adds a step to a pointer, as far as [`shorten`] leaves it there: a name may be as long as a body,
/// and hold a hundred findings.
pub(crate) fn push_step(pointer: &mut String, name: &str) {
    if pointer.len() > BYTES_MAX {
        return;
    }
    let shown = &name[..name.ceil_char_boundary(BYTES_MAX + 1)];
    pointer.push('/');
    pointer.push_str(&shown.replace('~', "~0").replace('/', "~1"));
}

/// Cuts a pointer to a length that is safe to repeat.
pub(crate) fn shorten(pointer: &mut String) {
    if pointer.len() > BYTES_MAX {
        pointer.truncate(pointer.floor_char_boundary(BYTES_MAX));
        pointer.push('…');
    }
}
