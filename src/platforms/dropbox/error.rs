//! What Dropbox's refusals mean ([errors](https://www.dropbox.com/developers/documentation/http/documentation#error-handling)).

use std::time::Duration;

use serde_json::Value;

use crate::connector::kit::{HttpAnswer, Refusal, Verdict};
use crate::error::{Error, ErrorKind, Result};

/// The status of a refusal by the endpoint itself, whose body says why.
pub(super) const REFUSED: u16 = 409;

/// How deep the tags of a refusal go at most.
const DEEPEST: usize = 6;

/// A refusal by the endpoint itself.
#[derive(Debug)]
pub(super) struct Fault {
    /// From the outside in, such as `path`, `conflict`, `file`.
    tags: Vec<String>,
    /// Where an upload session stands that was continued elsewhere.
    pub(super) correct_offset: Option<u64>,
    /// What the refusal says altogether.
    pub(super) error: Value,
}

impl Fault {
    /// Takes in an answer of status 409.
    pub(super) async fn of(answer: HttpAnswer) -> Result<Self> {
        let body = answer.bytes().await?;
        // A body that is no JSON is none of Dropbox's: the status alone counts.
        let mut body: Value = serde_json::from_slice(&body).unwrap_or_default();
        let error = body.get_mut("error").map(Value::take).unwrap_or_default();
        let (tags, correct_offset) = read(&error);
        Ok(Self {
            tags,
            correct_offset,
            error,
        })
    }

    pub(super) fn kind(&self) -> ErrorKind {
        let tags: Vec<&str> = self.tags.iter().map(String::as_str).collect();
        kind_of(&tags)
    }

    /// Whether something else is at the target of a write.
    pub(super) fn is_conflict(&self) -> bool {
        self.tags.iter().any(|tag| tag == "conflict")
    }

    /// Whether the refusal begins with this tag.
    pub(super) fn begins_with(&self, tag: &str) -> bool {
        self.tags.first().is_some_and(|first| first == tag)
    }

    pub(super) fn into_error(self, operation: &'static str) -> Error {
        let message = "the platform refuses the call";
        let error = Error::new(self.kind(), operation, message)
            .with_context("platform", "dropbox")
            .with_context("status", REFUSED);
        match self.tags.is_empty() {
            true => error,
            false => error.with_context("reason", self.tags.join("/")),
        }
    }
}

/// Judges a refusal that is not the endpoint's own.
pub(super) fn judge(refusal: &Refusal) -> Option<Verdict> {
    let body: Value = refusal.json()?;
    let error = body.get("error")?;
    let (tags, _) = read(error);
    let kind = match refusal.status() {
        400 => ErrorKind::InvalidInput,
        401 => ErrorKind::Unauthenticated,
        403 => ErrorKind::Denied,
        // The namespace that paths shall begin in.
        422 if tags.iter().any(|tag| tag == "no_permission") => ErrorKind::Denied,
        422 => ErrorKind::InvalidInput,
        429 => ErrorKind::RateLimited,
        500..=599 => ErrorKind::Unavailable,
        _ => return None,
    };
    let wait = error.get("retry_after").and_then(Value::as_u64);
    let verdict = Verdict::new(kind).with_retry_after(wait.map(Duration::from_secs));
    Some(match tags.is_empty() {
        true => verdict,
        false => verdict.with_reason(tags.join("/")),
    })
}

/// Reads the tags of a refusal, each of which names the field that holds the next; text that is no tag is left out.
fn read(error: &Value) -> (Vec<String>, Option<u64>) {
    let (mut tags, mut offset) = (Vec::new(), None);
    let mut at = Some(error);
    for _ in 0..DEEPEST {
        let Some(value) = at else { break };
        let tag = value.as_str().or_else(|| value.get(".tag")?.as_str());
        let tag = tag.filter(|tag| is_tag(tag));
        offset = offset.or_else(|| value.get("correct_offset")?.as_u64());
        tags.extend(tag.map(str::to_owned));
        at = match tag {
            // What follows is the path itself.
            Some("malformed_path") => None,
            Some(tag) => value.get(tag).or_else(|| value.get("reason")),
            None => value.get("reason"),
        };
    }
    (tags, offset)
}

