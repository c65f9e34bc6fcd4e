//! Real pictures and films, where the folder of samples is there.

use std::fs;
use std::path::{Path, PathBuf};

use garland::upload::{Finding, Verdict};

use crate::make::{check, copy};

/// The folder of the samples, or `None` after saying that there is none.
fn samples() -> Option<PathBuf> {
    let shared = match std::env::var_os("GARLAND_SHARED") {
        Some(shared) => PathBuf::from(shared),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"),
    };
    let samples = shared.join("samples");
    if samples.is_dir() {
        return Some(samples);
    }
    eprintln!(
        "SKIPPED: no sample files in {}; set GARLAND_SHARED",
        samples.display()
    );
    None
}

#[test]
fn u5_no_copy_of_a_real_picture_tells_where_it_was_taken() {
    let Some(folder) = samples() else { return };
    let (mut taken, mut located) = (0, 0);
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    for path in files {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let extension = name.rsplit('.').next().unwrap().to_lowercase();
        if !["jpg", "png", "gif", "webp", "tiff", "mp4", "mov", "pdf"].contains(&extension.as_str())
        {
            continue;
        }
        // What telephones call MOV has the boxes of an MP4, and often its mark.
        let extension = if extension == "mov" {
            "mp4".into()
        } else {
            extension
        };
        let content = fs::read(&path).unwrap();
        let found = check(&format!("sample.{extension}"), &content);
        println!(
            "{name}: {:?} {:?} {:?}",
            found.verdict, found.findings, found.picture
        );
        if found.verdict.is_reject() {
            continue;
        }
        taken += 1;
        located += usize::from(found.findings.contains(&Finding::Location));
        let out = copy(&found, &content);
        let again = check(&format!("sample.{extension}"), &out);
        assert_eq!(again.verdict, Verdict::Accept, "{name}: {again:?}");
        assert_eq!(again.picture, found.picture, "{name}");
        for mark in [
            &b"<x:xmpmeta"[..],
            b"com.apple.quicktime",
            b"iPhone",
            b"Adobe Photoshop",
        ] {
            let pictured = ["tiff", "mp4"].contains(&extension.as_str());
            let held = out.windows(mark.len()).any(|part| part == mark);
            assert!(!pictured || !held, "{name}");
        }
        if extension == "jpg" {
            for mark in [
                &b"GPSLatitude"[..],
                b"http://ns.adobe.com/xap",
                b"Photoshop 3.0",
                b"Canon",
                b"NIKON",
            ] {
                assert!(!out.windows(mark.len()).any(|part| part == mark), "{name}");
            }
        }
    }
    println!("{taken} taken, {located} with a position");
    assert!(
        taken >= 20 && located >= 3,
        "{taken} taken, {located} with a position"
    );
}
