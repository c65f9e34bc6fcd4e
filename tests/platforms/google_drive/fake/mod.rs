//! Google Drive as its documentation describes it: one account with My Drive and shared drives, in memory.
//!
//! Written from the [reference](https://developers.google.com/workspace/drive/api/reference/rest/v3) and the
//! [guides](https://developers.google.com/workspace/drive/api/guides/about-sdk), and driven by Google's own client as well.

mod call;
mod files;
mod query;
mod sharing;
mod upload;
mod watch;
mod world;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::response::Response;

use call::{Call, Reply};
pub(crate) use world::{FOLDER, MY_DRIVE, SHORTCUT, World};

/// The token that the account takes.
pub(crate) const TOKEN: &str = "a-token-that-is-good";

/// What goes wrong with a call.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// It is refused, with a reason.
    Refuse(u16, &'static str),
    /// It is refused, and is told to wait so many seconds.
    Wait(u16, &'static str, u32),
    /// It is done, and answered with a fault of the server.
    LoseAnswer,
    /// It is answered with a page for people.
    Html,
    /// It is done, and then this happens before the answer goes out.
    Meanwhile(fn(&mut World)),
    /// This happens before it is done.
    Before(fn(&mut World)),
}

/// A fault for the next call of this method whose path and query have this text in them.
#[derive(Clone, Debug)]
struct Planned {
    method: &'static str,
    part: &'static str,
    fault: Fault,
}

/// The fake; clones are the same one.
#[derive(Clone, Debug)]
pub(crate) struct Fake {
    world: Arc<Mutex<World>>,
    planned: Arc<Mutex<Vec<Planned>>>,
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

    /// Plans a fault for the next call that fits.
    pub(crate) fn plan(&self, method: &'static str, part: &'static str, fault: Fault) {
        let planned = Planned {
            method,
            part,
            fault,
        };
        let mut all = self.planned.lock().unwrap_or_else(PoisonError::into_inner);
        all.push(planned);
    }

    /// How many faults have not come yet.
    pub(crate) fn still_planned(&self) -> usize {
        let all = self.planned.lock().unwrap_or_else(PoisonError::into_inner);
        all.len()
    }

    fn fault(&self, call: &Call) -> Option<Fault> {
        let mut all = self.planned.lock().unwrap_or_else(PoisonError::into_inner);
        let fits =
            |planned: &Planned| call.method == planned.method && call.target.contains(planned.part);
        let at = all.iter().position(fits)?;
        Some(all.remove(at).fault)
    }

    fn answer(&self, call: &Call) -> Reply {
        let is_session = call.path.starts_with("/upload/") && call.get("upload_id").is_some();
        let bearer = format!("Bearer {TOKEN}");
        if !is_session && call.header("authorization") != Some(&*bearer) {
            return Reply::error(401, "authError");
        }
        let fault = self.fault(call);
        match &fault {
            Some(Fault::Refuse(status, reason)) => return Reply::error(*status, reason),
            Some(Fault::Wait(status, reason, seconds)) => {
                let reply = Reply::error(*status, reason);
                return reply.with_header("retry-after", seconds.to_string());
            }
            Some(Fault::Html) => return Reply::html(),
            Some(Fault::Before(act)) => act(&mut self.world()),
            _ => {}
        }
        let mut world = self.world();
        let reply = route(&mut world, call).unwrap_or_else(|refused| refused);
        match fault {
            Some(Fault::LoseAnswer) => Reply::error(503, "backendError"),
            Some(Fault::Meanwhile(act)) => {
                act(&mut world);
                reply
            }
            _ => reply,
        }
    }
}

async fn answer(State(fake): State<Fake>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let call = Call::new(&parts, body);
    let Reply {
        status,
        headers,
        body,
    } = fake.answer(&call);
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(name, value);
    }
    response.body(Body::from(body)).unwrap()
}

fn route(world: &mut World, call: &Call) -> Result<Reply, Reply> {
    if let Some(path) = call.path.strip_prefix("/upload/drive/v3/files") {
        let id = path.strip_prefix('/');
        return upload::route(world, call, id);
    }
    let path = call.path.strip_prefix("/drive/v3/");
    let segments: Vec<&str> = path.unwrap_or_default().split('/').collect();
    match (&*call.method, &*segments) {
        ("GET", ["files", "generateIds"]) => files::generate_ids(world, call),
        ("GET", ["files"]) => files::list(world, call),
        ("POST", ["files"]) => files::create(world, call),
        ("GET", ["files", id]) => files::get(world, call, id),
        ("PATCH", ["files", id]) => files::update(world, call, id),
        ("DELETE", ["files", id]) => files::delete(world, call, id),
        ("POST", ["files", id, "copy"]) => files::copy(world, call, id),
        ("GET", ["files", id, "export"]) => files::export(world, call, id),
        ("POST", ["files", id, "permissions"]) => sharing::create(world, call, id),
        ("GET", ["files", id, "permissions"]) => sharing::list(world, call, id),
        ("DELETE", ["files", id, "permissions", given]) => sharing::delete(world, call, id, given),
        ("GET", ["changes", "startPageToken"]) => watch::start(world, call),
        ("GET", ["changes"]) => watch::changes(world, call),
        ("POST", ["changes", "watch"]) => watch::watch(world, call),
        ("POST", ["channels", "stop"]) => watch::stop(world, call),
        _ => Err(Reply::error(404, "notFound")),
    }
}
