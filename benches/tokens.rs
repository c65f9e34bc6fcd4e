//! What a check of an access token costs, beside one HMAC of the same bytes.
//!
//! `cargo bench --bench tokens`. Each round measures every case in turn, so that a busy machine is as
//! busy for all of them; the figures are medians of the rounds. A check that had to wait for the
//! database would end the run: it is polled once.
#![expect(clippy::print_stdout, reason = "figures are its product")]

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use garland::backends::{Memory, Sqlite};
use garland::crypto::tokens::{
    Grant, KeySet, KeyUse, KnownPermissions, SigningKey, TokenKeys, TokenPolicy, TokenService,
};
use garland::crypto::{SecretBytes, SystemEntropy};
use garland::permission::Actor;
use garland::storage::StorageBackend;
use garland::{Clock, OrganizationId, SystemClock};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

const KEY: &str = "garland-test-key-32-bytes-long!!";
const ROUNDS: usize = 200;
const CALLS: u32 = 500;
/// Live revocations in the organization whose tokens are checked.
const REVOKED: usize = 2_000;

type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

fn main() -> Outcome<()> {
    let folder = tempfile::tempdir()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    let (memory, sqlite) = runtime.block_on(async {
        let sqlite = Sqlite::open(folder.path().join("bench.db")).await?;
        let memory = warm(Arc::new(Memory::new()), REVOKED).await?;
        Outcome::Ok((memory, warm(Arc::new(sqlite), REVOKED).await?))
    })?;
    let fresh = runtime.block_on(warm(Arc::new(Memory::new()), 0))?;

    let key: Hmac<Sha256> = Hmac::new_from_slice(KEY.as_bytes())?;
    let signed = fresh.token.rsplit_once('.').ok_or("no token")?.0.to_owned();
    let clock = SystemClock::new();
    let mut took: [Vec<Duration>; 4] = Default::default();
    for _ in 0..ROUNDS {
        took[0].push(time(&clock, || {
            let mut mac = key.clone();
            mac.update(black_box(&signed).as_bytes());
            black_box(mac.finalize());
        }));
        for (case, warm) in [&fresh, &memory, &sqlite].into_iter().enumerate() {
            took[case + 1].push(time(&clock, || warm.check()));
        }
    }
    let [hmac, fresh, memory, sqlite] = took.map(median);
    println!("  {} bytes signed", signed.len());
    println!("  one HMAC of them: {hmac:.0} ns");
    println!("  check, nothing taken back: {fresh:.0} ns");
    println!("  check, {REVOKED} taken back, in memory: {memory:.0} ns");
    println!("  check, {REVOKED} taken back, SQLite: {sqlite:.0} ns");
    let worst = fresh.max(memory).max(sqlite);
    println!("figure token_hmac_ns {hmac:.0}");
    println!("figure token_verify_ns {worst:.0}");
    println!(
        "figure token_verify_share_of_bound {:.2}",
        worst / (2.0 * hmac + 2_000.0)
    );
    println!(
        "figure token_revocation_check_ns {:.0}",
        (worst - fresh).max(0.0)
    );
    Ok(())
}

/// A service that has read everything, and a good token of it.
struct Warm {
    tokens: TokenService,
    token: String,
}

impl Warm {
    fn check(&self) {
        let verified = self.tokens.verify(black_box(&self.token)).now_or_never();
        let verified = verified.expect("a warm check waits for nothing");
        black_box(verified.expect("the token is good"));
    }
}

async fn warm(backend: Arc<dyn StorageBackend>, revoked: usize) -> Outcome<Warm> {
    let set = |purpose, secret: &str| {
        let secret = SecretBytes::from(secret);
        SigningKey::new(purpose, "2027".parse()?, &secret).map(KeySet::new)
    };
    let keys = TokenKeys {
        access: set(KeyUse::Access, KEY)?,
        refresh: set(KeyUse::Refresh, "0ther-key-for-the-other-purpose.")?,
    };
    let known = KnownPermissions::parse(["files:read", "files:write", "msg:send"])?;
    let policy = TokenPolicy::new("https://studio.test", "studio-api", known)
        .with_access_life(Duration::from_secs(86_400));
    let (clock, entropy) = (Arc::new(SystemClock::new()), Arc::new(SystemEntropy::new()));
    let tokens = TokenService::new(backend, keys, policy, clock, entropy)?;
    let user = Actor::User("0192f7c4-8f3e-7c1a-b1d2-7a5f0e3c9d11".into());
    let grant = Grant::new(user, OrganizationId::default(), "web")
        .with_permissions(["files:read".parse()?, "files:write".parse()?]);
    for _ in 0..revoked {
        let gone = tokens.issue(&grant).await?;
        tokens.revoke(&tokens.verify(gone.access()).await?).await?;
    }
    let token = tokens.issue(&grant).await?.access().to_owned();
    tokens.verify(&token).await?;
    Ok(Warm { tokens, token })
}

/// The time of one call.
fn time(clock: &SystemClock, call: impl Fn()) -> Duration {
    let start = clock.elapsed();
    for _ in 0..CALLS {
        call();
    }
    clock.elapsed().saturating_sub(start) / CALLS
}

/// In nanoseconds.
fn median(mut rounds: Vec<Duration>) -> f64 {
    rounds.sort_unstable();
    let middle = rounds.get(rounds.len() / 2).copied().unwrap_or_default();
    middle.as_secs_f64() * 1e9
}
