//! Connects an account at a platform from a desk, as a desktop program does: the browser opens, somebody says yes, and
//! from then on the account has fresh tokens, sealed in a database.
//!
//! `cargo run --features oauth --example connect -- --demo` shows it with a small provider of its own, which says yes by
//! itself. For a real account name a preset and the program's own registration there:
//!
//! `GARLAND_CLIENT_ID=… GARLAND_CLIENT_SECRET=… cargo run --features oauth --example connect -- --provider google`
//!
//! or any other provider by its addresses: `--provider URL-OF-AUTHORIZATION --token URL-OF-TOKENS`.

mod demo;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use garland::backends::Sqlite;
use garland::connector::ConnectorName;
use garland::connector::kit::{HttpClient, HttpOptions};
use garland::crypto::{Entropy, KeyFile, KeyRing, SystemEntropy};
use garland::oauth::{
    AuthorizationRequest, ClientAuthentication, Loopback, OAuth, OAuthOptions, OAuthParts, Provider,
};
use garland::storage::Store;
use garland::{Chance, Clock, OrganizationId, SystemClock};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// Connects an account and shows how it stands.
#[derive(Debug, Parser)]
#[command(name = "connect", version)]
struct Args {
    /// What the account is called here.
    #[arg(long, default_value = "archive")]
    account: ConnectorName,
    /// A preset (google, dropbox, microsoft, box, pcloud), or the address where people say yes.
    #[arg(long, required_unless_present = "demo")]
    provider: Option<String>,
    /// The address where tokens come from, if the provider is no preset.
    #[arg(long)]
    token: Option<String>,
    /// What is asked for, with commas between; the preset's own if not given.
    #[arg(long, value_delimiter = ',')]
    scopes: Option<Vec<String>>,
    /// The port that is registered with the provider, if it wants one.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// The database; the key that its keys are under lies beside it.
    #[arg(long, default_value = "connect.db")]
    state: PathBuf,
    /// Shows it with a provider of its own, and nobody's account.
    #[arg(long, conflicts_with = "provider")]
    demo: bool,
    /// Gives the access back at the end.
    #[arg(long)]
    disconnect: bool,
}

/// Who the browser of a desktop program belongs to: there is one.
const SESSION: &str = "this desk";

#[tokio::main]
async fn main() -> Outcome<()> {
    let args = Args::parse();
    let demo = match args.demo {
        true => Some(demo::Demo::start().await?),
        false => None,
    };
    let provider = match &demo {
        Some(demo) => demo.provider(),
        None => provider(&args)?,
    };
    let id = provider.id.clone();
    let oauth = service(&args, provider).await?;

    let loopback = match args.port {
        0 => Loopback::bind().await?,
        port => Loopback::bind_port(port).await?,
    };
    let (name, redirect) = (args.account.clone(), loopback.redirect());
    let request = AuthorizationRequest::new(name.clone(), &id, redirect, SESSION);
    let started = oauth.begin(request).await?;
    match &demo {
        Some(demo) => {
            println!("a browser goes to {id} and somebody says yes");
            demo.say_yes(started.url());
        }
        None => println!(
            "Please open this address in a browser:\n\n{}\n",
            started.url()
        ),
    }
    let callback = loopback
        .answer(started.state(), Duration::from_secs(300))
        .await?;
    let account = oauth.finish(SESSION, &callback).await?;
    println!("{name} is connected");

    let before = account.token().await?;
    match account.refresh().await {
        Ok(()) => {
            let is_new = account.token().await?.expose() != before.expose();
            println!(
                "it was refreshed, and has {} token",
                if is_new { "another" } else { "the same" }
            );
        }
        Err(error) => println!("it cannot be refreshed: {error}"),
    }
    let record = account.record().await?;
    println!(
        "generation {} of its tokens, {:?}",
        record.generation, record.state
    );
    if let Some(expires) = record.expires {
        println!("the next refresh is before {expires}");
    }
    if args.disconnect {
        let revoked = oauth.disconnect(&name).await?;
        println!(
            "{name} is disconnected{}",
            if revoked { ", there too" } else { "" }
        );
    }
    oauth.close().await?;
    Ok(())
}

async fn service(args: &Args, provider: Provider) -> Outcome<OAuth> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy::new());
    let database = Arc::new(Sqlite::open(&args.state).await?);
    let store = Store::new(database, OrganizationId::default());
    let key = args.state.with_extension("key");
    let root = if key.exists() {
        KeyFile::open(&key, Arc::clone(&entropy)).await?
    } else {
        KeyFile::create(&key, Arc::clone(&entropy)).await?
    };
    let parts = OAuthParts {
        keys: KeyRing::new(
            store.clone(),
            Arc::new(root),
            Arc::clone(&clock),
            Arc::clone(&entropy),
        ),
        store,
        client: HttpClient::new(HttpOptions::default())?,
        clock,
        entropy,
        chance: Chance::system(),
    };
    Ok(OAuth::new(parts, [provider], OAuthOptions::default())?)
}

#[expect(
    clippy::disallowed_methods,
    reason = "secrets of a program come by its environment, where no list of processes shows them"
)]
fn provider(args: &Args) -> Outcome<Provider> {
    let id = std::env::var("GARLAND_CLIENT_ID")?;
    let named = args.provider.as_deref().unwrap_or_default();
    let mut provider = match named {
        "google" => Provider::google(id),
        "dropbox" => Provider::dropbox(id),
        "microsoft" => Provider::microsoft("common", id),
        "box" => Provider::box_(id),
        "pcloud" => Provider::pcloud(id),
        address => {
            let token = args
                .token
                .as_deref()
                .ok_or("a provider that is no preset needs --token")?;
            Provider::new("own", id, token).with_authorization(address)
        }
    };
    if let Some(scopes) = &args.scopes {
        provider = provider.with_scopes(scopes);
    }
    if let Ok(secret) = std::env::var("GARLAND_CLIENT_SECRET") {
        provider = provider.with_authentication(ClientAuthentication::Post(secret.into()));
    }
    Ok(provider)
}
