//! Films are delivered without what phones and programs wrote beside and between what is seen and heard.

use garland::upload::{Finding, Reason, Verdict};

use crate::make::{boxed, check, copy, mp4, refused, taken};

const PLACE: &[u8] = b"+52.3676+004.9041/";

fn long(value: usize) -> [u8; 4] {
    u32::try_from(value).unwrap().to_be_bytes()
}

/// Where and how large the samples of a track are: its chunks, the samples in each, and the table of sizes.
#[derive(Clone)]
struct Samples {
    chunks: Vec<u8>,
    runs: Vec<u8>,
    sizes: Vec<u8>,
}

/// A table of one-byte-flag head, a count and entries.
fn table(kind: &[u8; 4], entries: &[Vec<u8>]) -> Vec<u8> {
    let body = [&[0; 4][..], &long(entries.len()), &entries.concat()].concat();
    boxed(kind, &body)
}

impl Samples {
    /// One sample in each chunk, at an offset and so many bytes long.
    fn each(places: &[(usize, usize)]) -> Self {
        let chunks: Vec<_> = places.iter().map(|(at, _)| long(*at).to_vec()).collect();
        let sizes: Vec<_> = places.iter().map(|(_, size)| long(*size)).collect();
        let head = [[0; 4], [0; 4], long(places.len())].concat();
        Self {
            chunks: table(b"stco", &chunks),
            runs: table(b"stsc", &[[long(1), long(1), long(1)].concat()]),
            sizes: boxed(b"stsz", &[head, sizes.concat()].concat()),
        }
    }

    fn track(&self, handler: &[u8; 4], more: &[Vec<u8>]) -> Vec<u8> {
        let stsd = boxed(
            b"stsd",
            &[[0; 8].to_vec(), boxed(b"mett", &[0; 8])].concat(),
        );
        let tables = [&stsd, &self.chunks, &self.runs, &self.sizes].map(Clone::clone);
        let stbl = boxed(b"stbl", &tables.concat());
        let minf = boxed(b"minf", &[boxed(b"nmhd", &[0; 4]), stbl].concat());
        let hdlr = [&[0; 8][..], handler, &[0; 12], b"\0"].concat();
        let mdia = [boxed(b"mdhd", &[0; 24]), boxed(b"hdlr", &hdlr), minf].concat();
        let parts = [boxed(b"tkhd", &[0; 84]), boxed(b"mdia", &mdia)].concat();
        boxed(b"trak", &[parts, more.concat()].concat())
    }
}

/// A file whose `mdat` comes first, so that its offsets are known: pictures and metadata in turn.
fn film(content: &[u8], more: &[Vec<u8>]) -> Vec<u8> {
    let start = boxed(b"ftyp", b"isom\0\0\x02\0isomiso2");
    [start, boxed(b"mdat", content), more.concat()].concat()
}

/// Where the content of the `mdat` of a [`film`] begins.
const CONTENT: usize = 32;

fn holds(file: &[u8], word: &[u8]) -> bool {
    file.windows(word.len()).any(|part| part == word)
}

/// The types of the boxes of a range.
fn kinds(bytes: &[u8]) -> Vec<[u8; 4]> {
    let (mut kinds, mut rest) = (Vec::new(), bytes);
    while !rest.is_empty() {
        let length = u32::from_be_bytes(rest[..4].try_into().unwrap());
        kinds.push(rest[4..8].try_into().unwrap());
        rest = &rest[length as usize..];
    }
    kinds
}

/// `seen` and `told` in turn, three times, and where each is.
type Places = Vec<(usize, usize)>;

fn in_turn(seen: &[u8], told: &[u8]) -> (Vec<u8>, Places, Places) {
    let (mut content, mut first, mut second) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..3 {
        first.push((CONTENT + content.len(), seen.len()));
        content.extend(seen);
        second.push((CONTENT + content.len(), told.len()));
        content.extend(told);
    }
    (content, first, second)
}

