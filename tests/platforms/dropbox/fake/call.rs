//! Calls and replies, as the fake sees them.

use std::fmt::Write as _;

use axum::body::Bytes;
use axum::http::request::Parts;
use serde_json::{Value, json};

pub(super) struct Call {
    pub(super) method: String,
    /// What follows `/2/`.
    pub(super) route: String,
    headers: Vec<(String, String)>,
    pub(super) body: Bytes,
}

impl Call {
    pub(super) fn new(parts: &Parts, body: Bytes) -> Self {
        let route = parts.uri.path().strip_prefix("/2/").unwrap_or_default();
        let headers = parts.headers.iter();
        Self {
            method: parts.method.to_string(),
            route: route.to_owned(),
            headers: headers
                .map(|(name, value)| {
                    let value = String::from_utf8_lossy(value.as_bytes());
                    (name.to_string(), value.into_owned())
                })
                .collect(),
            body,
        }
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let found = headers.find(|(own, _)| own == name);
        found.map(|(_, value)| &**value)
    }

    /// The argument in the body, of which these fields are known.
    pub(super) fn json(&self, known: &[&str]) -> Result<Value, Reply> {
        if self.header("content-type") != Some("application/json") {
            return Err(self.bad("Bad HTTP \"Content-Type\" header"));
        }
        let arg = serde_json::from_slice(&self.body);
        self.known(
            arg.map_err(|_| self.bad("could not decode input as JSON"))?,
            known,
        )
    }

    /// The argument in the header, of which these fields are known.
    pub(super) fn arg(&self, known: &[&str]) -> Result<Value, Reply> {
        let text = self.header("dropbox-api-arg").unwrap_or_default();
        if !text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
            return Err(self.bad("the header holds more than printable ASCII"));
        }
        let arg = serde_json::from_str(text);
        self.known(
            arg.map_err(|_| self.bad("could not decode input as JSON"))?,
            known,
        )
    }

    /// That content comes as such.
    pub(super) fn content(&self) -> Result<&Bytes, Reply> {
        match self.header("content-type") {
            Some("application/octet-stream") => Ok(&self.body),
            _ => Err(self.bad("Bad HTTP \"Content-Type\" header")),
        }
    }

    fn known(&self, arg: Value, known: &[&str]) -> Result<Value, Reply> {
        let fields = arg.as_object().ok_or_else(|| self.bad("expected object"))?;
        match fields.keys().find(|name| !known.contains(&name.as_str())) {
            Some(name) => Err(self.bad(&format!("unknown field '{name}'"))),
            None => Ok(arg),
        }
    }

    pub(super) fn bad(&self, why: &str) -> Reply {
        Reply::text(
            400,
            &format!("Error in call to API function \"{}\": {why}", self.route),
        )
    }
}

#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Bytes,
}

impl Reply {
    pub(super) fn json(status: u16, value: &Value) -> Self {
        Self {
            status,
            headers: vec![("content-type", "application/json".into())],
            body: value.to_string().into(),
        }
    }

    pub(super) fn text(status: u16, text: &str) -> Self {
        Self {
            status,
            headers: vec![("content-type", "text/plain; charset=utf-8".into())],
            body: text.to_owned().into(),
        }
    }

    /// Content, with what it is in a header.
    pub(super) fn content(status: u16, about: &Value, content: Bytes) -> Self {
        let mut result = String::new();
        for c in about.to_string().chars() {
            match c {
                ' '..='~' => result.push(c),
                c => {
                    for unit in c.encode_utf16(&mut [0; 2]) {
                        write!(result, "\\u{unit:04x}").unwrap();
                    }
                }
            }
        }
        Self {
            status,
            headers: vec![
                ("content-type", "application/octet-stream".into()),
                ("dropbox-api-result", result),
            ],
            body: content,
        }
    }

    pub(super) fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// A refusal by the endpoint.
    pub(super) fn refused(tags: &[&str]) -> Self {
        Self::because(tags, &nested(tags))
    }

    pub(super) fn because(tags: &[&str], error: &Value) -> Self {
        let summary = format!("{}/..", tags.join("/"));
        let body = json!({"error_summary": summary, "error": error,
            "user_message": {"text": "A sentence that holds a-secret-name.jpg.", "locale": "en"}});
        Self::json(409, &body)
    }
}

/// Tags, each of which names the field that holds the next.
pub(super) fn nested(tags: &[&str]) -> Value {
    match tags {
        [] => json!({}),
        [tag] => json!({".tag": tag}),
        [tag, rest @ ..] => json!({".tag": tag, *tag: nested(rest)}),
    }
}
