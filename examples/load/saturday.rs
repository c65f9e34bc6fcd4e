//! Forty organizations, two weddings, one emergency, one link.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use garland::bandwidth::{Bandwidth, Class, Direction, EventWindow, Rate, Share, Stream};
use garland::cache::Cache;
use garland::connector::{
    Expect, FilePath, Hashes, NamedConnector, PlatformConnector, UploadRequest,
};
use garland::resilience::{AccountLayers, Resilience};
use garland::wedding::UtcOnly;
use garland::{Chance, Clock, Error, ErrorKind, Result};
use tokio::task::JoinSet;

use crate::clock::{Saturday, minutes};
use crate::ledger::Ledger;
use crate::platform::{Account, Mood};

pub(crate) const ORGANIZATIONS: usize = 40;
/// The link, and what is left of it for a while in the evening, in bytes a second.
const LINK: u64 = 10_000_000;
const NARROW: u64 = 4_000_000;
const NARROWS: Range<Duration> = minutes(18 * 60)..minutes(18 * 60 + 30);
/// What each organization is guaranteed, in bytes a second; one of them more than its part would be.
const GUARANTEE: u64 = 60_000;
pub(crate) const PROMISED: usize = 10;
const PROMISE: u64 = 600_000;
/// Whose weddings are on that day.
const WEDDINGS: [(usize, &str, &str); 2] = [(1, "11:00", "23:00"), (2, "14:00", "23:30")];
/// Whose pictures have to be there now, and how many bytes they are.
const EMERGENCY: usize = 3;
const URGENT: u64 = 480_000_000;
/// What the platform of the emergency takes from one account, in bytes a second.
pub(crate) const TAKES: u64 = 4_000_000;
pub(crate) const URGENT_AT: Duration = minutes(15 * 60 + 30);
pub(crate) const FAILING: usize = 5;
pub(crate) const FAILS: Range<Duration> = minutes(13 * 60)..minutes(13 * 60 + 10);
pub(crate) const THROTTLING: usize = 6;
pub(crate) const STRICT: usize = 7;
pub(crate) const THROTTLES: Range<Duration> = minutes(16 * 60)..minutes(17 * 60);
/// When everybody begins; before, the link is empty.
pub(crate) const OPENING: Duration = minutes(5);

/// What an archive is guaranteed, in bytes a second.
const TRICKLE: u64 = 8_000;

const MEGABYTE: u64 = 1_000_000;
/// How much goes in one call, and how much passes the link at once.
const PART: usize = 4 << 20;
const GRAIN: usize = 256 << 10;
/// How long a worker leaves a platform alone that did not say for how long.
const BREATH: Duration = Duration::from_secs(5);

/// The whole day, ready to begin. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Day {
    pub(crate) clock: Saturday,
    pub(crate) bandwidth: Bandwidth,
    pub(crate) resilience: Resilience,
    pub(crate) accounts: Arc<[Account]>,
    pub(crate) ledger: Ledger,
    /// Folders of platforms that were asked for before.
    pub(crate) folders: Cache<String, u64>,
    wrapped: Arc<[Arc<dyn PlatformConnector>]>,
    chance: Chance,
}

