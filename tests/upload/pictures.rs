//! Pictures and films: whole, small enough, of one kind, and delivered without what tells about people.

use std::io::{Cursor, Read, Seek, SeekFrom};

use garland::upload::{Declared, Finding, PictureFacts, Reason, UploadPolicy, Verdict, inspect};

use crate::make::{
    Item, boxed, check, check_with, chunk, copy, exif, gif, jpeg, mp4, png, refused, segment,
    taken, vp8l, vp8x, webp, zip,
};

fn every() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("a.jpg", jpeg(40, 30, &[])),
        ("a.png", png(40, 30, &[])),
        ("a.gif", gif(40, 30, 2, b"")),
        ("a.webp", webp(&[(b"VP8L", vp8l(40, 30))])),
        ("a.tiff", tiff(None)),
    ]
}

/// A TIFF of 4 × 4 grey pixels, with positions behind them if asked for.
fn tiff(position: Option<&[u8; 24]>) -> Vec<u8> {
    let entry = |tag: u16, kind: u16, count: u32, value: u32| {
        [
            &tag.to_le_bytes()[..],
            &kind.to_le_bytes(),
            &count.to_le_bytes(),
            &value.to_le_bytes(),
        ]
        .concat()
    };
    let mut entries = vec![
        entry(0x100, 3, 1, 4),
        entry(0x101, 3, 1, 4),
        entry(0x111, 4, 1, 200),
        entry(0x117, 4, 1, 16),
    ];
    if position.is_some() {
        entries.push(entry(0x8825, 4, 1, 100));
    }
    let mut out = b"II*\0\x08\0\0\0".to_vec();
    out.extend(u16::try_from(entries.len()).unwrap().to_le_bytes());
    out.extend(entries.concat());
    out.extend([0; 4]);
    if let Some(position) = position {
        out.resize(100, 0);
        out.extend([1, 0]);
        out.extend(entry(2, 5, 3, 140));
        out.extend([0; 4]);
        out.resize(140, 0);
        out.extend(position);
    }
    out.resize(200, 0);
    out.extend([9; 16]);
    out
}

#[test]
fn u1_whole_pictures_are_taken_and_their_size_is_told() {
    for (name, content) in every() {
        let found = taken(name, &content);
        let facts = found.picture.unwrap();
        let wanted = match name {
            "a.tiff" => (4, 4, 1),
            "a.gif" => (40, 30, 2),
            _ => (40, 30, 1),
        };
        assert_eq!((facts.width, facts.height, facts.frames), wanted, "{name}");
        assert_eq!(
            copy(&found, &content),
            content,
            "{name}: there was nothing to leave out"
        );
    }
}

#[test]
fn u1_no_beginning_of_a_picture_is_a_picture() {
    for (name, content) in every() {
        for cut in 0..content.len() {
            let found = check(name, &content[..cut]);
            assert!(found.verdict.is_reject(), "{name} cut at {cut}: {found:?}");
        }
    }
}

#[test]
fn u1_each_kind_is_refused_under_every_other_name() {
    for (own, content) in every() {
        for (other, _) in every() {
            if own != other {
                refused(other, &content, Reason::ContentMismatch);
            }
        }
        refused("a.pdf", &content, Reason::ContentMismatch);
        refused("a.zip", &content, Reason::ContentMismatch);
        refused("a.mp4", &content, Reason::ContentMismatch);
        refused("a.txt", &content, Reason::ContentMismatch);
        refused("a.svg", &content, Reason::ContentMismatch);
    }
}

