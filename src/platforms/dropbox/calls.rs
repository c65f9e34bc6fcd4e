//! The three ways to call: JSON there and back, content there, content back.

use std::fmt::Write as _;

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::connector::kit::{Api, BaseUrl, HttpAnswer, HttpRequest};
use crate::error::{Error, ErrorKind, Result};

use super::config::Bases;
use super::error::{Fault, REFUSED};

/// An answer, or why the endpoint refuses. Other refusals are errors.
pub(super) type Answer<T> = std::result::Result<T, Fault>;

/// The calls of an account. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Calls {
    api: Api,
    /// Without credentials, and with patience.
    waiting: Api,
    bases: Bases,
    /// The value of `Dropbox-API-Path-Root`.
    path_root: Option<String>,
}

impl Calls {
    pub(super) fn new(api: Api, waiting: Api, bases: Bases, namespace: Option<&str>) -> Self {
        let path_root = namespace
            .map(|number| format!(r#"{{".tag":"namespace_id","namespace_id":"{number}"}}"#));
        Self {
            api,
            waiting,
            bases,
            path_root,
        }
    }

    /// Calls with JSON.
    pub(super) async fn ask<T: DeserializeOwned>(
        &self,
        operation: &'static str,
        route: &str,
        arg: &(impl Serialize + Sync),
    ) -> Result<Answer<T>> {
        let request = self.request(&self.bases.api, route).json(arg);
        let answer = self.api.call_for(operation, request, &[REFUSED]).await?;
        read(operation, answer).await
    }

    /// As [`ask`](Self::ask), where any refusal is an error.
    pub(super) async fn call<T: DeserializeOwned>(
        &self,
        operation: &'static str,
        route: &str,
        arg: &(impl Serialize + Sync),
    ) -> Result<T> {
        let answer = self.ask(operation, route, arg).await?;
        answer.map_err(|fault| fault.into_error(operation))
    }

    /// Calls an endpoint that takes no argument.
    pub(super) async fn look<T: DeserializeOwned>(
        &self,
        operation: &'static str,
        route: &str,
    ) -> Result<T> {
        let request = self.request(&self.bases.api, route);
        let answer = self.api.call_for(operation, request, &[REFUSED]).await?;
        let answer = read(operation, answer).await?;
        answer.map_err(|fault| fault.into_error(operation))
    }

    /// Sends content.
    pub(super) async fn send<T: DeserializeOwned>(
        &self,
        operation: &'static str,
        route: &str,
        arg: &(impl Serialize + Sync),
        content: Bytes,
    ) -> Result<Answer<T>> {
        let request = self
            .request(&self.bases.content, route)
            .header("dropbox-api-arg", to_header(operation, arg)?)
            .body("application/octet-stream", content);
        let answer = self.api.call_for(operation, request, &[REFUSED]).await?;
        read(operation, answer).await
    }

    /// Asks for content, or for a part of it by the value of `Range`. A part that is not there is an answer of status 416.
    pub(super) async fn fetch(
        &self,
        operation: &'static str,
        route: &str,
        arg: &(impl Serialize + Sync),
        range: Option<String>,
    ) -> Result<Answer<HttpAnswer>> {
        let mut request = self
            .request(&self.bases.content, route)
            .header("dropbox-api-arg", to_header(operation, arg)?);
        if let Some(range) = range {
            request = request.header("range", range);
        }
        let answer = self
            .api
            .call_for(operation, request, &[REFUSED, 416])
            .await?;
        match answer.status() {
            REFUSED => Ok(Err(Fault::of(answer).await?)),
            _ => Ok(Ok(answer)),
        }
    }

    /// Calls the host that waits, which takes no credentials.
    pub(super) async fn wait<T: DeserializeOwned>(
        &self,
        operation: &'static str,
        route: &str,
        arg: &(impl Serialize + Sync),
    ) -> Result<Answer<T>> {
        let url = self.bases.notify.at(&format!("/2/{route}"));
        let request = HttpRequest::post(url).unsigned().json(arg);
        let answer = self.waiting.call_for(operation, request, &[REFUSED]);
        read(operation, answer.await?).await
    }

    fn request(&self, base: &BaseUrl, route: &str) -> HttpRequest {
        let request = HttpRequest::post(base.at(&format!("/2/{route}")));
        match &self.path_root {
            Some(root) => request.header("dropbox-api-path-root", root),
            None => request,
        }
    }
}

async fn read<T: DeserializeOwned>(
    operation: &'static str,
    answer: HttpAnswer,
) -> Result<Answer<T>> {
    if answer.status() == REFUSED {
        return Ok(Err(Fault::of(answer).await?));
    }
    let read = answer.json().await;
    read.map(Ok)
        .map_err(|error| error.with_context("of", operation))
}

/// Writes an argument as JSON that may stand in a header: every character above `~` as `\uXXXX`.
fn to_header(operation: &'static str, arg: &impl Serialize) -> Result<String> {
    let json = serde_json::to_string(arg).map_err(|cause| {
        let message = "the argument cannot be written as JSON";
        Error::new(ErrorKind::Unexpected, operation, message).with_source(cause)
    })?;
    Ok(to_ascii(&json))
}

fn to_ascii(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for c in json.chars() {
        if c <= '~' {
            text.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            // Writing to a text does not fail.
            let _ = write!(text, "\\u{unit:04x}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_header_is_written_as_dropbox_shows_it() {
        let arg = to_header(
            "test",
            &serde_json::json!({"path": "/é/\u{1f48d}\u{7f}~\n"}),
        );
        assert_eq!(arg.unwrap(), r#"{"path":"/\u00e9/\ud83d\udc8d\u007f~\n"}"#);
    }

    proptest! {
        #[test]
        fn a_header_is_printable_and_says_the_same(text in any::<String>()) {
            let header = to_header("test", &text).unwrap();
            prop_assert!(header.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{header}");
            prop_assert_eq!(serde_json::from_str::<String>(&header).unwrap(), text);
        }
    }
}
