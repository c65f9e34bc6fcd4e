//! The reading side: one read of a file that feeds its hashes and every destination.

use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use tokio::sync::mpsc;

use crate::connector::{FilePath, FileReader, FileStore, FileVersion, NamedConnector, ReadOptions};
use crate::engine::bandwidth::Direction;
use crate::error::{Error, ErrorKind, Result};

use super::budget::{Budget, Piece};
use super::calls::{Calls, cancelled};
use super::meter::Meter;
use super::throttle::Throttle;

/// How many pieces a destination may lag behind the source.
pub(super) const LAG: usize = 8;

/// What reading needs.
pub(super) struct Source<'a> {
    pub(super) connector: &'a NamedConnector,
    pub(super) path: &'a FilePath,
    pub(super) version: &'a FileVersion,
    pub(super) calls: &'a Calls,
    pub(super) budget: Budget,
    pub(super) meter: &'a Meter,
    pub(super) throttle: &'a Throttle,
}

impl Source<'_> {
    /// Reads the file once, giving every piece to everyone in `takers`, and returns the version read.
    ///
    /// A taker that has gone away is passed over; without any left, reading stops early with `None`.
    pub(super) async fn feed(
        &self,
        mut takers: Vec<mpsc::Sender<Piece>>,
    ) -> Result<Option<FileVersion>> {
        let files = self.connector.files()?;
        let mut position = 0;
        let mut failures = 0;
        let mut reader = self.open(files, position).await?;
        let version = reader.version.clone();
        let mut way = self.throttle.join(Direction::Download, self.connector)?;
        loop {
            let error = match self.next(&mut reader).await {
                Ok(Some(mut bytes)) => {
                    position += bytes.len() as u64;
                    if position > version.size {
                        return Err(self.changed("the file grew while it was read"));
                    }
                    failures = 0;
                    self.meter.add_read(bytes.len() as u64);
                    // What has come is counted before more is asked for.
                    let taking = way.take(bytes.len(), self.calls);
                    if self.unless_idle(&takers, taking).await?.is_none() {
                        return Ok(None);
                    }
                    while !bytes.is_empty() {
                        let piece = self.budget.piece(&mut bytes);
                        let Some(piece) = self.unless_idle(&takers, piece).await? else {
                            return Ok(None);
                        };
                        for taker in &takers {
                            // A taker that has gone says why by itself.
                            let _ = taker.send(piece.clone()).await;
                        }
                    }
                    // The first taker is the hasher, which lives as long as any destination does.
                    takers.retain(|taker| !taker.is_closed());
                    if takers.len() < 2 {
                        return Ok(None);
                    }
                    continue;
                }
                // Only a reader that has come to its end vouches for what it gave.
                Ok(None) if position == version.size => return Ok(Some(version)),
                Ok(None) => self.cut_short(position),
                Err(error) => error,
            };
            failures += 1;
            way.leave();
            let waiting = self.calls.wait("transfer.read", failures, error);
            if self.unless_idle(&takers, waiting).await?.is_none() {
                return Ok(None);
            }
            reader = self.open(files, position).await?;
            // More exact than the listing, whose times may be coarse.
            let now = reader.version.as_ref();
            if version.as_ref().changed(now, Duration::ZERO) {
                return Err(self.changed("the file changed while it was read"));
            }
        }
    }

    async fn open(&self, files: &dyn FileStore, position: u64) -> Result<FileReader> {
        let size = self.version.size;
        self.calls
            .repeat("transfer.open", || async {
                let mut options = ReadOptions::default().with_version(self.version.clone());
                if position > 0 {
                    options = options.with_range(position..size);
                }
                files.read(self.path, options).await
            })
            .await
            .and_then(|reader| {
                if reader.version.size == size {
                    return Ok(reader);
                }
                Err(self.changed("the file has another size than was listed"))
            })
    }

    async fn next(&self, reader: &mut FileReader) -> Result<Option<Bytes>> {
        self.calls
            .once("transfer.read", async {
                reader.bytes.next().await.transpose()
            })
            .await
    }

    /// Awaits `wait`, which may take for ever, for as long as there is a destination; `None` when there is none left.
    async fn unless_idle<T>(
        &self,
        takers: &[mpsc::Sender<Piece>],
        wait: impl Future<Output = Result<T>>,
    ) -> Result<Option<T>> {
        // The first taker is the hasher.
        let idle = async {
            for taker in takers.iter().skip(1) {
                taker.closed().await;
            }
        };
        tokio::select! {
            biased;
            done = wait => done.map(Some),
            () = self.calls.cancel.cancelled() => Err(cancelled("transfer.read")),
            () = idle => Ok(None),
        }
    }

    fn changed(&self, message: &str) -> Error {
        Error::new(ErrorKind::Changed, "transfer.read", message)
            .with_context("connector", self.connector.name())
            .with_context("path", self.path)
    }

    fn cut_short(&self, position: u64) -> Error {
        self.changed("the file ended early")
            .with_context("at", position)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::sync::Semaphore;
    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::OrganizationId;
    use crate::engine::bandwidth::{Bandwidth, Class};
    use crate::engine::resilience::RetryPolicy;
    use crate::id::Chance;
    use crate::platforms::MemoryPlatform;
    use crate::telemetry::Telemetry;

    /// Feeds a destination from a mover whose memory is all with others, until `end` was called on both.
    async fn without_memory(
        end: impl FnOnce(mpsc::Receiver<Piece>, &CancellationToken) -> Option<mpsc::Receiver<Piece>>,
    ) -> Result<Option<FileVersion>> {
        let card = MemoryPlatform::default();
        let entry = card.put("a.jpg", "content").unwrap();
        let cancel = CancellationToken::new();
        let calls = Calls {
            retry: RetryPolicy::default(),
            stall: Duration::from_secs(60),
            chance: Chance::seeded(1),
            cancel: cancel.clone(),
            telemetry: Telemetry::default(),
        };
        let throttle = Throttle {
            bandwidth: Bandwidth::builder().build().unwrap(),
            organization: OrganizationId::default(),
            class: Class::Normal,
        };
        let source = Source {
            connector: &NamedConnector::new("card".parse().unwrap(), Arc::new(card)),
            path: &entry.path,
            version: &entry.version,
            calls: &calls,
            budget: Budget::new(&Arc::new(Semaphore::new(0)), 1 << 20, 4),
            meter: &Meter::default(),
            throttle: &throttle,
        };
        let (hasher, _hashed) = mpsc::channel(LAG);
        let (lane, pieces) = mpsc::channel(LAG);
        let ending = async {
            tokio::time::sleep(Duration::from_secs(3_600)).await;
            end(pieces, &cancel)
        };
        let fed = async { tokio::join!(source.feed(vec![hasher, lane]), ending).0 };
        let day = Duration::from_secs(24 * 3_600);
        tokio::time::timeout(day, fed).await.expect("it waits on")
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_for_memory_ends_with_the_last_destination() {
        let fed = without_memory(|pieces, _| {
            drop(pieces);
            None
        });
        assert_eq!(fed.await.unwrap(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_for_memory_is_cancelled_at_once() {
        let fed = without_memory(|pieces, cancel| {
            cancel.cancel();
            Some(pieces)
        });
        assert_eq!(fed.await.unwrap_err().kind(), ErrorKind::Cancelled);
    }
}
