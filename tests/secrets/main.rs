//! Plants secrets everywhere and looks for them in everything that leaves: what is said, printed, thrown and stored.

mod planted;
mod said;
