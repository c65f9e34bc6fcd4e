//! Words that hide in segments which the copy keeps.

use garland::upload::{Finding, Inspection, Verdict};

use crate::make::{check, chunk, copy, gif, jpeg, png, segment, taken, vp8l, vp8x, webp, zlib};

const SCRIPT: &[u8] = b"<script>go()</script>";

/// The script is told, and the copy is that of the plain picture.
#[track_caller]
fn cleaned(name: &str, content: &[u8], plain: &[u8]) -> Inspection {
    let found = check(name, content);
    assert_eq!(found.verdict, Verdict::AcceptSanitised, "{name}: {found:?}");
    assert_eq!(found.findings, [Finding::ActiveText], "{name}");
    assert!(!found.original_is_safe());
    let out = copy(&found, content);
    assert_eq!(out, plain, "{name}");
    let again = taken(name, &out);
    assert_eq!(copy(&again, &out), out);
    found
}

/// A JPEG with another first segment than the usual one.
fn opened_by(block: &[u8]) -> Vec<u8> {
    let plain = jpeg(8, 8, &[]);
    [&plain[..2], &segment(0xe0, block), &plain[20..]].concat()
}

const JFIF: &[u8; 14] = b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0";

#[test]
fn u1_a_jfif_segment_ends_where_it_says() {
    let plain = jpeg(8, 8, &[]);
    assert_eq!(opened_by(JFIF), plain);
    cleaned("a.jpg", &opened_by(&[JFIF, SCRIPT].concat()), &plain);
    // As a thumbnail of seven by one pixels.
    let mut small = JFIF.to_vec();
    small[12..].copy_from_slice(&[7, 1]);
    cleaned("a.jpg", &opened_by(&[&small, SCRIPT].concat()), &plain);
    // Words that are no script go without a word.
    let content = opened_by(&[JFIF, &b"Zo\xc3\xab's telephone"[..]].concat());
    assert_eq!(copy(&taken("a.jpg", &content), &content), plain);
    // In the numbers themselves, and one that is too short.
    let none = [&plain[..2], &plain[20..]].concat();
    let content = opened_by(b"JFIF\0<script\0\0>go()");
    cleaned("a.jpg", &content, &none);
    let content = opened_by(b"JFIF\0\x01\x01\0<?=`\0\0");
    cleaned("a.jpg", &content, &none);
}

#[test]
fn u1_profiles_and_transforms_of_a_jpeg_hold_no_script() {
    let plain = jpeg(8, 8, &[]);
    let profile = |words: &[u8]| segment(0xe2, &[b"ICC_PROFILE\0\x01\x01", words].concat());
    cleaned("a.jpg", &jpeg(8, 8, &[profile(SCRIPT)]), &plain);
    cleaned(
        "a.jpg",
        &jpeg(8, 8, &[profile(b"\0\0<?=`$_GET[0]`?>\0")]),
        &plain,
    );
    // Three signs by chance among numbers are no script.
    let quiet = jpeg(
        8,
        8,
        &[profile(b"\x01<?=\x02 */=\xff <%@\0 sRGB IEC61966-2.1")],
    );
    assert_eq!(copy(&taken("a.jpg", &quiet), &quiet), quiet);

    let adobe = |words: &[u8]| segment(0xee, &[b"Adobe", words].concat());
    cleaned("a.jpg", &jpeg(8, 8, &[adobe(SCRIPT)]), &plain);
    let twelve = b"\0d\x80\0\0\0\x02";
    let exact = jpeg(8, 8, &[adobe(twelve)]);
    assert_eq!(copy(&taken("a.jpg", &exact), &exact), exact);
    let long = jpeg(8, 8, &[adobe(&[twelve, SCRIPT].concat())]);
    cleaned("a.jpg", &long, &exact);
    let odd = jpeg(8, 8, &[adobe(b"\0d\0\0\0\0\x03")]);
    assert_eq!(copy(&taken("a.jpg", &odd), &odd), plain);
}

