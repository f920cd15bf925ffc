//! What must hold for every input, held for the seeds of the fuzz targets and for generated inputs.
//!
//! An input that once broke a property is among the seeds, so that it cannot break it again.

#[cfg(test)]
#[expect(
    unreachable_pub,
    reason = "the fuzz targets use it as a crate of its own"
)]
#[path = "../../../fuzz/src/lib.rs"]
mod targets;

#[cfg(test)]
mod tests {
    use std::{fs, panic, path::Path};

    use jiff::{SignedDuration, Timestamp, tz::Offset};
    use proptest::{collection::vec, prelude::*, sample::select};

    use super::targets;

    // === seeds ===

    #[track_caller]
    fn hold(target: &str, check: fn(&[u8])) {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds");
        let mut seeds = 0;
        for entry in fs::read_dir(root.join(target)).unwrap() {
            let path = entry.unwrap().path();
            let seed = fs::read(&path).unwrap();
            let outcome = panic::catch_unwind(|| check(&seed));
            assert!(outcome.is_ok(), "{}", path.display());
            seeds += 1;
        }
        assert!(seeds >= 5, "{target} has {seeds} seeds");
    }

    #[test]
    fn events_are_refused_or_come_back() {
        hold("event", targets::event::check);
    }

    #[test]
    fn batches_are_what_their_events_are() {
        hold("batch", targets::batch::check);
    }

    #[test]
    fn notifications_are_refused_or_come_back() {
        hold("notification", targets::notification::check);
    }

    #[test]
    fn actions_are_alone_what_they_are_among_others() {
        hold("action", targets::action::check);
    }

    #[test]
    fn workflows_are_refused_or_come_back() {
        hold("workflow", targets::workflow::check);
    }

    #[test]
    fn searches_mean_the_same_when_they_are_written_again() {
        hold("search", targets::search::check);
    }

    #[test]
    fn cursors_are_one_place_and_written_in_one_way() {
        hold("cursor", targets::cursor::check);
    }

    #[test]
    fn time_ranges_are_read_as_others_read_them() {
        hold("time_range", targets::time_range::check);
    }

    #[test]
    fn queries_mean_the_same_however_they_are_written() {
        hold("query", targets::query::check);
    }

    #[test]
    fn traces_are_the_ones_of_the_header() {
        hold("traceparent", targets::traceparent::check);
    }

    // === generated inputs ===

    /// `since=<text>` as it is read on 2026-11-21 at 10:00.
    fn since(text: &str) -> Option<Timestamp> {
        let now = "2026-11-21T10:00:00Z".parse().unwrap();
        let pairs = [("since".into(), text.into())];
        let query = ds_validation::query::parse_event_query(pairs.into_iter(), now);
        query.ok().and_then(|query| query.filter.since)
    }

    fn now() -> Timestamp {
        "2026-11-21T10:00:00Z".parse().unwrap()
    }

    /// Units of a duration, and their nanoseconds.
    const UNITS: [(&str, i64); 5] = [
        ("h", 3_600_000_000_000),
        ("m", 60_000_000_000),
        ("s", 1_000_000_000),
        ("ms", 1_000_000),
        ("us", 1_000),
    ];

    /// A number of a unit: its text, and its nanoseconds.
    fn part() -> impl Strategy<Value = (String, i64)> {
        let unit = select(&UNITS[..]);
        (0_i64..10_000, 0_i64..10, unit).prop_map(|(whole, tenths, (name, nanos))| {
            let text = format!("{whole}.{tenths}{name}");
            (text, whole * nanos + tenths * (nanos / 10))
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            // What fails is a seed, once it is understood.
            failure_persistence: None,
            ..ProptestConfig::default()
        })]

        #[test]
        fn durations_are_the_sum_of_their_parts(parts in vec(part(), 1..5), is_ahead in any::<bool>()) {
            let sign = if is_ahead { "-" } else { "" };
            let text: String = parts.iter().map(|(text, _)| text.as_str()).collect();
            let nanos: i64 = parts.iter().map(|(_, nanos)| nanos).sum();
            let ago = SignedDuration::from_nanos(if is_ahead { -nanos } else { nanos });
            let expected = now() - ago;
            let found = since(&format!("{sign}{text}")).unwrap();
            let difference = found.duration_since(expected).abs();
            prop_assert!(difference < SignedDuration::from_micros(1), "{text}: {found}, not {expected}");
        }

