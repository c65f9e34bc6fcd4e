//! Amazon S3, and every server that speaks its language: Cloudflare R2, `MinIO`, Backblaze B2, Wasabi and others.
//!
//! **Credentials.** An access key of a user that may `s3:ListBucket` on the bucket, and `s3:GetObject`, `s3:PutObject`,
//! `s3:DeleteObject`, `s3:AbortMultipartUpload` and `s3:ListMultipartUploadParts` on its objects
//! ([how](https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_access-keys.html)); or the role of the machine.
//! Each call is signed with the hash of its body, by the clock of the machine: one that is off by more than 15 minutes is
//! refused with an error that says so.
//!
//! **What is promised.** A file appears whole and at once. [`Expect`](crate::connector::Expect) is a condition of the call
//! itself where the server keeps it, otherwise it is looked at just before, and a write in between is not seen:
//!
//! | | write | end of an upload in parts | copy, rename | delete |
//! |---|---|---|---|---|
//! | Amazon | in the call | in the call | in the call | in the call |
//! | R2 | in the call | in the call | in the call | looked at before |
//! | `MinIO` | in the call | in the call | in the call | looked at before |
//! | B2, Wasabi, others | looked at before | looked at before | looked at before | looked at before |
//!
//! A rename is a copy and a delete: cut off in between, the file is there twice. A version is told by its `ETag`.
//!
//! **Sizes.** Files up to [`chunk_size`](S3Options::chunk_size) go in one call, others in parts of 5 MiB to 5 GiB, at most
//! 10,000 ([limits](https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html)). Parts that nobody finishes cost
//! money until a [rule of the bucket](https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpu-abort-incomplete-mpu-lifecycle-config.html)
//! removes them.
//!
//! **Hashes.** The server checks the SHA-256 of every body, and the MD5 of a small file where garland has computed one; what
//! it tells of a whole file at the end is held against what was sent. A listing has only the `ETag`, which is an MD5 or not:
//! see [`with_md5_etags`](S3Options::with_md5_etags).
//!
//! **Times.** The modified time of the source goes into the metadata `mtime`, as rclone keeps it. A listing does not tell
//! it, so garland does not either.
//!
//! **Names.** A key is at most 1,024 bytes. Control characters are not taken, and no component over
//! [255 bytes](S3Options::with_max_name). Keys that are no paths, such as `a//b`, are listed as skipped; empty objects whose
//! key ends in a slash stand for folders and are passed over.
//!
//! **Links** are signed for 7 days at most, for whoever has them. They are neither listed nor taken back.
//!
//! **Not supported**: versions other than the newest, archived objects before they are restored, keys of customers (SSE-C),
//! requester pays, directory buckets (their listings have no order), a feed of changes.

mod account;
mod bucket;
mod config;
mod copy;
mod error;
mod keys;
mod model;
mod parts;

pub use account::S3;
pub use config::{S3Checksum, S3Options};
pub use keys::S3Keys;
