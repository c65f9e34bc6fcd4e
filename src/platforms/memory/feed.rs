//! The change feed of an account in memory.

use async_trait::async_trait;

use crate::connector::{ChangeCursor, ChangeFeed, ChangePage};
use crate::error::{Error, ErrorKind, Result};

use super::account::MemoryPlatform;

#[async_trait]
impl ChangeFeed for MemoryPlatform {
    async fn start(&self) -> Result<ChangeCursor> {
        let state = self.state();
        Ok(cursor(state.forgotten + state.log.len() as u64))
    }

    async fn changes(&self, after: &ChangeCursor) -> Result<ChangePage> {
        let operation = "memory.changes";
        let from: u64 = after
            .as_str()
            .parse()
            .map_err(|cause: std::num::ParseIntError| {
                Error::new(
                    ErrorKind::InvalidInput,
                    operation,
                    "not a cursor of this connector",
                )
                .with_source(cause)
            })?;
        let state = self.state();
        let expired = || {
            Error::new(ErrorKind::Expired, operation, "the cursor has run out")
                .with_context("cursor", after.as_str())
        };
        let passed = from.checked_sub(state.forgotten).ok_or_else(expired)?;
        let passed = Some(passed).filter(|passed| *passed <= state.log.len() as u64);
        let passed = passed.ok_or_else(expired)?;
        let passed = usize::try_from(passed).map_err(|cause| expired().with_source(cause))?;
        let changes: Vec<_> = state
            .log
            .iter()
            .skip(passed)
            .take(self.options().page_size.max(1))
            .cloned()
            .collect();
        let next = from + changes.len() as u64;
        let more = next < state.forgotten + state.log.len() as u64;
        Ok(ChangePage::new(changes, cursor(next), more))
    }
}

fn cursor(number: u64) -> ChangeCursor {
    ChangeCursor::new(number.to_string())
}
