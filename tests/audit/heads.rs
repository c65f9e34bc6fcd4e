//! A head is written in one way, and genuine in one way.

use garland::audit::{
    Checkpoint, Frontier, HeadSigner, HeadVerifier, HmacHeads, Origin, SignedHead, TreeHash,
    is_genuine,
};
use garland::storage::{ChainHash, JournalName};
use garland::{ErrorKind, OrganizationId, Timestamp};
use proptest::prelude::*;

use crate::world::{key, refused};

fn checkpoint(leaves: u64) -> Checkpoint {
    let origin = Origin::new(&"studio-7".parse().unwrap(), &JournalName::main());
    let mut frontier = Frontier::default();
    for leaf in 0..leaves {
        frontier.push(TreeHash::leaf(&leaf.to_be_bytes()));
    }
    let chain = ChainHash::new([0xab; 32]);
    Checkpoint::new(origin, &frontier, chain, Timestamp::from_millis(-5))
}

async fn signed(leaves: u64, heads: &HmacHeads) -> SignedHead {
    let checkpoint = checkpoint(leaves);
    let text = checkpoint.to_string();
    let signature = heads.sign(checkpoint.origin.as_str(), &text).await.unwrap();
    SignedHead::new(checkpoint, vec![signature]).unwrap()
}

#[tokio::test]
async fn l1_a_head_is_a_signed_note() {
    let heads = HmacHeads::new(key(7));
    let head = signed(3, &heads).await;
    let text = head.to_string();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "garland/studio-7/main");
    assert_eq!(lines[1], "3");
    assert_eq!(lines[2].len(), 44, "32 bytes in base64");
    assert_eq!(lines[3], format!("chain {}", "ab".repeat(32)));
    assert_eq!(lines[4], "time -5");
    assert_eq!(lines[5], "");
    assert!(lines[6].starts_with("\u{2014} garland/studio-7/main "));
    assert_eq!(lines.len(), 7);
    assert_eq!(text.parse::<SignedHead>().unwrap(), head);
    let json = serde_json::to_string(&head).unwrap();
    assert_eq!(serde_json::from_str::<SignedHead>(&json).unwrap(), head);
}

#[tokio::test]
async fn l1_every_flipped_byte_of_a_head_is_refused_or_not_genuine() {
    let heads = HmacHeads::new(key(7));
    let text = signed(300, &heads).await.to_string();
    let mut parsed = 0;
    for at in 0..text.len() {
        for flip in [0x01, 0x20] {
            let mut bytes = text.clone().into_bytes();
            bytes[at] ^= flip;
            let Ok(bent) = String::from_utf8(bytes) else {
                continue;
            };
            if let Ok(head) = bent.parse::<SignedHead>() {
                parsed += 1;
                assert!(!is_genuine(&head, &heads).await.unwrap(), "{bent}");
            }
        }
    }
    assert!(parsed > 100, "most digits make another head: {parsed}");
}

#[tokio::test]
async fn l1_every_cut_of_a_head_is_refused() {
    let text = signed(300, &HmacHeads::new(key(7))).await.to_string();
    for at in (0..text.len()).filter(|at| text.is_char_boundary(*at)) {
        let cut = text[..at].parse::<SignedHead>();
        assert!(cut.is_err(), "{at}: {cut:?}");
    }
}

