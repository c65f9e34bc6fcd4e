//! Putting together what was signed.

use std::borrow::Cow;

use sha2::{Digest as _, Sha256};

use crate::connector::{WebhookDelivery, to_hex};
use crate::engine::crypto::secret::same;

use super::evidence::Evidence;
use super::scheme::{Part, Scheme};

/// How many fields a form may have.
const MOST_FIELDS: usize = 1_000;

/// Returns the signed bytes, piece by piece. An error says why there are none.
pub(super) fn pieces<'a>(
    scheme: &Scheme,
    delivery: &'a WebhookDelivery,
    evidence: &Evidence<'a>,
) -> Result<Vec<Cow<'a, [u8]>>, &'static str> {
    let mut pieces = Vec::with_capacity(scheme.message.len());
    for part in scheme.message {
        match part {
            Part::Body => pieces.push(Cow::Borrowed(&*delivery.body)),
            Part::Timestamp => {
                pieces.push(text(evidence.timestamp.ok_or("there is no timestamp")?))
            }
            Part::Id => pieces.push(text(evidence.id.ok_or("there is no usable id")?)),
            Part::Method => pieces.push(text(&delivery.method)),
            Part::Url => pieces.push(text(&delivery.url)),
            Part::Text(fixed) => pieces.push(text(fixed)),
            Part::Fields => fields(delivery, &mut pieces)?,
        }
    }
    Ok(pieces)
}

fn text(text: &str) -> Cow<'_, [u8]> {
    Cow::Borrowed(text.as_bytes())
}

fn fields<'a>(
    delivery: &'a WebhookDelivery,
    pieces: &mut Vec<Cow<'a, [u8]>>,
) -> Result<(), &'static str> {
    if !is_form(delivery) {
        return covered_by_address(delivery);
    }
    let mut fields: Vec<_> = delivery
        .body
        .split(|byte| *byte == b'&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let mut halves = pair.splitn(2, |byte| *byte == b'=');
            let mut half = || unescape(halves.next().unwrap_or_default());
            Some((half()?, half()?))
        })
        .collect::<Option<_>>()
        .ok_or("the form cannot be read")?;
    fields.sort_unstable();
    if fields.len() > MOST_FIELDS {
        return Err("the form has too many fields");
    }
    if fields
        .windows(2)
        .any(|two| matches!(two, [one, other] if one.0 == other.0))
    {
        return Err("a field is there twice");
    }
    pieces.extend(fields.into_iter().flat_map(|(name, value)| [name, value]));
    Ok(())
}

fn is_form(delivery: &WebhookDelivery) -> bool {
    let kind = delivery.header("content-type").unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

/// A body that is no form is signed through its digest in the query of the address, or is empty.
fn covered_by_address(delivery: &WebhookDelivery) -> Result<(), &'static str> {
    let query = delivery.url.split_once('?').map_or("", |(_, query)| query);
    let mut digests = query
        .split('#')
        .next()
        .unwrap_or_default()
        .split('&')
        .filter_map(|pair| pair.strip_prefix("bodySHA256="));
    let covered = match (digests.next(), digests.next()) {
        (None, _) => delivery.body.is_empty(),
        (Some(digest), None) => {
            let own = to_hex(&Sha256::digest(&delivery.body));
            same(digest.as_bytes(), own.as_bytes())
        }
        (Some(_), Some(_)) => false,
    };
    covered
        .then_some(())
        .ok_or("the signature does not cover the body")
}

/// Undoes the escapes of a form; `None` if one is broken.
pub(super) fn unescape(text: &[u8]) -> Option<Cow<'_, [u8]>> {
    if !text.iter().any(|byte| matches!(byte, b'%' | b'+')) {
        return Some(Cow::Borrowed(text));
    }
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((byte, tail)) = rest.split_first() {
        rest = tail;
        match byte {
            b'+' => out.push(b' '),
            b'%' => {
                let (digits, tail) = rest.split_at_checked(2)?;
                let digits = std::str::from_utf8(digits).ok()?;
                if digits.starts_with('+') {
                    return None;
                }
                out.push(u8::from_str_radix(digits, 16).ok()?);
                rest = tail;
            }
            byte => out.push(*byte),
        }
    }
    Some(Cow::Owned(out))
}
