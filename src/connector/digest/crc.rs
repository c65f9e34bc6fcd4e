//! The checksums of the object stores: CRC-64/NVME and CRC-32C.
//!
//! Both are written most significant byte first, as [Google Cloud Storage][gcs] and the
//! [flexible checksums of S3][s3] encode them before base64. The parameters are those of the
//! [catalogue of CRC algorithms][catalogue], where CRC-32C is called CRC-32/ISCSI.
//!
//! [gcs]: https://cloud.google.com/storage/docs/json_api/v1/objects
//! [s3]: https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
//! [catalogue]: https://reveng.sourceforge.io/crc-catalogue/all.htm

use crc::{CRC_32_ISCSI, CRC_64_NVME, Crc, Digest, Table};

/// Sixteen bytes a step: 16 KiB of table for 32 bits, 32 KiB for 64 bits.
type Lookup = Table<16>;

static CRC64_NVME: Crc<u64, Lookup> = Crc::<u64, Lookup>::new(&CRC_64_NVME);
static CRC32C: Crc<u32, Lookup> = Crc::<u32, Lookup>::new(&CRC_32_ISCSI);

/// A CRC-64/NVME in the making.
#[derive(Clone)]
pub(super) struct Crc64Nvme(Digest<'static, u64, Lookup>);

impl Crc64Nvme {
    pub(super) const fn new() -> Self {
        Self(CRC64_NVME.digest())
    }

    pub(super) fn update(&mut self, data: &[u8]) {
        self.0.update(data);
    }

    pub(super) fn finish(self) -> [u8; 8] {
        self.0.finalize().to_be_bytes()
    }
}

/// A CRC-32C in the making.
#[derive(Clone)]
pub(super) struct Crc32c(Digest<'static, u32, Lookup>);

impl Crc32c {
    pub(super) const fn new() -> Self {
        Self(CRC32C.digest())
    }

    pub(super) fn update(&mut self, data: &[u8]) {
        self.0.update(data);
    }

    pub(super) fn finish(self) -> [u8; 4] {
        self.0.finalize().to_be_bytes()
    }
}
