//! One algorithm at work.

use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};

use crate::connector::hashes::{HashAlgorithm, Hashes};

use super::crc::{Crc32c, Crc64Nvme};
use super::dropbox::Dropbox;
use super::quick_xor::QuickXor;

/// The state of one hash between two updates; of constant size.
#[derive(Clone)]
pub(super) enum State {
    // Boxed: nearly 2 KiB, ten times the next.
    Blake3(Box<blake3::Hasher>),
    Sha512(Sha512),
    Sha256(Sha256),
    Dropbox(Dropbox),
    Sha1(Sha1),
    Md5(Md5),
    QuickXor(QuickXor),
    Crc64Nvme(Crc64Nvme),
    Crc32c(Crc32c),
}

impl State {
    pub(super) fn new(algorithm: HashAlgorithm) -> Self {
        match algorithm {
            HashAlgorithm::Blake3 => Self::Blake3(Box::default()),
            HashAlgorithm::Sha512 => Self::Sha512(Sha512::new()),
            HashAlgorithm::Sha256 => Self::Sha256(Sha256::new()),
            HashAlgorithm::Dropbox => Self::Dropbox(Dropbox::new()),
            HashAlgorithm::Sha1 => Self::Sha1(Sha1::new()),
            HashAlgorithm::Md5 => Self::Md5(Md5::new()),
            HashAlgorithm::QuickXor => Self::QuickXor(QuickXor::new()),
            HashAlgorithm::Crc64Nvme => Self::Crc64Nvme(Crc64Nvme::new()),
            HashAlgorithm::Crc32c => Self::Crc32c(Crc32c::new()),
        }
    }

    pub(super) const fn algorithm(&self) -> HashAlgorithm {
        match self {
            Self::Blake3(_) => HashAlgorithm::Blake3,
            Self::Sha512(_) => HashAlgorithm::Sha512,
            Self::Sha256(_) => HashAlgorithm::Sha256,
            Self::Dropbox(_) => HashAlgorithm::Dropbox,
            Self::Sha1(_) => HashAlgorithm::Sha1,
            Self::Md5(_) => HashAlgorithm::Md5,
            Self::QuickXor(_) => HashAlgorithm::QuickXor,
            Self::Crc64Nvme(_) => HashAlgorithm::Crc64Nvme,
            Self::Crc32c(_) => HashAlgorithm::Crc32c,
        }
    }

    pub(super) fn update(&mut self, data: &[u8]) {
        match self {
            Self::Blake3(hash) => {
                hash.update(data);
            }
            Self::Sha512(hash) => hash.update(data),
            Self::Sha256(hash) => hash.update(data),
            Self::Dropbox(hash) => hash.update(data),
            Self::Sha1(hash) => hash.update(data),
            Self::Md5(hash) => hash.update(data),
            Self::QuickXor(hash) => hash.update(data),
            Self::Crc64Nvme(hash) => hash.update(data),
            Self::Crc32c(hash) => hash.update(data),
        }
    }

    /// Adds the digest to `hashes`.
    pub(super) fn finish(self, hashes: Hashes) -> Hashes {
        let algorithm = self.algorithm();
        match self {
            Self::Blake3(hash) => hashes.with(algorithm, hash.finalize().as_bytes()),
            Self::Sha512(hash) => hashes.with(algorithm, &hash.finalize()),
            Self::Sha256(hash) => hashes.with(algorithm, &hash.finalize()),
            Self::Dropbox(hash) => hashes.with(algorithm, &hash.finish()),
            Self::Sha1(hash) => hashes.with(algorithm, &hash.finalize()),
            Self::Md5(hash) => hashes.with(algorithm, &hash.finalize()),
            Self::QuickXor(hash) => hashes.with(algorithm, &hash.finish()),
            Self::Crc64Nvme(hash) => hashes.with(algorithm, &hash.finish()),
            Self::Crc32c(hash) => hashes.with(algorithm, &hash.finish()),
        }
    }
}
