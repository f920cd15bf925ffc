//! What stands behind a key as a secret would, and is none: tags of images, errors about files,
//! sentences.

use super::rules::Hit;

/// Tags of images that are words.
const TAGS: &[&str] = &[
    "alpine", "canary", "debug", "dev", "edge", "latest", "main", "master", "nightly", "release",
    "stable",
];

/// Where names of users are looked up: the line `passwd:` of `nsswitch.conf`.
const NAME_SERVICES: &[&str] = &[
    "altfiles",
    "cache",
    "compat",
    "db",
    "extrausers",
    "files",
    "ldap",
    "nis",
    "nisplus",
    "sss",
    "systemd",
    "winbind",
];

/// Words that begin a sentence about a password. One of them alone may be a password.
const BEGINNINGS: &[&str] = &[
    "access",
    "at",
    "attempt",
    "ensure",
    "field",
    "input",
    "maximum",
    "minimum",
    "operation",
    "permission",
    "provided",
    "secret",
    "this",
];

/// Whether key and value are the name and the tag of an image: `ghcr.io/acme/token:v1.2.3`.
///
/// A password may look like a tag: it is taken for one only when it is a version.
pub(super) fn is_image(hit: &Hit<'_>, is_password: bool) -> bool {
    if hit.between() != ":" {
        return false;
    }
    let value = hit.value();
    let (tag, digest) = value.split_once('@').unwrap_or((value, ""));
    if !digest.is_empty() && !is_digest(digest) {
        return false;
    }
    // As it stands at the end of a sentence.
    let tag = tag.trim_end_matches(['.', ':', ')', ']', '>']);
    let is_version = is_version(tag) || (!is_password && TAGS.contains(&tag));
    let has_path = hit.lead().ends_with('/');
    match is_password {
        true => has_path && (is_version || !digest.is_empty()),
        false => is_version || !digest.is_empty() || (has_path && is_tag(tag)),
    }
}

/// Whether the value says what became of the file that the key ends:
/// `open /etc/passwd: permission denied`.
pub(super) fn is_about_file(hit: &Hit<'_>, is_token_like: bool) -> bool {
    let lead = hit.lead();
    if !lead.ends_with('/') {
        return false;
    }
    // Behind an error, or as a member of JSON.
    let between = hit.between().trim_start_matches('\\');
    let is_apart = between.starts_with(": ") || between.starts_with("\":");
    let is_end = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '=' | '(' | '[' | ',');
    // No further back than the end of the hit before, or a text of many would take long.
    let is_absolute = || {
        let path = lead.rsplit(is_end).next().unwrap_or_default();
        path.starts_with('/') || path.starts_with("./") || path.starts_with("~/")
    };
    let is_accounts = lead.ends_with("/etc/") && hit.key().eq_ignore_ascii_case("passwd");
    is_accounts || (is_apart && !is_token_like && is_absolute())
}

/// Whether the value begins a sentence, or a line of another file that knows the key.
pub(super) fn is_sentence(hit: &Hit<'_>) -> bool {
    if !hit.is_prose() {
        return false;
    }
    let is_one_of = |words: &[&str]| {
        words
            .iter()
            .any(|word| hit.value().eq_ignore_ascii_case(word))
    };
    let after = hit.after();
    let goes_on = after
        .strip_prefix(' ')
        .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_alphanumeric()));
    (goes_on && is_one_of(BEGINNINGS))
        || (hit.key().eq_ignore_ascii_case("passwd") && is_one_of(NAME_SERVICES))
}

/// `v1`, `1.2.3`, `v2.0.0-rc.1`, `1.27-alpine`.
fn is_version(tag: &str) -> bool {
    let is_marked = tag.starts_with('v');
    let rest = tag.strip_prefix('v').unwrap_or(tag);
    let end = rest.find(['-', '+', '_']).unwrap_or(rest.len());
    let (numbers, suffix) = rest.split_at(end);
    let is_number = |part: &str| {
        (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
    };
    (is_marked || numbers.contains('.'))
        && numbers.split('.').all(is_number)
        && suffix.len() <= 24
        && is_tag_text(suffix)
}

fn is_tag(tag: &str) -> bool {
    (1..=128).contains(&tag.len()) && is_tag_text(tag)
}

fn is_tag_text(text: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-+".contains(&byte);
    text.bytes().all(is_allowed)
}

fn is_digest(digest: &str) -> bool {
    let hex = digest.strip_prefix("sha256:").unwrap_or_default();
    // Shortened ones are shown, too.
    let digits = hex.bytes().take_while(u8::is_ascii_hexdigit).count();
    let rest = hex.get(digits..).unwrap_or_default();
    digits >= 4 && !rest.contains(|c: char| c.is_ascii_alphanumeric())
}
