//! Sidecars that real tools have written, from `GARLAND_SHARED` or `../shared`.

use std::path::PathBuf;

use crate::said::{array, get, merge, said, sidecar};

/// Names and contents of the sidecars among the samples; `None`, said plainly, where there are none.
fn samples() -> Option<Vec<(String, Vec<u8>)>> {
    let shared = std::env::var_os("GARLAND_SHARED").map(PathBuf::from);
    let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared");
    let folder = shared.unwrap_or_else(beside).join("samples");
    let Ok(entries) = std::fs::read_dir(&folder) else {
        println!("skipped: {} is not there", folder.display());
        return None;
    };
    let paths = entries.map(|entry| entry.unwrap().path());
    let mut sidecars: Vec<(String, Vec<u8>)> = paths
        .filter(|path| path.extension().is_some_and(|extension| extension == "xmp"))
        .map(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, std::fs::read(path).unwrap())
        })
        .collect();
    sidecars.sort();
    println!("{} sidecars in {}", sidecars.len(), folder.display());
    assert!(!sidecars.is_empty());
    Some(sidecars)
}

#[test]
fn real_sidecars_take_in_keywords_and_lose_nothing() {
    for (name, content) in samples().into_iter().flatten() {
        let before = said(&content);
        assert_eq!(merge(&[&content, &content]), content, "{name}");
        let subject = array("dc:subject", "Bag", &["a new keyword"]);
        let other = sidecar("xmp:Nickname='IMG'", &subject).into_bytes();
        for versions in [[&content, &other], [&other, &content]] {
            let merged = merge(&versions);
            let after = said(&merged);
            for (property, texts) in &before {
                let kept = after
                    .get(property)
                    .unwrap_or_else(|| panic!("{name}: {property}"));
                if property.ends_with("}subject") {
                    assert!(
                        texts.iter().all(|text| kept.contains(text)),
                        "{name}: {kept:?}"
                    );
                } else {
                    assert_eq!(kept, texts, "{name}: {property}");
                }
            }
            assert!(get(&merged, "dc:subject").contains(&"a new keyword".to_owned()));
            assert_eq!(get(&merged, "xmp:Nickname"), ["IMG"]);
            assert_eq!(
                merge(&[&merged, &content]),
                merged,
                "{name} is taken in already"
            );
        }
    }
}

#[test]
fn real_sidecars_merge_with_each_other() {
    let samples = samples().unwrap_or_default();
    for (one, first) in &samples {
        for (other, second) in &samples {
            let merged = merge(&[first, second]);
            let count = |content: &[u8]| said(content).len();
            let most = count(first).max(count(second));
            assert!(count(&merged) >= most, "{one} with {other}");
        }
    }
}
