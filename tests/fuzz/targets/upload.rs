//! A file that somebody hands in, under every kind.

use std::io::Cursor;

use garland::upload::{
    ArchiveLimits, Declared, Inspection, MediaKind, UploadPolicy, Verdict, inspect,
};

use super::make::{
    Item, boxed, chunk, copy, docx, exif, gif, jpeg, mp4, pdf, png, segment, vp8l, vp8x, webp, zip,
};

pub(crate) fn corpus() -> Vec<Vec<u8>> {
    let app1 = segment(0xe1, &[b"Exif\0\0".to_vec(), exif(6, true)].concat());
    let extended = [
        (b"VP8X", vp8x(8, 8, 8)),
        (b"VP8L", vp8l(8, 8)),
        (b"EXIF", exif(6, true)),
    ];
    let tiff = b"II*\0\x08\0\0\0\x02\0\0\x01\x03\0\x01\0\0\0\x04\0\0\0\x01\x01\x03\0\x01\0\0\0\x04\0\0\0\0\0\0\0";
    vec![
        jpeg(40, 30, &[app1, segment(0xfe, b"<script>")]),
        png(
            40,
            30,
            &[chunk(b"tEXt", b"a\0b"), chunk(b"eXIf", &exif(1, true))],
        ),
        gif(40, 30, 2, b"\x21\xfe\x05hello\0"),
        webp(&extended),
        mp4(&[boxed(
            b"moov",
            &boxed(b"udta", &boxed(b"\xa9xyz", b"+52+004/")),
        )]),
        pdf("3 0 obj<</Type/ObjStm/Filter/FlateDecode>>stream\nx\nendstream endobj"),
        zip(&[Item::new("a/b.txt", b"hello"), Item::stored("c", b"x")]),
        docx(&[]),
        tiff.to_vec(),
        b"<svg xmlns='http://www.w3.org/2000/svg'><g style='fill:url(#a)'/></svg>".to_vec(),
        "guest,seats\n\"Zoë\",2\n=1+1".as_bytes().to_vec(),
    ]
}

fn judged(kind: MediaKind, content: &[u8]) -> Inspection {
    let limits = ArchiveLimits::default().with_max_unpacked(1 << 20);
    let policy = UploadPolicy::default().with_archive(limits);
    let declared = Declared::new(format!("a.{}", kind.extensions()[0]), kind.media_type());
    inspect(&policy, &declared, Cursor::new(content)).unwrap()
}

pub(crate) fn check(input: &[u8]) -> bool {
    let mut taken = false;
    for kind in MediaKind::ALL.iter().copied() {
        let found = judged(kind, input);
        if found.verdict.is_reject() {
            assert!(found.delivery.pieces().is_empty(), "refused, and delivered");
            continue;
        }
        taken = true;
        let out = copy(&found, input);
        let again = judged(kind, &out);
        let wanted = match found.verdict {
            Verdict::AcceptSanitised => Verdict::Accept,
            other => other,
        };
        assert_eq!(
            again.verdict, wanted,
            "{kind}: what is delivered is clean: {again:?}"
        );
        assert_eq!(again.picture, found.picture, "{kind}: and the same picture");
    }
    taken
}
