//! A whole file in one blocking pass, by one or several threads, hashed on the way.

use std::io::{Read, Write};

use crate::connector::{ContentHasher, HashAlgorithm, Hashes};
use crate::engine::crypto::cipher::TAG;
use crate::engine::crypto::entropy::Entropy;
use crate::error::Result;

use super::failure::SealedError;
use super::header::{HEADER, Header};
use super::key::SealKey;
use super::line::{Intake, Line, Outlet, Run, read_full};
use super::size::{ChunkSize, Layout};

/// How a file goes through: by how many threads, and what is hashed in the same pass.
///
/// # Example
///
/// ```
/// use garland::OrganizationId;
/// use garland::connector::HashAlgorithm;
/// use garland::crypto::{Pass, Purpose, SealContext, SealKey, SecretKey, SystemEntropy};
///
/// let context = SealContext::new(&OrganizationId::default(), "film", "v1", Purpose::Body)?;
/// let key = SealKey::new(SecretKey::generate(&SystemEntropy::new())?, context);
/// let pass = Pass::new().with_workers(2).with_plain_hashes([HashAlgorithm::Sha256]);
///
/// let (film, mut sealed, mut opened) = (vec![7; 200_000], Vec::new(), Vec::new());
/// let there = key.seal_all(&pass, &SystemEntropy::new(), film.as_slice(), &mut sealed)?;
/// let back = key.open_all(&pass, sealed.as_slice(), &mut opened)?;
/// assert_eq!(opened, film);
/// assert_eq!(there.layout.sealed_length(), sealed.len() as u64);
/// assert_eq!(there.plain_hashes, back.plain_hashes);
/// # Ok::<(), garland::Error>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Pass {
    /// Threads that work, the caller's among them: 1 to 64, any other number is taken for the nearest of these.
    /// Default: 1.
    pub workers: usize,
    /// The size of the chunks of a new object. Default: 64 KiB.
    pub chunk: ChunkSize,
    /// By what the plaintext is hashed. Default: nothing.
    pub plain_hashes: Vec<HashAlgorithm>,
    /// By what the sealed object is hashed. Default: nothing.
    pub sealed_hashes: Vec<HashAlgorithm>,
}

impl Default for Pass {
    fn default() -> Self {
        Self {
            workers: 1,
            chunk: ChunkSize::default(),
            plain_hashes: Vec::new(),
            sealed_hashes: Vec::new(),
        }
    }
}

impl Pass {
    /// One thread, chunks of 64 KiB, no hashes.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets [`Pass::workers`].
    #[must_use]
    pub fn with_workers(mut self, workers: usize) -> Self {
        self.workers = workers;
        self
    }

    /// Sets [`Pass::chunk`].
    #[must_use]
    pub fn with_chunk(mut self, chunk: ChunkSize) -> Self {
        self.chunk = chunk;
        self
    }

    /// Sets [`Pass::plain_hashes`].
    #[must_use]
    pub fn with_plain_hashes(mut self, algorithms: impl Into<Vec<HashAlgorithm>>) -> Self {
        self.plain_hashes = algorithms.into();
        self
    }

    /// Sets [`Pass::sealed_hashes`].
    #[must_use]
    pub fn with_sealed_hashes(mut self, algorithms: impl Into<Vec<HashAlgorithm>>) -> Self {
        self.sealed_hashes = algorithms.into();
        self
    }

    fn plain_hasher(&self) -> ContentHasher {
        ContentHasher::new(self.plain_hashes.iter().copied())
    }

    fn sealed_hasher(&self) -> ContentHasher {
        ContentHasher::new(self.sealed_hashes.iter().copied())
    }
}

/// What went through.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Passed {
    /// How long the file and the object are.
    pub layout: Layout,
    /// Of the plaintext.
    pub plain_hashes: Hashes,
    /// Of the sealed object, header included: what a place that stores it can confirm.
    pub sealed_hashes: Hashes,
}

impl SealKey {
    /// Seals all of `input` to `output`. Hashing, reading, sealing and writing go on side by side if there are two
    /// workers or more; the bytes are the same.
    ///
    /// Blocks, so it belongs on a thread that may. Holds three chunks a worker, whatever the length; one worker holds one.
    ///
    /// # Errors
    /// - [`ErrorKind::Unavailable`](crate::ErrorKind::Unavailable): no random bytes, or `input` or `output` failed.
    /// - [`ErrorKind::Full`](crate::ErrorKind::Full): `output` says so.
    /// - [`ErrorKind::LimitExceeded`](crate::ErrorKind::LimitExceeded): as [`Layout::of_plain`].
    pub fn seal_all(
        &self,
        pass: &Pass,
        entropy: &dyn Entropy,
        input: impl Read + Send,
        output: impl Write + Send,
    ) -> Result<Passed> {
        let (header, keys) = self.begin(pass.chunk, entropy)?;
        let size = pass.chunk;
        let intake = Intake::new(input, size.bytes(), size.most(), pass.plain_hasher());
        let mut outlet = Outlet::new(output, pass.sealed_hasher());
        outlet.write(&header.to_bytes())?;
        let seal = |run: &mut Run| {
            // What was read, and room for the tag behind it.
            run.length = run.length.saturating_add(TAG);
            keys.seal_run(size, run.index, run.last, run.bytes())
        };
        let (intake, outlet) = Line::new(intake, outlet, size, pass.workers).work(&seal)?;
        Ok(Passed {
            layout: Layout::of_plain(size, intake.hasher.length())?,
            plain_hashes: intake.hasher.finish(),
            sealed_hashes: outlet.hasher.finish(),
        })
    }

    /// Opens all of `input` to `output`: as [`SealKey::seal_all`], the other way. Holds one chunk more.
    ///
    /// Nothing is written before its tag was checked; but what was written counts only after this has
    /// returned without an error.
    ///
    /// # Errors
    /// - [`ErrorKind::Corrupt`](crate::ErrorKind::Corrupt), with a [`SealedError`] as its cause. The same one for any
    ///   number of workers, and everything before it is written.
    /// - [`ErrorKind::Unavailable`](crate::ErrorKind::Unavailable): `input` or `output` failed.
    /// - [`ErrorKind::Full`](crate::ErrorKind::Full): `output` says so.
    pub fn open_all(
        &self,
        pass: &Pass,
        mut input: impl Read + Send,
        output: impl Write + Send,
    ) -> Result<Passed> {
        let mut bytes = [0; HEADER];
        let read = read_full(&mut input, &mut bytes)?;
        if read < HEADER {
            return Err(SealedError::of_start(bytes.split_at(read).0).into());
        }
        let header = Header::parse(&bytes)?;
        let keys = self.unlock(&header)?;
        let size = header.chunk_size();
        let limit = Layout::of_plain(size, size.most())?.sealed_length();
        let mut intake = Intake::new(input, size.sealed_bytes(), limit, pass.sealed_hasher());
        intake.hasher.update(&bytes);
        let outlet = Outlet::new(output, pass.plain_hasher());
        let open = |run: &mut Run| {
            keys.open_run(size, run.index, run.last, run.bytes())?;
            run.length = run.length.saturating_sub(TAG);
            Ok(())
        };
        let (intake, outlet) = Line::new(intake, outlet, size, pass.workers).work(&open)?;
        Ok(Passed {
            layout: Layout::of_plain(size, outlet.hasher.length())?,
            plain_hashes: outlet.hasher.finish(),
            sealed_hashes: intake.hasher.finish(),
        })
    }
}
