//! Searches for workflows: bytes → a search, or everything that is wrong with it.

use ds_domain::{
    limit::{NOTIFICATION_NAME_CHARS_MAX, SEARCH_RESULTS_DEFAULT, SEARCH_RESULTS_MAX},
    score::Total,
    search::{SearchFilters, WorkflowSearch, WorkflowStatus},
};

use crate::{
    Limits, Rejection, Rule, Violation, Violations,
    form::{self, Field, nullable, required},
    json::{Kind, Members, Value, items},
    label::{self, Place, Side, known, string},
    member::{self, boolean, integer, of_kind},
};

/// A search as it was written: `None` is an absent member.
#[derive(Debug, Default)]
struct SearchDraft {
    remediation_id: Option<String>,
    /// Its text: what is inside is read later, member by member.
    filters: Option<String>,
    top_k: Option<i64>,
    /// Its text: no digit is lost.
    min_score: Option<String>,
    include_disabled: Option<bool>,
    explain: Option<bool>,
}

/// The members of a search. `n` is the name, `v` the value, `d` the draft it goes to.
#[rustfmt::skip]
const SEARCH: &[Field<SearchDraft>] = &[
    nullable("remediation_id", |n, v, d| member::string(n, v).map(|text| d.remediation_id = Some(text.into()))),
    required("filters", |n, v, d| of_kind(n, v, Kind::Object, "an object").map(|text| d.filters = Some(text.into()))),
    nullable("top_k", |n, v, d| integer(n, v).map(|number| d.top_k = Some(number))),
    nullable("min_score", |n, v, d| of_kind(n, v, Kind::Number, "a number").map(|text| d.min_score = Some(text.into()))),
    nullable("include_disabled", |n, v, d| boolean(n, v).map(|flag| d.include_disabled = Some(flag))),
    nullable("explain", |n, v, d| boolean(n, v).map(|flag| d.explain = Some(flag))),
];

/// Reads and checks one search.
pub fn parse_search(body: &[u8], limits: &Limits) -> Result<WorkflowSearch, Rejection> {
    form::parse(body, limits, SEARCH, check)
}

fn check(draft: SearchDraft, mut found: Violations) -> Result<WorkflowSearch, Violations> {
    let search = match found.has("") {
        // A body that is no object has no members to be missing.
        true => None,
        false => complete(draft, &mut found),
    };
    match search {
        Some(search) if found.is_empty() => Ok(search),
        Some(_) | None => {
            found.sort();
            Err(found)
        }
    }
}

fn complete(draft: SearchDraft, found: &mut Violations) -> Option<WorkflowSearch> {
    let remediation_id = draft.remediation_id.filter(|id| !id.is_empty());
    if let Some(id) = &remediation_id {
        check_remediation(id, found);
    }
    let filters = match &draft.filters {
        Some(text) => read_filters(text, found),
        None => {
            // One of another type has been reported.
            let place = Place::of_field("filters");
            place.report(Rule::Required, "filters is required", found);
            None
        }
    };
    let top_k = draft.top_k.map_or(Some(SEARCH_RESULTS_DEFAULT), |number| {
        let top_k = u8::try_from(number).ok();
        let top_k = top_k.filter(|top_k| (1..=SEARCH_RESULTS_MAX).contains(top_k));
        let (min, max) = (1, i64::from(SEARCH_RESULTS_MAX));
        top_k.or_else(|| refuse(Violation::of_integer("top_k", number, min, max), found))
    });
    let min_score = draft.min_score.map_or(Some(Total(0)), |text| {
        let total = least_total(&text);
        let is_below = text.starts_with('-');
        total.or_else(|| refuse(Violation::of_number("min_score", is_below, 0, 1), found))
    });
    Some(WorkflowSearch {
        remediation_id,
        filters: filters?,
        top_k: top_k?,
        min_score: min_score?,
        include_disabled: draft.include_disabled.unwrap_or(false),
        explain: draft.explain.unwrap_or(false),
    })
}

