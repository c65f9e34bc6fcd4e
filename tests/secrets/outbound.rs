//! URLs that people hand in: what stands behind the host is often as good as a password.

use std::net::IpAddr;
use std::sync::Arc;

use async_trait::async_trait;
use garland::outbound::{Guard, Resolve, TargetPolicy};
use garland::{Error, ErrorKind, Result};

use crate::day::Day;

const HOOK: &str = "T024BE7LD-B9QK2-kEx84hYzTq1";
const PASSWORD: &str = "hunter2-hunter2";

#[derive(Debug)]
struct Names;

#[async_trait]
impl Resolve for Names {
    async fn resolve(&self, host: &str) -> Result<Vec<IpAddr>> {
        match host {
            "hooks.example.com" => Ok(vec![IpAddr::from([93, 184, 216, 34])]),
            "inside.example.com" => Ok(vec![IpAddr::from([10, 0, 0, 7])]),
            _ => Err(Error::new(
                ErrorKind::NotFound,
                "test.resolve",
                "no such name",
            )),
        }
    }
}

pub(crate) async fn live(day: &mut Day) {
    day.planted.plant("secret in an address", HOOK.as_bytes());
    day.planted
        .plant("password in an address", PASSWORD.as_bytes());
    let policy = TargetPolicy::default();
    day.print(&policy);
    let guard = Guard::new(policy.clone(), Arc::new(Names));
    day.print(&guard);
    let target = policy
        .check(&format!("https://hooks.example.com/{HOOK}?token={HOOK}"))
        .unwrap();
    day.print(&target);
    day.print(&guard.pin(&target).await.unwrap());
    for host in ["inside.example.com", "nowhere.example.com"] {
        let target = policy.check(&format!("https://{host}/{HOOK}")).unwrap();
        day.fails(guard.pin(&target).await);
    }
    for bad in [
        format!("http://hooks.example.com/{HOOK}"),
        format!("https://user:{PASSWORD}@hooks.example.com/{HOOK}"),
        format!("https://127.0.0.1/{HOOK}"),
        format!("https://hooks.example.com:22/{HOOK}"),
        format!("https://hooks.example.com/{HOOK}\n{PASSWORD}"),
        format!("https://[{PASSWORD}]/{HOOK}"),
        format!("{PASSWORD}://{HOOK}"),
    ] {
        day.fails(policy.check(&bad));
    }
}
