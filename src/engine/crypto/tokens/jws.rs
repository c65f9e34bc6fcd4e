//! The compact form of a signed thing, HS256 and nothing else.
//!
//! [RFC 7515](https://www.rfc-editor.org/rfc/rfc7515), as strict as
//! [RFC 8725](https://www.rfc-editor.org/rfc/rfc8725) wishes: the algorithm stands in the code, not
//! in the token, no key comes from a token, and the signature is checked before the payload is read.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac as _};
use serde::{Deserialize, Deserializer};
use sha2::Sha256;

use crate::engine::crypto::secret::same;

use super::denied::DenyReason;
use super::key::KeyId;

/// Longest token in bytes.
pub(crate) const LONGEST: usize = 8 << 10;

/// The one algorithm.
const ALGORITHM: &str = "HS256";

/// What an access token says that it is ([RFC 9068, 2.1](https://www.rfc-editor.org/rfc/rfc9068#section-2.1)).
pub(super) const ACCESS: &str = "at+jwt";

/// Returns the first part of every access token that a key signs.
pub(super) fn access_header(id: &KeyId) -> Box<str> {
    // An id needs no escape.
    let header = format!(r#"{{"alg":"{ALGORITHM}","typ":"{ACCESS}","kid":"{id}"}}"#);
    URL_SAFE_NO_PAD.encode(header).into()
}

/// Signs a payload under a header that is encoded already.
pub(crate) fn sign(mac: &Hmac<Sha256>, header: &str, payload: &[u8]) -> String {
    let mut token = String::with_capacity(header.len() + payload.len() * 4 / 3 + 48);
    token.push_str(header);
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(payload, &mut token);
    let mut mac = mac.clone();
    mac.update(token.as_bytes());
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(mac.finalize().into_bytes(), &mut token);
    token
}

/// A token cut in its three parts. Nothing of it is believed yet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Compact<'t> {
    /// What is signed: header, dot, payload.
    signed: &'t str,
    header: &'t str,
    payload: &'t str,
    tag: [u8; 32],
}

impl<'t> Compact<'t> {
    /// Cuts a token; anything that is not exactly three parts is refused.
    pub(crate) fn split(token: &'t str) -> Result<Self, DenyReason> {
        if token.len() > LONGEST {
            return Err(DenyReason::Malformed);
        }
        let (signed, tag) = token.rsplit_once('.').ok_or(DenyReason::Malformed)?;
        let (header, payload) = signed.split_once('.').ok_or(DenyReason::Malformed)?;
        // A dot within the payload is no character of base64, so a fourth part is found when it is
        // decoded; found here, the reason is the right one.
        if payload.contains('.') {
            return Err(DenyReason::Malformed);
        }
        Ok(Self {
            signed,
            header,
            payload,
            tag: tag_of(tag).ok_or(DenyReason::Signature)?,
        })
    }

    /// Returns the header as it stands in the token.
    pub(super) fn raw_header(&self) -> &'t str {
        self.header
    }

    /// Reads what the header says, and refuses what must not be followed.
    pub(crate) fn header(&self) -> Result<Header, DenyReason> {
        let bytes = decode(self.header)?;
        let header = Fields::read(&bytes).ok_or(DenyReason::Header)?;
        if header.alg != ALGORITHM {
            return Err(DenyReason::Algorithm);
        }
        let owned = |text: Option<Cow<'_, str>>| text.map(|text| text.into_owned().into());
        Ok(Header {
            kid: owned(header.kid),
            typ: owned(header.typ),
            cty: owned(header.cty),
        })
    }

    /// Checks the signature, in constant time.
    pub(crate) fn verify(&self, mac: &Hmac<Sha256>) -> Result<(), DenyReason> {
        let mut mac = mac.clone();
        mac.update(self.signed.as_bytes());
        if same(&mac.finalize().into_bytes(), &self.tag) {
            Ok(())
        } else {
            Err(DenyReason::Signature)
        }
    }

    /// Decodes the payload; only to be read once [`verify`](Compact::verify) has said yes.
    pub(crate) fn payload(&self) -> Result<Vec<u8>, DenyReason> {
        decode(self.payload)
    }
}

/// What a header said that may be followed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Header {
    /// Which key signed it.
    pub(crate) kid: Option<Box<str>>,
    /// What it is.
    pub(crate) typ: Option<Box<str>>,
    /// What its payload is.
    pub(crate) cty: Option<Box<str>>,
}

/// Base64url without padding; bits that mean nothing must be zero, so that no two texts are one thing.
fn decode(text: &str) -> Result<Vec<u8>, DenyReason> {
    URL_SAFE_NO_PAD
        .decode(text)
        .map_err(|_| DenyReason::Malformed)
}

