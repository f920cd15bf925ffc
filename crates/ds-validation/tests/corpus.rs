//! Texts with secrets, each of which must lose exactly its secret, and texts of everyday clusters,
//! none of which may change.

use std::collections::BTreeSet;

use ds_validation::{markup, secret};

const SECRETS: &str = include_str!("corpus/secrets.txt");
const INNOCENT: &str = include_str!("corpus/innocent.txt");

/// A text with a secret, and the text without.
struct Case {
    rule: String,
    text: String,
    clean: String,
}

fn lines(file: &'static str) -> impl Iterator<Item = &'static str> {
    file.lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
}

fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let (mut rule, mut text) = (String::new(), String::new());
    for line in lines(SECRETS) {
        let line = line.replace('~', "").replace("\\n", "\n");
        if let Some(name) = line
            .strip_prefix('[')
            .and_then(|line| line.strip_suffix(']'))
        {
            rule = name.to_owned();
        } else if let Some(clean) = line.strip_prefix("= ") {
            let (rule, text, clean) = (rule.clone(), std::mem::take(&mut text), clean.to_owned());
            cases.push(Case { rule, text, clean });
        } else {
            assert_eq!(text, "", "a text needs its clean form");
            text = line;
        }
    }
    cases
}

#[test]
fn every_secret_goes_and_everything_else_stays() {
    let mut wrong = Vec::new();
    for Case { rule, text, clean } in cases() {
        let found = secret::redact(&text);
        if found.text != clean || !found.rules.contains(&rule.as_str()) {
            wrong.push(format!(
                "{rule}: {text}\n  {}\n  {:?}",
                found.text, found.rules
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_clean_text_is_left_alone() {
    for Case { clean, .. } in cases() {
        assert_eq!(secret::redact(&clean).rules, [""; 0], "{clean}");
    }
}

#[test]
fn every_rule_has_a_text() {
    let tried: BTreeSet<String> = cases().into_iter().map(|case| case.rule).collect();
    let untried: Vec<&str> = secret::rule_names()
        .filter(|name| !tried.contains(*name))
        .collect();
    assert_eq!(untried, [""; 0]);
}

#[test]
fn everyday_texts_pass_unchanged() {
    let mut wrong = Vec::new();
    for text in lines(INNOCENT) {
        let text = text.replace("\\n", "\n");
        let found = secret::redact(&text);
        let flags = markup::flags(&text);
        if found.text != text || !found.rules.is_empty() || !flags.is_empty() {
            wrong.push(format!(
                "{text}\n  {}\n  {:?} {flags:?}",
                found.text, found.rules
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(lines(INNOCENT).count() > 400);
}
