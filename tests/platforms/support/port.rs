//! Ports for servers that must be told theirs.

use std::fs::File;
use std::net::TcpListener;
use std::sync::atomic::{AtomicU16, Ordering};

/// Below the ports that the system gives to outgoing connections.
const FIRST: u16 = 20_000;
const COUNT: u16 = 12_000;

/// A free port of loopback that no other test of this machine takes as long as it is held.
#[derive(Debug)]
pub(crate) struct Port {
    number: u16,
    _lock: File,
}

impl Port {
    /// Finds one. Tests run in processes of their own, so each port has a lock file.
    pub(crate) fn free() -> Self {
        static TRIED: AtomicU16 = AtomicU16::new(0);
        let locks = std::env::temp_dir().join("garland-ports");
        std::fs::create_dir_all(&locks).unwrap();
        let own = u16::try_from(std::process::id() % u32::from(COUNT)).unwrap();
        for _ in 0..COUNT {
            let step = TRIED.fetch_add(1, Ordering::Relaxed).wrapping_mul(89);
            let number = FIRST + own.wrapping_add(step) % COUNT;
            let lock = File::create(locks.join(number.to_string())).unwrap();
            if lock.try_lock().is_ok() && TcpListener::bind(("127.0.0.1", number)).is_ok() {
                return Self {
                    number,
                    _lock: lock,
                };
            }
        }
        panic!("no port is free")
    }

    pub(crate) fn number(&self) -> u16 {
        self.number
    }
}
