//! Statements that are put together: fragments that are constants of the program, and values that
//! are bound.

use tokio_postgres::types::{ToSql, Type};

/// A value that is bound.
type Value<'v> = Box<dyn ToSql + Sync + Send + 'v>;

/// A statement in the making. Nothing can be added to its text but constants and the numbers of
/// parameters.
#[derive(Default)]
pub(crate) struct Sql<'v> {
    text: String,
    types: Vec<Type>,
    values: Vec<Value<'v>>,
}

/// A part of a statement that may stand in it more than once.
pub(crate) struct Part(String);

impl<'v> Sql<'v> {
    /// Adds a constant.
    pub(crate) fn push(&mut self, fragment: &'static str) -> &mut Self {
        self.text.push_str(fragment);
        self
    }

    /// Binds a value, and adds its parameter.
    ///
    /// The type is said aloud: the server does not have to infer it, and a value of another type is
    /// refused before it is sent.
    pub(crate) fn bind(&mut self, kind: Type, value: impl ToSql + Sync + Send + 'v) -> &mut Self {
        self.types.push(kind);
        self.values.push(Box::new(value));
        self.text.push('$');
        self.text.push_str(&self.values.len().to_string());
        self
    }

    /// Adds that what stands before has one of `values`, of which there has to be one.
    pub(crate) fn push_any<T>(&mut self, one: Type, many: Type, values: &'v [T]) -> &mut Self
    where
        T: ToSql + Sync,
    {
        match values {
            // Not `ANY` of one: only equality lets an index that begins with the column give the
            // order of the page as well.
            [value] => self.push(" = ").bind(one, value),
            values => self.push(" = ANY(").bind(many, values).push(")"),
        }
    }

    /// Takes the text so far; the values stay bound.
    pub(crate) fn take_part(&mut self) -> Part {
        Part(std::mem::take(&mut self.text))
    }

    /// Adds a part of the same statement.
    pub(crate) fn push_part(&mut self, part: &Part) -> &mut Self {
        self.text.push_str(&part.0);
        self
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn types(&self) -> &[Type] {
        &self.types
    }

    /// The values in the order of their parameters.
    pub(crate) fn values(&self) -> Vec<&(dyn ToSql + Sync)> {
        self.values
            .iter()
            .map(|value| &**value as &(dyn ToSql + Sync))
            .collect()
    }
}
