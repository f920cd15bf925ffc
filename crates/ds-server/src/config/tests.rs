//! What is accepted, what is refused, and in which words.

use std::{ffi::OsString, io::Write};

use ds_dlq::DurabilityPolicy;
use ds_validation::{HashMode, KindMode, MarkupMode, SecretMode};
use figment::providers::Format as _;
use secrecy::ExposeSecret;

use super::*;

/// Loads `yaml` as the file and `variables` (as `NAME=text`) as the environment.
fn load_from(yaml: Option<&str>, variables: &[&str]) -> Result<Loaded, ConfigError> {
    let file = yaml.map(|yaml| {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(yaml.as_bytes()).unwrap();
        file
    });
    let environment = variables.iter().map(|variable| {
        let (name, text) = variable.split_once('=').unwrap();
        (OsString::from(name), OsString::from(text))
    });
    load(file.as_ref().map(|file| file.path()), environment)
}

fn settings(yaml: &str, variables: &[&str]) -> Settings {
    load_from(Some(yaml), variables).unwrap().settings
}

/// Every problem's text and path, without the origin, which for a file is a random name.
fn problems(yaml: Option<&str>, variables: &[&str]) -> Vec<String> {
    let ConfigError(problems) = load_from(yaml, variables).unwrap_err();
    problems
        .iter()
        .map(|problem| format!("{}: {}", problem.path, problem.message))
        .collect()
}

#[track_caller]
fn check_refused(yaml: &str, expected: &[&str]) {
    assert_eq!(problems(Some(yaml), &[]), expected, "{yaml}");
}

#[track_caller]
fn check_variable_refused(variable: &str, expected: &str) {
    let ConfigError(problems) = load_from(None, &[variable]).unwrap_err();
    let lines: Vec<_> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(lines, [expected], "{variable}");
}

#[test]
fn the_defaults_alone_are_a_whole_configuration() {
    let loaded = load_from(None, &[]).unwrap().settings;
    assert_eq!(
        (loaded.server.host.as_str(), loaded.server.port),
        ("0.0.0.0", 8080)
    );
    assert_eq!(loaded.server.header_timeout.as_secs(), 10);
    assert!(loaded.admin.is_none());
    assert!(loaded.redis.is_none());
    assert!(loaded.spool.is_none());
    assert!(loaded.admin_token.is_none());
    let store = loaded.database.store;
    assert_eq!(
        (store.write_connections_max, store.read_connections_max),
        (8, 8)
    );
    assert!(store.password.is_none());
    assert_eq!(store.flush_timeout, ds_repository::settings::FLUSH_TIMEOUT);
    let (ingest, defaults) = (loaded.ingest, ds_ingest::Settings::default());
    assert_eq!(format!("{ingest:?}"), format!("{defaults:?}"));
    let (limits, defaults) = (loaded.limits, ds_validation::Limits::default());
    assert_eq!(format!("{limits:?}"), format!("{defaults:?}"));
}

#[test]
fn every_field_is_in_the_defaults_and_every_default_is_a_field() {
    let fields = serde_saphyr::to_string(&load_from(None, &[]).unwrap().config).unwrap();
    assert_eq!(keys(&fields), keys(layers::DEFAULTS));
}

/// Section and key of every leaf of a document.
fn keys(yaml: &str) -> Vec<String> {
    let sections: figment::value::Dict = yaml::Yaml::from_str(yaml).unwrap();
    let keys_of = |(section, keys): (&String, &figment::value::Value)| {
        keys.as_dict()
            .unwrap()
            .keys()
            .map(|key| format!("{section}.{key}"))
            .collect::<Vec<_>>()
    };
    sections.iter().flat_map(keys_of).collect()
}

#[test]
fn every_default_has_a_comment_or_explains_itself_in_its_section() {
    let explained = |line: &str| line.trim_start().starts_with('#');
    let lines: Vec<_> = layers::DEFAULTS.lines().collect();
    for (index, line) in lines.iter().enumerate() {
        if line.ends_with(':') && !line.starts_with([' ', '#']) {
            assert!(explained(lines[index - 1]), "{line}");
        }
    }
}

