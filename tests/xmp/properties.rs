//! What must hold for every sidecar, tried on random ones.

use std::collections::BTreeSet;

use proptest::prelude::*;

use crate::said::{array, get, input, merge, said, sidecar, try_merge};

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-e]{1,2}",
        1 => "[ -~]{1,6}",
        1 => "[\u{e4}\u{301}\u{1f470}<>&\"'\\]\t\n\r]{1,5}",
    ]
}

fn escaped(text: &str) -> String {
    let escape = |c: char| match c {
        'a'..='z' | 'A'..='Z' | '0'..='9' => c.to_string(),
        c => format!("&#x{:x};", u32::from(c)),
    };
    text.chars().map(escape).collect()
}

fn bag(name: &'static str) -> impl Strategy<Value = String> {
    prop::collection::btree_set(text(), 0..5).prop_map(move |items| {
        let items: Vec<String> = items.iter().map(|item| escaped(item)).collect();
        let items: Vec<&str> = items.iter().map(String::as_str).collect();
        array(name, "Bag", &items)
    })
}

fn alt() -> impl Strategy<Value = String> {
    let langs = prop::sample::subsequence(vec!["x-default", "de", "fr", "pt"], 0..4);
    (langs, prop::collection::vec(text(), 4)).prop_map(|(langs, texts)| {
        let items: Vec<String> = langs
            .iter()
            .zip(&texts)
            .map(|(lang, text)| format!("{lang}={}", escaped(text)))
            .collect();
        let items: Vec<&str> = items.iter().map(String::as_str).collect();
        array("dc:title", "Alt", &items)
    })
}

fn simple(name: &'static str) -> impl Strategy<Value = String> {
    text().prop_map(move |text| format!("<{name}>{}</{name}>", escaped(&text)))
}

fn structure() -> impl Strategy<Value = String> {
    (text(), text()).prop_map(|(name, text)| {
        format!(
            "<mwg:Regions rdf:parseType='Resource'><mwg:Name>{}</mwg:Name>\
             <mwg:Area mwg:x='{}'/></mwg:Regions>",
            escaped(&name),
            escaped(&text)
        )
    })
}

fn any_sidecar() -> impl Strategy<Value = String> {
    let maybe = |property: BoxedStrategy<String>| {
        prop::option::weighted(0.7, property).prop_map(Option::unwrap_or_default)
    };
    let date = (0..4u8).prop_map(|n| format!("<xmp:MetadataDate>2025-06-1{n}</xmp:MetadataDate>"));
    let properties = vec![
        maybe(bag("dc:subject").boxed()),
        maybe(bag("lr:hierarchicalSubject").boxed()),
        maybe(alt().boxed()),
        maybe(simple("xmp:Label").boxed()),
        maybe(simple("photoshop:City").boxed()),
        maybe(simple("crs:Exposure2012").boxed()),
        maybe(simple("crs:Texture").boxed()),
        maybe(structure().boxed()),
        maybe(date.boxed()),
    ];
    let rating = prop::option::of(0..6u8);
    (properties.prop_shuffle(), rating).prop_map(|(properties, rating)| {
        let rating = rating.map_or_else(String::new, |rating| format!("xmp:Rating='{rating}'"));
        sidecar(&rating, &properties.concat())
    })
}

fn keywords(sidecar: &[u8], name: &str) -> BTreeSet<String> {
    get(sidecar, name).into_iter().collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_version_merged_with_itself_is_itself(one in any_sidecar()) {
        prop_assert_eq!(merge(&[&one, &one]), one.into_bytes());
    }

    #[test]
    fn the_order_of_the_inputs_does_not_matter(
        versions in prop::collection::vec(any_sidecar(), 2..4),
        turn in 1..3usize,
    ) {
        let inputs = versions.iter().zip(0..);
        let mut inputs: Vec<_> = inputs.map(|(content, age)| input(age, content)).collect();
        let merged = try_merge(&inputs).unwrap();
        let len = inputs.len();
        inputs.rotate_left(turn % len);
        prop_assert_eq!(&try_merge(&inputs).unwrap(), &merged);
        inputs.reverse();
        prop_assert_eq!(&try_merge(&inputs).unwrap(), &merged);
    }

    #[test]
    fn what_is_merged_already_has_nothing_to_take_in(
        newer in any_sidecar(),
        older in any_sidecar(),
    ) {
        let (newer, older) = (newer.into_bytes(), older.into_bytes());
        let merged = merge(&[&newer, &older]);
        prop_assert_eq!(&merge(&[&merged, &newer]), &merged);
        prop_assert_eq!(&merge(&[&merged, &older]), &merged);
    }

    #[test]
    fn no_keyword_is_lost_and_none_is_made_up(
        versions in prop::collection::vec(any_sidecar(), 1..5),
    ) {
        let merged = merge(&versions);
        for name in ["dc:subject", "lr:hierarchicalSubject"] {
            let all = versions.iter().flat_map(|one| keywords(one.as_bytes(), name));
            prop_assert_eq!(keywords(&merged, name), all.collect::<BTreeSet<_>>());
            let count = get(&merged, name).len();
            prop_assert_eq!(keywords(&merged, name).len(), count, "one is there twice");
        }
    }

    #[test]
    fn every_simple_value_is_that_of_the_newest_version_that_has_it(
        versions in prop::collection::vec(any_sidecar(), 1..5),
    ) {
        let merged = said(&merge(&versions));
        let each: Vec<_> = versions.iter().map(|one| said(one.as_bytes())).collect();
        let is_simple = |name: &&String| {
            ["Rating", "Label", "City", "Regions"].iter().any(|end| name.ends_with(end))
        };
        for name in each.iter().flat_map(|said| said.keys()).filter(is_simple) {
            let newest = each.iter().find_map(|said| said.get(name));
            prop_assert_eq!(merged.get(name), newest, "{}", name);
        }
    }

    #[test]
    fn a_spoiled_sidecar_never_ends_the_process(
        one in any_sidecar(),
        spots in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let mut spoiled = one.clone().into_bytes();
        for (spot, byte) in spots {
            let at = spot.index(spoiled.len());
            spoiled[at] = byte;
        }
        if let Ok(merged) = try_merge(&[input(2, &spoiled), input(1, &one)]) {
            said(&merged);
        }
    }
}
