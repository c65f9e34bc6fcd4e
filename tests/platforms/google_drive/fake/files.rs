//! `files`: list, get, create, update, copy, delete, export.

use axum::body::Bytes;
use garland::Timestamp;
use serde_json::{Value, json};

use super::call::{Call, Reply};
use super::query::Query;
use super::world::{FOLDER, Item, World};

pub(super) const USUAL: &str = "kind,id,name,mimeType";

/// The longest name, of which Google says nothing: enough for all tests.
const GOOGLE_TYPES: &str = "application/vnd.google-apps.";

pub(super) fn generate_ids(world: &mut World, call: &Call) -> Result<Reply, Reply> {
    let count = call.get("count").map_or(Some(10), |text| text.parse().ok());
    let count = count.filter(|count| (1..=1000).contains(count));
    let count = count.ok_or_else(|| Reply::at(400, "invalidParameter", "count"))?;
    let ids: Vec<String> = (0..count).map(|_| world.new_id()).collect();
    world.generated.extend(ids.iter().cloned());
    let value = json!({"kind": "drive#generatedIds", "space": "drive", "ids": ids});
    Ok(call.reply(&value, "*"))
}

pub(super) fn list(world: &mut World, call: &Call) -> Result<Reply, Reply> {
    let drive = corpus(call)?;
    let query = call.get("q").map(Query::parse).transpose()?;
    let size = call.page_size(100)?.min(world.page_cap);
    let after = match call.get("pageToken") {
        None => "",
        Some(token) => token
            .strip_prefix("after:")
            .ok_or_else(|| Reply::at(400, "invalid", "pageToken"))?,
    };
    let fits = |item: &&Item| {
        world.drive_of(item) == drive
            && item.parent.is_some()
            && query.as_ref().is_none_or(|query| query.fits(world, item))
    };
    let mut found = world.items.values().filter(fits);
    let mut page: Vec<&Item> = Vec::new();
    let mut more = false;
    for item in found.by_ref().filter(|item| *item.id > *after) {
        if page.len() == size {
            more = true;
            break;
        }
        page.push(item);
    }
    let files: Vec<Value> = page.iter().map(|item| world.resource(item)).collect();
    let mut value = json!({"kind": "drive#fileList", "incompleteSearch": false, "files": files});
    if let Some(last) = page.last().filter(|_| more) {
        value["nextPageToken"] = format!("after:{}", last.id).into();
    }
    let usual = format!("kind,incompleteSearch,nextPageToken,files({USUAL})");
    Ok(call.reply(&value, &usual))
}

/// Which drive is asked: `None` is My Drive.
pub(super) fn corpus(call: &Call) -> Result<Option<&str>, Reply> {
    let knows = call.is("supportsAllDrives") && call.is("includeItemsFromAllDrives");
    match (call.get("corpora"), call.get("driveId")) {
        (Some("drive"), Some(drive)) if knows => Ok(Some(drive)),
        (Some("drive"), _) | (_, Some(_)) => {
            Err(Reply::at(403, "teamDrivesParametersRequired", "driveId"))
        }
        _ => Ok(None),
    }
}

pub(super) fn get(world: &mut World, call: &Call, id: &str) -> Result<Reply, Reply> {
    let item = world.find(id, call.is("supportsAllDrives"))?;
    if call.get("alt") != Some("media") {
        return Ok(call.reply(&world.resource(item), USUAL));
    }
    let Some(content) = &item.content else {
        return Err(Reply::at(403, "fileNotDownloadable", "alt"));
    };
    download(call, &item.mime, content)
}

fn download(call: &Call, mime: &str, content: &Bytes) -> Result<Reply, Reply> {
    let whole = |status| Reply {
        status,
        headers: vec![("content-type", mime.to_owned())],
        body: content.clone(),
    };
    let Some(range) = call.header("range") else {
        return Ok(whole(200));
    };
    let parsed = range.strip_prefix("bytes=").and_then(|range| {
        let (from, to) = range.split_once('-')?;
        let from: usize = from.parse().ok()?;
        let to: usize = if to.is_empty() {
            content.len()
        } else {
            to.parse::<usize>().ok()? + 1
        };
        (from < content.len()).then_some((from, to.min(content.len())))
    });
    let Some((from, to)) = parsed else {
        return Err(Reply::error(416, "requestedRangeNotSatisfiable"));
    };
    let mut part = whole(206);
    part.body = content.slice(from..to);
    let range = format!("bytes {from}-{}/{}", to - 1, content.len());
    Ok(part.with_header("content-range", range))
}

pub(super) fn create(world: &mut World, call: &Call) -> Result<Reply, Reply> {
    let metadata = call.json()?;
    let id = new_item(world, call, &metadata, None)?;
    Ok(call.reply(&world.resource(world.item(&id)), USUAL))
}

