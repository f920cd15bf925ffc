//! One connection through the proxy, both ways.

use std::io;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};

use super::{Direction, Weather};

/// Bytes read at once, and pieces on their way at once: a bound, so that senders feel a slow receiver.
const PIECE_BYTES: usize = 16 * 1024;
const PIECES: usize = 256;

/// Bytes, and when they are to arrive.
type Piece = (Instant, Vec<u8>);

/// Carries one connection until both ends are done, one of them fails, or it is cut.
pub(super) async fn carry(
    mut client: TcpStream,
    target: String,
    mut weather: watch::Receiver<Weather>,
) {
    let cuts = weather.borrow().cuts;
    let Some(mut server) = reach(&client, &target, weather.clone(), cuts).await else {
        return;
    };
    // Small messages must not wait for each other; without it they are late, but whole.
    let _ = client.set_nodelay(true);
    let _ = server.set_nodelay(true);
    let finished = {
        let (from_client, to_client) = client.split();
        let (from_server, to_server) = server.split();
        let requests = pump(from_client, to_server, Direction::ToServer, weather.clone());
        let answers = pump(from_server, to_client, Direction::ToClient, weather.clone());
        tokio::select! {
            outcome = async { tokio::try_join!(requests, answers) } => outcome.is_ok(),
            () = cut(&mut weather, cuts) => false,
        }
    };
    if !finished {
        reset(&client);
        reset(&server);
    }
}

/// The server's end; none if it cannot be had, which the client is told by a reset.
async fn reach(
    client: &TcpStream,
    target: &str,
    mut weather: watch::Receiver<Weather>,
    cuts: u64,
) -> Option<TcpStream> {
    let mut held = weather.clone();
    let reaching = async {
        let passable = |weather: &Weather| !weather.held[Direction::ToServer as usize];
        until(&mut held, passable).await;
        TcpStream::connect(target).await.ok()
    };
    let reached = tokio::select! {
        reached = reaching => reached,
        () = cut(&mut weather, cuts) => None,
    };
    if reached.is_none() {
        reset(client);
    }
    reached
}

/// Ends when the connections of before are cut, or the proxy is gone.
async fn cut(weather: &mut watch::Receiver<Weather>, cuts: u64) {
    let _ = weather.wait_for(|weather| weather.cuts != cuts).await;
}

/// Waits for a change of the weather. When the proxy is gone none comes, and the connection is cut.
async fn until(weather: &mut watch::Receiver<Weather>, is_so: impl FnMut(&Weather) -> bool) {
    if weather.wait_for(is_so).await.is_err() {
        std::future::pending().await
    }
}

/// What is dropped after this is closed by RST. A socket that is closed already needs none.
fn reset(stream: &TcpStream) {
    let _ = stream.set_zero_linger();
}

/// One direction: what is read is written when it is due and may pass.
async fn pump(
    mut from: ReadHalf<'_>,
    to: WriteHalf<'_>,
    direction: Direction,
    weather: watch::Receiver<Weather>,
) -> io::Result<()> {
    let (sender, receiver) = mpsc::channel::<Piece>(PIECES);
    let delays = weather.clone();
    let reading = async move {
        let mut buffer = vec![0; PIECE_BYTES];
        loop {
            let count = from.read(&mut buffer).await?;
            let due = Instant::now() + delays.borrow().delay[direction as usize];
            if count == 0 || sender.send((due, buffer[..count].to_vec())).await.is_err() {
                return io::Result::Ok(());
            }
        }
    };
    tokio::try_join!(reading, deliver(receiver, to, direction, weather))?;
    Ok(())
}

async fn deliver(
    mut pieces: mpsc::Receiver<Piece>,
    mut to: WriteHalf<'_>,
    direction: Direction,
    mut weather: watch::Receiver<Weather>,
) -> io::Result<()> {
    let closed = weather.borrow().closed[direction as usize];
    let mut closing = weather.clone();
    let delivering = async {
        while let Some((due, bytes)) = pieces.recv().await {
            sleep_until(due).await;
            let passable = |weather: &Weather| !weather.held[direction as usize];
            until(&mut weather, passable).await;
            to.write_all(&bytes).await?;
        }
        io::Result::Ok(())
    };
    let is_closed = |weather: &Weather| weather.closed[direction as usize] != closed;
    let swallowing = tokio::select! {
        outcome = delivering => {
            outcome?;
            false
        }
        () = until(&mut closing, is_closed) => true,
    };
    // The receiver may be gone already; it is the sender's side that matters then.
    let _ = to.shutdown().await;
    while swallowing && pieces.recv().await.is_some() {}
    Ok(())
}