#[test]
fn u1_blocks_of_a_gif_have_their_size() {
    let block = |bytes: &[u8]| [&[u8::try_from(bytes.len()).unwrap()], bytes].concat();
    let control = |blocks: &[Vec<u8>]| [b"\x21\xf9", &blocks.concat()[..], b"\0"].concat();
    let own = block(&[4, 10, 0, 0]);
    let plain = gif(8, 8, 1, &control(std::slice::from_ref(&own)));
    assert_eq!(copy(&taken("a.gif", &plain), &plain), plain);
    let more = gif(8, 8, 1, &control(&[own.clone(), block(SCRIPT)]));
    cleaned("a.gif", &more, &plain);
    let bare = gif(8, 8, 1, b"");
    cleaned("a.gif", &gif(8, 8, 1, &control(&[block(SCRIPT)])), &bare);

    let looped = |name: &[u8; 11], blocks: &[Vec<u8>]| {
        [b"\x21\xff\x0b", &name[..], &blocks.concat(), b"\0"].concat()
    };
    for name in [b"NETSCAPE2.0", b"ANIMEXTS1.0"] {
        let own = block(&[1, 5, 0]);
        let plain = gif(8, 8, 1, &looped(name, std::slice::from_ref(&own)));
        assert_eq!(copy(&taken("a.gif", &plain), &plain), plain);
        let more = gif(8, 8, 1, &looped(name, &[own, block(SCRIPT)]));
        cleaned("a.gif", &more, &plain);
        cleaned(
            "a.gif",
            &gif(8, 8, 1, &looped(name, &[block(SCRIPT)])),
            &bare,
        );
        let other = gif(8, 8, 1, &looped(name, &[block(&[2, 5, 0])]));
        assert_eq!(copy(&taken("a.gif", &other), &other), bare);
    }
    let words = gif(8, 8, 1, &control(&[own, block(b"Zo\xc3\xab")]));
    assert_eq!(copy(&taken("a.gif", &words), &words), plain);
}

#[test]
fn u1_profiles_and_palettes_of_a_png_hold_no_script() {
    let plain = png(8, 8, &[]);
    let stored = [
        &[0x78, 0x01, 0x01][..],
        &[21, 0, !21, 0xff],
        SCRIPT,
        &[0, 0, 0, 0],
    ]
    .concat();
    for (kind, body) in [
        (
            b"iCCP",
            [&b"<script>go()\0\0"[..], &zlib(b"profile")].concat(),
        ),
        (b"iCCP", [&b"sRGB\0\0"[..], &zlib(SCRIPT)].concat()),
        (b"iCCP", [&b"sRGB\0\0"[..], &stored].concat()),
        (
            b"iCCP",
            [&b"sRGB\0\0"[..], &zlib(b"profile"), SCRIPT].concat(),
        ),
        (b"iCCP", SCRIPT.repeat(5)),
        (b"sPLT", [SCRIPT, b"\0\x08", &[0; 6]].concat()),
        (b"sPLT", [b"six\0\x08", SCRIPT].concat()),
        (b"tRNS", SCRIPT.to_vec()),
        (b"hIST", SCRIPT.to_vec()),
        (b"gAMA", SCRIPT.to_vec()),
    ] {
        cleaned("a.png", &png(8, 8, &[chunk(kind, &body)]), &plain);
    }
    let profile = [&b"sRGB\0\0"[..], &zlib(&[b'.'; 5_000])].concat();
    let quiet = png(
        8,
        8,
        &[
            chunk(b"iCCP", &profile),
            chunk(b"gAMA", &[0, 0, 0xb1, 0x8f]),
        ],
    );
    assert_eq!(copy(&taken("a.png", &quiet), &quiet), quiet);
    // More than any printer has.
    let bomb = [&b"sRGB\0\0"[..], &zlib(&vec![0; 17 << 20])].concat();
    let content = png(8, 8, &[chunk(b"iCCP", &bomb)]);
    assert_eq!(copy(&taken("a.png", &content), &content), plain);
}

#[test]
fn u1_a_profile_of_a_webp_holds_no_script() {
    let made = |flags: u8, profile: Option<&[u8]>| {
        let mut chunks: Vec<(&[u8; 4], Vec<u8>)> = vec![(b"VP8X", vp8x(flags, 8, 8))];
        chunks.extend(profile.map(|profile| (b"ICCP", profile.to_vec())));
        chunks.push((b"VP8L", vp8l(8, 8)));
        webp(&chunks)
    };
    cleaned("a.webp", &made(0x20, Some(SCRIPT)), &made(0, None));
    let quiet = made(0x20, Some(b"sRGB IEC61966-2.1"));
    assert_eq!(copy(&taken("a.webp", &quiet), &quiet), quiet);
}
