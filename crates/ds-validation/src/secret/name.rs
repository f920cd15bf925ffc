//! Names whose values are secrets: of JSON members, of variables, of options.

/// Rules that look at the structure of JSON and have no pattern.
pub(super) const OWN_RULES: &[&str] = &[SECRET_OBJECT];

/// The values of a Kubernetes object of kind `Secret`.
pub(crate) const SECRET_OBJECT: &str = "k8s-secret-object";

/// What a name says about its value.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Sensitive {
    /// It is a secret; the rule that says so.
    Value(&'static str),
    /// It is an authorization header: a scheme, and then the secret.
    Header,
}

/// Kinds of tokens that open something. `continue_token` and `page_token` do not.
const TOKENS: &[&str] = &[
    "access",
    "account",
    "admin",
    "api",
    "app",
    "argocd",
    "auth",
    "bearer",
    "bootstrap",
    "bot",
    "deploy",
    "docker",
    "git",
    "github",
    "gitlab",
    "grafana",
    "hf",
    "id",
    "join",
    "jwt",
    "kube",
    "kubernetes",
    "login",
    "npm",
    "oauth",
    "oauth2",
    "personal",
    "private",
    "push",
    "pypi",
    "refresh",
    "registry",
    "sa",
    "secret",
    "security",
    "sentry",
    "service",
    "serviceaccount",
    "session",
    "slack",
    "user",
    "vault",
    "webhook",
];

/// Kinds of secrets that are values. `pull_secret` and `tls_secret` name objects.
const SECRETS: &[&str] = &[
    "access",
    "api",
    "app",
    "application",
    "auth",
    "client",
    "consumer",
    "cookie",
    "encryption",
    "github",
    "hmac",
    "jwt",
    "oauth",
    "oauth2",
    "session",
    "shared",
    "signing",
    "slack",
    "token",
    "user",
    "webhook",
];

/// What `name` says, in whatever way its words are joined.
pub(crate) fn sensitive(name: &str) -> Option<Sensitive> {
    // A path is the name of a file.
    if name.starts_with('/') || !ENDINGS.iter().any(|ending| has_ending(name, ending)) {
        return None;
    }
    // However the case of its letters parts it: `ToKen`, `pAssWord`.
    of_words(name).or_else(|| {
        let is_mixed = name.bytes().any(|byte| byte.is_ascii_lowercase())
            && name.bytes().any(|byte| byte.is_ascii_uppercase());
        is_mixed.then(|| of_words(&name.to_ascii_lowercase()))?
    })
}

/// What every name of a secret ends in.
const ENDINGS: &[&str] = &[
    "word",
    "wd",
    "phrase",
    "key",
    "token",
    "secret",
    "authorization",
];

fn has_ending(name: &str, ending: &str) -> bool {
    let tail = name.len().checked_sub(ending.len());
    let tail = tail.and_then(|start| name.get(start..));
    tail.is_some_and(|tail| tail.eq_ignore_ascii_case(ending))
}

/// What the words of `name` say together.
fn of_words(name: &str) -> Option<Sensitive> {
    let last = name.rsplit('.').next().unwrap_or(name);
    let words = words(last);
    let (last, before) = words.split_last()?;
    let previous = before.last().map_or("", String::as_str);
    let ends = |word: &str| last.ends_with(word);
    let is_in_two = previous == "pass" && matches!(last.as_str(), "word" | "wd" | "phrase");
    if ends("password") || ends("passwd") || ends("passphrase") || last == "pwd" || is_in_two {
        return Some(Sensitive::Value("password-json"));
    }
    let two = format!("{previous}{last}");
    Some(match two.as_str() {
        two if two.ends_with("apikey") => Sensitive::Value("api-key-json"),
        two if two.ends_with("privatekey") => Sensitive::Value("private-key"),
        "accountkey" => Sensitive::Value("azure-account-key"),
        "secretkey" | "secretaccesskey" => Sensitive::Value("secret-json"),
        "accesskey" if before.iter().any(|word| word == "secret") => {
            Sensitive::Value("aws-secret-key")
        }
        _ if last == "authorization" => Sensitive::Header,
        _ if last == "token" && (before.is_empty() || TOKENS.contains(&previous)) => {
            Sensitive::Value("token-json")
        }
        _ if last == "secret" && (before.is_empty() || SECRETS.contains(&previous)) => {
            Sensitive::Value("secret-json")
        }
        "accesstoken" | "refreshtoken" | "idtoken" | "authtoken" => Sensitive::Value("token-json"),
        "clientsecret" => Sensitive::Value("secret-json"),
        _ => return None,
    })
}

