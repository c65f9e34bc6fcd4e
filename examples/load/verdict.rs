//! What the day has promised, and what came of it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use garland::bandwidth::{BandwidthEvent, Class};
use tokio::task::JoinHandle;

use crate::clock::{hour, minutes};
use crate::ledger::{Verdict, seconds};
use crate::platform::{Mood, Seen};
use crate::saturday::{
    Day, FAILING, FAILS, GUARANTEE, OPENING, ORGANIZATIONS, THROTTLES, THROTTLING,
};

/// How much may be missing of a minute's guarantee, because a grain has just passed or is about to.
const GRAINS: u64 = 2 * (256 << 10);

/// Listens from the opening on.
#[derive(Debug)]
pub(crate) struct Watcher {
    overcommitted: Arc<Mutex<u64>>,
    listener: JoinHandle<()>,
}

impl Watcher {
    pub(crate) fn begin(day: &Day) -> Self {
        let overcommitted = Arc::new(Mutex::new(0));
        let count = Arc::clone(&overcommitted);
        let mut events = day.bandwidth.subscribe();
        let listener = tokio::spawn(async move {
            while let Some(event) = events.next().await {
                if matches!(event, BandwidthEvent::Overcommitted { .. }) {
                    *count.lock().unwrap_or_else(PoisonError::into_inner) += 1;
                }
            }
        });
        Self {
            overcommitted,
            listener,
        }
    }

    pub(crate) fn judge(
        self,
        day: &Day,
        end: Duration,
        alone: Duration,
        crowded: Option<Duration>,
    ) -> Vec<Verdict> {
        self.listener.abort();
        let overcommitted = *self
            .overcommitted
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let mut verdicts = Vec::new();
        if let Some(crowded) = crowded {
            let more = crowded.as_secs_f64() / alone.as_secs_f64() - 1.0;
            let found = format!(
                "{} alone, {} among all ({:+.2} %)",
                seconds(alone),
                seconds(crowded),
                100.0 * more
            );
            let promise = "an emergency is as fast as on an empty link, within 1 %";
            verdicts.push(Verdict::new(promise, found, more <= 0.01));
        }
        verdicts.extend(by_minute(day, end));
        let found = format!("{overcommitted} times");
        let promise = "guarantees always fit";
        verdicts.push(Verdict::new(promise, found, overcommitted == 0));
        verdicts.extend(platforms(day, end));
        verdicts
    }
}

/// Whether the platform of an organization answers in a minute, and in the one before.
fn answers(organization: usize, minute: u64) -> bool {
    let trouble = match organization {
        FAILING => FAILS,
        THROTTLING => THROTTLES,
        _ => return true,
    };
    // What was asked of it before goes on for as long as it is left alone.
    !(trouble.start..trouble.end + minutes(3)).contains(&minutes(minute))
}

/// What holds in every minute for every organization whose platform answers: its archive always has something to send.
fn by_minute(day: &Day, end: Duration) -> Vec<Verdict> {
    let (mut least, mut at, mut quiet, mut looked) = (u64::MAX, (0, 0), 0_u64, 0_u64);
    let first = OPENING.as_secs() / 60 + 1;
    for minute in first..end.as_secs() / 60 {
        for organization in 0..ORGANIZATIONS {
            if !answers(organization, minute) {
                continue;
            }
            let sent = day.ledger.minute(organization, minute);
            looked += 1;
            if sent.all < least {
                (least, at) = (sent.all, (organization, minute));
            }
            quiet += u64::from(sent.archive == 0);
        }
    }
    let guaranteed = GUARANTEE * 60;
    let (organization, minute) = at;
    let found = format!(
        "least {:.2} of {:.2} MB in a minute (studio-{organization:02} at {}), of {looked} minutes",
        megabytes(least),
        megabytes(guaranteed),
        hour(minutes(minute))
    );
    vec![
        Verdict::new(
            "every organization has what it is guaranteed",
            found,
            least + GRAINS >= guaranteed,
        ),
        Verdict::new(
            "no archive stands still for more than a minute",
            format!("{quiet} of {looked} minutes"),
            quiet == 0,
        ),
    ]
}

fn platforms(day: &Day, end: Duration) -> Vec<Verdict> {
    let seen: Vec<Seen> = day.accounts.iter().map(|account| account.seen()).collect();
    let over: u64 = seen.iter().map(|seen| seen.over_quota).sum();
    let calls: u64 = seen.iter().map(|seen| seen.calls).sum();
    let mut verdicts = vec![Verdict::new(
        "no quota of a platform is exceeded, in any window",
        format!("{over} of {calls} calls"),
        over == 0,
    )];
    for (organization, account) in day.accounts.iter().enumerate() {
        let seen = account.seen();
        match account.mood() {
            Mood::Steady => {}
            Mood::Failing if end > FAILS.end => {
                let back = seen.answered_after.map(|at| at.saturating_sub(FAILS.end));
                let found = format!(
                    "{} calls in 10 minutes, back after {}",
                    seen.in_vain,
                    back.map_or_else(|| "never".to_owned(), seconds)
                );
                let holds = back.is_some_and(|back| back <= Duration::from_secs(30));
                let promise = format!(
                    "studio-{organization:02} is left alone while its platform is down, and back within 30 s"
                );
                verdicts.push(Verdict::new(promise, found, holds && seen.in_vain < 120));
            }
            Mood::Throttling if end > THROTTLES.end => {
                let found = format!("{} calls while it had asked for quiet", seen.in_vain);
                let promise =
                    format!("studio-{organization:02} is quiet while its platform asks for it");
                verdicts.push(Verdict::new(promise, found, seen.in_vain == 0));
            }
            Mood::Failing | Mood::Throttling => {}
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
