//! Text, tables, drawings, PDF and Word.

use garland::upload::{ArchiveLimits, Reason, UploadPolicy, Verdict};

use crate::make::{Item, check, check_with, docx, pdf, refused, taken, zip, zlib};

#[track_caller]
fn saved_only(name: &str, content: &str) {
    let found = check(name, content.as_bytes());
    assert_eq!(
        found.verdict,
        Verdict::AcceptAttachment,
        "{name} {content:?}: {found:?}"
    );
}

/// A stream of objects packed in some way, in a document that is otherwise harmless.
fn packed(dictionary: &str, content: &[u8]) -> Vec<u8> {
    let whole = pdf("@");
    let at = whole.iter().position(|byte| *byte == b'@').unwrap();
    let start = format!("3 0 obj<<{dictionary}>>stream\r\n");
    [
        &whole[..at],
        start.as_bytes(),
        content,
        b"\nendstream endobj\n",
        &whole[at + 1..],
    ]
    .concat()
}

#[test]
fn u1_no_comment_and_no_string_hides_packed_objects() {
    let evil = zlib(b"5 0 <</S/JavaScript/JS 6 0 R>>");
    let calm = zlib(b"5 0 <</Type/Page>>");
    for dictionary in [
        "/Type/ObjStm/First 4 %endobj\n/Filter/FlateDecode",
        "/Type/ObjStm/First 4/X(endobj)/Filter/FlateDecode",
        "/Type/ObjStm/First 4 %endstream\n/Filter/FlateDecode",
        "/Type/ObjStm/First 4/X(a\\) endobj )/Filter/FlateDecode",
        "/Type/ObjStm/First 4/X<</Y(endstream)>>/Filter/FlateDecode",
        // Readers find it by the table, whatever it says it is.
        "/Type 9 0 R/First 4/N 1/Filter/FlateDecode",
        "/First 4/N 1/Filter/FlateDecode",
    ] {
        refused("a.pdf", &packed(dictionary, &evil), Reason::ActiveContent);
        taken("a.pdf", &packed(dictionary, &calm));
    }
    // The last name of a stream has nothing behind it.
    let last = zlib(b"5 0 <</Type/Page>>/JavaScript");
    refused(
        "a.pdf",
        &packed("/Type/ObjStm/First 4", &last),
        Reason::ActiveContent,
    );
    // A stream may begin inside the packed objects only in words.
    let inner = zlib(b"5 0 <</A<<>>stream\n/XFA[]>>");
    refused(
        "a.pdf",
        &packed("/Type/ObjStm/First 4", &inner),
        Reason::ActiveContent,
    );
}

#[test]
fn u1_packed_objects_that_do_not_unpack_are_refused() {
    for (dictionary, content) in [
        (
            "/Type/ObjStm/First 4/Filter[/ASCIIHexDecode/FlateDecode]",
            &b"78da0300>"[..],
        ),
        ("/Type/ObjStm/First 4/Filter/LZWDecode", b"\x80\x0b\x60\x50"),
        (
            "/Type/ObjStm/First 4 %stream\n/Filter/ASCII85Decode",
            b"GhQ0'~>",
        ),
    ] {
        refused("a.pdf", &packed(dictionary, content), Reason::Unsupported);
    }
    // Outlines have a first item too, and are no stream.
    taken(
        "a.pdf",
        &pdf(
            "3 0 obj<</Type/Outlines/First 4 0 R>>endobj\n5 0 obj<</Length 2>>stream\nab\nendstream endobj",
        ),
    );
}

#[test]
fn u1_a_word_that_begins_no_stream_hides_nothing() {
    for inside in [
        "% stream\n3 0 obj<</XFA[]>>endobj",
        "3 0 obj(stream\n)endobj 4 0 obj<</XFA[]>>endobj",
        "3 0 obj<</Length 0>>stream\nendobj 4 0 obj<</XFA[]>>endobj",
        "3 0 obj<</A(% stream\n)/XFA[]>>endobj",
    ] {
        refused("a.pdf", &pdf(inside), Reason::ActiveContent);
    }
    refused(
        "a.pdf",
        &pdf("3 0 obj<</Length 0>>stream\n trailer<</Encrypt 4 0 R>>"),
        Reason::Encrypted,
    );
    // Pixels may spell it by chance.
    taken(
        "a.pdf",
        &pdf("3 0 obj<</Length 5>>stream\n/XFA \nendstream endobj"),
    );
}

