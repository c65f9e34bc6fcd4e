//! `changes` and `channels`.

use std::collections::BTreeMap;
use std::time::Duration;

use garland::Timestamp;
use serde_json::{Value, json};

use super::call::{Call, Reply};
use super::world::World;

/// The name of all changes of the account, the same for all channels.
const RESOURCE: &str = "ret08u3rv24htgh289g";

const WEEK: Duration = Duration::from_secs(7 * 86_400);

#[derive(Clone, Debug)]
pub(crate) struct Channel {
    pub(crate) address: String,
    pub(crate) token: String,
    pub(crate) expires: Timestamp,
    messages: u64,
}

pub(super) fn start(world: &mut World, call: &Call) -> Result<Reply, Reply> {
    drive(call)?;
    let value = json!({"kind": "drive#startPageToken", "startPageToken": (world.log.len() + 1).to_string()});
    Ok(call.reply(&value, "*"))
}

/// Which shared drive is asked about.
fn drive(call: &Call) -> Result<Option<&str>, Reply> {
    let drive = call.get("driveId");
    if drive.is_some() && !call.is("supportsAllDrives") {
        return Err(Reply::at(403, "teamDrivesParametersRequired", "driveId"));
    }
    Ok(drive)
}

pub(super) fn changes(world: &mut World, call: &Call) -> Result<Reply, Reply> {
    let drive = drive(call)?;
    if drive.is_some() && !call.is("includeItemsFromAllDrives") {
        return Err(Reply::at(403, "teamDrivesParametersRequired", "driveId"));
    }
    let token = call
        .get("pageToken")
        .ok_or_else(|| Reply::at(400, "required", "pageToken"))?;
    let token: usize = token
        .parse()
        .map_err(|_| Reply::at(400, "invalid", "pageToken"))?;
    if token > world.log.len() + 1 {
        return Err(Reply::at(404, "notFound", "pageToken"));
    }
    if token <= world.forgotten {
        return Err(Reply::error(410, "gone"));
    }
    // Several changes of one file are one, at the place of the last.
    let mut last: BTreeMap<&str, usize> = BTreeMap::new();
    for (at, id) in world.log.iter().enumerate().skip(token - 1) {
        last.insert(id, at + 1);
    }
    let mut order: Vec<(usize, &str)> = last.into_iter().map(|(id, at)| (at, id)).collect();
    order.sort_unstable();
    let size = call.page_size(100)?.min(world.page_cap);
    let page = &order[..order.len().min(size)];
    let told = page.iter().filter_map(|(_, id)| told(world, drive, id));
    let told: Vec<Value> = told.collect();
    let mut value = json!({"kind": "drive#changeList", "changes": told});
    match page.last().filter(|_| order.len() > size) {
        Some((at, _)) => value["nextPageToken"] = (at + 1).to_string().into(),
        None => value["newStartPageToken"] = (world.log.len() + 1).to_string().into(),
    }
    Ok(call.reply(
        &value,
        "kind,nextPageToken,newStartPageToken,changes(kind,removed,fileId,file(id,name,mimeType))",
    ))
}

fn told(world: &World, drive: Option<&str>, id: &str) -> Option<Value> {
    let mut change = json!({
        "kind": "drive#change", "changeType": "file", "fileId": id, "time": world.clock.now().to_string(), "removed": true,
    });
    if let Some(item) = world.items.get(id) {
        item.parent.as_ref()?;
        if world.drive_of(item) != drive {
            return None;
        }
        change["removed"] = false.into();
        change["file"] = world.resource(item);
    }
    Some(change)
}

pub(super) fn watch(world: &mut World, call: &Call) -> Result<Reply, Reply> {
    drive(call)?;
    call.get("pageToken")
        .ok_or_else(|| Reply::at(400, "required", "pageToken"))?;
    let asked = call.json()?;
    let text = |name: &str| asked[name].as_str().map(str::to_owned);
    let (Some(id), Some(address)) = (text("id"), text("address")) else {
        return Err(Reply::error(400, "required"));
    };
    let fits = |c: char| c.is_ascii_alphanumeric() || "-_+/=".contains(c);
    if id.len() > 64 || !id.chars().all(fits) || text("type").as_deref() != Some("web_hook") {
        return Err(Reply::error(400, "invalid"));
    }
    if !address.starts_with("https://") {
        return Err(Reply::error(400, "push.webhookUrlNotHttps"));
    }
    if world.channels.contains_key(&id) {
        return Err(Reply::error(400, "channelIdNotUnique"));
    }
    let now = world.clock.now();
    let asked_end = text("expiration").map(|end| Timestamp::from_millis(end.parse().unwrap()));
    let hour = now.saturating_add(Duration::from_secs(3_600));
    let expires = asked_end.unwrap_or(hour).min(now.saturating_add(WEEK));
    let channel = Channel {
        address,
        token: text("token").unwrap_or_default(),
        expires,
        messages: 1,
    };
    let value = json!({
        "kind": "api#channel", "id": id, "resourceId": RESOURCE, "token": channel.token,
        "resourceUri": "https://www.googleapis.com/drive/v3/changes?alt=json&pageToken=1",
        "expiration": expires.as_millis().to_string(),
    });
    world.channels.insert(id, channel);
    Ok(call.reply(&value, "*"))
}

pub(super) fn stop(world: &mut World, call: &Call) -> Result<Reply, Reply> {
    let asked = call.json()?;
    let id = asked["id"].as_str().unwrap_or_default();
    if asked["resourceId"] != RESOURCE || world.channels.remove(id).is_none() {
        return Err(Reply::error(404, "notFound"));
    }
    Ok(Reply::empty(204))
}

impl World {
    pub(crate) fn channels(&self) -> &BTreeMap<String, Channel> {
        &self.channels
    }

    /// The headers of the next message of a channel, and where it goes.
    pub(crate) fn message(
        &mut self,
        id: &str,
        state: &str,
    ) -> (String, Vec<(&'static str, String)>) {
        let channel = self.channels.get_mut(id).unwrap();
        channel.messages += 1;
        let headers = vec![
            ("X-Goog-Channel-ID", id.to_owned()),
            (
                "X-Goog-Channel-Expiration",
                "Sat, 29 Nov 2025 12:00:00 GMT".to_owned(),
            ),
            ("X-Goog-Channel-Token", channel.token.clone()),
            ("X-Goog-Message-Number", channel.messages.to_string()),
            ("X-Goog-Resource-ID", RESOURCE.to_owned()),
            ("X-Goog-Resource-State", state.to_owned()),
            (
                "X-Goog-Resource-URI",
                "https://www.googleapis.com/drive/v3/changes".to_owned(),
            ),
        ];
        (channel.address.clone(), headers)
    }
}
