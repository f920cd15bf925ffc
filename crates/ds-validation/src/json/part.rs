//! The parts of an object or array whose text was read before: it is known to be well-formed, and
//! what is wrong with names and strings inside has been reported.

use std::borrow::Cow;

use super::{Kind, Reader, Stop, Value};
use crate::Limits;

/// The members of an object, in their order. Of two with one name the first one counts; the second
/// one has been reported.
pub(crate) struct Members<'a>(Vec<(Cow<'a, str>, Value<'a>)>);

impl<'a> Members<'a> {
    /// Those of `value`, if it is an object.
    pub(crate) fn of(value: Value<'a>) -> Option<Self> {
        if value.kind != Kind::Object {
            return None;
        }
        let mut reader = Reader::new(value.text.as_bytes(), &Limits::widest()).ok()?;
        members(&mut reader).ok().map(Self)
    }

    /// The member `name`; `null` is as good as none.
    pub(crate) fn get(&self, name: &str) -> Option<Value<'a>> {
        let value = self.any(name)?;
        (value.kind != Kind::Null).then_some(value)
    }

    /// The member `name`, also if it is `null`.
    pub(crate) fn any(&self, name: &str) -> Option<Value<'a>> {
        let mut members = self.0.iter();
        members
            .find(|(own, _)| own == name)
            .map(|(_, value)| *value)
    }

    /// Each of them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, Value<'a>)> {
        self.0.iter().map(|(name, value)| (&**name, *value))
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

fn members<'a>(reader: &mut Reader<'a>) -> Result<Vec<(Cow<'a, str>, Value<'a>)>, Stop> {
    reader.open(b'{')?;
    let mut members = Vec::new();
    while let Some(name) = reader.next_name(members.is_empty())? {
        members.push((name, reader.value()?));
    }
    Ok(members)
}

/// The items of `value`, if it is an array.
pub(crate) fn items(value: Value<'_>) -> Option<Vec<Value<'_>>> {
    if value.kind != Kind::Array {
        return None;
    }
    let mut reader = Reader::new(value.text.as_bytes(), &Limits::widest()).ok()?;
    read_items(&mut reader).ok()
}

fn read_items<'a>(reader: &mut Reader<'a>) -> Result<Vec<Value<'a>>, Stop> {
    reader.open(b'[')?;
    let mut items = Vec::new();
    while reader.next_item(items.is_empty())? {
        items.push(reader.value()?);
    }
    Ok(items)
}
