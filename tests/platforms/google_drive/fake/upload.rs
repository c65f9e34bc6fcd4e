//! Uploads ([guide](https://developers.google.com/workspace/drive/api/guides/manage-uploads)).

use axum::body::Bytes;
use serde_json::{Value, json};

use super::call::{Call, Reply};
use super::files::{USUAL, change, new_item};
use super::world::World;

/// What all parts but the last are multiples of.
const PART: usize = 256 << 10;

#[derive(Debug)]
pub(crate) struct Session {
    /// The file that is replaced; a new one otherwise.
    over: Option<String>,
    metadata: Value,
    mime: String,
    length: Option<usize>,
    content: Vec<u8>,
    done: Option<String>,
    is_given_up: bool,
}

pub(super) fn route(world: &mut World, call: &Call, id: Option<&str>) -> Result<Reply, Reply> {
    if let Some(session) = call.get("upload_id") {
        return match &*call.method {
            "PUT" => put(world, call, session),
            "DELETE" => give_up(world, session),
            _ => Err(Reply::error(405, "methodNotAllowed")),
        };
    }
    let is_right = match id {
        None => call.method == "POST",
        Some(_) => call.method == "PATCH",
    };
    if !is_right {
        return Err(Reply::error(405, "methodNotAllowed"));
    }
    match call.get("uploadType") {
        Some("multipart") => {
            let (metadata, mime, content) =
                related(call).ok_or_else(|| Reply::error(400, "badContent"))?;
            let id = write(world, call, id, &metadata, (content, mime))?;
            Ok(call.reply(&world.resource(world.item(&id)), USUAL))
        }
        Some("media") => {
            let mime = call
                .header("content-type")
                .unwrap_or("application/octet-stream");
            let content = (call.body.clone(), mime.to_owned());
            let id = write(world, call, id, &json!({}), content)?;
            Ok(call.reply(&world.resource(world.item(&id)), USUAL))
        }
        Some("resumable") => begin(world, call, id),
        _ => Err(Reply::at(400, "invalidParameter", "uploadType")),
    }
}

fn write(
    world: &mut World,
    call: &Call,
    id: Option<&str>,
    metadata: &Value,
    content: (Bytes, String),
) -> Result<String, Reply> {
    match id {
        None => new_item(world, call, metadata, Some(content)),
        Some(id) => change(world, call, id, metadata, Some(content.0)),
    }
}

fn begin(world: &mut World, call: &Call, id: Option<&str>) -> Result<Reply, Reply> {
    let metadata = call.json()?;
    let knows = call.is("supportsAllDrives");
    if let Some(id) = id {
        world.find(id, knows)?;
    }
    if let Some(parent) = metadata["parents"][0].as_str() {
        world.find(parent, knows)?;
    }
    let length = call.header("x-upload-content-length");
    let mime = call
        .header("x-upload-content-type")
        .unwrap_or("application/octet-stream");
    let session = Session {
        over: id.map(str::to_owned),
        metadata,
        mime: mime.to_owned(),
        length: length.map(|length| length.parse().unwrap()),
        content: Vec::new(),
        done: None,
        is_given_up: false,
    };
    let name = format!("ABg5{}", world.new_id());
    world.sessions.insert(name.clone(), session);
    let host = call.header("host").unwrap();
    let mut address = format!(
        "http://{host}{}?uploadType=resumable&upload_id={name}",
        call.path
    );
    for kept in ["fields", "supportsAllDrives"] {
        if let Some(value) = call.get(kept) {
            let value: String = url::form_urlencoded::byte_serialize(value.as_bytes()).collect();
            address.push_str(&format!("&{kept}={value}"));
        }
    }
    Ok(Reply::empty(200).with_header("location", address))
}

fn give_up(world: &mut World, name: &str) -> Result<Reply, Reply> {
    let session = world.sessions.get_mut(name);
    let session = session.ok_or_else(|| Reply::error(404, "notFound"))?;
    session.is_given_up = true;
    Err(Reply::empty(499))
}

