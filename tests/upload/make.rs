//! Small files of every kind, made byte by byte, so that each can be wrong in one place.

use std::io::{Cursor, Write as _};

use flate2::Compression;
use flate2::write::{DeflateEncoder, ZlibEncoder};
use garland::upload::{Declared, Inspection, MediaKind, Reason, UploadPolicy, Verdict, inspect};

/// Checks content under a name, with the media type of the name's extension.
pub(crate) fn check(name: &str, content: &[u8]) -> Inspection {
    check_with(&UploadPolicy::default(), name, content)
}

pub(crate) fn check_with(policy: &UploadPolicy, name: &str, content: &[u8]) -> Inspection {
    let extension = name.rsplit('.').next().unwrap();
    let kind = MediaKind::of_extension(extension).unwrap();
    let declared = Declared::new(name, kind.media_type());
    inspect(policy, &declared, Cursor::new(content)).unwrap()
}

#[track_caller]
pub(crate) fn refused(name: &str, content: &[u8], reason: Reason) {
    let found = check(name, content);
    assert_eq!(found.verdict, Verdict::Reject(reason), "{name}: {found:?}");
    assert_eq!(found.delivery.size(), 0);
}

#[track_caller]
pub(crate) fn taken(name: &str, content: &[u8]) -> Inspection {
    let found = check(name, content);
    assert_eq!(found.verdict, Verdict::Accept, "{name}: {found:?}");
    found
}

/// What would be given out.
pub(crate) fn copy(found: &Inspection, content: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    found
        .delivery
        .write(&mut Cursor::new(content), &mut out)
        .unwrap();
    assert_eq!(out.len() as u64, found.delivery.size());
    out
}

pub(crate) fn crc(bytes: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    crc.sum()
}

pub(crate) fn segment(marker: u8, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len() + 2).unwrap().to_be_bytes();
    [&[0xff, marker], &length[..], body].concat()
}

