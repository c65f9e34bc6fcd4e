//! Dropbox as its documentation describes it: one account in memory.
//!
//! Written from the [reference](https://www.dropbox.com/developers/documentation/http/documentation), and driven by
//! Dropbox's own client as well. Names are kept in NFC and not found otherwise, as others
//! [report](https://github.com/samschott/maestral/pull/678).

mod call;
mod files;
mod listing;
mod sharing;
mod upload;
mod world;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use serde_json::{Value, json};

use call::{Call, Reply};
pub(crate) use world::World;

/// The token that the account takes.
pub(crate) const TOKEN: &str = "a-token-that-is-good";

/// The id of the account.
pub(crate) const ACCOUNT: &str = "dbid:AAH4f99T0taONIb-OurWxbNQ6ywGRopQngc";

/// What goes wrong with a call.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// It is refused by the endpoint, with these tags.
    Refuse(&'static [&'static str]),
    /// It is refused with a status and a body.
    Answer(u16, Value),
    /// It is done, and answered with a fault of the server.
    LoseAnswer,
    /// This happens before it is done.
    Before(fn(&mut World)),
}

/// The fake; clones are the same one.
#[derive(Clone, Debug)]
pub(crate) struct Fake {
    world: Arc<Mutex<World>>,
    planned: Arc<Mutex<Vec<(&'static str, Fault)>>>,
}

impl Fake {
    pub(crate) fn new(world: World) -> Self {
        Self {
            world: Arc::new(Mutex::new(world)),
            planned: Arc::default(),
        }
    }

    pub(crate) fn routes(&self) -> Router {
        Router::new().fallback(answer).with_state(self.clone())
    }

    /// The account, to look at or to change behind everybody's back.
    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Plans a fault for the next call of this route, such as `files/upload`.
    pub(crate) fn plan(&self, route: &'static str, fault: Fault) {
        let mut all = self.planned.lock().unwrap_or_else(PoisonError::into_inner);
        all.push((route, fault));
    }

    /// How many faults have not come yet.
    pub(crate) fn still_planned(&self) -> usize {
        let all = self.planned.lock().unwrap_or_else(PoisonError::into_inner);
        all.len()
    }

    fn fault(&self, route: &str) -> Option<Fault> {
        let mut all = self.planned.lock().unwrap_or_else(PoisonError::into_inner);
        let at = all.iter().position(|(planned, _)| *planned == route)?;
        Some(all.remove(at).1)
    }

    fn answer(&self, call: &Call) -> Reply {
        let fault = self.fault(&call.route);
        match &fault {
            Some(Fault::Refuse(tags)) => return Reply::refused(tags),
            Some(Fault::Answer(status, body)) => return Reply::json(*status, body),
            Some(Fault::Before(act)) => act(&mut self.world()),
            _ => {}
        }
        let mut world = self.world();
        let reply = route(&mut world, call).unwrap_or_else(|refused| refused);
        match fault {
            Some(Fault::LoseAnswer) => Reply::text(503, "Service Unavailable"),
            _ => reply,
        }
    }
}

async fn answer(State(fake): State<Fake>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let reply = fake.answer(&Call::new(&parts, body));
    let mut response = Response::builder().status(reply.status);
    for (name, value) in reply.headers {
        response = response.header(name, value);
    }
    response.body(Body::from(reply.body)).unwrap()
}

fn route(world: &mut World, call: &Call) -> Result<Reply, Reply> {
    if call.method != "POST" {
        return Err(Reply::text(405, "only POST"));
    }
    if call.route == "files/list_folder/longpoll" {
        return match call.header("authorization") {
            Some(_) => Err(Reply::text(400, "this endpoint takes no authorization")),
            None => listing::longpoll(world, &call.json(&["cursor", "timeout"])?),
        };
    }
    if call.header("authorization") != Some(&format!("Bearer {TOKEN}")) {
        let body = json!({"error_summary": "invalid_access_token/", "error": {".tag": "invalid_access_token"}});
        return Err(Reply::json(401, &body));
    }
    let listed = [
        "path",
        "recursive",
        "include_deleted",
        "include_mounted_folders",
        "include_non_downloadable_files",
        "include_media_info",
        "include_has_explicit_shared_members",
        "include_property_groups",
        "include_restorable_info",
        "limit",
        "shared_link",
    ];
    let relocated = [
        "from_path",
        "to_path",
        "autorename",
        "allow_shared_folder",
        "allow_ownership_transfer",
    ];
    let looked = [
        "path",
        "include_media_info",
        "include_deleted",
        "include_has_explicit_shared_members",
        "include_property_groups",
        "include_restorable_info",
    ];
    match &*call.route {
        "users/get_current_account" => files::account(world, call),
        "files/get_metadata" => files::metadata(world, &call.json(&looked)?),
        "files/download" => files::download(world, call),
        "files/delete_v2" => files::delete(world, &call.json(&["path", "parent_rev"])?),
        "files/move_v2" => files::relocate(world, &call.json(&relocated)?, true),
        "files/copy_v2" => files::relocate(world, &call.json(&relocated)?, false),
        "files/list_folder" => listing::start(world, &call.json(&listed)?),
        "files/list_folder/continue" => listing::go_on(world, &call.json(&["cursor"])?),
        "files/list_folder/get_latest_cursor" => listing::latest(world, &call.json(&listed)?),
        "files/upload" => upload::upload(world, call),
        "files/upload_session/start" => upload::start(world, call),
        "files/upload_session/append_v2" => upload::append(world, call),
        "files/upload_session/finish" => upload::finish(world, call),
        "sharing/create_shared_link_with_settings" => {
            sharing::create(world, &call.json(&["path", "settings"])?)
        }
        "sharing/list_shared_links" => {
            sharing::list(world, &call.json(&["path", "cursor", "direct_only"])?)
        }
        "sharing/revoke_shared_link" => sharing::revoke(world, &call.json(&["url"])?),
        _ => Err(Reply::text(404, "no such route")),
    }
}
