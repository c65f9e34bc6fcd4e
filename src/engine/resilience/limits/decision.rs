//! What a limiter says, and how it is told to a client.

use std::time::Duration;

/// Whether a request may pass, and what is left.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Decision {
    /// Whether it may pass. If it may, it has been counted; if not, nothing was.
    pub allowed: bool,
    /// What is left now, by the limit that has the least.
    pub remaining: u32,
    /// When refused: how long to wait until the same would pass, if nothing else is counted in
    /// between. `None` if it passed, and if no wait helps because it costs more than a limit allows.
    pub retry_after: Option<Duration>,
    /// How long until all is there again, if nothing else is counted in between.
    pub reset: Duration,
    /// Whether it was refused because there is no room to count it, not because it is over its limit.
    /// [`retry_after`](Self::retry_after) is then the longest window: by then there is room, unless the
    /// other keys stay busy.
    pub crowded: bool,
    limits: u8,
    levels: [RawLevel; MOST_LIMITS],
}

/// A [`Level`] in nanoseconds, for it is made with every check and read with few.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct RawLevel {
    pub(super) max: u32,
    pub(super) remaining: u32,
    pub(super) window: u64,
    pub(super) next: u64,
}

/// How many limits one limiter holds at most.
pub(super) const MOST_LIMITS: usize = 4;

/// How one of the limits stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Level {
    /// How many it allows.
    pub max: u32,
    /// In what window.
    pub window: Duration,
    /// What is left now.
    pub remaining: u32,
    /// How long until more is there; zero if all is.
    pub next: Duration,
}

impl Decision {
    /// Says nothing yet.
    pub(super) fn none() -> Self {
        Self {
            allowed: false,
            remaining: 0,
            retry_after: None,
            reset: Duration::ZERO,
            crowded: false,
            limits: 0,
            levels: [RawLevel::default(); MOST_LIMITS],
        }
    }

    pub(super) fn clear(&mut self) {
        (self.limits, self.remaining) = (0, u32::MAX);
    }

    pub(super) fn push(&mut self, level: RawLevel) {
        if let Some(free) = self.levels.get_mut(usize::from(self.limits)) {
            *free = level;
            self.limits += 1;
            self.remaining = self.remaining.min(level.remaining);
        }
    }

    /// Returns how each limit stands, in the order the limiter was given them.
    pub fn levels(&self) -> impl Iterator<Item = Level> {
        let levels = self.levels.iter().take(usize::from(self.limits));
        levels.map(|level| Level {
            max: level.max,
            window: Duration::from_nanos(level.window),
            remaining: level.remaining,
            next: Duration::from_nanos(level.next),
        })
    }

    /// Returns the fields for the response: [`RateLimit-Policy` and `RateLimit`][draft] always, and
    /// [`Retry-After`] on a refusal that a wait can help. A host answers a refusal with status 429.
    ///
    /// Limits are named by the length of their window, such as `"60s"`. Times are whole seconds,
    /// rounded up, so that a client that waits as told is not early.
    ///
    /// [draft]: https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/10/
    /// [`Retry-After`]: https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3
    #[must_use]
    pub fn headers(&self) -> Vec<(&'static str, String)> {
        let policy = self.list(|level| format!("q={};w={}", level.max, seconds(level.window)));
        let state = self.list(|level| format!("r={};t={}", level.remaining, seconds(level.next)));
        let mut fields = vec![("RateLimit-Policy", policy), ("RateLimit", state)];
        if let Some(wait) = self.retry_after {
            fields.push(("Retry-After", seconds(wait).max(1).to_string()));
        }
        fields
    }

    fn list(&self, parameters: impl Fn(&Level) -> String) -> String {
        let items: Vec<String> = self
            .levels()
            .map(|level| format!("\"{}\";{}", name(level.window), parameters(&level)))
            .collect();
        items.join(", ")
    }
}

fn name(window: Duration) -> String {
    if window.subsec_nanos() == 0 {
        format!("{}s", window.as_secs())
    } else {
        format!("{}ms", window.as_millis())
    }
}

fn seconds(time: Duration) -> u64 {
    let whole = time.as_secs();
    if time.subsec_nanos() == 0 {
        whole
    } else {
        whole.saturating_add(1)
    }
}
