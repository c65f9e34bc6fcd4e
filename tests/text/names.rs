//! Display names and paths: laws that hold for any text.

use garland::connector::FilePath;
use garland::text::{DisplayName, Hazard, relative_path};
use proptest::prelude::*;
use unicode_normalization::UnicodeNormalization as _;

/// Text with much of what is dangerous in it.
fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("..".to_owned()),
        Just(".php".to_owned()),
        Just("/".to_owned()),
        Just("\\".to_owned()),
        Just(".".to_owned()),
        Just(" ".to_owned()),
        Just("CON".to_owned()),
        Just("{{".to_owned()),
        Just("%2e".to_owned()),
        Just("\u{202e}".to_owned()),
        Just("e\u{301}".to_owned()),
        Just("<\u{338}".to_owned()),
        "\\PC{0,6}",
        any::<char>().prop_map(String::from),
        Just("x".repeat(130)),
    ];
    prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn u3_any_text_gives_a_harmless_name(text in hostile()) {
        let name = DisplayName::neutralise(&text);
        let shown = name.as_str();
        prop_assert!((1..=DisplayName::MAX).contains(&shown.len()));
        prop_assert!(!shown.contains(['/', '\\', ':', '"', '<', '>', '|', '*', '?', '`']));
        prop_assert!(!shown.chars().any(char::is_control));
        prop_assert!(!shown.starts_with(['.', '-', '~']) && !shown.ends_with(['.', ' ']));
        prop_assert_eq!(DisplayName::hazard(shown), None);
        prop_assert_eq!(&DisplayName::parse(shown).unwrap(), &name);
        prop_assert_eq!(DisplayName::neutralise(shown), name);
    }

    #[test]
    fn u3_what_is_taken_as_written_is_kept_as_written(text in hostile()) {
        let written: String = text.nfc().collect();
        match DisplayName::parse(&text) {
            Ok(name) => prop_assert_eq!(name.as_str(), written),
            Err(_) => prop_assert_ne!(DisplayName::neutralise(&text).as_str().to_owned(), written),
        }
    }

    #[test]
    fn u3_twins_have_one_key(text in "\\PC{1,30}") {
        let [composed, apart] = [text.nfc().collect::<String>(), text.nfd().collect()];
        prop_assert_eq!(DisplayName::neutralise(&composed).key(), DisplayName::neutralise(&apart).key());
    }

    #[test]
    fn u3_a_path_from_outside_is_below_the_root(text in hostile()) {
        if let Ok(path) = relative_path(&text) {
            prop_assert_eq!(&FilePath::parse(text.as_str()).unwrap(), &path);
            prop_assert!(path.components().all(|part| !part.starts_with("..") && !part.contains(['\\', ':'])));
        }
    }
}

#[test]
fn a_name_says_what_is_wrong_with_it() {
    for (name, hazard) in [
        ("", Hazard::Empty),
        ("\u{3000}", Hazard::Empty),
        ("a\r\nb", Hazard::Control),
        ("photo\u{202e}gpj.exe", Hazard::Invisible),
        ("a/b", Hazard::Separator),
        ("\u{ff0e}\u{ff0e}\u{ff0f}", Hazard::Separator),
        ("a;b", Hazard::Syntax),
        ("a.php;.jpg", Hazard::Syntax),
        ("a.PHP.jpg", Hazard::Program),
        ("invoice.pdf.exe", Hazard::Program),
        ("lpt9.txt", Hazard::Reserved),
        ("-rf", Hazard::Edge),
        (".htaccess.bak", Hazard::Program),
        (".hidden", Hazard::Edge),
        ("a.jpg ", Hazard::Edge),
    ] {
        assert_eq!(DisplayName::hazard(name), Some(hazard), "{name:?}");
    }
    assert_eq!(DisplayName::hazard(&"é".repeat(128)), Some(Hazard::TooLong));
    for name in [
        "O'Brien & Söhne, 50 % (1).jpg",
        "写真.jpg",
        "½ … ﬁ.jpg",
        "#1 + 2 = 3.pdf",
    ] {
        assert_eq!(DisplayName::hazard(name), None, "{name}");
    }
}

#[test]
fn a_long_name_keeps_its_extension() {
    let name = DisplayName::neutralise(&format!("{}.jpeg", "é".repeat(300)));
    assert_eq!(name.as_str().len(), 255);
    assert_eq!(name.extension(), Some("jpeg"));
}

#[test]
fn u1_a_dot_in_a_sentence_is_no_program() {
    for name in [
        "Booking.com confirmation.pdf",
        "www.smithwedding.com.pdf",
        "Am Markt Pl. 5.jpg",
        "Am Markt. Pl. 5.jpg",
        "Zus. Inf. zur Feier.pdf",
        "Mr. Bat.man.jpg",
    ] {
        assert_eq!(DisplayName::hazard(name), None, "{name}");
    }
    for name in [
        "a.php .jpg",
        "a.PhP5.tar.gz",
        "a.asp.jpg",
        "setup.exe",
        "setup.exe.",
        "setup.exe . ",
        "setup. exe",
        "a.jpg.com",
        "a.sh.txt",
        "a.phtml.png",
    ] {
        assert_eq!(DisplayName::hazard(name), Some(Hazard::Program), "{name}");
    }
}
