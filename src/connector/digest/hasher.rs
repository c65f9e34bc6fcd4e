//! Several hashes over one reading of the bytes.

use std::collections::BTreeSet;
use std::fmt;

use crate::connector::hashes::{HashAlgorithm, Hashes};

use super::state::State;

/// Bytes that go through every algorithm before the next are touched: few enough to stay in a core's
/// cache between two algorithms, and a power of two so that BLAKE3 gets whole subtrees.
const PIECE: usize = 64 * 1024;

/// Computes any number of content hashes in one pass over the content.
///
/// Memory is constant, less than 5 KiB with all algorithms at work, whatever the length. How the content
/// is cut into updates does not change the result; pieces of 64 KiB or a multiple are the fastest.
///
/// The work is done on the caller's thread and takes from a third of a millisecond (BLAKE3) to two
/// milliseconds (MD5, SHA-512) a MiB, so a whole file belongs on a blocking thread, not on one that
/// drives futures.
///
/// # Example
///
/// ```
/// use garland::connector::{ContentHasher, HashAlgorithm};
///
/// let mut hasher = ContentHasher::new([HashAlgorithm::Md5, HashAlgorithm::Crc32c]);
/// hasher.update(b"1234");
/// hasher.update(b"56789");
/// assert_eq!(hasher.length(), 9);
/// assert_eq!(
///     hasher.finish().to_string(),
///     "md5:25f9e794323b453885f5181f1b624d0b crc32c:e3069283"
/// );
/// ```
#[derive(Clone)]
pub struct ContentHasher {
    states: Vec<State>,
    length: u64,
}

impl ContentHasher {
    /// Starts the hashes by `algorithms`; one named twice is computed once. With none, only the
    /// [length](Self::length) is kept.
    #[must_use]
    pub fn new(algorithms: impl IntoIterator<Item = HashAlgorithm>) -> Self {
        let algorithms: BTreeSet<_> = algorithms.into_iter().collect();
        Self {
            states: algorithms.into_iter().map(State::new).collect(),
            length: 0,
        }
    }

    /// Feeds the next bytes of the content.
    pub fn update(&mut self, data: &[u8]) {
        for piece in data.chunks(PIECE) {
            for state in &mut self.states {
                state.update(piece);
            }
        }
        self.length = self.length.wrapping_add(data.len() as u64);
    }

    /// Whether there is nothing to compute but the [length](Self::length).
    #[cfg(feature = "crypto")]
    #[must_use]
    pub(crate) const fn is_idle(&self) -> bool {
        self.states.is_empty()
    }

    /// Returns how many bytes were fed so far.
    #[must_use]
    pub const fn length(&self) -> u64 {
        self.length
    }

    /// Returns the digest of everything fed, by each algorithm asked for.
    #[must_use]
    pub fn finish(self) -> Hashes {
        self.states
            .into_iter()
            .fold(Hashes::new(), |hashes, state| state.finish(hashes))
    }
}