/// A whole tag has 43 characters.
fn tag_of(text: &str) -> Option<[u8; 32]> {
    if text.len() != 43 {
        return None;
    }
    let mut bytes = [0; 33];
    let length = URL_SAFE_NO_PAD.decode_slice(text, &mut bytes).ok()?;
    bytes.get(..length)?.try_into().ok()
}

/// Every field that is allowed. All others are refused: `jwk`, `jku`, `x5u` and `x5c` bring a key,
/// `crit`, `b64` and `zip` change how the token is read, and of the rest nobody knows what they do.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields<'a> {
    #[serde(borrow)]
    alg: Cow<'a, str>,
    #[serde(borrow, default, deserialize_with = "text")]
    kid: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "text")]
    typ: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "text")]
    cty: Option<Cow<'a, str>>,
}

impl<'a> Fields<'a> {
    fn read(bytes: &'a [u8]) -> Option<Self> {
        // Serde would take a list of the values as well.
        let object = bytes.trim_ascii_start().starts_with(b"{");
        object.then(|| serde_json::from_slice(bytes).ok()).flatten()
    }
}

/// JSON text that borrows where it can.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(super) struct Text<'a>(#[serde(borrow)] pub(super) Cow<'a, str>);

/// A field that may be missing, but not `null`.
fn text<'de: 'a, 'a, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Cow<'a, str>>, D::Error> {
    Text::deserialize(deserializer).map(|text| Some(text.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::crypto::tokens::key::mac;

    const KEY: &[u8] = b"garland-test-key-32-bytes-long!!";

    fn token(header: &str) -> String {
        sign(&mac(KEY).unwrap(), &URL_SAFE_NO_PAD.encode(header), b"{}")
    }

    fn header(text: &str) -> Result<Header, DenyReason> {
        let token = token(text);
        let compact = Compact::split(&token)?;
        compact.verify(&mac(KEY).unwrap())?;
        compact.header()
    }

    #[test]
    fn t1_a_header_may_say_what_is_allowed_only() {
        let good = header(r#" { "kid" : "k\u0031", "alg": "HS256" } "#).unwrap();
        assert_eq!(good.kid.as_deref(), Some("k1"));
        for (text, reason) in [
            (r#"{"alg":"none"}"#, DenyReason::Algorithm),
            (r#"{"alg":"hs256"}"#, DenyReason::Algorithm),
            (r#"{"alg":"HS512"}"#, DenyReason::Algorithm),
            (r#"{"alg":""}"#, DenyReason::Algorithm),
            (r#"{}"#, DenyReason::Header),
            (r#"["HS256","k1","at+jwt"]"#, DenyReason::Header),
            (r#"{"alg":"HS256","alg":"HS256"}"#, DenyReason::Header),
            (r#"{"alg":"none","alg":"HS256"}"#, DenyReason::Header),
            (r#"{"alg":["HS256"]}"#, DenyReason::Header),
            (r#"{"alg":"HS256","kid":null}"#, DenyReason::Header),
            (r#"{"alg":"HS256","kid":1}"#, DenyReason::Header),
            (r#"{"alg":"HS256","jwk":{}}"#, DenyReason::Header),
            (
                r#"{"alg":"HS256","jku":"https://a.test"}"#,
                DenyReason::Header,
            ),
            (
                r#"{"alg":"HS256","x5u":"https://a.test"}"#,
                DenyReason::Header,
            ),
            (r#"{"alg":"HS256","x5c":[]}"#, DenyReason::Header),
            (r#"{"alg":"HS256","crit":[]}"#, DenyReason::Header),
            (
                r#"{"alg":"HS256","crit":["b64"],"b64":false}"#,
                DenyReason::Header,
            ),
            (r#"{"alg":"HS256","zip":"DEF"}"#, DenyReason::Header),
            (r#"{"alg":"HS256"} x"#, DenyReason::Header),
            ("\u{feff}{\"alg\":\"HS256\"}", DenyReason::Header),
        ] {
            assert_eq!(header(text).unwrap_err(), reason, "{text}");
        }
    }

    #[test]
    fn a_token_has_three_parts_in_canonical_base64() {
        let good = token(r#"{"alg":"HS256"}"#);
        let bad = [
            String::new(),
            ".".into(),
            "..".into(),
            good.replacen('.', "", 1),
            format!("{good}."),
            format!(".{good}"),
            format!("{good}="),
            format!("{good}\n"),
            format!(" {good}"),
            good.replace('.', ".."),
            format!("{}a{good}", "a".repeat(LONGEST)),
        ];
        for text in bad {
            let checked = Compact::split(&text).and_then(|compact| {
                compact.verify(&mac(KEY).unwrap())?;
                compact.header()?;
                compact.payload()
            });
            assert!(checked.is_err(), "{text}");
        }
        // The last character of a tag carries two bits that mean nothing.
        let (rest, last) = good.split_at(good.len() - 1);
        let other = char::from(last.as_bytes()[0] + 1);
        assert!(Compact::split(&format!("{rest}{other}")).is_err());
    }
}