#[test]
fn the_configuration_of_an_existing_deployment_works() {
    let mut secret = tempfile::NamedTempFile::new().unwrap();
    secret
        .write_all(b"username: app\npassword: \"two words '\\\" \\\\ \"\n")
        .unwrap();
    let secret = secret.path().display().to_string();
    let loaded = settings(
        &format!(
            "server: {{port: 8081, host: 127.0.0.1, read_timeout: 30s, write_timeout: 45s}}\n\
             logging: {{level: debug, format: console}}\n\
             database:\n  host: postgres\n  port: 5433\n  name: action_history\n  user: slm_user\n  \
             ssl_mode: disable\n  max_open_conns: 25\n  max_idle_conns: 5\n  \
             conn_max_lifetime: 5m\n  conn_max_idle_time: 10m\n  secretsFile: {secret}\n  \
             usernameKey: username\n  passwordKey: password\n\
             redis:\n  addr: redis:6379\n  db: 1\n  dlq_stream_name: audit:dlq\n  \
             dlq_max_len: 1000\n  dlq_consumer_group: workers\n  secretsFile: {secret}\n  \
             passwordKey: password\n"
        ),
        &["SHUTDOWN_TIMEOUT=20s"],
    );
    assert_eq!(
        (loaded.server.host.as_str(), loaded.server.port),
        ("127.0.0.1", 8081)
    );
    assert_eq!(loaded.server.read_timeout.as_secs(), 30);
    assert_eq!(loaded.server.write_timeout.as_secs(), 45);
    assert_eq!(loaded.logging.level, tracing::Level::DEBUG);
    assert_eq!(loaded.logging.format, Format::Console);
    let store = loaded.database.store;
    assert_eq!((store.host.as_str(), store.port), ("postgres", 5433));
    assert_eq!(
        (store.database.as_str(), store.user.as_str()),
        ("action_history", "app")
    );
    assert_eq!(store.password.unwrap().expose_secret(), "two words '\" \\ ");
    assert_eq!(
        (store.write_connections_max, store.read_connections_max),
        (8, 15)
    );
    assert_eq!(store.idle_connections_max, 5);
    assert_eq!(store.connection_age_max.as_secs(), 300);
    assert_eq!(store.connection_idle_max.as_secs(), 600);
    let redis = loaded.redis.unwrap();
    assert_eq!(
        (redis.host.as_str(), redis.port, redis.database),
        ("redis", 6379, 1)
    );
    assert_eq!(
        (redis.stream.as_str(), redis.entries_max),
        ("audit:dlq", 1_000)
    );
    assert_eq!(redis.bytes_max, 640 << 20);
    assert_eq!(redis.durability, DurabilityPolicy::Require);
    assert_eq!(redis.consumer_group, "workers");
    assert!(redis.password.is_some());
    assert_eq!(loaded.shutdown.drain_timeout.as_secs(), 15);
}

#[test]
fn later_layers_win() {
    let file = "server: {port: 8081}\nlogging: {level: warn}\n";
    let loaded = settings(file, &["DS_SERVER__PORT=8082", "DS_ADMIN__ENABLED=true"]);
    assert_eq!(loaded.server.port, 8082);
    assert_eq!(loaded.logging.level, tracing::Level::WARN);
    assert_eq!(loaded.admin.unwrap().port, 9090);
    let both = ["SHUTDOWN_TIMEOUT=20s", "DS_SHUTDOWN__TOTAL_TIMEOUT=30s"];
    assert_eq!(settings("{}", &both).shutdown.drain_timeout.as_secs(), 25);
}

#[test]
fn texts_of_the_environment_keep_their_type() {
    let loaded = settings(
        "{}",
        &["DS_DATABASE__USER=000123", "DS_DATABASE__NAME=true"],
    );
    assert_eq!(loaded.database.store.user, "000123");
    assert_eq!(loaded.database.store.database, "true");
}

#[test]
fn words_that_old_yaml_takes_for_switches_are_texts() {
    assert_eq!(
        settings("database: {host: no}", &[]).database.store.host,
        "no"
    );
}

