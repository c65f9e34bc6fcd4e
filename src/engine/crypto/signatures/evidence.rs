//! Finding what a delivery brings as evidence, and nothing but that.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use crate::clock::Timestamp;
use crate::connector::{WebhookDelivery, from_hex};

use super::scheme::{Encoding, Layout, Scheme, Stamp};

/// How many signatures of one delivery are looked at.
const MOST_SIGNATURES: usize = 16;

/// The longest id and timestamp that are looked at, in bytes.
const LONGEST: usize = 256;

/// What was found, as text.
#[derive(Debug, Default)]
pub(super) struct Evidence<'a> {
    /// Candidates, of which one must be right.
    pub(super) signatures: Vec<&'a str>,
    pub(super) timestamp: Option<&'a str>,
    pub(super) id: Option<&'a str>,
}

impl<'a> Evidence<'a> {
    /// Reads the headers. An error says what is wrong with them.
    pub(super) fn read(
        scheme: &Scheme,
        delivery: &'a WebhookDelivery,
    ) -> Result<Self, &'static str> {
        let mut found = Self::default();
        for name in scheme.headers {
            if let Some(value) = one(delivery, name)? {
                found.take(scheme.layout, value)?;
            }
        }
        if found.signatures.is_empty() {
            return Err("there is no signature");
        }
        if let Some(name) = match scheme.stamp {
            None | Some(Stamp::Pair) => None,
            Some(Stamp::Seconds(name) | Stamp::Millis(name) | Stamp::Rfc3339(name)) => Some(name),
        } {
            found.timestamp = one(delivery, name)?;
        }
        if scheme.stamp.is_some() && found.timestamp.is_none() {
            return Err("there is no timestamp");
        }
        if let Some(name) = scheme.id {
            found.id = one(delivery, name)?.filter(|id| is_id(id));
        }
        Ok(found)
    }

    fn take(&mut self, layout: Layout, value: &'a str) -> Result<(), &'static str> {
        match layout {
            Layout::Whole { prefix } => {
                let wrong = "the signature is of another kind";
                self.signatures
                    .push(value.strip_prefix(prefix).ok_or(wrong)?);
            }
            Layout::Pairs {
                signature,
                timestamp,
            } => {
                for pair in value.split(',') {
                    let unreadable = "the signature header cannot be read";
                    let (name, text) = pair.trim().split_once('=').ok_or(unreadable)?;
                    if name == signature {
                        self.signatures.push(text);
                    } else if name == timestamp && self.timestamp.replace(text).is_some() {
                        return Err("there are two timestamps");
                    }
                }
            }
            Layout::Versions { version } => {
                let signatures = value.split(' ').filter_map(|item| item.split_once(','));
                let known = signatures.filter(|(own, _)| *own == version);
                self.signatures.extend(known.map(|(_, text)| text));
            }
            Layout::ClientState => {}
        }
        if self.signatures.len() > MOST_SIGNATURES {
            return Err("there are too many signatures");
        }
        Ok(())
    }
}

/// Returns the value of a header that is there at most once.
fn one<'a>(delivery: &'a WebhookDelivery, name: &str) -> Result<Option<&'a str>, &'static str> {
    let mut values = delivery
        .headers
        .iter()
        .filter(|(own, _)| own.eq_ignore_ascii_case(name));
    match (values.next(), values.next()) {
        (found, None) => Ok(found.map(|(_, value)| value.as_str())),
        _ => Err("a header is there twice"),
    }
}

/// An id must not contain what the signed parts are joined by: `a.1` and `2` would read as `a` and
/// `1.2`.
fn is_id(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_graphic() && byte != b'.';
    (1..=LONGEST).contains(&text.len()) && text.bytes().all(allowed)
}

/// Reads the time that a delivery bears.
pub(super) fn moment(stamp: Stamp, text: &str) -> Option<Timestamp> {
    match stamp {
        Stamp::Seconds(_) | Stamp::Pair => {
            let millis = number(text)?.checked_mul(1_000)?;
            Some(Timestamp::from_millis(millis))
        }
        Stamp::Millis(_) => number(text).map(Timestamp::from_millis),
        Stamp::Rfc3339(_) => {
            let short = text.len() <= LONGEST;
            let moment: jiff::Timestamp = short.then(|| text.parse().ok()).flatten()?;
            Some(Timestamp::from_millis(moment.as_millisecond()))
        }
    }
}

/// A whole number in its one form: digits only, and no zero before another.
fn number(text: &str) -> Option<i64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let proper = text == "0" || !text.starts_with('0');
    (digits && proper).then(|| text.parse().ok()).flatten()
}

/// Reads a signature, in the one form it has.
pub(super) fn decode(encoding: Encoding, text: &str) -> Option<Vec<u8>> {
    match encoding {
        Encoding::Hex => {
            let lower = text
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
            lower.then(|| from_hex(text)).flatten()
        }
        Encoding::Base64 => STANDARD.decode(text).ok(),
    }
}

/// The notifications of Microsoft Graph, as far as they are evidence.
#[derive(Deserialize)]
struct Notifications {
    value: Vec<Notification>,
}

#[derive(Deserialize)]
struct Notification {
    #[serde(rename = "clientState")]
    client_state: Option<String>,
}

/// Returns what each notification of a body bears, or `None` if that cannot be read or there is none.
pub(super) fn client_states(body: &[u8]) -> Option<Vec<String>> {
    let read: Notifications = serde_json::from_slice(body).ok()?;
    if read.value.is_empty() {
        return None;
    }
    let states = read.value.into_iter().map(|one| one.client_state);
    states.collect()
}
