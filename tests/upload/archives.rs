//! Archives: limits before unpacking, and nothing that two readers could read in two ways.

use std::io::{Cursor, Read as _, Write as _};

use garland::upload::{ArchiveLimits, Reason, UploadPolicy, Verdict};
use zip::write::SimpleFileOptions;

use crate::make::{Item, check, check_with, deflate, jpeg, pdf, refused, taken, zip, zip_claiming};

fn one(name: &str) -> Vec<u8> {
    zip(&[Item::new(name, b"hello")])
}

#[test]
fn u4_ordinary_archives_are_taken() {
    taken("a.zip", &zip(&[]));
    taken("a.zip", &one("a.txt"));
    taken("a.zip", &one("day 1/grüße 写真.jpg"));
    taken(
        "a.zip",
        &zip(&[Item::stored("a.txt", b"hello"), Item::stored("b/", b"")]),
    );
    let mut old = Item::new("x", b"hello");
    (old.name, old.local_name) = (b"Stra\x81e.txt".to_vec(), b"Stra\x81e.txt".to_vec());
    taken("a.zip", &zip(&[old]));
    let mut streamed = Item::new("a.txt", b"hello");
    streamed.descriptor = true;
    taken("a.zip", &zip(&[streamed, Item::new("b.txt", b"there")]));
}

#[test]
fn u4_archives_of_another_writer_are_taken_and_read_the_same() {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let contents = [
        ("a/b.txt", b"hello".to_vec()),
        ("c.bin", (0..=255).cycle().take(100_000).collect()),
    ];
    writer
        .add_directory("a/", SimpleFileOptions::default())
        .unwrap();
    for (name, content) in &contents {
        writer
            .start_file(*name, SimpleFileOptions::default())
            .unwrap();
        writer.write_all(content).unwrap();
    }
    let archive = writer.finish().unwrap().into_inner();
    // The pattern packs better than 100 to 1, which is its own rule.
    let policy =
        UploadPolicy::default().with_archive(ArchiveLimits::default().with_max_ratio(1_000));
    let found = check_with(&policy, "a.zip", &archive);
    assert_eq!(found.verdict, Verdict::Accept, "{found:?}");

    let mut reader = zip::ZipArchive::new(Cursor::new(&archive)).unwrap();
    for (name, content) in &contents {
        let mut out = Vec::new();
        reader.by_name(name).unwrap().read_to_end(&mut out).unwrap();
        assert_eq!(&out, content);
    }
}

#[test]
fn u4_names_that_lead_elsewhere_are_refused() {
    for name in [
        "../a.txt",
        "a/../../b.txt",
        "/etc/passwd",
        "..\\a.txt",
        "C:\\a.txt",
        "C:a.txt",
        "a//b.txt",
        "./a.txt",
        "a/.",
        "\\\\host\\share",
        "a\0.txt",
        "a\n.txt",
        "\u{202e}txt.a",
        "%2e%2e/a",
        "CON",
        "nul.txt",
        "~/x",
        "..",
        "a\u{2215}b",
        "\u{ff0e}\u{ff0e}/a",
        "",
    ] {
        refused("a.zip", &one(name), Reason::ArchivePath);
    }
    // The name that other readers prefer counts too.
    let mut two = Item::new("a.txt", b"hello");
    let unicode = b"\x01\0\0\0\0../b.txt";
    two.extra = [
        b"\x75\x70",
        &u16::try_from(unicode.len()).unwrap().to_le_bytes()[..],
        unicode,
    ]
    .concat();
    refused("a.zip", &zip(&[two]), Reason::ArchivePath);
}

