//! Rate limits: exact at the edge, bounded, fair, and indifferent to what clocks do (R1).

mod addresses;
mod bounds;
mod clock;
mod edges;
mod model;
mod told;
