//! From names to addresses.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;

use garland::ErrorKind;
use garland::outbound::{Guard, Resolve, TargetPolicy};

/// A resolver that says one thing after the other, and its last word for ever.
#[derive(Debug)]
pub(crate) struct Scripted {
    answers: Mutex<VecDeque<Vec<IpAddr>>>,
    asked: AtomicUsize,
}

impl Scripted {
    pub(crate) fn new(answers: &[&[&str]]) -> Arc<Self> {
        let answers = answers
            .iter()
            .map(|texts| texts.iter().map(|text| text.parse().unwrap()).collect())
            .collect();
        Arc::new(Self {
            answers: Mutex::new(answers),
            asked: AtomicUsize::new(0),
        })
    }

    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }
}

#[async_trait]
impl Resolve for Scripted {
    async fn resolve(&self, _: &str) -> garland::Result<Vec<IpAddr>> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let mut answers = self.answers.lock().unwrap();
        let next = answers.pop_front().unwrap_or_default();
        if answers.is_empty() {
            answers.push_back(next.clone());
        }
        Ok(next)
    }
}

/// A resolver that never answers.
#[derive(Debug)]
struct Silent;

#[async_trait]
impl Resolve for Silent {
    async fn resolve(&self, _: &str) -> garland::Result<Vec<IpAddr>> {
        std::future::pending().await
    }
}

fn guard(resolver: Arc<dyn Resolve>) -> Guard {
    Guard::new(TargetPolicy::default(), resolver)
}

async fn pin(guard: &Guard, url: &str) -> Result<Vec<String>, ErrorKind> {
    let target = guard.policy().check(url).unwrap();
    let pinned = guard.pin(&target).await.map_err(|error| error.kind())?;
    Ok(pinned.addresses.iter().map(ToString::to_string).collect())
}

#[tokio::test]
async fn s2_a_name_that_turns_inward_is_refused_at_once() {
    let resolver = Scripted::new(&[&["8.8.8.8"], &["127.0.0.1"], &["8.8.4.4"]]);
    let guard = guard(Arc::<Scripted>::clone(&resolver));
    let url = "https://rebind.example.com/";
    assert_eq!(pin(&guard, url).await, Ok(vec!["8.8.8.8:443".to_owned()]));
    assert_eq!(resolver.asked(), 1, "a target is resolved once");
    assert_eq!(pin(&guard, url).await, Err(ErrorKind::Refused));
    assert_eq!(pin(&guard, url).await, Ok(vec!["8.8.4.4:443".to_owned()]));
}

#[tokio::test]
async fn s2_one_bad_address_spoils_the_name() {
    for bad in [
        "10.0.0.1",
        "127.0.0.1",
        "169.254.169.254",
        "0.0.0.0",
        "::1",
        "::ffff:8.8.8.8",
        "64:ff9b::808:808",
        "2002:808:808::1",
        "fd00::1",
        "fe80::1",
        "100.64.0.1",
        "224.0.0.1",
    ] {
        for answer in [[bad, "8.8.8.8"], ["8.8.8.8", bad]] {
            let guard = guard(Scripted::new(&[&answer]));
            let got = pin(&guard, "https://mixed.example.com/").await;
            assert_eq!(got, Err(ErrorKind::Refused), "{bad}");
        }
    }
    // Not one too far down the list either.
    let mut many = vec!["8.8.8.8"; 40];
    many.push("127.0.0.1");
    let guard = guard(Scripted::new(&[&many]));
    let got = pin(&guard, "https://mixed.example.com/").await;
    assert_eq!(got, Err(ErrorKind::Refused));
}

#[tokio::test]
async fn s2_all_good_addresses_are_pinned_with_the_port() {
    let guard = guard(Scripted::new(&[&["2606:4700:4700::1111", "1.1.1.1"]]));
    let got = pin(&guard, "https://example.com:8443/").await.unwrap();
    assert_eq!(got, ["[2606:4700:4700::1111]:8443", "1.1.1.1:8443"]);
}

#[tokio::test]
async fn s2_an_address_is_not_resolved() {
    let resolver = Scripted::new(&[&["127.0.0.1"]]);
    let guard = guard(Arc::<Scripted>::clone(&resolver));
    let got = pin(&guard, "https://8.8.8.8/").await.unwrap();
    assert_eq!((got, resolver.asked()), (vec!["8.8.8.8:443".to_owned()], 0));
    // A target of a laxer policy is judged by this one.
    let lax = TargetPolicy::default().danger_allow_loopback_http();
    let inside = lax.check("http://127.0.0.1:8080/").unwrap();
    assert_eq!(
        guard.pin(&inside).await.unwrap_err().kind(),
        ErrorKind::Refused
    );
}

#[tokio::test(start_paused = true)]
async fn s3_a_name_has_to_be_resolved_in_time() {
    let guard = guard(Arc::new(Silent)).with_patience(Duration::from_secs(5));
    let got = pin(&guard, "https://example.com/").await;
    assert_eq!(got, Err(ErrorKind::Timeout));
    let empty = self::guard(Scripted::new(&[&[]]));
    let got = pin(&empty, "https://example.com/").await;
    assert_eq!(got, Err(ErrorKind::Unavailable));
}
