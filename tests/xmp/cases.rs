//! The rules, one by one.

use crate::said::{array, get, input, merge, said, sidecar, try_merge};

#[test]
fn keywords_are_united_those_of_the_newer_version_first() {
    let newer = sidecar("", &array("dc:subject", "Bag", &["vows", "rings"]));
    let older = sidecar("", &array("dc:subject", "Bag", &["rings", "cake", "dance"]));
    let merged = merge(&[&newer, &older]);
    assert_eq!(
        get(&merged, "dc:subject"),
        ["vows", "rings", "cake", "dance"]
    );
    let tree = |items: &[&str]| sidecar("", &array("lr:hierarchicalSubject", "Bag", items));
    let merged = merge(&[tree(&["Day|Church"]), tree(&["Day|Party", "Day|Church"])]);
    assert_eq!(
        get(&merged, "lr:hierarchicalSubject"),
        ["Day|Church", "Day|Party"]
    );
}

#[test]
fn keywords_written_in_other_forms_are_not_lost() {
    let bag = sidecar("", &array("dc:subject", "Bag", &["vows"]));
    let text = sidecar("dc:subject='cake'", "");
    let ordered = sidecar("", &array("dc:subject", "Seq", &["dance", "vows"]));
    let empty = sidecar("", "<dc:subject><rdf:Bag/></dc:subject>");
    let merged = merge(&[&text, &empty, &bag, &ordered]);
    assert_eq!(get(&merged, "dc:subject"), ["cake", "vows", "dance"]);
    let tags = |items: &[&str]| sidecar("", &array("digiKam:TagsList", "Seq", items));
    let merged = merge(&[tags(&["A/B"]), tags(&["A/C", "A/B"])]);
    assert_eq!(get(&merged, "digiKam:TagsList"), ["A/B", "A/C"]);
}

#[test]
fn of_two_values_the_newer_wins_and_what_one_has_alone_stays() {
    let newer = sidecar("xmp:Rating='5'", "<photoshop:City>Lisbon</photoshop:City>");
    let older = sidecar("xmp:Label='Select'", "<xmp:Rating>2</xmp:Rating>");
    let merged = merge(&[&newer, &older]);
    assert_eq!(get(&merged, "xmp:Rating"), ["5"]);
    assert_eq!(get(&merged, "xmp:Label"), ["Select"]);
    assert_eq!(get(&merged, "photoshop:City"), ["Lisbon"]);
}

#[test]
fn of_two_versions_of_one_time_or_of_no_time_the_first_wins() {
    let [one, two] = ["1", "2"].map(|rating| sidecar(&format!("xmp:Rating='{rating}'"), ""));
    for (first, second) in [
        (Some(5), Some(5)),
        (None, None),
        (Some(1), None),
        (None, Some(9)),
    ] {
        let merged = try_merge(&[input(first, &one), input(second, &two)]).unwrap();
        assert_eq!(get(&merged, "xmp:Rating"), ["1"], "{first:?} {second:?}");
    }
    let merged = try_merge(&[input(1, &one), input(2, &two)]).unwrap();
    assert_eq!(get(&merged, "xmp:Rating"), ["2"]);
}

#[test]
fn texts_are_merged_by_language_with_the_default_first() {
    let alt = |items: &[&str]| sidecar("", &array("dc:title", "Alt", items));
    let newer = alt(&["de=Gelübde", "pt=Votos"]);
    let older = alt(&["x-default=Vows", "DE=Eid", "fr=Vœux"]);
    let merged = merge(&[&newer, &older]);
    let expected = ["x-default:Vows", "de:Gelübde", "pt:Votos", "fr:Vœux"];
    assert_eq!(get(&merged, "dc:title"), expected);
}

#[test]
fn ordered_lists_and_structures_are_taken_whole_from_the_newer_version() {
    let region = |name: &str| {
        format!(
            "<mwg:Regions rdf:parseType='Resource'><mwg:RegionList><rdf:Bag><rdf:li>\
             <rdf:Description mwg:Name='{name}'><mwg:Area mwg:x='0.5'/></rdf:Description>\
             </rdf:li></rdf:Bag></mwg:RegionList></mwg:Regions>"
        )
    };
    let creator = |names: &[&str]| array("dc:creator", "Seq", names);
    let newer = sidecar("", &(region("Ada") + &creator(&["B", "A"])));
    let older = sidecar("xmp:Rating='1'", &(region("Grace") + &creator(&["A", "C"])));
    let merged = merge(&[&newer, &older]);
    assert_eq!(get(&merged, "dc:creator"), ["B", "A"]);
    let text = String::from_utf8(merged).unwrap();
    assert!(
        text.contains("mwg:Name=\"Ada\"") && !text.contains("Grace"),
        "{text}"
    );
    assert!(
        text.contains("rdf:parseType=\"Resource\"") && text.contains("<mwg:Area mwg:x=\"0.5\"/>")
    );
}