fn put(world: &mut World, call: &Call, name: &str) -> Result<Reply, Reply> {
    let most = world.keeps_at_most;
    let session = world.sessions.get_mut(name);
    let session = session.ok_or_else(|| Reply::error(404, "notFound"))?;
    if session.is_given_up {
        return Err(Reply::empty(499));
    }
    if let Some(done) = session.done.clone() {
        let item = world.find(&done, true)?;
        return Ok(call.reply(&world.resource(item), USUAL));
    }
    let whole = format!("bytes 0-{}/{}", call.body.len().max(1) - 1, call.body.len());
    let range = call.header("content-range").unwrap_or(&whole);
    let wrong = || Reply::error(400, "badRequest");
    let (part, total) = range
        .strip_prefix("bytes ")
        .and_then(|range| range.split_once('/'))
        .ok_or_else(wrong)?;
    let total: Option<usize> = total.parse().ok();
    if session
        .length
        .zip(total)
        .is_some_and(|(said, total)| said != total)
    {
        return Err(wrong());
    }
    if part != "*" {
        let (from, to) = part.split_once('-').ok_or_else(wrong)?;
        let from: usize = from.parse().map_err(|_| wrong())?;
        let to = to.parse::<usize>().map_err(|_| wrong())? + 1;
        let is_empty = call.body.is_empty() && total == Some(0);
        if !is_empty
            && (to.checked_sub(from) != Some(call.body.len()) || from > session.content.len())
        {
            return Err(wrong());
        }
        let is_last = total == Some(to);
        if !is_last && !call.body.len().is_multiple_of(PART) {
            return Err(wrong());
        }
        let mut new = call
            .body
            .slice((session.content.len() - from).min(call.body.len())..);
        if let Some(most) = most.filter(|most| new.len() as u64 > *most) {
            new = new.slice(..usize::try_from(most).unwrap());
        }
        session.content.extend_from_slice(&new);
    }
    let has = session.content.len();
    if total != Some(has) {
        let reply = Reply::empty(308);
        return Ok(match has {
            0 => reply,
            _ => reply.with_header("range", format!("bytes=0-{}", has - 1)),
        });
    }
    let (over, metadata) = (session.over.clone(), session.metadata.clone());
    let content = (
        std::mem::take(&mut session.content).into(),
        session.mime.clone(),
    );
    let id = write(world, call, over.as_deref(), &metadata, content)?;
    world.sessions.get_mut(name).unwrap().done = Some(id.clone());
    Ok(call.reply(&world.resource(world.item(&id)), USUAL))
}

/// Takes a `multipart/related` apart: metadata, then content.
fn related(call: &Call) -> Option<(Value, String, Bytes)> {
    let kind = call.header("content-type")?;
    let boundary = kind
        .strip_prefix("multipart/related")?
        .split("boundary=")
        .nth(1)?;
    let boundary = boundary.split(';').next()?.trim_matches('"');
    let mark = format!("--{boundary}");
    let (_, metadata_at) = next(&call.body, 0, &mark)?;
    let (metadata_end, content_at) = next(&call.body, metadata_at, &format!("\n{mark}"))?;
    let (content_end, _) = next(&call.body, content_at, &format!("\n{mark}--"))?;
    let (_, metadata) = part(&call.body.slice(metadata_at..metadata_end))?;
    let (mime, content) = part(&call.body.slice(content_at..content_end))?;
    Some((serde_json::from_slice(&metadata).ok()?, mime, content))
}

/// Where the next mark begins and ends.
fn next(body: &Bytes, from: usize, mark: &str) -> Option<(usize, usize)> {
    let rest = body.get(from..)?;
    let at = rest
        .windows(mark.len())
        .position(|bytes| bytes == mark.as_bytes())?;
    Some((from + at, from + at + mark.len()))
}

/// The media type and the content of a part. Lines end as the sender likes.
fn part(bytes: &Bytes) -> Option<(String, Bytes)> {
    let (end, at) = match next(bytes, 0, "\r\n\r\n") {
        Some(found) => found,
        None => next(bytes, 0, "\n\n")?,
    };
    let headers = std::str::from_utf8(bytes.get(..end)?).ok()?.to_lowercase();
    let mime = headers
        .lines()
        .find_map(|line| line.strip_prefix("content-type:"))?;
    let content = bytes.slice(at..);
    let content = match content.strip_suffix(b"\r") {
        Some(less) if end + 4 == at => content.slice(..less.len()),
        _ => content,
    };
    Some((mime.trim().to_owned(), content))
}
