//! Members, weddings and sections as services: what is kept, who is asked, and what happens on bad days.

mod changes;
mod faults;
mod late;
mod personal;
mod policy;
mod protected;
mod queue;
mod reading;
mod results;
mod stored;
mod team;
mod templates;
#[path = "../common/wired.rs"]
mod wired;
mod world;
