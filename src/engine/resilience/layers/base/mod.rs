//! What layers share: the account they stand for, events, the budget of retries, a fair queue.

mod account;
mod budget;
mod events;
mod hang;
mod queue;
mod refusal;
mod turnstile;
pub(super) mod way;

pub use account::{AccountName, Scope};
pub use budget::{BudgetOptions, RetryBudget};
pub use events::{EventStream, ResilienceEvent, ResilienceEventKind, ResilienceEvents};
pub(super) use hang::has_hung;
pub(super) use queue::Queue;
pub(in super::super) use refusal::is_own;
pub(super) use refusal::{BREAKER, refused, soon};
pub(super) use turnstile::{Refusal, Turnstile};
