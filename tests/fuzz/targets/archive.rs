//! An archive, against another reader: what is taken is read the same there.

use std::io::{Cursor, Read as _};

use garland::upload::{ArchiveLimits, Declared, UploadPolicy, inspect};

use super::make::{Item, docx, zip};

pub(crate) fn corpus() -> Vec<Vec<u8>> {
    let mut streamed = Item::new("a.txt", b"hello");
    streamed.descriptor = true;
    vec![
        zip(&[]),
        zip(&[
            Item::new("a/b.txt", b"hello"),
            Item::stored("c", b"x"),
            Item::stored("d/", b""),
        ]),
        zip(&[streamed, Item::new("b.txt", &[7; 400])]),
        docx(&[]),
    ]
}

pub(crate) fn check(input: &[u8]) -> bool {
    const MOST: u64 = 1 << 20;
    let limits = ArchiveLimits::default().with_max_unpacked(MOST);
    let policy = UploadPolicy::default().with_archive(limits);
    let declared = Declared::new("a.zip", "application/zip");
    let found = inspect(&policy, &declared, Cursor::new(input)).unwrap();
    if found.verdict.is_reject() {
        return false;
    }
    let mut other = zip::ZipArchive::new(Cursor::new(input)).expect("the other reader opens it");
    let mut total = 0;
    for at in 0..other.len() {
        let mut entry = other
            .by_index(at)
            .expect("the other reader finds each entry");
        assert!(!entry.is_symlink() && !entry.encrypted());
        assert!(
            entry.enclosed_name().is_some(),
            "{:?} leads outside",
            entry.name()
        );
        let mut content = Vec::new();
        entry.read_to_end(&mut content).expect("and its content");
        assert_eq!(content.len() as u64, entry.size());
        total += content.len() as u64;
    }
    assert!(total <= MOST && total <= 100 * input.len() as u64);
    true
}
