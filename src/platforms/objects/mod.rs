//! What buckets of objects have in common, whoever keeps them: an account is a bucket, or all below a prefix of one.
//!
//! [`BucketFiles`] makes a [`FileStore`](crate::connector::FileStore) of the few calls of a [`Bucket`]. What is
//! expected of a path is put into the call that writes where the server takes conditions, and looked at just before it
//! where the server does not ([`Acts`]). `object_store` proves who asks: its chains of credentials, its signatures and
//! its links; the calls themselves are garland's, because it hands out neither the conditions, nor the hashes, nor the
//! parts of an upload, nor how long a server asks to wait.

mod acts;
mod bucket;
mod carrier;
mod files;
#[cfg(feature = "s3")]
mod form;
mod guard;
mod keys;
mod links;
mod list;
mod moves;
mod uploads;
#[cfg(any(feature = "azure", feature = "s3"))]
mod xml;

pub(super) use acts::Acts;
pub(super) use bucket::{Bucket, Listed, Object, Opened};
pub(super) use carrier::{Carrier, credential_error, no_retries};
pub(super) use files::BucketFiles;
#[cfg(feature = "s3")]
pub(super) use form::decode_form;
pub(super) use guard::Guard;
pub(super) use keys::Keys;
pub(super) use links::SignedLinks;
#[cfg(any(feature = "azure", feature = "s3"))]
pub(super) use xml::{read_xml, text_of};
