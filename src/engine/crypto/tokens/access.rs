//! Access tokens by themselves: making and checking, without a look at what was taken back.

use std::sync::Arc;
use std::time::Duration;

use crate::clock::Timestamp;
use crate::error::{Error, ErrorKind, Result};
use crate::id::OrganizationId;
use crate::permission::Actor;

use super::claims::{Claims, Written};
use super::denied::DenyReason;
use super::jws::{self, ACCESS, Compact};
use super::key::KeySet;
use super::permission::Permission;
use super::policy::TokenPolicy;

/// The last second of the year 9999; whatever is later is a mistake or an attack.
const LAST_SECOND: u64 = 253_402_300_799;

/// Longest id of a subject in bytes.
pub(super) const LONGEST_SUBJECT: usize = 256;

/// Longest id of a token or session in bytes.
const LONGEST_ID: usize = 128;

/// Makes and checks.
#[derive(Debug)]
pub(super) struct AccessTokens {
    keys: KeySet,
    policy: Arc<TokenPolicy>,
}

/// What a good access token says.
#[derive(Clone, Debug)]
pub(super) struct Access {
    pub(super) actor: Actor,
    pub(super) organization: OrganizationId,
    pub(super) permissions: Vec<Permission>,
    pub(super) id: Box<str>,
    pub(super) session: Option<Box<str>>,
    /// The number of the last revocation before it; not said by tokens that others make.
    pub(super) number: Option<u64>,
    pub(super) issued: Timestamp,
    pub(super) expires: Timestamp,
}

impl AccessTokens {
    pub(super) fn new(keys: KeySet, policy: Arc<TokenPolicy>) -> Self {
        Self { keys, policy }
    }

    /// Signs what [`check`](AccessTokens::check) reads.
    pub(super) fn sign(&self, access: &Access) -> Result<String> {
        let (sub, svc) = subject(&access.actor)?;
        let (iat, ims) = (
            access.issued.as_millis().div_euclid(1_000),
            access.issued.as_millis().rem_euclid(1_000),
        );
        let written = Written {
            iss: &self.policy.issuer,
            aud: &self.policy.audience,
            sub,
            svc,
            org: access.organization.as_str(),
            iat,
            ims: u16::try_from(ims).unwrap_or_default(),
            nbf: iat,
            exp: access.expires.as_millis().div_euclid(1_000),
            jti: &access.id,
            sid: access.session.as_deref(),
            rno: access.number,
            perms: access.permissions.iter().map(Permission::as_str).collect(),
        };
        let payload = serde_json::to_vec(&written).map_err(|cause| {
            Error::new(
                ErrorKind::Unexpected,
                "token.sign",
                "the claims could not be written",
            )
            .with_source(cause)
        })?;
        let key = self.keys.signing();
        let token = jws::sign(key.mac(), key.header(), &payload);
        if token.len() > jws::LONGEST {
            return Err(Error::new(
                ErrorKind::LimitExceeded,
                "token.sign",
                "a token has at most 8,192 bytes; grant fewer permissions",
            ));
        }
        Ok(token)
    }

    /// Checks everything that can be told from a token and the time.
    pub(super) fn check(&self, token: &str, now: Timestamp) -> Result<Access, DenyReason> {
        let compact = Compact::split(token)?;
        // Most tokens are our own, and begin with the very bytes that we write.
        let own = self
            .keys
            .taken(now)
            .find(|key| key.header() == compact.raw_header());
        let key = match own {
            Some(key) => key,
            None => {
                let header = compact.header()?;
                if header.typ.as_deref() != Some(ACCESS) {
                    return Err(DenyReason::Type);
                }
                if header.cty.is_some() {
                    return Err(DenyReason::Header);
                }
                let id = header.kid.ok_or(DenyReason::Key)?;
                self.keys.find(&id, now).ok_or(DenyReason::Key)?
            }
        };
        compact.verify(key.mac())?;
        let payload = compact.payload()?;
        let claims = Claims::read(&payload).ok_or(DenyReason::Claims)?;
        self.held_to_policy(&claims, now)
    }

    fn held_to_policy(&self, claims: &Claims<'_>, now: Timestamp) -> Result<Access, DenyReason> {
        let policy = &self.policy;
        if claims.iss != *policy.issuer {
            return Err(DenyReason::Issuer);
        }
        if !claims.aud.includes(&policy.audience) {
            return Err(DenyReason::Audience);
        }
        let Times { issued, expires } = self.times(claims, now)?;
        let permissions = policy
            .permissions
            .all(claims.perms.iter().map(|name| &*name.0))?;
        let session = match &claims.sid {
            Some(sid) => Some(plain(sid, LONGEST_ID)?.into()),
            None => None,
        };
        let id = plain(&claims.sub, LONGEST_SUBJECT)?.to_owned();
        Ok(Access {
            actor: if claims.svc {
                Actor::Service(id)
            } else {
                Actor::User(id)
            },
            organization: claims.org.parse().map_err(|_| DenyReason::Claims)?,
            permissions,
            id: plain(&claims.jti, LONGEST_ID)?.into(),
            session,
            number: claims.rno,
            issued,
            expires,
        })
    }

    fn times(&self, claims: &Claims<'_>, now: Timestamp) -> Result<Times, DenyReason> {
        let leeway = millis(self.policy.leeway);
        let longest = millis(self.policy.max_access_life);
        let moment = |seconds: u64| {
            let seconds = (seconds <= LAST_SECOND).then_some(seconds);
            let millis = seconds.and_then(|seconds| i64::try_from(seconds * 1_000).ok());
            millis.ok_or(DenyReason::Claims)
        };
        let (iat, exp) = (moment(claims.iat)?, moment(claims.exp)?);
        let nbf = claims.nbf.map_or(Ok(iat), moment)?;
        let ims = i64::try_from(claims.ims).ok().filter(|ims| *ims < 1_000);
        let now = now.as_millis();
        if exp.saturating_add(leeway) <= now {
            return Err(DenyReason::Expired);
        }
        if iat.max(nbf) > now.saturating_add(leeway) {
            return Err(DenyReason::NotYet);
        }
        if exp <= iat || exp - iat > longest {
            return Err(DenyReason::Lifetime);
        }
        Ok(Times {
            issued: Timestamp::from_millis(iat + ims.ok_or(DenyReason::Claims)?),
            expires: Timestamp::from_millis(exp),
        })
    }
}

struct Times {
    issued: Timestamp,
    expires: Timestamp,
}

/// Who a token is about, and whether that is a program.
pub(super) fn subject(actor: &Actor) -> Result<(&str, bool)> {
    let (id, service) = match actor {
        Actor::User(id) => (id, false),
        Actor::Service(id) => (id, true),
        Actor::Host => {
            return Err(Error::new(
                ErrorKind::InvalidInput,
                "token.subject",
                "the host itself has no tokens",
            ));
        }
    };
    plain(id, LONGEST_SUBJECT).map_err(|_| {
        Error::new(
            ErrorKind::InvalidInput,
            "token.subject",
            "the id of a subject has 1 to 256 bytes and no control characters",
        )
        .with_context("length", id.len())
    })?;
    Ok((id, service))
}

/// Ids are short and on one line.
fn plain(text: &str, longest: usize) -> Result<&str, DenyReason> {
    let good = (1..=longest).contains(&text.len()) && !text.chars().any(char::is_control);
    good.then_some(text).ok_or(DenyReason::Claims)
}

pub(super) fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}