/// It ties the search to the events of a remediation, so it has their bounds.
fn check_remediation(id: &str, found: &mut Violations) {
    let max = NOTIFICATION_NAME_CHARS_MAX;
    let chars = id.chars().count();
    if chars > max {
        let message = format!("maximum string length is {max}");
        let place = Place::of_field("remediation_id");
        place.report_measured(Rule::TooLong, message, (max, chars), found);
    }
}

fn read_filters(text: &str, found: &mut Violations) -> Option<SearchFilters> {
    let place = Place::of_field("filters");
    let kind = Kind::Object;
    let members = Members::of(Value { kind, text })?;
    let labels = label::mandatory(&members, Side::Search, &place, found);
    let detected = members.get("detected_labels").map_or_else(
        || Some(Default::default()),
        |value| label::detected(value, &place.member("detected_labels"), found),
    );
    let custom = members.get("custom_labels").map_or_else(
        || Some(Default::default()),
        |value| label::custom(value, &place.member("custom_labels"), found),
    );
    let statuses = members.get("status").map_or_else(
        || Some(Vec::new()),
        |value| read_statuses(value, &place.member("status"), found),
    );
    Some(SearchFilters {
        labels: labels?,
        detected: detected?,
        custom: custom?,
        statuses: statuses?,
    })
}

fn read_statuses(
    value: Value<'_>,
    place: &Place,
    found: &mut Violations,
) -> Option<Vec<WorkflowStatus>> {
    let Some(items) = items(value) else {
        place.report(Rule::Type, "value must be an array", found);
        return None;
    };
    let max = WorkflowStatus::ALL.len();
    if items.len() > max {
        let message = format!("there are only {max} statuses");
        place.report_measured(Rule::TooMany, message, (max, items.len()), found);
        return None;
    }
    let mut statuses = Vec::new();
    for (index, item) in items.into_iter().enumerate() {
        let place = place.item(index);
        let Some(word) = string(item, &place, found) else {
            continue;
        };
        let words = WorkflowStatus::ALL.iter().map(|word| word.as_str());
        let status = known(WorkflowStatus::from_word(&word), words, &place, found);
        statuses.extend(status.filter(|status| !statuses.contains(status)));
    }
    Some(statuses)
}

/// Reports a number out of bounds, unless the reader has reported something about it.
fn refuse<T>(violation: Violation, found: &mut Violations) -> Option<T> {
    if !found.has(&violation.pointer) {
        found.add(violation);
    }
    None
}

/// Digits behind the point of a total.
const DECIMALS: i64 = 4;

/// The least score that reaches the number `text`, which passed the reader; `None` when the number
/// is not between 0 and 1. No floating point, so that 0.5025 is reached by 0.5025.
fn least_total(text: &str) -> Option<Total> {
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (is_negative, mantissa) = match mantissa.strip_prefix('-') {
        Some(mantissa) => (true, mantissa),
        None => (false, mantissa),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let digits = digits.trim_start_matches('0');
    if digits.is_empty() {
        return Some(Total(0));
    }
    if is_negative {
        return None;
    }
    // The number is `digits` with the point so many places from its end; ours is after four more.
    let exponent: i64 = exponent.parse().ok()?;
    let moved = exponent
        .checked_sub(i64::try_from(fraction.len()).ok()?)?
        .checked_add(DECIMALS)?;
    let length = i64::try_from(digits.len()).ok()?;
    let places = length.checked_add(moved)?;
    if places > 5 {
        return None;
    }
    let kept = usize::try_from(places.clamp(0, length)).ok()?;
    let (head, rest) = digits.split_at(kept);
    let head: u32 = if head.is_empty() {
        0
    } else {
        head.parse().ok()?
    };
    let zeros = u32::try_from(moved.max(0)).ok()?;
    let number = head.checked_mul(10_u32.checked_pow(zeros)?)?;
    let is_cut = rest.bytes().any(|digit| digit != b'0');
    let number = u16::try_from(number + u32::from(is_cut)).ok().map(Total)?;
    (number <= Total::MAX).then_some(number)
}

#[cfg(test)]
mod tests;
