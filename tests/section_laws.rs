//! What must hold for every change of a section (`sections.md`), tried on random ones.

#[path = "section_laws/worlds.rs"]
mod worlds;

#[path = "section_laws/integrity.rs"]
mod integrity;
#[path = "section_laws/patches.rs"]
mod patches;
#[path = "section_laws/queues.rs"]
mod queues;