#[test]
fn what_is_empty_is_not_set() {
    settings("", &[]);
    settings("# nothing here\n", &[]);
    settings("database:\n  # host: elsewhere\nserver:\n", &[]);
    let loaded = settings("redis: {addr: ''}", &["DS_DATABASE__SECRETS_FILE="]);
    assert!(loaded.redis.is_none());
}

#[test]
fn zero_is_for_ever_where_go_says_so() {
    let loaded = settings(
        "database: {conn_max_lifetime: 0s, max_idle_conns: 900}",
        &[],
    );
    assert!(loaded.database.store.connection_age_max.as_secs() > 1_000_000_000);
    assert_eq!(loaded.database.store.idle_connections_max, 18);
}

#[test]
fn a_length_of_nothing_is_the_default_length() {
    let entries_max = |yaml: &str, variables: &[&str]| {
        let redis = settings(&format!("redis: {{addr: 'r:1'{yaml}}}"), variables).redis;
        redis.unwrap().entries_max
    };
    assert_eq!(entries_max("", &[]), 300_000);
    for nothing in [", dlq_max_len: 0", ", dlq_max_len: -1", ", dlq_max_len:"] {
        assert_eq!(entries_max(nothing, &[]), 300_000, "{nothing}");
    }
    assert_eq!(
        entries_max(", dlq_max_len: 7", &["DS_REDIS__DLQ_MAX_LEN="]),
        300_000
    );
    assert_eq!(entries_max(", dlq_max_len: 7", &[]), 7);
    assert_eq!(entries_max("", &["DS_REDIS__DLQ_MAX_LEN=8"]), 8);
}

#[test]
fn there_are_no_more_writers_than_connections_for_them() {
    let split = |yaml: &str| {
        let loaded = settings(yaml, &[]);
        let (writers, store) = (loaded.ingest, loaded.database.store);
        assert_eq!(writers.writers_max, store.write_connections_max, "{yaml}");
        (
            writers.writers_min,
            writers.writers_max,
            store.read_connections_max,
        )
    };
    assert_eq!(split("database: {max_open_conns: 5}"), (1, 1, 2));
    assert_eq!(split("database: {max_open_conns: 8}"), (1, 4, 2));
    assert_eq!(
        split("{database: {max_open_conns: 50}, ingest: {writers_min: 4, writers_max: 16}}"),
        (4, 16, 32)
    );
}

#[test]
fn a_spool_and_a_token_are_used_where_they_are_named() {
    let (directory, mut token) = (
        tempfile::tempdir().unwrap(),
        tempfile::NamedTempFile::new().unwrap(),
    );
    token.write_all(b"s3cret\n").unwrap();
    let loaded = settings(
        &format!(
            "spool: {{directory: {}/spool, max_bytes: 1048576, max_entries: 9, max_age: 1h}}\n\
             admin: {{tokenFile: {}}}\n",
            directory.path().display(),
            token.path().display()
        ),
        &[],
    );
    let spool = loaded.spool.unwrap();
    assert_eq!(spool.directory, directory.path().join("spool"));
    assert!(!spool.directory.exists(), "loading makes nothing");
    assert_eq!((spool.bytes_max, spool.entries_max), (1 << 20, 9));
    assert_eq!(spool.age_max.as_secs(), 3_600);
    let token = loaded.admin_token.unwrap().read().unwrap();
    assert_eq!(token.expose_secret(), "s3cret");
}

#[test]
fn values_that_cannot_work_are_refused_in_the_words_operators_know() {
    let port = "server.port: server port must be between 1024 and 65535, got: ";
    check_refused("server: {port: 80}", &[&format!("{port}80")]);
    check_refused("server: {port: 70000}", &[&format!("{port}70000")]);
    check_refused("server: {port: -1}", &[&format!("{port}-1")]);
    check_refused("server: {port: 0}", &["server.port: server port required"]);
    check_refused(
        "logging: {level: verbose}",
        &["logging.level: invalid log level: verbose (must be debug, info, warn, or error)"],
    );
    check_refused(
        "logging: {format: xml}",
        &["logging.format: invalid log format: xml (must be json or console)"],
    );
    check_refused(
        "server: {read_timeout: '30'}",
        &["server.read_timeout: invalid read_timeout: \
           `30` is not a duration such as 250ms, 30s or 1m30s"],
    );
    check_refused(
        "server: {write_timeout: 2h}",
        &["server.write_timeout: server write_timeout must be between 1ms and 1h, got: 2h"],
    );
}

