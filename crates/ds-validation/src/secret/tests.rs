//! What no example shows: properties of any text. The examples are in `tests/corpus`.

use proptest::prelude::*;

use super::*;

/// Pieces of texts with secrets, to be joined in any way.
const PIECES: &[&str] = &[
    "password",
    "DB_PASSWORD",
    "token",
    "access_token",
    "secret",
    "api_key",
    "Authorization",
    "pwd",
    "Bearer ",
    "Basic ",
    "Digest ",
    ": ",
    "=",
    ":",
    " ",
    "\n",
    ", ",
    ";",
    "&",
    "\"",
    "'",
    "\\\"",
    "\\",
    "{",
    "}",
    "[",
    "]",
    "(",
    ")",
    "@",
    "/",
    "://",
    "postgres://",
    "redis://:",
    "https://",
    "user:",
    "@db:5432/",
    "hunter2",
    "abc123def456",
    "YWRtaW46aHVudGVyMg==",
    "expired",
    "é",
    "😀",
    "--token ",
    "-----BEGIN PRIVATE KEY-----",
    "-----END PRIVATE KEY-----",
    "sk-",
    "ghp_",
    "0123456789abcdefABCDEF0123456789abcdef",
    "eyJhbGciOiJub25lIn0.",
    "AKIAIOSFODNN7EXAMPLE",
    "[REDACTED]",
    "***",
    "${X}",
    "key: ",
    "name: ",
    "value: ",
    "@tcp(",
    "xoxb-",
    "AccountKey=",
];

fn texts() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        8 => prop::sample::select(PIECES).prop_map(str::to_owned),
        1 => "\\PC{0,8}",
    ];
    prop::collection::vec(piece, 0..14).prop_map(|pieces| pieces.concat())
}

/// Texts of the corpus, with and without secrets, one behind the other.
fn messages() -> impl Strategy<Value = String> {
    let secrets = include_str!("../../tests/corpus/secrets.txt").lines();
    let innocent = include_str!("../../tests/corpus/innocent.txt").lines();
    let texts: Vec<String> = secrets
        .map(|line| line.trim_start_matches("= ").replace('~', ""))
        .chain(innocent.map(str::to_owned))
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| line.replace("\\n", "\n"))
        .collect();
    let separator = prop::sample::select(vec!["\n", " ", " | "]);
    let texts = prop::collection::vec(prop::sample::select(texts), 0..6);
    (texts, separator).prop_map(|(texts, separator)| texts.join(separator))
}

proptest! {
    #[test]
    fn redaction_is_done_once(text in messages()) {
        let once = redact(&text).text.into_owned();
        let twice = redact(&once);
        prop_assert_eq!(&twice.text, &once, "{:?} from {:?}", twice.rules, text);
        prop_assert!(twice.rules.is_empty(), "{:?} in {:?} from {:?}", twice.rules, once, text);
    }

    #[test]
    fn what_is_left_is_a_part_of_what_was_there(text in texts()) {
        let spans = find(&text);
        let mut at = 0;
        for span in &spans {
            prop_assert!(span.range.start >= at && span.range.start < span.range.end);
            prop_assert!(text.is_char_boundary(span.range.start));
            prop_assert!(text.is_char_boundary(span.range.end));
            at = span.range.end;
        }
        prop_assert_eq!(spans.is_empty(), redact(&text).text == text);
    }

    #[test]
    fn words_that_no_rule_knows_are_never_changed(text in "[a-z0-9 .,/:=_<>{}\"'-]{0,80}") {
        prop_assume!(!["pass", "pwd", "key", "token", "secret", "auth", "bearer", "basic", "sk-", "://"]
            .iter()
            .any(|word| text.contains(word)));
        prop_assert_eq!(redact(&text).text, text.as_str());
    }
}

#[test]
fn every_hint_lets_what_its_pattern_finds_through() {
    // A rule whose hint misses its own texts would never be asked: each is asked on its own here.
    for (rank, rule) in RULES.iter().enumerate() {
        let hint = pattern(rule.hint);
        let corpus = include_str!("../../tests/corpus/secrets.txt");
        let texts = corpus
            .lines()
            .map(|line| line.replace('~', "").replace("\\n", "\n"));
        for text in texts.filter(|text| PATTERNS.each[rank].is_match(text.as_bytes())) {
            let mut spans = Vec::new();
            collect(&text, rank, &mut spans);
            let json = serde_json::to_string(&text).unwrap();
            let has_hint = hint.is_match(text.as_bytes()) && hint.is_match(json.as_bytes());
            assert!(spans.is_empty() || has_hint, "{}: {text}", rule.name);
        }
    }
}

#[test]
fn names_of_rules_are_unique_and_fit_for_labels() {
    let mut names: Vec<_> = rule_names().collect();
    assert!(names.len() >= 22);
    for name in &names {
        assert!(
            name.bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        );
    }
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), rule_names().count());
}

#[test]
fn time_is_linear_in_the_text() {
    // Each would take many minutes with a pattern that tries again from every place.
    let started = std::time::Instant::now();
    for piece in [
        "-----BEGIN PRIVATE KEY-----",
        "a:b://c:",
        "\"password\":\"",
        "password=",
        "eyJhb.",
        "@tcp(",
        "' or 1=",
        "<a ",
    ] {
        let text = piece.repeat(200_000 / piece.len());
        assert_eq!(redact(&redact(&text).text).rules, [""; 0], "{piece}");
        crate::markup::flags(&text);
    }
    assert!(started.elapsed().as_secs() < 60, "{:?}", started.elapsed());
}

/// However the text is made, there is nothing to gain by sending it: before each of these was bounded,
/// a megabyte took minutes.
#[test]
fn a_text_that_is_made_to_be_difficult_takes_no_longer_than_another() {
    const BYTES: usize = 1024 * 1024;
    for (before, hit) in [
        ("", "token: abcdefgh "),
        ("password=", ")"),
        ("password=[", ")"),
        ("", "password=a) "),
        ("", "password=\"a "),
        ("", "x://u:p@"),
        ("", "postgres://u:a/"),
        ("", "password: | "),
        ("", "password: |\n"),
        ("kind: Secret\nstringData:\n", "  a: |\n"),
        ("", "org/token:v1 "),
        ("", "/etc/passwd:"),
        ("", "\\\\\\\"pwd\\\\\\\":"),
    ] {
        let text = format!("{before}{}", hit.repeat(BYTES / hit.len()));
        let started = std::time::Instant::now();
        redact(&text);
        let taken = started.elapsed();
        assert!(taken.as_secs() < 20, "{before}{hit}… takes {taken:?}");
    }
}

#[test]
fn closing_brackets_are_part_of_a_value_that_opens_them() {
    for (text, clean) in [
        ("map[password:hunter2x]", "map[password:[REDACTED]]"),
        ("(password=hunter2x)", "(password=[REDACTED])"),
        ("([password=hunter2x)])", "([password=[REDACTED])])"),
        ("(password=hunt(er)2x)", "(password=[REDACTED]"),
        ("[password=hunt(er2x]", "[password=[REDACTED]]"),
    ] {
        assert_eq!(redact(text).text, clean);
    }
}