#[test]
fn u5_pixels_are_counted_before_anything_is_decoded() {
    let million = UploadPolicy::default().with_max_pixels(1_000_000);
    for (fits, over) in [
        (jpeg(1_000, 1_000, &[]), jpeg(1_001, 1_000, &[])),
        (gif(500, 500, 4, b""), gif(500, 500, 5, b"")),
    ] {
        let name = if fits.starts_with(b"GIF") {
            "a.gif"
        } else {
            "a.jpg"
        };
        assert_eq!(check_with(&million, name, &fits).verdict, Verdict::Accept);
        let found = check_with(&million, name, &over);
        assert_eq!(found.verdict, Verdict::Reject(Reason::TooManyPixels));
        assert!(found.picture.is_some(), "the size is told all the same");
    }
    let frames: Vec<_> = (0..200u32)
        .map(|at| chunk(b"fcTL", &at.to_be_bytes()))
        .collect();
    refused("a.png", &png(1_000, 1_000, &frames), Reason::TooManyPixels);
    refused(
        "a.png",
        &png(u32::MAX >> 1, u32::MAX >> 1, &[]),
        Reason::TooManyPixels,
    );
    let films: Vec<_> = (0..11).map(|_| (b"ANMF", vec![0; 24])).collect();
    let mut animated: Vec<(&[u8; 4], Vec<u8>)> = vec![(b"VP8X", vp8x(2, 4_000, 2_500))];
    animated.extend(films);
    refused("a.webp", &webp(&animated), Reason::TooManyPixels);
    refused(
        "a.webp",
        &webp(&[(b"VP8L", vp8l(16_384, 16_384))]),
        Reason::TooManyPixels,
    );
}

#[test]
fn u5_a_position_is_told_and_left_out() {
    let app1 = |block: Vec<u8>| segment(0xe1, &[b"Exif\0\0".to_vec(), block].concat());
    let xmp = b"http://ns.adobe.com/xap/1.0/\0<x exif:GPSLatitude='1'/>".to_vec();
    for (name, content) in [
        ("a.jpg", jpeg(8, 8, &[app1(exif(6, true))])),
        ("b.jpg", jpeg(8, 8, &[segment(0xe1, &xmp)])),
        ("a.png", png(8, 8, &[chunk(b"eXIf", &exif(1, true))])),
        (
            "a.webp",
            webp(&[
                (b"VP8X", vp8x(8, 8, 8)),
                (b"VP8L", vp8l(8, 8)),
                (b"EXIF", exif(1, true)),
            ]),
        ),
        (
            "a.tiff",
            tiff(Some(b"latitude and no longitude"[..24].try_into().unwrap())),
        ),
        (
            "a.mp4",
            mp4(&[boxed(
                b"moov",
                &boxed(b"udta", &boxed(b"\xa9xyz", b"\0\x12\0\0+52.37+004.89/")),
            )]),
        ),
    ] {
        let found = check(name, &content);
        assert_eq!(found.verdict, Verdict::AcceptSanitised, "{name}: {found:?}");
        assert_eq!(found.findings, [Finding::Location], "{name}");
        assert!(found.original_is_safe(), "{name}");
        let out = copy(&found, &content);
        let again = check(name, &out);
        assert_eq!(again.verdict, Verdict::Accept, "{name}: {again:?}");
        for told in [&b"GPSLatitude"[..], b"latitude", b"+52.37"] {
            assert!(!out.windows(told.len()).any(|part| part == told), "{name}");
        }
    }
}

#[test]
fn u5_a_copy_stays_upright_and_keeps_its_colours() {
    let profile = segment(0xe2, b"ICC_PROFILE\0\x01\x01profile");
    let adobe = segment(0xee, b"Adobe\0d\0\0\0\0\x01");
    let block = segment(
        0xe1,
        &[
            b"Exif\0\0".to_vec(),
            exif(6, true),
            b"serial number".to_vec(),
        ]
        .concat(),
    );
    let other = segment(0xed, b"Photoshop 3.0\0caption");
    let content = jpeg(8, 8, &[profile.clone(), block, other, adobe.clone()]);
    let out = copy(&check("a.jpg", &content), &content);
    let upright = segment(
        0xe1,
        b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0",
    );
    assert_eq!(out, jpeg(8, 8, &[profile, upright, adobe]));

    let extended = |flags: u8, exif: Vec<u8>| {
        webp(&[
            (b"VP8X", vp8x(flags, 8, 8)),
            (b"VP8L", vp8l(8, 8)),
            (b"EXIF", exif),
        ])
    };
    let content = extended(0x0c, [exif(3, true), b"maker".to_vec()].concat());
    let out = copy(&check("a.webp", &content), &content);
    let block = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x03\0\0\0\0\0\0\0".to_vec();
    assert_eq!(out, extended(0x08, block));
}

