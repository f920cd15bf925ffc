//! The key that signs cursors. It is in the store, so that every replica has it and nobody has to
//! configure it.

use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ds_domain::cursor::{Cursor, Scope};

use crate::{
    Repository,
    error::{Cause, StoreError},
    statement::Statement,
};

pub(crate) const FIND_CURSOR_KEY: Statement =
    Statement::new("-- find_cursor_key\nSELECT key FROM cursor_key");

/// Bytes of a signature.
const TAG_BYTES: usize = 32;

/// Longest text that is looked at; a cursor has half as many characters.
const TEXT_BYTES_MAX: usize = 256;

/// Signs cursors, and recognises those it has signed.
pub struct CursorKey(hmac::Key);

impl CursorKey {
    fn new(key: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, key))
    }

    /// `cursor` as an opaque text that is good for the question `scope` only.
    pub fn seal(&self, cursor: &Cursor, scope: &Scope) -> String {
        let mut bytes = cursor.to_bytes();
        let tag = hmac::sign(&self.0, &signed(&bytes, scope));
        bytes.extend_from_slice(tag.as_ref());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The cursor in `text`, if it was sealed with this key for `scope`.
    pub fn open(&self, text: &str, scope: &Scope) -> Option<Cursor> {
        if text.len() > TEXT_BYTES_MAX {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (cursor, tag) = bytes.split_at_checked(bytes.len().checked_sub(TAG_BYTES)?)?;
        // Compares in constant time.
        hmac::verify(&self.0, &signed(cursor, scope), tag).ok()?;
        Cursor::from_bytes(cursor)
    }
}

/// What is signed: the cursor, and the question it is for.
fn signed(cursor: &[u8], scope: &Scope) -> Vec<u8> {
    let length = u64::try_from(cursor.len()).unwrap_or(u64::MAX);
    [&length.to_be_bytes(), cursor, scope.as_bytes()].concat()
}

impl Repository {
    /// The key of cursors, which is read once.
    pub async fn cursor_key(&self) -> Result<&CursorKey, StoreError> {
        let read = || async {
            let budget = self.settings.query_timeout;
            let rows = self.read.query(FIND_CURSOR_KEY, &[], budget).await?;
            let key: Option<&[u8]> = rows
                .first()
                .map(|row| row.try_get(0))
                .transpose()
                .map_err(Cause::driver(FIND_CURSOR_KEY.name()))?;
            let missing = Cause::Impossible {
                statement: FIND_CURSOR_KEY.name(),
                what: "no key",
            };
            Ok(CursorKey::new(key.ok_or(missing)?))
        };
        let key: Result<_, StoreError> = self.cursor_key.get_or_try_init(read).await;
        if let Err(StoreError::Internal(cause)) = &key {
            // Pages go on without links, so that nobody else would say it.
            tracing::warn!(
                error = cause as &dyn std::error::Error,
                "Key of cursors cannot be read"
            );
        }
        key
    }
}

#[cfg(test)]
mod tests {
    use ds_domain::cursor::{Position, Side};

    use super::*;

    fn cursor() -> Cursor {
        Cursor {
            side: Side::After,
            position: Position {
                at: "2026-11-21T10:00:00.123456Z".parse().unwrap(),
                id: uuid::Uuid::from_u128(7),
            },
            since: Some("2026-11-20T10:00:00Z".parse().unwrap()),
            until: Some("2026-11-22T10:00:00Z".parse().unwrap()),
        }
    }

    #[test]
    fn a_sealed_cursor_is_opened_by_the_same_key_for_the_same_question_only() {
        let key = CursorKey::new(&[7; 32]);
        let scope = Scope::of("events").with("severity", "high");
        let text = key.seal(&cursor(), &scope);
        assert!(text.len() <= TEXT_BYTES_MAX / 2, "{}", text.len());
        assert!(
            text.bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
        );
        assert_eq!(key.open(&text, &scope), Some(cursor()));
        assert_eq!(CursorKey::new(&[7; 32]).open(&text, &scope), Some(cursor()));
        assert_eq!(CursorKey::new(&[8; 32]).open(&text, &scope), None);
        assert_eq!(key.open(&text, &Scope::of("events")), None);
        assert_eq!(key.open(&text, &scope.with("severity", "low")), None);
    }

    #[test]
    fn a_changed_cursor_is_none() {
        let key = CursorKey::new(&[7; 32]);
        let scope = Scope::of("events");
        let text = key.seal(&cursor(), &scope);
        let bytes = URL_SAFE_NO_PAD.decode(&text).unwrap();
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            let changed = URL_SAFE_NO_PAD.encode(changed);
            assert_eq!(key.open(&changed, &scope), None, "byte {at}");
        }
        for length in 0..text.len() {
            assert_eq!(
                key.open(&text[..length], &scope),
                None,
                "{length} characters"
            );
        }
        for strange in ["ü", "=", "a b", &"A".repeat(10_000), &(text.clone() + "A")] {
            assert_eq!(key.open(strange, &scope), None, "{strange}");
        }
    }
}
