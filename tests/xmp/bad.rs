//! What is no sidecar is left alone.

use garland::ErrorKind;

use crate::said::{array, input, sidecar, try_merge};

#[track_caller]
fn refused(content: impl AsRef<[u8]>, expected: ErrorKind) {
    let good = sidecar("xmp:Rating='5'", "");
    let content = content.as_ref();
    for inputs in [
        [input(1, content), input(2, &good)],
        [input(2, &good), input(1, content)],
    ] {
        let error = try_merge(&inputs).unwrap_err();
        assert_eq!(error.kind(), expected, "{error:?}");
        assert!(
            error.to_string().contains("path `day/IMG_1.xmp`"),
            "{error}"
        );
    }
}

#[test]
fn what_is_not_xmp_is_refused() {
    for content in [
        "",
        "plain text",
        "<html/>",
        "<x:xmpmeta xmlns:x='adobe:ns:meta/'/>",
        "{\"rating\": 5}",
    ] {
        refused(content, ErrorKind::InvalidInput);
    }
    refused(b"\xff\xfe<\0x\0", ErrorKind::InvalidInput);
    refused(b"\x89PNG\r\n\x1a\n", ErrorKind::InvalidInput);
    assert_eq!(try_merge(&[]).unwrap_err().kind(), ErrorKind::InvalidInput);
}

#[test]
fn what_is_not_well_formed_is_refused_wherever_it_is_cut() {
    let whole = sidecar("xmp:Rating='5'", &array("dc:subject", "Bag", &["a", "b"]));
    for end in 0..whole.len() {
        refused(&whole[..end], ErrorKind::InvalidInput);
    }
    refused(
        whole.replace("</rdf:li>", "</rdf:Li>"),
        ErrorKind::InvalidInput,
    );
    refused(
        whole.replace("xmp:Rating", "unbound:Rating"),
        ErrorKind::InvalidInput,
    );
}

#[test]
fn document_types_are_refused_and_no_entity_is_expanded() {
    let whole = sidecar("", "<xmp:Label>&secret;</xmp:Label>");
    let file = format!("<!DOCTYPE x [<!ENTITY secret SYSTEM 'file:///etc/passwd'>]>{whole}");
    refused(&file, ErrorKind::InvalidInput);
    let bomb: String = (0..20)
        .map(|n| format!("<!ENTITY l{} '&l{n};&l{n};&l{n};'>", n + 1))
        .collect();
    let bomb = format!("<!DOCTYPE x [<!ENTITY l0 'ha'>{bomb}<!ENTITY secret '&l20;'>]>{whole}");
    refused(&bomb, ErrorKind::InvalidInput);
    refused(&whole, ErrorKind::InvalidInput);
}

#[test]
fn what_is_too_deep_too_wide_or_too_large_is_refused() {
    let deep = format!(
        "{}{}",
        "<xmp:a>".repeat(100_000),
        "</xmp:a>".repeat(100_000)
    );
    refused(sidecar("", &deep), ErrorKind::LimitExceeded);
    let wide: String = (0..2000).map(|n| format!(" xmp:a{n}=''")).collect();
    refused(sidecar(&wide, ""), ErrorKind::LimitExceeded);
    let many: Vec<String> = (0..60_000).map(|n| n.to_string()).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let many = sidecar("", &array("dc:subject", "Bag", &many));
    refused(many, ErrorKind::LimitExceeded);
    let large = "x".repeat(5 << 20);
    refused(sidecar("", &large), ErrorKind::LimitExceeded);
}

#[test]
fn rdf_that_xmp_does_not_use_is_refused() {
    for (attributes, properties) in [
        ("rdf:ID='x'", ""),
        ("", "loose text"),
        ("xmp:Rating='1'", "<xmp:Rating>2</xmp:Rating>"),
        ("", "<xmp:Rating>2</xmp:Rating><xmp:Rating>2</xmp:Rating>"),
    ] {
        refused(sidecar(attributes, properties), ErrorKind::InvalidInput);
    }
    let other = sidecar("", "").replace("rdf:Description", "rdf:Seq");
    refused(other, ErrorKind::InvalidInput);
    let one = |about: &str| format!("<rdf:Description rdf:about='{about}'/></rdf:RDF>");
    let two = sidecar("", "").replace("rdf:about=\"\"", "rdf:about=\"uuid:1\"");
    let two = two.replace("</rdf:RDF>", &one("uuid:2"));
    refused(two, ErrorKind::InvalidInput);
}
