//! Grants of one upload or download, to hand to whoever is to do it.
//!
//! `gps1.KEY.BODY.TAG`: the name of the key, and in base64url without padding the body and the
//! HMAC-SHA-256 over a label, the name of the key and the body. The body is
//!
//! ```text
//! method 1 | end, i64 big-endian milliseconds | most bytes, u64 big-endian | 16 random bytes
//! | organization | object | media type       (each with its length before it, u16 big-endian)
//! ```
//!
//! so that one grant is written in one way and no two grants alike.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::clock::{Clock, Timestamp};
use crate::connector::to_hex;
use crate::error::{Error, ErrorKind, Result};
use crate::id::OrganizationId;
use crate::storage::{Collection, RecordId, StorageBackend, Store};

use super::entropy::{Entropy, draw};
use super::expiry::put_new;
use super::secret::same;
use super::tokens::{Denied, DenyReason, KeySet, KeyUse, SKEW, SigningKey};

/// The collection of grants that were used, until they would have run out.
pub const PRESIGNED_USES: Collection<PresignedUse> = Collection::new("presigned_uses");

/// Longest life of a grant.
const LONGEST_LIFE: Duration = Duration::from_secs(15 * 60);

/// Longest grant in bytes.
const LONGEST: usize = 4 << 10;

/// Longest object id and media type in bytes.
const LONGEST_FIELD: usize = 1_024;

const PREFIX: &str = "gps1.";
const LABEL: &[u8] = b"garland/presigned/v1\0";

/// What a grant lets its bearer do.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum PresignedMethod {
    /// To write the object, once.
    Upload,
    /// To read the object, once.
    Download,
}

impl PresignedMethod {
    const fn code(self) -> u8 {
        match self {
            Self::Upload => 1,
            Self::Download => 2,
        }
    }
}

/// One upload or download of one object.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct PresignedGrant {
    /// What may be done.
    pub method: PresignedMethod,
    /// In which organization.
    pub organization: OrganizationId,
    /// To which object: a generated id, 1 to 1,024 bytes.
    pub object: String,
    /// How many bytes at most.
    pub max_size: u64,
    /// As what it is sent, exactly: `image/jpeg`. 1 to 1,024 bytes.
    pub media_type: String,
    /// Until when; at most 15 minutes from when it is signed.
    pub until: Timestamp,
}

impl PresignedGrant {
    /// Grants something.
    #[must_use]
    pub fn new(
        method: PresignedMethod,
        organization: OrganizationId,
        object: impl Into<String>,
        max_size: u64,
        media_type: impl Into<String>,
        until: Timestamp,
    ) -> Self {
        Self {
            method,
            organization,
            object: object.into(),
            max_size,
            media_type: media_type.into(),
            until,
        }
    }
}

/// What somebody who shows a grant is about to do.
#[derive(Clone, Copy, Debug)]
#[expect(
    clippy::exhaustive_structs,
    reason = "a new field must be named by whoever checks, or it would not be checked"
)]
pub struct PresignedRequest<'a> {
    /// What they do.
    pub method: PresignedMethod,
    /// The organization that the address leads to.
    pub organization: &'a OrganizationId,
    /// The object that the address leads to.
    pub object: &'a str,
    /// The size they announce, in bytes; what comes must be counted all the same, against
    /// [`PresignedGrant::max_size`].
    pub size: u64,
    /// The media type they announce.
    pub media_type: &'a str,
}

/// That a grant was used.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[non_exhaustive]
pub struct PresignedUse {
    /// When.
    pub at: Timestamp,
    /// When it would have run out.
    pub until: Timestamp,
}