/// Whether the member `name` of an object holds the secret that the name of the object promises by
/// `rule`. Most say where the secret is kept: `{"secret": {"name": "db-credentials"}}`.
pub(crate) fn carries(name: &str, rule: &str) -> bool {
    let letters = name.chars().filter(|c| !matches!(c, '_' | '-'));
    let name: String = letters.take(16).map(|c| c.to_ascii_lowercase()).collect();
    match name.as_str() {
        "value" | "plain" | "plaintext" | "cleartext" | "raw" => true,
        "old" | "new" | "current" | "previous" => rule == "password-json",
        _ => false,
    }
}

/// Whether `name` may be that of the directory where a process runs.
pub(crate) fn is_pwd(name: &str) -> bool {
    has_ending(name, "pwd")
}

/// Whether the pattern of `rule` was right to take `key` for one of its own.
pub(super) fn is_of(key: &str, rule: &str) -> bool {
    matches!(sensitive(key), Some(Sensitive::Value(name)) if name == rule)
}

/// `accessToken`, `ACCESS_TOKEN`, `access-token` → `access`, `token`.
fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut word = String::new();
    let (mut was_lower, mut was_upper) = (false, false);
    let mut rest = name.chars().peekable();
    while let Some(c) = rest.next() {
        // Both humps and acronyms end a word: `apiToken`, `APIToken`.
        let is_hump = was_lower || (was_upper && rest.peek().is_some_and(char::is_ascii_lowercase));
        let ends = !c.is_ascii_alphanumeric() || (c.is_ascii_uppercase() && is_hump);
        if ends && !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        if c.is_ascii_alphanumeric() {
            word.push(c.to_ascii_lowercase());
        }
        was_lower = c.is_ascii_lowercase() || c.is_ascii_digit();
        was_upper = c.is_ascii_uppercase();
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_secrets_are_known_in_every_spelling() {
        for (name, rule) in [
            ("password", "password-json"),
            ("DB_PASSWORD", "password-json"),
            ("spring.datasource.password", "password-json"),
            ("redisPassword", "password-json"),
            ("PGPASSWORD", "password-json"),
            ("Passwd", "password-json"),
            ("passWord", "password-json"),
            ("PassWord", "password-json"),
            ("DB_PassWord", "password-json"),
            ("DBPassWord", "password-json"),
            ("pass_phrase", "password-json"),
            ("pAsSwOrD", "password-json"),
            ("ToKen", "token-json"),
            ("access_ToKen", "token-json"),
            ("aPiKeY", "api-key-json"),
            ("ClientSeCret", "secret-json"),
            ("pwd", "password-json"),
            ("api_key", "api-key-json"),
            ("API-Key", "api-key-json"),
            ("apikey", "api-key-json"),
            ("X-Api-Key", "api-key-json"),
            ("openaiApiKey", "api-key-json"),
            ("token", "token-json"),
            ("access-token", "token-json"),
            ("accesstoken", "token-json"),
            ("GITHUB_TOKEN", "token-json"),
            ("secret", "secret-json"),
            ("clientSecret", "secret-json"),
            ("secretAccessKey", "aws-secret-key"),
            ("AWS_SECRET_ACCESS_KEY", "aws-secret-key"),
            ("secret_key", "secret-json"),
            ("private_key", "private-key"),
            ("APIToken", "token-json"),
            ("AccountKey", "azure-account-key"),
        ] {
            assert_eq!(sensitive(name), Some(Sensitive::Value(rule)), "{name}");
        }
        assert_eq!(sensitive("Authorization"), Some(Sensitive::Header));
        assert_eq!(sensitive("proxy-authorization"), Some(Sensitive::Header));
    }

    #[test]
    fn other_names_are_not() {
        for name in [
            "",
            "tokens",
            "tokens_used",
            "max_tokens",
            "token_type",
            "continue_token",
            "pageToken",
            "next_page_token",
            "secretName",
            "secret_ref",
            "image_pull_secret",
            "imagePullSecret",
            "tls-secret",
            "password_policy",
            "passwordSecretRef",
            "key",
            "key_id",
            "primary_key",
            "partition_key",
            "sort_key",
            "idempotency_key",
            "access_key_id",
            "public_key",
            "cwd",
            "author",
            "authorized",
            "monkey",
            "bypass_word",
            "keyword",
            "/etc/passwd",
            "/run/secrets/token",
            "description",
            "tokenizer",
            "secretariat",
        ] {
            assert_eq!(sensitive(name), None, "{name}");
        }
    }
}
