//! Files in one call, and in sessions.

use axum::body::Bytes;
use serde_json::{Value, json};

use super::call::{Call, Reply, nested};
use super::files::{check_name, make_parents, path};
use super::world::{File, Node, World, content_hash, key};

#[derive(Debug)]
pub(crate) struct Session {
    content: Vec<u8>,
    is_closed: bool,
}

const COMMIT: [&str; 7] = [
    "path",
    "mode",
    "autorename",
    "client_modified",
    "mute",
    "property_groups",
    "strict_conflict",
];

pub(super) fn upload(world: &mut World, call: &Call) -> Result<Reply, Reply> {
    let arg = call.arg(&[&COMMIT[..], &["content_hash"]].concat())?;
    let content = call.content()?;
    check_hash(&arg, content)?;
    let file = commit(world, &arg, content.clone(), |tags| {
        let reason = nested(tags);
        let error = json!({".tag": "path", "reason": reason, "upload_session_id": "1"});
        Reply::because(&[&["path"], tags].concat(), &error)
    })?;
    Ok(Reply::json(200, &file.about()))
}

pub(super) fn start(world: &mut World, call: &Call) -> Result<Reply, Reply> {
    let arg = call.arg(&["close", "session_type", "content_hash"])?;
    check_hash(&arg, call.content()?)?;
    let id = format!("pid_upload_session:{:012}", world.next());
    let session = Session {
        content: call.body.to_vec(),
        is_closed: arg["close"] == true,
    };
    world.sessions.insert(id.clone(), session);
    Ok(Reply::json(200, &json!({"session_id": id})))
}

pub(super) fn append(world: &mut World, call: &Call) -> Result<Reply, Reply> {
    let arg = call.arg(&["cursor", "close", "content_hash"])?;
    check_hash(&arg, call.content()?)?;
    let session = session(world, &arg["cursor"], |tags, error| {
        Reply::because(tags, &error)
    })?;
    if session.is_closed {
        return Err(Reply::refused(&["closed"]));
    }
    session.content.extend_from_slice(&call.body);
    session.is_closed = arg["close"] == true;
    Ok(Reply::json(200, &Value::Null))
}

pub(super) fn finish(world: &mut World, call: &Call) -> Result<Reply, Reply> {
    let arg = call.arg(&["cursor", "commit", "content_hash"])?;
    check_hash(&arg, call.content()?)?;
    let lookup = |tags: &[&str], error: Value| {
        let error = json!({".tag": "lookup_failed", "lookup_failed": error});
        Reply::because(&[&["lookup_failed"], tags].concat(), &error)
    };
    let session = session(world, &arg["cursor"], lookup)?;
    session.content.extend_from_slice(&call.body);
    let content = Bytes::from(session.content.clone());
    let file = commit(world, &arg["commit"], content, |tags| {
        Reply::refused(&[&["path"], tags].concat())
    })?;
    let id = arg["cursor"]["session_id"].as_str().unwrap();
    world.sessions.remove(id);
    Ok(Reply::json(200, &file.about()))
}

fn session<'a>(
    world: &'a mut World,
    cursor: &Value,
    refused: impl Fn(&[&str], Value) -> Reply,
) -> Result<&'a mut Session, Reply> {
    let id = cursor["session_id"].as_str().unwrap_or_default();
    let session = world.sessions.get_mut(id);
    let session = session.ok_or_else(|| refused(&["not_found"], nested(&["not_found"])))?;
    let has = session.content.len() as u64;
    if cursor["offset"].as_u64() != Some(has) && !session.is_closed {
        let error = json!({".tag": "incorrect_offset", "correct_offset": has});
        return Err(refused(&["incorrect_offset"], error));
    }
    Ok(session)
}

fn check_hash(arg: &Value, content: &[u8]) -> Result<(), Reply> {
    match arg["content_hash"].as_str() {
        Some(hash) if hash != content_hash(content) => {
            Err(Reply::refused(&["content_hash_mismatch"]))
        }
        _ => Ok(()),
    }
}

/// Makes a file appear, as its mode allows.
fn commit(
    world: &mut World,
    arg: &Value,
    content: Bytes,
    refused: impl Fn(&[&str]) -> Reply,
) -> Result<File, Reply> {
    let fields = arg.as_object().unwrap();
    if let Some(name) = fields.keys().find(|name| {
        let known = COMMIT.contains(&name.as_str()) || *name == "content_hash";
        !known
    }) {
        return Err(Reply::text(400, &format!("unknown field '{name}'")));
    }
    let path = path(arg, "path")?;
    check_name(path).map_err(&refused)?;
    let modified = arg["client_modified"].as_str();
    if modified.is_some_and(|text| text.len() != 20 || !text.ends_with('Z')) {
        return Err(Reply::text(400, "client_modified: did not match format"));
    }
    if world.used() + content.len() as u64 > world.quota {
        return Err(refused(&["insufficient_space"]));
    }
    let is_strict = arg["strict_conflict"] == true;
    let mode = arg["mode"][".tag"].as_str().or(arg["mode"].as_str());
    let there = world.nodes.get(&key(path));
    let conflict = |what: &str| Err(refused(&["conflict", what]));
    match (mode.unwrap_or("add"), there) {
        (_, Some(Node::Folder { .. })) => return conflict("folder"),
        ("add" | "overwrite", None) | ("overwrite", Some(_)) => {}
        ("update", None) if !is_strict => {}
        ("update", Some(Node::File(file))) if arg["mode"]["update"] == *file.rev => {}
        (_, Some(Node::File(file))) if !is_strict && file.content == content => {
            return Ok(file.clone());
        }
        _ => return conflict("file"),
    }
    make_parents(world, path).map_err(&refused)?;
    Ok(world.write_file(path, content, modified.map(str::to_owned)))
}