/// Makes a file or a folder of its metadata. Content under one of Google's own types is turned into a document.
pub(super) fn new_item(
    world: &mut World,
    call: &Call,
    metadata: &Value,
    content: Option<(Bytes, String)>,
) -> Result<String, Reply> {
    let knows = call.is("supportsAllDrives");
    let id = metadata["id"].as_str();
    if let Some(id) = id {
        if !world.generated.contains(id) {
            return Err(Reply::at(400, "invalid", "file.id"));
        }
        if world.items.contains_key(id) {
            return Err(Reply::at(409, "fileIdInUse", "file.id"));
        }
    }
    let parent = match metadata["parents"].as_array().map(Vec::as_slice) {
        None => "root",
        Some([parent]) => parent.as_str().unwrap_or_default(),
        Some(_) => return Err(Reply::error(403, "multipleParentsNotSupported")),
    };
    let parent = world.find(parent, knows)?;
    if parent.mime != FOLDER {
        return Err(Reply::error(403, "parentNotAFolder"));
    }
    let parent = parent.id.clone();
    let name = metadata["name"].as_str().unwrap_or("Untitled").to_owned();
    let mime = metadata["mimeType"].as_str().map(str::to_owned);
    let (content, given) = content.map_or((None, None), |(bytes, mime)| (Some(bytes), Some(mime)));
    let mime = mime
        .or(given)
        .unwrap_or_else(|| "application/octet-stream".into());
    let is_own = mime.starts_with(GOOGLE_TYPES);
    let content = content.or(Some(Bytes::new())).filter(|_| !is_own);
    let length = content.as_ref().map_or(0, |content| content.len() as u64);
    if world.room.is_some_and(|room| world.used() + length > room) {
        return Err(Reply::error(403, "storageQuotaExceeded"));
    }
    let modified = time(metadata, "modifiedTime")?;
    let id = world.add(id, Some(&parent), &name, &mime, content);
    if let Some(modified) = modified {
        world.edit(&id, |item| item.modified = modified);
    }
    Ok(id)
}

fn time(metadata: &Value, field: &str) -> Result<Option<Timestamp>, Reply> {
    let Some(text) = metadata[field].as_str() else {
        return Ok(None);
    };
    let wrong = |_| Reply::at(400, "invalid", "file.modifiedTime");
    let moment: jiff::Timestamp = text.parse().map_err(wrong)?;
    Ok(Some(Timestamp::from_millis(moment.as_millisecond())))
}

pub(super) fn update(world: &mut World, call: &Call, id: &str) -> Result<Reply, Reply> {
    let metadata = call.json()?;
    let id = change(world, call, id, &metadata, None)?;
    Ok(call.reply(&world.resource(world.item(&id)), USUAL))
}

/// Changes a file by its metadata, and its content if there is some.
pub(super) fn change(
    world: &mut World,
    call: &Call,
    id: &str,
    metadata: &Value,
    content: Option<Bytes>,
) -> Result<String, Reply> {
    let knows = call.is("supportsAllDrives");
    let item = world.find(id, knows)?;
    let (id, parent) = (item.id.clone(), item.parent.clone());
    let mut moved = parent.clone();
    if let Some(from) = call.get("removeParents") {
        if parent.as_deref() != Some(world.alias(from)) {
            return Err(Reply::at(404, "notFound", "removeParents"));
        }
        moved = None;
    }
    if let Some(to) = call.get("addParents") {
        if moved.is_some() {
            return Err(Reply::error(403, "cannotAddParent"));
        }
        moved = Some(world.find(to, knows)?.id.clone());
    }
    if metadata["parents"].is_array() {
        return Err(Reply::at(403, "fieldNotWritable", "file.parents"));
    }
    let length = content.as_ref().map_or(0, |content| content.len() as u64);
    if world.room.is_some_and(|room| world.used() + length > room) {
        return Err(Reply::error(403, "storageQuotaExceeded"));
    }
    let (now, modified) = (world.clock.now(), time(metadata, "modifiedTime")?);
    world.edit(&id, |item| {
        item.parent = moved;
        if let Some(name) = metadata["name"].as_str() {
            item.name = name.to_owned();
            item.modified = now;
        }
        if let Some(mime) = metadata["mimeType"].as_str() {
            item.mime = mime.to_owned();
        }
        if let Some(is_trashed) = metadata["trashed"].as_bool() {
            item.is_trashed = is_trashed;
        }
        if let Some(content) = content {
            item.content = Some(content);
            item.revision += 1;
            item.modified = now;
        }
        item.modified = modified.unwrap_or(item.modified);
    });
    Ok(id)
}

pub(super) fn delete(world: &mut World, call: &Call, id: &str) -> Result<Reply, Reply> {
    let id = world.find(id, call.is("supportsAllDrives"))?.id.clone();
    world.erase(&id);
    Ok(Reply::empty(204))
}

pub(super) fn copy(world: &mut World, call: &Call, id: &str) -> Result<Reply, Reply> {
    let source = world.find(id, call.is("supportsAllDrives"))?.clone();
    if source.mime == FOLDER {
        return Err(Reply::error(403, "cannotCopyFile"));
    }
    let mut metadata = call.json()?;
    if metadata["name"].is_null() {
        metadata["name"] = format!("Copy of {}", source.name).into();
    }
    if metadata["parents"].is_null() {
        metadata["parents"] = json!([source.parent]);
    }
    let content = source.content.map(|content| (content, source.mime));
    let id = new_item(world, call, &metadata, content)?;
    Ok(call.reply(&world.resource(world.item(&id)), USUAL))
}

pub(super) fn export(world: &mut World, call: &Call, id: &str) -> Result<Reply, Reply> {
    let item = world.find(id, true)?;
    if item.content.is_some() || !item.mime.starts_with(GOOGLE_TYPES) || item.mime == FOLDER {
        return Err(Reply::error(403, "fileNotExportable"));
    }
    let Some(format @ ("application/pdf" | "text/plain")) = call.get("mimeType") else {
        return Err(Reply::at(400, "badRequest", "convertTo"));
    };
    Ok(Reply {
        status: 200,
        headers: vec![("content-type", format.to_owned())],
        body: format!("{} as {format}", item.name).into(),
    })
}
