//! What the day has promised, and what came of it.

use std::fmt::Write as _;
use std::time::Duration;

use garland::bandwidth::Class;

use crate::clock::{hour, minutes};
use crate::ledger::{Verdict, seconds};
use crate::platform::{Mood, STRICT_LIMITS};
use crate::saturday::{
    Day, FAILING, FAILS, OPENING, ORGANIZATIONS, PROMISED, STRICT, TAKES, THROTTLES, THROTTLING,
    carries, guaranteed, name,
};

/// How much may be missing of a minute's guarantee, because a grain has just passed or is about to.
const GRAINS: u64 = 2 * (256 << 10);

/// Over how many minutes the link is measured.
const SPAN: u64 = 10;

/// Judges the day up to `end`; `alone` and `crowded` are how long the emergency took.
pub(crate) fn judge(
    day: &Day,
    end: Duration,
    alone: Duration,
    crowded: Option<Duration>,
) -> Vec<Verdict> {
    let mut verdicts = Vec::new();
    if let Some(crowded) = crowded {
        let more = crowded.as_secs_f64() / alone.as_secs_f64() - 1.0;
        let found = format!(
            "{} alone, {} among all ({:+.2} %)",
            seconds(alone),
            seconds(crowded),
            100.0 * more
        );
        let takes = megabytes(TAKES);
        let promise = format!(
            "an emergency, whose platform takes {takes} MB/s, is as fast as on an empty link, within 1 %"
        );
        verdicts.push(Verdict::new(promise, found, more <= 0.01));
    }
    verdicts.push(guarantees(day, end));
    verdicts.push(archives(day, end));
    verdicts.push(link(day, end));
    verdicts.extend(platforms(day, end));
    verdicts
}

/// Whether the platform of an organization takes what the link would carry in a minute. What was asked of it in its trouble
/// goes on for as long as it is left alone; a strict one always has calls before those of the archive.
fn answers(organization: usize, minute: u64) -> bool {
    let trouble = match organization {
        FAILING => FAILS,
        THROTTLING => THROTTLES,
        STRICT => return false,
        _ => return true,
    };
    !(trouble.start..trouble.end + minutes(3)).contains(&minutes(minute))
}

/// Archives always have something to send, so that every minute shows what was given.
fn guarantees(day: &Day, end: Duration) -> Verdict {
    let (mut broken, mut looked, mut least) = (0, 0, u64::MAX);
    let mut worst = None;
    let first = OPENING.as_secs() / 60 + 1;
    for minute in first..end.as_secs() / 60 {
        for organization in (0..ORGANIZATIONS).filter(|one| answers(*one, minute)) {
            let sent = day.ledger.minute(organization, minute);
            looked += 1;
            let missing = (guaranteed(organization) * 60).saturating_sub(sent + GRAINS);
            broken += u64::from(missing > 0);
            worst = worst.max(Some((missing, organization, minute)));
            if organization == PROMISED {
                least = least.min(sent);
            }
        }
    }
    let mut found = format!(
        "{broken} of {looked} minutes broken; {}, guaranteed more than its part: least {:.1} of {:.1} MB in a minute",
        name(PROMISED),
        megabytes(least),
        megabytes(guaranteed(PROMISED) * 60)
    );
    if let Some((missing @ 1.., organization, minute)) = worst {
        let (name, at) = (name(organization), hour(minutes(minute)));
        let _ = write!(
            found,
            "; {:.1} MB missing of {name} at {at}",
            megabytes(missing)
        );
    }
    Verdict::new(
        "every organization whose platform takes it has what it is guaranteed",
        found,
        broken == 0,
    )
}

fn archives(day: &Day, end: Duration) -> Verdict {
    let steady = (0..ORGANIZATIONS).filter(|one| ![FAILING, THROTTLING, STRICT].contains(one));
    let stood = steady.map(|organization| (day.ledger.standstill(organization, end), organization));
    let ((longest, at), organization) = stood.max().unwrap_or_default();
    let found = format!(
        "{} at most ({} at {})",
        seconds(longest),
        name(organization),
        hour(at)
    );
    let holds = longest <= Duration::from_secs(60);
    Verdict::new(
        "no archive stands still for more than a minute",
        found,
        holds,
    )
}

fn link(day: &Day, end: Duration) -> Verdict {
    let (mut most, mut least) = (0.0_f64, f64::MAX);
    let first = OPENING.as_secs() / 60 + 1;
    let last = (end.as_secs() / 60).saturating_sub(SPAN);
    for from in first..=last {
        let minutes_of = |organization| {
            (from..from + SPAN).map(move |minute| day.ledger.minute(organization, minute))
        };
        let sent: u64 = (0..ORGANIZATIONS).flat_map(minutes_of).sum();
        let part = megabytes(sent) / megabytes(carries(minutes(from), SPAN * 60));
        (most, least) = (most.max(part), least.min(part));
    }
    let found = format!(
        "{:.2} % to {:.2} % of it in any {SPAN} minutes",
        100.0 * least,
        100.0 * most
    );
    let holds = (0.98..=1.01).contains(&least) && (0.98..=1.01).contains(&most);
    Verdict::new(
        "the link carries all it can and no more, within 2 % and 1 %",
        found,
        holds,
    )
}

fn platforms(day: &Day, end: Duration) -> Vec<Verdict> {
    let seen = || day.accounts.iter().map(|account| account.seen());
    let over: u64 = seen().map(|seen| seen.over_quota).sum();
    let calls: u64 = seen().map(|seen| seen.calls).sum();
    let mut verdicts = vec![Verdict::new(
        "no quota of a platform is exceeded, in any window",
        format!("{over} of {calls} calls"),
        over == 0,
    )];
    for (organization, account) in day.accounts.iter().enumerate() {
        let (seen, name) = (account.seen(), name(organization));
        match account.mood() {
            Mood::Strict if organization == STRICT => {
                let [_, minute] = STRICT_LIMITS;
                let allowed = u64::from(minute.requests) * (end - OPENING).as_secs() / 60;
                let part = megabytes(seen.calls) / megabytes(allowed);
                let found = format!("{} of {allowed} calls ({:.0} %)", seen.calls, 100.0 * part);
                let promise =
                    format!("{name}, which asks for more than its quota, has nearly all of it");
                verdicts.push(Verdict::new(promise, found, part > 0.9));
            }
            Mood::Failing if end > FAILS.end => {
                let back = seen.answered_after.map(|at| at.saturating_sub(FAILS.end));
                let found = format!(
                    "{} calls in 10 minutes, back after {}",
                    seen.in_vain,
                    back.map_or_else(|| "never".to_owned(), seconds)
                );
                let holds = back.is_some_and(|back| back <= Duration::from_secs(30));
                let promise = format!(
                    "{name} is left alone while its platform is down, and back within 30 s"
                );
                verdicts.push(Verdict::new(promise, found, holds && seen.in_vain < 120));
            }
            Mood::Throttling if end > THROTTLES.end => {
                let found = format!("{} calls while it had asked for quiet", seen.in_vain);
                let promise = format!("{name} is quiet while its platform asks for it");
                verdicts.push(Verdict::new(promise, found, seen.in_vain == 0));
            }
            _ => {}
        }
    }
    verdicts
}

fn megabytes(bytes: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "for people to read")]
    let bytes = bytes as f64;
    bytes / 1e6
}

/// What was sent of each class.
pub(crate) fn classes(day: &Day) -> impl Iterator<Item = (Class, u64, f64)> {
    Class::ALL.into_iter().map(|class| {
        let (files, bytes) = day.ledger.of(class);
        (class, files, megabytes(bytes) / 1e3)
    })
}
