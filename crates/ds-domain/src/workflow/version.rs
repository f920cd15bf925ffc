//! Which version of a workflow is the highest.
//!
//! Versions that can be read as semantic ones are compared as such, also `v1.2` and `1.2`, which mean
//! `1.2.0`. Of one that cannot be read nothing is known but when it arrived: it is higher than what
//! was there, and lower than the semantic ones that arrive later and exceed all others. So an old
//! version that is added late never becomes the highest one, and any two servers agree.

use semver::Version;

use super::WorkflowStatus;

/// The versions of a name that matter.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Top {
    /// The highest one; none only when there is none. Positions are those of the versions given.
    pub latest: Option<usize>,
    /// The highest one that is active.
    pub search: Option<usize>,
}

/// Finds the highest versions among all of one name, which are given in order of arrival.
pub fn top<'v>(versions: impl Iterator<Item = (&'v str, WorkflowStatus)>) -> Top {
    let (texts, statuses): (Vec<_>, Vec<_>) = versions.unzip();
    let order = order(&texts);
    let is_active = |at: &&usize| statuses.get(**at) == Some(&WorkflowStatus::Active);
    Top {
        latest: order.last().copied(),
        search: order.iter().rev().find(is_active).copied(),
    }
}

/// The positions of `versions`, which are given in order of arrival, from the lowest to the highest.
fn order(versions: &[&str]) -> Vec<usize> {
    let parsed: Vec<Option<Version>> = versions.iter().map(|text| parse(text)).collect();
    let mut order: Vec<usize> = Vec::with_capacity(versions.len());
    // Above the highest semantic version there can only be others that arrived after it.
    let mut highest: Option<&Version> = None;
    for (arrival, version) in parsed.iter().enumerate() {
        let Some(version) = version else {
            order.push(arrival);
            continue;
        };
        if highest.is_none_or(|highest| version.cmp_precedence(highest).is_ge()) {
            highest = Some(version);
            order.push(arrival);
            continue;
        }
        let is_higher = |at: &usize| {
            let other = parsed.get(*at).and_then(Option::as_ref);
            other.is_some_and(|other| other.cmp_precedence(version).is_gt())
        };
        let place = order.iter().position(is_higher).unwrap_or(order.len());
        order.insert(place, arrival);
    }
    order
}

/// Reads a version as people write them.
fn parse(text: &str) -> Option<Version> {
    let text = text.strip_prefix(['v', 'V']).unwrap_or(text);
    let end = text.find(['-', '+']).unwrap_or(text.len());
    let (numbers, rest) = text.split_at(end);
    let missing = match numbers.split('.').count() {
        1 => ".0.0",
        2 => ".0",
        _ => "",
    };
    Version::parse(&format!("{numbers}{missing}{rest}")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks that versions that arrive as on the left stand as on the right.
    #[track_caller]
    fn check(arriving: &[&str], ordered: &[&str]) {
        let order = order(arriving);
        let found: Vec<&str> = order.iter().map(|at| arriving[*at]).collect();
        assert_eq!(found, ordered);
        let all = arriving.iter().map(|text| (*text, WorkflowStatus::Active));
        let highest = order.last().copied();
        let expected = Top {
            latest: highest,
            search: highest,
        };
        assert_eq!(top(all), expected);
    }

    #[test]
    fn semantic_versions_are_compared_as_such() {
        check(&["1.10.0", "1.9.0", "1.2.0"], &["1.2.0", "1.9.0", "1.10.0"]);
        check(
            &["v2.0", "v1.0", "1.5.0", "v3"],
            &["v1.0", "1.5.0", "v2.0", "v3"],
        );
        check(
            &["1.0.0", "1.0.0-rc.2", "1.0.0-rc.10", "1.0-alpha"],
            &["1.0-alpha", "1.0.0-rc.2", "1.0.0-rc.10", "1.0.0"],
        );
    }

    #[test]
    fn versions_that_mean_the_same_stand_as_they_arrive() {
        check(
            &["1.0.0", "v1.0", "1", "1.0.0+build.7"],
            &["1.0.0", "v1.0", "1", "1.0.0+build.7"],
        );
        check(&["2.0.0", "v1.0", "1.0.0"], &["v1.0", "1.0.0", "2.0.0"]);
    }

    #[test]
    fn versions_that_cannot_be_read_stand_as_they_arrive() {
        check(
            &["zebra", "apple", "1.2.3.4"],
            &["zebra", "apple", "1.2.3.4"],
        );
        check(&["01.0.0", "latest", ""], &["01.0.0", "latest", ""]);
    }

    #[test]
    fn an_old_version_never_becomes_the_highest_whatever_else_there_is() {
        check(&["2.0.0", "edge", "1.0.0"], &["1.0.0", "2.0.0", "edge"]);
        check(&["edge", "1.0.0", "0.9.0"], &["edge", "0.9.0", "1.0.0"]);
        check(
            &["2.0.0", "edge", "3.0.0", "2.5.0", "main"],
            &["2.0.0", "edge", "2.5.0", "3.0.0", "main"],
        );
    }

    #[test]
    fn a_search_finds_the_highest_active_one() {
        use WorkflowStatus::{Active, Archived, Deprecated, Disabled};
        let top = |versions: &[(&'static str, WorkflowStatus)]| top(versions.iter().copied());
        let expected = |latest, search| Top { latest, search };
        assert_eq!(top(&[]), expected(None, None));
        assert_eq!(
            top(&[("1", Active), ("3", Disabled), ("2", Active)]),
            expected(Some(1), Some(2))
        );
        assert_eq!(
            top(&[("1", Archived), ("2", Deprecated)]),
            expected(Some(1), None)
        );
    }
}
