//! What an access token says, read without giving it the benefit of a doubt.
//!
//! [RFC 7519](https://www.rfc-editor.org/rfc/rfc7519) and
//! [RFC 9068](https://www.rfc-editor.org/rfc/rfc9068), with numbers that are whole, names that come
//! once, and nothing left out.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::jws::Text;

/// Claims that narrow or widen what a token allows in ways that are not carried out here: a token
/// with one of them would be misread. Any other claim that is not known is left alone (RFC 7519, 4).
const NOT_FOLLOWED: [&str; 11] = [
    "act",
    "cnf",
    "cond",
    "conditions",
    "crit",
    "entitlements",
    "groups",
    "may_act",
    "role",
    "roles",
    "scope",
];

/// Most claims that are left alone.
const MOST_STRANGERS: usize = 32;

/// The claims of an access token as they are written.
#[derive(Serialize)]
pub(super) struct Written<'a> {
    pub(super) iss: &'a str,
    pub(super) aud: &'a str,
    pub(super) sub: &'a str,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) svc: bool,
    pub(super) org: &'a str,
    pub(super) iat: i64,
    pub(super) ims: u16,
    pub(super) nbf: i64,
    pub(super) exp: i64,
    pub(super) jti: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) sid: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) rno: Option<u64>,
    pub(super) perms: Vec<&'a str>,
}

/// The claims of an access token as they were found.
#[derive(Debug)]
pub(super) struct Claims<'a> {
    pub(super) iss: Cow<'a, str>,
    pub(super) aud: Audience<'a>,
    pub(super) sub: Cow<'a, str>,
    /// Whether the subject is a program.
    pub(super) svc: bool,
    pub(super) org: Cow<'a, str>,
    pub(super) iat: u64,
    /// The milliseconds after `iat`, so that a cut in time is exact.
    pub(super) ims: u64,
    /// RFC 7519 lets it be left out; `iat` stands in for it then.
    pub(super) nbf: Option<u64>,
    pub(super) exp: u64,
    pub(super) jti: Cow<'a, str>,
    pub(super) sid: Option<Cow<'a, str>>,
    /// How many revocations there were before it, so that a cut holds whatever a clock said.
    pub(super) rno: Option<u64>,
    pub(super) perms: Vec<Text<'a>>,
}

impl<'a> Claims<'a> {
    pub(super) fn read(payload: &'a [u8]) -> Option<Self> {
        serde_json::from_slice(payload).ok()
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Claims<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Members)
    }
}

struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Claims<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the claims of an access token")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let (mut iss, mut aud, mut sub, mut org) = (None, None, None, None);
        let (mut svc, mut iat, mut ims, mut nbf, mut exp) = (None, None, None, None, None);
        let (mut jti, mut sid, mut rno, mut perms) = (None, None, None, None);
        let mut strangers: Vec<Cow<'de, str>> = Vec::new();
        while let Some(Text(name)) = map.next_key()? {
            match &*name {
                "iss" => text(&mut iss, &mut map)?,
                "aud" => once(&mut aud, &mut map)?,
                "sub" => text(&mut sub, &mut map)?,
                "svc" => once(&mut svc, &mut map)?,
                "org" => text(&mut org, &mut map)?,
                "iat" => once(&mut iat, &mut map)?,
                "ims" => once(&mut ims, &mut map)?,
                "nbf" => once(&mut nbf, &mut map)?,
                "exp" => once(&mut exp, &mut map)?,
                "jti" => text(&mut jti, &mut map)?,
                "sid" => text(&mut sid, &mut map)?,
                "rno" => once(&mut rno, &mut map)?,
                "perms" => once(&mut perms, &mut map)?,
                unknown if NOT_FOLLOWED.contains(&unknown) => {
                    return Err(A::Error::custom("a claim that is not followed"));
                }
                _ if strangers.contains(&name) => return Err(A::Error::custom("a claim twice")),
                _ if strangers.len() >= MOST_STRANGERS => {
                    return Err(A::Error::custom("too many claims"));
                }
                _ => {
                    strangers.push(name);
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(Claims {
            iss: iss.ok_or_else(|| A::Error::missing_field("iss"))?,
            aud: aud.ok_or_else(|| A::Error::missing_field("aud"))?,
            sub: sub.ok_or_else(|| A::Error::missing_field("sub"))?,
            svc: svc.unwrap_or_default(),
            org: org.ok_or_else(|| A::Error::missing_field("org"))?,
            iat: iat.ok_or_else(|| A::Error::missing_field("iat"))?,
            ims: ims.unwrap_or_default(),
            nbf,
            exp: exp.ok_or_else(|| A::Error::missing_field("exp"))?,
            jti: jti.ok_or_else(|| A::Error::missing_field("jti"))?,
            sid,
            rno,
            perms: perms.ok_or_else(|| A::Error::missing_field("perms"))?,
        })
    }
}

/// Takes a value whose name has not come before.
fn once<'de, A: MapAccess<'de>, T: Deserialize<'de>>(
    slot: &mut Option<T>,
    map: &mut A,
) -> Result<(), A::Error> {
    if slot.replace(map.next_value()?).is_some() {
        return Err(A::Error::custom("a claim twice"));
    }
    Ok(())
}

fn text<'de, A: MapAccess<'de>>(
    slot: &mut Option<Cow<'de, str>>,
    map: &mut A,
) -> Result<(), A::Error> {
    let Text(value) = map.next_value()?;
    if slot.replace(value).is_some() {
        return Err(A::Error::custom("a claim twice"));
    }
    Ok(())
}

/// One name or a list of them (RFC 7519, 4.1.3).
#[derive(Debug)]
pub(super) enum Audience<'a> {
    One(Cow<'a, str>),
    Many(Vec<Text<'a>>),
}

impl Audience<'_> {
    pub(super) fn includes(&self, name: &str) -> bool {
        match self {
            Self::One(one) => one == name,
            Self::Many(many) => many.iter().any(|one| one.0 == name),
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Audience<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOrMany;
        impl<'de> Visitor<'de> for OneOrMany {
            type Value = Audience<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name or a list of names")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Audience::One(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Audience::One(Cow::Owned(text.to_owned())))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut many = Vec::new();
                while let Some(one) = seq.next_element()? {
                    many.push(one);
                }
                Ok(Audience::Many(many))
            }
        }
        deserializer.deserialize_any(OneOrMany)
    }
}
