//! Base32 in lower case without padding ([RFC 4648], section 6): names that survive accounts which
//! ignore case.
//!
//! [RFC 4648]: https://www.rfc-editor.org/rfc/rfc4648#section-6

const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// The most bytes whose text has at most `characters`.
pub(super) const fn most_bytes(characters: usize) -> usize {
    characters * 5 / 8
}

pub(super) fn encode(bytes: &[u8]) -> String {
    let digit = |five: u32| {
        let index = usize::try_from(five & 31).unwrap_or(0);
        ALPHABET.get(index).map_or('a', |&digit| char::from(digit))
    };
    let mut text = String::with_capacity(bytes.len() * 8 / 5 + 1);
    let (mut held, mut bits) = (0_u32, 0);
    for &byte in bytes {
        held = held << 8 | u32::from(byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            text.push(digit(held >> bits));
        }
    }
    if bits > 0 {
        text.push(digit(held << (5 - bits)));
    }
    text
}

/// Reads it back; `None` for any text that [`encode`] does not give.
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() * 5 / 8);
    let (mut held, mut bits) = (0_u32, 0);
    for digit in text.bytes() {
        let five = match digit {
            b'a'..=b'z' => digit - b'a',
            b'2'..=b'7' => digit - b'2' + 26,
            _ => return None,
        };
        held = held << 5 | u32::from(five);
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from(held >> bits & 255).ok()?);
        }
    }
    // What is left over holds no bit, and is no digit of its own.
    let rest = held & ((1 << bits) - 1);
    (bits < 5 && rest == 0).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_vectors_hold() {
        // RFC 4648, section 10, in lower case and without padding.
        for (plain, text) in [
            ("", ""),
            ("f", "my"),
            ("fo", "mzxq"),
            ("foo", "mzxw6"),
            ("foob", "mzxw6yq"),
            ("fooba", "mzxw6ytb"),
            ("foobar", "mzxw6ytboi"),
        ] {
            assert_eq!(encode(plain.as_bytes()), text);
            assert_eq!(decode(text).as_deref(), Some(plain.as_bytes()));
            assert_eq!((plain.len() * 8).div_ceil(5), text.len());
            assert!(most_bytes(text.len()) >= plain.len());
        }
    }

    #[test]
    fn every_length_has_one_text() {
        for bad in [
            "a", "mz", "mzx", "mzxw61", "MY", "my======", "m y", "mzxw6y", "b",
        ] {
            assert_eq!(decode(bad), None, "{bad}");
        }
    }
}
