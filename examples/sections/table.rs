//! How it looks in a terminal.

use std::io::IsTerminal as _;

use garland::permission::{EffectiveSection, MemberImpact};
use garland::section::LiveSection;
use garland::wedding::SectionType;

/// Writes with colours, or without.
#[derive(Debug)]
pub(crate) struct Pen {
    plain: bool,
}

impl Pen {
    pub(crate) fn new(plain: bool) -> Self {
        Self {
            plain: plain || !std::io::stdout().is_terminal(),
        }
    }

    pub(crate) fn title(&self, text: &str) -> String {
        self.ink("1", text)
    }

    pub(crate) fn good(&self, text: &str) -> String {
        self.ink("32", text)
    }

    pub(crate) fn bad(&self, text: &str) -> String {
        self.ink("31", text)
    }

    pub(crate) fn dim(&self, text: &str) -> String {
        self.ink("2", text)
    }

    fn ink(&self, code: &str, text: &str) -> String {
        if self.plain {
            text.to_owned()
        } else {
            format!("\x1b[{code}m{text}\x1b[0m")
        }
    }
}

const NAME: usize = 18;
const CELL: usize = 14;

pub(crate) fn header(pen: &Pen, members: &[(&str, &str)]) -> String {
    let line = |words: Vec<&str>| {
        let cells = words.iter().map(|word| format!("{word:<CELL$}"));
        format!("{:NAME$}{}", "", cells.collect::<String>())
    };
    let (ids, roles) = members.iter().copied().unzip();
    format!("{}\n{}", line(ids), pen.dim(&line(roles)))
}

/// `view`, and `edit` and `hide` if they may.
pub(crate) fn row<'a>(
    pen: &Pen,
    name: &str,
    cells: impl Iterator<Item = Option<&'a EffectiveSection>>,
) -> String {
    let cells = cells.map(|section| match section {
        Some(section) if section.can_view => {
            let rights = [
                ("view", true),
                ("edit", section.can_edit),
                ("hide", section.can_hide),
            ];
            let rights: Vec<_> = rights
                .into_iter()
                .filter(|(_, may)| *may)
                .map(|(name, _)| name)
                .collect();
            // The more they may, the shorter each word.
            let text = if rights.len() > 2 {
                "all".to_owned()
            } else {
                rights.join(" ")
            };
            pen.good(&format!("{text:<CELL$}"))
        }
        _ => pen.dim(&format!("{:<CELL$}", "·")),
    });
    format!("{name:<NAME$}{}", cells.collect::<String>())
}

pub(crate) fn impact(pen: &Pen, one: &MemberImpact) -> String {
    let names = |sign: &str, names: &[SectionType]| {
        names
            .iter()
            .map(|name| format!("{sign}{name}"))
            .collect::<Vec<_>>()
            .join(" ")
    };
    let parts = [
        pen.good(&names("+", &one.gained)),
        pen.bad(&names("-", &one.lost)),
        names("~", &one.changed),
    ];
    parts.join(" ")
}

pub(crate) fn page(pen: &Pen, verb: &str, shown: &[LiveSection], gone: &[SectionType]) -> String {
    let shown: Vec<_> = shown
        .iter()
        .map(|section| section.section.section_type.as_str())
        .collect();
    let gone: Vec<_> = gone.iter().map(|name| format!("-{name}")).collect();
    format!(
        "{verb} {} {}",
        pen.good(&shown.join(", ")),
        pen.bad(&gone.join(" "))
    )
}
