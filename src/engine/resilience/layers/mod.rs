//! Layers around an account, so that a bad day of a platform stays its own.

mod base;
mod hush;
mod pause;
mod retry;
mod seam;

pub use base::{
    AccountName, BudgetOptions, EventStream, ResilienceEvent, ResilienceEventKind,
    ResilienceEvents, RetryBudget, Scope,
};
pub use hush::PauseOptions;
pub use pause::Pause;
pub use retry::{Retry, RetryOptions};
pub use seam::{Around, Call, CallKind, ConnectorLayer, Facet, Repeat, Wrapped};

pub use super::pool;
