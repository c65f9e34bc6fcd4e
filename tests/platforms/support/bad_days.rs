//! Driving a connector through the table of bad days.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use garland::connector::PlatformConnector;
use garland::connector::kit::{HttpClient, HttpOptions};
use garland::testing::http::{FaultProxy, HttpRule};
use tokio::time::timeout;

use super::deeds::{Case, Deed};
use super::table::{BAD_DAYS, BadDay};

/// How long a deed may take at all, in real seconds: it ends by itself long before.
const LONGEST: Duration = Duration::from_secs(60);

/// The bad days, and how they are tried on one platform.
#[derive(Debug)]
pub(crate) struct BadDays {
    upstream: String,
    sizes: Vec<u64>,
    excused: Vec<(&'static str, Deed)>,
}

/// What was gone through.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Passed {
    /// Bad days of the table.
    pub(crate) days: usize,
    /// Faults that struck a call; each was survived.
    pub(crate) faults: u64,
}

/// A client that does not wait long: its platform is on this machine.
pub(crate) fn hasty() -> HttpClient {
    let options = HttpOptions::default().with_idle(Duration::from_millis(700));
    HttpClient::new(options).unwrap()
}

impl BadDays {
    /// For a platform at this address, as in `http://127.0.0.1:8080`. Files of 1,000 bytes are uploaded.
    ///
    /// A platform that answers with addresses of its own takes them from the request's `Host`, else they lead past the
    /// faults.
    pub(crate) fn on(upstream: impl Into<String>) -> Self {
        Self {
            upstream: upstream.into(),
            sizes: vec![1_000],
            excused: Vec::new(),
        }
    }

    /// Uploads files of these sizes, such as one that goes in one call and one that takes a session with two chunks.
    pub(crate) fn sizes(mut self, sizes: &[u64]) -> Self {
        self.sizes = sizes.to_vec();
        self
    }

    /// Leaves a deed out on a day, for a reason that is printed.
    pub(crate) fn excusing(mut self, day: &'static str, deed: Deed, reason: &str) -> Self {
        assert!(
            BAD_DAYS.iter().any(|own| own.name == day),
            "no such day: {day}"
        );
        println!("left out: {deed} on the day `{day}`: {reason}");
        self.excused.push((day, deed));
        self
    }

    /// Goes through all of them with two connectors to the account, made by `connect` for the address that it is given:
    /// one for the platform's own, which judges, and one for that of a proxy in its place. Make them with [`hasty`], and
    /// without retries.
    ///
    /// Each call of each deed is befallen in turn. The deed may fail, with an error that is true; it may succeed if it was
    /// done; nothing may be left in part; and once all is well again it succeeds with exactly one file, whole.
    pub(crate) async fn run(
        &self,
        connect: impl AsyncFn(String) -> Arc<dyn PlatformConnector>,
    ) -> Passed {
        let proxy = FaultProxy::to(&self.upstream).await.unwrap();
        let judge = connect(self.upstream.clone()).await;
        let connector = connect(proxy.address().to_owned()).await;
        let mut world = World {
            proxy,
            judge,
            connector,
            number: 0,
            calls: BTreeMap::new(),
            wrong: Vec::new(),
        };
        let mut passed = Passed::default();
        for day in BAD_DAYS {
            for deed in day.on {
                if self.excused.contains(&(day.name, *deed)) {
                    continue;
                }
                let writes = matches!(deed, Deed::Upload | Deed::Replace);
                let sizes = if writes {
                    &self.sizes[..]
                } else {
                    &self.sizes[..1]
                };
                for size in sizes {
                    world.go(day, *deed, *size).await;
                }
            }
            passed.days += 1;
        }
        assert!(world.wrong.is_empty(), "\n{}", world.wrong.join("\n"));
        assert_eq!(world.proxy.strayed(), 0, "a redirect was followed");
        passed.faults = world.proxy.injected();
        passed
    }
}

struct World {
    proxy: FaultProxy,
    judge: Arc<dyn PlatformConnector>,
    connector: Arc<dyn PlatformConnector>,
    number: u64,
    /// How many calls a deed takes, with a file of this size.
    calls: BTreeMap<(Deed, u64), u64>,
    wrong: Vec<String>,
}

impl World {
    /// Befalls each call of a deed in turn.
    async fn go(&mut self, day: &BadDay, deed: Deed, size: u64) {
        let calls = match self.calls.get(&(deed, size)) {
            Some(calls) => *calls,
            None => self.count(deed, size).await,
        };
        for nth in places(calls) {
            let case = self.prepare(deed, size).await;
            let rule = HttpRule::new((day.fault)(&self.proxy)).nth(nth).times(1);
            let outcome = self.befall(day, &case, rule).await;
            case.tidy(self.judge.files().unwrap()).await;
            if let Some(wrong) = outcome {
                let call = format!("call {nth} of {calls}");
                let name = day.name;
                self.wrong
                    .push(format!("{name}: {deed} of {size} bytes, {call}: {wrong}"));
            }
        }
    }

    /// Counts the calls of a deed that nothing befalls. The first time it may take more, to look around.
    async fn count(&mut self, deed: Deed, size: u64) -> u64 {
        let mut calls = 0;
        for _ in 0..2 {
            let case = self.prepare(deed, size).await;
            let before = self.proxy.count();
            let brought = case.try_it(&*self.connector).await.unwrap();
            calls = self.proxy.count() - before;
            let judge = self.judge.files().unwrap();
            assert_eq!(
                case.done(brought, judge).await,
                None,
                "{deed} without a fault"
            );
            case.tidy(judge).await;
        }
        self.calls.insert((deed, size), calls);
        calls
    }

    async fn prepare(&mut self, deed: Deed, size: u64) -> Case {
        self.number += 1;
        Case::prepare(self.judge.files().unwrap(), deed, self.number, size).await
    }

    /// Tells what went wrong that should not.
    async fn befall(&self, day: &BadDay, case: &Case, rule: HttpRule) -> Option<String> {
        let connector = &*self.connector;
        let judge = self.judge.files().unwrap();
        self.proxy.add_rule(rule);
        let result = timeout(LONGEST, case.try_it(connector)).await;
        self.proxy.heal();
        let error = match result {
            Err(_) => return Some("it never ended".to_owned()),
            Ok(Ok(brought)) => {
                let wrong = case.done(brought, judge).await;
                return wrong.map(|wrong| format!("it succeeded, but {wrong}"));
            }
            Ok(Err(error)) => error,
        };
        if !day.kinds.contains(&error.kind()) || !(day.also)(&error) {
            let retry = (error.is_retryable(), error.retry_after());
            return Some(format!("it became {:?} {retry:?}: {error}", error.kind()));
        }
        if let Some(wrong) = case.undone(judge).await {
            return Some(format!("{error}; {wrong}"));
        }
        match case.try_it(connector).await {
            Ok(brought) => {
                let wrong = case.done(brought, judge).await;
                wrong.map(|wrong| format!("{error}; then it succeeded, but {wrong}"))
            }
            Err(again) if case.was_done(again.kind()) => None,
            Err(again) => Some(format!("{error}; and once all is well: {again}")),
        }
    }
}

/// Which of so many calls are befallen: all, or of many the first and the last ones.
fn places(calls: u64) -> Vec<u64> {
    (1..=calls)
        .filter(|nth| *nth <= 4 || *nth > calls.saturating_sub(4))
        .collect()
}
