//! Where requests come in: ids, browsers, operations endpoints, and a fence around panics; then the pipeline.

use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ORIGIN, VARY,
};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use tollgate_ir::{Fault, FaultKind};

use crate::admin;
use crate::app::Gateway;
use crate::call_id::{self, CallId};
use crate::listen::{Peer, Service};
use crate::pipeline::outlet::ReplyBodyOut;
use crate::pipeline::{self, headers, reply};
use crate::routes;

/// What a listener serves.
#[derive(Clone)]
pub struct Edge {
    gateway: Gateway,
    serves: Serves,
}

/// Which endpoints a listener has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Serves {
    /// Clients and operators.
    All,
    /// Clients, health.
    Clients,
    /// Operators.
    Admin,
}

impl Edge {
    /// Of a gateway.
    pub fn new(gateway: Gateway, serves: Serves) -> Self {
        Self { gateway, serves }
    }
}

impl Service for Edge {
    type Body = ReplyBodyOut;

    async fn call(&self, request: Request<Incoming>, peer: Peer) -> Response<ReplyBodyOut> {
        let id = call_id::next(self.gateway.clock().now());
        let uri = request.uri().clone();
        let cors = allowed_origin(&self.gateway, request.headers());
        let served = self.gateway.tasks().fence("call", || self.serve(&id, request, peer)).await;
        let mut response = served.unwrap_or_else(|_| {
            let fault = Fault::new(
                FaultKind::Internal,
                format!("The gateway failed on this call. Report it with the id {}.", &*id),
            );
            reply::fault(routes::face_of(uri.path(), &HeaderMap::new()), &id, fault.into(), None)
        });
        if let Some(origin) = cors {
            let headers = response.headers_mut();
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("*"));
            headers.append(VARY, HeaderValue::from_static("origin"));
        }
        response
    }
}

impl Edge {
    async fn serve(&self, id: &CallId, request: Request<Incoming>, peer: Peer) -> Response<ReplyBodyOut> {
        let _in_flight = self.gateway.metrics().in_flight();
        let path = request.uri().path();
        if request.method() == Method::OPTIONS && request.headers().contains_key("access-control-request-method") {
            return preflight(request.headers());
        }
        if self.serves != Serves::Clients && admin::is_path(path) {
            return Box::pin(admin::serve(&self.gateway, id, request, peer)).await;
        }
        if let Some(health) = health(&self.gateway, path) {
            return health;
        }
        if self.serves == Serves::Admin || admin::is_path(path) {
            let fault = Fault::new(FaultKind::NoSuchPath, format!("{path} is not served at this address."));
            return reply::fault(routes::face_of(path, request.headers()), id, fault.into(), None);
        }
        match routes::route(request.method(), path, request.uri().query(), request.headers()) {
            Ok(route) => {
                let (head, body) = request.into_parts();
                pipeline::serve(&self.gateway, id, route, head, body).await
            }
            Err(fault) => reply::fault(routes::face_of(path, request.headers()), id, fault.into(), None),
        }
    }
}

/// `/healthz`: the process lives. `/readyz`: it takes calls.
fn health(gateway: &Gateway, path: &str) -> Option<Response<ReplyBodyOut>> {
    let draining = gateway.tasks().draining().is_cancelled();
    let (status, text) = match path {
        "/healthz" => (StatusCode::OK, "ok\n"),
        "/readyz" if draining => (StatusCode::SERVICE_UNAVAILABLE, "draining\n"),
        "/readyz" => (StatusCode::OK, "ready\n"),
        _ => return None,
    };
    let mut response = Response::new(ReplyBodyOut::whole(text));
    *response.status_mut() = status;
    headers::put(response.headers_mut(), "content-type", "text/plain; charset=utf-8");
    Some(response)
}

/// The request's origin, if browsers there may call.
fn allowed_origin(gateway: &Gateway, headers: &HeaderMap) -> Option<HeaderValue> {
    let origin = headers.get(ORIGIN)?;
    let text = origin.to_str().ok()?;
    let state = gateway.state();
    let listed = state.config.server.cors.iter().any(|allowed| allowed == "*" || allowed == text);
    listed.then(|| origin.clone())
}

fn preflight(asked: &HeaderMap) -> Response<ReplyBodyOut> {
    let mut response = Response::new(ReplyBodyOut::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST, PUT, PATCH, DELETE"));
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    if let Some(names) = asked.get("access-control-request-headers") {
        headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, names.clone());
    }
    response
}
