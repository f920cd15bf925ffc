//! The registry: what is looked for, one rule an entry.
//!
//! Specific rules stand first: where two find the same secret, the first one gives its name.
//!
//! - `hint` is what a text must hold before any pattern is tried on it. It has to match the JSON text
//!   of the string as well, so it names no character that JSON escapes.
//! - `pattern` finds the secret: its one group that is not called `key` or `inner…`, or all of it when
//!   it has none. Groups of that name are the key beside the secret.
//! - `is_credible` has the last word.
//!
//! Patterns are ASCII, ignore case where they do not say `(?-i:…)`, and know lines.

use std::ops::Range;

use super::{credible, name};

/// What one rule looks for.
pub(super) struct Rule {
    pub(super) name: &'static str,
    pub(super) hint: &'static str,
    pub(super) pattern: &'static str,
    pub(super) is_credible: fn(&Hit<'_>) -> bool,
}

/// A match that is to be believed or not.
pub(super) struct Hit<'t> {
    pub(super) text: &'t str,
    /// Where the key beside the secret stands; empty where the rule knows none.
    pub(super) key: Range<usize>,
    /// Where the secret stands.
    pub(super) range: Range<usize>,
}

impl Hit<'_> {
    /// The secret.
    pub(super) fn value(&self) -> &str {
        self.text.get(self.range.clone()).unwrap_or_default()
    }

    /// The key beside the secret.
    pub(super) fn key(&self) -> &str {
        self.text.get(self.key.clone()).unwrap_or_default()
    }

    /// Whether key and value stand as in a sentence, or in YAML: `key: value`.
    pub(super) fn is_prose(&self) -> bool {
        let between = self.between();
        between.contains(": ") || between.contains(":\t")
    }

    /// What stands between key and value.
    pub(super) fn between(&self) -> &str {
        let between = self.text.get(self.key.end..self.range.start);
        between.unwrap_or_default()
    }

    /// The text up to the key.
    pub(super) fn lead(&self) -> &str {
        self.text.get(..self.key.start).unwrap_or_default()
    }

    /// The text behind the value.
    pub(super) fn after(&self) -> &str {
        self.text.get(self.range.end..).unwrap_or_default()
    }

    /// Whether nothing else is on the line.
    ///
    /// A text may be one line of megabytes with a hit in every few bytes: no further is looked than
    /// to the next character that is something else.
    pub(super) fn is_alone_on_its_line(&self) -> bool {
        let is_decoration = |c: char| matches!(c, ' ' | '\t' | '\r' | '-' | '"' | '\'');
        let is_in_line = |c: &char| *c != '\n';
        let mut before = self.lead().chars().rev().take_while(is_in_line);
        let mut after = self.after().chars().take_while(is_in_line);
        before.all(is_decoration) && after.all(is_decoration)
    }
}

