//! Content hashes of bytes that are at hand as a whole.

use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};

use crate::connector::HashAlgorithm;

/// Computes one hash, or `None` for an algorithm that is not known here.
pub(crate) fn digest(algorithm: HashAlgorithm, content: &[u8]) -> Option<Vec<u8>> {
    const NVME: crc::Crc<u64> = crc::Crc::<u64>::new(&crc::CRC_64_NVME);
    const CASTAGNOLI: crc::Crc<u32> = crc::Crc::<u32>::new(&crc::CRC_32_ISCSI);
    Some(match algorithm {
        HashAlgorithm::Blake3 => blake3::hash(content).as_bytes().to_vec(),
        HashAlgorithm::Sha512 => Sha512::digest(content).to_vec(),
        HashAlgorithm::Sha256 => Sha256::digest(content).to_vec(),
        HashAlgorithm::Dropbox => {
            let mut whole = Sha256::new();
            for block in content.chunks(4 << 20) {
                whole.update(Sha256::digest(block));
            }
            whole.finalize().to_vec()
        }
        HashAlgorithm::Sha1 => Sha1::digest(content).to_vec(),
        HashAlgorithm::Md5 => Md5::digest(content).to_vec(),
        HashAlgorithm::Crc64Nvme => NVME.checksum(content).to_be_bytes().to_vec(),
        HashAlgorithm::Crc32c => CASTAGNOLI.checksum(content).to_be_bytes().to_vec(),
        HashAlgorithm::QuickXor => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connector::to_hex;

    #[test]
    fn published_check_values_come_out() {
        let hex = |algorithm| to_hex(&digest(algorithm, b"123456789").unwrap());
        // Source: the catalogue of parametrised CRC algorithms, reveng.sourceforge.io.
        assert_eq!(hex(HashAlgorithm::Crc64Nvme), "ae8b14860a799888");
        assert_eq!(hex(HashAlgorithm::Crc32c), "e3069283");
        assert_eq!(hex(HashAlgorithm::Md5), "25f9e794323b453885f5181f1b624d0b");
    }
}