#[test]
fn databases_that_cannot_be_reached_are_refused() {
    check_refused(
        "database: {host: ''}",
        &["database.host: database host required"],
    );
    check_refused(
        "database: {name: ''}",
        &["database.name: database name required"],
    );
    check_refused(
        "database: {user: ''}",
        &["database.user: database user required"],
    );
    check_refused(
        "database: {port: 0}",
        &["database.port: database port required"],
    );
    check_refused(
        "database: {port: 65536}",
        &["database.port: database port must be between 1 and 65535, got: 65536"],
    );
    check_refused(
        "database: {max_open_conns: 1}",
        &["database.max_open_conns: \
           database max_open_conns must be between 5 and 500, got: 1"],
    );
    check_refused(
        "database: {ssl_mode: on}",
        &["database.ssl_mode: invalid ssl_mode: on \
           (must be disable, allow, prefer, require, verify-ca, or verify-full)"],
    );
    check_refused(
        "database: {ssl_mode: verify-full}",
        &["database.ssl_root_cert: database ssl_mode verify-full needs ssl_root_cert"],
    );
    check_refused(
        "database: {conn_max_lifetime: soon}",
        &["database.conn_max_lifetime: invalid conn_max_lifetime: \
           `soon` is not a duration such as 250ms, 30s or 1m30s"],
    );
}

#[test]
fn other_values_out_of_bounds_are_refused() {
    check_refused(
        "redis: {secretsFile: /nowhere/redis.yaml}",
        &[
            "redis.secretsFile: cannot read redis secret file /nowhere/redis.yaml: \
             No such file or directory (os error 2)",
            "redis.addr: redis address required",
        ],
    );
    check_refused(
        "redis: {addr: redis}",
        &["redis.addr: redis address must be host:port, got: redis"],
    );
    check_refused(
        "admin: {enabled: true, port: 8080}",
        &["admin.port: admin port must not be the API's, got: 8080"],
    );
    check_refused(
        "partitions: {months_ahead: 0}",
        &["partitions.months_ahead: partitions months_ahead must be between 3 and 24, got: 0"],
    );
    check_refused(
        "validation: {event_age_max: 700h}",
        &["validation.event_age_max: \
           validation event_age_max must be between 0s and 672h, got: 700h"],
    );
}

#[test]
fn bounds_of_the_write_path_that_cannot_work_are_refused() {
    check_refused(
        "ingest: {writers_min: 5, writers_max: 4}",
        &["ingest.writers_max: ingest writers_max must be between 5 and 64, got: 4"],
    );
    check_refused(
        "ingest: {flush_rows_max: 0, flush_timeout: 50ms}",
        &[
            "ingest.flush_rows_max: ingest flush_rows_max must be between 1 and 4096, got: 0",
            "ingest.flush_timeout: ingest flush_timeout must be between 100ms and 1m, got: 50ms",
        ],
    );
    // What may be sent must fit.
    check_refused(
        "{validation: {batch_events_max: 1000}, ingest: {queue_rows_max: 999}}",
        &[
            "ingest.queue_rows_max: ingest queue_rows_max must be between 1000 and 1000000, \
           got: 999",
        ],
    );
    check_refused(
        "{server: {body_bytes_max: 33554432}, ingest: {body_bytes_in_flight_max: 33554431}}",
        &[
            "ingest.queue_bytes_max: ingest queue_bytes_max must be between 134217728 and \
             17179869184, got: 67108864",
            "ingest.body_bytes_in_flight_max: ingest body_bytes_in_flight_max must be between \
             33554432 and 17179869184, got: 33554431",
        ],
    );
}

