//! Subscriptions to what people see: what is told, to whom, when, and what happens on bad days.

mod bad_days;
mod changes;
mod crowd;
mod model;
mod own;
mod partners;
mod partners_course;
mod partners_protected;
mod time;
#[path = "../common/wired.rs"]
mod wired;
mod world;
