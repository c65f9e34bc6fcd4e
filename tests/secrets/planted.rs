//! Secrets that are known to the test, and the forms in which they could turn up.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// Secrets with a name each.
#[derive(Default)]
pub(crate) struct Planted(Vec<(String, Vec<Vec<u8>>)>);

impl Planted {
    /// Plants a secret. Shorter ones than 8 bytes would be found by chance.
    pub(crate) fn plant(&mut self, name: impl Into<String>, secret: &[u8]) {
        assert!(secret.len() >= 8, "too short to be told from noise");
        self.0.push((name.into(), forms(secret)));
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns the names of those that stand in `text`, in whatever form.
    pub(crate) fn found_in(&self, text: &[u8]) -> Vec<&str> {
        let holds = |form: &Vec<u8>| text.windows(form.len()).any(|window| window == form);
        self.0
            .iter()
            .filter(|(_, forms)| forms.iter().any(holds))
            .map(|(name, _)| name.as_str())
            .collect()
    }
}

/// The bytes themselves, as digits of either case, as a list of numbers, and in base64 at each of the three places where
/// they can begin within something longer.
fn forms(secret: &[u8]) -> Vec<Vec<u8>> {
    let lower: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
    let numbers: Vec<_> = secret.iter().map(u8::to_string).collect();
    let mut forms = vec![
        secret.to_vec(),
        lower.to_uppercase().into_bytes(),
        lower.into_bytes(),
        numbers.join(", ").into_bytes(),
        numbers.join(",").into_bytes(),
    ];
    // With so many bytes before it, so many digits hold bits of what is not the secret.
    for (before, mixed) in [(0, 0), (1, 2), (2, 3)] {
        let text = [vec![0; before].as_slice(), secret].concat();
        for base64 in [STANDARD_NO_PAD.encode(&text), URL_SAFE_NO_PAD.encode(&text)] {
            forms.push(base64.as_bytes()[mixed..base64.len() - 2].to_vec());
        }
    }
    forms
}

#[test]
fn a_secret_is_found_in_every_form() {
    let secret: Vec<u8> = (0..32).map(|byte| byte * 7 + 3).collect();
    let mut planted = Planted::default();
    planted.plant("key", &secret);
    assert_eq!(planted.found_in(b"nothing of the kind"), Vec::<&str>::new());
    let hex: String = secret.iter().map(|byte| format!("{byte:02X}")).collect();
    let mut texts = vec![
        secret.clone(),
        hex.into_bytes(),
        format!("{secret:?}").into_bytes(),
    ];
    for before in 0..4 {
        let text = [vec![0xff; before].as_slice(), secret.as_slice(), b"tail"].concat();
        texts.push(STANDARD_NO_PAD.encode(&text).into_bytes());
        texts.push(URL_SAFE_NO_PAD.encode(&text).into_bytes());
    }
    for text in texts {
        assert_eq!(planted.found_in(&text), ["key"], "{}", text.escape_ascii());
    }
}
