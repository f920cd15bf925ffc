//! Which version of a workflow is the highest.
//!
//! Versions that say numbers are compared as semantic ones are, also `v1.2` and `1.2`, which mean
//! `1.2.0`, and those of more parts or with zeros in front. Of one that says none nothing is known
//! but when it arrived: it is higher than what was there, and lower than those with numbers that
//! arrive later and exceed all others. So an old version that is added late never becomes the highest
//! one, and any two servers agree. Whoever is on top only because of when it arrived is
//! [told so](is_guess).

mod precedence;

use precedence::Precedence;

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

/// Whether the last of `versions`, which are given in order of arrival, is on top of the others
/// although it does not say that it is higher than the one that was there before.
pub fn is_guess(versions: &[(&str, WorkflowStatus)]) -> bool {
    let Some(((version, _), before)) = versions.split_last() else {
        return false;
    };
    let (old, new) = (top(before.iter().copied()), top(versions.iter().copied()));
    let own = Some(before.len());
    let is_lower = |at: usize| {
        let other = before.get(at).map(|(other, _)| Precedence::of(other));
        let own = Precedence::of(version);
        own.is_some_and(|own| other.flatten().is_some_and(|other| own > other))
    };
    let marks = [(new.latest, old.latest), (new.search, old.search)];
    let mut taken = marks.iter().filter(|(new, _)| *new == own);
    taken.any(|(_, old)| old.is_some_and(|old| !is_lower(old)))
}

/// The positions of `versions`, which are given in order of arrival, from the lowest to the highest.
fn order(versions: &[&str]) -> Vec<usize> {
    let read: Vec<Option<Precedence<'_>>> =
        versions.iter().map(|text| Precedence::of(text)).collect();
    let mut order: Vec<usize> = Vec::with_capacity(versions.len());
    // Above the highest version with numbers there can only be others that arrived after it.
    let mut highest: Option<&Precedence<'_>> = None;
    for (arrival, version) in read.iter().enumerate() {
        let Some(version) = version else {
            order.push(arrival);
            continue;
        };
        if highest.is_none_or(|highest| version >= highest) {
            highest = Some(version);
            order.push(arrival);
            continue;
        }
        let is_higher = |at: &usize| {
            let other = read.get(*at).and_then(Option::as_ref);
            other.is_some_and(|other| other > version)
        };
        let place = order.iter().position(is_higher).unwrap_or(order.len());
        order.insert(place, arrival);
    }
    order
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
        check(
            &["release-1.0", "latest", ""],
            &["release-1.0", "latest", ""],
        );
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
    fn an_older_one_of_these_does_not_become_the_latest() {
        for (older, newer) in [
            ("1.0.0", "99999999999999999999.0.0"),
            ("2.0.0", "18446744073709551616.0.0"),
            ("2025.09.01", "2025.10.02"),
            ("01.2.3", "2.0.0"),
            ("1.2.3.4", "1.2.3.5"),
            ("2025-9-30", "2025-10-02"),
        ] {
            check(&[newer, older], &[older, newer]);
            check(&[older, newer], &[older, newer]);
        }
    }

    #[test]
    fn what_can_be_compared_stands_the_same_in_whichever_order_it_arrives() {
        let versions = ["3", "edge", "1.2.3.4", "v2.0", "main", "1.2.3", "02.1"];
        // Taken in steps, beginning anywhere: enough of the orders to tell.
        for start in 0..versions.len() {
            for step in 1..versions.len() {
                let turned = (0..versions.len()).map(|n| (start + n * step) % versions.len());
                let arriving: Vec<&str> = turned.map(|at| versions[at]).collect();
                let order = order(&arriving);
                let found = order.iter().map(|at| arriving[*at]);
                let found: Vec<&str> = found.filter(|it| !["edge", "main"].contains(it)).collect();
                assert_eq!(
                    found,
                    ["1.2.3", "1.2.3.4", "v2.0", "02.1", "3"],
                    "{arriving:?}"
                );
            }
        }
    }

    #[test]
    fn who_is_on_top_only_because_of_its_arrival_is_told_so() {
        use WorkflowStatus::{Active, Disabled};
        let guess = |versions: &[&'static str]| {
            let versions: Vec<_> = versions.iter().map(|it| (*it, Active)).collect();
            is_guess(&versions)
        };
        for versions in [
            &["v2.0.0", "release-1.0"][..],
            &["zebra", "apple"],
            &["edge", "1.0.0"],
            &["1.0.0", "edge", "2.0.0"],
            // The same place: nothing says which one is higher.
            &["1.0.0+build.8", "1.0.0+build.7"],
            &["1.0.0", "v1.0"],
        ] {
            assert!(guess(versions), "{versions:?}");
        }
        for versions in [
            &[][..],
            &["edge"],
            &["1.0.0", "1.0.1"],
            &["edge", "1.0.0", "2.0.0"],
            &["2.0.0", "edge", "1.0.0"],
            &["edge", "1.0.0", "0.9.0"],
        ] {
            assert!(!guess(versions), "{versions:?}");
        }
        // It is not the latest, but what a search finds.
        let versions = [
            ("1.0", Active),
            ("edge", Active),
            ("3.0", Disabled),
            ("2.0", Active),
        ];
        assert!(is_guess(&versions));
        assert!(!is_guess(&[
            ("1.0", Active),
            ("3.0", Disabled),
            ("2.0", Active)
        ]));
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