#[tokio::test]
async fn a_head_has_one_form() {
    let text = signed(300, &HmacHeads::new(key(7))).await.to_string();
    let bent = [
        text.replace("\n300\n", "\n0300\n"),
        text.replace("\n300\n", "\n+300\n"),
        text.replace("\n300\n", "\n 300\n"),
        text.replace("\nchain ab", "\nchain AB"),
        text.replace("\ntime -5", "\ntime -05"),
        text.replace("\ntime -5\n", "\ntime -5\nmore\n"),
        text.replace('\n', "\r\n"),
        text.replace("\n\n", "\n\n\n"),
        text.replace("\u{2014} ", "- "),
        text.replace("garland/studio-7/main\n", "garland/studio-7/m%61in\n"),
        text.replace("garland/studio-7/main\n", "garland/studio-7/\n"),
        text.replace("garland/studio-7/main\n", "elsewhere/studio-7/main\n"),
        format!("{text}\n"),
        format!("\n{text}"),
        format!("{text}{}", "\u{2014} x AAAAAAAA\n".repeat(16)),
    ];
    for bent in bent {
        assert_ne!(bent, text);
        refused(bent.parse::<SignedHead>(), ErrorKind::InvalidInput);
    }
    // A second signature, as of a witness, is fine.
    let witnessed = format!("{text}\u{2014} witness AAAAAAAA\n");
    assert_eq!(
        witnessed.parse::<SignedHead>().unwrap().to_string(),
        witnessed
    );
}

#[tokio::test]
async fn l1_only_the_key_makes_a_head_genuine() {
    let (ours, theirs) = (HmacHeads::new(key(7)), HmacHeads::new(key(8)));
    let head = signed(3, &ours).await;
    assert!(is_genuine(&head, &ours).await.unwrap());
    assert!(!is_genuine(&head, &theirs).await.unwrap());
    // Their signature with our key's id.
    let text = checkpoint(3).to_string();
    let mut forged = theirs.sign("garland/studio-7/main", &text).await.unwrap();
    forged.key_id = head.signatures()[0].key_id;
    assert!(!ours.verify(&text, &forged).await.unwrap());
    let forged = SignedHead::new(checkpoint(3), vec![forged]).unwrap();
    assert!(!is_genuine(&forged, &ours).await.unwrap());
    // A key that was replaced still vouches for what it signed.
    let rotated = HmacHeads::new(key(9)).with_retired(key(7));
    assert!(is_genuine(&head, &rotated).await.unwrap());
    let next = signed(4, &rotated).await;
    assert!(!is_genuine(&next, &ours).await.unwrap());
}

#[test]
fn no_key_is_printed() {
    let heads = HmacHeads::new(key(0x5a)).with_retired(key(0x5b));
    let text = format!("{heads:?}");
    assert_eq!(text, "HmacHeads { retired: 1, .. }");
}

proptest! {
    #[test]
    fn a_checkpoint_comes_back_as_it_was(
        organization in "[A-Za-z0-9._-]{1,64}",
        journal in "[^\u{0}]{1,80}",
        size in 0_u64..70,
        time in any::<i64>(),
        chain in any::<[u8; 32]>(),
    ) {
        let organization: OrganizationId = organization.parse().unwrap();
        let journal = JournalName::parse(journal).unwrap();
        let origin = Origin::new(&organization, &journal);
        let mut frontier = Frontier::default();
        (0..size).for_each(|leaf| frontier.push(TreeHash::leaf(&leaf.to_be_bytes())));
        let at = Timestamp::from_millis(time);
        let checkpoint = Checkpoint::new(origin, &frontier, ChainHash::new(chain), at);
        let text = checkpoint.to_string();
        prop_assert_eq!(text.lines().count(), 5);
        prop_assert_eq!(text.parse::<Checkpoint>().unwrap(), checkpoint);
    }

    #[test]
    fn no_text_makes_a_head_panic(text in "(garland/a/main\n|[0-9]{1,3}\n|chain |time |\n|\u{2014} |[a-zA-Z0-9+/=]{0,60}|.){0,20}") {
        if let Ok(head) = text.parse::<SignedHead>() {
            prop_assert_eq!(head.to_string(), text);
        }
    }

    #[test]
    fn two_journals_never_have_one_origin(one in "[^\u{0}]{1,20}", other in "[^\u{0}]{1,20}") {
        let organization = OrganizationId::default();
        let name = |text: &str| Origin::new(&organization, &JournalName::parse(text).unwrap());
        prop_assert_eq!(name(&one) == name(&other), one == other);
    }
}
