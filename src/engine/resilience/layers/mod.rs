//! Layers around an account, so that a bad day of a platform stays its own.
//!
//! [`Resilience`] is the paved stack. Each of its layers ([`Retry`], [`Bulkhead`], [`Breaker`],
//! [`Pause`], [`Adaptive`], [`Quota`], [`Timeout`],
//! [`Hedge`]) can also be applied alone, and a host writes its own as an
//! [`Around`]. [`RateAdvice`] reads what headers say, for connectors.
//!
//! All time comes from the [`Clock`](crate::Clock) of a [`Scope`], all jitter from its
//! [`Chance`](crate::Chance); waits are timers of tokio.

mod adaptive;

mod base;
mod breaker;
mod bulkhead;
mod entrance;
mod hedge;
mod hush;
mod pause;
mod quota;
mod retry;
mod seam;
mod stack;
mod timeout;

pub use crate::connector::RateAdvice;
pub use adaptive::{Adaptive, AdaptiveOptions};
pub(super) use base::is_own;
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
pub use stack::{AccountLayers, Resilience, ResilienceOptions};
pub use timeout::{Timeout, TimeoutOptions};

pub use super::pool;
