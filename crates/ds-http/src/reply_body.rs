//! The body of an answer: complete in memory, or made piece by piece while it is sent.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::{Body, Frame, SizeHint};
use tokio::sync::mpsc;

/// The body of an answer.
pub(crate) enum ReplyBody {
    /// All of it.
    Whole(Full<Bytes>),
    /// What comes out of a channel, up to [`Piece::End`].
    Stream(mpsc::Receiver<Piece>),
}

/// A piece of a stream.
#[derive(Debug)]
pub(crate) enum Piece {
    /// Some bytes.
    Data(Bytes),
    /// There are no more. A stream that ends in any other way is broken off, so that the client sees
    /// that something is missing.
    End,
}

/// A stream ended before its end.
#[derive(Debug, thiserror::Error)]
#[error("answer is broken off")]
pub(crate) struct BrokenOff;

impl Default for ReplyBody {
    fn default() -> Self {
        Self::Whole(Full::default())
    }
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = BrokenOff;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        match &mut *self {
            Self::Whole(whole) => {
                let frame = ready!(Pin::new(whole).poll_frame(cx));
                Poll::Ready(frame.map(|frame| frame.map_err(|never| match never {})))
            }
            Self::Stream(pieces) => Poll::Ready(match ready!(pieces.poll_recv(cx)) {
                Some(Piece::Data(bytes)) => Some(Ok(Frame::data(bytes))),
                Some(Piece::End) => None,
                None => Some(Err(BrokenOff)),
            }),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(whole) => whole.is_end_stream(),
            Self::Stream(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(whole) => whole.size_hint(),
            Self::Stream(_) => SizeHint::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    #[tokio::test]
    async fn a_stream_that_stops_without_its_end_is_an_error() {
        let (pieces, receiver) = mpsc::channel(2);
        let mut body = ReplyBody::Stream(receiver);
        pieces
            .send(Piece::Data(Bytes::from_static(b"a")))
            .await
            .unwrap();
        drop(pieces);
        let first = body.frame().await.unwrap().unwrap();
        assert_eq!(first.into_data().unwrap(), "a");
        assert!(body.frame().await.unwrap().is_err());
    }

    #[tokio::test]
    async fn a_stream_ends_where_it_says() {
        let (pieces, receiver) = mpsc::channel(2);
        let body = ReplyBody::Stream(receiver);
        pieces
            .send(Piece::Data(Bytes::from_static(b"ab")))
            .await
            .unwrap();
        pieces.send(Piece::End).await.unwrap();
        assert_eq!(body.collect().await.unwrap().to_bytes(), "ab");
    }
}
