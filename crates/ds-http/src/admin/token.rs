//! Who may change something.

use http::{HeaderMap, header::AUTHORIZATION};
use secrecy::ExposeSecret;
use subtle::ConstantTimeEq;

use crate::{AdminToken, problem::Problem};

/// Checks that the sender knows the token of operators.
pub(super) fn authorize(headers: &HeaderMap, admin_token: &AdminToken) -> Result<(), Problem> {
    let Some(token) = admin_token() else {
        let detail = "changes are not possible, because no admin token is configured";
        return Err(Problem::forbidden(detail));
    };
    let Some(given) = bearer(headers) else {
        let detail = "changes need the admin token, as in \"Authorization: Bearer <token>\"";
        return Err(Problem::forbidden(detail));
    };
    // How long that takes depends on the lengths alone.
    if bool::from(given.ct_eq(token.expose_secret().as_bytes())) {
        return Ok(());
    }
    Err(Problem::forbidden("the admin token is another one"))
}

/// What stands behind the scheme `Bearer`.
fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let mut lines = headers.get_all(AUTHORIZATION).iter();
    let line = lines.next()?.as_bytes();
    if lines.next().is_some() {
        return None;
    }
    let (scheme, token) = line.split_at_checked("Bearer ".len())?;
    let token = token.trim_ascii();
    (scheme.eq_ignore_ascii_case(b"Bearer ") && !token.is_empty()).then_some(token)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use http::HeaderValue;

    use super::*;

    fn judge(token: Option<&'static str>, lines: &[&'static str]) -> Result<(), Problem> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(AUTHORIZATION, HeaderValue::from_static(line));
        }
        let token: AdminToken = Arc::new(move || token.map(Into::into));
        authorize(&headers, &token)
    }

    #[track_caller]
    fn check(token: Option<&'static str>, lines: &[&'static str], is_allowed: bool) {
        let judged = judge(token, lines);
        assert_eq!(judged.is_ok(), is_allowed, "{token:?} {lines:?}");
        if let Err(problem) = judged {
            assert_eq!(problem.code(), "forbidden");
        }
    }

    #[test]
    fn only_the_token_itself_opens() {
        let token = Some("s3cret");
        check(token, &["Bearer s3cret"], true);
        check(token, &["bearer  s3cret "], true);
        check(token, &["Bearer s3cre"], false);
        check(token, &["Bearer s3cret2"], false);
        check(token, &["Bearer S3CRET"], false);
        check(token, &["Basic s3cret"], false);
        check(token, &["s3cret"], false);
        check(token, &["Bearer "], false);
        check(token, &["Bearer s3cret", "Bearer s3cret"], false);
        check(token, &[], false);
    }

    #[test]
    fn without_a_token_nothing_opens() {
        check(None, &["Bearer s3cret"], false);
        check(None, &["Bearer "], false);
        check(None, &[], false);
        check(Some(""), &["Bearer "], false);
    }
}