#[test]
fn events_are_compared_with_their_kind_as_it_is_said() {
    let mode = |yaml: &str| settings(yaml, &[]).limits.event_kinds;
    assert_eq!(mode(""), KindMode::Warn);
    // A word, not a switch, with or without quotes.
    assert_eq!(mode("validation: {event_kinds: off}"), KindMode::Off);
    assert_eq!(mode("validation: {event_kinds: \"off\"}"), KindMode::Off);
    assert_eq!(
        mode("validation: {event_kinds: enforce}"),
        KindMode::Enforce
    );
    check_refused(
        "validation: {event_kinds: Warn}",
        &["validation.event_kinds: invalid event_kinds: Warn (must be off, warn or enforce)"],
    );
}

#[test]
fn hashes_of_workflows_are_compared_as_it_is_said() {
    let mode = |yaml: &str| settings(yaml, &[]).limits.content_hash;
    assert_eq!(mode(""), HashMode::Warn);
    assert_eq!(mode("catalogue: {content_hash: off}"), HashMode::Off);
    assert_eq!(
        mode("catalogue: {content_hash: enforce}"),
        HashMode::Enforce
    );
    check_refused(
        "catalogue: {content_hash: strict}",
        &["catalogue.content_hash: invalid content_hash: strict (must be off, warn or enforce)"],
    );
}

#[test]
fn secrets_and_markup_are_dealt_with_as_it_is_said() {
    let modes = |yaml: &str| {
        let limits = settings(yaml, &[]).limits;
        (limits.secrets, limits.markup)
    };
    assert_eq!(modes(""), (SecretMode::Redact, MarkupMode::Flag));
    assert_eq!(
        modes("validation: {secrets: off, markup: off}"),
        (SecretMode::Off, MarkupMode::Off)
    );
    assert_eq!(
        modes("validation: {secrets: reject}"),
        (SecretMode::Reject, MarkupMode::Flag)
    );
    check_refused(
        "validation: {secrets: mask, markup: \"\"}",
        &[
            "validation.secrets: invalid secrets: mask (must be redact, reject or off)",
            "validation.markup: invalid markup:  (must be flag or off)",
        ],
    );
}

#[test]
fn places_for_waiting_events_that_cannot_work_are_refused() {
    check_refused(
        "redis: {dlq_durability: perhaps, dlq_max_bytes: 10}",
        &[
            "redis.dlq_max_bytes: redis dlq_max_bytes must be between 1048576 and \
             1099511627776, got: 10",
            "redis.dlq_durability: invalid dlq_durability: perhaps (must be require or report)",
        ],
    );
    check_refused(
        "redis: {dlq_max_len: many}",
        &["redis.dlq_max_len: found string \"many\", expected an integer"],
    );
    check_refused(
        "spool: {directory: /dev/null/spool, max_bytes: 1, max_entries: 0, max_age: 1s}",
        &[
            "spool.max_bytes: spool max_bytes must be between 1048576 and 1099511627776, got: 1",
            "spool.max_entries: spool max_entries must be between 1 and 100000000, got: 0",
            "spool.max_age: spool max_age must be between 1m and 720h, got: 1s",
            "spool.directory: spool directory /dev/null is not a directory",
        ],
    );
    check_refused(
        "admin: {tokenFile: /nowhere/token}",
        &["admin.tokenFile: cannot read token file /nowhere/token: \
           No such file or directory (os error 2)"],
    );
    check_refused(
        "admin: {tokenFile: /dev/null}",
        &["admin.tokenFile: token file /dev/null is empty"],
    );
}