/// A JPEG with more segments after its first one. Its pixels are no picture, but its structure is one.
pub(crate) fn jpeg(width: u16, height: u16, more: &[Vec<u8>]) -> Vec<u8> {
    let [w, h] = [width.to_be_bytes(), height.to_be_bytes()];
    let frame = [8, h[0], h[1], w[0], w[1], 1, 1, 0x11, 0];
    let mut out = vec![0xff, 0xd8];
    out.extend(segment(0xe0, b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0"));
    out.extend(more.concat());
    out.extend(segment(0xdb, &[0; 65]));
    out.extend(segment(0xc0, &frame));
    out.extend(segment(0xc4, &[0; 17]));
    out.extend(segment(0xda, &[1, 1, 0, 0, 63, 0]));
    out.extend([0x12, 0xff, 0x00, 0x34, 0xff, 0xd0, 0x56]);
    out.extend([0xff, 0xd9]);
    out
}

/// An Exif block with an orientation and, if asked for, a pointer to positions.
pub(crate) fn exif(orientation: u8, located: bool) -> Vec<u8> {
    let entry = |tag: u16, kind: u16, value: u32| {
        [
            &tag.to_be_bytes()[..],
            &kind.to_be_bytes(),
            &1u32.to_be_bytes(),
            &value.to_be_bytes(),
        ]
        .concat()
    };
    let mut out = b"MM\0*\0\0\0\x08\0\x02".to_vec();
    out.extend(entry(0x0112, 3, u32::from(orientation) << 16));
    out.extend(entry(if located { 0x8825 } else { 0x8769 }, 4, 38));
    out.extend([0; 4]);
    // A directory with one entry: the latitude's letter.
    out.extend(b"\0\x01\0\x01\0\x02\0\0\0\x02N\0\0\0\0\0\0\0");
    out
}

pub(crate) fn chunk(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let named = [&kind[..], body].concat();
    let length = u32::try_from(body.len()).unwrap().to_be_bytes();
    [&length[..], &named, &crc(&named).to_be_bytes()].concat()
}

pub(crate) fn png(width: u32, height: u32, more: &[Vec<u8>]) -> Vec<u8> {
    let head = [
        &width.to_be_bytes()[..],
        &height.to_be_bytes(),
        &[8, 0, 0, 0, 0],
    ]
    .concat();
    let mut out = b"\x89PNG\r\n\x1a\n".to_vec();
    out.extend(chunk(b"IHDR", &head));
    out.extend(more.concat());
    out.extend(chunk(b"IDAT", &zlib(&[0, 0])));
    out.extend(chunk(b"IEND", b""));
    out
}

pub(crate) fn gif(width: u16, height: u16, frames: usize, more: &[u8]) -> Vec<u8> {
    let [w, h] = [width.to_le_bytes(), height.to_le_bytes()];
    let size = [&w[..], &h].concat();
    let mut out = [b"GIF89a", &size[..], &[0x80, 0, 0], &[0; 6]].concat();
    out.extend(b"\x21\xff\x0bNETSCAPE2.0\x03\x01\0\0\0");
    out.extend(more);
    for _ in 0..frames {
        out.extend([&[0x2c, 0, 0, 0, 0], &size[..], &[0], &[2, 2, 0x4c, 0x01, 0]].concat());
    }
    out.push(0x3b);
    out
}

pub(crate) fn webp(chunks: &[(&[u8; 4], Vec<u8>)]) -> Vec<u8> {
    let mut body = b"WEBP".to_vec();
    for (kind, content) in chunks {
        body.extend_from_slice(*kind);
        body.extend(u32::try_from(content.len()).unwrap().to_le_bytes());
        body.extend(content);
        body.extend(vec![0; content.len() % 2]);
    }
    [
        b"RIFF",
        &u32::try_from(body.len()).unwrap().to_le_bytes()[..],
        &body,
    ]
    .concat()
}

/// The header of a lossless picture.
pub(crate) fn vp8l(width: u32, height: u32) -> Vec<u8> {
    let bits = (width - 1) | (height - 1) << 14;
    [&[0x2f], &bits.to_le_bytes()[..], &[0; 4]].concat()
}

pub(crate) fn vp8x(flags: u8, width: u32, height: u32) -> Vec<u8> {
    let side = |side: u32| (side - 1).to_le_bytes()[..3].to_vec();
    [vec![flags, 0, 0, 0], side(width), side(height)].concat()
}

pub(crate) fn boxed(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 8).unwrap().to_be_bytes();
    [&length[..], kind, body].concat()
}

pub(crate) fn mp4(more: &[Vec<u8>]) -> Vec<u8> {
    let mut out = boxed(b"ftyp", b"isom\0\0\x02\0isomiso2");
    out.extend(more.concat());
    out.extend(boxed(b"mdat", &[7; 32]));
    out
}

pub(crate) fn pdf(more: &str) -> Vec<u8> {
    format!(
        "%PDF-1.7\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\n\
         {more}\ntrailer<</Root 1 0 R>>\n%%EOF\n"
    )
    .into_bytes()
}

pub(crate) fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub(crate) fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// One entry of an archive, with everything that can be said about it.
#[derive(Clone)]
pub(crate) struct Item {
    pub(crate) name: Vec<u8>,
    pub(crate) local_name: Vec<u8>,
    pub(crate) data: Vec<u8>,
    pub(crate) method: u16,
    pub(crate) flags: u16,
    pub(crate) crc: u32,
    pub(crate) unpacked: u32,
    pub(crate) mode: u32,
    pub(crate) extra: Vec<u8>,
    pub(crate) descriptor: bool,
}

impl Item {
    pub(crate) fn new(name: &str, content: &[u8]) -> Self {
        Self {
            name: name.into(),
            local_name: name.into(),
            data: deflate(content),
            method: 8,
            flags: 0,
            crc: crc(content),
            unpacked: u32::try_from(content.len()).unwrap(),
            mode: 0o100_644,
            extra: Vec::new(),
            descriptor: false,
        }
    }

    pub(crate) fn stored(name: &str, content: &[u8]) -> Self {
        let mut item = Self::new(name, content);
        (item.data, item.method) = (content.to_vec(), 0);
        item
    }

    fn sums(&self) -> Vec<u8> {
        let packed = u32::try_from(self.data.len()).unwrap();
        [self.crc, packed, self.unpacked]
            .map(u32::to_le_bytes)
            .concat()
    }

    fn local(&self) -> Vec<u8> {
        let flags = self.flags | if self.descriptor { 8 } else { 0 };
        let mut out = b"PK\x03\x04\x14\0".to_vec();
        out.extend(flags.to_le_bytes());
        out.extend(self.method.to_le_bytes());
        out.extend([0, 0, 0x21, 0x58]);
        out.extend(if self.descriptor {
            vec![0; 12]
        } else {
            self.sums()
        });
        out.extend(u16::try_from(self.local_name.len()).unwrap().to_le_bytes());
        out.extend(u16::try_from(self.extra.len()).unwrap().to_le_bytes());
        out.extend(&self.local_name);
        out.extend(&self.extra);
        out.extend(&self.data);
        if self.descriptor {
            out.extend(b"PK\x07\x08");
            out.extend(self.sums());
        }
        out
    }

    fn central(&self, offset: u32) -> Vec<u8> {
        let flags = self.flags | if self.descriptor { 8 } else { 0 };
        let mut out = b"PK\x01\x02\x14\x03\x14\0".to_vec();
        out.extend(flags.to_le_bytes());
        out.extend(self.method.to_le_bytes());
        out.extend([0, 0, 0x21, 0x58]);
        out.extend(self.sums());
        out.extend(u16::try_from(self.name.len()).unwrap().to_le_bytes());
        out.extend(u16::try_from(self.extra.len()).unwrap().to_le_bytes());
        out.extend([0; 6]);
        out.extend((self.mode << 16).to_le_bytes());
        out.extend(offset.to_le_bytes());
        out.extend(&self.name);
        out.extend(&self.extra);
        out
    }
}

pub(crate) fn zip(items: &[Item]) -> Vec<u8> {
    zip_claiming(items, items.len())
}

/// An archive whose end record claims another number of entries.
pub(crate) fn zip_claiming(items: &[Item], count: usize) -> Vec<u8> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for item in items {
        directory.extend(item.central(u32::try_from(out.len()).unwrap()));
        out.extend(item.local());
    }
    let start = u32::try_from(out.len()).unwrap();
    let length = u32::try_from(directory.len()).unwrap();
    let count = u16::try_from(count).unwrap().to_le_bytes();
    out.extend(directory);
    out.extend(b"PK\x05\x06\0\0\0\0");
    out.extend([count, count].concat());
    out.extend(length.to_le_bytes());
    out.extend(start.to_le_bytes());
    out.extend([0, 0]);
    out
}

pub(crate) fn docx(more: &[Item]) -> Vec<u8> {
    let types = r#"<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>"#;
    let mut items = vec![
        Item::new("[Content_Types].xml", types.as_bytes()),
        Item::new("word/document.xml", b"<w:document xmlns:w='x'/>"),
    ];
    items.extend_from_slice(more);
    zip(&items)
}
