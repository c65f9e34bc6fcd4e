//! Calls and replies, as the fake sees them.

use axum::body::Bytes;
use axum::http::request::Parts;
use serde_json::{Map, Value, json};

pub(super) struct Call {
    pub(super) method: String,
    pub(super) path: String,
    /// Path and query, percent-decoded.
    pub(super) target: String,
    query: Vec<(String, String)>,
    headers: Vec<(String, String)>,
    pub(super) body: Bytes,
}

impl Call {
    pub(super) fn new(parts: &Parts, body: Bytes) -> Self {
        let query = parts.uri.query().unwrap_or_default();
        let query: Vec<(String, String)> = url::form_urlencoded::parse(query.as_bytes())
            .into_owned()
            .collect();
        let headers = parts.headers.iter();
        let shown: Vec<String> = query.iter().map(|(k, v)| format!("{k}={v}")).collect();
        Self {
            method: parts.method.to_string(),
            path: parts.uri.path().to_owned(),
            target: format!("{}?{}", parts.uri.path(), shown.join("&")),
            query,
            headers: headers
                .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
                .collect(),
            body,
        }
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let mut query = self.query.iter();
        let found = query.find(|(own, _)| own == name);
        found.map(|(_, value)| &**value)
    }

    pub(super) fn is(&self, name: &str) -> bool {
        self.get(name) == Some("true")
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let found = headers.find(|(own, _)| own == name);
        found.map(|(_, value)| &**value)
    }

    pub(super) fn json(&self) -> Result<Value, Reply> {
        if self.body.is_empty() {
            return Ok(json!({}));
        }
        serde_json::from_slice(&self.body).map_err(|_| Reply::error(400, "parseError"))
    }

    /// A page size within the bounds of the documentation.
    pub(super) fn page_size(&self, usual: usize) -> Result<usize, Reply> {
        let Some(text) = self.get("pageSize") else {
            return Ok(usual);
        };
        let size = text.parse().ok().filter(|size| (1..=1000).contains(size));
        size.ok_or_else(|| Reply::at(400, "invalidParameter", "pageSize"))
    }

    /// Answers with what the mask `fields` leaves of a value; `usual` where there is none.
    pub(super) fn reply(&self, value: &Value, usual: &str) -> Reply {
        let mask = self.get("fields").unwrap_or(usual);
        Reply::json(200, &masked(value, mask))
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
            headers: vec![("content-type", "application/json; charset=UTF-8".into())],
            body: value.to_string().into(),
        }
    }

    pub(super) fn empty(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Bytes::new(),
        }
    }

    pub(super) fn html() -> Self {
        Self {
            status: 502,
            headers: vec![("content-type", "text/html".into())],
            body: "<html><title>Error 502 (Server Error)!!1</title></html>".into(),
        }
    }

    pub(super) fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// A refusal in the form of v3.
    pub(super) fn error(status: u16, reason: &str) -> Self {
        Self::at(status, reason, "")
    }

    /// A refusal that names the parameter.
    pub(super) fn at(status: u16, reason: &str, location: &str) -> Self {
        let mut item = json!({
            "domain": "global", "reason": reason, "message": "A sentence that holds a-secret-name.jpg.",
        });
        if !location.is_empty() {
            item["locationType"] = "parameter".into();
            item["location"] = location.into();
        }
        let message = "A sentence that holds a-secret-name.jpg.";
        let error = json!({"error": {"errors": [item], "code": status, "message": message}});
        Self::json(status, &error)
    }
}

/// Applies a mask such as `nextPageToken,files(id,capabilities/canEdit)`.
fn masked(value: &Value, mask: &str) -> Value {
    if mask == "*" {
        return value.clone();
    }
    if let Value::Array(items) = value {
        return items.iter().map(|item| masked(item, mask)).collect();
    }
    let mut kept = Map::new();
    for part in split(mask) {
        let at = part.find(['(', '/']);
        let (name, below) = match at {
            Some(at) => {
                let below = &part[at + 1..];
                (
                    &part[..at],
                    Some(
                        below
                            .strip_suffix(')')
                            .filter(|_| part[at..].starts_with('('))
                            .unwrap_or(below),
                    ),
                )
            }
            None => (part, None),
        };
        let Some(found) = value.get(name) else {
            continue;
        };
        let found = below.map_or_else(|| found.clone(), |below| masked(found, below));
        kept.insert(name.to_owned(), found);
    }
    Value::Object(kept)
}

/// Splits at the commas outside of parentheses.
fn split(mask: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut from) = (Vec::new(), 0, 0);
    for (at, c) in mask.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&mask[from..at]);
                from = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&mask[from..]);
    parts
}