#[test]
fn u4_links_devices_programs_and_secrets_are_refused() {
    for mode in [0o120_777, 0o060_644, 0o020_644, 0o010_644, 0o140_755] {
        let mut item = Item::new("a", b"/etc/passwd");
        item.mode = mode;
        refused("a.zip", &zip(&[item]), Reason::ArchiveLink);
    }
    for name in ["a.exe", "a.pdf.SCR", "x/a.php", "run.bat", "a.jpg.js"] {
        refused("a.zip", &one(name), Reason::ArchiveProgram);
    }
    refused(
        "a.zip",
        &zip(&[Item::new("a.txt", b"\x7fELF\x02\x01\x01")]),
        Reason::ArchiveProgram,
    );
    for flag in [1, 1 << 6, 1 << 13] {
        let mut item = Item::new("a.txt", b"hello");
        item.flags = flag;
        refused("a.zip", &zip(&[item]), Reason::Encrypted);
    }
    let mut aes = Item::new("a.txt", b"hello");
    (aes.method, aes.extra) = (99, b"\x01\x99\x07\0\x02\0AE\x03\0\0".to_vec());
    refused("a.zip", &zip(&[aes]), Reason::Encrypted);
    let mut other = Item::new("a.txt", b"hello");
    other.method = 12;
    refused("a.zip", &zip(&[other]), Reason::Unsupported);
}

#[test]
fn u4_two_entries_for_one_place_are_refused() {
    for (first, second) in [
        ("a.txt", "a.txt"),
        ("a.txt", "A.TXT"),
        ("café", "cafe\u{301}"),
        ("a", "a/b"),
        ("x/", "X"),
    ] {
        let content: &[u8] = if first.ends_with('/') { b"" } else { b"one" };
        let archive = zip(&[Item::stored(first, content), Item::new(second, b"two")]);
        refused("a.zip", &archive, Reason::ArchiveDuplicate);
    }
}

#[test]
fn u4_archives_in_archives_are_refused() {
    for inner in [
        one("a.txt"),
        b"\x1f\x8b\x08\0".to_vec(),
        b"Rar!\x1a\x07\x01\0".to_vec(),
        b"7z\xbc\xaf\x27\x1c".to_vec(),
    ] {
        refused(
            "a.zip",
            &zip(&[Item::new("photo.jpg", &inner)]),
            Reason::ArchiveNested,
        );
    }
    let mut tar = vec![0; 512];
    tar[257..262].copy_from_slice(b"ustar");
    refused(
        "a.zip",
        &zip(&[Item::new("a.tar", &tar)]),
        Reason::ArchiveNested,
    );
}

#[test]
fn u4_limits_hold_at_the_edge() {
    let many = |count: usize| {
        let items: Vec<_> = (0..count)
            .map(|at| Item::stored(&format!("{at}.txt"), b"x"))
            .collect();
        zip(&items)
    };
    taken("a.zip", &many(500));
    refused("a.zip", &many(501), Reason::ArchiveEntries);

    let zeros = Item::new("a.bin", &vec![0; 1 << 20]);
    refused("a.zip", &zip(&[zeros]), Reason::ArchiveRatio);
    let limits = ArchiveLimits::default()
        .with_max_ratio(2_000)
        .with_max_unpacked(1 << 20);
    let policy = UploadPolicy::default().with_archive(limits);
    let fits = Item::new("a.bin", &vec![0; 1 << 20]);
    assert_eq!(
        check_with(&policy, "a.zip", &zip(std::slice::from_ref(&fits))).verdict,
        Verdict::Accept
    );
    let over = zip(&[fits, Item::stored("b", b"x")]);
    assert_eq!(
        check_with(&policy, "a.zip", &over).verdict,
        Verdict::Reject(Reason::ArchiveSize)
    );
}

