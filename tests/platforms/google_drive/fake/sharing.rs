//! `permissions`.

use serde_json::{Value, json};

use super::call::{Call, Reply};
use super::world::World;

const USUAL: &str = "kind,id,type,role,allowFileDiscovery";

pub(super) fn create(world: &mut World, call: &Call, id: &str) -> Result<Reply, Reply> {
    let mut given = call.json()?;
    let id = world.find(id, call.is("supportsAllDrives"))?.id.clone();
    if !matches!(
        given["role"].as_str(),
        Some("reader" | "commenter" | "writer")
    ) {
        return Err(Reply::at(400, "invalid", "permission.role"));
    }
    let name = match (given["type"].as_str(), given["domain"].as_str()) {
        (Some("anyone"), None) => "anyoneWithLink".to_owned(),
        (Some("domain"), Some(domain)) => format!("{:020}k", domain.len()),
        _ => return Err(Reply::at(400, "invalid", "permission.type")),
    };
    if !given["expirationTime"].is_null() {
        return Err(Reply::error(403, "cannotSetExpiration"));
    }
    given["id"] = name.clone().into();
    given["kind"] = "drive#permission".into();
    world.edit(&id, |item| {
        item.permissions.retain(|other| other["id"] != *name);
        item.permissions.push(given.clone());
    });
    Ok(call.reply(&given, USUAL))
}

pub(super) fn list(world: &mut World, call: &Call, id: &str) -> Result<Reply, Reply> {
    let item = world.find(id, call.is("supportsAllDrives"))?;
    let owner =
        json!({"kind": "drive#permission", "id": "0123456789", "type": "user", "role": "owner"});
    let all: Vec<Value> = [owner]
        .into_iter()
        .chain(item.permissions.iter().cloned())
        .collect();
    let value = json!({"kind": "drive#permissionList", "permissions": all});
    Ok(call.reply(&value, &format!("kind,nextPageToken,permissions({USUAL})")))
}

pub(super) fn delete(
    world: &mut World,
    call: &Call,
    id: &str,
    given: &str,
) -> Result<Reply, Reply> {
    let item = world.find(id, call.is("supportsAllDrives"))?;
    let id = item.id.clone();
    if !item.permissions.iter().any(|own| own["id"] == *given) {
        return Err(Reply::at(404, "notFound", "permissionId"));
    }
    world.edit(&id, |item| {
        item.permissions.retain(|own| own["id"] != *given)
    });
    Ok(Reply::empty(204))
}
