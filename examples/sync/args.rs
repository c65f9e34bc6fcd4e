//! What the program is asked to do.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use garland::sync::{ConflictStrategy, Limit, Relation};

/// Plans and runs verified syncs between folders.
#[derive(Debug, Parser)]
#[command(name = "sync", version)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Print what would be done, and change nothing.
    Plan {
        #[command(flatten)]
        sync: SyncArgs,
        /// Write the plan as JSON to this file (`-` for standard output), to be carried out by `run --apply`.
        #[arg(long, value_name = "FILE")]
        json: Option<PathBuf>,
        /// Print every line of a long plan.
        #[arg(long)]
        full: bool,
    },
    /// Carry it out, show progress and print a report.
    Run {
        #[command(flatten)]
        sync: SyncArgs,
        /// Only print the plan.
        #[arg(long)]
        dry_run: bool,
        /// Carry out this plan; refused if the folders are not any more what it was made from.
        #[arg(long, value_name = "PLAN.json")]
        apply: Option<PathBuf>,
        /// Draw no progress.
        #[arg(long, short)]
        quiet: bool,
        /// Print the report as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Look at conflicts that wait for a person, and settle them.
    #[command(subcommand)]
    Conflicts(ConflictsCommand),
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConflictsCommand {
    /// Print the conflicts that wait.
    List {
        #[command(flatten)]
        sync: SyncArgs,
    },
    /// Settle one conflict.
    Resolve {
        #[command(flatten)]
        sync: SyncArgs,
        /// The file.
        #[arg(long)]
        path: String,
        #[command(flatten)]
        choice: ChoiceArgs,
    },
}

#[derive(Args, Debug)]
#[group(required = true, multiple = false)]
pub(crate) struct ChoiceArgs {
    /// Keep the version of this folder, by the name the plan calls it.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) keep: Option<String>,
    /// Keep every version, all but one under a new name.
    #[arg(long)]
    pub(crate) keep_all: bool,
    /// Merge the versions.
    #[arg(long)]
    pub(crate) merge: bool,
}

#[derive(Args, Debug)]
pub(crate) struct SyncArgs {
    /// The folders, in order. In a mirror or backup the first is the source.
    #[arg(required = true, num_args = 2..)]
    pub(crate) folders: Vec<PathBuf>,
    /// How the folders stand to each other.
    #[arg(long, value_enum, default_value_t = RelationArg::Peers)]
    pub(crate) relation: RelationArg,
    /// What settles a conflict.
    #[arg(long, value_enum, default_value_t = StrategyArg::ManualReview)]
    pub(crate) on_conflict: StrategyArg,
    /// Refuse to delete more files than this on one folder: a number, or a share such as `20%`.
    #[arg(long, value_parser = limit)]
    pub(crate) delete_limit: Option<Limit>,
    /// Refuse to replace more files than this on one folder: a number, or a share such as `20%`.
    #[arg(long, value_parser = limit)]
    pub(crate) change_limit: Option<Limit>,
    /// Believe a folder that is empty although it was not.
    #[arg(long)]
    pub(crate) allow_empty: bool,
    /// Rename files that were renamed elsewhere, instead of copying them.
    #[arg(long)]
    pub(crate) track_renames: bool,
    /// Leave out what this pattern names, as in a `.gitignore`. May be repeated.
    #[arg(long, value_name = "PATTERN")]
    pub(crate) exclude: Vec<String>,
    /// Read every copy back and hash it.
    #[arg(long)]
    pub(crate) read_back: bool,
    /// Where to remember what was agreed; by default a file of these folders in the user's state folder.
    #[arg(long, value_name = "FILE")]
    pub(crate) state: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum RelationArg {
    Peers,
    Mirror,
    Backup,
}

impl From<RelationArg> for Relation {
    fn from(relation: RelationArg) -> Self {
        match relation {
            RelationArg::Peers => Self::Peers,
            RelationArg::Mirror => Self::Mirror,
            RelationArg::Backup => Self::Backup,
        }
    }
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum StrategyArg {
    NewerWins,
    SourceWins,
    Duplicate,
    Merge,
    ManualReview,
}

impl From<StrategyArg> for ConflictStrategy {
    fn from(strategy: StrategyArg) -> Self {
        match strategy {
            StrategyArg::NewerWins => Self::NewerWins,
            StrategyArg::SourceWins => Self::SourceWins,
            StrategyArg::Duplicate => Self::Duplicate,
            StrategyArg::Merge => Self::Merge,
            StrategyArg::ManualReview => Self::ManualReview,
        }
    }
}

fn limit(text: &str) -> Result<Limit, String> {
    let fault = |_| "a number, or a share such as 20%".to_owned();
    match text.strip_suffix('%') {
        Some(percent) => percent.parse().map(Limit::percent).map_err(fault),
        None => text.parse().map(Limit::count).map_err(fault),
    }
}
