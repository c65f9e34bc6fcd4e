//! The part of a check that does not wait for the end.

use std::fmt;

use super::declared::Declared;
use super::kind::MediaKind;
use super::policy::UploadPolicy;
use super::sniff::is_program;
use super::verdict::Reason;

/// Follows a file while it streams in, and refuses it at the first byte that is too many or wrong.
///
/// The size is counted, whatever a header said about it. What is left for [`inspect`](super::inspect())
/// needs the whole file.
///
/// # Example
///
/// ```
/// use garland::upload::{Declared, Reason, UploadCheck, UploadPolicy};
///
/// let policy = UploadPolicy::default().with_max_bytes(10);
/// let mut check = UploadCheck::new(&policy, &Declared::new("note.txt", "text/plain")).unwrap();
/// assert_eq!(check.feed(b"12345678"), Ok(()));
/// assert_eq!(check.feed(b"9 10 11"), Err(Reason::TooLarge));
/// ```
#[derive(Clone)]
pub struct UploadCheck {
    kind: MediaKind,
    max_bytes: u64,
    received: u64,
    prefix: Vec<u8>,
    refused: Option<Reason>,
}

/// Bytes that every signature lies within.
const SIGNATURE: usize = 64;

impl fmt::Debug for UploadCheck {
    /// Without the beginning of the content.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UploadCheck")
            .field("kind", &self.kind)
            .field("received", &self.received)
            .field("refused", &self.refused)
            .finish_non_exhaustive()
    }
}

impl UploadCheck {
    /// Begins with what is declared.
    ///
    /// # Errors
    /// The reason to refuse the file before its first byte.
    pub fn new(policy: &UploadPolicy, declared: &Declared) -> Result<Self, Reason> {
        Ok(Self {
            kind: declared.kind(policy)?,
            max_bytes: policy.max_bytes,
            received: 0,
            prefix: Vec::new(),
            refused: None,
        })
    }

    /// Returns the kind on which name and type agree.
    #[must_use]
    pub fn kind(&self) -> MediaKind {
        self.kind
    }

    /// Returns the bytes counted so far.
    #[must_use]
    pub fn received(&self) -> u64 {
        self.received
    }

    /// Takes the next bytes, in pieces of any size.
    ///
    /// # Errors
    /// The reason to stop receiving; every further call gives the same.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<(), Reason> {
        if let Some(reason) = self.refused {
            return Err(reason);
        }
        self.received = self.received.saturating_add(bytes.len() as u64);
        let wanted = SIGNATURE.saturating_sub(self.prefix.len()).min(bytes.len());
        let more = bytes.get(..wanted).unwrap_or_default();
        self.prefix.extend_from_slice(more);
        let wrong =
            !more.is_empty() && (!self.kind.can_begin(&self.prefix) || is_program(&self.prefix));
        if self.received > self.max_bytes {
            self.refused = Some(Reason::TooLarge);
        } else if wrong {
            self.refused = Some(Reason::ContentMismatch);
        }
        self.refused.map_or(Ok(()), Err)
    }

    /// Ends the stream.
    ///
    /// # Errors
    /// [`Reason::Empty`], or the reason given before.
    pub fn finish(&self) -> Result<(), Reason> {
        match self.refused {
            Some(reason) => Err(reason),
            None if self.received == 0 => Err(Reason::Empty),
            None => Ok(()),
        }
    }
}
