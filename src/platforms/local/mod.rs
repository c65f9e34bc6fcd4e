//! A folder on a local disk, a memory card or a network mount (feature `local`; Unix).
//!
//! # What it promises
//! - A file appears whole or not at all: it is written under `.garland/uploads/` in the root and
//!   then moved to its place in one step. Where that is another file system (a mount point inside
//!   the root), it is first copied beside its place.
//! - [`Expect::Absent`](crate::connector::Expect) never overwrites, however late the other file
//!   comes, on every file system that can rename without replacing or make hard links; on others
//!   (some FUSE drivers) only garland itself is held off, by a lock, and not another program. The version
//!   of [`Expect::Version`](crate::connector::Expect) is looked at right before the file is moved;
//!   between the two lie microseconds in which another program's write would be overwritten.
//! - A delete of one version moves the file aside, under `.garland/deleted/`, looks at it once more
//!   and puts it back if it is another: what is saved meanwhile is not lost.
//! - Nothing outside the root is ever touched: no symbolic link is followed on the way to a file,
//!   not even one that is put there meanwhile.
//! - A file that changes while it is read ends the read with
//!   [`ErrorKind::Changed`](crate::ErrorKind::Changed).
//!
//! # Names
//! Case and Unicode behaviour are found out when the folder is opened, without writing anything;
//! [`LocalOptions::names`] sets them instead. A folder that is left empty by a delete or rename
//! goes too. Links, pipes, devices and names that are not UTF-8 are reported, not listed.

mod blocking;
mod error;
mod files;
mod folder;
mod names;
mod options;
mod place;
mod probe;
mod read;
mod shift;
mod stamp;
mod temp;
mod tree;
mod upload;
mod walk;

pub use folder::LocalFolder;
pub use options::{Durability, LocalOptions};
