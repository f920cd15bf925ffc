//! A client that can misbehave: it writes bytes and reads answers, nothing else.

use std::{collections::HashMap, net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// Longer than any test may wait for anything.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// A connection.
pub(crate) struct Client {
    socket: TcpStream,
    received: Vec<u8>,
}

/// One answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: HashMap<String, Vec<String>>,
    pub(crate) body: String,
}

impl Answer {
    /// The lines of a header, joined as HTTP joins them; empty if there is none.
    pub(crate) fn header(&self, name: &str) -> String {
        self.headers
            .get(name)
            .map(|lines| lines.join(", "))
            .unwrap_or_default()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    /// Checks that this is a problem document, and gives it.
    #[track_caller]
    pub(crate) fn problem(&self, status: u16, slug: &str) -> serde_json::Value {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.header("content-type"), "application/problem+json");
        let document = self.json();
        assert_eq!(
            document["type"],
            format!("https://kubernaut.ai/problems/{slug}")
        );
        assert_eq!(document["status"], status);
        assert_eq!(document["request_id"], self.header("x-request-id"));
        document
    }
}

impl Client {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        let socket = TcpStream::connect(address).await.unwrap();
        Self {
            socket,
            received: Vec::new(),
        }
    }

    /// Takes `bytes` and forgets them; whether the connection gave them.
    pub(crate) async fn takes(&mut self, bytes: usize) -> bool {
        let mut taken = vec![0; bytes];
        let taken = timeout(PATIENCE, self.socket.read_exact(&mut taken));
        taken.await.expect("bytes").is_ok()
    }

    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.socket.write_all(bytes.as_ref()).await.unwrap();
    }

    /// Sends unless the server has closed; whether it could.
    pub(crate) async fn try_send(&mut self, bytes: &[u8]) -> bool {
        self.socket.write_all(bytes).await.is_ok()
    }

    /// Leaves without a word: the connection is reset.
    pub(crate) fn vanish(self) {
        self.socket.set_zero_linger().unwrap();
    }

    /// Says that nothing more will be sent.
    pub(crate) async fn finish_sending(&mut self) {
        self.socket.shutdown().await.unwrap();
    }

    /// Sends a request without a body, and gives the answer.
    pub(crate) async fn ask(&mut self, line: &str, headers: &str) -> Answer {
        self.send(format!("{line} HTTP/1.1\r\nhost: x\r\n{headers}\r\n"))
            .await;
        self.answer_to(line).await
    }

    /// Sends JSON with POST, and gives the answer.
    pub(crate) async fn post(&mut self, path: &str, body: &str) -> Answer {
        self.send(post(path, body)).await;
        self.answer_to("POST").await
    }

    pub(crate) async fn answer(&mut self) -> Answer {
        self.answer_to("GET").await
    }

    /// The next answer, to a request that began with `line`: HEAD has answers without a body.
    async fn answer_to(&mut self, line: &str) -> Answer {
        timeout(PATIENCE, self.read_answer(line.starts_with("HEAD ")))
            .await
            .expect("an answer")
    }

    async fn read_answer(&mut self, is_head: bool) -> Answer {
        let end = loop {
            if let Some(end) = find(&self.received, b"\r\n\r\n") {
                break end;
            }
            self.receive().await;
        };
        let head = String::from_utf8(self.received[..end].to_vec()).unwrap();
        let mut lines = head.split("\r\n");
        let status = lines
            .next()
            .unwrap()
            .split(' ')
            .nth(1)
            .unwrap()
            .parse()
            .unwrap();
        let mut headers: HashMap<String, Vec<String>> = HashMap::new();
        for line in lines {
            let (name, value) = line.split_once(": ").unwrap();
            headers
                .entry(name.to_ascii_lowercase())
                .or_default()
                .push(value.to_owned());
        }
        let length = headers
            .get("content-length")
            .map_or(0, |lines| lines[0].parse().unwrap());
        let (from, to) = (end + 4, end + 4 + if is_head { 0 } else { length });
        while self.received.len() < to {
            self.receive().await;
        }
        let body = String::from_utf8(self.received[from..to].to_vec()).unwrap();
        self.received.drain(..to);
        Answer {
            status,
            headers,
            body,
        }
    }

    async fn receive(&mut self) {
        let count = self.socket.read_buf(&mut self.received).await.unwrap();
        assert!(
            count > 0,
            "closed after {:?}",
            String::from_utf8_lossy(&self.received)
        );
    }

    /// Whether the server answers rather than closes.
    pub(crate) async fn is_answered(&mut self) -> bool {
        self.socket
            .read_buf(&mut self.received)
            .await
            .is_ok_and(|count| count > 0)
    }

    /// Waits until the server closes, which it must do without another byte.
    pub(crate) async fn closed(&mut self) {
        let mut rest = Vec::new();
        let closed = timeout(PATIENCE, self.socket.read_to_end(&mut rest)).await;
        // A reset is as closed as an orderly end.
        let _ = closed.expect("the server closes the connection");
        assert_eq!(String::from_utf8_lossy(&rest), "");
        assert_eq!(String::from_utf8_lossy(&self.received), "");
    }
}

/// A POST of JSON.
pub(crate) fn post(path: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\n\r\n{body}"
    )
}

fn find(text: &[u8], needle: &[u8]) -> Option<usize> {
    text.windows(needle.len())
        .position(|window| window == needle)
}