#[test]
fn u5_a_timed_track_of_metadata_and_its_samples_are_not_delivered() {
    let (content, seen, told) = in_turn(b"pixels and pixels", PLACE);
    let vide = Samples::each(&seen).track(b"vide", &[]);
    for handler in [b"meta", b"tmcd", b"camm", b"GPS ", b"\0\0\0\0"] {
        let track = Samples::each(&told).track(handler, &[]);
        let head = boxed(b"mvhd", &[0; 100]);
        let moov = boxed(b"moov", &[head, vide.clone(), track.clone()].concat());
        let content = film(&content, std::slice::from_ref(&moov));
        let found = check("a.mp4", &content);
        assert!(!found.verdict.is_reject(), "{handler:?}: {found:?}");
        let out = copy(&found, &content);
        assert_eq!(out.len(), content.len());
        assert!(!holds(&out, PLACE) && !holds(&out, handler.as_slice()) || handler == b"\0\0\0\0");
        assert!(!holds(&out, PLACE));
        for (at, size) in &seen {
            assert_eq!(&out[*at..at + size], b"pixels and pixels");
        }
        let start = out.len() - moov.len() + 8;
        assert_eq!(kinds(&out[start..]), [*b"mvhd", *b"trak", *b"free"]);
        assert!(holds(&out, &vide), "the track of pictures is as it was");
        let again = taken("a.mp4", &out);
        assert_eq!(copy(&again, &out), out);
    }
}

#[test]
fn u5_samples_are_found_by_every_kind_of_table() {
    let (content, seen, told) = in_turn(b"pixels and pixels", b"ISO6709 +52.3676+004.9041/");
    let wide: Vec<_> = told
        .iter()
        .map(|(at, _)| [[0; 4], long(*at)].concat())
        .collect();
    let each = Samples::each(&told);
    let size = told[0].1;
    let half = u8::try_from(size / 2).unwrap();
    let all_alike = [[0; 4], long(size), long(3)].concat();
    let field = |bits: u8, sizes: &[u8]| {
        let head = [[0; 4], [0, 0, 0, bits], long(sizes.len())].concat();
        let packed = match bits {
            4 => sizes
                .chunks(2)
                .map(|two| two[0] << 4 | two.get(1).unwrap_or(&0))
                .collect(),
            8 => sizes.to_vec(),
            _ => sizes
                .iter()
                .flat_map(|size| [0, *size])
                .collect::<Vec<u8>>(),
        };
        boxed(b"stz2", &[head, packed].concat())
    };
    let two = table(b"stsc", &[[long(1), long(2), long(1)].concat()]);
    let runs = table(
        b"stsc",
        &[
            [long(1), long(1), long(1)].concat(),
            [long(2), long(2), long(1)].concat(),
        ],
    );
    let halves = [half; 6];
    let mixed = [2 * half, half, half, half, half];
    let tables = [
        each.clone(),
        Samples {
            chunks: table(b"co64", &wide),
            ..each.clone()
        },
        Samples {
            sizes: boxed(b"stsz", &all_alike),
            ..each.clone()
        },
        Samples {
            sizes: field(8, &halves),
            runs: two.clone(),
            ..each.clone()
        },
        Samples {
            sizes: field(16, &mixed),
            runs,
            ..each.clone()
        },
        Samples {
            sizes: field(4, &halves),
            runs: two,
            ..each
        },
    ];
    for (at, samples) in tables.into_iter().enumerate() {
        let moov = [
            Samples::each(&seen).track(b"vide", &[]),
            samples.track(b"meta", &[]),
        ];
        let content = film(&content, &[boxed(b"moov", &moov.concat())]);
        let found = check("a.mp4", &content);
        assert_eq!(found.verdict, Verdict::AcceptSanitised, "{at}: {found:?}");
        assert_eq!(found.findings, [Finding::Location], "{at}");
        let out = copy(&found, &content);
        assert!(!holds(&out, b"52.36") && !holds(&out, b"9041/"), "{at}");
        for (from, size) in &seen {
            assert_eq!(&out[*from..from + size], b"pixels and pixels", "{at}");
        }
    }
}

