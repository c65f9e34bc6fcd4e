//! A file on its way: sealed chunk by chunk into the chunks that the account asks for.
//!
//! INVARIANT: what was sealed under one nonce is never sealed otherwise. Within a session every chunk is
//! sealed once. Across sessions the tags of all chunks that may have been sent are on record before they
//! are, and a chunk that is sealed again must come to the same tag before a byte of it is sent.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::{Buf as _, Bytes, BytesMut};
use serde::{Deserialize, Serialize};

use crate::connector::{
    ContentHasher, Expect, FileEntry, FilePath, Hashes, UploadSession, UploadToken,
};
use crate::engine::crypto::blocking::off_runtime;
use crate::engine::crypto::cipher::TAG;
use crate::engine::crypto::sealed::{HEADER, Header, Layout, ObjectKeys};
use crate::error::{Error, ErrorKind, Result};

use super::place::Place;
use super::records::{Facts, SentChunks};

/// What is cheaper to seal at once than to hand to another thread.
const INLINE: usize = 64 << 10;

/// How old the record of an upload may be when its object appears, so that no tidying is near.
const FRESH: Duration = Duration::from_secs(3600);

/// What an upload is of.
pub(super) struct Begun {
    pub(super) path: FilePath,
    pub(super) version: String,
    /// The version that was current when it began.
    pub(super) base: Option<String>,
    pub(super) layout: Layout,
    pub(super) header: Header,
    pub(super) keys: ObjectKeys,
    pub(super) facts: Facts,
    pub(super) resumable: bool,
}

/// What [`UploadToken`] holds, as JSON.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Token {
    pub(super) sealed: FilePath,
    pub(super) version: String,
    pub(super) account: UploadToken,
}

/// Where a session stands.
pub(super) struct Session {
    place: Arc<Place>,
    inner: Box<dyn UploadSession>,
    begun: Begun,
    /// The next chunk to be sealed.
    next: u64,
    /// Plaintext taken.
    position: u64,
    /// Sealed and not yet with the account.
    waiting: Bytes,
    /// How much of what is sealed next the account has already.
    skip: u64,
    /// Chunks that may have been sent, and are not all with the account.
    tags: Vec<[u8; TAG]>,
    /// The first of [`tags`](Self::tags).
    first: u64,
    /// Over the object, unless its beginning was sent by another session.
    hasher: Option<ContentHasher>,
    /// What was sealed by a write that did not come to its end.
    unsent: Option<Bytes>,
    /// Set while a call is under way: a call that was dropped leaves nobody who knows where it stands.
    lost: bool,
    /// Set while something is sealed: what waits is not at hand then.
    broken: bool,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealedUpload")
            .field("path", &self.begun.path)
            .field("position", &self.position)
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}

impl Session {
    pub(super) fn new(place: Arc<Place>, inner: Box<dyn UploadSession>, begun: Begun) -> Self {
        let algorithms = place.files().map(|files| files.facts().hashes);
        let hasher = ContentHasher::new(algorithms.unwrap_or_default().iter().copied());
        Self {
            place,
            inner,
            begun,
            next: 0,
            position: 0,
            waiting: Bytes::new(),
            skip: 0,
            tags: Vec::new(),
            first: 0,
            hasher: Some(hasher),
            unsent: None,
            lost: false,
            broken: false,
        }
    }

    /// Goes on where the account stands, `sent` being on record.
    ///
    /// # Errors
    /// [`ErrorKind::Expired`]: it is not known what was sealed there.
    pub(super) fn resumed(
        place: Arc<Place>,
        inner: Box<dyn UploadSession>,
        begun: Begun,
        sent: Option<&SentChunks>,
    ) -> Result<Self> {
        let mut session = Self::new(place, inner, begun);
        let (layout, offset) = (session.begun.layout, session.inner.offset());
        let chunk = layout.chunk_size();
        let body = offset.saturating_sub(HEADER as u64);
        session.next = if offset == layout.sealed_length() {
            layout.chunks()
        } else {
            body / chunk.sealed_bytes() as u64
        };
        session.position = (session.next * chunk.bytes() as u64).min(layout.plain_length());
        // The header goes with the first chunk.
        let start = match session.next {
            0 => 0,
            next => layout.sealed_range(next).start,
        };
        session.skip = offset.saturating_sub(start);
        if let Some(sent) = sent {
            session.tags = sent.tags()?;
            session.first = sent.first;
        }
        let known = session.first..=session.first + session.tags.len() as u64;
        if !known.contains(&session.next) || offset > layout.sealed_length() {
            return Err(expired("nobody knows what was sealed at this place"));
        }
        if offset > 0 {
            session.hasher = None;
        }
        Ok(session)
    }