fn is_tag(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
    (1..=64).contains(&text.len()) && text.bytes().all(is_plain)
}

fn kind_of(tags: &[&str]) -> ErrorKind {
    match tags {
        [] => ErrorKind::Conflict,
        // A session, which is looked up by itself or in a field of its own.
        ["not_found" | "closed" | "incorrect_offset"]
        | ["lookup_failed", "not_found" | "closed" | "incorrect_offset"]
        | ["reset"] => ErrorKind::Expired,
        [.., "conflict", _] | [.., "conflict"] => ErrorKind::AlreadyExists,
        [.., last] => match *last {
            "not_found" | "not_file" | "not_folder" | "shared_link_not_found" => {
                ErrorKind::NotFound
            }
            "too_many_write_operations" | "too_many_requests" => ErrorKind::RateLimited,
            "insufficient_space" | "insufficient_quota" => ErrorKind::Full,
            "disallowed_name" | "malformed_path" | "shared_link_malformed" => {
                ErrorKind::InvalidInput
            }
            "content_hash_mismatch" => ErrorKind::Corrupt,
            "locked" => ErrorKind::Locked,
            "too_large" | "payload_too_large" | "too_many_files" => ErrorKind::LimitExceeded,
            "unsupported_file"
            | "unsupported_content_type"
            | "encryption_not_supported"
            | "invalid_settings"
            | "not_authorized" => ErrorKind::Unsupported,
            "restricted_content"
            | "no_write_permission"
            | "access_restricted"
            | "team_folder"
            | "cant_transfer_ownership"
            | "cant_copy_shared_folder"
            | "cant_move_shared_folder"
            | "email_not_verified"
            | "access_denied"
            | "banned_member"
            | "shared_link_access_denied" => ErrorKind::Denied,
            "internal_error" | "operation_suppressed" => ErrorKind::Unavailable,
            _ => ErrorKind::Unexpected,
        },
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn tags_are_read_from_the_outside_in() {
        let upload = json!({".tag": "path", "upload_session_id": "x",
            "reason": {".tag": "conflict", "conflict": {".tag": "file"}}});
        assert_eq!(read(&upload).0, ["path", "conflict", "file"]);
        let finish = json!({".tag": "lookup_failed",
            "lookup_failed": {".tag": "incorrect_offset", "correct_offset": 7}});
        let (tags, offset) = read(&finish);
        assert_eq!(tags, ["lookup_failed", "incorrect_offset"]);
        assert_eq!(offset, Some(7));
        let slow = json!({"reason": {".tag": "too_many_requests"}, "retry_after": 3});
        assert_eq!(read(&slow).0, ["too_many_requests"]);
    }

    #[test]
    fn what_is_no_tag_is_not_told() {
        let path = json!({".tag": "path",
            "path": {".tag": "malformed_path", "malformed_path": "smith_wedding"}});
        assert_eq!(read(&path).0, ["path", "malformed_path"]);
        assert!(read(&json!("Anna & Ben")).0.is_empty());
        assert!(read(&Value::Null).0.is_empty());
    }

    #[test]
    fn a_session_that_is_gone_has_expired_and_a_path_is_not_found() {
        assert_eq!(kind_of(&["not_found"]), ErrorKind::Expired);
        assert_eq!(kind_of(&["lookup_failed", "closed"]), ErrorKind::Expired);
        assert_eq!(kind_of(&["path", "not_found"]), ErrorKind::NotFound);
        assert_eq!(
            kind_of(&["to", "conflict", "folder"]),
            ErrorKind::AlreadyExists
        );
        assert_eq!(kind_of(&["path", "insufficient_space"]), ErrorKind::Full);
        assert_eq!(kind_of(&["path", "something_new"]), ErrorKind::Unexpected);
    }
}