#[test]
fn u1_ordinary_metadata_is_no_reason_to_refuse_and_is_not_delivered() {
    let comment = chunk(b"tEXt", b"Comment\0a fine day");
    for (name, content, plain) in [
        (
            "a.jpg",
            jpeg(8, 8, &[segment(0xfe, b"made by a camera")]),
            jpeg(8, 8, &[]),
        ),
        (
            "a.png",
            png(8, 8, &[comment, chunk(b"tIME", &[0; 7])]),
            png(8, 8, &[]),
        ),
        (
            "a.gif",
            gif(8, 8, 1, b"\x21\xfe\x05hello\0"),
            gif(8, 8, 1, b""),
        ),
    ] {
        let found = taken(name, &content);
        assert_eq!(copy(&found, &content), plain, "{name}");
    }
}

#[test]
fn u1_scripts_in_comments_and_behind_the_end_are_not_delivered() {
    let script = b"<?php system($_GET['c']); ?>";
    let tail = |content: Vec<u8>| [content, script.to_vec()].concat();
    for (name, content, plain) in [
        (
            "a.jpg",
            jpeg(8, 8, &[segment(0xfe, script)]),
            jpeg(8, 8, &[]),
        ),
        (
            "a.png",
            png(8, 8, &[chunk(b"tEXt", b"Comment\0<script>go()</script>")]),
            png(8, 8, &[]),
        ),
        (
            "a.gif",
            gif(8, 8, 1, b"\x21\xfe\x0d<SCRIPT>go()<\0"),
            gif(8, 8, 1, b""),
        ),
        ("b.jpg", tail(jpeg(8, 8, &[])), jpeg(8, 8, &[])),
        ("b.png", tail(png(8, 8, &[])), png(8, 8, &[])),
        ("b.gif", tail(gif(8, 8, 1, b"")), gif(8, 8, 1, b"")),
        (
            "b.webp",
            tail(webp(&[(b"VP8L", vp8l(8, 8))])),
            webp(&[(b"VP8L", vp8l(8, 8))]),
        ),
    ] {
        let found = check(name, &content);
        assert_eq!(found.verdict, Verdict::AcceptSanitised, "{name}: {found:?}");
        assert!(found.findings.contains(&Finding::ActiveText), "{name}");
        assert!(!found.original_is_safe(), "{name}");
        assert_eq!(copy(&found, &content), plain, "{name}");
    }
}

#[test]
fn u1_a_mark_across_two_pages_is_found() {
    // The window of a check is 128 KiB; the mark lies across its first edge, wherever that falls.
    for start in (131_072 - 40)..(131_072 + 4) {
        let picture = jpeg(8, 8, &[]);
        let mut content = [picture, vec![b'.'; start]].concat();
        content.extend(b"<script>");
        let found = check("a.jpg", &content);
        assert!(found.findings.contains(&Finding::ActiveText), "{start}");
    }
}

#[test]
fn u1_two_files_in_one_are_refused() {
    let archive = zip(&[Item::new("a.txt", b"hello")]);
    for (name, content) in every() {
        let content = [content, archive.clone()].concat();
        refused(name, &content, Reason::Polyglot);
    }
    for magic in [
        &b"Rar!\x1a\x07\0"[..],
        b"7z\xbc\xaf\x27\x1c",
        b"%PDF-1.4",
        b"\x7fELF\x02",
        b"MZ\x90\0\x03\0\0\0\x04\0",
    ] {
        refused(
            "a.jpg",
            &[jpeg(8, 8, &[]), magic.to_vec()].concat(),
            Reason::Polyglot,
        );
    }
}

#[test]
fn u1_what_breaks_the_rules_of_its_format_is_refused() {
    let frame = segment(0xc0, &[8, 0, 8, 0, 8, 1, 1, 0x11, 0]);
    for (name, content) in [
        ("two frames.jpg", jpeg(8, 8, &[frame])),
        ("no height.jpg", jpeg(8, 0, &[])),
        ("no size.png", png(0, 8, &[])),
        ("unknown critical.png", png(8, 8, &[chunk(b"EVIL", b"")])),
        ("second header.png", png(8, 8, &[chunk(b"IHDR", &[0; 13])])),
        ("no frame.gif", gif(8, 8, 0, b"")),
        (
            "script.gif",
            b"GIF89a/*<svg onload=go()>*/=go();//".to_vec(),
        ),
        ("no picture.webp", webp(&[(b"VP8X", vp8x(0, 8, 8))])),
        (
            "not first.webp",
            webp(&[(b"VP8L", vp8l(8, 8)), (b"VP8X", vp8x(0, 8, 8))]),
        ),
        (
            "two pictures.webp",
            webp(&[(b"VP8L", vp8l(8, 8)), (b"VP8L", vp8l(8, 8))]),
        ),
    ] {
        let found = check(name, &content);
        assert!(found.verdict.is_reject(), "{name}: {found:?}");
    }
    let mut flipped = png(8, 8, &[]);
    flipped[20] ^= 1;
    refused("a.png", &flipped, Reason::Malformed);
    // A directory that follows itself.
    let mut circle = tiff(None);
    circle[58..62].copy_from_slice(&8u32.to_le_bytes());
    refused("a.tiff", &circle, Reason::Malformed);
}