    fn fail_if_lost(&self) -> Result<()> {
        if self.lost {
            return Err(expired("nobody knows how much of the upload has arrived"));
        }
        Ok(())
    }

    /// What the next write has to bring so that the account can be given its next chunk.
    fn wanted(&self) -> u64 {
        if let Some(unsent) = &self.unsent {
            return unsent.len() as u64;
        }
        let layout = &self.begun.layout;
        let rest = layout.plain_length() - self.position;
        let header = if self.next == 0 { HEADER as u64 } else { 0 };
        let at_hand = (self.waiting.len() as u64 + header).saturating_sub(self.skip);
        let lacking = self.inner.next_chunk().saturating_sub(at_hand);
        let size = layout.chunk_size();
        let blocks = lacking.div_ceil(size.sealed_bytes() as u64).max(1);
        blocks.saturating_mul(size.bytes() as u64).min(rest)
    }

    async fn take(&mut self, chunk: Bytes) -> Result<()> {
        match &self.unsent {
            None => {
                self.seal(chunk.clone()).await?;
                self.unsent = Some(chunk.clone());
                self.record().await?;
            }
            Some(sealed) if *sealed == chunk => self.record().await?,
            Some(_) => {
                return Err(self.refused("other bytes than those that are sealed already"));
            }
        }
        self.flush().await?;
        self.position += chunk.len() as u64;
        self.unsent = None;
        Ok(())
    }

    /// Seals the next chunks behind what waits.
    async fn seal(&mut self, plain: Bytes) -> Result<()> {
        let layout = self.begun.layout;
        let size = layout.chunk_size();
        let count = plain.len().div_ceil(size.bytes()).max(1);
        let end = self.next + count as u64;
        let last = end == layout.chunks();
        let first = u32::try_from(self.next).map_err(|_| too_many())?;
        let header = (self.next == 0).then(|| self.begun.header.to_bytes());
        self.broken = true;
        let waiting = std::mem::take(&mut self.waiting);
        let (keys, mut hasher) = (self.begun.keys.clone(), self.hasher.take());
        let work = move || {
            let head = header.as_ref().map_or(&[][..], |header| header);
            let room = count * TAG;
            let mut out = BytesMut::with_capacity(waiting.len() + head.len() + plain.len() + room);
            out.extend_from_slice(&waiting);
            let fresh = out.len();
            out.extend_from_slice(head);
            let body = out.len();
            if plain.is_empty() {
                out.extend_from_slice(&[0; TAG]);
            }
            for chunk in plain.chunks(size.bytes()) {
                out.extend_from_slice(chunk);
                out.extend_from_slice(&[0; TAG]);
            }
            let (_, run) = out.split_at_mut(body);
            keys.seal_run(size, first, last, run)?;
            let tags: Vec<[u8; TAG]> = run
                .chunks(size.sealed_bytes())
                .filter_map(|slot| slot.last_chunk().copied())
                .collect();
            if let Some(hasher) = &mut hasher {
                hasher.update(out.get(fresh..).unwrap_or_default());
            }
            Ok::<_, Error>((out.freeze(), tags, hasher))
        };
        let (sealed, tags, hasher) = if count * size.bytes() <= INLINE {
            work()?
        } else {
            off_runtime("sealed.write", work).await?
        };
        self.hasher = hasher;
        self.compare(&tags).await?;
        self.waiting = sealed;
        let skip = usize::try_from(self.skip).unwrap_or(usize::MAX);
        if skip > self.waiting.len() {
            return Err(expired("the account has more than was sealed"));
        }
        self.waiting.advance(skip);
        self.skip = 0;
        self.next = end;
        self.broken = false;
        Ok(())
    }

    /// Holds freshly sealed chunks against those that may have been sent before; notes the others.
    async fn compare(&mut self, tags: &[[u8; TAG]]) -> Result<()> {
        for (index, tag) in (self.next..).zip(tags) {
            let at = index.checked_sub(self.first).map(usize::try_from);
            let Some(Ok(at)) = at else {
                return Err(too_many());
            };
            match self.tags.get(at) {
                Some(sent) if sent == tag => {}
                // The same nonce over other bytes would undo the seal of both.
                Some(_) => return Err(self.spoiled().await),
                None => self.tags.push(*tag),
            }
        }
        Ok(())
    }

    /// Ends an upload whose source has become another: a new one has to seal it anew.
    async fn spoiled(&mut self) -> Error {
        let error = expired("the source is not what the upload was begun from");
        let (path, version) = (&self.begun.path, &self.begun.version);
        match self.place.book.forget(path, version).await {
            Ok(()) => error,
            Err(cause) => error.with_source(cause),
        }
    }

