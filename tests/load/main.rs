//! What an orchestrator does with a link and with accounts on platforms, on paused time.

mod account;
mod flow;
mod link;
mod trouble;
mod wire;