impl Day {
    pub(crate) fn new(clock: Saturday, seed: u64) -> Result<Self> {
        let mut link = Bandwidth::builder()
            .upload(Rate::bytes(LINK))
            .clock(Arc::new(clock))
            .zones(Arc::new(UtcOnly::new()));
        for organization in 0..ORGANIZATIONS {
            let share = Share::default().with_min(Rate::bytes(guaranteed(organization)));
            link = link.organization(Direction::Upload, name(organization), share);
        }
        let day = "2026-06-20".parse()?;
        for (organization, from, to) in WEDDINGS {
            let (from, to) = ((day, from.parse()?), (day, to.parse()?));
            let event = EventWindow::local(&UtcOnly::new(), "UTC", from, to)?;
            link = link.events(&name(organization), vec![event]);
        }
        let chance = Chance::seeded(seed);
        let resilience = Resilience::standard(Arc::new(clock), chance.clone());
        let account = |organization| {
            let (mood, trouble) = match organization {
                FAILING => (Mood::Failing, FAILS),
                THROTTLING => (Mood::Throttling, THROTTLES),
                STRICT => (Mood::Strict, Duration::ZERO..Duration::ZERO),
                _ => (Mood::Steady, Duration::ZERO..Duration::ZERO),
            };
            Account::new(mood, trouble, clock)
        };
        let accounts: Vec<Account> = (0..ORGANIZATIONS).map(account).collect();
        let wrapped = accounts.iter().enumerate().map(|(organization, account)| {
            let account: Arc<dyn PlatformConnector> = Arc::new(account.clone());
            resilience.apply(name(organization), account)
        });
        Ok(Self {
            clock,
            bandwidth: link.build()?,
            wrapped: wrapped.collect(),
            resilience,
            accounts: accounts.into(),
            ledger: Ledger::default(),
            folders: Cache::builder(10_000)
                .ttl(minutes(60))
                .clock(Arc::new(clock))
                .build()?,
            chance,
        })
    }

    /// Sends what has to be there now, and returns how long it took.
    pub(crate) async fn emergency(&self) -> Result<Duration> {
        let begun = self.clock.elapsed();
        self.send(EMERGENCY, Class::Emergency, URGENT).await?;
        Ok(self.clock.elapsed() - begun)
    }

    /// Lets everybody begin: archives that never end, orders of the day, people who wait, and the pictures of weddings.
    pub(crate) fn begin(&self) -> JoinSet<Result<()>> {
        let mut workers = JoinSet::new();
        for organization in 0..ORGANIZATIONS {
            let day = self.clone();
            workers.spawn(async move {
                loop {
                    let size = day.between(200, 800);
                    day.send(organization, Class::Background, size).await?;
                }
            });
            for (class, pause, least, most) in [
                (Class::Normal, 40, 20, 120),
                (Class::Interactive, 20, 2, 10),
            ] {
                let day = self.clone();
                workers.spawn(async move {
                    loop {
                        day.wait_about(minutes(pause)).await;
                        day.send(organization, class, day.between(least, most))
                            .await?;
                    }
                });
            }
        }
        for _ in 0..4 {
            let day = self.clone();
            // Four who would like to know far more than the platform tells in a minute.
            workers.spawn(async move {
                let account = day.account(STRICT)?;
                let path: FilePath = "clients".parse()?;
                loop {
                    if let Err(error) = account.files()?.stat(&path).await {
                        day.breathe(error).await?;
                    }
                }
            });
        }
        let day = self.clone();
        workers.spawn(async move {
            day.clock.until(NARROWS.start).await;
            let link = |rate| {
                let rate = Some(Rate::bytes(rate));
                day.bandwidth.set_capacity(Direction::Upload, rate);
            };
            link(NARROW);
            day.clock.until(NARROWS.end).await;
            link(LINK);
            // The day is longer.
            std::future::pending().await
        });
        for (organization, _, _) in WEDDINGS {
            let day = self.clone();
            workers.spawn(async move {
                day.clock.until(minutes(11 * 60)).await;
                loop {
                    day.wait_about(minutes(10)).await;
                    day.send(organization, Class::Normal, day.between(100, 300))
                        .await?;
                }
            });
        }
        workers
    }

    /// Returns the layers around the account of an organization.
    pub(crate) fn layers(&self, organization: usize) -> AccountLayers {
        let platform = self.accounts[organization].platform();
        self.resilience.account(name(organization), platform)
    }

    async fn wait_about(&self, mean: Duration) {
        let wait = mean.mul_f64(-(1.0 - self.chance.unit()).ln());
        tokio::time::sleep(wait.min(mean * 5)).await;
    }

