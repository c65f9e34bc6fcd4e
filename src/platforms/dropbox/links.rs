//! Share links
//! ([sharing](https://www.dropbox.com/developers/documentation/http/documentation#sharing-create_shared_link_with_settings)).

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::clock::Timestamp;
use crate::connector::{FilePath, LinkOptions, LinkScope, LinkSharing, ShareLink};
use crate::error::{Error, ErrorKind, Result};

use super::account::Dropbox;
use super::calls::Answer;
use super::error::Fault;
use super::model::{moment, written};

#[derive(Serialize)]
struct CreateArg<'a> {
    path: &'a str,
    settings: Settings<'a>,
}

#[derive(Serialize)]
struct Settings<'a> {
    audience: &'static str,
    access: &'static str,
    require_password: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    link_password: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<String>,
}

#[derive(Serialize)]
struct ListLinksArg<'a> {
    path: &'a str,
    direct_only: bool,
}

#[derive(Deserialize)]
struct Links {
    links: Vec<Link>,
}

#[derive(Serialize)]
struct RevokeArg<'a> {
    url: &'a str,
}

/// A link as Dropbox has it. Its address is a capability, so that it is not printed.
#[derive(Deserialize)]
struct Link {
    url: String,
    #[serde(default)]
    id: Option<Box<str>>,
    #[serde(default)]
    expires: Option<Box<str>>,
    #[serde(default)]
    link_permissions: Permissions,
}

#[derive(Default, Deserialize)]
struct Permissions {
    #[serde(default)]
    effective_audience: Option<Tag>,
    #[serde(default)]
    resolved_visibility: Option<Tag>,
    #[serde(default)]
    link_access_level: Option<Tag>,
    #[serde(default)]
    require_password: Option<bool>,
}

#[derive(Deserialize)]
struct Tag {
    #[serde(rename = ".tag")]
    tag: Box<str>,
}

#[async_trait]
impl LinkSharing for Dropbox {
    async fn create_link(&self, path: &FilePath, options: &LinkOptions) -> Result<ShareLink> {
        let operation = "dropbox.create_link";
        let remote = self.remote(path);
        let arg = CreateArg {
            path: &remote,
            settings: settings(operation, options)?,
        };
        let route = "sharing/create_shared_link_with_settings";
        let made: Answer<Link> = self.calls.ask(operation, route, &arg).await?;
        let link = match made {
            Ok(link) => {
                if !link.is_as(options) {
                    // The account or its team made something else of it.
                    self.revoke(operation, &link.url).await?;
                    let message = "Dropbox did not make the link as narrow as asked";
                    return Err(unsupported(operation, path, message));
                }
                link
            }
            Err(fault) if fault.begins_with("shared_link_already_exists") => {
                let there = match in_the_way(&fault) {
                    Some(link) => Some(link),
                    None => self.direct(operation, &remote).await?.into_iter().next(),
                };
                let is_known = options.password.is_none();
                let fits = there.filter(|link| is_known && link.is_as(options));
                fits.ok_or_else(|| {
                    let message =
                        "a link with other settings is there; Dropbox has one for each file";
                    unsupported(operation, path, message)
                })?
            }
            Err(fault) => return Err(fault.into_error(operation).with_context("path", path)),
        };
        Ok(link.told(path, &remote))
    }

    async fn links(&self, path: &FilePath) -> Result<Vec<ShareLink>> {
        let remote = self.remote(path);
        let links = self.direct("dropbox.links", &remote).await?;
        let links = links.into_iter().map(|link| link.told(path, &remote));
        Ok(links.collect())
    }

    async fn revoke_link(&self, id: &str) -> Result<()> {
        let operation = "dropbox.revoke_link";
        let (of, digest) = id.rsplit_once('#').ok_or_else(|| {
            let message = "this is not a link of Dropbox";
            Error::new(ErrorKind::InvalidInput, operation, message)
        })?;
        let links = self.direct(operation, of).await?;
        match links.iter().find(|link| digest_of(&link.url) == digest) {
            Some(link) => self.revoke(operation, &link.url).await,
            None => Ok(()),
        }
    }
}

