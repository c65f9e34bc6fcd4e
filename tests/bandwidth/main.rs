//! Bandwidth: the laws of the allocator, and links shared on paused time.

mod bad_days;
mod cancels;
mod churn;
mod events;
mod example;
mod given;
mod laws;
mod live;
mod pace;
mod reaction;
mod refusals;
mod task;
mod world;
