//! A side record, opened: what it says, and what shows that it said so.

use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use crate::connector::{from_hex, to_hex};
use crate::engine::crypto::same;
use crate::error::{Error, ErrorKind, Result};
use crate::id::OrganizationId;
use crate::storage::Json;

use super::reference::SideRef;

/// What a side record says, with the salt that its commitment was made with.
///
/// To be handed to whoever may see it: with the event's [`SideRef`] it shows that this and nothing else
/// was recorded. Holds personal data.
#[derive(Clone, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct SideOpening {
    /// What it was recorded as.
    pub side: SideRef,
    /// What was recorded.
    pub value: Json,
    /// 32 bytes in hexadecimal.
    pub salt: String,
}

impl SideOpening {
    /// Checks that the value is the one that was committed to, in this organization.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`]: it is not.
    pub fn verify(&self, organization: &OrganizationId) -> Result<()> {
        let salt = from_hex(&self.salt).and_then(|salt| salt.try_into().ok());
        let fits = match salt {
            Some(salt) => {
                let found = commitment(&salt, organization, self.side.id_bytes(), &self.value)?;
                same(&found, self.side.commitment())
            }
            None => false,
        };
        if fits {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Corrupt,
            "side.verify",
            "the side record is not what the event committed to",
        )
        .with_context("side", self.side.id()))
    }

    pub(super) fn new(side: SideRef, salt: &[u8; 32], value: Json) -> Self {
        Self {
            side,
            value,
            salt: to_hex(salt),
        }
    }
}

/// Without the value, which is somebody's.
impl std::fmt::Debug for SideOpening {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SideOpening")
            .field("side", &self.side.id())
            .finish_non_exhaustive()
    }
}

/// HMAC-SHA256 keyed with the salt, over `garland/audit/side/v1`, a zero byte, the length of the
/// organization's id in one byte, the id, the record's id, and the value's JSON.
pub(super) fn commitment(
    salt: &[u8; 32],
    organization: &OrganizationId,
    id: &[u8; 16],
    value: &Json,
) -> Result<[u8; 32]> {
    let failed = || {
        Error::new(
            ErrorKind::Unexpected,
            "side.commit",
            "the commitment could not be made",
        )
    };
    let organization = organization.as_str();
    let length = u8::try_from(organization.len()).map_err(|cause| failed().with_source(cause))?;
    let mut mac =
        Hmac::<Sha256>::new_from_slice(salt).map_err(|cause| failed().with_source(cause))?;
    mac.update(b"garland/audit/side/v1\0");
    mac.update(&[length]);
    mac.update(organization.as_bytes());
    mac.update(id);
    mac.update(value.as_str().as_bytes());
    Ok(mac.finalize().into_bytes().into())
}