/// Names the algorithms and the length; nothing of the content.
impl fmt::Debug for ContentHasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let algorithms: Vec<_> = self.states.iter().map(State::algorithm).collect();
        f.debug_struct("ContentHasher")
            .field("algorithms", &algorithms)
            .field("length", &self.length)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::connector::hashes::to_hex;

    fn hash(algorithm: HashAlgorithm, content: &[u8]) -> String {
        let mut hasher = ContentHasher::new([algorithm]);
        hasher.update(content);
        to_hex(hasher.finish().get(algorithm).unwrap())
    }

    fn all(content: &[u8]) -> Hashes {
        let mut hasher = ContentHasher::new(HashAlgorithm::ALL);
        hasher.update(content);
        hasher.finish()
    }

    #[test]
    fn an_empty_file_has_the_published_digests() {
        let empty = ContentHasher::new(HashAlgorithm::ALL).finish();
        assert_eq!(
            empty.to_string(),
            "blake3:af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262 \
             sha512:cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce\
             47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e \
             sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 \
             dropbox:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 \
             sha1:da39a3ee5e6b4b0d3255bfef95601890afd80709 \
             md5:d41d8cd98f00b204e9800998ecf8427e \
             quickxor:0000000000000000000000000000000000000000 \
             crc64nvme:0000000000000000 crc32c:00000000"
        );
        assert_eq!(empty, all(b""));
    }

    /// Source: <https://github.com/BLAKE3-team/BLAKE3/blob/master/test_vectors/test_vectors.json>,
    /// whose contents count 0, 1, … 250, 0, 1, …
    #[test]
    fn blake3_meets_its_vectors() {
        let content: Vec<u8> = (0..=250).cycle().take(102_400).collect();
        let published = [
            (
                1,
                "2d3adedff11b61f14c886e35afa036736dcd87a74d27b5c1510225d0f592e213",
            ),
            (
                102_400,
                "bc3e3d41a1146b069abffad3c0d44860cf664390afce4d9661f7902e7943e085",
            ),
        ];
        for (length, digest) in published {
            assert_eq!(hash(HashAlgorithm::Blake3, &content[..length]), digest);
        }
    }

    /// Source: FIPS 180 example values, `abc` and a million times the letter a
    /// (<https://csrc.nist.gov/projects/cryptographic-standards-and-guidelines/example-values>).
    #[test]
    fn the_sha_family_meets_its_examples() {
        let million = vec![b'a'; 1_000_000];
        let published = [
            (
                HashAlgorithm::Sha512,
                "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a\
                 2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
                "e718483d0ce769644e2e42c7bc15b4638e1f98b13b2044285632a803afa973eb\
                 de0ff244877ea60a4cb0432ce577c31beb009c5c2c49aa2e4eadb217ad8cc09b",
            ),
            (
                HashAlgorithm::Sha256,
                "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
                "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0",
            ),
            (
                HashAlgorithm::Sha1,
                "a9993e364706816aba3e25717850c26c9cd0d89d",
                "34aa973cd4c4daa4f61eeb2bdbad27316534016f",
            ),
        ];
        for (algorithm, abc, long) in published {
            assert_eq!(hash(algorithm, b"abc"), abc);
            assert_eq!(hash(algorithm, &million), long);
        }
    }

    /// Source: RFC 1321, appendix A.5.
    #[test]
    fn md5_meets_its_test_suite() {
        let published = [
            (&b"abc"[..], "900150983cd24fb0d6963f7d28e17f72"),
            (b"message digest", "f96b697d7cb7938d525a2f31aaf161d0"),
            (
                b"12345678901234567890123456789012345678901234567890123456789012345678901234567890",
                "57edf4a22be3c955ac49da2e2107b67a",
            ),
        ];
        for (content, digest) in published {
            assert_eq!(hash(HashAlgorithm::Md5, content), digest);
        }
    }

    /// Source: NVM Express NVM Command Set Specification 1.0d, 5.2.1.3.5 (64b CRC test cases, 4 KiB
    /// each), and the check value of <https://reveng.sourceforge.io/crc-catalogue/all.htm>.
    #[test]
    fn crc64_nvme_meets_its_test_cases() {
        let rising: Vec<u8> = (0..=255).cycle().take(4096).collect();
        let falling: Vec<u8> = (0..=255).rev().cycle().take(4096).collect();
        let published = [
            (&b"123456789"[..], "ae8b14860a799888"),
            (&[0; 4096], "6482d367eb22b64e"),
            (&[0xFF; 4096], "c0ddba7302eca3ac"),
            (&rising, "3e729f5f6750449c"),
            (&falling, "9a2df64b8e9e517e"),
        ];
        for (content, digest) in published {
            assert_eq!(hash(HashAlgorithm::Crc64Nvme, content), digest);
        }
    }

    /// Source: RFC 3720, appendix B.4 (which prints the bytes in the order of the wire, the lowest
    /// first), and the check value of <https://reveng.sourceforge.io/crc-catalogue/all.htm>.
    #[test]
    fn crc32c_meets_its_examples() {
        let rising: Vec<u8> = (0..32).collect();
        let falling: Vec<u8> = (0..32).rev().collect();
        let published = [
            (&b"123456789"[..], "e3069283"),
            (&[0; 32], "8a9136aa"),
            (&[0xFF; 32], "62a8ab43"),
            (&rising, "46dd794e"),
            (&falling, "113fdb5c"),
        ];
        for (content, digest) in published {
            assert_eq!(hash(HashAlgorithm::Crc32c, content), digest);
        }
    }

    #[test]
    fn an_algorithm_named_twice_is_computed_once() {
        let hasher = ContentHasher::new([
            HashAlgorithm::Md5,
            HashAlgorithm::Blake3,
            HashAlgorithm::Md5,
        ]);
        assert_eq!(
            format!("{hasher:?}"),
            "ContentHasher { algorithms: [Blake3, Md5], length: 0 }"
        );
        let mut none = ContentHasher::new([]);
        none.update(b"abc");
        assert_eq!(none.length(), 3);
        assert!(none.finish().is_empty());
    }

    #[test]
    fn all_algorithms_together_stay_small() {
        let all = size_of::<State>() * HashAlgorithm::ALL.len() + size_of::<blake3::Hasher>();
        assert!(all < 5 * 1024, "{all} bytes");
    }

    #[test]
    fn a_clone_goes_its_own_way() {
        fn sendable<T: Send + Sync + 'static>(_: &T) {}

        let mut first = ContentHasher::new(HashAlgorithm::ALL);
        sendable(&first);
        first.update(b"gar");
        let mut second = first.clone();
        first.update(b"land");
        second.update(b"net");
        assert_eq!(first.finish(), all(b"garland"));
        assert_eq!(second.finish(), all(b"garnet"));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn a_cut_anywhere_changes_nothing(
            length in 0..3 * PIECE,
            seed in any::<u8>(),
            cuts in vec(0..3 * PIECE, 0..5),
        ) {
            let content: Vec<u8> = (0..=250).cycle().skip(usize::from(seed)).take(length).collect();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(length)).collect();
            cuts.extend([0, length]);
            cuts.sort_unstable();

            let mut cut = ContentHasher::new(HashAlgorithm::ALL);
            for ends in cuts.windows(2) {
                cut.update(&content[ends[0]..ends[1]]);
            }
            prop_assert_eq!(cut.length(), length as u64);
            prop_assert_eq!(cut.finish(), all(&content));
        }

        #[test]
        fn company_changes_nothing(content in vec(any::<u8>(), 0..2000)) {
            let together = all(&content);
            for algorithm in HashAlgorithm::ALL {
                let digest = to_hex(together.get(algorithm).unwrap());
                prop_assert_eq!(digest, hash(algorithm, &content));
            }
        }
    }
}