const fn rule(
    name: &'static str,
    hint: &'static str,
    pattern: &'static str,
    is_credible: fn(&Hit<'_>) -> bool,
) -> Rule {
    Rule {
        name,
        hint,
        pattern,
        is_credible,
    }
}

/// `user:secret@` in URLs of a scheme: up to the last `@`, which a password may hold, too.
macro_rules! url {
    ($scheme:literal) => {
        concat!(
            $scheme,
            r#"(?:\+[a-z0-9]+)?://[^\s:/@"'<>]*:([^\s/"'<>]+)@"#
        )
    };
}

/// The same of a database, whose password may hold slashes; then it ends at the first `@`.
macro_rules! database_url {
    ($scheme:literal) => {
        concat!(
            $scheme,
            r#"(?:\+[a-z0-9]+)?://[^\s:/@"'<>\[]*:(?:([^\s/"'<>]+)|([^\s"'<>@]+))@"#
        )
    };
}

/// What holds a URL with a password, in a text and in its JSON.
macro_rules! database {
    ($scheme:literal) => {
        concat!("(?:", $scheme, r#")[^\s"]*@"#)
    };
}

/// A PEM block; one that was cut off goes on to the end.
macro_rules! pem {
    ($what:literal) => {
        concat!(
            "-----BEGIN ",
            $what,
            r"-----[\s\S]*?(?:-----END ",
            $what,
            r"-----|\z)"
        )
    };
}

/// A member of JSON inside a text, escaped up to three times.
macro_rules! member {
    ($name:literal) => {
        concat!(
            r#""(?<key>[a-z0-9_.-]*(?:"#,
            $name,
            r#"))"\s*:\s*"((?:[^"\\]|\\.)+)"#,
            r#"|\\"(?<inner>[a-z0-9_.-]*(?:"#,
            $name,
            r#"))\\"\s*:\s*\\"((?:[^"\\]|\\\\(?:\\"|\\\\|[^"\\]))+)"#,
            r#"|\\{3}"(?<inner2>[a-z0-9_.-]*(?:"#,
            $name,
            r#"))\\{3}"\s*:\s*\\{3}"((?:[^"\\]|\\{7}"|\\+[^"\\])+)"#,
            r#"|\\{7}"(?<inner3>[a-z0-9_.-]*(?:"#,
            $name,
            r#"))\\{7}"\s*:\s*\\{7}"((?:[^"\\]|\\{15}"|\\+[^"\\])+)"#
        )
    };
}

/// `key=value` and `key: value`, quoted or not. A bare value ends at a blank, quote, comma, semicolon,
/// ampersand or closing brace.
macro_rules! pair {
    ($name:literal) => {
        concat!(
            "(?<key>[a-z0-9_.-]*(?:",
            $name,
            r#"))["'\\]*[ \t]*(?::=|=>|==|[:=])[ \t]*"#,
            r#"(?:"((?:[^"\\\n]|\\.)+)"|'((?:[^'\\\n]|\\.)+)'|"#,
            r#"["'\\]*((?:[^\s"'\\,;&}]|\\[^\s"'])+))"#
        )
    };
}

/// What follows the name of a secret, in a text and in its JSON.
macro_rules! named {
    ($name:literal) => {
        concat!("(?:", $name, r#")(?:[\\"']|[ \t]*[:=])"#)
    };
}

/// Every rule with a pattern.
#[rustfmt::skip]
pub(super) const RULES: &[Rule] = &[
    rule("private-key", "-----BEGIN ",
        pem!("(?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?"),
        credible::always),
    rule("pem-certificate", "-----BEGIN ",
        pem!("(?:TRUSTED |X509 )?CERTIFICATE"),
        credible::always),
    rule("github-token", "gh[pousr]_[a-z0-9]{8}|github_pat_",
        r"(?-i:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{22,})",
        credible::always),
    rule("gitlab-token", "glpat-",
        r"\bglpat-[A-Za-z0-9_-]{20,}",
        credible::always),
    rule("slack-token", r"xox[abeoprs]-|hooks\.slack\.com",
        r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}|hooks\.slack\.com/(?:services|workflows)/([A-Za-z0-9/_-]{20,})",
        credible::always),
    rule("openai-key", "sk-[a-z0-9_-]{20}",
        r"(?:^|[^A-Za-z0-9_-])((?-i:sk-)[A-Za-z0-9_-]{20,})",
        credible::random),
    rule("google-api-key", "AIza[a-z0-9_-]{8}",
        r"\b(?-i:AIza)[A-Za-z0-9_-]{35}",
        credible::always),
    rule("jwt", r"eyJ[a-z0-9_-]+\.eyJ",
        r"\b(?-i:eyJ)[A-Za-z0-9_-]{8,}\.(?-i:eyJ)[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)?",
        credible::always),
    rule("aws-access-key", "(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}|aws_access_key",
        r#"\b(?-i:(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16})\b|aws_access_key(?:_id)?["'\\]*[ \t]*[:=][ \t]*["'\\]*((?-i:[A-Z0-9]{20}))\b"#,
        credible::always),
    rule("aws-secret-key", "secret_?(?:access_?)?key",
        r#"secret_?(?:access_?)?key["'\\]*[ \t]*[:=][ \t]*["'\\]*([A-Za-z0-9/+]{40})(?:[^A-Za-z0-9/+=]|$)"#,
        credible::always),
    rule("azure-account-key", "AccountKey|SharedAccessKey",
        r"(?:AccountKey|SharedAccessKey)[ \t]*=[ \t]*([A-Za-z0-9+/]{20,}={0,2})",
        credible::always),
    rule("authorization-header", named!("authorization"),
        r#"\bauthorization["'\\]*[ \t]*[:=][ \t]*["'\\]*(?:(?:bearer|basic|token|apikey|negotiate|ntlm)[ \t]+["']?([^\s"'\\,;]+)|(?:digest|aws4-hmac-sha256)[ \t]+([^\r\n]+)|([^\s"'\\,;]+))"#,
        credible::header),
    rule("bearer-token", "bearer",
        r#"\bbearer[ \t:]+["']?([A-Za-z0-9._~+/=-]+)"#,
        credible::bearer),
    rule("basic-credentials", "basic ",
        r"\bbasic +([A-Za-z0-9+/]{4,}={0,2})",
        credible::basic),
    rule("postgresql-url", database!("postgres"),
        database_url!(r"\bpostgres(?:ql)?"),
        credible::url),
    rule("mysql-url", r#"(?:mysql|mariadb)[^\s"]*@|@(?:tcp|unix)\("#,
        r#"\b(?:mysql|mariadb)(?:\+[a-z0-9]+)?://[^\s:/@"'<>\[]*:(?:([^\s/"'<>]+)|([^\s"'<>@]+))@|[^\s:/@"'=]+:([^\s"'()]+)@(?:tcp|unix)\("#,
        credible::url),
    rule("mongodb-url", database!("mongodb"),
        database_url!(r"\bmongodb"),
        credible::url),
    rule("redis-url", database!("rediss?|valkeys?"),
        database_url!(r"\b(?:rediss?|valkeys?)"),
        credible::url),
    rule("password-url", r"://[^\s/]*@",
        url!(r"\b[a-z][a-z0-9.-]*"),
        credible::strong),
    rule("password-json", named!("pass(?:word|wd|phrase)|pwd"),
        member!("pass(?:word|wd|phrase)|pwd"),
        |hit| is_member(hit, "password-json")),
    rule("api-key-json", named!("api[ _-]?key"),
        member!("api[_-]?key"),
        |hit| is_member(hit, "api-key-json")),
    rule("token-json", named!("token"),
        member!("token"),
        |hit| is_member(hit, "token-json")),
    rule("secret-json", named!("secret(?:[_-]?key)?"),
        member!("secret(?:[_-]?key)?"),
        |hit| is_member(hit, "secret-json")),
    rule("env-value", r#"(?:pass(?:word|wd|phrase)|token|secret|key)["'\\]*(?:\\[rn]|\s)*value:"#,
        r#"name: *["']?(?<key>[a-z0-9_]+)["']?\s+value: *["']?([^\s"']+)"#,
        |hit| name::sensitive(hit.key()).is_some() && credible::strong(hit)),
    rule("k8s-secret-data", "(?:username|password|token|key|secret|credential)s?: *[\"'\\\\]*[a-z0-9+/]{6}",
        r#"^[ \t]*(?:username|password|token|key|secret|credential)s?: *["']?([A-Za-z0-9+/]{6,}={0,2})["']?[ \t]*\r?$"#,
        credible::encoded),
    rule("password-plain", named!("pass(?:word|wd|phrase)|pwd"),
        pair!("pass(?:word|wd|phrase)|pwd"),
        |hit| name::is_of(hit.key(), "password-json") && credible::strong(hit)),
    rule("api-key-plain", named!("api[ _-]?key"),
        pair!("api[ _-]?key"),
        |hit| name::is_of(hit.key(), "api-key-json") && credible::key(hit)),
    rule("token-plain", named!("token"),
        pair!("token"),
        |hit| name::is_of(hit.key(), "token-json") && credible::weak(hit)),
    rule("secret-plain", named!("secret(?:[_-]?key)?"),
        pair!("secret(?:[_-]?key)?"),
        |hit| name::is_of(hit.key(), "secret-json") && credible::weak(hit)),
    rule("command-option", "--[a-z0-9-]*(?:passw|passphrase|token|secret|api-?key)",
        r#"(?:^|[\s"'=(])--(?<key>[a-z0-9-]*(?:pass(?:word|wd|phrase)|token|secret|api-?key))[ \t]+(?:"([^"\n]+)"|'([^'\n]+)'|([^\s"'-][^\s"']*))"#,
        |hit| name::sensitive(hit.key()).is_some() && credible::strong(hit)),
];

/// Whether a member of JSON is the secret that its name promises by `rule`.
fn is_member(hit: &Hit<'_>, rule: &str) -> bool {
    let is_pwd = name::is_pwd(hit.key());
    name::is_of(hit.key(), rule) && credible::is_secret_of_name(rule, is_pwd, hit.value())
}
