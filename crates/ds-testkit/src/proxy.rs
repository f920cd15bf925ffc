//! A TCP proxy that misbehaves when it is told to: the network between the service and a store.

mod carriage;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::ground;

/// Which way bytes go.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Direction {
    /// Requests.
    ToServer,
    /// Answers.
    ToClient,
}

impl Direction {
    /// Both.
    pub const BOTH: [Self; 2] = [Self::ToServer, Self::ToClient];
}

/// What the network does at the moment.
#[derive(Clone, Debug, Default)]
struct Weather {
    /// Whether new connections are refused.
    refusing: bool,
    /// By direction: whether bytes are withheld.
    held: [bool; 2],
    /// By direction: how late bytes arrive.
    delay: [Duration; 2],
    /// By direction: how often it was closed for everybody who was connected.
    closed: [u64; 2],
    /// How often everybody who was connected was cut off.
    cuts: u64,
}

/// A proxy in front of one server, in this process. It ends, and cuts everybody off, when it is dropped.
///
/// Faults add up until [`ChaosProxy::heal`] ends those that last.
#[derive(Debug)]
pub struct ChaosProxy {
    address: SocketAddr,
    server_url: String,
    weather: watch::Sender<Weather>,
    listening: watch::Receiver<bool>,
    /// One for each connection, and two.
    carried: Arc<()>,
    accepting: JoinHandle<()>,
}

impl ChaosProxy {
    /// Starts one for the server at `url`, of the form `scheme://[user@]host:port[/path]`.
    pub async fn in_front_of(url: &str) -> Result<Self> {
        let target = authority(url).context("the address has no host and port")?;
        let address = SocketAddr::from(([127, 0, 0, 1], ground::free_port()?));
        let listener = TcpListener::bind(address)
            .await
            .context("cannot listen for the proxy")?;
        let (weather, receiver) = watch::channel(Weather::default());
        let (announce, listening) = watch::channel(true);
        let carried = Arc::new(());
        let gate = Gate {
            address,
            target: target.to_owned(),
            weather: receiver,
            announce,
            carried: Arc::clone(&carried),
        };
        Ok(Self {
            address,
            server_url: url.to_owned(),
            weather,
            listening,
            carried,
            accepting: tokio::spawn(gate.keep(listener)),
        })
    }

    /// The address of the server, by way of this proxy.
    pub fn url(&self) -> String {
        let target = authority(&self.server_url).unwrap_or_default();
        self.server_url.replace(target, &self.address.to_string())
    }

    /// `127.0.0.1:port`.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many connections it carries.
    pub fn connections(&self) -> usize {
        // One is ours, one the gate's.
        Arc::strong_count(&self.carried) - 2
    }

    /// Resets every connection, towards both ends. New ones are not affected.
    pub fn cut(&self) {
        self.weather.send_modify(|weather| weather.cuts += 1);
    }

    /// Refuses new connections from now on, as a host without a listener does.
    pub async fn refuse(&self) {
        self.weather.send_modify(|weather| weather.refusing = true);
        self.until_listening(false).await;
    }

    /// Delivers the bytes that come from now on late by `delay`; it is latency, not narrowness.
    pub fn delay(&self, direction: Direction, delay: Duration) {
        self.weather
            .send_modify(|weather| weather.delay[direction as usize] = delay);
    }

    /// Tells those who receive in `direction` that no more will come, on every connection there is,
    /// and swallows what comes. The other direction, and the sender, do not notice.
    pub fn half_close(&self, direction: Direction) {
        self.weather
            .send_modify(|weather| weather.closed[direction as usize] += 1);
    }

    /// Withholds all bytes of one direction until healed, such as the answer to a commit that was done.
    pub fn withhold(&self, direction: Direction) {
        self.weather
            .send_modify(|weather| weather.held[direction as usize] = true);
    }

    /// Accepts and answers nothing; connections that exist freeze.
    pub fn blackhole(&self) {
        self.weather
            .send_modify(|weather| weather.held = [true, true]);
    }

    /// Ends refusals, delays and black holes; what was withheld is delivered.
    pub async fn heal(&self) {
        self.weather.send_modify(|weather| {
            weather.refusing = false;
            weather.held = [false, false];
            weather.delay = [Duration::ZERO, Duration::ZERO];
        });
        self.until_listening(true).await;
    }

    async fn until_listening(&self, wanted: bool) {
        let mut listening = self.listening.clone();
        // The gate outlives this value, so its word does come.
        let _ = listening.wait_for(|is| *is == wanted).await;
    }
}

impl Drop for ChaosProxy {
    fn drop(&mut self) {
        self.accepting.abort();
        self.cut();
    }
}

/// `host:port` of a URL.
fn authority(url: &str) -> Option<&str> {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let rest = rest.split(['/', '?']).next()?;
    let place = rest.rsplit_once('@').map_or(rest, |(_, place)| place);
    place.contains(':').then_some(place)
}

// === impl Gate ===

/// The near end: accepts, or does not.
struct Gate {
    address: SocketAddr,
    target: String,
    weather: watch::Receiver<Weather>,
    announce: watch::Sender<bool>,
    carried: Arc<()>,
}

impl Gate {
    async fn keep(mut self, listener: TcpListener) {
        let mut open = Some(listener);
        loop {
            let refusing = self.weather.borrow_and_update().refusing;
            if refusing && open.take().is_some() {
                self.announce.send_replace(false);
            }
            if !refusing && open.is_none() {
                open = Some(self.listen_again().await);
                self.announce.send_replace(true);
            }
            tokio::select! {
                changed = self.weather.changed() => if changed.is_err() { return },
                stream = accepted(open.as_ref()) => {
                    let carrying = carriage::carry(stream, self.target.clone(), self.weather.clone());
                    let carried = Arc::clone(&self.carried);
                    tokio::spawn(async move {
                        carrying.await;
                        drop(carried);
                    });
                }
            }
        }
    }

    /// Nobody else should have taken the port; connections that linger on it give way in time.
    async fn listen_again(&self) -> TcpListener {
        loop {
            match TcpListener::bind(self.address).await {
                Ok(listener) => return listener,
                Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
            }
        }
    }
}

async fn accepted(listener: Option<&TcpListener>) -> TcpStream {
    let Some(listener) = listener else {
        return std::future::pending().await;
    };
    loop {
        // What fails here is the client's connection, not the listener.
        if let Ok((stream, _)) = listener.accept().await {
            return stream;
        }
    }
}

#[cfg(test)]
mod tests;
