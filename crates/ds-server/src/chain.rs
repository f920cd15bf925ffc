//! Error chains, printed once.

use std::{error::Error, fmt};

/// An error and its sources on one line. The only place where a chain becomes text.
///
/// Some libraries repeat the source in their own text; what has just been said is not said again.
pub(crate) struct Chain<'a>(pub(crate) &'a dyn Error);

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut last = self.0.to_string();
        f.write_str(&last)?;
        let mut source = self.0.source();
        while let Some(error) = source {
            let text = error.to_string();
            if !last.ends_with(&text) {
                write!(f, ": {text}")?;
                last = text;
            }
            source = error.source();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{0}")]
    struct Layer(&'static str, #[source] Option<Box<Layer>>);

    #[test]
    fn a_chain_is_printed_once_from_the_outside_in() {
        let inner = Layer("connection refused", None);
        let outer = Layer("store is unavailable", Some(Box::new(inner)));
        assert_eq!(
            Chain(&outer).to_string(),
            "store is unavailable: connection refused"
        );
    }
    #[test]
    fn what_has_just_been_said_is_not_repeated() {
        let refused = Layer("refused", None);
        let inner = Layer("cannot connect: refused", Some(Box::new(refused)));
        let outer = Layer(
            "no connection: cannot connect: refused",
            Some(Box::new(inner)),
        );
        assert_eq!(
            Chain(&outer).to_string(),
            "no connection: cannot connect: refused"
        );
    }
}
