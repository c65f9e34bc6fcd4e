//! TIFFs are delivered without what people, cameras and programs wrote beside the pixels.

use garland::upload::{Finding, Reason, Verdict};

use crate::make::{check, copy, refused, taken};

/// The word in everything that is planted.
const PLANTED: &[u8] = b"Amsterdam";
const PIXELS: [u8; 16] = *b"sixteen shadesof";

/// Numbers in one of the two orders of bytes.
#[derive(Clone, Copy, Debug)]
struct Order {
    little: bool,
}

impl Order {
    fn short(self, value: u16) -> Vec<u8> {
        if self.little {
            value.to_le_bytes().to_vec()
        } else {
            value.to_be_bytes().to_vec()
        }
    }

    fn long(self, value: u32) -> Vec<u8> {
        if self.little {
            value.to_le_bytes().to_vec()
        } else {
            value.to_be_bytes().to_vec()
        }
    }

    fn read_short(self, file: &[u8], at: usize) -> u16 {
        let bytes = [file[at], file[at + 1]];
        if self.little {
            u16::from_le_bytes(bytes)
        } else {
            u16::from_be_bytes(bytes)
        }
    }

    fn read_long(self, file: &[u8], at: usize) -> u32 {
        let bytes = file[at..at + 4].try_into().unwrap();
        if self.little {
            u32::from_le_bytes(bytes)
        } else {
            u32::from_be_bytes(bytes)
        }
    }
}

/// A tag, the type of its values, and the values.
type Field = (u16, u16, Vec<u8>);

/// Puts a directory at `at`, its larger values behind it, and nothing behind those.
fn directory(order: Order, at: usize, fields: &[Field], next: u32) -> Vec<u8> {
    let mut fields = fields.to_vec();
    fields.sort_by_key(|(tag, ..)| *tag);
    let mut out = order.short(u16::try_from(fields.len()).unwrap());
    let mut outside: Vec<u8> = Vec::new();
    let behind = at + 2 + fields.len() * 12 + 4;
    for (tag, kind, values) in &fields {
        let width = [0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8][usize::from(*kind)];
        out.extend([order.short(*tag), order.short(*kind)].concat());
        out.extend(order.long(u32::try_from(values.len() / width).unwrap()));
        if values.len() <= 4 {
            out.extend([&values[..], &vec![0; 4 - values.len()]].concat());
        } else {
            out.extend(order.long(u32::try_from(behind + outside.len()).unwrap()));
            outside.extend(values);
        }
    }
    out.extend(order.long(next));
    out.extend(outside);
    out
}

/// What decodes 4 × 4 grey pixels that lie at `at`.
fn plain(order: Order, at: u32) -> Vec<Field> {
    vec![
        (256, 3, order.short(4)),
        (257, 3, order.short(4)),
        (258, 3, order.short(8)),
        (262, 3, order.short(1)),
        (273, 4, order.long(at)),
        (274, 3, order.short(6)),
        (279, 4, order.long(16)),
        (282, 5, [order.long(300), order.long(1)].concat()),
        (34_675, 7, b"a profile of colours".to_vec()),
    ]
}

fn head(order: Order, first: u32) -> Vec<u8> {
    let mark = if order.little { b"II" } else { b"MM" };
    [mark.to_vec(), order.short(42), order.long(first)].concat()
}

/// Text, packed in whatever type, with the word in it.
fn told(kind: u16) -> (u16, Vec<u8>) {
    (kind, [PLANTED, b", Herengracht 1, Zo\xc3\xab\0\0"].concat())
}

/// Everything that cameras and programs write into one page.
fn metadata(exif: u32, positions: u32, order: Order) -> Vec<Field> {
    let texts = [
        269, 270, 271, 272, 285, 305, 306, 315, 316, 33_432, 42_112, 65_000,
    ];
    let blocks = [288, 700, 33_723, 34_377, 37_724, 50_341, 40_093];
    let texts = texts.map(|tag| (tag, told(2).0, told(2).1));
    let blocks = blocks.map(|tag| (tag, told(7).0, told(7).1));
    let pointers = [
        (34_665, 4, order.long(exif)),
        (34_853, 4, order.long(positions)),
    ];
    [&texts[..], &blocks, &pointers].concat()
}