impl Dropbox {
    /// The links to a place itself, not to a folder around it.
    async fn direct(&self, operation: &'static str, place: &str) -> Result<Vec<Link>> {
        let arg = ListLinksArg {
            path: place,
            direct_only: true,
        };
        let found: Answer<Links> = self
            .calls
            .ask(operation, "sharing/list_shared_links", &arg)
            .await?;
        match found {
            Ok(found) => Ok(found.links),
            Err(fault) if fault.kind() == ErrorKind::NotFound => Ok(Vec::new()),
            Err(fault) => Err(fault.into_error(operation)),
        }
    }

    async fn revoke(&self, operation: &'static str, url: &str) -> Result<()> {
        let arg = RevokeArg { url };
        let route = "sharing/revoke_shared_link";
        let ended: Answer<()> = self.calls.ask(operation, route, &arg).await?;
        match ended {
            Err(fault) if fault.kind() != ErrorKind::NotFound => Err(fault.into_error(operation)),
            _ => Ok(()),
        }
    }
}

impl Link {
    /// Whether it opens to those who were asked for, for reading, no longer than asked, and with a password only if one was
    /// asked for.
    fn is_as(&self, options: &LinkOptions) -> bool {
        let permissions = &self.link_permissions;
        let audience = permissions.effective_audience.as_ref();
        let audience = audience.or(permissions.resolved_visibility.as_ref());
        let reaches = match audience.map(|tag| &*tag.tag) {
            Some("public" | "password") => options.scope == LinkScope::Anyone,
            Some("team" | "team_only" | "team_and_password") => {
                options.scope == LinkScope::Organization
            }
            _ => false,
        };
        let level = permissions.link_access_level.as_ref();
        let is_for_reading = level.is_none_or(|level| &*level.tag == "viewer");
        let by_visibility = audience.is_some_and(|tag| tag.tag.ends_with("password"));
        let asks = permissions.require_password.unwrap_or(by_visibility);
        let ends = match (options.expires, self.ends()) {
            (None, _) => true,
            (Some(latest), Some(end)) => end <= latest,
            (Some(_), None) => false,
        };
        reaches && is_for_reading && ends && asks == options.password.is_some()
    }

    fn ends(&self) -> Option<Timestamp> {
        self.expires.as_deref().and_then(moment)
    }

    fn told(self, path: &FilePath, remote: &str) -> ShareLink {
        let of = self.id.as_deref().unwrap_or(remote);
        let id = format!("{of}#{}", digest_of(&self.url));
        let ends = self.ends();
        ShareLink::new(id, self.url, path.clone()).with_expires(ends)
    }
}

fn settings<'a>(operation: &'static str, options: &'a LinkOptions) -> Result<Settings<'a>> {
    let expires = match options.expires {
        None => None,
        Some(end) => Some(written(end).ok_or_else(|| {
            let message = "a link cannot end at such a time";
            Error::new(ErrorKind::InvalidInput, operation, message)
        })?),
    };
    let audience = match options.scope {
        LinkScope::Anyone => "public",
        LinkScope::Organization => "team",
    };
    Ok(Settings {
        audience,
        access: "viewer",
        require_password: options.password.is_some(),
        link_password: options.password.as_deref(),
        expires,
    })
}

/// The link that is there already, if the refusal tells it.
fn in_the_way(fault: &Fault) -> Option<Link> {
    let told = fault
        .error
        .get("shared_link_already_exists")?
        .get("metadata")?;
    serde_json::from_value(Value::clone(told)).ok()
}

/// Stands for the address of a link where it is printed.
fn digest_of(url: &str) -> String {
    let digest = blake3::hash(url.as_bytes()).to_hex();
    digest.chars().take(32).collect()
}

fn unsupported(operation: &'static str, path: &FilePath, message: &str) -> Error {
    Error::new(ErrorKind::Unsupported, operation, message).with_context("path", path)
}
