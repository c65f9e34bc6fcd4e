//! The record in which the key of a file is kept.

use garland::OrganizationId;
use garland::crypto::{Entropy, KekId, Purpose, SealContext, SecretKey, WrapRecord};

#[derive(Debug)]
struct Salt(u8);

impl Entropy for Salt {
    fn fill(&self, bytes: &mut [u8]) -> garland::Result<()> {
        bytes.fill(self.0);
        Ok(())
    }
}

fn secret(byte: u8) -> SecretKey {
    SecretKey::from_bytes(&[byte; 32]).unwrap()
}

fn context() -> SealContext {
    SealContext::new(&OrganizationId::default(), "file", "v1", Purpose::Body).unwrap()
}

fn wrapped(epoch: u8, salt: u8) -> WrapRecord {
    let id = KekId::new([epoch; 16]);
    WrapRecord::wrap(id, &secret(2), &context(), &secret(1), &Salt(salt)).unwrap()
}

pub(crate) fn corpus() -> Vec<Vec<u8>> {
    [(0, 0), (1, 9), (255, 255)]
        .into_iter()
        .map(|(epoch, salt)| wrapped(epoch, salt).as_bytes().to_vec())
        .collect()
}

pub(crate) fn check(input: &[u8]) -> bool {
    let Ok(record) = WrapRecord::parse(input) else {
        return false;
    };
    assert_eq!(
        record.as_bytes().as_slice(),
        input,
        "it is written as it was read"
    );
    assert_eq!(record.kek_id().as_bytes().as_slice(), &input[8..24]);
    let Ok(key) = record.unwrap(&secret(2), &context()) else {
        return false;
    };
    assert!(
        key.is(&secret(1)),
        "a record that opens holds what was wrapped"
    );
    assert!(
        corpus().iter().any(|sample| sample == input),
        "a record nobody made"
    );
    true
}