/// Signs grants and takes each once, for every organization of one database. Cheap to clone.
///
/// # Example
///
/// ```
/// use std::sync::Arc;
/// use std::time::Duration;
/// use garland::crypto::presigned::{PresignedGrant, PresignedMethod, PresignedRequest, Presigner};
/// use garland::crypto::tokens::{KeySet, KeyUse, SigningKey};
/// use garland::crypto::{SecretKey, SystemEntropy};
/// use garland::{Clock, OrganizationId, SystemClock, backends::Memory};
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let root = SecretKey::generate(&SystemEntropy::new())?;
/// let key = SigningKey::derive(KeyUse::Presign, "2027".parse()?, &root)?;
/// let (clock, entropy) = (Arc::new(SystemClock::new()), Arc::new(SystemEntropy::new()));
/// let until = clock.now().saturating_add(Duration::from_secs(300));
/// let presigner = Presigner::new(Arc::new(Memory::new()), KeySet::new(key), clock, entropy)?;
///
/// let studio = OrganizationId::default();
/// let upload = PresignedMethod::Upload;
/// let grant = PresignedGrant::new(upload, studio.clone(), "obj-7", 1 << 20, "image/jpeg", until);
/// let text = presigner.sign(&grant)?;
///
/// let request = PresignedRequest {
///     method: upload,
///     organization: &studio,
///     object: "obj-7",
///     size: 4_096,
///     media_type: "image/jpeg",
/// };
/// assert_eq!(presigner.redeem(&text, &request).await?, grant);
/// assert!(presigner.redeem(&text, &request).await.is_err());
/// # Ok::<(), garland::Error>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Presigner {
    backend: Arc<dyn StorageBackend>,
    keys: Arc<KeySet>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    patience: Option<Duration>,
}

impl fmt::Debug for Presigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Presigner").finish_non_exhaustive()
    }
}

impl Presigner {
    /// Binds keys to where uses are recorded.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`]: keys of another purpose than [`KeyUse::Presign`].
    pub fn new(
        backend: Arc<dyn StorageBackend>,
        keys: KeySet,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self> {
        keys.expect(KeyUse::Presign)?;
        Ok(Self {
            backend,
            keys: Arc::new(keys),
            clock,
            entropy,
            patience: None,
        })
    }

    /// Turns everybody away when the database takes longer than this. By default it may take for ever.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = Some(patience);
        self
    }

    /// Signs a grant: text that can stand in a URL. Whoever has it can use it, so it is a secret.
    ///
    /// # Errors
    /// - [`ErrorKind::InvalidInput`]: an object or media type out of bounds, or an end that is past
    ///   or more than 15 minutes away.
    /// - [`ErrorKind::Unavailable`]: no random bytes.
    pub fn sign(&self, grant: &PresignedGrant) -> Result<Zeroizing<String>> {
        let invalid =
            |message: &str| Error::new(ErrorKind::InvalidInput, "presigned.sign", message);
        for text in [&grant.object, &grant.media_type] {
            if !(1..=LONGEST_FIELD).contains(&text.len()) {
                return Err(invalid("an object and a media type have 1 to 1,024 bytes")
                    .with_context("length", text.len()));
            }
        }
        let now = self.clock.now();
        if grant.until <= now || grant.until > now.saturating_add(LONGEST_LIFE) {
            return Err(invalid("a grant is good for at most 15 minutes")
                .with_context("until", grant.until));
        }
        let body = Body {
            grant: grant.clone(),
            nonce: draw(&*self.entropy)?,
        };
        let body = Zeroizing::new(body.write()?);
        let key = self.keys.signing();
        let tag = tag(key, &body);
        let [body, tag] = [body.as_slice(), &tag].map(|bytes| URL_SAFE_NO_PAD.encode(bytes));
        Ok(Zeroizing::new(format!("{PREFIX}{}.{body}.{tag}", key.id())))
    }

    /// Takes a grant, once, for what is about to be done, and returns it.
    ///
    /// # Errors
    /// [`Denied`]: it is not ours, for something else, too late, used, or the database did not answer.
    ///
    /// # Cancel safety
    ///
    /// After a drop it may be used.
    pub async fn redeem(
        &self,
        text: &str,
        request: &PresignedRequest<'_>,
    ) -> Result<PresignedGrant, Denied> {
        let now = self.clock.now();
        let Body { grant, nonce } = self.read(text, now)?;
        let fits = grant.method == request.method
            && grant.organization == *request.organization
            && grant.object == request.object
            && grant.media_type == request.media_type
            && request.size <= grant.max_size;
        if !fits {
            return Err(DenyReason::Binding.into());
        }
        if grant.until <= now {
            return Err(DenyReason::Expired.into());
        }
        if grant.until > now.saturating_add(LONGEST_LIFE) {
            return Err(DenyReason::Lifetime.into());
        }
        self.spend(&grant, &nonce, now).await?;
        Ok(grant)
    }

