//! Members, weddings and sections as services: what is kept, who is asked, and what happens on bad days.

mod policy;
mod team;
mod world;
