//! Share links ([permissions](https://developers.google.com/workspace/drive/api/guides/manage-sharing)).

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::connector::kit::{HttpRequest, encode_segment};
use crate::connector::{FilePath, LinkOptions, LinkScope, LinkSharing, ShareLink};
use crate::error::{Error, ErrorKind, Result};

use super::account::GoogleDrive;
use super::calls::for_all_drives;
use super::config::is_id;
use super::model::moment;
use super::write::missing;

const FIELDS: &str = "id,type,role,domain,expirationTime";

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct NewPermission<'a> {
    r#type: &'static str,
    role: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    domain: Option<&'a str>,
    allow_file_discovery: bool,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Permission {
    id: Box<str>,
    #[serde(default)]
    r#type: Box<str>,
    #[serde(default)]
    expiration_time: Option<Box<str>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PermissionPage {
    #[serde(default)]
    permissions: Vec<Permission>,
    #[serde(default)]
    next_page_token: Option<Box<str>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Viewed {
    web_view_link: String,
}

#[async_trait]
impl LinkSharing for GoogleDrive {
    async fn create_link(&self, path: &FilePath, options: &LinkOptions) -> Result<ShareLink> {
        let operation = "google_drive.create_link";
        let shared = self.any_at(operation, path).await?;
        let shared = shared.ok_or_else(|| missing(operation, path))?;
        let unsupported = |message: &str| {
            Error::new(ErrorKind::Unsupported, operation, message).with_context("path", path)
        };
        if options.expires.is_some() {
            return Err(unsupported(
                "Drive ends only what is shared with a person or a group",
            ));
        }
        if options.password.is_some() {
            return Err(unsupported("Drive asks for no password"));
        }
        let (kind, domain) = match options.scope {
            LinkScope::Anyone => ("anyone", None),
            LinkScope::Organization => {
                let domain = self.settings.domain.as_deref();
                let domain = domain.ok_or_else(|| {
                    unsupported("the domain of the organization was not configured")
                });
                ("domain", Some(domain?))
            }
        };
        let permission = NewPermission {
            r#type: kind,
            role: "reader",
            domain,
            allow_file_discovery: false,
        };
        let call = HttpRequest::post(self.calls.file_at(&shared.id, "/permissions"));
        let call = for_all_drives(call)
            .query("fields", FIELDS)
            .json(&permission);
        let made: Permission = self.calls.api.json(operation, call).await?;
        let url = self.view_url(operation, &shared.id).await?;
        Ok(link(&shared.id, &made, url, path))
    }

    async fn links(&self, path: &FilePath) -> Result<Vec<ShareLink>> {
        let operation = "google_drive.links";
        let Some(shared) = self.any_at(operation, path).await? else {
            return Ok(Vec::new());
        };
        let (mut open, mut page) = (Vec::new(), None::<Box<str>>);
        let mut seen = Vec::new();
        loop {
            let call = HttpRequest::get(self.calls.file_at(&shared.id, "/permissions"));
            let mut call = for_all_drives(call)
                .query("pageSize", "100")
                .query("fields", format!("nextPageToken,permissions({FIELDS})"));
            if let Some(token) = &page {
                call = call.query("pageToken", token);
            }
            let found: PermissionPage = self.calls.api.json(operation, call).await?;
            let links = found.permissions.into_iter();
            open.extend(links.filter(|given| matches!(&*given.r#type, "anyone" | "domain")));
            seen.extend(page.take());
            page = found.next_page_token.filter(|token| !seen.contains(token));
            if page.is_none() {
                break;
            }
        }
        if open.is_empty() {
            return Ok(Vec::new());
        }
        let url = self.view_url(operation, &shared.id).await?;
        let links = open
            .iter()
            .map(|given| link(&shared.id, given, url.clone(), path));
        Ok(links.collect())
    }

    async fn revoke_link(&self, id: &str) -> Result<()> {
        let operation = "google_drive.revoke_link";
        let parts = id
            .split_once('.')
            .filter(|(file, given)| is_id(file) && is_id(given));
        let (file, given) = parts.ok_or_else(|| {
            let message = "this is not a link of Drive";
            Error::new(ErrorKind::InvalidInput, operation, message)
        })?;
        let rest = format!("/permissions/{}", encode_segment(given));
        let call = for_all_drives(HttpRequest::delete(self.calls.file_at(file, &rest)));
        match self.calls.api.call(operation, call).await {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            answer => answer.map(drop),
        }
    }
}

impl GoogleDrive {
    /// Returns the address at which people see a file; it is the same for all its links.
    async fn view_url(&self, operation: &'static str, id: &str) -> Result<String> {
        let call = for_all_drives(HttpRequest::get(self.calls.file_at(id, "")));
        let call = call.query("fields", "webViewLink");
        let viewed: Viewed = self.calls.api.json(operation, call).await?;
        Ok(viewed.web_view_link)
    }
}

fn link(file: &str, given: &Permission, url: String, path: &FilePath) -> ShareLink {
    let expires = given.expiration_time.as_deref().and_then(moment);
    ShareLink::new(format!("{file}.{}", given.id), url, path.clone()).with_expires(expires)
}
