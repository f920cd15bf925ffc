//! What a version says about its place among others.

/// The place of a version that can be read: two of the same mean the same.
///
/// The order of the members is that of [semantic versions](https://semver.org/#spec-item-11): of
/// equal numbers a release is higher than what came before it, whose identifiers decide then.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct Precedence<'v> {
    /// Without zeros at the end: `1.2` means `1.2.0`.
    numbers: Vec<Number<'v>>,
    is_release: bool,
    identifiers: Vec<Identifier<'v>>,
}

/// A number of any length. The one with more digits is greater.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
struct Number<'v> {
    digits: usize,
    /// Without zeros in front.
    text: &'v str,
}

/// A part of what stands behind the hyphen. Numbers are lower than words.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Identifier<'v> {
    Number(Number<'v>),
    Word(&'v str),
}

impl<'v> Precedence<'v> {
    /// Reads a version as people write them: dotted numbers, as many as they like, perhaps behind a
    /// `v`, perhaps followed by what semantic versions may be followed by; or a date with hyphens.
    /// Every semantic version can be read.
    pub(super) fn of(version: &'v str) -> Option<Self> {
        let version = version.strip_prefix(['v', 'V']).unwrap_or(version);
        if let Some(numbers) = date(version) {
            return Some(Self {
                numbers,
                is_release: true,
                identifiers: Vec::new(),
            });
        }
        let (version, build) = match version.split_once('+') {
            Some((version, build)) => (version, Some(build)),
            None => (version, None),
        };
        // What was built of a version says nothing about its place.
        if let Some(build) = build {
            identifiers(build)?;
        }
        let (numbers, before) = match version.split_once('-') {
            Some((numbers, before)) => (numbers, Some(before)),
            None => (version, None),
        };
        Some(Self {
            numbers: self::numbers(numbers, '.')?,
            is_release: before.is_none(),
            identifiers: before.map_or_else(|| Some(Vec::new()), identifiers)?,
        })
    }
}

/// A date like `2025-10-02`. Shorter ones, such as `1-2`, are numbers with something behind them.
fn date(text: &str) -> Option<Vec<Number<'_>>> {
    let is_long = text.split('-').count() > 2;
    numbers(text, '-').filter(|_| is_long)
}

fn numbers(text: &str, separator: char) -> Option<Vec<Number<'_>>> {
    let numbers: Option<Vec<_>> = text.split(separator).map(Number::of).collect();
    let mut numbers = numbers?;
    while numbers.last().is_some_and(|number| number.digits == 0) {
        numbers.pop();
    }
    Some(numbers)
}

fn identifiers(text: &str) -> Option<Vec<Identifier<'_>>> {
    let identifier = |part| match Number::of(part) {
        Some(number) => Some(Identifier::Number(number)),
        None => is_word(part).then_some(Identifier::Word(part)),
    };
    text.split('.').map(identifier).collect()
}

fn is_word(part: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    !part.is_empty() && part.bytes().all(is_plain)
}

impl<'v> Number<'v> {
    fn of(text: &'v str) -> Option<Self> {
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let text = is_number.then(|| text.trim_start_matches('0'))?;
        let digits = text.len();
        Some(Self { digits, text })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use semver::Version;

    use super::*;

    /// A part of a version: numbers that collide, with zeros in front, or longer than any machine's.
    const NUMBER: &str = "0{0,2}[0-9]|1[0-9]{20,22}";

    /// Versions as people write them; some of them mean the same.
    fn versions() -> impl Strategy<Value = String> {
        let dotted = format!("[vV]?({NUMBER})(\\.({NUMBER})){{0,4}}");
        let dotted = format!("{dotted}(-(rc|a-b|0?[0-9])(\\.(x|0?[0-9]))?)?(\\+b\\.[0-9])?");
        prop_oneof![
            proptest::string::string_regex(&dotted).unwrap(),
            "20[0-9]{2}-0?[1-9]-0?[1-9]",
        ]
    }

    fn settings() -> ProptestConfig {
        ProptestConfig {
            failure_persistence: None,
            ..ProptestConfig::with_cases(2_000)
        }
    }

    proptest! {
        #![proptest_config(settings())]

        #[test]
        fn semantic_versions_stand_as_their_specification_has_it(
            texts in proptest::array::uniform2(
                r"(0|[1-9][0-9]?)\.(0|1)\.(0|1)(-(0|[1-9][0-9]?|[a-b-]{1,2})(\.(0|1|x))?)?(\+0[0-9])?",
            ),
        ) {
            let [one, other] = texts.each_ref().map(|text| Version::parse(text).unwrap());
            let [own, others] = texts.each_ref().map(|text| Precedence::of(text).unwrap());
            prop_assert_eq!(own.cmp(&others), one.cmp_precedence(&other), "{:?}", texts);
        }

        #[test]
        fn what_can_be_read_has_one_order(
            texts in proptest::array::uniform3(versions()),
        ) {
            let [a, b, c] = texts.each_ref().map(|text| Precedence::of(text).unwrap());
            prop_assert_eq!(a.cmp(&b), b.cmp(&a).reverse());
            if a <= b && b <= c {
                prop_assert!(a <= c, "{:?}", texts);
            }
        }
    }

    #[track_caller]
    fn check_rising(versions: &[&str]) {
        for pair in versions.windows(2) {
            let [lower, higher] = [pair[0], pair[1]].map(|text| Precedence::of(text).unwrap());
            assert!(lower < higher, "{pair:?}");
        }
    }

    #[test]
    fn numbers_are_compared_as_numbers_whatever_their_length() {
        check_rising(&[
            "1.0.0",
            "18446744073709551616.0.0",
            "99999999999999999999.0.0",
        ]);
        check_rising(&["2025.09.01", "2025.10.02", "2025.10.10"]);
        check_rising(&["01.2.3", "1.2.4", "02", "2.0.0.1", "v10"]);
        check_rising(&["1.2.3", "1.2.3.4", "1.2.3.5", "1.2.3.10", "1.2.4"]);
        check_rising(&["2025-09-30", "2025-9-31", "2025-10-02", "2025-10-02-1"]);
        check_rising(&["1.0-rc.9", "1.0-rc.010", "1.0"]);
    }

    #[test]
    fn what_means_the_same_is_equal() {
        let same = ["1.2", "v1.2.0", "1.02.0.0", "V1.2+build.7"];
        let read = same.map(|text| Precedence::of(text).unwrap());
        assert!(read.iter().all(|it| it == &read[0]));
    }

    #[test]
    fn what_says_no_numbers_cannot_be_read() {
        for text in [
            "",
            "v",
            "edge",
            "release-1.0",
            "1..0",
            "1.0.",
            ".1",
            "1.x",
            "1.0.0-",
            "1.0.0-rc_1",
            "1.0.0+",
            "1.0.0-a..b",
            "1.0rc1",
            " 1.0",
            "١.٢",
            "-1",
            "1.0.0+a+b",
            "vv1",
        ] {
            assert_eq!(Precedence::of(text), None, "{text}");
        }
    }
}