#[test]
fn u1_what_a_document_loads_is_refused_however_it_is_spelled() {
    let relations = |text: Vec<u8>| docx(&[Item::new("word/_rels/settings.xml.rels", &text)]);
    let one = |attributes: &str| {
        let text = format!(
            "<?xml version='1.0'?><Relationships><Relationship {attributes}/></Relationships>"
        );
        text.into_bytes()
    };
    for attributes in [
        "Type='http://x/attachedTemplate' Target='https://example.invalid/a' TargetMode='External'",
        "Type = \"http://x/attachedTemplate\" Target=\"a\" TargetMode\n=\n\"External\"",
        "Type='http://x/attached&#84;emplate' Target='a' TargetMode='Ext&#x65;rnal'",
        "TargetMode=' External ' Type='http://x/oleObject' Target='a'",
        "TargetMode='External' Type='http://x/package' Target='a'",
        "TargetMode='External' Type='http://x/hyperlink/frame' Target='a'",
        "Type='http://x/attachedTemplate' Target='https://example.invalid/a'",
    ] {
        refused(
            "a.docx",
            &relations(one(attributes)),
            Reason::ExternalReference,
        );
    }
    taken(
        "a.docx",
        &relations(one(
            "Type='http://x/hyperlink' Target='https://example.com' TargetMode='External'",
        )),
    );
    taken(
        "a.docx",
        &relations(one("Type='http://x/styles' Target='styles.xml'")),
    );

    let wide: Vec<u8> = String::from_utf8(one("TargetMode='External' Type='http://x/frame'"))
        .unwrap()
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    refused(
        "a.docx",
        &relations([b"\xff\xfe".to_vec(), wide.clone()].concat()),
        Reason::Unsupported,
    );
    refused("a.docx", &relations(wide.clone()), Reason::Unsupported);
    refused(
        "a.docx",
        &docx(&[Item::new("word/a.xml", &wide)]),
        Reason::Unsupported,
    );
    refused(
        "a.docx",
        &relations(b"<Relationships".to_vec()),
        Reason::Malformed,
    );
    let mut noise = 7u32;
    let long: String = (0..1 << 20)
        .map(|_| {
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            char::from(b'a' + u8::try_from(noise >> 28).unwrap())
        })
        .collect();
    refused(
        "a.docx",
        &relations(format!("<a b='{long}'/>").into_bytes()),
        Reason::TooLarge,
    );
    let deep = format!("{}{}", "<a>".repeat(300), "</a>".repeat(300));
    refused("a.docx", &relations(deep.into_bytes()), Reason::Malformed);
}

#[test]
fn u1_comments_of_a_style_hide_nothing() {
    for inside in [
        "<style>a{b:/ * url(https://example.invalid) * /}</style>",
        "<style>a{content:\"/*\";fill:url(https://example.invalid);c:\"*/\"}</style>",
        "<a href='/*x*/#a'/>",
    ] {
        refused("a.svg", &drawing(inside), Reason::ExternalReference);
    }
    saved_only(
        "a.svg",
        std::str::from_utf8(&drawing("<style>/* a */ b{c:d/**/} /* e</style>")).unwrap(),
    );
}

#[test]
fn u4_depth_is_counted_past_what_only_looks_like_an_end() {
    let ends = "</g>".repeat(1_000);
    for nested in ["<g>".repeat(200), "<g a='/>'>".repeat(200)] {
        let inside = format!(
            "{nested}<!--{ends}--><?a {ends}?>{nested}{}",
            "</g>".repeat(400)
        );
        let found = check("a.svg", &drawing(&inside));
        assert_eq!(
            found.verdict,
            Verdict::Reject(Reason::Malformed),
            "{found:?}"
        );
    }
    saved_only(
        "a.svg",
        std::str::from_utf8(&drawing(&format!(
            "{}{}",
            "<g a='>'/>".repeat(400),
            "<g a='>'></g>".repeat(400)
        )))
        .unwrap(),
    );
}

