//! Layers around an account, so that a bad day of a platform stays its own.

mod base;
mod breaker;
mod bulkhead;
mod hedge;
mod hush;
mod pause;
mod quota;
mod retry;
mod seam;

pub use base::{
    AccountName, BudgetOptions, EventStream, ResilienceEvent, ResilienceEventKind,
    ResilienceEvents, RetryBudget, Scope,
};
pub use breaker::{Breaker, BreakerOptions, BreakerState};
pub use bulkhead::{Bulkhead, BulkheadOptions};
pub use hedge::{Hedge, HedgeOptions};
pub use hush::PauseOptions;
pub use pause::Pause;
pub use quota::{Quota, QuotaOptions};
pub use retry::{Retry, RetryOptions};
pub use seam::{Around, Call, CallKind, ConnectorLayer, Facet, Repeat, Wrapped};
