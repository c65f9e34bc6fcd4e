//! bandwidth

mod arena;
mod calendar;
mod check;
mod class;
mod demand;
mod fill;
mod local;
mod node;
mod pacer;
mod rate;
mod timetable;
mod tree;

pub use calendar::EventWindow;
pub use class::{Class, Policy, Standing};
pub use local::{LocalTime, Weekday};
pub use node::Node;
pub use rate::Rate;
pub use timetable::{Scheduled, Timetable};
pub use tree::{Allocation, Overcommit, Tree};