#[test]
fn u4_a_drawing_is_read_in_one_pass() {
    // Each of these took a pass of its own for every one of its million signs.
    refused("a.svg", &drawing(&"<".repeat(1 << 20)), Reason::Malformed);
    let inside = format!("<rect style='{}'/>", "/**/".repeat(1 << 18));
    saved_only("a.svg", std::str::from_utf8(&drawing(&inside)).unwrap());
}

fn drawing(inside: &str) -> Vec<u8> {
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" xmlns:xlink=\"http://www.w3.org/1999/xlink\" width=\"9\">{inside}</svg>"
    )
    .into_bytes()
}

#[test]
fn u1_text_is_text() {
    taken("a.txt", "Grüße\r\n\tsee you at two\n".as_bytes());
    taken("a.txt", b"Stra\xdfe in an old encoding");
    taken("a.csv", "guest,seats\nZoë,2\nTom,-1.5\n".as_bytes());
    for html in [
        "<html>",
        " \n<SCRIPT>go()</SCRIPT>",
        "words, then <img src=x onerror=go()>",
        "<?php go(); ?>x",
    ] {
        let found = check("a.txt", html.as_bytes());
        assert_ne!(found.verdict, Verdict::Accept, "{html}");
    }
    saved_only("a.txt", "words, then <img src=x onerror=go()>");
    let wide = check("a.txt", b"\xff\xfe<\0b\0>\0");
    assert_eq!(wide.verdict, Verdict::AcceptAttachment, "{wide:?}");
    refused("a.txt", b"\xfe\xff\0a\0\0", Reason::ContentMismatch);
    refused("a.txt", b"\xff\xfeabc", Reason::Truncated);
    for binary in [&b"a\0b"[..], b"\x01", b"abc\x7f", b"\x1f\x8b\x08"] {
        refused("a.txt", binary, Reason::ContentMismatch);
    }
    refused("a.txt", &pdf(""), Reason::ContentMismatch);
    refused("a.txt", b"#!/bin/sh\nrm -rf /\n", Reason::ContentMismatch);
    refused("a.txt", b"", Reason::Empty);
}

#[test]
fn u1_tables_that_calculate_are_only_to_be_saved() {
    for table in [
        "a,=1+1\n",
        "=cmd|' /C calc'!A0",
        "a;\"=1\"",
        "a\n@SUM(1)",
        "-x",
        "a,+cmd",
        "+1+cmd|' /C calc'!A0",
        "a,-2.5 @x",
        "\"-1=x\"",
        "a,\" =1\"",
        "a,<script>",
    ] {
        saved_only("a.csv", table);
    }
    for table in [
        "a=b,c",
        "a,-1",
        "+31 20",
        "x@y.example",
        "a - b",
        "\"a,=b\"x",
    ] {
        let verdict = check("a.csv", table.as_bytes()).verdict;
        let quoted = table.starts_with('"');
        assert_eq!(verdict == Verdict::Accept, !quoted, "{table}");
    }
}

#[test]
fn u1_a_harmless_drawing_is_only_to_be_saved() {
    for inside in [
        "",
        "<rect width='3' fill='url(#g)' style='stroke:red'/>",
        "<a href='#x'><use xlink:href='#y'/></a>",
        "<image href='data:image/png;base64,AAAA'/>",
        "<style>.a{fill:red}</style><!-- words -->",
        "<animate attributeName='opacity' values='0;1'/>",
    ] {
        let found = check("a.svg", &drawing(inside));
        assert_eq!(
            found.verdict,
            Verdict::AcceptAttachment,
            "{inside}: {found:?}"
        );
    }
    let namespaced = r#"<?xml version="1.0"?><s:svg xmlns:s="http://www.w3.org/2000/svg"/>"#;
    assert_eq!(
        check("a.svg", namespaced.as_bytes()).verdict,
        Verdict::AcceptAttachment
    );
}

