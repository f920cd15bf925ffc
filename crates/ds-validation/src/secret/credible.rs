//! What a match must look like to be believed.
//!
//! `token: expired` and `secret="shop/db"` are how programs talk about secrets; taking those for
//! secrets would damage the log lines an audit store exists for. A password may look like anything,
//! so what is not believed there is a closed list of words.

use super::{PLACEHOLDER, base64, evidence, name, rules::Hit};

/// Words that follow `password:` in messages, and values that stand for "none".
const WORDS: &[&str] = &[
    "a",
    "an",
    "and",
    "are",
    "argument",
    "auth",
    "authentication",
    "authorization",
    "bad",
    "be",
    "been",
    "but",
    "by",
    "can",
    "cannot",
    "changed",
    "complexity",
    "context",
    "could",
    "credentials",
    "default",
    "denied",
    "did",
    "disabled",
    "do",
    "does",
    "empty",
    "enabled",
    "encrypted",
    "eof",
    "error",
    "expected",
    "expired",
    "expires",
    "failed",
    "failure",
    "false",
    "flag",
    "for",
    "forbidden",
    "found",
    "from",
    "generated",
    "got",
    "has",
    "have",
    "hash",
    "hidden",
    "if",
    "illegal",
    "in",
    "incorrect",
    "invalid",
    "is",
    "it",
    "key",
    "length",
    "login",
    "malformed",
    "masked",
    "mismatch",
    "missing",
    "must",
    "nil",
    "no",
    "none",
    "not",
    "null",
    "of",
    "ok",
    "omitted",
    "on",
    "only",
    "option",
    "or",
    "parameter",
    "please",
    "policy",
    "realm",
    "received",
    "redacted",
    "rejected",
    "required",
    "reset",
    "revoked",
    "rotated",
    "scope",
    "set",
    "should",
    "signature",
    "string",
    "that",
    "the",
    "this",
    "to",
    "token",
    "too",
    "true",
    "unable",
    "unauthorized",
    "undefined",
    "unexpected",
    "unknown",
    "unset",
    "updated",
    "using",
    "valid",
    "value",
    "verification",
    "was",
    "were",
    "will",
    "with",
    "wrong",
    "yes",
    "your",
];

/// Authorization schemes that are followed by credentials.
const SCHEMES: &[&str] = &[
    "bearer",
    "basic",
    "token",
    "apikey",
    "negotiate",
    "ntlm",
    "digest",
    "aws4-hmac-sha256",
];

/// Everything the pattern admits.
pub(super) fn always(_hit: &Hit<'_>) -> bool {
    true
}

/// The value of a key that nobody would use for anything else.
pub(super) fn strong(hit: &Hit<'_>) -> bool {
    is_believable(hit) && !evidence::is_image(hit, true)
}

/// The value of a key that images are called by, too.
pub(super) fn key(hit: &Hit<'_>) -> bool {
    is_believable(hit) && !evidence::is_image(hit, false)
}

fn is_believable(hit: &Hit<'_>) -> bool {
    let value = hit.value();
    let is_directory = name::is_pwd(hit.key()) && is_path(value);
    is_secret_value(value)
        && !is_directory
        // `password: cipher: …` is a chain of errors.
        && !value.ends_with(':')
        && !evidence::is_about_file(hit, is_token_like(value))
        && !evidence::is_sentence(hit)
}

/// The password of a URL, which may hold slashes: then it is no port before a path.
pub(super) fn url(hit: &Hit<'_>) -> bool {
    let (first, rest) = hit.value().split_once('/').unwrap_or((hit.value(), ""));
    let is_port = first.bytes().all(|byte| byte.is_ascii_digit())
        || first.eq_ignore_ascii_case("port")
        || first.contains(['$', '{', '%']);
    strong(hit) && (rest.is_empty() || !is_port)
}

/// The value of `token` or `secret`, which messages also use as ordinary words.
pub(super) fn weak(hit: &Hit<'_>) -> bool {
    let value = hit.value();
    if !key(hit) || is_reference_to_object(value) || is_small_number(value) {
        return false;
    }
    !hit.is_prose() || hit.is_alone_on_its_line() || is_token_like(value)
}