    /// Puts what will be sent on record, where another session may go on from it.
    async fn record(&mut self) -> Result<()> {
        if !self.begun.resumable {
            // No other session will ever ask.
            self.first = self.next;
            self.tags.clear();
            return Ok(());
        }
        // Chunks that are wholly with the account will never be sealed again.
        let body = self.sent().saturating_sub(HEADER as u64);
        let kept = body / self.begun.layout.chunk_size().sealed_bytes() as u64;
        let passed = kept.saturating_sub(self.first);
        let passed = usize::try_from(passed)
            .unwrap_or(usize::MAX)
            .min(self.tags.len());
        self.tags.drain(..passed);
        self.first += passed as u64;
        let sent = SentChunks::new(self.first, &self.tags);
        note(&self.place, &self.begun, sent).await
    }

    /// How much of the object the account has been given by this session, or before it. Where another
    /// session has gone on, the account says otherwise.
    fn sent(&self) -> u64 {
        let layout = &self.begun.layout;
        let sealed = match self.next {
            0 => 0,
            next if next >= layout.chunks() => layout.sealed_length(),
            next => layout.sealed_range(next).start,
        };
        sealed.saturating_sub(self.waiting.len() as u64)
    }

    /// Gives the account all chunks that are whole.
    async fn flush(&mut self) -> Result<()> {
        loop {
            let wanted = usize::try_from(self.inner.next_chunk()).unwrap_or(usize::MAX);
            if wanted == 0 || wanted > self.waiting.len() {
                break;
            }
            let before = self.inner.offset();
            if before != self.sent() {
                return Err(expired("another session goes on with the upload"));
            }
            let written = self.inner.write(self.waiting.slice(..wanted)).await;
            // After an error the chunk may have arrived all the same.
            let moved = self.inner.offset().checked_sub(before);
            let moved = moved.and_then(|moved| usize::try_from(moved).ok());
            match moved.filter(|moved| *moved <= self.waiting.len()) {
                Some(moved) => self.waiting.advance(moved),
                None => return Err(expired("the account has lost a part of the upload")),
            }
            written?;
        }
        if self.next == self.begun.layout.chunks() && !self.waiting.is_empty() {
            return Err(Error::new(
                ErrorKind::Unexpected,
                "sealed.write",
                "the account has not asked for the whole object",
            ));
        }
        Ok(())
    }

    async fn end(mut self, computed: &Hashes) -> Result<FileEntry> {
        self.fail_if_lost()?;
        if self.position < self.begun.layout.plain_length() || self.unsent.is_some() {
            return Err(self.refused("bytes are missing"));
        }
        if self.next < self.begun.layout.chunks() {
            // An empty file has one chunk all the same.
            self.seal(Bytes::new()).await?;
            self.record().await?;
        }
        self.flush().await?;
        let Self {
            place,
            inner,
            mut begun,
            hasher,
            ..
        } = self;
        let resumed = hasher.is_none();
        let sent = hasher.map(ContentHasher::finish).unwrap_or_default();
        refresh(&place, &begun).await?;
        let entry = match inner.finish(&sent).await {
            Ok(entry) => entry,
            Err(error) => return Err(unfinished(&place, &begun, error).await),
        };
        let whole = entry.version.size == begun.layout.sealed_length();
        if !whole || entry.version.hashes.contradict(&sent) {
            return Err(remove(&place, &begun, &entry).await);
        }
        // What another process sent is not covered by hashes computed in this one.
        if !resumed {
            begun.facts.hashes = computed.clone();
        }
        let (path, version) = (&begun.path, &begun.version);
        let base = begun.base.as_deref();
        place
            .arrived(path, version, base, &entry.version, &begun.facts)
            .await?;
        // The account vouches for the content only if it vouches for the object.
        let mut hashes = entry.version.hashes.iter();
        let vouched = hashes.any(|(algorithm, digest)| {
            algorithm.is_strong() && sent.get(algorithm) == Some(digest)
        });
        let mut version = entry.version.clone();
        version.size = begun.layout.plain_length();
        version.hashes = begun.facts.hashes.clone();
        if !vouched {
            version.hashes = Hashes::new();
        }
        let spelled = place.spelled(&entry.path, path).await?;
        let mut finished = FileEntry::new(spelled, version);
        finished.media_type = begun.facts.media_type;
        Ok(finished)
    }

