//! Which entry leaves when room is needed: pure, without keys, values or time.

mod as_it_is;
mod ghosts;
mod past;
mod queues;
mod segments;
mod sketch;

pub(crate) use as_it_is::AsItIs;
pub(crate) use segments::Policy;
