//! Flat forms: bodies that are one object with a few members, read one by one into a draft.

use crate::{
    Limits, Rejection, Rule, Violation, Violations,
    json::{Kind, Reader, Stop, Value},
};

/// A member of a form: its name, whether `null` may stand in its place, and how it is read.
pub(crate) struct Field<D> {
    name: &'static str,
    nullable: bool,
    store: Store<D>,
}

/// Reads the value of the named member into a draft.
type Store<D> = fn(&'static str, Value<'_>, &mut D) -> Result<(), Violation>;

pub(crate) const fn required<D>(name: &'static str, store: Store<D>) -> Field<D> {
    Field {
        name,
        nullable: false,
        store,
    }
}

pub(crate) const fn nullable<D>(name: &'static str, store: Store<D>) -> Field<D> {
    Field {
        name,
        nullable: true,
        store,
    }
}

/// Reads a body with these fields, and has `check` judge the draft and what is wrong with its shape.
pub(crate) fn parse<D: Default, T>(
    body: &[u8],
    limits: &Limits,
    fields: &[Field<D>],
    check: impl FnOnce(D, Violations) -> Result<T, Violations>,
) -> Result<T, Rejection> {
    let mut reader = Reader::new(body, limits)?;
    let read = object(&mut reader, fields).and_then(|form| reader.end().map(|()| form));
    let mut found = reader.take_found();
    match read {
        Ok((draft, shape)) => {
            found.append(shape);
            Ok(check(draft, found)?)
        }
        Err(Stop::Syntax(error)) => Err(error.into()),
        Err(Stop::Bound) => Err(found.into()),
    }
}

/// Reads one object with these fields into a draft, and what is wrong with its shape.
pub(crate) fn object<D: Default>(
    reader: &mut Reader<'_>,
    fields: &[Field<D>],
) -> Result<(D, Violations), Stop> {
    let (mut draft, mut shape) = (D::default(), Violations::default());
    if reader.peek()? != b'{' {
        reader.value()?;
        let message = "value must be an object";
        shape.add(Violation::at(String::new(), "body", Rule::Type, message));
        return Ok((draft, shape));
    }
    reader.open(b'{')?;
    let mut seen: Vec<&'static str> = Vec::with_capacity(fields.len());
    let mut first = true;
    while let Some(name) = reader.next_name(first)? {
        first = false;
        let Some(field) = fields.iter().find(|field| field.name == name) else {
            // Unknown members are ignored, as the first contract has it.
            reader.value()?;
            continue;
        };
        if seen.contains(&field.name) {
            reader.report_duplicate(field.name);
        }
        seen.push(field.name);
        reader.enter_field(field.name);
        let value = reader.value()?;
        if let Err(violation) = field.read(value, &mut draft) {
            shape.add(violation);
        }
        reader.enter_field("body");
    }
    Ok((draft, shape))
}

impl<D> Field<D> {
    fn read(&self, value: Value<'_>, draft: &mut D) -> Result<(), Violation> {
        match (value.kind, self.nullable) {
            (Kind::Null, true) => Ok(()),
            (Kind::Null, false) => {
                let message = "Value is not nullable";
                Err(Violation::of_field(self.name, Rule::Null, message))
            }
            (Kind::Bool | Kind::Number | Kind::String | Kind::Array | Kind::Object, _) => {
                (self.store)(self.name, value, draft)
            }
        }
    }
}
