//! The reader against accepted, refused and malformed texts.

use super::*;

fn read(text: &str) -> Result<Violations, String> {
    let limits = Limits {
        json_depth_max: 4,
        json_members_max: 40,
        ..Limits::default()
    };
    let mut reader = Reader::new(text.as_bytes(), &limits).map_err(|error| error.to_string())?;
    reader.enter_field("event_data");
    let outcome = reader.value().and_then(|_| reader.end());
    match outcome {
        Ok(()) | Err(Stop::Bound) => Ok(reader.take_found()),
        Err(Stop::Syntax(error)) => Err(error.to_string()),
    }
}

#[track_caller]
fn accepts(text: &str) {
    assert_eq!(read(text), Ok(Violations::default()), "{text}");
}

#[track_caller]
fn refuses(text: &str, pointer: &str, rule: Rule) {
    let found = read(text).expect("is JSON");
    let broken: Vec<_> = found
        .iter()
        .map(|one| (one.pointer.as_str(), one.rule))
        .collect();
    assert_eq!(broken, [(pointer, rule)], "{text}");
}

#[track_caller]
fn is_malformed(text: &str, expected: &str) {
    assert_eq!(read(text).expect_err("is malformed"), expected, "{text}");
}

#[test]
fn json_is_accepted_as_it_comes() {
    accepts("{}");
    accepts(" [ ] ");
    accepts(r#"{"a":[1,2.5,-0,1e10,1E-7,true,false,null,"x\n\u00e9\ud83d\ude00"]}"#);
    accepts("9007199254740993");
    accepts("123456789012345678901234567890.000000000000000000000001");
    accepts("1e400");
    accepts(r#""\/""#);
    accepts(r#"{"a":{"a":{"a":{"a":1}}}}"#);
}

#[test]
fn texts_that_are_not_json_are_malformed() {
    is_malformed("", "unexpected end of input at line 1 column 1");
    is_malformed("{", "unexpected end of input at line 1 column 2");
    is_malformed("{\n\"a\":1,\n}", "trailing comma at line 3 column 1");
    is_malformed("[1,]", "trailing comma at line 1 column 4");
    is_malformed(
        "[1 2]",
        "expected `,` or the end of the container at line 1 column 4",
    );
    is_malformed("{a:1}", "member name must be a string at line 1 column 2");
    is_malformed(r#"{"a" 1}"#, "expected `:` at line 1 column 6");
    is_malformed("01", "trailing characters at line 1 column 2");
    is_malformed(
        "1.",
        "number needs a digit after the point at line 1 column 3",
    );
    is_malformed(
        "1e",
        "number needs a digit in its exponent at line 1 column 3",
    );
    is_malformed("-", "number needs a digit at line 1 column 2");
    is_malformed("nul", "unexpected character at line 1 column 1");
    is_malformed("NaN", "unexpected character at line 1 column 1");
    is_malformed(
        "\"a\u{1}\"",
        "control character in a string at line 1 column 3",
    );
    is_malformed(r#""\x""#, "invalid escape at line 1 column 2");
    is_malformed(r#""\u12""#, "invalid \\u escape at line 1 column 2");
    is_malformed(
        r#""abc"#,
        "unexpected end of input in a string at line 1 column 5",
    );
    is_malformed("{} {}", "trailing characters at line 1 column 4");
}

#[test]
fn what_postgresql_cannot_keep_is_refused_with_a_pointer() {
    refuses(r#"{"a":"x\u0000y"}"#, "/event_data/a", Rule::Nul);
    refuses(r#"{"a":["\ud800"]}"#, "/event_data/a/0", Rule::Format);
    refuses(r#"{"a":["\udc00\ud800"]}"#, "/event_data/a/0", Rule::Format);
    refuses(
        r#"{"a":1,"b":2,"a":3}"#,
        "/event_data/a",
        Rule::DuplicateKey,
    );
    refuses(r#"{"a":1,"\u0061":3}"#, "/event_data/a", Rule::DuplicateKey);
    refuses(
        r#"{"a/b":{"~":0,"~":1}}"#,
        "/event_data/a~1b/~0",
        Rule::DuplicateKey,
    );
    refuses("[1e130000]", "/event_data/0", Rule::Range);
    refuses("[1e-130000]", "/event_data/0", Rule::Range);
    refuses("[1e99999999999999999999]", "/event_data/0", Rule::Range);
}

#[test]
fn bounds_stop_the_reader() {
    refuses(&"[".repeat(10_000), "/event_data", Rule::TooDeep);
    refuses("[[[[[1]]]]]", "/event_data", Rule::TooDeep);
    let many: Vec<String> = (0..41).map(|index| format!("\"k{index}\":0")).collect();
    refuses(
        &format!("{{{}}}", many.join(",")),
        "/event_data",
        Rule::TooManyMembers,
    );
}

#[test]
fn duplicates_are_found_among_many_names() {
    let mut names: Vec<String> = (0..30).map(|index| format!("\"k{index}\":0")).collect();
    names.push("\"k29\":1".to_owned());
    refuses(
        &format!("{{{}}}", names.join(",")),
        "/event_data/k29",
        Rule::DuplicateKey,
    );
    names.truncate(30);
    names.push("\"k3\":1".to_owned());
    refuses(
        &format!("{{{}}}", names.join(",")),
        "/event_data/k3",
        Rule::DuplicateKey,
    );
}

#[test]
fn strings_decode_to_their_text() {
    assert_eq!(decode(r#""plain""#), "plain");
    assert_eq!(
        decode(r#""a\"b\\c\/\b\f\n\r\t""#),
        "a\"b\\c/\u{8}\u{c}\n\r\t"
    );
    assert_eq!(decode(r#""\u00e9\ud83d\ude00!""#), "é😀!");
}

#[test]
fn long_names_are_cut_in_pointers() {
    let text = format!("{{\"{0}\":0,\"{0}\":1}}", "é".repeat(5_000));
    let found = read(&text).unwrap();
    assert!(found.iter().all(|violation| violation.pointer.len() < 300));
}

/// Pieces that make texts which are almost JSON.
const PIECES: &[&str] = &[
    "{", "}", "[", "]", ",", ":", " ", "\n", "\"a\"", "\"b\"", "\"", "\\", "\\u00e9", "\\ud83d",
    "\\ude00", "0", "-", "1", ".", "e", "E+", "2", "true", "false", "null", "é", "😀", "\u{1}",
    "x",
];

proptest::proptest! {
    #[test]
    fn the_reader_and_serde_json_agree_on_what_is_json(
        pieces in proptest::collection::vec(proptest::sample::select(PIECES), 0..12)
    ) {
        let text = pieces.concat();
        let oracle = serde_json::from_str::<&serde_json::value::RawValue>(&text);
        let limits = Limits::default();
        let mut reader = Reader::new(text.as_bytes(), &limits).unwrap();
        let outcome = reader.value().and_then(|_| reader.end());
        proptest::prop_assert_eq!(outcome.is_ok(), oracle.is_ok(), "{}", text);
    }

    #[test]
    fn strings_decode_as_serde_json_decodes_them(text in "\\PC*", escaped in "[a-z\\n\\t\"\\\\é😀]*") {
        for text in [text, escaped] {
            let raw = serde_json::to_string(&text).unwrap();
            proptest::prop_assert_eq!(decode(&raw), text);
        }
    }
}
