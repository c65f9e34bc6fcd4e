//! Proofs hold for what they show and for nothing else, without the database.

use std::sync::Arc;

use garland::ErrorKind;
use garland::audit::{EntryProof, GrowthProof, HmacHeads, SignedHead, prove, prove_growth};
use garland::storage::{Json, Store};

use crate::world::{Copies, append, auditor, journal, key, memory, refused, signer};

/// A journal of `entries`, with a head after each.
async fn grown(entries: u64) -> (Store, Vec<SignedHead>) {
    let store = memory();
    append(&store, 1..=entries).await;
    let copies = Arc::new(Copies::default());
    auditor(&store, &copies, 1).seal_now().await.unwrap();
    (store, copies.all())
}

#[tokio::test]
async fn l2_every_entry_is_proved_against_every_head() {
    let (store, heads) = grown(19).await;
    for head in &heads {
        for sequence in 1..=head.size() {
            let proof = prove(&store, &journal(), sequence, head).await.unwrap();
            assert_eq!(proof.entry.sequence, sequence);
            let text = serde_json::to_string(&proof).unwrap();
            let read: EntryProof = serde_json::from_str(&text).unwrap();
            assert_eq!(read, proof);
            read.verify(&*signer()).await.unwrap();
        }
        let beyond = prove(&store, &journal(), head.size() + 1, head).await;
        refused(beyond, ErrorKind::NotFound);
    }
    refused(
        prove(&store, &journal(), 0, &heads[3]).await,
        ErrorKind::NotFound,
    );
}

#[tokio::test]
async fn l2_a_bent_proof_shows_nothing() {
    let (store, heads) = grown(19).await;
    let proof = prove(&store, &journal(), 11, &heads[18]).await.unwrap();
    type Bend = fn(&mut EntryProof);
    let bends: [(&str, Bend); 6] = [
        ("event", |proof| proof.entry.event = Json::stored("{}")),
        ("sequence", |proof| proof.entry.sequence = 10),
        ("none", |proof| proof.entry.sequence = 0),
        ("time", |proof| {
            proof.entry.at = garland::Timestamp::from_millis(1_001);
        }),
        ("path", |proof| {
            let mut hashes = proof.path.hashes().to_vec();
            hashes.swap(0, 1);
            proof.path = garland::audit::InclusionPath::new(hashes);
        }),
        ("head", |proof| {
            let text = proof.head.to_string().replace("\n19\n", "\n18\n");
            proof.head = text.parse().unwrap();
        }),
    ];
    for (name, bend) in bends {
        let mut bent = proof.clone();
        bend(&mut bent);
        assert_ne!(bent, proof, "{name}");
        refused(bent.verify(&*signer()).await, ErrorKind::Corrupt);
    }
    let other = HmacHeads::new(key(8));
    refused(proof.verify(&other).await, ErrorKind::Corrupt);
}

#[tokio::test]
async fn l2_growth_is_proved_between_any_two_heads() {
    let (store, heads) = grown(19).await;
    for (at, old) in heads.iter().enumerate() {
        for new in &heads[at..] {
            let proof = prove_growth(&store, &journal(), old, new).await.unwrap();
            let text = serde_json::to_string(&proof).unwrap();
            let read: GrowthProof = serde_json::from_str(&text).unwrap();
            read.verify(&*signer()).await.unwrap();
            let back = GrowthProof::clone(&proof);
            let turned = prove_growth(&store, &journal(), &back.new, &back.old).await;
            if old != new {
                refused(turned, ErrorKind::InvalidInput);
            }
        }
    }
}

#[tokio::test]
async fn l2_no_growth_is_proved_between_two_journals() {
    let (store, heads) = grown(19).await;
    // Another journal, with the same key, that parted after entry 10.
    let other = memory();
    append(&other, (1..=10).chain(50..=60)).await;
    let copies = Arc::new(Copies::default());
    auditor(&other, &copies, 1).seal_now().await.unwrap();
    let forked = copies.all();
    for (old, fits) in [(5, true), (10, true), (11, false), (15, false)] {
        let growth = prove_growth(&other, &journal(), &heads[old - 1], &forked[20]).await;
        assert_eq!(growth.is_ok(), fits, "{old}");
    }
    let mut proof = prove_growth(&store, &journal(), &heads[14], &heads[18])
        .await
        .unwrap();
    proof.new = forked[18].clone();
    refused(proof.verify(&*signer()).await, ErrorKind::Corrupt);
    refused(
        prove(&other, &journal(), 3, &heads[18]).await,
        ErrorKind::Corrupt,
    );
    refused(
        prove(&store, &"other".parse().unwrap(), 3, &heads[18]).await,
        ErrorKind::InvalidInput,
    );
}