#[test]
fn u4_an_archive_that_lies_about_its_sizes_is_refused() {
    let mut small = Item::new("a.txt", &vec![b'a'; 5_000_000]);
    small.unpacked = 5;
    refused("a.zip", &zip(&[small]), Reason::ArchiveMismatch);
    let mut large = Item::new("a.txt", b"hello");
    large.unpacked = 6;
    refused("a.zip", &zip(&[large]), Reason::ArchiveMismatch);
    let mut sum = Item::new("a.txt", b"hello");
    sum.crc ^= 1;
    refused("a.zip", &zip(&[sum]), Reason::ArchiveMismatch);
    let mut stored = Item::stored("a.txt", b"hello");
    stored.unpacked = 4;
    refused("a.zip", &zip(&[stored]), Reason::ArchiveMismatch);
    let mut tail = Item::new("a.txt", b"hello");
    tail.data.extend(b"more");
    refused("a.zip", &zip(&[tail]), Reason::ArchiveMismatch);
    let mut broken = Item::new("a.txt", b"hello");
    broken.data = deflate(b"hello")[..3].to_vec();
    refused("a.zip", &zip(&[broken]), Reason::ArchiveMismatch);
}

#[test]
fn u4_an_archive_that_two_readers_read_in_two_ways_is_refused() {
    let plain = one("a.txt");
    refused(
        "a.zip",
        &zip_claiming(&[Item::new("a.txt", b"x"), Item::new("b.txt", b"x")], 1),
        Reason::ArchiveMismatch,
    );
    refused(
        "a.zip",
        &zip_claiming(&[Item::new("a.txt", b"x")], 2),
        Reason::ArchiveMismatch,
    );
    let mut names = Item::new("a.txt", b"x");
    names.local_name = b"b.php".to_vec();
    refused("a.zip", &zip(&[names]), Reason::ArchiveMismatch);
    // Bytes before, between and behind.
    let found = check(
        "a.zip",
        &[b"PK\x03\x04....".to_vec(), plain.clone()].concat(),
    );
    assert!(found.verdict.is_reject(), "{found:?}");
    refused(
        "a.zip",
        &[plain.clone(), b"behind".to_vec()].concat(),
        Reason::Truncated,
    );
    let two = [plain.clone(), plain.clone()].concat();
    assert!(check("a.zip", &two).verdict.is_reject());
    // A comment that is itself the end of an archive.
    let mut comment = plain.clone();
    let end = b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
    let at = comment.len() - 2;
    comment[at..].copy_from_slice(&u16::try_from(end.len()).unwrap().to_le_bytes());
    comment.extend(end);
    refused("a.zip", &comment, Reason::ArchiveMismatch);
    // Two entries over the same bytes.
    let mut overlap = zip(&[
        Item::stored("a.txt", b"hello"),
        Item::stored("b.txt", b"hello"),
    ]);
    let second = overlap
        .windows(5)
        .rposition(|part| part == b"b.txt")
        .unwrap();
    overlap[second - 4..second].copy_from_slice(&0u32.to_le_bytes());
    refused("a.zip", &overlap, Reason::ArchiveMismatch);
    for cut in 1..plain.len() {
        assert!(check("a.zip", &plain[..cut]).verdict.is_reject(), "{cut}");
    }
}

#[test]
fn u4_a_program_is_seen_behind_other_hazards_of_a_name() {
    for name in ["name;.exe", "a.php;.jpg"] {
        refused("a.zip", &one(name), Reason::ArchiveProgram);
    }
    taken("a.zip", &one("Booking.com confirmation.pdf"));
}

#[test]
fn u1_archives_of_64_bits_are_seen_behind_other_files() {
    let archive = one("a.txt");
    let end = archive.len() - 22;
    let mut long = archive.clone();
    long[end + 12..end + 16].copy_from_slice(&[0xff; 4]);
    let mut located = archive;
    // A length that points nowhere, as the true one stands in the other record.
    located[end + 12..end + 16].copy_from_slice(&1u32.to_le_bytes());
    located.splice(end..end, [b"PK\x06\x07".to_vec(), vec![0; 16]].concat());
    for archive in [long, located] {
        refused(
            "a.jpg",
            &[jpeg(8, 8, &[]), archive.clone()].concat(),
            Reason::Polyglot,
        );
        refused("a.pdf", &[pdf(""), archive].concat(), Reason::Polyglot);
    }
}
