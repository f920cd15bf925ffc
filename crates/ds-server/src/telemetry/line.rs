//! One event, one line: as a flat JSON document, or for people.
//!
//! The stock JSON formatter prints only the outermost of a chain of errors, which is the part that
//! says the least.

use std::{
    error::Error,
    fmt::{self, Write},
};

use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    fmt::{
        FmtContext, FormatEvent, FormatFields,
        format::Writer,
        time::{FormatTime, SystemTime},
    },
    registry::LookupSpan,
};

use crate::chain::Chain;
use crate::config::Format;

/// Writes lines of one format.
pub(super) struct Lines(pub(super) Format);

impl<S, N> FormatEvent<S, N> for Lines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _spans: &FmtContext<'_, S, N>,
        mut line: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut now = String::new();
        SystemTime.format_time(&mut Writer::new(&mut now))?;
        let metadata = event.metadata();
        let mut fields = Fields::new(self.0);
        event.record(&mut fields);
        let Fields {
            message,
            target,
            rest,
            ..
        } = fields;
        let target = target.as_deref().unwrap_or(metadata.target());
        let level = metadata.level();
        match self.0 {
            Format::Json => {
                let level = level.as_str().to_ascii_lowercase();
                let (message, target) = (quoted(&message), quoted(target));
                write!(
                    line,
                    r#"{{"timestamp":"{now}","level":"{level}","message":{message}"#
                )?;
                writeln!(line, r#","target":{target}{rest}}}"#)
            }
            Format::Console => writeln!(line, "{now} {level:>5} {message}{rest} target={target}"),
        }
    }
}

/// The fields of an event, written as they are visited.
struct Fields {
    format: Format,
    message: String,
    /// Where a line of the `log` crate comes from, which hides behind a target of its own.
    target: Option<String>,
    rest: String,
}

impl Fields {
    fn new(format: Format) -> Self {
        Self {
            format,
            message: String::new(),
            target: None,
            rest: String::new(),
        }
    }

    /// Adds a value that needs no quotes.
    fn plain(&mut self, field: &Field, value: impl fmt::Display) {
        if field.name().starts_with("log.") {
            return;
        }
        let written = match self.format {
            Format::Json => write!(self.rest, ",{}:{value}", quoted(field.name())),
            Format::Console => write!(self.rest, " {}={value}", field.name()),
        };
        debug_assert!(written.is_ok(), "writing to a String cannot fail");
    }

    fn text(&mut self, field: &Field, text: &str) {
        match field.name() {
            "message" => text.clone_into(&mut self.message),
            "log.target" => self.target = Some(text.to_owned()),
            _ => self.plain(field, quoted(text)),
        }
    }
}

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        match serde_json::Number::from_f64(value) {
            Some(number) => self.plain(field, number),
            None => self.text(field, &value.to_string()),
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.plain(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.plain(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.plain(field, value);
    }

    fn record_str(&mut self, field: &Field, text: &str) {
        self.text(field, text);
    }

    fn record_error(&mut self, field: &Field, error: &(dyn Error + 'static)) {
        self.text(field, &Chain(error).to_string());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.text(field, &format!("{value:?}"));
    }
}

/// A text in quotes, with everything escaped that could be taken for the end of a field or a line.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("store is unavailable")]
    struct Outer(#[source] std::io::Error);

    /// What `log` writes, without the time of day.
    fn written(format: Format, log: impl FnOnce()) -> String {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let subscriber = tracing_subscriber::fmt()
            .event_format(Lines(format))
            .with_writer({
                let lines = Arc::clone(&lines);
                move || Sink(Arc::clone(&lines))
            })
            .finish();
        tracing::subscriber::with_default(subscriber, log);
        let line = String::from_utf8(lines.lock().unwrap().clone()).unwrap();
        let digits = line.find("20").unwrap();
        let end = digits + "2026-11-21T10:00:00.000000Z".len();
        format!("{}NOW{}", &line[..digits], &line[end..])
    }

    struct Sink(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn log() {
        let error = Outer(std::io::Error::other("connection refused"));
        tracing::warn!(
            target: "here",
            error = &error as &dyn Error,
            http.status = 503,
            duration_ms = 1.5,
            ratio = f64::NAN,
            id = %"a\"b\nc",
            ok = false,
            "Parked \"it\"",
        );
    }

    #[test]
    fn a_line_is_one_flat_json_document_with_the_whole_chain() {
        assert_eq!(
            written(Format::Json, log),
            concat!(
                r#"{"timestamp":"NOW","level":"warn","message":"Parked \"it\"","target":"here","#,
                r#""error":"store is unavailable: connection refused","http.status":503,"#,
                r#""duration_ms":1.5,"ratio":"NaN","id":"a\"b\nc","ok":false}"#,
                "\n"
            )
        );
    }

    #[test]
    fn a_line_for_people_starts_with_what_happened() {
        assert_eq!(
            written(Format::Console, log),
            concat!(
                r#"NOW  WARN Parked "it" error="store is unavailable: connection refused" "#,
                r#"http.status=503 duration_ms=1.5 ratio="NaN" id="a\"b\nc" ok=false target=here"#,
                "\n"
            )
        );
    }
}
