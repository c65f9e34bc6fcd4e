//! Holding what a connector sends against the vendor's own description.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use garland::connector::kit::{HttpClient, HttpOptions, HttpRequest};
use serde_json::{Value, json};

use super::installed::shared;
use super::live::Live;
use super::record::Recorded;
use super::servers;

/// Headers of a connection, not of a request.
const NOT_SENT: [&str; 6] = [
    "connection",
    "content-length",
    "expect",
    "host",
    "prefer",
    "transfer-encoding",
];

/// Where the schemas that were asked for are found.
const SCHEMAS: &str = "/-/schemas";

/// A vendor's description (a file of `shared/specs`), with somebody who refuses what it does not allow.
#[derive(Debug)]
pub(crate) struct Description {
    file: String,
    paths: Vec<String>,
    prism: Live,
    client: HttpClient,
}

/// What of a description was used, and accepted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Report {
    /// Method and path as the description writes it, with how many requests of different form were accepted.
    pub(crate) operations: BTreeMap<String, usize>,
    /// Requests that were left out by the caller, as `METHOD /path`.
    pub(crate) left_out: BTreeSet<String>,
}

impl Description {
    /// Opens one; `None` where Prism or the description is not there.
    pub(crate) async fn open(file: &str) -> Option<Self> {
        Self::with_schemas(file, &[]).await
    }

    /// Opens one of which some component schemas are asked for by themselves with [`fits`](Self::fits).
    pub(crate) async fn with_schemas(file: &str, schemas: &[&str]) -> Option<Self> {
        let source = shared("Prism", &format!("specs/{file}"))?;
        let mut document: Value = serde_json::from_slice(&fs::read(source).unwrap()).unwrap();
        let paths = document["paths"].as_object().unwrap();
        let paths = paths.keys().cloned().collect();
        for schema in schemas {
            assert!(
                !document["components"]["schemas"][schema].is_null(),
                "{schema}"
            );
            let content = json!({ "application/json": {
                "schema": { "$ref": format!("#/components/schemas/{schema}") }
            } });
            document["paths"][format!("{SCHEMAS}/{schema}")] = json!({ "post": {
                "security": [],
                "requestBody": { "required": true, "content": content },
                "responses": { "204": { "description": "It fits." } },
            } });
        }
        Some(Self {
            file: file.to_owned(),
            paths,
            prism: servers::prism(&document).await?,
            client: HttpClient::new(HttpOptions::default()).unwrap(),
        })
    }

    /// Sends each request that differs in operation, names of the query or form of the body once, and panics with what is
    /// wrong with those that are refused.
    ///
    /// `rewrite` tells the target as the description has it, without the path of its server; `None` leaves a request out
    /// that the description does not know of, such as the bytes sent to an upload's own address.
    pub(crate) async fn check(
        &self,
        requests: &[Recorded],
        rewrite: impl Fn(&Recorded) -> Option<String>,
    ) -> Report {
        let (mut seen, mut report) = (BTreeSet::new(), Report::default());
        let mut refused = Vec::new();
        for request in requests {
            let Some(target) = rewrite(request) else {
                let path = request.target.split('?').next().unwrap();
                report.left_out.insert(format!("{} {path}", request.method));
                continue;
            };
            let operation = self.operation(request, &target);
            if !seen.insert(shape(request, &operation, &target)) {
                continue;
            }
            match self.complaint(request, &target).await {
                None => *report.operations.entry(operation).or_default() += 1,
                Some(complaint) => {
                    refused.push(format!("{} {target}: {complaint}", request.method));
                }
            }
        }
        assert!(
            refused.is_empty(),
            "{} does not allow\n{}",
            self.file,
            refused.join("\n")
        );
        report
    }

    /// Asserts that a request is refused, which shows that [`check`](Self::check) can fail; returns why.
    pub(crate) async fn refuses(&self, request: &Recorded) -> String {
        let complaint = self.complaint(request, &request.target).await;
        complaint.unwrap_or_else(|| panic!("{} allows {request:?}", self.file))
    }

    /// Tells what is wrong with a JSON value by a schema named in [`with_schemas`](Self::with_schemas); for headers that
    /// carry JSON.
    pub(crate) async fn fits(&self, schema: &str, value: &str) -> Result<(), String> {
        let url = self.prism.base("").at(&format!("{SCHEMAS}/{schema}"));
        let request = HttpRequest::post(url).body("application/json", value.to_owned());
        self.send(request).await.map_or(Ok(()), Err)
    }

    async fn complaint(&self, request: &Recorded, target: &str) -> Option<String> {
        let url = self.prism.base("").at(target);
        let mut copy = HttpRequest::new(request.method.as_str(), url);
        if let Some(media_type) = request.header("content-type") {
            copy = copy.body(media_type, request.body.clone());
        }
        for (name, value) in &request.headers {
            if !NOT_SENT.contains(&name.as_str()) && name != "content-type" {
                copy = copy.header(name.as_str(), value.as_str());
            }
        }
        self.send(copy).await
    }

