//! Files and folders.

use serde_json::{Value, json};

use super::ACCOUNT;
use super::call::{Call, Reply};
use super::world::{Node, World, key, parents};

pub(super) fn account(world: &World, call: &Call) -> Result<Reply, Reply> {
    // Its own client sends `null`, and the documentation nothing.
    let sent = (call.header("content-type"), &*call.body);
    if sent != (None, b"") && sent != (Some("application/json"), b"null") {
        return Err(call.bad("expected null"));
    }
    let name = json!({"given_name": "Anna", "surname": "Doe", "familiar_name": "Anna",
        "display_name": "Anna Doe", "abbreviated_name": "AD"});
    let root = json!({".tag": "user", "root_namespace_id": "3", "home_namespace_id": "3"});
    let about = json!({
        "account_id": ACCOUNT, "name": name, "email": "anna@studio.example", "email_verified": true,
        "disabled": false, "locale": "en", "referral_link": "https://db.tt/1", "is_paired": world.is_team,
        "account_type": {".tag": "business"}, "root_info": root,
    });
    Ok(Reply::json(200, &about))
}

/// The path of an argument, which is well formed.
pub(super) fn path<'a>(arg: &'a Value, name: &str) -> Result<&'a str, Reply> {
    let path = arg[name].as_str().unwrap_or("missing");
    if !path.is_empty() && !path.starts_with('/') && !path.starts_with("id:") {
        let text = format!("{name}: did not match pattern");
        return Err(Reply::text(400, &text));
    }
    Ok(path)
}

pub(super) fn metadata(world: &World, arg: &Value) -> Result<Reply, Reply> {
    let path = path(arg, "path")?;
    if path.is_empty() {
        return Err(Reply::text(400, "the root folder is unsupported"));
    }
    let found = world.find(path);
    let (_, node) = found.ok_or_else(|| Reply::refused(&["path", "not_found"]))?;
    Ok(Reply::json(200, &node.about()))
}

pub(super) fn download(world: &World, call: &Call) -> Result<Reply, Reply> {
    let arg = call.arg(&["path", "rev"])?;
    let file = match world.find(path(&arg, "path")?) {
        Some((_, Node::File(file))) => file,
        Some(_) => return Err(Reply::refused(&["path", "not_file"])),
        None => return Err(Reply::refused(&["path", "not_found"])),
    };
    if !file.is_downloadable {
        return Err(Reply::refused(&["unsupported_file"]));
    }
    let size = file.content.len();
    let Some(range) = call.header("range") else {
        return Ok(Reply::content(200, &file.about(), file.content));
    };
    let (from, to) = range
        .strip_prefix("bytes=")
        .unwrap()
        .split_once('-')
        .unwrap();
    let from: usize = from.parse().unwrap();
    let to = to
        .parse::<usize>()
        .map_or(size, |to| to.saturating_add(1).min(size));
    if from >= size {
        let reply = Reply::text(416, "range not satisfiable");
        return Ok(reply.with_header("content-range", format!("bytes */{size}")));
    }
    let part = Reply::content(206, &file.about(), file.content.slice(from..to));
    Ok(part.with_header("content-range", format!("bytes {from}-{}/{size}", to - 1)))
}

pub(super) fn delete(world: &mut World, arg: &Value) -> Result<Reply, Reply> {
    let found = world.find(path(arg, "path")?);
    let (key, node) = found.ok_or_else(|| Reply::refused(&["path_lookup", "not_found"]))?;
    match (&node, arg["parent_rev"].as_str()) {
        (Node::File(file), Some(rev)) if file.rev != rev => {
            return Err(Reply::refused(&["path_write", "conflict", "file"]));
        }
        (Node::Folder { .. }, Some(_)) => {
            return Err(Reply::refused(&["path_write", "conflict", "folder"]));
        }
        _ => {}
    }
    world.take(&key);
    Ok(Reply::json(200, &json!({"metadata": node.about()})))
}

/// What Dropbox does not take as a name.
pub(super) fn check_name(path: &str) -> Result<(), &'static [&'static str]> {
    let odd = |name: &str| name.is_empty() || name.contains(['\\', '\u{7f}']) || name.len() > 1_000;
    for name in path.trim_start_matches('/').split('/') {
        if odd(name) {
            return Err(&["malformed_path"]);
        }
        let ignored = [
            "desktop.ini",
            "thumbs.db",
            ".ds_store",
            "icon\r",
            ".dropbox",
        ];
        let too_long = name.chars().count() > 255;
        if ignored.contains(&&*name.to_lowercase()) || name.ends_with(' ') || too_long {
            return Err(&["disallowed_name"]);
        }
    }
    Ok(())
}

/// Makes the folders around a path.
pub(super) fn make_parents(world: &mut World, path: &str) -> Result<(), &'static [&'static str]> {
    for folder in parents(path) {
        if let Some(Node::File(_)) = world.nodes.get(&key(&folder)) {
            return Err(&["conflict", "file_ancestor"]);
        }
    }
    for folder in parents(path) {
        world.add_folder(&folder);
    }
    Ok(())
}

pub(super) fn relocate(world: &mut World, arg: &Value, moves: bool) -> Result<Reply, Reply> {
    let (from, to) = (path(arg, "from_path")?, path(arg, "to_path")?);
    let refused = |tags: &[&str]| Reply::refused(&[&["to"], tags].concat());
    let found = world.find(from);
    let (old, node) = found.ok_or_else(|| Reply::refused(&["from_lookup", "not_found"]))?;
    check_name(to).map_err(refused)?;
    let new = key(to);
    if new.starts_with(&format!("{old}/")) {
        return Err(Reply::refused(&["cant_move_folder_into_itself"]));
    }
    // Another case of the same name is the same name, which is taken.
    match world.nodes.get(&new) {
        Some(Node::File(_)) => return Err(refused(&["conflict", "file"])),
        Some(Node::Folder { .. }) => return Err(refused(&["conflict", "folder"])),
        None => {}
    }
    make_parents(world, to).map_err(refused)?;
    let tree = match moves {
        true => world.take(&old),
        false => {
            let below = format!("{old}/");
            let nodes = world.nodes.iter();
            let inside = nodes.filter(|(key, _)| **key == old || key.starts_with(&below));
            inside
                .map(|(key, node)| (key.clone(), node.clone()))
                .collect()
        }
    };
    let depth = old.matches('/').count();
    for (_, mut node) in tree {
        let number = world.next();
        let shown = super::world::display_of(&node).to_owned();
        let rest: Vec<&str> = shown.split('/').skip(depth + 1).collect();
        let path = [&[to], &rest[..]].concat().join("/");
        let place = world.display(&path);
        match &mut node {
            Node::File(file) => {
                file.rev = format!("{number:015x}");
                file.display.clone_from(&place);
                if !moves {
                    file.id = format!("id:file{number:015}");
                }
            }
            Node::Folder { id, display } => {
                display.clone_from(&place);
                if !moves {
                    *id = format!("id:folder{number:013}");
                }
            }
        }
        world.set(key(&place), node);
    }
    drop(node);
    let moved = world.nodes[&new].about();
    Ok(Reply::json(200, &json!({"metadata": moved})))
}