/// The credentials of an `Authorization` header: anything behind a scheme, else what looks like one.
pub(super) fn header(hit: &Hit<'_>) -> bool {
    let before = hit.text.get(..hit.range.start).unwrap_or_default();
    let last = before
        .trim_end()
        .rsplit([' ', '\t', ':', '=', '"', '\''])
        .next();
    let has_scheme = last.is_some_and(|last| is_one_of(last, SCHEMES));
    let value = hit.value();
    is_secret_value(value) && (has_scheme || is_token_like(value)) && !is_challenge(value)
}

/// What follows `Bearer`, when it is not a word of a sentence.
pub(super) fn bearer(hit: &Hit<'_>) -> bool {
    let value = hit.value();
    is_secret_value(value) && !is_challenge(value) && (value.len() >= 24 || is_token_like(value))
}

/// What follows `Basic`: base64 of `user:password`.
pub(super) fn basic(hit: &Hit<'_>) -> bool {
    base64::decode(hit.value()).is_some_and(|pair| pair.contains(&b':'))
}

/// A key of a provider whose prefix is also the end of words: random characters, not words.
pub(super) fn random(hit: &Hit<'_>) -> bool {
    let has = |class: fn(&u8) -> bool| hit.value().bytes().any(|byte| class(&byte));
    has(u8::is_ascii_digit) && (has(u8::is_ascii_uppercase) || hit.value().matches('-').count() < 3)
}

/// A value of a Kubernetes secret in YAML.
pub(super) fn encoded(hit: &Hit<'_>) -> bool {
    is_plain_base64(hit.value())
}

/// Where the credentials begin in the value of an authorization header, if there are any.
pub(crate) fn credentials(value: &str) -> Option<usize> {
    let (scheme, rest) = value.split_once([' ', '\t']).unwrap_or_default();
    if is_one_of(scheme, SCHEMES) {
        return is_secret_value(rest).then_some(value.len() - rest.len());
    }
    (is_secret_value(value) && is_token_like(value)).then_some(0)
}

/// Whether a value of a sensitive key is one: not masked, not the name of a variable, not a word.
pub(crate) fn is_secret_value(value: &str) -> bool {
    let value = value.trim();
    !value.is_empty()
        && !is_block_indicator(value)
        && !is_masked(value)
        && !is_variable(value)
        && !is_one_of(value, WORDS)
}

/// `|`, `>-`: the value stands on the next lines.
pub(super) fn is_block_indicator(value: &str) -> bool {
    let rest = value.strip_prefix(['|', '>']);
    rest.is_some_and(|rest| {
        rest.len() <= 2 && rest.bytes().all(|byte| b"+-123456789".contains(&byte))
    })
}

/// Whether all of `value` is the secret that its name promises, by the rule that knows the name.
///
/// `is_pwd` says that the name is one of a directory, too.
pub(crate) fn is_secret_of_name(rule: &str, is_pwd: bool, value: &str) -> bool {
    // `"secret": "shop/db"` names an object.
    let is_object = rule == "secret-json" && is_reference_to_object(value);
    let is_directory = is_pwd && is_path(value);
    is_secret_value(value) && !is_object && !is_directory
}

/// `/app`, `C:\app`.
fn is_path(value: &str) -> bool {
    matches!(value.as_bytes(), [b'/', ..] | [_, b':', b'\\' | b'/', ..])
}

/// Whether `value` is random enough for a token: letters and digits, or long.
pub(crate) fn is_token_like(value: &str) -> bool {
    let bytes = value.as_bytes();
    let has_digit = bytes.iter().any(u8::is_ascii_digit);
    let has_letter = bytes.iter().any(u8::is_ascii_alphabetic);
    let has_inner_capital = bytes
        .windows(2)
        .any(|pair| pair[0].is_ascii_lowercase() && pair[1].is_ascii_uppercase());
    match bytes.len() {
        0..6 => false,
        6..20 => has_digit && has_letter,
        _ => has_digit || has_inner_capital,
    }
}

/// Whether `value` is base64 of a text, or of so many bytes that it cannot be a word.
pub(crate) fn is_plain_base64(value: &str) -> bool {
    let Some(bytes) = base64::decode(value) else {
        return false;
    };
    let is_text = bytes
        .iter()
        .all(|byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace());
    is_text || (value.len() >= 24 && is_token_like(value))
}

