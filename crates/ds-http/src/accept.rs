//! Which form of an answer a client wants.

use http::{HeaderMap, header::ACCEPT};

/// The media type of one JSON value a line.
pub(crate) const NDJSON: &str = "application/x-ndjson";

/// Whether the client wants its answer as a stream of lines: it names that type, and nothing it would
/// like better. Wildcards mean the usual form.
pub(crate) fn wants_ndjson(headers: &HeaderMap) -> bool {
    let ranges = headers
        .get_all(ACCEPT)
        .into_iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','));
    let (mut lines, mut usual) = (0.0, 0.0);
    for range in ranges {
        let mut parts = range.split(';').map(str::trim_ascii);
        let media_type = parts.next().unwrap_or_default();
        let weight = parts
            .filter_map(|part| part.split_once('='))
            .find(|(name, _)| name.trim_ascii().eq_ignore_ascii_case("q"))
            .map_or(Some(1.0_f32), |(_, weight)| {
                weight.trim_ascii().parse().ok()
            });
        let weight = weight.unwrap_or(0.0);
        if media_type.eq_ignore_ascii_case(NDJSON) {
            lines = weight;
        } else if media_type.eq_ignore_ascii_case("application/json") {
            usual = weight;
        }
    }
    lines > 0.0 && lines >= usual
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[track_caller]
    fn check(lines: &[&str], expected: bool) {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(ACCEPT, HeaderValue::from_str(line).unwrap());
        }
        assert_eq!(wants_ndjson(&headers), expected, "{lines:?}");
    }

    #[test]
    fn lines_are_sent_to_those_who_name_them() {
        check(&[], false);
        check(&["*/*"], false);
        check(&["application/*"], false);
        check(&["application/json"], false);
        check(&["application/x-ndjson"], true);
        check(&["Application/X-NDJSON; charset=utf-8"], true);
        check(&["application/x-ndjson, */*;q=0.1"], true);
        check(&["application/json, application/x-ndjson;q=0.5"], false);
        check(
            &["application/json;q=0.5", "application/x-ndjson; q=0.9"],
            true,
        );
        check(&["application/x-ndjson;q=0"], false);
        check(&["application/x-ndjson;q=x"], false);
        check(&["application/x-ndjsonx"], false);
    }
}
