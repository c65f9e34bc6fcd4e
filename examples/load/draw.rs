//! How it looks in a terminal.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::IsTerminal as _;

use garland::bandwidth::{Class, LinkShares, Rate};
use garland::resilience::{BreakerState, CallKind};

use crate::ledger::Verdict;
use crate::platform::Mood;
use crate::saturday::{Day, name};
use crate::verdict;

/// How many signs a full bar has.
const BAR: usize = 32;

/// The classes with their colours, the most urgent first.
const INKS: [(Class, &str, char); 5] = [
    (Class::Emergency, "31", 'E'),
    (Class::WeddingDay, "35", 'W'),
    (Class::Interactive, "36", 'I'),
    (Class::Normal, "32", 'n'),
    (Class::Background, "90", '.'),
];

/// Writes with colours, or without.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pen {
    plain: bool,
}

impl Pen {
    pub(crate) fn new(plain: bool) -> Self {
        Self {
            plain: plain || !std::io::stdout().is_terminal(),
        }
    }

    pub(crate) fn is_plain(self) -> bool {
        self.plain
    }

    pub(crate) fn title(self, text: &str) -> String {
        self.ink("1", text)
    }

    pub(crate) fn verdict(self, holds: bool) -> String {
        if holds {
            self.ink("32", "holds")
        } else {
            self.ink("31", "broken")
        }
    }

    pub(crate) fn ink(self, code: &str, text: &str) -> String {
        if self.plain {
            text.to_owned()
        } else {
            format!("\x1b[{code}m{text}\x1b[0m")
        }
    }
}

/// One line for each class, then one for each of the organizations that have most.
pub(crate) fn link(pen: Pen, shares: &LinkShares, most: usize) -> String {
    let full = shares.capacity.map_or(0, Rate::as_bytes);
    let mut page = String::new();
    let mut classes: BTreeMap<Class, u64> = BTreeMap::new();
    for stream in shares.streams() {
        let rate = stream.rate.map_or(0, Rate::as_bytes);
        *classes.entry(stream.effective_class).or_default() += rate;
    }
    for (class, ink, sign) in INKS {
        let rate = classes.get(&class).copied().unwrap_or_default();
        let bar = pen.ink(ink, &bar(&[(sign, rate)], full));
        let _ = writeln!(page, "  {:<12} {bar} {}", class.as_str(), Rate::bytes(rate));
    }
    page.push('\n');
    let mut organizations: Vec<_> = shares
        .organizations
        .iter()
        .map(|organization| {
            let streams = organization
                .platforms
                .iter()
                .flat_map(|platform| &platform.streams);
            let mut parts: BTreeMap<Class, u64> = BTreeMap::new();
            for stream in streams {
                let rate = stream.rate.map_or(0, Rate::as_bytes);
                *parts.entry(stream.effective_class).or_default() += rate;
            }
            (parts.values().sum::<u64>(), organization, parts)
        })
        .collect();
    // Those that have as much stay ordered by name.
    organizations.sort_by_key(|(rate, _, _)| std::cmp::Reverse(*rate));
    for (rate, organization, parts) in organizations.into_iter().take(most) {
        let parts: Vec<_> = INKS
            .iter()
            .filter_map(|(class, _, sign)| Some((*sign, *parts.get(class)?)))
            .collect();
        let raised = if organization.escalated { '*' } else { ' ' };
        let name = &organization.organization;
        let bar = bar(&parts, full / 4);
        let _ = writeln!(page, " {raised}{name:<12} {bar} {}", Rate::bytes(rate));
    }
    page
}

/// How often a folder was known without a call.
pub(crate) fn cache(day: &Day) -> String {
    let stats = day.folders.stats();
    let hits = stats.hit_rate().unwrap_or_default();
    format!(
        "  folders known: {} of 100, {} asked for",
        (100.0 * hits).round(),
        stats.loads
    )
}

/// The platforms that have trouble on that day, with their breakers and pauses.
pub(crate) fn platforms(pen: Pen, day: &Day) -> String {
    let mut page = String::new();
    for (organization, account) in day.accounts.iter().enumerate() {
        if account.mood() == Mood::Steady {
            continue;
        }
        let layers = day.layers(organization);
        let state = layers
            .breaker()
            .map(|breaker| breaker.state(CallKind::Write));
        let breaker = match state {
            Some(BreakerState::Closed) | None => pen.ink("32", "closed"),
            Some(state) => pen.ink("31", &format!("{state:?}").to_lowercase()),
        };
        let pause = layers
            .pause()
            .and_then(garland::resilience::Pause::remaining);
        let pause = pause.map_or_else(String::new, |left| format!(", quiet for {left:.0?}"));
        let seen = account.seen();
        let _ = writeln!(
            page,
            "  {} {:?}: breaker {breaker}{pause}, {} calls",
            name(organization),
            account.mood(),
            seen.calls
        );
    }
    page
}

/// What went over the link, and what came of the day's promises.
pub(crate) fn table(pen: Pen, day: &Day, verdicts: &[Verdict]) -> String {
    let mut page = format!("{}\n", pen.title("Sent"));
    for (class, files, gigabytes) in verdict::classes(day) {
        let _ = writeln!(
            page,
            "  {:<12} {files:>7} files {gigabytes:>9.1} GB",
            class.as_str()
        );
    }
    let _ = writeln!(page, "{}", cache(day));
    let _ = writeln!(page, "\n{}", pen.title("Promises of the day"));
    for Verdict {
        promise,
        found,
        holds,
    } in verdicts
    {
        let _ = writeln!(
            page,
            "  {} {promise}\n         {found}",
            pen.verdict(*holds)
        );
    }
    page
}

/// A bar of several parts, of which `full` fills it.
fn bar(parts: &[(char, u64)], full: u64) -> String {
    let mut bar = String::new();
    let (mut sum, mut drawn) = (0, 0);
    for (sign, part) in parts {
        sum += part;
        let end = (sum * BAR as u64)
            .checked_div(full)
            .and_then(|end| usize::try_from(end).ok());
        let end = end.unwrap_or(0).min(BAR);
        bar.extend(std::iter::repeat_n(*sign, end.saturating_sub(drawn)));
        drawn = drawn.max(end);
    }
    format!("{bar:<BAR$}")
}