/// Whether somebody has put a mask there already.
fn is_masked(value: &str) -> bool {
    let is_mask = |c: char| matches!(c, '*' | '•' | '.' | '<' | '>' | '(' | ')' | '…');
    value.contains(PLACEHOLDER)
        || value.chars().all(is_mask)
        || is_one_of(value.trim_matches(is_mask), WORDS)
        || is_blank_to_fill(value)
}

/// `<password>`, `<your-token>`: what somebody is to put there.
fn is_blank_to_fill(value: &str) -> bool {
    let name = value
        .strip_prefix('<')
        .and_then(|name| name.strip_suffix('>'));
    let is_letter = |c: char| c.is_ascii_alphabetic() || matches!(c, ' ' | '-' | '_');
    name.is_some_and(|name| name.chars().all(is_letter))
}

/// `$NAME`, `${NAME}`, `$(NAME)`, `{{ .name }}`, `%s`: where a value will be.
fn is_variable(value: &str) -> bool {
    let shell = value.strip_prefix('$').is_some_and(|name| {
        let name = name.trim_matches(['(', ')', '{', '}']);
        let mut characters = name.chars();
        characters
            .next()
            .is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
            && characters.all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | ':' | '-'))
    });
    // `$2a$10$…` is a hash, and `$ecret` a bad password: only names of variables are let through.
    let is_shouted = |name: &str| !name.contains(|c: char| c.is_ascii_lowercase());
    shell && (value.starts_with("$(") || value.starts_with("${") || is_shouted(value))
        || value.starts_with("{{")
        || matches!(value, "%s" | "%v" | "%q")
}

/// `namespace/name`, as Kubernetes components log what they work on.
fn is_reference_to_object(value: &str) -> bool {
    let is_label = |part: &str| {
        !part.is_empty()
            && part.len() <= 63
            && part.bytes().all(|byte| {
                byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'.'
            })
    };
    value
        .split_once('/')
        .is_some_and(|(namespace, name)| is_label(namespace) && is_label(name))
}

/// A count, a code or a length.
fn is_small_number(value: &str) -> bool {
    value.len() <= 6 && value.bytes().all(|byte| byte.is_ascii_digit())
}

/// The parameters of a `WWW-Authenticate` challenge.
fn is_challenge(value: &str) -> bool {
    let name = value.split('=').next().unwrap_or_default();
    value.len() > name.len() && is_one_of(name, &["realm", "error", "scope", "charset", "service"])
}

fn is_one_of(value: &str, words: &[&str]) -> bool {
    let value = value.trim_end_matches(['.', '!', '?']);
    words.iter().any(|word| value.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_told_from_words_variables_and_masks() {
        for secret in [
            "hunter2",
            "$ecret",
            "$2a$10$N9qo8uLOickgx2ZMRZoMye",
            "changeme",
            "0",
            "p%s",
        ] {
            assert!(is_secret_value(secret), "{secret}");
        }
        for other in [
            "",
            "  ",
            "***",
            "[REDACTED]",
            "***REDACTED***",
            "<redacted>",
            "${DB_PASSWORD}",
            "$(DB_PASSWORD)",
            "$DB_PASSWORD",
            "{{ .Values.password }}",
            "%s",
            "required",
            "Invalid.",
        ] {
            assert!(!is_secret_value(other), "{other}");
        }
    }

    #[test]
    fn tokens_are_told_from_words() {
        for token in ["abc123", "tok3n-value", "AbCdEfGhIjKlMnOpQrStUvWx"] {
            assert!(is_token_like(token), "{token}");
        }
        for word in [
            "401",
            "404404",
            "unauthorized",
            "secrets",
            "certificate-signing-request",
        ] {
            assert!(!is_token_like(word), "{word}");
        }
    }

    #[test]
    fn base64_is_told_from_words() {
        for encoded in [
            "cGFzc3dvcmQ=",
            "YWRtaW46cHc=",
            "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQ",
        ] {
            assert!(is_plain_base64(encoded), "{encoded}");
        }
        for word in ["NodeName", "rollback", "administrator", "kubernetes12"] {
            assert!(!is_plain_base64(word), "{word}");
        }
    }
}
