//! Which endpoint a request is for.

use std::sync::Arc;

use ds_ingest::port::Ports;
use http::{HeaderValue, Method};

use crate::{endpoint::Endpoint, exchange::Meter};

/// The paths of a listener.
pub(crate) struct Routes<P: Ports> {
    paths: Vec<Path<P>>,
    positions: matchit::Router<usize>,
}

/// One path and the endpoints behind it.
struct Path<P: Ports> {
    template: &'static str,
    allow: HeaderValue,
    endpoints: Vec<Served<P>>,
}

/// An endpoint and its metrics.
pub(crate) struct Served<P: Ports> {
    pub(crate) endpoint: Endpoint<P>,
    pub(crate) meter: Arc<Meter>,
}

/// Where a request goes.
pub(crate) enum Found<'r, P: Ports> {
    /// To an endpoint.
    Endpoint {
        /// The endpoint.
        served: &'r Served<P>,
        /// Value of its path's parameter.
        parameter: Box<str>,
    },
    /// The path is known, but not with this method.
    OtherMethods {
        /// The path's template.
        template: &'static str,
        /// The methods it is known with.
        allow: HeaderValue,
    },
    /// Nowhere.
    Nothing,
}

impl<P: Ports> Routes<P> {
    /// Routes to `endpoints`.
    pub(crate) fn new(endpoints: Vec<Endpoint<P>>) -> Self {
        let mut paths: Vec<Path<P>> = Vec::new();
        for endpoint in endpoints {
            let meter = Arc::new(Meter::of(&endpoint));
            let served = Served { endpoint, meter };
            let template = served.endpoint.path;
            match paths.iter_mut().find(|path| path.template == template) {
                Some(path) => path.endpoints.push(served),
                None => paths.push(Path {
                    template,
                    allow: HeaderValue::from_static(""),
                    endpoints: vec![served],
                }),
            }
        }
        let mut positions = matchit::Router::new();
        for (position, path) in paths.iter_mut().enumerate() {
            path.allow = allow(&path.endpoints);
            insert(&mut positions, path.template, position);
        }
        Self { paths, positions }
    }

    /// Finds where `method` on `path` goes.
    pub(crate) fn find(&self, method: &Method, path: &str) -> Found<'_, P> {
        let Ok(matched) = self.positions.at(path) else {
            return Found::Nothing;
        };
        let Some(path) = self.paths.get(*matched.value) else {
            return Found::Nothing;
        };
        // HEAD is GET without the body, which hyper leaves out by itself.
        let method = if *method == Method::HEAD {
            &Method::GET
        } else {
            method
        };
        match path
            .endpoints
            .iter()
            .find(|served| served.endpoint.method == *method)
        {
            Some(served) => {
                let parameter = matched.params.iter().next().map(|(_, value)| value.into());
                Found::Endpoint {
                    served,
                    parameter: parameter.unwrap_or_default(),
                }
            }
            None => Found::OtherMethods {
                template: path.template,
                allow: path.allow.clone(),
            },
        }
    }
}

#[expect(
    clippy::expect_used,
    reason = "templates are constants; a test builds every surface"
)]
fn insert(positions: &mut matchit::Router<usize>, template: &'static str, position: usize) {
    positions
        .insert(template, position)
        .expect("paths of the table do not overlap");
}

#[expect(clippy::expect_used, reason = "names of methods are visible ASCII")]
fn allow<P: Ports>(endpoints: &[Served<P>]) -> HeaderValue {
    let mut names: Vec<&str> = Vec::new();
    for served in endpoints {
        names.push(served.endpoint.method.as_str());
        if served.endpoint.method == Method::GET {
            names.push(Method::HEAD.as_str());
        }
    }
    names.sort_unstable();
    HeaderValue::from_str(&names.join(", ")).expect("names of methods are a header value")
}