#[test]
fn shapes_that_do_not_fit_are_refused_with_their_place() {
    check_refused(
        "server: {port: null}",
        &["server.port: found null, expected an integer"],
    );
    check_refused(
        "logging: {levle: info}",
        &["logging.levle: unknown key `levle`, expected one of level, format"],
    );
    check_refused(
        "controller: {}",
        &[
            "controller: unknown key `controller`, expected one of server, admin, logging, \
           database, ingest, redis, spool, validation, catalogue, partitions, shutdown",
        ],
    );
    check_refused(
        "server: {port: http}",
        &["server.port: found string \"http\", expected an integer"],
    );
    check_refused(
        "server: {read_timeout: 30}",
        &["server.read_timeout: found unsigned int `30`, expected a string"],
    );
    check_refused(
        "server: 8080",
        &["server: found unsigned int `8080`, expected a section of keys"],
    );
    check_refused(
        "admin: {enabled: yes}",
        &["admin.enabled: found string \"yes\", expected true or false"],
    );
}

#[test]
fn all_problems_are_reported_together() {
    check_refused(
        "logging: {level: loud, colour: true}\n\
         server: {port: http, host: [a], read_timeout: 1x}\n\
         databse: {}\n",
        &[
            "databse: unknown key `databse`, expected one of server, admin, logging, database, \
             ingest, redis, spool, validation, catalogue, partitions, shutdown",
            "logging.colour: unknown key `colour`, expected one of level, format",
            "server.host: found sequence, expected a string",
            "server.port: found string \"http\", expected an integer",
            "server.read_timeout: invalid read_timeout: \
             `1x` is not a duration such as 250ms, 30s or 1m30s",
            "logging.level: invalid log level: loud (must be debug, info, warn, or error)",
        ],
    );
}

#[test]
fn a_file_that_is_not_yaml_is_refused_without_quoting_it() {
    let lines = problems(
        Some("database:\n  password: hunter2\n  password: hunter3\n"),
        &[],
    );
    assert_eq!(lines.len(), 1);
    assert!(
        lines[0].contains("duplicate mapping key: password"),
        "{lines:?}"
    );
    let lines = problems(Some("database: {password: 'hunter2}\n"), &[]);
    assert!(
        lines[0].starts_with(": cannot read configuration file: "),
        "{lines:?}"
    );
    for line in lines {
        assert!(!line.contains("hunter"), "{line}");
    }
}

#[test]
fn a_password_in_the_wrong_place_is_not_repeated() {
    check_refused(
        "database: {password: hunter2}",
        &[
            "database.password: unknown key `password`, expected one of host, port, name, user, \
           ssl_mode, ssl_root_cert, max_open_conns, max_idle_conns, conn_max_lifetime, \
           conn_max_idle_time, secretsFile, usernameKey, passwordKey, connect_timeout, \
           pool_timeout, append_timeout, query_timeout, lock_timeout, start_retry_max, \
           migrate_on_start",
        ],
    );
    check_refused(
        "database: {passwordKey: 12345678}",
        &["database.passwordKey: value is not a string"],
    );
}

#[test]
fn problems_of_the_environment_name_the_variable() {
    check_variable_refused(
        "DS_SERVER__PORT=eighty",
        "found string \"eighty\", expected an integer \
         (server.port, environment variable DS_SERVER__PORT)",
    );
    check_variable_refused(
        "DS_SERVER__PORT=80",
        "server port must be between 1024 and 65535, got: 80 \
         (server.port, environment variable DS_SERVER__PORT)",
    );
    check_variable_refused(
        "DS_ADMIN__ENABLED=1",
        "found string \"1\", expected true or false \
         (admin.enabled, environment variable DS_ADMIN__ENABLED)",
    );
    check_variable_refused(
        "SHUTDOWN_TIMEOUT=soon",
        "invalid total_timeout: `soon` is not a duration such as 250ms, 30s or 1m30s \
         (shutdown.total_timeout, environment variable SHUTDOWN_TIMEOUT)",
    );
    check_variable_refused(
        "DS_LOGGING__LEVLE=info",
        "unknown key, expected one of format, level (environment variable DS_LOGGING__LEVLE)",
    );
}

#[test]
fn a_missing_file_is_refused() {
    let ConfigError(problems) = load(Some(std::path::Path::new("/nowhere.yaml")), []).unwrap_err();
    assert_eq!(
        problems[0].to_string(),
        "cannot read configuration file: No such file or directory (os error 2) (/nowhere.yaml)"
    );
}
