//! Files that people hand in: the checks, the copies that are given out, and the quarantine.

mod archives;
mod crashes;
mod documents;
mod make;
mod pictures;
mod properties;
mod quarantine;
mod samples;
mod serving;
mod streams;
mod world;
