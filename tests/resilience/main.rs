//! Layers around accounts, on the bad days of platforms. All time is paused time.
#![cfg(feature = "testing")]

mod adaptive;
mod cancels;
mod conformance;
mod counts;
mod hedges;
mod layers;
mod neighbours;
mod outage;
mod priority;
mod quota;
mod throttled;
mod tools;
mod transfers;
mod ways;
