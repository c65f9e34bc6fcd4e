//! Share links of Nextcloud and ownCloud
//! ([OCS Share API](https://docs.nextcloud.com/server/latest/developer_manual/client_apis/OCS/ocs-share-api.html)).

use std::time::Duration;

use async_trait::async_trait;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::Deserialize;
use serde::de::{Deserializer, Error as _};
use serde_json::Value;

use crate::clock::Timestamp;
use crate::connector::kit::{BaseUrl, HttpRequest, encode_segment};
use crate::connector::{FilePath, LinkOptions, LinkScope, LinkSharing, ShareLink};
use crate::error::{Error, ErrorKind, Result};

use super::account::WebDav;
use super::calls::Seen;
use super::place::not_found;

/// A link that everybody may follow.
const PUBLIC_LINK: u64 = 3;

/// The westernmost midnight, after the one of UTC. A share ends at midnight where its owner is, and the server does not say
/// where that is.
const LAST_MIDNIGHT: Duration = Duration::from_secs(12 * 3_600);

#[derive(Debug, Deserialize)]
struct Answer<T> {
    ocs: Inner<T>,
}

#[derive(Debug, Deserialize)]
struct Inner<T> {
    data: T,
}

#[derive(Debug, Deserialize)]
struct Share {
    #[serde(deserialize_with = "text")]
    id: String,
    share_type: u64,
    #[serde(default)]
    url: Option<String>,
    #[serde(default)]
    expiration: Option<String>,
}

/// An id is a number in some versions and text in others.
fn text<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<String, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::String(text) => Ok(text),
        Value::Number(number) => Ok(number.to_string()),
        _ => Err(D::Error::custom("an id is a number or text")),
    }
}

impl Share {
    fn link(self, path: &FilePath) -> Option<ShareLink> {
        let expires = self.expiration.as_deref().and_then(ends);
        let link = ShareLink::new(self.id, self.url?, path.clone());
        (self.share_type == PUBLIC_LINK).then(|| link.with_expires(expires))
    }
}

/// When a share has ended wherever its owner is.
fn ends(text: &str) -> Option<Timestamp> {
    let local = DateTime::strptime("%Y-%m-%d %H:%M:%S", text).ok()?;
    let utc = local.to_zoned(TimeZone::UTC).ok()?.timestamp();
    Some(Timestamp::from_millis(utc.as_millisecond()).saturating_add(LAST_MIDNIGHT))
}

/// The last day at whose beginning a share has to end, so that it has ended by `moment` wherever its owner is.
fn last_day(moment: Timestamp) -> Option<String> {
    let half_a_day = i64::try_from(LAST_MIDNIGHT.as_millis()).ok()?;
    let millis = moment.as_millis().checked_sub(half_a_day)?;
    let moment = jiff::Timestamp::from_millisecond(millis).ok()?;
    Some(moment.to_zoned(TimeZone::UTC).date().to_string())
}

impl WebDav {
    fn shares(&self) -> Result<&BaseUrl> {
        self.dav.shares.as_ref().ok_or_else(|| {
            let message = "the server makes no links";
            Error::new(ErrorKind::Unsupported, "webdav.links", message)
        })
    }

    /// The path among the files of the user.
    fn shared_path(&self, path: &FilePath) -> String {
        match &self.dav.folder {
            Some(folder) => format!("/{folder}/{path}"),
            None => format!("/{path}"),
        }
    }
}

fn ocs(request: HttpRequest) -> HttpRequest {
    request
        .header("ocs-apirequest", "true")
        .header("accept", "application/json")
}

#[async_trait]
impl LinkSharing for WebDav {
    async fn create_link(&self, path: &FilePath, options: &LinkOptions) -> Result<ShareLink> {
        let operation = "webdav.create_link";
        if matches!(self.dav.look(operation, path).await?, Seen::Nothing) {
            return Err(not_found(operation, path));
        }
        let unsupported = |message: &str| {
            Error::new(ErrorKind::Unsupported, operation, message).with_context("path", path)
        };
        if options.scope != LinkScope::Anyone {
            return Err(unsupported("the server makes links for anyone only"));
        }
        let shared = self.shared_path(path);
        let mut fields = vec![
            ("path", shared.as_str()),
            ("shareType", "3"),
            ("permissions", "1"),
        ];
        let day = match options.expires {
            Some(moment) => {
                let day = last_day(moment);
                Some(day.ok_or_else(|| unsupported("the server ends no link at that time"))?)
            }
            None => None,
        };
        fields.extend(day.as_deref().map(|day| ("expireDate", day)));
        fields.extend(options.password.as_deref().map(|word| ("password", word)));
        let request = ocs(HttpRequest::post(self.shares()?.at("")).form(fields));
        let answer: Answer<Share> = self.dav.api.json(operation, request).await?;
        let share = answer.ocs.data;
        let is_open = day.is_some() && share.expiration.is_none();
        let id = share.id.clone();
        let link = share.link(path).filter(|_| !is_open);
        if link.is_none() {
            // Better none than one that stays open for longer.
            self.revoke_link(&id).await?;
        }
        link.ok_or_else(|| unsupported("the server made another link than was asked for"))
    }

    async fn links(&self, path: &FilePath) -> Result<Vec<ShareLink>> {
        let request = HttpRequest::get(self.shares()?.at(""))
            .query("path", self.shared_path(path))
            .query("reshares", "true");
        let call = self.dav.api.call_for("webdav.links", ocs(request), &[404]);
        let answer = call.await?;
        if answer.status() == 404 {
            return Ok(Vec::new());
        }
        let answer: Answer<Vec<Share>> = answer.json().await?;
        let shares = answer.ocs.data.into_iter();
        Ok(shares.filter_map(|share| share.link(path)).collect())
    }

    async fn revoke_link(&self, id: &str) -> Result<()> {
        let at = self.shares()?.at(&format!("/{}", encode_segment(id)));
        let request = ocs(HttpRequest::delete(at));
        let call = self.dav.api.call_for("webdav.revoke_link", request, &[404]);
        call.await.map(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_ends_no_later_than_it_should_wherever_its_owner_is() {
        for (moment, day) in [
            ("2026-06-15T00:00:00Z", "2026-06-14"),
            ("2026-06-15T11:59:59Z", "2026-06-14"),
            ("2026-06-15T12:00:00Z", "2026-06-15"),
            ("2026-06-15T23:00:00Z", "2026-06-15"),
        ] {
            let moment: jiff::Timestamp = moment.parse().unwrap();
            let moment = Timestamp::from_millis(moment.as_millisecond());
            assert_eq!(last_day(moment).as_deref(), Some(day));
            let end = ends(&format!("{day} 00:00:00")).unwrap();
            assert!(end <= moment, "{end} is after {moment}");
        }
        assert_eq!(ends("soon"), None);
    }
}