#[test]
fn a_look_is_taken_together() {
    let newer = sidecar(
        "crs:Exposure2012='+0.5'",
        &array("crs:ToneCurve", "Seq", &["0, 0"]),
    );
    let older = sidecar("crs:Exposure2012='-1' crs:Texture='20' xmp:Rating='3'", "");
    let merged = merge(&[&newer, &older]);
    assert_eq!(get(&merged, "crs:Exposure2012"), ["+0.5"]);
    assert_eq!(get(&merged, "crs:Texture"), [""; 0]);
    assert_eq!(get(&merged, "xmp:Rating"), ["3"]);
    let plain = sidecar("xmp:Rating='4'", "");
    let merged = merge(&[&plain, &older]);
    assert_eq!(
        get(&merged, "crs:Texture"),
        ["20"],
        "who has no look takes none away"
    );
}

#[test]
fn the_metadata_date_is_the_latest() {
    let dated = |date: &str, rating: u8| {
        sidecar(
            &format!("xmp:MetadataDate='{date}' xmp:Rating='{rating}'"),
            "",
        )
    };
    let merged = merge(&[
        dated("2025-06-14T15:30:00Z", 1),
        dated("2025-06-14T18:30:00+02:00", 2),
        dated("2025-06-14", 3),
    ]);
    assert_eq!(
        get(&merged, "xmp:MetadataDate"),
        ["2025-06-14T18:30:00+02:00"]
    );
    assert_eq!(get(&merged, "xmp:Rating"), ["1"]);
    let merged = merge(&[dated("some day", 1), dated("2025-06-14", 2)]);
    assert_eq!(
        get(&merged, "xmp:MetadataDate"),
        ["some day"],
        "who can tell"
    );
}

#[test]
fn a_result_that_one_version_says_already_is_that_version_byte_for_byte() {
    let all = sidecar("xmp:Rating='5'", &array("dc:subject", "Bag", &["a", "b"]));
    let all = format!("<!-- by hand -->\n{all}\n");
    let part = sidecar("", &array("dc:subject", "Bag", &["b"]));
    assert_eq!(merge(&[&all, &part]), all.as_bytes());
    let rewritten = all.replace("xmp:Rating='5'", "").replace(
        "</rdf:Description>",
        "<xmp:Rating>5</xmp:Rating></rdf:Description>",
    );
    assert_eq!(merge(&[&all, &rewritten]), all.as_bytes());
    assert_eq!(merge(&[&rewritten, &all]), rewritten.as_bytes());
}

#[test]
fn texts_come_out_as_they_went_in() {
    let odd = "Ada &amp; Grace &lt;3 \"it's\" ]]&gt; &#xD;&#x9;\u{1f470}";
    let newer = sidecar(
        &format!(
            "photoshop:City='{}'",
            odd.replace('"', "&quot;").replace('\'', "&apos;")
        ),
        "",
    );
    let older = sidecar(
        "",
        &array("dc:subject", "Bag", &[odd, "<![CDATA[<b> & ]]>"]),
    );
    let merged = merge(&[&newer, &older]);
    let plain = "Ada & Grace <3 \"it's\" ]]> \r\t\u{1f470}";
    assert_eq!(get(&merged, "photoshop:City"), [plain]);
    assert_eq!(get(&merged, "dc:subject"), [plain, "<b> & "]);
}

#[test]
fn namespaces_that_share_a_prefix_are_kept_apart() {
    let with = |space: &str, name: &str| {
        format!(
            "<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>\
             <rdf:Description xmlns:x='{space}' x:{name}='{space}'/></rdf:RDF>"
        )
    };
    let merged = merge(&[
        with("urn:fish", "Test"),
        with("urn:cat", "Test"),
        with("urn:dog", "Other"),
    ]);
    let said = said(&merged);
    let expected = ["{urn:cat}Test", "{urn:dog}Other", "{urn:fish}Test"];
    assert_eq!(said.keys().collect::<Vec<_>>(), expected);
}

#[test]
fn the_packet_wrapper_of_the_newer_version_is_kept() {
    let plain = sidecar("xmp:Rating='5'", "");
    let wrapped = format!(
        "<?xpacket begin='\u{feff}' id='W5M0MpCehiHzreSzNTczkc9d'?>{}<?xpacket end='w'?>",
        sidecar("xmp:Label='Select'", "")
    );
    let merged = merge(&[&wrapped, &plain]);
    assert!(merged.starts_with("<?xpacket begin=\"\u{feff}\" id=".as_bytes()));
    assert!(merged.ends_with(b"<?xpacket end=\"w\"?>\n"));
    assert!(merge(&[&plain, &wrapped]).starts_with(b"<x:xmpmeta"));
}