    /// Why it was refused, in Prism's words.
    async fn send(&self, request: HttpRequest) -> Option<String> {
        let answer = self.client.send(request).await.unwrap();
        let status = answer.status();
        let violations = answer.header("sl-violations").unwrap_or("[]").to_owned();
        if status < 400 {
            return None;
        }
        let body = answer.bytes().await.unwrap();
        let own: Vec<Value> = serde_json::from_str(&violations).unwrap_or_default();
        let of_answer = |violation: &Value| violation["location"][0] == "response";
        if status == 500 && !own.is_empty() && own.iter().all(of_answer) {
            // Its made-up answer breaks its own rules, after it has taken the request.
            return None;
        }
        let body = String::from_utf8_lossy(&body[..body.len().min(1_000)]).into_owned();
        Some(format!("{status} {violations} {body}"))
    }

    /// `METHOD /path/{as}/described`, by the template with the most text of its own.
    fn operation(&self, request: &Recorded, target: &str) -> String {
        let path = target.split('?').next().unwrap();
        let fitting = self.paths.iter().filter(|template| fits(template, path));
        let own_text = |template: &&String| literals(template).concat().len();
        let best = fitting.max_by_key(own_text);
        format!("{} {}", request.method, best.map_or(path, |best| best))
    }
}

impl Report {
    /// How many operations were accepted.
    pub(crate) fn count(&self) -> usize {
        self.operations.len()
    }
}

/// The text of a template between its `{parameters}`.
fn literals(template: &str) -> Vec<&str> {
    template
        .split('{')
        .enumerate()
        .map(|(n, part)| match n {
            0 => part,
            _ => part.split_once('}').map_or("", |(_, text)| text),
        })
        .collect()
}

/// Whether a path is of a template, in which a parameter is any text within one segment.
fn fits(template: &str, path: &str) -> bool {
    let (own, given) = (template.split('/'), path.split('/'));
    own.clone().count() == given.clone().count()
        && own.zip(given).all(|(own, mut given)| {
            let parts = literals(own);
            let Some((first, rest)) = parts.split_first() else {
                return false;
            };
            let Some(after) = given.strip_prefix(first) else {
                return false;
            };
            given = after;
            for (n, text) in rest.iter().enumerate() {
                let last = n + 1 == rest.len();
                let found = if last {
                    given.len().checked_sub(text.len())
                } else {
                    given.find(text)
                };
                match found {
                    Some(at) if at > 0 && given[at..].starts_with(text) => {
                        given = &given[at + text.len()..]
                    }
                    _ => return false,
                }
            }
            given.is_empty()
        })
}

/// What makes a request another than one before it.
fn shape(request: &Recorded, operation: &str, target: &str) -> (String, Vec<String>, String) {
    let query = target.split_once('?').map_or("", |(_, query)| query);
    let mut names = names(query);
    let media_type = request.header("content-type").unwrap_or_default();
    let media_type = media_type.split(';').next().unwrap().trim();
    let body = match media_type {
        "application/x-www-form-urlencoded" => {
            names.extend(self::names(&String::from_utf8_lossy(&request.body)));
            String::new()
        }
        _ => serde_json::from_slice(&request.body).map_or(String::new(), |body| form(&body)),
    };
    let mut headers: Vec<_> = request
        .headers
        .iter()
        .map(|(name, _)| name.clone())
        .collect();
    headers.sort();
    names.extend(headers);
    (operation.to_owned(), names, format!("{media_type} {body}"))
}

fn names(query: &str) -> Vec<String> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    let mut names: Vec<_> = pairs
        .map(|pair| pair.split('=').next().unwrap().to_owned())
        .collect();
    names.sort();
    names
}

/// The names and kinds of a JSON value, without what it says; lists by their first element. Short texts stay, since they
/// are often a choice among a few.
fn form(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(_) => "bool".to_owned(),
        Value::Number(_) => "number".to_owned(),
        Value::String(text)
            if text.len() < 16 && text.chars().all(|c| c.is_ascii_lowercase() || c == '_') =>
        {
            text.clone()
        }
        Value::String(_) => "text".to_owned(),
        Value::Array(values) => format!("[{}]", values.first().map_or(String::new(), form)),
        Value::Object(fields) => {
            let fields: BTreeMap<_, _> = fields.iter().collect();
            let fields = fields
                .into_iter()
                .map(|(name, value)| format!("{name}: {}", form(value)));
            format!("{{{}}}", fields.collect::<Vec<_>>().join(", "))
        }
    }
}

#[test]
fn paths_are_found_by_their_template() {
    for (template, path, expected) in [
        ("/files/{id}", "/files/7", true),
        ("/files/{id}", "/files/", false),
        ("/files/{id}", "/files/7/copy", false),
        ("/root:/{path}:/content", "/root:/a.jpg:/content", true),
        ("/root:/{path}:/content", "/root:/a.jpg/content", false),
        ("/v1/{name}:send", "/v1/projects:send", true),
        ("/v1/{a}.{b}", "/v1/x.y", true),
        ("/v1/{a}.{b}", "/v1/xy", false),
    ] {
        assert_eq!(fits(template, path), expected, "{template} {path}");
    }
}
