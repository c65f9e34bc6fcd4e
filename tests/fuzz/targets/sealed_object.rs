//! A whole sealed object: opened by pieces and by workers, and sealed again if it was taken.

use garland::crypto::{
    ChunkSize, Entropy, HEADER, Header, Pass, Purpose, SealContext, SealKey, SealedError, SecretKey,
};
use garland::{OrganizationId, Result};

/// Gives the salt that an object has.
#[derive(Debug)]
struct Salt([u8; 32]);

impl Entropy for Salt {
    fn fill(&self, bytes: &mut [u8]) -> Result<()> {
        bytes.copy_from_slice(&self.0);
        Ok(())
    }
}

pub(crate) fn key() -> SealKey {
    let context = SealContext::new(&OrganizationId::default(), "file", "v1", Purpose::Body);
    SealKey::new(SecretKey::from_bytes(&[1; 32]).unwrap(), context.unwrap())
}

pub(crate) fn corpus() -> Vec<Vec<u8>> {
    let sealed = |(log2, length): (u8, usize)| {
        let chunk = ChunkSize::from_log2(log2).unwrap();
        seal(chunk, [log2; 32], &vec![7; length])
    };
    [
        (14, 0),
        (14, 1),
        (16, 100),
        (14, 1 << 14),
        (14, (1 << 14) + 1),
        (14, (2 << 14) + 50),
        (22, 9),
    ]
    .into_iter()
    .map(sealed)
    .collect()
}

fn seal(chunk: ChunkSize, salt: [u8; 32], plain: &[u8]) -> Vec<u8> {
    let mut object = Vec::new();
    let mut sealer = key().seal(chunk, &Salt(salt)).unwrap();
    sealer.update(plain, &mut object).unwrap();
    sealer.finish(&mut object).unwrap();
    object
}

pub(crate) fn check(input: &[u8]) -> bool {
    // Cut by what it says itself: any pieces will do.
    let size = 1 + input.iter().map(|byte| usize::from(*byte)).sum::<usize>() % 5_000;
    let mut plain = Vec::new();
    let mut opener = key().open();
    let opened = input
        .chunks(size)
        .try_for_each(|piece| opener.update(piece, &mut plain))
        .and_then(|()| opener.finish(&mut plain));

    let mut passed = Vec::new();
    let pass = key().open_all(&Pass::new(), input, &mut passed);
    assert_eq!(passed, plain, "two readers, two contents");

    match opened {
        Ok(length) => {
            assert_eq!(length, plain.len() as u64);
            assert_eq!(pass.unwrap().layout.sealed_length(), input.len() as u64);
            let header = Header::parse(input.first_chunk::<HEADER>().unwrap()).unwrap();
            let again = seal(header.chunk_size(), *header.salt(), &plain);
            assert!(again == input, "one encoding for each content");
            true
        }
        Err(error) => {
            let reason = SealedError::of(&error);
            assert!(reason.is_some(), "refused without a reason: {error:?}");
            assert_eq!(SealedError::of(&pass.unwrap_err()), reason);
            false
        }
    }
}
