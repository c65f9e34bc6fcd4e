//! GIF ([GIF89a](https://www.w3.org/Graphics/GIF/spec-gif89a.txt)).

use std::io::{Read, Seek};

use crate::upload::verdict::{PictureFacts, Reason};
use crate::upload::window::{Checked, Window};

use super::picture::Picture;

/// Walks every block. The copy leaves out comments and everything of applications but the loop count.
pub(in crate::engine::upload) fn gif<R: Read + Seek>(file: &mut Window<R>) -> Checked<Picture> {
    let mut picture = Picture::default();
    let (mut width, mut height) = (u32::from(file.le16(6)?), u32::from(file.le16(8)?));
    let mut at = 13 + colours(file.byte(10)?);
    let mut frames = 0u32;
    picture.keep(0..at)?;
    loop {
        let start = at;
        match file.byte(at)? {
            0x3b => {
                if frames == 0 || width == 0 || height == 0 {
                    return Err(Reason::Malformed.into());
                }
                picture.keep(start..at + 1)?;
                picture.facts = Some(PictureFacts::new(width, height, frames));
                picture.trailer(file, at + 1)?;
                return Ok(picture);
            }
            0x2c => {
                let side = |start: u16, length: u16| u32::from(start) + u32::from(length);
                width = width.max(side(file.le16(at + 1)?, file.le16(at + 5)?));
                height = height.max(side(file.le16(at + 3)?, file.le16(at + 7)?));
                frames = frames.saturating_add(1);
                let table = colours(file.byte(at + 9)?);
                at = blocks(file, at + 11 + table)?;
                picture.keep(start..at)?;
            }
            0x21 => {
                let label = file.byte(at + 1)?;
                let application = label == 0xff && file.byte(at + 2)? == 11;
                let name = if application {
                    file.array::<11>(at + 3)?
                } else {
                    [0; 11]
                };
                at = blocks(file, at + 2)?;
                let looping = matches!(&name, b"NETSCAPE2.0" | b"ANIMEXTS1.0");
                // Both have one block of a fixed size; what stands behind it is no part of them.
                let kept = match label {
                    0xf9 if file.byte(start + 2)? == 4 => start..start + 7,
                    _ if looping && file.array(start + 14)? == [3, 1] => start..start + 18,
                    _ => start..start,
                };
                if !kept.is_empty() {
                    picture.keep(kept.clone())?;
                    picture.keep(at - 1..at)?;
                }
                picture.read_text(file, kept.end..at)?;
            }
            _ => return Err(Reason::Malformed.into()),
        }
    }
}

/// Bytes of a table of colours, by its packed field.
fn colours(packed: u8) -> u64 {
    if packed & 0x80 == 0 {
        return 0;
    }
    3 << ((packed & 7) + 1)
}

/// Passes over blocks up to and with the empty one.
fn blocks<R: Read + Seek>(file: &mut Window<R>, mut at: u64) -> Checked<u64> {
    loop {
        let length = file.byte(at)?;
        at += 1 + u64::from(length);
        if length == 0 {
            return Ok(at);
        }
    }
}
