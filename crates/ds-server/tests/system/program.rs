//! The program under test: run to its end, or left running.

use std::{
    ffi::OsStr,
    net::TcpListener,
    process::{Output, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU16, Ordering},
    },
    time::Duration,
};

use ds_testkit::TestDatabase;
use tempfile::NamedTempFile;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
    process::{Child, Command},
};
use tokio_postgres::{Config, config::Host};

/// Longest wait for anything that must happen.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Repeats `attempt` until it gives something, or panics with `what` when that takes too long.
pub(crate) async fn eventually<T>(what: &str, mut attempt: impl AsyncFnMut() -> Option<T>) -> T {
    let trying = async {
        loop {
            if let Some(found) = attempt().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let found = tokio::time::timeout(PATIENCE, trying).await;
    found.unwrap_or_else(|_| panic!("waited too long: {what}"))
}

/// A call of the program that has not been made yet. It inherits no variables.
pub(crate) struct Program {
    command: Command,
    port: u16,
    /// The file with the password; it must outlive the call.
    secrets: Option<NamedTempFile>,
}

/// How a call ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Program {
    /// The program with these arguments and nothing else.
    pub(crate) fn new(arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ds-server"));
        command
            .args(arguments)
            .env_clear()
            .kill_on_drop(true)
            .stdin(Stdio::null());
        Self {
            command,
            port: 0,
            secrets: None,
        }
    }

    /// The program with these arguments, on `database` and a free port.
    pub(crate) fn on(database: &TestDatabase, arguments: &[&str]) -> Self {
        Self::at(database.config(), arguments)
    }

    /// The program with these arguments, on the database `config` leads to and a free port.
    pub(crate) fn at(config: &Config, arguments: &[&str]) -> Self {
        let Host::Tcp(host) = &config.get_hosts()[0] else {
            panic!("tests use TCP")
        };
        let port = free_port();
        let mut program = Self::new(arguments)
            .with("DS_SERVER__HOST", "127.0.0.1")
            .with("DS_SERVER__PORT", port.to_string())
            .with("DS_DATABASE__HOST", host)
            .with("DS_DATABASE__PORT", config.get_ports()[0].to_string())
            .with("DS_DATABASE__NAME", config.get_dbname().unwrap())
            .with("DS_DATABASE__USER", config.get_user().unwrap())
            .with("DS_DATABASE__SSL_MODE", "disable")
            .with("DS_SHUTDOWN__PROPAGATION_PAUSE", "0s");
        program.port = port;
        match config.get_password() {
            Some(password) => program.with_password(password),
            None => program,
        }
    }

    fn with_password(mut self, password: &[u8]) -> Self {
        let password = std::str::from_utf8(password).unwrap();
        let secrets = NamedTempFile::new().unwrap();
        serde_json::to_writer(&secrets, &serde_json::json!({ "password": password })).unwrap();
        self = self
            .with("DS_DATABASE__SECRETS_FILE", secrets.path())
            .with("DS_DATABASE__PASSWORD_KEY", "password");
        self.secrets = Some(secrets);
        self
    }

    /// The same with one more variable.
    pub(crate) fn with(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// The port of its API.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Runs it to its end.
    pub(crate) async fn run(mut self) -> Ended {
        let ended = tokio::time::timeout(PATIENCE, self.command.output()).await;
        let Output {
            status,
            stdout,
            stderr,
        } = ended.expect("the program ends in time").unwrap();
        Ended {
            code: status.code(),
            stdout: String::from_utf8(stdout).unwrap(),
            stderr: String::from_utf8(stderr).unwrap(),
        }
    }

    /// Leaves it running.
    pub(crate) fn spawn(mut self) -> Server {
        let mut process = self
            .command
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = Arc::new(Mutex::new(Vec::new()));
        let mut stderr = BufReader::new(process.stderr.take().unwrap()).lines();
        let written = Arc::clone(&lines);
        let reading = tokio::spawn(async move {
            while let Ok(Some(line)) = stderr.next_line().await {
                written.lock().unwrap().push(line);
            }
        });
        Server {
            process,
            port: self.port,
            lines,
            reading,
            _secrets: self.secrets,
        }
    }
}

/// A running server.
pub(crate) struct Server {
    process: Child,
    port: u16,
    lines: Arc<Mutex<Vec<String>>>,
    reading: tokio::task::JoinHandle<()>,
    /// It may read the password again when it connects anew.
    _secrets: Option<NamedTempFile>,
}

impl Server {
    /// Starts one on `database`, and waits until it is ready.
    pub(crate) async fn ready_on(database: &TestDatabase) -> Self {
        Program::on(database, &[]).spawn().ready().await
    }

    /// The same server, once it is ready.
    pub(crate) async fn ready(self) -> Self {
        eventually("the server is ready", async || {
            let (status, _) = self.get("/health/ready").await?;
            (status == 200).then_some(())
        })
        .await;
        self
    }

    /// The answer to a GET, if there is one.
    pub(crate) async fn get(&self, path: &str) -> Option<(u16, String)> {
        exchange(self.port, "GET", path, "").await
    }

    /// The answer to a POST of one event, if there is one.
    pub(crate) async fn post_event(&self) -> Option<(u16, String)> {
        post_event(self.port).await
    }

    /// The port of its API.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Sends a signal, as in `TERM`.
    pub(crate) fn signal(&self, name: &str) {
        let pid = self.process.id().expect("the process runs").to_string();
        let status = std::process::Command::new("kill")
            .args(["-s", name, &pid])
            .status();
        assert!(status.unwrap().success());
    }

    /// What it has written to standard error.
    pub(crate) fn log(&self) -> String {
        self.lines.lock().unwrap().join("\n")
    }

    /// Waits until its log has `text`.
    pub(crate) async fn logged(&self, text: &str) {
        eventually(text, async || self.log().contains(text).then_some(())).await;
    }

    /// Waits for its end: the exit code, and everything it wrote to standard error.
    pub(crate) async fn ended(mut self) -> (Option<i32>, String) {
        let status = tokio::time::timeout(PATIENCE, self.process.wait()).await;
        let status = status.expect("the server ends in time").unwrap();
        tokio::time::timeout(PATIENCE, &mut self.reading)
            .await
            .unwrap()
            .unwrap();
        (status.code(), self.log())
    }
}

/// A port that no other test uses: below those that the kernel hands out, in a row of its own for
/// each test that nextest runs at a time.
pub(crate) fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let slot = std::env::var_os("NEXTEST_TEST_GLOBAL_SLOT")
        .and_then(|slot| slot.to_str()?.parse::<u16>().ok())
        .unwrap_or(0);
    loop {
        let port = 20_000 + slot % 100 * 100 + NEXT.fetch_add(1, Ordering::Relaxed);
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// Posts one event on a connection of its own.
pub(crate) async fn post_event(port: u16) -> Option<(u16, String)> {
    #[expect(clippy::disallowed_methods, reason = "a client has its own clock")]
    let now = jiff::Timestamp::now();
    let event = serde_json::json!({
        "version": "1.0",
        "event_type": "gateway.signal.received",
        "event_timestamp": now,
        "event_category": "gateway",
        "event_action": "received",
        "event_outcome": "success",
        "correlation_id": "rr-1",
        "event_data": {},
    });
    exchange(port, "POST", "/api/v1/audit/events", &event.to_string()).await
}

/// One request on a connection of its own: status and body, if there was an answer.
pub(crate) async fn exchange(
    port: u16,
    method: &str,
    path: &str,
    body: &str,
) -> Option<(u16, String)> {
    let mut connection = TcpStream::connect(("127.0.0.1", port)).await.ok()?;
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    connection.write_all(request.as_bytes()).await.ok()?;
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await.ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some((status, body.to_owned()))
}