#[test]
fn u1_films_are_walked_box_by_box() {
    let film = mp4(&[boxed(b"moov", &boxed(b"trak", &boxed(b"tkhd", &[0; 84])))]);
    taken("a.mp4", &film);
    for cut in 1..film.len() {
        let found = check("a.mp4", &film[..cut]);
        let edge = cut == 24 || cut == film.len() - 40;
        assert_eq!(!found.verdict.is_reject(), edge, "cut at {cut}: {found:?}");
    }
    let padded = [film, vec![0; 500]].concat();
    taken("a.mp4", &padded);
    refused(
        "a.mp4",
        &[padded, b"x".to_vec()].concat(),
        Reason::Malformed,
    );
    // The last box may go to the end of the file, and a long one has its size behind its name.
    let mut open = mp4(&[]);
    let at = open.len() - 40;
    open[at..at + 4].copy_from_slice(&0u32.to_be_bytes());
    taken("a.mp4", &open);
    let long = [
        &1u32.to_be_bytes()[..],
        b"free",
        &20u64.to_be_bytes(),
        &[0; 4],
    ]
    .concat();
    taken("a.mp4", &mp4(&[long]));
    let past = [&1u32.to_be_bytes()[..], b"free", &u64::MAX.to_be_bytes()].concat();
    refused("a.mp4", &mp4(&[past]), Reason::Truncated);
    refused(
        "a.mp4",
        &mp4(&[[&4u32.to_be_bytes()[..], b"free"].concat()]),
        Reason::Malformed,
    );
}

#[test]
fn the_facts_of_a_picture_multiply_without_overflow() {
    let found = check("a.png", &png(0x7fff_ffff, 0x7fff_ffff, &[]));
    let facts: PictureFacts = found.picture.unwrap();
    assert_eq!(facts.pixels(), 0x7fff_ffff * 0x7fff_ffff);
}

#[test]
fn u1_tables_of_a_picture_far_apart_are_read_in_runs() {
    let count = 50_000u32;
    let length = 4 * count as usize;
    let [offsets, sizes] = [400_000usize, 1_200_000];
    let entry = |tag: u16, kind: u16, count: u32, value: usize| {
        let value = u32::try_from(value).unwrap();
        [
            &tag.to_le_bytes()[..],
            &kind.to_le_bytes(),
            &count.to_le_bytes(),
            &value.to_le_bytes(),
        ]
        .concat()
    };
    let picture = |kind: u16| {
        let mut out = b"II*\0\x08\0\0\0\x04\0".to_vec();
        out.extend(entry(0x100, 3, 1, 4));
        out.extend(entry(0x101, 3, 1, 4));
        out.extend(entry(0x111, kind, count, offsets));
        out.extend(entry(0x117, kind, count, sizes));
        out.resize(sizes + length, 0);
        out
    };
    let mut reader = Counting {
        inner: Cursor::new(picture(4)),
        read: 0,
    };
    let declared = Declared::new("a.tiff", "image/tiff");
    let found = inspect(&UploadPolicy::default(), &declared, &mut reader).unwrap();
    assert_eq!(found.verdict, Verdict::Accept);
    assert!(reader.read < 16 << 20, "{} bytes were read", reader.read);
    refused("a.tiff", &picture(1), Reason::Malformed);
}

/// Counts what is read.
struct Counting {
    inner: Cursor<Vec<u8>>,
    read: usize,
}

impl Read for Counting {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let read = self.inner.read(out)?;
        self.read += read;
        Ok(read)
    }
}

impl Seek for Counting {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        self.inner.seek(to)
    }
}
