//! Plans and runs verified syncs between folders.
//!
//! ```text
//! cargo run --release --example sync -- plan card archive
//! cargo run --release --example sync -- run card archive --relation backup
//! ```

mod args;
mod draw;

use std::collections::BTreeSet;
use std::error::Error as StdError;
use std::fs::File;
use std::io::{BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use garland::backends::{Memory, Sqlite};
use garland::connector::FilePath;
use garland::platforms::LocalFolder;
use garland::sync::{Choice, OpenConflict, Patterns, Plan, PlanOptions, SyncOptions, XmpMerger};
use garland::transfer::{TransferOptions, Verify};
use garland::{Orchestrator, SyncRequest};

use args::{ChoiceArgs, Cli, Command, ConflictsCommand, SyncArgs};

type Outcome<T> = Result<T, Box<dyn StdError + Send + Sync>>;

#[tokio::main]
async fn main() -> ExitCode {
    match run(Cli::parse().command).await {
        Ok(code) => code,
        Err(error) => {
            eprint!("sync: {error}");
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

async fn run(command: Command) -> Outcome<ExitCode> {
    match command {
        Command::Plan { sync, json, full } => {
            let plan = request(&sync, Purpose::Look).await?.plan().await?;
            match json.as_deref() {
                Some(file) if file == Path::new("-") => {
                    serde_json::to_writer_pretty(std::io::stdout().lock(), &plan)?;
                    println!();
                }
                Some(file) => write(file, &plan)?,
                None => show(&plan, full),
            }
            Ok(ExitCode::SUCCESS)
        }
        Command::Run {
            sync,
            dry_run: true,
            ..
        } => {
            show(&request(&sync, Purpose::Look).await?.plan().await?, false);
            Ok(ExitCode::SUCCESS)
        }
        Command::Run {
            sync,
            apply,
            quiet,
            json,
            ..
        } => {
            let plan: Option<Plan> = match apply {
                Some(file) => Some(serde_json::from_reader(BufReader::new(File::open(file)?))?),
                None => None,
            };
            let mut run = request(&sync, Purpose::Change).await?.start(plan).await?;
            if !quiet && !json {
                draw::draw(&mut run).await;
            }
            let report = run.report().await?;
            if json {
                println!("{}", serde_json::to_string_pretty(&report)?);
            } else {
                println!("{report}");
            }
            Ok(if report.is_complete() {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            })
        }
        Command::Conflicts(ConflictsCommand::List { sync }) => {
            let conflicts = request(&sync, Purpose::Look).await?.conflicts().await?;
            conflicts.iter().for_each(show_conflict);
            println!("{} conflicts wait", conflicts.len());
            Ok(ExitCode::SUCCESS)
        }
        Command::Conflicts(ConflictsCommand::Resolve { sync, path, choice }) => {
            let request = request(&sync, Purpose::Change).await?;
            let path: FilePath = path.parse()?;
            println!("{}", request.resolve(&path, chosen(choice)?).await?);
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// Whether a command may make the state file.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Purpose {
    Look,
    Change,
}

async fn request(args: &SyncArgs, purpose: Purpose) -> Outcome<SyncRequest> {
    let mut folders = Vec::new();
    for folder in &args.folders {
        let whole = folder.canonicalize();
        folders.push(whole.map_err(|cause| format!("{}: {cause}", folder.display()))?);
    }
    let identity = identity(&folders);
    let state = match &args.state {
        Some(file) => file.clone(),
        None => default_state(&identity)?,
    };
    let mut builder = Orchestrator::builder();
    builder = if purpose == Purpose::Look && !state.exists() {
        builder.storage(Memory::new())
    } else {
        if let Some(parent) = state.parent() {
            std::fs::create_dir_all(parent)?;
        }
        builder.storage(Sqlite::open(&state).await?)
    };
    let names = names(&folders);
    for (name, folder) in names.iter().zip(&folders) {
        builder = builder.connector(name, LocalFolder::open(folder)?);
    }
    let studio = builder.build().await?;
    let (first, others) = names.split_first().ok_or("no folders")?;
    let request = others
        .iter()
        .fold(studio.sync(first), |request, name| request.with(name));
    Ok(request
        .relation(args.relation.into())
        .options(options(args, identity)?))
}

fn options(args: &SyncArgs, identity: String) -> Outcome<SyncOptions> {
    let mut plan = PlanOptions::default()
        .with_allow_empty(args.allow_empty)
        .with_track_renames(args.track_renames);
    if let Some(limit) = args.delete_limit {
        plan = plan.with_delete_limit(limit);
    }
    if let Some(limit) = args.change_limit {
        plan = plan.with_change_limit(limit);
    }
    let mut transfer = TransferOptions::default();
    if args.read_back {
        transfer = transfer.with_verify(Verify::ReadBack);
    }
    let mut options = SyncOptions::default()
        .with_strategy(args.on_conflict.into())
        .with_plan(plan)
        .with_transfer(transfer)
        .with_merger(XmpMerger::new())
        .with_name(identity);
    if !args.exclude.is_empty() {
        let patterns = args.exclude.iter().map(String::as_str);
        options = options.with_filter(Patterns::excluding(patterns)?);
    }
    Ok(options)
}

/// Calls each folder by its own name; a second one of that name gets a number.
fn names(folders: &[PathBuf]) -> Vec<String> {
    let mut taken = BTreeSet::new();
    let plain = |c: char| {
        if c.is_alphanumeric() || "-_.".contains(c) {
            c
        } else {
            '_'
        }
    };
    folders
        .iter()
        .map(|folder| {
            let name = folder
                .file_name()
                .map(|name| name.to_string_lossy())
                .unwrap_or_default();
            let name: String = name.chars().map(plain).take(15).collect();
            let name = name.trim_matches('.');
            let name = if name.is_empty() { "folder" } else { name };
            (1..)
                .map(|n| {
                    if n == 1 {
                        name.into()
                    } else {
                        format!("{name}-{n}")
                    }
                })
                .find(|name: &String| taken.insert(name.clone()))
                .unwrap_or_default()
        })
        .collect()
}

/// Names this set of folders, whatever their order, so that no other set shares its memory.
fn identity(folders: &[PathBuf]) -> String {
    let sorted: BTreeSet<_> = folders
        .iter()
        .map(|folder| folder.to_string_lossy())
        .collect();
    let mut hasher = blake3::Hasher::new();
    for folder in sorted {
        hasher.update(folder.as_bytes()).update(b"\0");
    }
    hasher.finalize().to_hex().chars().take(16).collect()
}

fn default_state(identity: &str) -> Outcome<PathBuf> {
    let home = std::env::home_dir().ok_or("no home folder; name a file with --state")?;
    Ok(home
        .join(".local/state/garland")
        .join(format!("sync-{identity}.db")))
}

fn chosen(choice: ChoiceArgs) -> Outcome<Choice> {
    Ok(match choice {
        ChoiceArgs {
            keep: Some(name), ..
        } => Choice::Keep(name.parse()?),
        ChoiceArgs { merge: true, .. } => Choice::Merge,
        _ => Choice::KeepAll,
    })
}

fn show(plan: &Plan, full: bool) {
    if full {
        println!("{}", plan.listing())
    } else {
        println!("{plan}")
    }
}

fn show_conflict(conflict: &OpenConflict) {
    println!("{} ({})", conflict.path, conflict.kind);
    for version in &conflict.versions {
        let holders: Vec<_> = version.replicas.iter().map(|name| name.as_str()).collect();
        let time = version
            .version
            .modified
            .map_or("no time".into(), |time| time.to_string());
        println!(
            "  {}: {} bytes, {time}",
            holders.join(", "),
            version.version.size
        );
    }
    if !conflict.deleted.is_empty() {
        let names: Vec<_> = conflict.deleted.iter().map(|name| name.as_str()).collect();
        println!("  deleted on {}", names.join(", "));
    }
}

fn write(file: &Path, plan: &Plan) -> Outcome<()> {
    let mut writer = BufWriter::new(File::create(file)?);
    serde_json::to_writer_pretty(&mut writer, plan)?;
    writer.flush()?;
    println!("plan written to {}", file.display());
    Ok(())
}
