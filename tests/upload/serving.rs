//! Headers: nothing of a name gets out of its header, and only pictures and films are shown.

use garland::text::DisplayName;
use garland::upload::{MediaKind, Reason, ServeHeaders, Verdict};
use proptest::prelude::*;

fn decoded(value: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = value.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        if *first == b'%' {
            bytes.push(u8::from_str_radix(std::str::from_utf8(&after[..2]).unwrap(), 16).unwrap());
            rest = &after[2..];
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    String::from_utf8(bytes).unwrap()
}

proptest! {
    #[test]
    fn u6_any_name_stays_in_its_header_and_can_be_read_again(text in any::<String>()) {
        let name = DisplayName::neutralise(&text);
        let headers = ServeHeaders::attachment(MediaKind::Pdf, &name);
        for (header, value) in headers.iter() {
            prop_assert!(value.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{}: {}", header, value);
        }
        let value = headers.get("Content-Disposition").unwrap();
        prop_assert_eq!(value.matches('"').count(), 2);
        let plain = value.split('"').nth(1).unwrap();
        let full = value.split_once("filename*=UTF-8''").map_or_else(|| plain.to_owned(), |(_, full)| decoded(full));
        prop_assert_eq!(full, name.as_str());
    }
}

#[test]
fn u6_only_pictures_and_films_are_shown() {
    let name = DisplayName::parse("a").unwrap();
    for kind in MediaKind::ALL.iter().copied() {
        let inline = matches!(
            kind,
            MediaKind::Jpeg | MediaKind::Png | MediaKind::Gif | MediaKind::Webp | MediaKind::Mp4
        );
        for (verdict, shown) in [
            (Verdict::Accept, inline),
            (Verdict::AcceptSanitised, inline),
            (Verdict::AcceptAttachment, false),
            (Verdict::Reject(Reason::Malformed), false),
        ] {
            let headers = ServeHeaders::new(kind, verdict, &name);
            let wanted = if shown {
                "inline; filename=\"a\""
            } else {
                "attachment; filename=\"a\""
            };
            assert_eq!(
                headers.get("content-disposition"),
                Some(wanted),
                "{kind} {verdict:?}"
            );
            assert_eq!(headers.get("x-content-type-options"), Some("nosniff"));
            assert_eq!(
                headers.get("content-security-policy"),
                Some("default-src 'none'; sandbox")
            );
            assert_eq!(
                headers.get("cross-origin-resource-policy"),
                Some("same-origin")
            );
            let media_type = headers.get("content-type").unwrap();
            assert!(
                !media_type.contains("svg")
                    && !media_type.contains("html")
                    && !media_type.contains("xml;")
            );
        }
    }
}

#[test]
fn u6_the_name_is_given_as_the_standards_say() {
    for (name, wanted) in [
        ("plain.jpg", "attachment; filename=\"plain.jpg\""),
        (
            "naïve 50 %.txt",
            "attachment; filename=\"na_ve 50 _.txt\"; filename*=UTF-8''na%C3%AFve%2050%20%25.txt",
        ),
        (
            "O'Brien.jpg",
            "attachment; filename=\"O'Brien.jpg\"; filename*=UTF-8''O%27Brien.jpg",
        ),
        (
            "€ (1).pdf",
            "attachment; filename=\"_ (1).pdf\"; filename*=UTF-8''%E2%82%AC%20%281%29.pdf",
        ),
    ] {
        let headers = ServeHeaders::attachment(MediaKind::Pdf, &DisplayName::parse(name).unwrap());
        assert_eq!(headers.get("content-disposition"), Some(wanted));
    }
}
