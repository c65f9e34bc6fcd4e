//! The check is total: any bytes get a verdict, and what is delivered is checked as well as what came.

use std::io::Cursor;

use garland::upload::{Declared, Delivery, MediaKind, UploadPolicy, Verdict, inspect};
use proptest::prelude::*;

use crate::make::{
    Item, boxed, chunk, copy, docx, exif, gif, jpeg, mp4, pdf, png, segment, vp8l, vp8x, webp, zip,
};

fn seeds() -> Vec<Vec<u8>> {
    let app1 = segment(0xe1, &[b"Exif\0\0".to_vec(), exif(6, true)].concat());
    vec![
        jpeg(40, 30, &[app1, segment(0xfe, b"<script>")]),
        png(40, 30, &[chunk(b"tEXt", b"a\0b"), chunk(b"eXIf", &exif(1, true))]),
        gif(40, 30, 2, b"\x21\xfe\x05hello\0"),
        webp(&[(b"VP8X", vp8x(8, 8, 8)), (b"VP8L", vp8l(8, 8)), (b"EXIF", exif(6, true))]),
        mp4(&[boxed(b"moov", &boxed(b"udta", b"x"))]),
        pdf("3 0 obj<</Type/ObjStm>>stream\nx\nendstream endobj"),
        zip(&[Item::new("a/b.txt", b"hello"), Item::stored("c", b"x")]),
        docx(&[]),
        b"II*\0\x08\0\0\0\x02\0\0\x01\x03\0\x01\0\0\0\x04\0\0\0\x01\x01\x03\0\x01\0\0\0\x04\0\0\0\0\0\0\0".to_vec(),
        b"<svg xmlns='http://www.w3.org/2000/svg'><g a='b'/></svg>".to_vec(),
        b"guest,seats\n\"Zo\xc3\xab\",2\n".to_vec(),
    ]
}

/// Something that was once a file: with bytes changed, cut out and put in.
fn spoiled() -> impl Strategy<Value = Vec<u8>> {
    let edits = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..4u8), 0..6);
    (prop::sample::select(seeds()), edits).prop_map(|(mut bytes, edits)| {
        for (place, byte, how) in edits {
            if bytes.is_empty() {
                break;
            }
            let at = place.index(bytes.len());
            match how {
                0 => bytes[at] = byte,
                1 => bytes.truncate(at),
                2 => bytes.insert(at, byte),
                _ => bytes[at] = [0, 0xff, 0x7f, 0x80][usize::from(byte % 4)],
            }
        }
        bytes
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    #[test]
    fn u1_any_bytes_get_a_verdict(
        bytes in prop_oneof![3 => spoiled(), 1 => prop::collection::vec(any::<u8>(), 0..300)],
        kind in prop::sample::select(MediaKind::ALL.to_vec()),
        fitting in any::<bool>(),
    ) {
        let kind = match MediaKind::ALL.iter().find(|own| fitting && begins(**own, &bytes)) {
            Some(own) => *own,
            None => kind,
        };
        let declared = Declared::new(format!("a.{}", kind.extensions()[0]), kind.media_type());
        let policy = UploadPolicy::default();
        let found = inspect(&policy, &declared, Cursor::new(&bytes)).unwrap();
        if found.verdict.is_reject() {
            prop_assert_eq!(found.delivery.size(), 0);
            return Ok(());
        }
        let out = copy(&found, &bytes);
        let again = inspect(&policy, &declared, Cursor::new(&out)).unwrap();
        let wanted = if found.verdict == Verdict::AcceptSanitised { Verdict::Accept } else { found.verdict };
        prop_assert_eq!(again.verdict, wanted, "{:?}", again);
        prop_assert_eq!(copy(&again, &out), out, "cleaning twice changes nothing more");
    }

    #[test]
    fn a_range_of_a_copy_is_that_range(bytes in prop::sample::select(seeds()), from in 0u64..600, length in 0u64..600) {
        for kind in MediaKind::ALL {
            let declared = Declared::new(format!("a.{}", kind.extensions()[0]), kind.media_type());
            let found = inspect(&UploadPolicy::default(), &declared, Cursor::new(&bytes)).unwrap();
            let whole = copy(&found, &bytes);
            let part: Delivery = found.delivery.range(&(from..from + length));
            let mut out = Vec::new();
            part.write(&mut Cursor::new(&bytes), &mut out).unwrap();
            let [start, end] = [from, from + length].map(|at| usize::try_from(at).unwrap().min(whole.len()));
            prop_assert_eq!(&out, &whole[start..end]);
        }
    }
}

fn begins(kind: MediaKind, bytes: &[u8]) -> bool {
    let magic: &[u8] = match kind {
        MediaKind::Jpeg => b"\xff\xd8",
        MediaKind::Png => b"\x89PNG",
        MediaKind::Gif => b"GIF8",
        MediaKind::Webp => b"RIFF",
        MediaKind::Tiff => b"II*",
        MediaKind::Pdf => b"%PDF",
        MediaKind::Zip => b"PK",
        MediaKind::Svg => b"<svg",
        MediaKind::Csv => b"guest",
        MediaKind::Mp4 => return bytes.get(4..8) == Some(b"ftyp"),
        _ => return false,
    };
    bytes.starts_with(magic)
}