#[test]
fn u1_a_drawing_that_acts_or_reaches_out_is_refused() {
    for (inside, reason) in [
        ("<script>go()</script>", Reason::ActiveContent),
        ("<SCRIPT/>", Reason::ActiveContent),
        (
            "<x:script xmlns:x='http://www.w3.org/2000/svg'/>",
            Reason::ActiveContent,
        ),
        ("<rect onclick='go()'/>", Reason::ActiveContent),
        ("<foreignObject/>", Reason::ActiveContent),
        (
            "<h:div xmlns:h='http://www.w3.org/1999/xhtml'/>",
            Reason::ActiveContent,
        ),
        ("<a href='jav&#x61;script:go()'/>", Reason::ActiveContent),
        (
            "<a xlink:href=' java\tscript:go()'/>",
            Reason::ActiveContent,
        ),
        (
            "<a href='https://example.invalid'/>",
            Reason::ExternalReference,
        ),
        ("<use href='other.svg#a'/>", Reason::ExternalReference),
        (
            "<image href='//example.invalid/a.png'/>",
            Reason::ExternalReference,
        ),
        (
            "<image href='data:image/svg+xml;base64,AA'/>",
            Reason::ActiveContent,
        ),
        ("<set attributeName='href' to='#a'/>", Reason::ActiveContent),
        (
            "<animate attributeName='xlink:href' values='#a'/>",
            Reason::ActiveContent,
        ),
        (
            "<set attributeName='onclick' to='go()'/>",
            Reason::ActiveContent,
        ),
        ("<style>@import 'x.css';</style>", Reason::ActiveContent),
        (
            "<style>a{fill:u/**/rl(https://example.invalid)}</style>",
            Reason::ExternalReference,
        ),
        (
            "<rect style='fill:url( \"//example.invalid\")'/>",
            Reason::ExternalReference,
        ),
        (
            "<rect fill='url(https://example.invalid#a)'/>",
            Reason::ExternalReference,
        ),
        (
            "<rect style='fill:\\75rl(//example.invalid)'/>",
            Reason::ActiveContent,
        ),
        ("<?xml-stylesheet href='x.css'?>", Reason::ActiveContent),
        (
            "<g xml:base='https://example.invalid/'/>",
            Reason::ExternalReference,
        ),
        ("<g", Reason::Malformed),
    ] {
        refused("a.svg", &drawing(inside), reason);
    }
    refused("a.svg", b"<svg/>", Reason::ContentMismatch);
    refused(
        "a.svg",
        b"<html><svg xmlns='http://www.w3.org/2000/svg'/></html>",
        Reason::ContentMismatch,
    );
    refused(
        "a.svg",
        &[b"\xff\xfe".to_vec(), drawing("")].concat(),
        Reason::ContentMismatch,
    );
}

#[test]
fn u4_a_drawing_does_not_grow_when_it_is_read() {
    let lol = "<!DOCTYPE svg [<!ENTITY a 'lol'><!ENTITY b '&a;&a;&a;&a;'>]><svg xmlns='http://www.w3.org/2000/svg'>&b;</svg>";
    refused("a.svg", lol.as_bytes(), Reason::Entities);
    let deep = format!("{}{}", "<g>".repeat(100_000), "</g>".repeat(100_000));
    refused("a.svg", &drawing(&deep), Reason::Malformed);
    refused(
        "a.svg",
        &drawing(&"<g/>".repeat(300_000)),
        Reason::Malformed,
    );
    refused("a.svg", &drawing(&" ".repeat(3 << 20)), Reason::TooLarge);
}

