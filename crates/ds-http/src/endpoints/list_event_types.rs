//! `GET /api/v1/audit/event-types`: the types of events that are known, with their schemas.

use std::sync::LazyLock;

use bytes::Bytes;
use ds_domain::event::EventCategory;
use ds_validation::{ParameterError, Rule};
use http::{
    HeaderMap, HeaderValue, Response, StatusCode, Uri,
    header::{CACHE_CONTROL, ETAG, IF_NONE_MATCH},
};

use crate::{
    endpoint::{Call, Reply, reply},
    problem::Problem,
    wire::EventTypeList,
};

/// It changes with the version of the service only.
const CACHING: HeaderValue = HeaderValue::from_static("public, max-age=300");

/// An answer, made once.
struct Answer {
    category: Option<EventCategory>,
    body: Bytes,
    tag: HeaderValue,
}

/// One for each category, and one for all.
static ANSWERS: LazyLock<Vec<Answer>> = LazyLock::new(|| {
    let categories = EventCategory::ALL.iter().copied().map(Some);
    categories.chain([None]).map(Answer::new).collect()
});

impl Answer {
    fn new(category: Option<EventCategory>) -> Self {
        // Texts and documents always serialise.
        let body = serde_json::to_vec(&EventTypeList::new(category)).unwrap_or_default();
        Self {
            category,
            tag: tag(&body),
            body: body.into(),
        }
    }
}

pub(super) async fn handle(call: Call) -> Result<Reply, Problem> {
    let category = category(&call.uri).map_err(Problem::of_parameters)?;
    let mut answers = ANSWERS.iter();
    let answer = answers.find(|answer| answer.category == category);
    let Some(Answer { body, tag, .. }) = answer else {
        return Err(Problem::no_route());
    };
    let mut reply = if is_known(&call.headers, tag) {
        let mut reply = Response::default();
        *reply.status_mut() = StatusCode::NOT_MODIFIED;
        reply
    } else {
        let media_type = HeaderValue::from_static("application/json");
        reply(StatusCode::OK, media_type, body.clone())
    };
    reply.headers_mut().insert(ETAG, tag.clone());
    reply.headers_mut().insert(CACHE_CONTROL, CACHING);
    Ok(reply)
}

/// The category that is asked for, if one is.
fn category(uri: &Uri) -> Result<Option<EventCategory>, ParameterError> {
    let mut pairs = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    let Some((_, word)) = pairs.find(|(name, _)| name == "category") else {
        return Ok(None);
    };
    EventCategory::from_word(&word).map(Some).ok_or_else(|| {
        let words: Vec<&str> = EventCategory::ALL
            .iter()
            .map(|word| word.as_str())
            .collect();
        let error = |rule, message| ParameterError::in_query("category", rule, message);
        match &*word {
            "" => error(Rule::Empty, "empty value is not allowed".to_owned()).measured(1, 0),
            _ => {
                let words = words.join("\",\"");
                let message = format!("value is not one of the allowed values [\"{words}\"]");
                error(Rule::Enum, message)
            }
        }
    })
}

/// Whether the client has the version `tag`.
fn is_known(headers: &HeaderMap, tag: &HeaderValue) -> bool {
    let tags = headers.get_all(IF_NONE_MATCH).iter();
    let mut tags = tags.flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    tags.any(|given| {
        let given = given.trim_ascii();
        // The comparison is a weak one.
        given == b"*" || given.strip_prefix(b"W/").unwrap_or(given) == tag.as_bytes()
    })
}

/// A name for `body`: FNV-1a, which differs when the body does, unless somebody works on it.
fn tag(body: &[u8]) -> HeaderValue {
    let hash = body.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    HeaderValue::try_from(format!("\"{hash:016x}\"")).unwrap_or(HeaderValue::from_static("\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(query: &str) -> Result<Option<EventCategory>, (Rule, String)> {
        let uri = format!("/api/v1/audit/event-types{query}").parse().unwrap();
        category(&uri).map_err(|error| (error.rule, error.to_string()))
    }

    #[test]
    fn a_category_is_one_of_the_known_ones() {
        assert_eq!(asked(""), Ok(None));
        assert_eq!(asked("?other=1"), Ok(None));
        assert_eq!(
            asked("?category=workflow&category=x"),
            Ok(Some(EventCategory::Workflow))
        );
        let empty = "parameter \"category\" in query has an error: empty value is not allowed";
        assert_eq!(asked("?category="), Err((Rule::Empty, empty.to_owned())));
        let (rule, refusal) = asked("?category=Gateway").unwrap_err();
        assert_eq!(rule, Rule::Enum);
        assert!(
            refusal.contains("one of the allowed values [\"gateway\","),
            "{refusal}"
        );
    }

    #[test]
    fn a_version_is_known_by_its_tag() {
        let check = |given: &[&str], expected: bool| {
            let mut headers = HeaderMap::new();
            for value in given {
                headers.append(IF_NONE_MATCH, value.parse().unwrap());
            }
            assert_eq!(
                is_known(&headers, &HeaderValue::from_static("\"a\"")),
                expected,
                "{given:?}"
            );
        };
        check(&[], false);
        check(&["\"a\""], true);
        check(&["\"b\", W/\"a\""], true);
        check(&["\"b\"", "\"a\""], true);
        check(&["*"], true);
        check(&["a", "\"ab\""], false);
    }

    #[test]
    fn answers_differ_and_so_do_their_tags() {
        assert_eq!(ANSWERS.len(), EventCategory::ALL.len() + 1);
        for (index, answer) in ANSWERS.iter().enumerate() {
            for other in &ANSWERS[index + 1..] {
                assert_eq!(answer.body == other.body, answer.tag == other.tag);
            }
        }
    }
}
