//! Reading a request's body, within bounds of size and time.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, header::EXPECT};
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};

use crate::RequestLimits;

/// Longest pause between two pieces of a body that is only read to be thrown away.
const DISCARD_PAUSE_MAX: Duration = Duration::from_secs(1);

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

/// Reads and drops the body of a request that is refused anyway. Whether the connection can be used
/// on.
pub(crate) async fn discard(body: Incoming, headers: &HeaderMap, limits: &RequestLimits) -> bool {
    if body.is_end_stream() {
        return true;
    }
    if headers.contains_key(EXPECT) {
        return false;
    }
    tokio::time::timeout(limits.body_read_timeout, drain(body, limits))
        .await
        .unwrap_or(false)
}

async fn collect(mut body: Incoming, limits: &RequestLimits) -> Result<Bytes, BodyError> {
    let bytes_max = limits.body_bytes_max;
    if body.size_hint().lower() > as_u64(bytes_max) {
        drain(body, limits).await;
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
            drain(body, limits).await;
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
async fn drain(mut body: Incoming, limits: &RequestLimits) -> bool {
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