#[test]
fn u5_boxes_beside_the_film_are_not_delivered_wherever_they_stand() {
    let (content, seen, _) = in_turn(b"pixels and pixels", b"");
    let secret = [b"Zo\xc3\xab and Tom, ", PLACE].concat();
    for kind in [
        b"udta", b"meta", b"uuid", b"free", b"skip", b"emsg", b"XMP_", b"gps ", b"Exif", b"\xa9nam",
    ] {
        let planted = boxed(kind, &secret);
        let plain = Samples::each(&seen).track(b"vide", &[]);
        let whole = |track: Vec<u8>, movie: &[Vec<u8>], file: &[Vec<u8>]| {
            let moov = boxed(b"moov", &[track, movie.concat()].concat());
            film(&content, &[&[moov], file].concat())
        };
        for content in [
            whole(plain.clone(), &[], std::slice::from_ref(&planted)),
            whole(plain.clone(), std::slice::from_ref(&planted), &[]),
            whole(
                Samples::each(&seen).track(b"vide", std::slice::from_ref(&planted)),
                &[],
                &[],
            ),
            whole(boxed(b"trak", &boxed(b"mdia", &planted)), &[], &[]),
            whole(
                boxed(b"trak", &boxed(b"mdia", &boxed(b"minf", &planted))),
                &[],
                &[],
            ),
        ] {
            let found = taken("a.mp4", &content);
            let out = copy(&found, &content);
            assert!(!holds(&out, PLACE) && !holds(&out, b"and Tom"), "{kind:?}");
            assert_eq!(out.len(), content.len());
            assert_eq!(out[..CONTENT], content[..CONTENT]);
        }
    }
    let loud = boxed(b"udta", b"<script>go()</script>");
    let content = mp4(&[boxed(b"moov", &loud)]);
    assert_eq!(check("a.mp4", &content).findings, [Finding::ActiveText]);
}

#[test]
fn u1_what_cannot_be_left_out_is_refused() {
    let (content, _, told) = in_turn(b"pixels and pixels", PLACE);
    let with = |samples: &Samples| {
        let moov = boxed(b"moov", &samples.track(b"meta", &[]));
        film(&content, &[moov])
    };
    let good = Samples::each(&told);
    assert!(!check("a.mp4", &with(&good)).verdict.is_reject());
    // Samples in the head of the file, across the end of its content, and behind that.
    let last = CONTENT + content.len();
    for place in [(4, 8), (last - 4, 8), (last + 8, 8), (last - 4, 1 << 30)] {
        refused("a.mp4", &with(&Samples::each(&[place])), Reason::Malformed);
    }
    // Where there is nothing, nothing is to be left out.
    let away = with(&Samples::each(&[(1 << 30, 8)]));
    assert!(!check("a.mp4", &away).verdict.is_reject());
    // Tables that claim more entries than they have.
    let claim = |table: &Vec<u8>, at: usize| {
        let mut table = table.clone();
        table[at..at + 4].copy_from_slice(&long(400));
        table
    };
    for samples in [
        Samples {
            chunks: claim(&good.chunks, 12),
            ..good.clone()
        },
        Samples {
            runs: claim(&good.runs, 12),
            ..good.clone()
        },
        Samples {
            sizes: claim(&good.sizes, 16),
            ..good.clone()
        },
    ] {
        refused("a.mp4", &with(&samples), Reason::Malformed);
    }
    // The samples of fragments are told of elsewhere; the head of a film may be packed.
    let fragment = boxed(b"moof", &boxed(b"mfhd", &[0; 8]));
    let shown = boxed(b"moov", &Samples::each(&[]).track(b"vide", &[]));
    taken("a.mp4", &film(&content, &[shown, fragment.clone()]));
    let moov = boxed(b"moov", &good.track(b"meta", &[]));
    refused(
        "a.mp4",
        &film(&content, &[moov, fragment]),
        Reason::Unsupported,
    );
    let packed = boxed(b"moov", &boxed(b"cmov", b"packed"));
    refused("a.mp4", &mp4(&[packed]), Reason::Unsupported);
}

#[test]
fn u5_a_film_of_an_hour_is_cleaned_and_one_without_end_refused() {
    for (seconds, fits) in [(3_600, true), (10_000, false)] {
        let places: Vec<_> = (0..seconds).map(|at| (CONTENT + at * 32, 18)).collect();
        let content: Vec<u8> = (0..seconds)
            .flat_map(|_| [PLACE, b"and the pixels"].concat())
            .collect();
        let track = Samples::each(&places).track(b"meta", &[]);
        let content = film(&content, &[boxed(b"moov", &track)]);
        if fits {
            let found = taken("a.mp4", &content);
            let out = copy(&found, &content);
            assert!(!holds(&out, b"+52") && holds(&out, b"and the pixels"));
        } else {
            refused("a.mp4", &content, Reason::Unsupported);
        }
    }
}
