//! Cross-origin requests: any origin may ask, none may send credentials.

use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Response,
    header::{
        ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
        ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
        ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
    },
    request::Parts,
};

use crate::endpoint::Reply;

/// The methods a page of another origin may use.
const METHODS: &[&str] = &["GET", "POST", "PATCH", "OPTIONS"];

/// The headers it may set, lower-case, each with its canonical spelling.
const HEADERS: &[(&str, &str)] = &[
    ("accept", "Accept"),
    ("authorization", "Authorization"),
    ("content-type", "Content-Type"),
    ("x-request-id", "X-Request-Id"),
    ("origin", "Origin"),
];

const ANY: HeaderValue = HeaderValue::from_static("*");
const ORIGIN_NAME: HeaderValue = HeaderValue::from_static("Origin");

/// Whether a page of another origin sent the request.
pub(crate) fn is_cross_origin(headers: &HeaderMap) -> bool {
    headers.contains_key(ORIGIN)
}

/// Adds what every answer carries.
pub(crate) fn mark(headers: &mut HeaderMap, cross_origin: bool) {
    // A preflight brings its own, longer list.
    if headers.get_all(VARY).iter().all(|name| name != ORIGIN_NAME) {
        headers.append(VARY, ORIGIN_NAME);
        if cross_origin {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, ANY);
            headers.insert(
                ACCESS_CONTROL_EXPOSE_HEADERS,
                HeaderValue::from_static("Link, X-Request-Id"),
            );
        }
    }
}

/// The answer to a browser that asks before it sends; `None` for any other request.
///
/// It is 200 whatever is asked: the headers, or their absence, are the answer.
pub(crate) fn preflight(parts: &Parts) -> Option<Reply> {
    if parts.method != Method::OPTIONS || !is_cross_origin(&parts.headers) {
        return None;
    }
    let asked_method = parts.headers.get(ACCESS_CONTROL_REQUEST_METHOD)?;
    let mut reply = Response::default();
    let headers: &mut HeaderMap = reply.headers_mut();
    headers.append(VARY, ORIGIN_NAME);
    headers.append(
        VARY,
        HeaderValue::from_static("Access-Control-Request-Method"),
    );
    headers.append(
        VARY,
        HeaderValue::from_static("Access-Control-Request-Headers"),
    );
    let method = METHODS
        .iter()
        .find(|method| asked_method.as_bytes() == method.as_bytes());
    if let (Some(method), Some(allowed)) = (method, allowed_headers(&parts.headers)) {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, ANY);
        headers.insert(
            ACCESS_CONTROL_ALLOW_METHODS,
            HeaderValue::from_static(method),
        );
        if let Ok(allowed) = HeaderValue::from_str(&allowed)
            && !allowed.is_empty()
        {
            headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, allowed);
        }
        headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("300"));
    }
    Some(reply)
}

/// The headers that are asked for, in canonical spelling; `None` if one of them is not allowed.
fn allowed_headers(headers: &HeaderMap) -> Option<String> {
    let mut allowed: Vec<&str> = Vec::new();
    for line in headers.get_all(ACCESS_CONTROL_REQUEST_HEADERS) {
        for name in line.to_str().ok()?.split(',') {
            let name = name.trim_ascii();
            if name.is_empty() {
                continue;
            }
            let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
            let (_, canonical) = HEADERS.iter().find(|(lower, _)| *lower == name.as_str())?;
            // A repeated name says nothing new, and must not make the answer grow.
            if !allowed.contains(canonical) {
                allowed.push(canonical);
            }
        }
    }
    Some(allowed.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(method: &str, headers: &str) -> Reply {
        let request = http::Request::options("/api/v1/audit/events")
            .header(ORIGIN, "https://dashboard.example")
            .header(ACCESS_CONTROL_REQUEST_METHOD, method)
            .header(ACCESS_CONTROL_REQUEST_HEADERS, headers)
            .body(())
            .unwrap();
        preflight(&request.into_parts().0).unwrap()
    }

    #[track_caller]
    fn check(method: &str, headers: &str, expected: Option<(&str, &str)>) {
        let reply = ask(method, headers);
        assert_eq!(reply.status(), http::StatusCode::OK);
        assert_eq!(reply.headers().get_all(VARY).iter().count(), 3);
        let value = |name: HeaderName| reply.headers().get(name).map(|v| v.to_str().unwrap());
        let given = value(ACCESS_CONTROL_ALLOW_METHODS).map(|methods| {
            (
                methods,
                value(ACCESS_CONTROL_ALLOW_HEADERS).unwrap_or_default(),
            )
        });
        assert_eq!(given, expected);
        assert_eq!(value(ACCESS_CONTROL_ALLOW_ORIGIN), expected.map(|_| "*"));
        assert_eq!(value(ACCESS_CONTROL_MAX_AGE), expected.map(|_| "300"));
    }

    #[test]
    fn a_preflight_names_exactly_what_was_asked_for() {
        check("POST", "content-type", Some(("POST", "Content-Type")));
        check(
            "PATCH",
            "content-type,x-request-id",
            Some(("PATCH", "Content-Type, X-Request-Id")),
        );
        check("GET", "", Some(("GET", "")));
        check("GET", "accept, accept , ACCEPT", Some(("GET", "Accept")));
    }

    #[test]
    fn a_preflight_for_something_else_is_answered_without_permission() {
        check("DELETE", "content-type", None);
        check("post", "content-type", None);
        check("POST", "x-secret", None);
    }
}