    fn refused(&self, why: &'static str) -> Error {
        Error::new(ErrorKind::InvalidInput, "sealed.write", why)
            .with_context("file", &self.begun.path)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl UploadSession for Session {
    fn offset(&self) -> u64 {
        self.position
    }

    fn next_chunk(&self) -> u64 {
        self.wanted()
    }

    fn token(&self) -> Option<UploadToken> {
        if !self.begun.resumable {
            return None;
        }
        let token = Token {
            sealed: self.begun.path.clone(),
            version: self.begun.version.clone(),
            account: self.inner.token()?,
        };
        serde_json::to_string(&token).ok().map(UploadToken::new)
    }

    async fn write(&mut self, chunk: Bytes) -> Result<()> {
        self.fail_if_lost()?;
        if chunk.is_empty() || chunk.len() as u64 != self.wanted() {
            return Err(self.refused("not the chunk that was asked for"));
        }
        self.lost = true;
        let written = self.take(chunk).await;
        let is_over = matches!(&written, Err(error) if error.kind() == ErrorKind::Expired);
        self.lost = is_over || self.broken;
        written
    }

    async fn finish(self: Box<Self>, computed: &Hashes) -> Result<FileEntry> {
        self.end(computed).await
    }

    async fn abort(self: Box<Self>) -> Result<()> {
        let aborted = self.inner.abort().await;
        let (path, version) = (&self.begun.path, &self.begun.version);
        self.place.book.forget(path, version).await?;
        aborted
    }
}

/// Puts on record what will be sent, and that the upload lives.
async fn note(place: &Place, begun: &Begun, sent: SentChunks) -> Result<()> {
    place
        .book
        .edit(&begun.path, |file, batch| {
            let mut pending = file.pending.iter_mut();
            let ours = pending.find(|one| one.version == begun.version);
            let ours = ours.ok_or_else(|| expired("the upload was tidied away"))?;
            ours.at = batch.at();
            ours.absent_since = None;
            ours.sent = Some(match &ours.sent {
                Some(known) => joined(known, &sent)?,
                None => sent.clone(),
            });
            Ok(())
        })
        .await
}

/// What may have been sent by another session of the same upload too. It is known only to the record, so
/// nothing of it is ever dropped before the account has it.
///
/// # Errors
/// [`ErrorKind::Expired`]: the other has sealed something else in one place, or has gone beyond where it
/// could be told.
fn joined(known: &SentChunks, sent: &SentChunks) -> Result<SentChunks> {
    let passed = sent.first.checked_sub(known.first);
    let passed = passed.ok_or_else(|| expired("another session of the upload has gone ahead"))?;
    let known = known.tags()?;
    let ours = sent.tags()?;
    let passed = usize::try_from(passed).unwrap_or(usize::MAX);
    let overlap = known.get(passed..).unwrap_or_default();
    if overlap.iter().zip(&ours).any(|(known, ours)| known != ours) {
        return Err(expired(
            "another session of the upload has sent other bytes",
        ));
    }
    let longer = if overlap.len() > ours.len() {
        overlap
    } else {
        &ours
    };
    Ok(SentChunks::new(sent.first, longer))
}

/// Sees to it that no tidying takes the key of an object that is about to appear.
async fn refresh(place: &Place, begun: &Begun) -> Result<()> {
    let now = place.book.keys.clock().now();
    place
        .book
        .edit(&begun.path, |file, _| {
            let mut pending = file.pending.iter_mut();
            let ours = pending.find(|one| one.version == begun.version);
            let ours = ours.ok_or_else(|| expired("the upload was tidied away"))?;
            ours.absent_since = None;
            if now.saturating_since(ours.at) > FRESH {
                ours.at = now;
            }
            Ok(())
        })
        .await
}

/// What an upload is told that did not come to its place.
async fn unfinished(place: &Place, begun: &Begun, error: Error) -> Error {
    use ErrorKind::{AlreadyExists, Conflict, Corrupt};
    let error = error.with_context("file", &begun.path);
    // Of any other error it is not certain that the object is not there.
    if !matches!(error.kind(), AlreadyExists | Conflict | Corrupt) {
        return error;
    }
    match place.book.forget(&begun.path, &begun.version).await {
        Ok(()) => error,
        Err(cause) => error.with_source(cause),
    }
}

/// Takes an object away that is not what was sent.
async fn remove(place: &Place, begun: &Begun, entry: &FileEntry) -> Error {
    let error = Error::new(
        ErrorKind::Corrupt,
        "sealed.finish",
        "the account has other bytes than were sent",
    )
    .with_context("file", &begun.path)
    .with_context("stored", &entry.version.hashes);
    let removed = async {
        let expect = Expect::Version(entry.version.clone());
        match place.files()?.delete(&entry.path, &expect).await {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            removed => removed?,
        }
        place.book.forget(&begun.path, &begun.version).await
    };
    match removed.await {
        Ok(()) => error,
        Err(cause) => error
            .with_context("warning", "the bad object could not be removed")
            .with_source(cause),
    }
}

pub(super) fn expired(why: &'static str) -> Error {
    Error::new(ErrorKind::Expired, "sealed.write", why)
}

fn too_many() -> Error {
    Error::new(
        ErrorKind::LimitExceeded,
        "sealed.write",
        "the file has more chunks than can be counted",
    )
}