/// Two pages and a preview, each with all metadata.
fn album(order: Order) -> Vec<u8> {
    let mut out = vec![0; 8];
    let mut put = |part: Vec<u8>| {
        let at = out.len();
        out.extend(part);
        out.resize(out.len().next_multiple_of(2), 0);
        at
    };
    let pixels = u32::try_from(put(PIXELS.to_vec())).unwrap();
    let at = put(vec![]);
    let related = put(directory(order, at, &[(2, told(2).0, told(2).1)], 0));
    let exif = [
        (33_434, 5, PLANTED[..8].to_vec()),
        (37_500, 7, told(7).1),
        (37_510, 7, told(7).1),
        (40_965, 4, order.long(u32::try_from(related).unwrap())),
    ];
    let at = put(vec![]);
    let exif = u32::try_from(put(directory(order, at, &exif, 0))).unwrap();
    let positions = [
        (1, 2, b"N\0".to_vec()),
        (2, 5, [PLANTED, PLANTED, b"and on"].concat()),
        (29, 2, told(2).1),
    ];
    let at = put(vec![]);
    let positions = u32::try_from(put(directory(order, at, &positions, 0))).unwrap();
    let page = |more: &[Field]| {
        let own = [plain(order, pixels), metadata(exif, positions, order)];
        [own.concat(), more.to_vec()].concat()
    };
    let at = put(vec![]);
    let preview = u32::try_from(put(directory(order, at, &page(&[]), 0))).unwrap();
    let at = put(vec![]);
    let second = u32::try_from(put(directory(order, at, &page(&[]), 0))).unwrap();
    let at = put(vec![]);
    let first = page(&[(330, 4, order.long(preview))]);
    let first = u32::try_from(put(directory(order, at, &first, second))).unwrap();
    out[..8].copy_from_slice(&head(order, first));
    out
}

/// One page with more fields, and what they point to behind it.
fn page(order: Order, more: &[Field]) -> Vec<u8> {
    let fields = [plain(order, 8), more.to_vec()].concat();
    [
        head(order, 24),
        PIXELS.to_vec(),
        directory(order, 24, &fields, 0),
    ]
    .concat()
}

/// The tags of the directory at `at`, where the next one is, and the pixels, read from first principles.
fn read(order: Order, file: &[u8], at: usize) -> (Vec<u16>, usize, Vec<u8>) {
    let count = usize::from(order.read_short(file, at));
    let entry = |index: usize| at + 2 + index * 12;
    let tags: Vec<_> = (0..count)
        .map(|index| order.read_short(file, entry(index)))
        .collect();
    let strip = tags.iter().position(|tag| *tag == 273).unwrap();
    let pixels = order.read_long(file, entry(strip) + 8) as usize;
    let next = order.read_long(file, entry(count)) as usize;
    (tags, next, file[pixels..pixels + 16].to_vec())
}

fn holds(file: &[u8], word: &[u8]) -> bool {
    file.windows(word.len()).any(|part| part == word)
}

#[test]
fn u5_a_copy_of_a_tiff_has_pixels_and_colours_and_nothing_else() {
    for little in [true, false] {
        let order = Order { little };
        let content = album(order);
        assert!(holds(&content, PLANTED));
        let found = check("a.tiff", &content);
        assert_eq!(found.verdict, Verdict::AcceptSanitised, "{found:?}");
        assert_eq!(found.findings, [Finding::Location]);
        let out = copy(&found, &content);
        assert_eq!(out.len(), content.len());
        for word in [PLANTED, b"Amst", b"Herengracht", b"and on"] {
            assert!(!holds(&out, word), "{little}");
        }
        let wanted = [256, 257, 258, 262, 273, 274, 279, 282, 34_675];
        let first = order.read_long(&out, 4) as usize;
        let (mut tags, second, pixels) = read(order, &out, first);
        assert_eq!(pixels, PIXELS);
        let preview = tags.iter().position(|tag| *tag == 330).unwrap();
        tags.remove(preview);
        assert_eq!(tags, wanted);
        let preview = order.read_long(&out, first + 2 + preview * 12 + 8) as usize;
        for at in [second, preview] {
            assert_eq!(read(order, &out, at), (wanted.to_vec(), 0, PIXELS.to_vec()));
        }
        assert!(holds(&out, b"a profile of colours"));
        let again = taken("a.tiff", &out);
        assert_eq!(again.picture, found.picture);
        assert_eq!(copy(&again, &out), out);
    }
}

