//! Counting what moves, without waiting for anybody.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::telemetry::{TRANSFER_BYTES, Telemetry};

/// Running totals of everything that one [`Mover`](super::Mover) has moved.
#[derive(Debug, Default)]
pub struct Meter {
    read: AtomicU64,
    written: AtomicU64,
    telemetry: Telemetry,
}

impl Meter {
    pub(super) fn counting_into(telemetry: Telemetry) -> Self {
        Self {
            telemetry,
            ..Self::default()
        }
    }

    /// Returns the bytes read from sources.
    #[must_use]
    pub fn read(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }

    /// Returns the bytes that destinations have taken. What had to be sent twice counts once.
    #[must_use]
    pub fn written(&self) -> u64 {
        self.written.load(Ordering::Relaxed)
    }

    pub(crate) fn add_read(&self, bytes: u64) {
        self.read.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(crate) fn add_written(&self, bytes: u64) {
        self.written.fetch_add(bytes, Ordering::Relaxed);
        self.telemetry.count(TRANSFER_BYTES, &[], bytes);
    }

    /// Counts what a destination has from before a restart: it is there, and was not sent now.
    pub(crate) fn add_found(&self, bytes: u64) {
        self.written.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(crate) fn take_back_written(&self, bytes: u64) {
        self.written.fetch_sub(bytes, Ordering::Relaxed);
    }
}
