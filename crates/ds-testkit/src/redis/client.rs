//! A small client of Redis on one connection: enough to look at what lies there, nothing more.

use std::future::Future;
use std::pin::Pin;

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

/// A connection to one server.
#[derive(Debug)]
pub struct RedisClient {
    stream: BufReader<TcpStream>,
}

/// What came back.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Reply {
    /// Nothing is there.
    Nil,
    /// A word such as `OK`.
    Status(String),
    /// A number.
    Integer(i64),
    /// Bytes.
    Bulk(Vec<u8>),
    /// Several replies.
    Array(Vec<Reply>),
}

impl Reply {
    /// Every piece of bytes in it, however deep.
    pub fn pieces(&self) -> Vec<&[u8]> {
        match self {
            Self::Bulk(bytes) => vec![bytes],
            Self::Array(replies) => replies.iter().flat_map(Self::pieces).collect(),
            Self::Nil | Self::Status(_) | Self::Integer(_) => Vec::new(),
        }
    }
}

impl RedisClient {
    /// Connects to `redis://host:port`.
    pub async fn connect(url: &str) -> Result<Self> {
        let address = url.trim_start_matches("redis://").trim_end_matches('/');
        let stream = TcpStream::connect(address)
            .await
            .with_context(|| format!("cannot connect to Redis at {address}"))?;
        Ok(Self {
            stream: BufReader::new(stream),
        })
    }

    /// Sends one command and waits for its reply; an error reply is an error.
    pub async fn command(&mut self, words: &[&str]) -> Result<Reply> {
        let mut request = format!("*{}\r\n", words.len());
        for word in words {
            request.push_str(&format!("${}\r\n{word}\r\n", word.len()));
        }
        self.stream
            .write_all(request.as_bytes())
            .await
            .context("cannot send to Redis")?;
        let name = words.first().copied().unwrap_or_default();
        self.reply().await.with_context(|| format!("{name} failed"))
    }

    fn reply(&mut self) -> Pin<Box<dyn Future<Output = Result<Reply>> + Send + '_>> {
        Box::pin(async move {
            let line = self.line().await?;
            let (kind, rest) = line.split_at_checked(1).context("an empty reply")?;
            Ok(match kind {
                "+" => Reply::Status(rest.to_owned()),
                ":" => Reply::Integer(rest.parse().context("not a number")?),
                "$" => match length(rest)? {
                    Some(length) => Reply::Bulk(self.bytes(length).await?),
                    None => Reply::Nil,
                },
                "*" => match length(rest)? {
                    Some(length) => {
                        let mut replies = Vec::new();
                        for _ in 0..length {
                            replies.push(self.reply().await?);
                        }
                        Reply::Array(replies)
                    }
                    None => Reply::Nil,
                },
                "-" => bail!("Redis says: {rest}"),
                _ => bail!("not a reply of Redis: {line}"),
            })
        })
    }

    async fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        let count = self.stream.read_line(&mut line).await;
        if count.context("cannot receive from Redis")? == 0 {
            bail!("Redis closed the connection");
        }
        Ok(line.trim_end().to_owned())
    }

    async fn bytes(&mut self, length: usize) -> Result<Vec<u8>> {
        let mut bytes = vec![0; length + 2];
        self.stream
            .read_exact(&mut bytes)
            .await
            .context("cannot receive from Redis")?;
        bytes.truncate(length);
        Ok(bytes)
    }
}

/// A length; -1 means that there is nothing.
fn length(text: &str) -> Result<Option<usize>> {
    if text == "-1" {
        return Ok(None);
    }
    text.parse().map(Some).context("not a length")
}
