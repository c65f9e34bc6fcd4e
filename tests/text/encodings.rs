//! Text on its way out: into HTML, a table, a log.

use garland::text::{LogValue, csv_field, csv_row, escape_attribute, escape_html};
use proptest::prelude::*;

use crate::html;

/// Reads one record of RFC 4180.
fn read(row: &str) -> Vec<String> {
    let (mut fields, mut field, mut quoted) = (Vec::new(), String::new(), false);
    let mut characters = row.strip_suffix("\r\n").unwrap().chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' if quoted && characters.peek() == Some(&'"') => {
                characters.next();
                field.push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(std::mem::take(&mut field)),
            other => field.push(other),
        }
    }
    assert!(!quoted, "{row:?}");
    fields.push(field);
    fields
}

proptest! {
    #[test]
    fn i2_escaped_text_is_text(text in "\\PC{0,40}|[<>&\"'`=/ \\x00-\\x20a-z]{0,40}") {
        prop_assert_eq!(html::elements(&escape_html(&text)), 0);
        let value = escape_attribute(&text);
        prop_assert!(!value.contains(['<', '>', '"', '\'', ' ', '=', '`']));
        if !value.is_empty() {
            prop_assert_eq!(html::elements(&format!("<p title={value}>")), 1);
        }
    }

    #[test]
    fn i3_a_table_gives_back_what_was_written(
        fields in prop::collection::vec("[ -~éß\\t\\r\\n]{0,12}|[=+@-][ -~é]{0,8}", 1..6),
    ) {
        let row = csv_row(fields.iter().map(String::as_str));
        let back = read(&row);
        prop_assert_eq!(back.len(), fields.len());
        for (written, seen) in fields.iter().zip(&back) {
            prop_assert!(seen == written || *seen == format!("'{written}"), "{:?} {:?}", written, seen);
            let number = seen.trim_start_matches(['-', '+']).starts_with(|one: char| one.is_ascii_digit());
            prop_assert!(number || !seen.starts_with(['=', '+', '-', '@', '\t', '\r']), "{:?}", seen);
        }
    }

    #[test]
    fn i3_a_log_value_is_one_line(text in any::<String>()) {
        let shown = LogValue(&text).to_string();
        let breaks = |one: char| {
            one.is_control()
                || matches!(one, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        };
        prop_assert!(!shown.contains(breaks), "{}", shown);
        let inner = &shown[1..shown.len() - 1];
        prop_assert!(!inner.replace("\\\\", "").replace("\\\"", "").contains('"'));
    }
}

#[test]
fn i3_formulas_become_text() {
    for formula in [
        "=1+1",
        "+1+1",
        "-1+1",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "  =1",
        "\u{ff1d}1",
        "-cmd|' /C calc'!A0",
        "--1",
        "-",
    ] {
        let field = csv_field(formula);
        assert!(field.starts_with("\"'"), "{formula:?} gave {field:?}");
    }
    for plain in ["1", "-1", "+1.50", "a=b", "Zoë", ""] {
        assert_eq!(csv_field(plain), plain);
    }
    assert_eq!(
        csv_row(["a\"b", "1;2", "c\nd"]),
        "\"a\"\"b\",\"1;2\",\"c\nd\"\r\n"
    );
}

#[test]
fn i3_a_log_value_is_bounded() {
    let shown = LogValue(&"a".repeat(5_000)).to_string();
    assert_eq!(shown.chars().count(), LogValue::MAX + 3);
    assert_eq!(
        LogValue("a\u{202e}\x1b[31m").to_string(),
        "\"a\\u{202e}\\u{1b}[31m\""
    );
}
