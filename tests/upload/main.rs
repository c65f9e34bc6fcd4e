//! Files that people hand in: the checks, the copies that are given out, and the quarantine.

mod archives;
mod crashes;
mod documents;
mod films;
mod make;
mod pictures;
mod properties;
mod quarantine;
mod races;
mod samples;
mod segments;
mod serving;
mod streams;
mod tiffs;
mod world;
