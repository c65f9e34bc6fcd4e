//! Shared links.

use serde_json::{Value, json};

use super::call::Reply;
use super::files::path;
use super::world::{Node, World, id_of};

#[derive(Clone, Debug)]
pub(crate) struct Link {
    pub(crate) url: String,
    pub(crate) of: String,
    pub(crate) audience: String,
    pub(crate) access: String,
    pub(crate) has_password: bool,
    pub(crate) expires: Option<String>,
}

impl Link {
    fn about(&self, world: &World) -> Value {
        let (_, node) = world.find(&self.of).unwrap();
        let mut about = node.about();
        let visibility = match (&*self.audience, self.has_password) {
            ("team", true) => "team_and_password",
            ("team", false) => "team_only",
            (_, true) => "password",
            _ => "public",
        };
        about["url"] = self.url.clone().into();
        about["link_permissions"] = json!({
            "can_revoke": true, "visibility_policies": [], "can_set_expiry": true, "can_remove_expiry": true,
            "allow_download": true, "can_allow_download": true, "can_disallow_download": true,
            "allow_comments": true, "team_restricts_comments": false,
            "effective_audience": {".tag": self.audience}, "require_password": self.has_password,
            "link_access_level": {".tag": self.access}, "resolved_visibility": {".tag": visibility},
        });
        if let Some(expires) = &self.expires {
            about["expires"] = expires.clone().into();
        }
        about
    }
}

fn found(world: &World, arg: &Value) -> Result<Node, Reply> {
    let found = world.find(path(arg, "path")?);
    let node = found.map(|(_, node)| node);
    node.ok_or_else(|| Reply::refused(&["path", "not_found"]))
}

pub(super) fn create(world: &mut World, arg: &Value) -> Result<Reply, Reply> {
    let node = found(world, arg)?;
    let of = id_of(&node).to_owned();
    if let Some(link) = world.links.iter().find(|link| link.of == of) {
        let metadata = link.about(world);
        let error = json!({".tag": "shared_link_already_exists",
            "shared_link_already_exists": {".tag": "metadata", "metadata": metadata}});
        return Err(Reply::because(
            &["shared_link_already_exists", "metadata"],
            &error,
        ));
    }
    let settings = &arg["settings"];
    let tag = |name: &str| {
        let value = &settings[name];
        value.as_str().or(value[".tag"].as_str()).map(str::to_owned)
    };
    let audience = tag("audience").unwrap_or_else(|| "public".to_owned());
    let has_password = settings["require_password"] == true;
    let needs_plan = has_password || settings["expires"].is_string() || audience == "team";
    if needs_plan && !world.is_team {
        return Err(Reply::refused(&["settings_error", "not_authorized"]));
    }
    if has_password != settings["link_password"].is_string() {
        return Err(Reply::refused(&["settings_error", "invalid_settings"]));
    }
    let number = world.next();
    let link = Link {
        url: format!("https://www.dropbox.com/scl/fi/{number}/a?rlkey=secret{number}&dl=0"),
        of,
        audience,
        access: tag("access").unwrap_or_else(|| "viewer".to_owned()),
        has_password,
        expires: settings["expires"].as_str().map(str::to_owned),
    };
    world.links.push(link.clone());
    Ok(Reply::json(200, &link.about(world)))
}

pub(super) fn list(world: &World, arg: &Value) -> Result<Reply, Reply> {
    let of = match arg["path"].as_str() {
        None => None,
        Some(_) => Some(id_of(&found(world, arg)?).to_owned()),
    };
    let fits = |link: &&Link| of.as_ref().is_none_or(|of| link.of == *of);
    let there = |link: &&Link| world.find(&link.of).is_some();
    let links = world.links.iter().filter(fits).filter(there);
    let links: Vec<Value> = links.map(|link| link.about(world)).collect();
    Ok(Reply::json(
        200,
        &json!({"links": links, "has_more": false}),
    ))
}

pub(super) fn revoke(world: &mut World, arg: &Value) -> Result<Reply, Reply> {
    let before = world.links.len();
    world.links.retain(|link| arg["url"] != *link.url);
    match world.links.len() < before {
        true => Ok(Reply::json(200, &Value::Null)),
        false => Err(Reply::refused(&["shared_link_not_found"])),
    }
}
