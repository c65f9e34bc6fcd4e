//! Backs a folder up to a place that can read nothing of it, changes the keys, and brings it back.
//!
//! ```text
//! cargo run --release --example sealed_backup -- pictures --vault vault --restored restored --key studio.key
//! ```

mod draw;
mod trees;

use std::error::Error as StdError;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use garland::backends::Sqlite;
use garland::crypto::{KeyFile, SealedNames, SealedOptions, SystemEntropy};
use garland::platforms::LocalFolder;
use garland::sync::{Relation, SyncReport};
use garland::{Clock as _, Orchestrator, SyncRequest, SystemClock};
use indicatif::{DecimalBytes, HumanDuration};

use trees::{Tree, compare};

type Outcome<T> = Result<T, Box<dyn StdError + Send + Sync>>;

/// Backs a folder up, sealed, changes the keys, and brings it back.
#[derive(Debug, Parser)]
#[command(name = "sealed_backup", version)]
struct Args {
    /// What to back up.
    folder: PathBuf,
    /// Where the sealed files go; made if it is not there.
    #[arg(long)]
    vault: PathBuf,
    /// Where they come back to; made if it is not there.
    #[arg(long)]
    restored: PathBuf,
    /// The root of all keys; made if it is not there. Who has lost it has lost the backup.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// Where wrapped keys and records are kept. By default beside the key.
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// Leave names readable in the vault.
    #[arg(long)]
    clear_names: bool,
    /// Draw no progress.
    #[arg(long, short)]
    quiet: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Args::parse()).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprint!("sealed_backup: {error}");
            let mut cause = error.source();
            while let Some(error) = cause {
                eprint!(": {error}");
                cause = error.source();
            }
            eprintln!();
            ExitCode::from(2)
        }
    }
}

/// Tells whether what came back is what there was.
async fn run(args: Args) -> Outcome<bool> {
    for folder in [&args.vault, &args.restored] {
        std::fs::create_dir_all(folder)?;
    }
    let studio = studio(&args).await?;

    let sync = studio.sync("studio").to("vault").relation(Relation::Mirror);
    let sealed = carry("seal", sync, args.quiet).await?;
    let (plain, vault) = (Tree::of(&args.folder)?, Tree::of(&args.vault)?);
    let (before, after) = (plain.bytes(), vault.bytes());
    println!(
        "vault: {} files, {} for {} of content: {} bytes more",
        vault.files(),
        DecimalBytes(after),
        DecimalBytes(before),
        i128::from(after) - i128::from(before),
    );

    let report = studio.keys().await?.rotate().await?;
    let written = Tree::of(&args.vault)?.bytes_written_since(&vault);
    println!(
        "rotate: epoch {}, {} keys rewrapped in {:.0} ms, {} failed, {written} object bytes written",
        report.epoch,
        report.moved,
        report.took.as_secs_f64() * 1_000.0,
        report.failed,
    );

    let sync = studio
        .sync("vault")
        .to("restored")
        .relation(Relation::Mirror);
    let opened = carry("open", sync, args.quiet).await?;
    let differences = compare(&args.folder, &args.restored)?;
    for path in &differences {
        println!("differs: {}", path.display());
    }
    println!(
        "{} files compared, {} differ",
        plain.files(),
        differences.len()
    );
    let untouched = written == 0 && report.failed == 0;
    Ok(sealed.is_complete() && opened.is_complete() && untouched && differences.is_empty())
}

async fn studio(args: &Args) -> Outcome<Orchestrator> {
    let entropy = Arc::new(SystemEntropy::new());
    let root = if args.key.exists() {
        KeyFile::open(&args.key, entropy).await?
    } else {
        KeyFile::create(&args.key, entropy).await?
    };
    let state = match &args.state {
        Some(file) => file.clone(),
        None => beside(&args.key),
    };
    let names = if args.clear_names {
        SealedNames::Clear
    } else {
        SealedNames::Sealed
    };
    let options = SealedOptions::default().with_names(names);
    Ok(Orchestrator::builder()
        .storage(Sqlite::open(&state).await?)
        .root(root)
        .connector("studio", LocalFolder::open(&args.folder)?)
        .sealed("vault", LocalFolder::open(&args.vault)?, options)
        .connector("restored", LocalFolder::open(&args.restored)?)
        .build()
        .await?)
}

fn beside(key: &Path) -> PathBuf {
    key.with_extension("db")
}

/// Runs a sync and prints what it did.
async fn carry(what: &str, sync: SyncRequest, quiet: bool) -> Outcome<SyncReport> {
    let clock = SystemClock::new();
    let mut run = sync.start(None).await?;
    if !quiet {
        draw::draw(&mut run).await;
    }
    let report = run.report().await?;
    let took = clock.elapsed();
    let bytes = report.done.bytes;
    println!(
        "{what}: {} in {}, {:.1} MB/s",
        DecimalBytes(bytes),
        HumanDuration(took),
        bytes as f64 / 1e6 / took.as_secs_f64().max(1e-9),
    );
    if !report.is_complete() {
        println!("{report}");
    }
    Ok(report)
}