#[test]
fn u5_each_kind_of_metadata_alone_is_left_out_of_a_tiff() {
    let order = Order { little: true };
    for (tag, ..) in metadata(0, 0, order) {
        if matches!(tag, 34_665 | 34_853) {
            continue;
        }
        let content = page(order, &[(tag, told(7).0, told(7).1)]);
        let found = taken("a.tiff", &content);
        assert!(!holds(&copy(&found, &content), PLANTED), "{tag}");
    }
    let xmp = b"<x:xmpmeta><rdf exif:GPSLatitude='52,22N'/>".to_vec();
    let map = [PLANTED, PLANTED, b"map..."].concat();
    for (tag, value) in [(700, xmp), (33_922, map)] {
        let content = page(order, &[(tag, 1, value.clone())]);
        let found = check("a.tiff", &content);
        assert_eq!(found.findings, [Finding::Location], "{tag}");
        assert!(!holds(&copy(&found, &content), &value));
    }
}

#[test]
fn u1_scripts_in_a_tiff_are_told_and_left_out() {
    let order = Order { little: false };
    let script = b"<?php system($_GET['c']); ?>".to_vec();
    for tag in [270, 700, 34_377, 34_675] {
        let mut fields = plain(order, 8);
        fields.retain(|(own, ..)| *own != tag);
        fields.push((tag, 7, script.clone()));
        let content = [
            head(order, 24),
            PIXELS.to_vec(),
            directory(order, 24, &fields, 0),
        ]
        .concat();
        let found = check("a.tiff", &content);
        assert_eq!(found.verdict, Verdict::AcceptSanitised, "{tag}: {found:?}");
        assert_eq!(found.findings, [Finding::ActiveText], "{tag}");
        assert!(!found.original_is_safe());
        assert!(!holds(&copy(&found, &content), b"<?php"), "{tag}");
    }
}

#[test]
fn u1_metadata_that_lies_in_what_is_kept_is_refused() {
    let order = Order { little: true };
    // The name of a program where the header, the directory and the profile are.
    let entry = |place: u32, count: u32| {
        let numbers = [order.long(count), order.long(place)].concat();
        [order.short(305), order.short(2), numbers].concat()
    };
    let content = page(order, &[(305, 2, told(2).1)]);
    let at = 24 + 2 + plain(order, 8).len() * 12 - 12;
    assert_eq!(order.read_short(&content, at), 305);
    let profile = content
        .windows(9)
        .position(|part| part == b"a profile")
        .unwrap();
    for place in [0, 4, 24, 100, u32::try_from(profile).unwrap() + 4] {
        let mut content = content.clone();
        content[at..at + 12].copy_from_slice(&entry(place, 8));
        refused("a.tiff", &content, Reason::Malformed);
    }
    // A directory of Exif that is the page itself, and one that is not there.
    let own = page(order, &[(34_665, 4, order.long(24))]);
    refused("a.tiff", &own, Reason::Malformed);
    let far = page(order, &[(34_665, 4, order.long(60_000))]);
    refused("a.tiff", &far, Reason::Truncated);
    let none = page(order, &[(34_665, 4, order.long(0))]);
    taken("a.tiff", &none);
    // Nothing is left of a directory with nothing else in it.
    let mut empty = page(order, &[]);
    let next = 24 + 2 + plain(order, 8).len() * 12;
    let end = u32::try_from(empty.len()).unwrap();
    empty[next..next + 4].copy_from_slice(&order.long(end));
    empty.extend(directory(order, end as usize, &[(305, 2, told(2).1)], 0));
    refused("a.tiff", &empty, Reason::Malformed);
}

#[test]
fn u5_a_tiff_of_a_hundred_pages_is_cleaned() {
    let order = Order { little: true };
    let mut out = [head(order, 24), PIXELS.to_vec()].concat();
    for left in (0..100).rev() {
        let fields = [
            plain(order, 8),
            vec![(305, 2, told(2).1), (700, 1, told(1).1)],
        ]
        .concat();
        let at = out.len();
        let length = directory(order, at, &fields, 0).len();
        let next = if left == 0 { 0 } else { at + length };
        out.extend(directory(order, at, &fields, u32::try_from(next).unwrap()));
    }
    let found = taken("a.tiff", &out);
    assert_eq!(found.picture.unwrap().frames, 100);
    assert!(!holds(&copy(&found, &out), PLANTED));
}