    fn between(&self, least: u64, most: u64) -> u64 {
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a few hundred, and never negative"
        )]
        let more = ((most - least) as f64 * self.chance.unit()) as u64;
        (least + more) * MEGABYTE
    }

    /// Sends a file, however often the platform has to be asked.
    async fn send(&self, organization: usize, class: Class, size: u64) -> Result<()> {
        while let Err(error) = self.try_to_send(organization, class, size).await {
            self.breathe(error).await?;
        }
        self.ledger.arrived(class);
        Ok(())
    }

    async fn try_to_send(&self, organization: usize, class: Class, size: u64) -> Result<()> {
        let account = self.account(organization)?;
        self.folder(organization, &account).await?;
        let request = UploadRequest::new("day/file".parse()?, size).with_expect(Expect::Anything);
        let mut session = account.files()?.upload(request).await?;
        let platform = account.connector().platform().id;
        let mut stream = Stream::upload(name(organization), platform).with_class(class);
        match class {
            Class::Emergency => stream = stream.with_cap(Rate::bytes(TAKES)),
            // So that it moves a little even beside an emergency of the same organization.
            Class::Background => stream = stream.with_min(Rate::bytes(TRICKLE)),
            _ => {}
        }
        let lane = self.bandwidth.join(&stream)?;
        let part = Bytes::from_static(&[0; PART]);
        while session.offset() < size {
            let length =
                usize::try_from(size - session.offset()).map_or(PART, |left| left.min(PART));
            let mut left = length;
            while left > 0 {
                // A quarter of a second's worth, so that what is slow is seen to move.
                let rate = lane.rate().map_or(u64::MAX, Rate::as_bytes) / 4;
                let grain = usize::try_from(rate).unwrap_or(GRAIN).clamp(4 << 10, GRAIN);
                let grain = grain.min(left);
                lane.take(grain).await;
                self.ledger.sent(organization, class, grain, self.clock);
                left -= grain;
            }
            while let Err(error) = session.write(part.slice(..length)).await {
                self.breathe(error).await?;
            }
        }
        session.finish(&Hashes::default()).await?;
        Ok(())
    }

    /// Returns the platform's id of the folder that a file goes to; each of them is asked for once an hour.
    async fn folder(&self, organization: usize, account: &NamedConnector) -> Result<u64> {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "one of eight"
        )]
        let album = (8.0 * self.chance.unit()) as u64;
        let (folder, account) = (
            format!("{}/album-{album}", name(organization)),
            account.clone(),
        );
        let path: FilePath = format!("album-{album}").parse()?;
        let ask = async move {
            account.files()?.stat(&path).await?;
            Ok(album)
        };
        self.folders.get_with(folder, ask).await
    }

    /// Waits as long as a platform asks for.
    async fn breathe(&self, error: Error) -> Result<()> {
        let passes = error.is_retryable() || error.kind() == ErrorKind::LimitExceeded;
        if !passes {
            return Err(error);
        }
        let asked = error.retry_after().unwrap_or(BREATH);
        tokio::time::sleep(asked.max(Duration::from_millis(100))).await;
        Ok(())
    }

    fn account(&self, organization: usize) -> Result<NamedConnector> {
        let account = self.wrapped.get(organization).ok_or_else(|| {
            Error::new(ErrorKind::NotFound, "load.account", "no such organization")
        })?;
        Ok(NamedConnector::new("cloud".parse()?, Arc::clone(account)))
    }
}

/// What an organization is guaranteed, in bytes a second.
pub(crate) fn guaranteed(organization: usize) -> u64 {
    match organization {
        PROMISED => PROMISE,
        _ => GUARANTEE,
    }
}

/// What the link can carry in so many seconds from a time on.
pub(crate) fn carries(from: Duration, seconds: u64) -> u64 {
    let seconds = from.as_secs()..from.as_secs() + seconds;
    let rate = |second| {
        if NARROWS.contains(&Duration::from_secs(second)) {
            NARROW
        } else {
            LINK
        }
    };
    seconds.map(rate).sum()
}

/// What an organization is called.
pub(crate) fn name(organization: usize) -> String {
    format!("studio-{organization:02}")
}
