//! Logs: one line per event on standard error, never sampled; and error chains, printed once.
//!
//! Standard output belongs to what a command was asked for.

mod line;

use std::{error::Error, fmt, panic::PanicHookInfo};

use tracing_subscriber::filter::LevelFilter;

use crate::config::LoggingSettings;

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

/// Starts logging. Lines of dependencies pass the same level.
pub(crate) fn install(settings: LoggingSettings) -> anyhow::Result<()> {
    tracing_subscriber::fmt()
        .with_max_level(LevelFilter::from_level(settings.level))
        .with_writer(std::io::stderr)
        .event_format(line::Lines(settings.format))
        .try_init()
        .map_err(|error| anyhow::anyhow!(error).context("cannot start logging"))?;
    std::panic::set_hook(Box::new(log_panic));
    Ok(())
}

/// A panic is a defect: it belongs where the other lines are, not on a stream nobody collects.
fn log_panic(panic: &PanicHookInfo<'_>) {
    let place = panic.location().map(ToString::to_string);
    tracing::error!(
        panic.message = panic.payload_as_str().unwrap_or("not a text"),
        panic.location = place,
        "Panicked"
    );
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
