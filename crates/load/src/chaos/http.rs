//! One request, on a connection of its own through the client's line.

use anyhow::{Context, Result};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::header::{ACCEPT, CONNECTION, CONTENT_TYPE, HOST, HeaderName};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::task::spawn_local;

use super::network::{address_of, connect_from};
use super::route::Route;

/// Asks; the body is still to be read.
pub(in crate::chaos) async fn ask(
    route: &Route,
    method: Method,
    path: &str,
    more: &[(HeaderName, String)],
    body: String,
) -> Result<Response<Incoming>> {
    let stream = connect_from(address_of(route.client), route.address).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    // It ends with the answer, or when the answer is thrown away.
    spawn_local(connection);
    let mut request = Request::builder().method(method).uri(path).body(Full::new(Bytes::from(body)))?;
    let headers = request.headers_mut();
    headers.extend(route.headers()?);
    headers.insert(HOST, route.address.to_string().try_into()?);
    headers.insert(CONNECTION, "close".try_into()?);
    headers.insert(CONTENT_TYPE, "application/json".try_into()?);
    headers.insert(ACCEPT, "*/*".try_into()?);
    for (name, value) in more {
        headers.insert(name, value.try_into()?);
    }
    Ok(sender.send_request(request).await?)
}

/// Asks and reads the whole answer.
pub(in crate::chaos) async fn fetch(
    route: &Route,
    method: Method,
    path: &str,
    more: &[(HeaderName, String)],
    body: String,
) -> Result<(StatusCode, hyper::HeaderMap, Bytes)> {
    let (head, body) = ask(route, method, path, more, body).await?.into_parts();
    let body = body.collect().await.context("the answer was cut off")?;
    Ok((head.status, head.headers, body.to_bytes()))
}
