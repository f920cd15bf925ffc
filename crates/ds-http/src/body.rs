//! Reading a request's body, within bounds of size and time.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, header::EXPECT};
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};

use crate::RequestLimits;

/// Longest pause between two pieces of a body that is only read to be thrown away.
const DISCARD_PAUSE_MAX: Duration = Duration::from_secs(1);

/// Longest wait for the body of a request that is dismissed, and the largest body that is waited for:
/// usually it has come with the head.
const DISMISSAL_MAX: Duration = Duration::from_millis(10);
const DISMISSAL_BYTES_MAX: u64 = 64 * 1024;

/// Longest time for which a client that was dismissed may go on sending.
const LINGER_MAX: Duration = Duration::from_secs(5);

/// Why there is no body to work with.
#[derive(Debug)]
pub(crate) enum BodyError {
    /// It is larger than allowed.
    TooLarge {
        /// The most that is allowed.
        bytes_max: usize,
    },
    /// It did not arrive in time.
    TooSlow {
        /// The most time that is allowed.
        timeout: Duration,
    },
    /// It broke off, or its framing is wrong.
    Broken(hyper::Error),
}

/// Reads the whole body. On an error nothing more can be read from the connection.
///
/// A body that turns out too large is read on, up to a further bound, and thrown away: many clients
/// do not look at an answer before they have sent everything, and would see a broken connection
/// instead of the refusal. A client that asks before it sends (`Expect: 100-continue`) is told at
/// once.
pub(crate) async fn read(
    body: Incoming,
    headers: &HeaderMap,
    limits: &RequestLimits,
) -> Result<Bytes, BodyError> {
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    let asks_first = headers.contains_key(EXPECT);
    let bytes_max = limits.body_bytes_max;
    if asks_first && body.size_hint().lower() > as_u64(bytes_max) {
        return Err(BodyError::TooLarge { bytes_max });
    }
    let timeout = limits.body_read_timeout;
    match tokio::time::timeout(timeout, collect(body, limits)).await {
        Ok(collected) => collected,
        Err(_elapsed) => Err(BodyError::TooSlow { timeout }),
    }
}

/// The most bytes that [`read`] will keep of the body, by what its head says.
pub(crate) fn bytes_at_most(body: &Incoming, limits: &RequestLimits) -> usize {
    let announced = body.size_hint().upper();
    let announced = announced.and_then(|bytes| usize::try_from(bytes).ok());
    announced.map_or(limits.body_bytes_max, |bytes| {
        bytes.min(limits.body_bytes_max)
    })
}

/// Reads and drops the body of a request that is refused anyway. Whether the connection can be used
/// on.
pub(crate) async fn discard(
    mut body: Incoming,
    headers: &HeaderMap,
    limits: &RequestLimits,
) -> bool {
    if body.is_end_stream() {
        return true;
    }
    if headers.contains_key(EXPECT) {
        return false;
    }
    tokio::time::timeout(limits.body_read_timeout, drain(&mut body, limits))
        .await
        .unwrap_or(false)
}

/// Like [`discard`], for a refusal that must be quick: it does not wait for more than has come. What
/// comes later is thrown away behind the answer, so that the client gets to read that, and not a
/// reset.
pub(crate) async fn dismiss(
    mut body: Incoming,
    headers: &HeaderMap,
    limits: &RequestLimits,
) -> bool {
    if body.is_end_stream() {
        return true;
    }
    if headers.contains_key(EXPECT) {
        return false;
    }
    let is_small = |bytes| bytes <= DISMISSAL_BYTES_MAX;
    if body.size_hint().upper().is_some_and(is_small) {
        let drained = tokio::time::timeout(DISMISSAL_MAX, drain(&mut body, limits)).await;
        if let Ok(is_all) = drained {
            return is_all;
        }
    }
    let limits = *limits;
    tokio::spawn(async move {
        // The connection ends with its body, or when nobody reads that any more.
        let _ = tokio::time::timeout(LINGER_MAX, drain(&mut body, &limits)).await;
    });
    false
}

async fn collect(mut body: Incoming, limits: &RequestLimits) -> Result<Bytes, BodyError> {
    let bytes_max = limits.body_bytes_max;
    if body.size_hint().lower() > as_u64(bytes_max) {
        drain(&mut body, limits).await;
        return Err(BodyError::TooLarge { bytes_max });
    }
    let mut first = Bytes::new();
    let mut rest = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(BodyError::Broken)?.into_data() else {
            continue;
        };
        let seen = first.len().max(rest.len());
        if data.len() > bytes_max - seen {
            drop(rest);
            drain(&mut body, limits).await;
            return Err(BodyError::TooLarge { bytes_max });
        }
        // Most bodies come in one piece, which is not copied. Memory is taken as bytes arrive, not
        // as a header promises them.
        if first.is_empty() {
            first = data;
        } else {
            if rest.is_empty() {
                rest.extend_from_slice(&first);
            }
            rest.extend_from_slice(&data);
        }
    }
    Ok(if rest.is_empty() {
        first
    } else {
        rest.freeze()
    })
}

/// Reads and drops a body that is not wanted, within bounds; whether that was all of it. A client
/// that stops sending is waiting for its answer.
async fn drain(body: &mut Incoming, limits: &RequestLimits) -> bool {
    let mut left = limits.discard_bytes_max;
    if body.size_hint().lower() > as_u64(left) {
        return false;
    }
    loop {
        let frame = match tokio::time::timeout(DISCARD_PAUSE_MAX, body.frame()).await {
            Ok(None) => return true,
            Ok(Some(Ok(frame))) => frame,
            Ok(Some(Err(_))) | Err(_) => return false,
        };
        let bytes = frame.data_ref().map_or(0, Bytes::len);
        match left.checked_sub(bytes) {
            Some(rest) => left = rest,
            None => return false,
        }
    }
}

fn as_u64(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}
