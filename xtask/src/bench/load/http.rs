//! HTTP/1.1 with as little work as possible, on kept connections.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{BROKEN, Client, Done};
use crate::bench::event::{self, Pattern, Random};

/// A connection; made anew when the server has closed it.
pub(in crate::bench) struct Connection {
    address: SocketAddr,
    stream: Option<TcpStream>,
    received: Vec<u8>,
}

/// What matters of an answer.
#[derive(Debug)]
pub(in crate::bench) struct Answer {
    pub(in crate::bench) status: u16,
    has_retry_after: bool,
    closes: bool,
    body: usize,
    end: usize,
}

impl Connection {
    pub(in crate::bench) async fn open(address: SocketAddr) -> Result<Self> {
        let mut connection = Self {
            address,
            stream: None,
            received: Vec::with_capacity(4096),
        };
        connection.reopen().await?;
        Ok(connection)
    }

    async fn reopen(&mut self) -> Result<()> {
        let stream = TcpStream::connect(self.address)
            .await
            .context("cannot connect to the service")?;
        stream.set_nodelay(true).context("cannot set TCP_NODELAY")?;
        self.stream = Some(stream);
        Ok(())
    }

    /// Sends a request and reads its answer.
    pub(in crate::bench) async fn exchange(&mut self, request: &[u8]) -> Result<Answer> {
        if self.stream.is_none() {
            self.reopen().await?;
        }
        let outcome = self.try_exchange(request).await;
        if !matches!(&outcome, Ok(answer) if !answer.closes) {
            self.stream = None;
        }
        outcome
    }

    async fn try_exchange(&mut self, request: &[u8]) -> Result<Answer> {
        let stream = self.stream.as_mut().context("not connected")?;
        stream.write_all(request).await.context("cannot send")?;
        self.received.clear();
        let mut answer: Option<Answer> = None;
        loop {
            let read = stream.read_buf(&mut self.received).await;
            if read.context("cannot receive")? == 0 {
                bail!("the server closed the connection");
            }
            if answer.is_none() {
                answer = head(&self.received)?;
            }
            if let Some(answer) = answer.take_if(|answer| answer.end <= self.received.len()) {
                return Ok(answer);
            }
        }
    }

    /// The body of the answer that was read last.
    pub(in crate::bench) fn body(&self, answer: &Answer) -> String {
        String::from_utf8_lossy(&self.received[answer.body..answer.end]).into_owned()
    }
}

/// Reads the head of an answer, once it is there as a whole.
fn head(received: &[u8]) -> Result<Option<Answer>> {
    let Some(end) = received.windows(4).position(|four| four == b"\r\n\r\n") else {
        return Ok(None);
    };
    let head = std::str::from_utf8(&received[..end]).context("the answer is not HTTP")?;
    let status = head.get(9..12).and_then(|status| status.parse().ok());
    let mut answer = Answer {
        status: status.with_context(|| format!("not an answer: {head}"))?,
        has_retry_after: false,
        closes: false,
        body: end + 4,
        end: end + 4,
    };
    for (name, value) in head.lines().skip(1).filter_map(|line| line.split_once(':')) {
        let value = value.trim();
        if name.eq_ignore_ascii_case("content-length") {
            answer.end += value.parse::<usize>().context("a bad Content-Length")?;
        } else if name.eq_ignore_ascii_case("retry-after") {
            answer.has_retry_after = true;
        } else if name.eq_ignore_ascii_case("connection") {
            answer.closes = value.eq_ignore_ascii_case("close");
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            bail!("the answer has no length in advance");
        }
    }
    Ok(Some(answer))
}

/// What a client asks.
#[derive(Clone)]
enum Script {
    /// One text, filled anew each time; how many events it holds.
    Post(Pattern, u32),
    /// One of these, at random.
    Get(Arc<Vec<Vec<u8>>>),
}

impl Script {
    fn events(&self) -> u32 {
        match self {
            Self::Post(_, events) => *events,
            Self::Get(_) => 1,
        }
    }
}

/// A client of the service.
pub(in crate::bench) struct HttpClient {
    connection: Connection,
    script: Script,
    random: Random,
    allowed: &'static [u16],
}

impl HttpClient {
    /// `count` clients that post single events; a status that is not `allowed` ends the run.
    pub(in crate::bench) async fn singles(
        address: SocketAddr,
        count: usize,
        allowed: &'static [u16],
    ) -> Result<Vec<Self>> {
        let host = address.to_string();
        let script = |client| Script::Post(event::single(&host, client), 1);
        Self::connect(address, count, script, allowed).await
    }

    /// `count` clients that post batches.
    pub(in crate::bench) async fn batches(
        address: SocketAddr,
        count: usize,
        events: u32,
    ) -> Result<Vec<Self>> {
        let host = address.to_string();
        let pattern = event::batch(&host, usize::try_from(events).unwrap_or(usize::MAX));
        let script = |_| Script::Post(pattern.clone(), events);
        Self::connect(address, count, script, &[201]).await
    }

    /// A client that asks these questions.
    pub(in crate::bench) async fn questions(
        address: SocketAddr,
        questions: Vec<Vec<u8>>,
    ) -> Result<Vec<Self>> {
        let questions = Arc::new(questions);
        let script = |_| Script::Get(Arc::clone(&questions));
        Self::connect(address, 1, script, &[200]).await
    }

    async fn connect(
        address: SocketAddr,
        count: usize,
        script: impl Fn(usize) -> Script,
        allowed: &'static [u16],
    ) -> Result<Vec<Self>> {
        let mut clients = Vec::with_capacity(count);
        for number in 0..count {
            clients.push(Self {
                connection: Connection::open(address).await?,
                script: script(number),
                random: Random::new(),
                allowed,
            });
        }
        Ok(clients)
    }
}

impl Client for HttpClient {
    async fn once(&mut self) -> Result<Done> {
        let request = match &mut self.script {
            Script::Post(pattern, _) => pattern.fill(&mut self.random, event::now()),
            Script::Get(questions) => {
                let count = u64::try_from(questions.len())?;
                &questions[usize::try_from(self.random.below(count))?]
            }
        };
        let answer = match self.connection.exchange(request).await {
            Ok(answer) => answer,
            Err(_) if self.allowed.contains(&BROKEN) => {
                return Ok(Done {
                    status: BROKEN,
                    events: 0,
                    has_retry_after: false,
                });
            }
            Err(error) => return Err(error),
        };
        if !self.allowed.contains(&answer.status) {
            let body = self.connection.body(&answer);
            bail!("the service answered {}: {body}", answer.status);
        }
        Ok(Done {
            status: answer.status,
            events: self.script.events(),
            has_retry_after: answer.has_retry_after,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_once_it_is_whole() {
        let text = "HTTP/1.1 503 Busy\r\ncontent-length: 3\r\nRetry-After: 1\r\nConnection: close\r\n\r\nabc";
        assert!(head(&text.as_bytes()[..40]).unwrap().is_none());
        let answer = head(text.as_bytes()).unwrap().unwrap();
        assert_eq!(answer.status, 503);
        assert!(answer.has_retry_after && answer.closes);
        assert_eq!(&text[answer.body..answer.end], "abc");
        assert!(head(b"nonsense\r\n\r\n").is_err());
    }
}