    fn read(&self, text: &str, now: Timestamp) -> Result<Body, DenyReason> {
        let malformed = DenyReason::Malformed;
        let text = Some(text).filter(|text| text.len() <= LONGEST);
        let text = text.and_then(|text| text.strip_prefix(PREFIX));
        let (key, rest) = text
            .and_then(|text| text.split_once('.'))
            .ok_or(malformed)?;
        let (body, found) = rest.split_once('.').ok_or(malformed)?;
        let decode = |text| URL_SAFE_NO_PAD.decode(text).map_err(|_| malformed);
        let (body, found) = (decode(body)?, decode(found)?);
        let key = self.keys.find(key, now).ok_or(DenyReason::Key)?;
        if !same(&tag(key, &body), &found) {
            return Err(DenyReason::Signature);
        }
        Body::read(&body).ok_or(malformed)
    }

    /// Records the use; the first who does has it.
    async fn spend(
        &self,
        grant: &PresignedGrant,
        nonce: &[u8; 16],
        now: Timestamp,
    ) -> Result<(), Denied> {
        let store = Store::new(Arc::clone(&self.backend), grant.organization.clone());
        let store = match self.patience {
            Some(patience) => store.with_patience(patience),
            None => store,
        };
        let id = RecordId::parse(to_hex(nonce)).map_err(Denied::storage)?;
        let used = PresignedUse {
            at: now,
            until: grant.until,
        };
        let end = grant.until.saturating_add(SKEW);
        match put_new(&store, &PRESIGNED_USES, (id, &used), now, end).await {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == ErrorKind::Conflict => Err(DenyReason::Reused.into()),
            Err(error) => Err(Denied::storage(error)),
        }
    }
}

/// What is signed.
struct Body {
    grant: PresignedGrant,
    nonce: [u8; 16],
}

impl Body {
    fn write(&self) -> Result<Vec<u8>> {
        let grant = &self.grant;
        let mut bytes = vec![grant.method.code()];
        bytes.extend(grant.until.as_millis().to_be_bytes());
        bytes.extend(grant.max_size.to_be_bytes());
        bytes.extend(self.nonce);
        for field in [
            grant.organization.as_str(),
            &grant.object,
            &grant.media_type,
        ] {
            let length = u16::try_from(field.len()).map_err(|cause| {
                Error::new(
                    ErrorKind::InvalidInput,
                    "presigned.sign",
                    "a field of a grant is too long",
                )
                .with_source(cause)
            })?;
            bytes.extend(length.to_be_bytes());
            bytes.extend(field.as_bytes());
        }
        Ok(bytes)
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let (method, rest) = bytes.split_first()?;
        let method = match method {
            1 => PresignedMethod::Upload,
            2 => PresignedMethod::Download,
            _ => return None,
        };
        let (until, rest) = rest.split_first_chunk()?;
        let (max_size, rest) = rest.split_first_chunk()?;
        let (nonce, rest) = rest.split_first_chunk()?;
        let (organization, rest) = field(rest)?;
        let (object, rest) = field(rest)?;
        let (media_type, rest) = field(rest)?;
        let grant = PresignedGrant {
            method,
            organization: organization.parse().ok()?,
            object: object.to_owned(),
            max_size: u64::from_be_bytes(*max_size),
            media_type: media_type.to_owned(),
            until: Timestamp::from_millis(i64::from_be_bytes(*until)),
        };
        rest.is_empty().then_some(Self {
            grant,
            nonce: *nonce,
        })
    }
}

fn field(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let (length, rest) = bytes.split_first_chunk()?;
    let (field, rest) = rest.split_at_checked(u16::from_be_bytes(*length).into())?;
    Some((std::str::from_utf8(field).ok()?, rest))
}

/// The id of a key has no NUL, so that no two pairs are one text.
fn tag(key: &SigningKey, body: &[u8]) -> [u8; 32] {
    key.sign(&[LABEL, key.id().as_str().as_bytes(), b"\0", body])
}
