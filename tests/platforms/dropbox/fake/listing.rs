//! Listings, and what changed since.

use std::collections::VecDeque;

use serde_json::{Value, json};

use super::call::Reply;
use super::files::path;
use super::world::{Node, World, key};

/// A place in a listing, and then in the journal.
#[derive(Clone, Debug)]
pub(crate) struct Cursor {
    root: String,
    is_recursive: bool,
    pending: VecDeque<String>,
    at: usize,
}

impl Cursor {
    fn covers(&self, key: &str) -> bool {
        let below = key.strip_prefix(&self.root).unwrap_or("-");
        match self.is_recursive {
            true => below.starts_with('/') || (below.is_empty() && !key.is_empty()),
            false => below.starts_with('/') && !below[1..].contains('/'),
        }
    }

    fn keep(self, world: &mut World) -> String {
        let name = format!("AAE{:012}", world.next());
        world.cursors.insert(name.clone(), self);
        name
    }
}

fn open(world: &World, arg: &Value) -> Result<Cursor, Reply> {
    let path = path(arg, "path")?;
    let root = match (path, world.find(path)) {
        ("", _) => String::new(),
        (_, None) => return Err(Reply::refused(&["path", "not_found"])),
        (_, Some((_, Node::File(_)))) => return Err(Reply::refused(&["path", "not_folder"])),
        (_, Some((key, _))) => key,
    };
    Ok(Cursor {
        root,
        is_recursive: arg["recursive"] == true,
        pending: VecDeque::new(),
        at: world.journal.len(),
    })
}

pub(super) fn start(world: &mut World, arg: &Value) -> Result<Reply, Reply> {
    let mut cursor = open(world, arg)?;
    let keys = world.nodes.keys().filter(|key| cursor.covers(key));
    cursor.pending = keys.cloned().collect();
    let limit = arg["limit"].as_u64().unwrap_or(500);
    Ok(page(world, cursor, usize::try_from(limit).unwrap()))
}

pub(super) fn latest(world: &mut World, arg: &Value) -> Result<Reply, Reply> {
    let cursor = open(world, arg)?.keep(world);
    Ok(Reply::json(200, &json!({"cursor": cursor})))
}

fn known(world: &World, arg: &Value) -> Result<Cursor, Reply> {
    let name = arg["cursor"].as_str().unwrap_or_default();
    if !name.starts_with("AAE") {
        return Err(Reply::text(400, "Invalid \"cursor\" parameter"));
    }
    let cursor = world.cursors.get(name).cloned();
    cursor.ok_or_else(|| Reply::refused(&["reset"]))
}

pub(super) fn go_on(world: &mut World, arg: &Value) -> Result<Reply, Reply> {
    let cursor = known(world, arg)?;
    if !cursor.root.is_empty() && !world.nodes.contains_key(&cursor.root) {
        return Err(Reply::refused(&["path", "not_found"]));
    }
    Ok(page(world, cursor, 2_000))
}

/// What is there now at each place where something happened: what happened in between is not told.
fn page(world: &mut World, mut cursor: Cursor, limit: usize) -> Reply {
    let cap = world.page_cap.min(limit);
    let mut keys: Vec<String> = Vec::new();
    while keys.len() < cap {
        let Some(key) = cursor.pending.pop_front() else {
            break;
        };
        if world.nodes.contains_key(&key) {
            keys.push(key);
        }
    }
    if cursor.pending.is_empty() {
        while keys.len() < cap && cursor.at < world.journal.len() {
            let key = world.journal[cursor.at].clone();
            cursor.at += 1;
            if cursor.covers(&key) {
                keys.retain(|own| *own != key);
                keys.push(key);
            }
        }
    }
    let about = |key: &String| match world.nodes.get(key) {
        Some(node) => node.about(),
        None => {
            let display = world.graves.get(key).unwrap_or(key);
            json!({".tag": "deleted", "name": display.rsplit('/').next(),
                "path_lower": super::world::key(display), "path_display": display})
        }
    };
    let entries: Vec<Value> = keys.iter().map(about).collect();
    let has_more = !cursor.pending.is_empty() || cursor.at < world.journal.len();
    let cursor = cursor.keep(world);
    let body = json!({"entries": entries, "cursor": cursor, "has_more": has_more});
    Reply::json(200, &body)
}

/// Answers at once, as if the time were over.
pub(super) fn longpoll(world: &World, arg: &Value) -> Result<Reply, Reply> {
    let timeout = arg["timeout"].as_u64().unwrap_or(30);
    if !(30..=480).contains(&timeout) {
        return Err(Reply::text(400, "timeout: out of range"));
    }
    let cursor = known(world, arg)?;
    let mut since = world.journal[cursor.at..].iter();
    let mut body = json!({"changes": since.any(|path| cursor.covers(&key(path)))});
    if let Some(backoff) = world.backoff {
        body["backoff"] = backoff.into();
    }
    Ok(Reply::json(200, &body))
}
