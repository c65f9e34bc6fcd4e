//! Share links over OCS.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Answer, Asked, Cloud, Share};

pub(crate) const PREFIX: &str = "/ocs/v2.php/apps/files_sharing/api/v1/shares";

fn ocs(status: u16, data: &Value) -> Answer {
    let word = if status == 200 { "ok" } else { "failure" };
    let body = json!({ "ocs": {
        "meta": { "status": word, "statuscode": status, "message": "OK" },
        "data": data,
    } });
    Answer::new(status).body("application/json; charset=utf-8", body.to_string())
}

fn fields(text: &str) -> BTreeMap<String, String> {
    let plus = |text: &str| super::decode(&text.replace('+', "%20").replace("%2F", "\u{1}"));
    let pairs = text.split('&').filter_map(|pair| pair.split_once('='));
    pairs
        .map(|(name, value)| (plus(name), plus(value).replace('\u{1}', "/")))
        .collect()
}

fn told(share: &Share) -> Value {
    json!({
        "id": share.id.to_string(),
        "share_type": 3,
        "path": format!("/{}", share.path),
        "permissions": 1,
        "url": format!("https://cloud.example.org/s/{:016x}", share.id.wrapping_mul(0x9e37_79b9_7f4a_7c15)),
        "expiration": share.expiration,
        "password": share.password.then_some("redacted"),
    })
}

impl Cloud {
    pub(super) fn sharing(&mut self, asked: &Asked, id: &str) -> Answer {
        if asked.header("ocs-apirequest") != Some("true") {
            return ocs(412, &json!([]));
        }
        let body = std::str::from_utf8(&asked.body).unwrap();
        let fields = match asked.method.as_str() {
            "POST" => {
                let mut all = fields(&asked.query);
                all.extend(fields(body));
                all
            }
            _ => fields(&asked.query),
        };
        let path = fields
            .get("path")
            .map(|path| path.trim_matches('/').to_owned());
        match (asked.method.as_str(), id) {
            ("POST", "") => {
                let path = path.unwrap();
                if !self.tree.nodes.contains_key(&path) {
                    return ocs(404, &json!([]));
                }
                if fields.get("shareType").map(String::as_str) != Some("3") {
                    return ocs(400, &json!([]));
                }
                self.next_share += 1;
                let share = Share {
                    id: self.next_share,
                    path,
                    expiration: fields
                        .get("expireDate")
                        .map(|day| format!("{day} 00:00:00")),
                    password: fields.contains_key("password"),
                };
                let answer = ocs(200, &told(&share));
                self.shares.push(share);
                answer
            }
            ("GET", "") => {
                let path = path.unwrap_or_default();
                if !self.tree.nodes.contains_key(&path) {
                    return ocs(404, &json!([]));
                }
                let of_path = self.shares.iter().filter(|share| share.path == path);
                ocs(200, &of_path.map(told).collect::<Value>())
            }
            ("DELETE", id) => {
                let before = self.shares.len();
                self.shares.retain(|share| share.id.to_string() != id);
                ocs(
                    if self.shares.len() < before { 200 } else { 404 },
                    &json!([]),
                )
            }
            _ => ocs(405, &json!([])),
        }
    }
}