        #[test]
        fn times_are_read_in_every_offset(
            micros in -62_135_500_000_000_000_i64..=253_402_200_000_000_000,
            minutes in -1_439_i32..=1_439,
        ) {
            let time = Timestamp::from_microsecond(micros).unwrap();
            let offset = Offset::from_seconds(minutes * 60).unwrap();
            let sign = if minutes < 0 { '-' } else { '+' };
            let (hours, rest) = (minutes.abs() / 60, minutes.abs() % 60);
            let text = format!("{}{sign}{hours:02}:{rest:02}", offset.to_datetime(time));
            prop_assert_eq!(since(&text), Some(time), "{}", text);
        }

        #[test]
        fn any_text_is_a_time_or_is_refused(text in "\\PC{0,40}") {
            targets::time_range::check(text.as_bytes());
        }

        #[test]
        fn what_looks_like_a_duration_is_one_or_is_refused(text in "[-+]?[0-9.]{0,30}[µμnumsdh0-9.]{0,10}") {
            targets::time_range::check(text.as_bytes());
        }

        #[test]
        fn any_place_has_its_cursor(
            flags in 0_u8..8,
            numbers in vec(any::<u8>(), 24 + 16),
            hours in vec(-20_000_i64..70_000, 3),
        ) {
            let micros = |hours: i64| (hours * 3_600_000_000).to_be_bytes();
            let mut bytes = vec![1, flags];
            bytes.extend(micros(hours[0]));
            bytes.extend(&numbers[..16]);
            let bounds = [(2, hours[1]), (4, hours[2])];
            for (_, hours) in bounds.into_iter().filter(|(flag, _)| flags & flag != 0) {
                bytes.extend(micros(hours));
            }
            prop_assert!(ds_domain::cursor::Cursor::from_bytes(&bytes).is_some());
            targets::cursor::check(&bytes);
            bytes.extend(&numbers[16..]);
            targets::cursor::check(&bytes);
        }

        #[test]
        fn any_texts_are_a_question_of_their_own(text in "\\PC{0,40}") {
            targets::cursor::check(text.as_bytes());
        }

        #[test]
        fn any_texts_make_a_notification_or_are_refused(
            texts in vec("\\PC{0,20}|[ -~]{0,300}|(sent|Failed|sms|EMAIL)|[0-9]{1,9}", 6),
            level in any::<i16>(),
        ) {
            let body = serde_json::json!({
                "remediation_id": texts[0], "notification_id": texts[1], "recipient": texts[2],
                "channel": "email", "message_summary": texts[3], "status": "sent",
                "sent_at": "2026-11-21T09:00:00Z", "delivery_status": texts[4],
                "error_message": texts[5], "escalation_level": level % 128,
            });
            targets::notification::check(body.to_string().as_bytes());
        }

        #[test]
        fn any_bytes_are_a_query_or_are_refused(bytes in vec(any::<u8>(), 0..200)) {
            targets::query::check(&bytes);
        }

        #[test]
        fn any_values_are_a_query_or_are_refused(
            pairs in vec(("[a-z_]{0,8}|limit|offset|since|until|severity|event_type|channel|status|cursor|count|time_range|workflow_id|period|custom_labels\\[[a-z]{0,3}\\]", "\\PC{0,20}|[0-9]{1,20}|[0-9]{1,3}[smhd]"), 0..6),
        ) {
            let mut query = form_urlencoded::Serializer::new(String::new());
            query.extend_pairs(&pairs);
            targets::query::check(query.finish().as_bytes());
        }

        #[test]
        fn any_header_is_a_trace_or_is_ignored(header in "[0-9a-fA-F]{2}-[0-9a-f]{31,33}-[0-9a-f]{15,17}-[0-9a-f]{2}.{0,3}") {
            targets::traceparent::check(header.as_bytes());
        }
    }
}