#[test]
fn u1_a_document_that_acts_is_refused_however_it_is_spelled() {
    taken("a.pdf", &pdf(""));
    taken(
        "a.pdf",
        &pdf("3 0 obj<</S/URI/URI(https://example.com)>>endobj"),
    );
    for (inside, reason) in [
        (
            "3 0 obj<</S/JavaScript/JS(go())>>endobj",
            Reason::ActiveContent,
        ),
        (
            "3 0 obj<</S/J#61vaScript/JS (go())>>endobj",
            Reason::ActiveContent,
        ),
        ("3 0 obj<</S /#4Aava#53cript>>endobj", Reason::ActiveContent),
        ("3 0 obj<</JS 4 0 R>>endobj", Reason::ActiveContent),
        (
            "3 0 obj<</S/Launch/F(cmd.exe)>>endobj",
            Reason::ActiveContent,
        ),
        (
            "3 0 obj<</Type/EmbeddedFile/Length 1>>\nstream\nx\nendstream endobj",
            Reason::ActiveContent,
        ),
        (
            "3 0 obj<</S/SubmitForm/F(https://example.invalid)>>endobj",
            Reason::ActiveContent,
        ),
        ("3 0 obj<</XFA[]>>endobj", Reason::ActiveContent),
        ("3 0 obj<</Encrypt 4 0 R>>endobj", Reason::Encrypted),
        // Behind a word that only looks like the start of a stream.
        (
            "% stream\n3 0 obj<</S/JavaScript/JS(go())>>endobj",
            Reason::ActiveContent,
        ),
    ] {
        refused("a.pdf", &pdf(inside), reason);
    }
    let mut cut = pdf("");
    cut.truncate(cut.len() - 6);
    refused("a.pdf", &cut, Reason::Truncated);
    refused(
        "a.pdf",
        &[b"<html>".to_vec(), pdf("")].concat(),
        Reason::ContentMismatch,
    );
    let archive = zip(&[Item::new("a.txt", b"hello")]);
    refused("a.pdf", &[pdf(""), archive].concat(), Reason::Polyglot);
}

#[test]
fn u1_packed_objects_are_unpacked_and_read() {
    let packed = |objects: &[u8], dictionary: &str| {
        let dictionary = format!("/Type/ObjStm/N 1/First 4{dictionary}");
        packed(&dictionary, &zlib(objects))
    };
    taken(
        "a.pdf",
        &packed(b"5 0 <</Type/Page>>", "/Filter/FlateDecode"),
    );
    for dictionary in [
        "/Filter/FlateDecode",
        "/Filter 9 0 R",
        "/Filter/F#6cateDecode",
    ] {
        let content = packed(b"5 0 <</S/JavaScript/JS 6 0 R>>", dictionary);
        refused("a.pdf", &content, Reason::ActiveContent);
    }
    let bomb = packed(&vec![b' '; (1 << 20) + 1], "/Filter/FlateDecode");
    let limits = ArchiveLimits::default().with_max_unpacked(1 << 20);
    let policy = UploadPolicy::default().with_archive(limits);
    let found = check_with(&policy, "a.pdf", &bomb);
    assert_eq!(found.verdict, Verdict::Reject(Reason::ArchiveSize));
}

#[test]
fn u1_a_word_document_is_an_archive_without_macros() {
    taken("a.docx", &docx(&[]));
    taken("a.zip", &docx(&[]));
    let link = Item::new(
        "word/_rels/document.xml.rels",
        br#"<Relationship Type="http://x/hyperlink" Target="https://example.com" TargetMode="External"/>"#,
    );
    taken("a.docx", &docx(&[link]));
    let template = Item::new(
        "word/_rels/settings.xml.rels",
        br#"<Relationship Type="http://x/attachedTemplate" Target="https://example.invalid/a.dotm" TargetMode="External"/>"#,
    );
    refused("a.docx", &docx(&[template]), Reason::ExternalReference);
    refused(
        "a.docx",
        &docx(&[Item::new("word/vbaProject.bin", b"x")]),
        Reason::ActiveContent,
    );
    refused(
        "a.docx",
        &docx(&[Item::new("word/embeddings/a.xlsx", b"x")]),
        Reason::ActiveContent,
    );
    refused(
        "a.docx",
        &docx(&[Item::new(
            "word/a.xml",
            b"<!DOCTYPE x [<!ENTITY a 'b'>]><x/>",
        )]),
        Reason::Entities,
    );
    refused(
        "a.docx",
        &docx(&[Item::new("../a.xml", b"x")]),
        Reason::ArchivePath,
    );
    refused(
        "a.docx",
        &zip(&[Item::new("a.txt", b"x")]),
        Reason::ContentMismatch,
    );
    refused(
        "a.docx",
        &zip(&[Item::new("[Content_Types].xml", b"x")]),
        Reason::ContentMismatch,
    );
}
