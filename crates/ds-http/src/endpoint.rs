//! What an endpoint is.

use std::{borrow::Cow, pin::Pin, sync::Arc};

use bytes::Bytes;
use ds_ingest::{Submission, port::Ports};
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, Uri, header::CONTENT_TYPE};
use http_body_util::Full;
use percent_encoding::percent_decode_str;
use serde::Serialize;
use uuid::Uuid;

use crate::{Service, problem::Problem, reply_body::ReplyBody, request_id::RequestId, trace};

/// An answer.
pub(crate) type Reply = Response<ReplyBody>;

/// A handler at work: boxed once per request.
pub(crate) type Handling = Pin<Box<dyn Future<Output = Result<Reply, Problem>> + Send>>;

/// Whether a request changes anything.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    /// It does not: it is dropped with its connection.
    Read,
    /// It does not either, but what it asks for is in its body.
    Question,
    /// It brings events: it has to be admitted before its body is read, and once started it is
    /// finished, whatever becomes of its connection.
    Write,
    /// The same for what may be said without a body.
    Amend,
    /// It changes or audits something without a body: once started it is finished, too.
    Command,
}

/// One line of the table.
pub(crate) struct Endpoint<P: Ports> {
    /// Its `operationId`.
    pub(crate) operation: &'static str,
    /// Its method; a GET is also asked with HEAD.
    pub(crate) method: Method,
    /// Its path, with at most one `{parameter}`, anywhere.
    pub(crate) path: &'static str,
    /// Whether it changes anything.
    pub(crate) kind: Kind,
    /// Whether the listener for operators has it, too.
    pub(crate) for_operators: bool,
    /// Whether it works on the store, so that it must wait for the process to have prepared that.
    pub(crate) needs_store: bool,
    /// Every status it may answer.
    pub(crate) statuses: &'static [u16],
    /// What it does.
    pub(crate) handle: fn(Arc<Service<P>>, Call) -> Handling,
}

/// A request on its way to a handler.
pub(crate) struct Call {
    /// What was asked for.
    pub(crate) uri: Uri,
    /// The headers.
    pub(crate) headers: HeaderMap,
    /// Name of the request.
    pub(crate) request_id: RequestId,
    /// Value of the path's parameter, empty if it has none.
    pub(crate) path_parameter: Box<str>,
    /// The whole body.
    pub(crate) body: Bytes,
}

impl Call {
    /// What it brings to be recorded.
    pub(crate) fn submission(&self) -> Submission<'_> {
        Submission {
            body: &self.body,
            trace: trace::of(&self.headers),
        }
    }

    /// The path's parameter as an id in its canonical form.
    pub(crate) fn path_id(&self) -> Option<Uuid> {
        let is_canonical = self.path_parameter.len() == 36;
        let id = Uuid::try_parse(&self.path_parameter).ok();
        id.filter(|_| is_canonical)
    }

    /// The path's parameter as the client meant it; `None` when that is no text that can be stored.
    pub(crate) fn path_text(&self) -> Option<Cow<'_, str>> {
        let text = percent_decode_str(&self.path_parameter).decode_utf8().ok();
        text.filter(|text| !text.contains('\0'))
    }
}

/// An answer in JSON.
pub(crate) fn json(status: StatusCode, value: &impl Serialize) -> Result<Reply, Problem> {
    let text = serde_json::to_vec(value).map_err(Problem::unwritable)?;
    Ok(json_text(status, text))
}

/// An answer whose text is JSON already.
pub(crate) fn json_text(status: StatusCode, text: Vec<u8>) -> Reply {
    reply(status, HeaderValue::from_static("application/json"), text)
}

/// An answer of the given media type.
pub(crate) fn reply(status: StatusCode, media_type: HeaderValue, body: impl Into<Bytes>) -> Reply {
    let mut reply = Response::new(ReplyBody::Whole(Full::new(body.into())));
    *reply.status_mut() = status;
    reply.headers_mut().insert(CONTENT_TYPE, media_type);
    reply
}
