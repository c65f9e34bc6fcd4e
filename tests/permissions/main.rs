//! What must hold of permissions whatever the records say: tried on random members, weddings, sections and instants.

mod worlds;

mod days;
mod guards;
mod many;
mod odd;
mod order;
mod remote;
mod restrictions;
mod services;
mod snapshots;
mod time;
mod zones;
