//! Formatted text: the property of `xss.json`, for any text.

use garland::text::RichText;
use proptest::prelude::*;

use crate::html;

/// Markup made of the pieces that attacks are made of.
fn markup() -> impl Strategy<Value = String> {
    let pieces = [
        "<script>",
        "</script>",
        "<svg>",
        "</svg>",
        "<math>",
        "<mtext>",
        "<style>",
        "</style>",
        "<p title=\"",
        "\">",
        "<img src=x onerror=go()>",
        "<a href=\"javascript:go()\">",
        "<a href=\"https://e.org\">",
        "</a>",
        "<table>",
        "<td>",
        "<!--",
        "-->",
        "<![CDATA[",
        "]]>",
        "<noscript>",
        "<template>",
        "<title>",
        "<select>",
        "<form>",
        "<annotation-xml encoding=\"text/html\">",
        "<iframe srcdoc=\"",
        "&lt;",
        "&#106;",
        "<b>",
        "x",
        "<base href=//e>",
        "<mglyph>",
        "<ol start=1>",
        "<textarea>",
        "<xmp>",
        "<img src=\"data:text/html,x\">",
    ];
    prop::collection::vec(prop::sample::select(pieces.to_vec()), 0..12).prop_map(|all| all.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn i2_nothing_that_runs_comes_through(text in markup()) {
        let rules = RichText::new();
        let clean = rules.clean(&text);
        prop_assert_eq!(html::danger(&clean), None);
        prop_assert_eq!(rules.clean(&clean), clean);
    }
}

#[test]
fn i2_what_is_wanted_stays() {
    let rules = RichText::new();
    for kept in [
        "<h2>Saturday</h2><p>Church at <strong>two</strong>,<br>party at <em>six</em>.</p>",
        "<ul><li>rings</li></ul><table><tbody><tr><td colspan=\"2\">a</td></tr></tbody></table>",
        "<img src=\"https://example.com/a.jpg\" alt=\"us\">",
    ] {
        assert_eq!(rules.clean(kept), kept);
    }
    for (written, shown) in [
        ("<img src=\"http://example.com/a.jpg\">", "<img>"),
        ("<p style=\"x\" class=\"y\" id=\"z\">a</p>", "<p>a</p>"),
        (
            "<a href=\"/local\">a</a>",
            "<a rel=\"noopener noreferrer nofollow\">a</a>",
        ),
        (
            "<a href=\"tel:1\" target=\"_blank\">a</a>",
            "<a rel=\"noopener noreferrer nofollow\">a</a>",
        ),
        ("<form action=x><input></form>", ""),
    ] {
        assert_eq!(rules.clean(written), shown);
    }
}
