//! Reading a copy back.

use futures_util::StreamExt;
use tokio::sync::mpsc;

use crate::connector::{FilePath, FileStore, FileVersion, HashAlgorithm, Hashes, ReadOptions};
use crate::error::Result;

use super::calls::Calls;
use super::hashing;
use super::meter::Meter;
use super::source::{LAG, Piece};
use super::throttle::Way;

/// Reads a file and returns its hashes by the algorithms of `like`.
pub(super) async fn read_back(
    files: &dyn FileStore,
    path: &FilePath,
    version: &FileVersion,
    like: &Hashes,
    calls: &Calls,
    way: &Way,
) -> Result<Hashes> {
    let algorithms = like.iter().map(|(algorithm, _)| algorithm).collect();
    // What is only read back has moved nowhere.
    let meter = Meter::default();
    hash_file(files, path, version, algorithms, calls, &meter, way).await
}

/// Reads one version of a file and hashes it.
pub(super) async fn hash_file(
    files: &dyn FileStore,
    path: &FilePath,
    version: &FileVersion,
    algorithms: Vec<HashAlgorithm>,
    calls: &Calls,
    meter: &Meter,
    way: &Way,
) -> Result<Hashes> {
    let mut failures = 0;
    loop {
        // Every read is bounded by itself; the whole may take as long as the file is large.
        let error =
            match hash_once(files, path, version, algorithms.clone(), calls, meter, way).await {
                Err(error) => error,
                hashes => return hashes,
            };
        failures += 1;
        calls.wait("transfer.hash", failures, error).await?;
    }
}

async fn hash_once(
    files: &dyn FileStore,
    path: &FilePath,
    version: &FileVersion,
    algorithms: Vec<HashAlgorithm>,
    calls: &Calls,
    meter: &Meter,
    way: &Way,
) -> Result<Hashes> {
    let options = ReadOptions::default().with_version(version.clone());
    let mut reader = calls
        .once("transfer.open", files.read(path, options))
        .await?;
    let (sender, receiver) = mpsc::channel(LAG);
    let reading = async move {
        loop {
            let next = async { reader.bytes.next().await.transpose() };
            let Some(bytes) = calls.once("transfer.read", next).await? else {
                return Ok(());
            };
            meter.add_read(bytes.len() as u64);
            way.take(bytes.len(), calls).await?;
            if sender.send(Piece::unbudgeted(bytes)).await.is_err() {
                return Ok(());
            }
        }
    };
    let (read, hashed) = tokio::join!(reading, hashing::hash(algorithms, receiver));
    read.and(hashed)
}
