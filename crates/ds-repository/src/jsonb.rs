//! JSON on its way to and from `jsonb` columns as text, so that no number is read on the way.

use std::error::Error;

use bytes::{BufMut as _, BytesMut};
use ds_domain::json::JsonObject;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, accepts, to_sql_checked};

/// Version of the binary form of `jsonb`: one byte before the text.
const VERSION: u8 = 1;

/// An object that is written.
#[derive(Debug)]
pub(crate) struct Written<'e>(pub(crate) &'e JsonObject);

impl ToSql for Written<'_> {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        out.put_u8(VERSION);
        out.put_slice(self.0.as_str().as_bytes());
        Ok(IsNull::No)
    }

    accepts!(JSONB);
    to_sql_checked!();
}

/// An object that was read.
pub(crate) struct Read(pub(crate) JsonObject);

impl<'a> FromSql<'a> for Read {
    fn from_sql(kind: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        let text = Glanced::from_sql(kind, raw)?.0;
        Ok(Self(JsonObject::from_checked_text(text)))
    }

    accepts!(JSONB);
}

/// The text of an object that is only looked at: it stays where it was received.
#[derive(Eq, Hash, PartialEq)]
pub(crate) struct Glanced<'r>(pub(crate) &'r str);

impl<'a> FromSql<'a> for Glanced<'a> {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        match raw {
            [VERSION, text @ ..] => Ok(Self(std::str::from_utf8(text)?)),
            _ => Err("unknown version of jsonb".into()),
        }
    }

    accepts!(JSONB);
}
