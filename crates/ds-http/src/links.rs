//! Links from a page to its neighbours.

use ds_domain::{
    cursor::{Cursor, Placed, Side},
    filter::{Timed, Times},
};
use ds_repository::{CursorKey, Listing};
use ds_validation::query::Query;
use form_urlencoded::Serializer;
use http::{HeaderValue, Uri};

/// Longest `Link` header. Proxies and clients refuse heads of a few kilobytes; the links are in the
/// body, too.
const HEADER_BYTES_MAX: usize = 4 * 1024;

/// Parameters that say which page is asked for: a link has its own.
const OF_ONE_PAGE: [&str; 3] = ["cursor", "offset", "count"];

/// Links to the pages behind and in front of a page, relative to the server.
#[derive(Debug, Default, Eq, PartialEq)]
pub(crate) struct Links {
    pub(crate) next: Option<String>,
    pub(crate) prev: Option<String>,
}

impl Links {
    /// The links of the page that was `found` when `query` was asked at `uri`.
    pub(crate) fn of<F: Timed, T: Placed>(
        uri: &Uri,
        query: &Query<F>,
        found: &Listing<T>,
        key: &CursorKey,
    ) -> Self {
        let Times { since, until } = query.filter.times();
        let link = |side, item: Option<&T>| {
            let cursor = Cursor {
                side,
                position: item?.position(),
                since,
                until,
            };
            Some(link(uri, &key.seal(&cursor, &query.scope)))
        };
        Self {
            next: match found.has_more {
                true => link(Side::After, found.items.last()),
                false => None,
            },
            prev: match found.has_newer {
                true => link(Side::Before, found.items.first()),
                false => None,
            },
        }
    }

    /// The same as a header (RFC 8288), unless there is nothing to say or too much of it.
    pub(crate) fn header(&self) -> Option<HeaderValue> {
        let links = [(&self.next, "next"), (&self.prev, "prev")];
        let links = links
            .into_iter()
            .filter_map(|(link, rel)| Some(format!("<{}>; rel=\"{rel}\"", link.as_ref()?)));
        let text = links.collect::<Vec<_>>().join(", ");
        let fits = (1..=HEADER_BYTES_MAX).contains(&text.len());
        // Encoded, it is ASCII.
        fits.then(|| HeaderValue::from_str(&text).ok()).flatten()
    }
}

/// The same question, at another place.
pub(crate) fn link(uri: &Uri, cursor: &str) -> String {
    let asked = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    let mut link = Serializer::new(String::new());
    link.extend_pairs(asked.filter(|(name, _)| !OF_ONE_PAGE.contains(&&**name)));
    link.append_pair("cursor", cursor);
    format!("{}?{}", uri.path(), link.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(asked: &str, expected: &str) {
        assert_eq!(link(&asked.parse().unwrap(), "c-_"), expected);
    }

    #[test]
    fn a_link_asks_the_same_question_at_another_place() {
        check("/events", "/events?cursor=c-_");
        check(
            "/events?severity=a&offset=7&limit=5&severity=b&cursor=x&count=exact",
            "/events?severity=a&limit=5&severity=b&cursor=c-_",
        );
        check(
            "/a%2Fb?namespace=%27+%3E%3C%22%0D%0A%C3%BC&since=24h",
            "/a%2Fb?namespace=%27+%3E%3C%22%0D%0A%C3%BC&since=24h&cursor=c-_",
        );
    }

    #[test]
    fn the_header_has_both_links_unless_they_are_too_long() {
        let links = Links {
            next: Some("/e?cursor=a".to_owned()),
            prev: Some("/e?cursor=b".to_owned()),
        };
        let expected = r#"</e?cursor=a>; rel="next", </e?cursor=b>; rel="prev""#;
        assert_eq!(links.header().unwrap(), expected);
        let next = Some("x".repeat(HEADER_BYTES_MAX));
        assert_eq!(Links { next, prev: None }.header(), None);
        assert_eq!(Links::default().header(), None);
    }
}
