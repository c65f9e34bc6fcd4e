//! Cedar as the engine that decides: the bridge to it, and sections by policies of Cedar.

mod bridge;
mod records;
#[path = "../vectors_suite/runner.rs"]
#[expect(dead_code, reason = "only its reading of lists is needed here")]
mod runner;
mod sections;

use std::time::Duration;

use garland::{Clock, Timestamp};

/// Policies that say of sections what garland's own calculation says.
pub(crate) const SECTIONS: &str = include_str!("sections.cedar");

/// A clock that stands still.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Still(pub(crate) Timestamp);

impl Clock for Still {
    fn now(&self) -> Timestamp {
        self.0
    }

    fn elapsed(&self) -> Duration {
        Duration::ZERO
    }
}
