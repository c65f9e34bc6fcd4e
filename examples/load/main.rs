//! A Saturday in June: forty organizations, two weddings and an emergency share one link to platforms of which one fails and
//! one throttles.
//!
//! `cargo run --release --example load` shows a part of the day as it goes by, as bars; `--at 15:29` says where it begins.
//! `cargo run --release --example load -- --simulate` runs all 24 hours on paused time, and prints what came of the day's
//! promises. Nothing leaves this machine: the platforms only exist here.
#![expect(clippy::print_stdout, reason = "a program for a terminal")]

mod clock;
mod draw;
mod ledger;
mod platform;
mod saturday;
mod verdict;

use std::time::Duration;

use clap::Parser;
use garland::{Error, ErrorKind, Result};

use clock::{Saturday, hour, minutes};
use draw::Pen;
use saturday::{Day, OPENING};

/// One link, shared on a Saturday in June.
#[derive(Debug, Parser)]
struct Options {
    /// Runs the day on paused time, and prints what came of it.
    #[arg(long)]
    simulate: bool,
    /// How many hours of the day are simulated.
    #[arg(long, default_value_t = 24, value_parser = clap::value_parser!(u64).range(1..=24))]
    hours: u64,
    /// Where the day begins when it is watched, as `HH:MM`.
    #[arg(long, default_value = "15:29")]
    at: String,
    /// How many seconds it is watched; until it is stopped, if none.
    #[arg(long)]
    seconds: Option<u64>,
    /// What the accidents of the day come from.
    #[arg(long, default_value_t = 20)]
    seed: u64,
    /// Without colours, one picture below the other.
    #[arg(long)]
    plain: bool,
}

fn main() -> Result<()> {
    let options = Options::parse();
    let pen = Pen::new(options.plain);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(options.simulate)
        .build()
        .map_err(|cause| {
            Error::new(ErrorKind::Unavailable, "load.main", "no runtime").with_source(cause)
        })?;
    if options.simulate {
        runtime.block_on(simulate(&options, pen))
    } else {
        runtime.block_on(watch(&options, pen))
    }
}

async fn simulate(options: &Options, pen: Pen) -> Result<()> {
    let day = Day::new(Saturday::begin(Duration::ZERO), options.seed)?;
    // What an emergency takes while nobody else is there.
    let alone = day.emergency().await?;
    day.clock.until(OPENING).await;
    let mut workers = day.begin();
    let end = minutes(options.hours * 60);
    let mut crowded = None;
    for at in 1..=options.hours {
        if saturday::URGENT_AT < minutes(at * 60) && crowded.is_none() {
            day.clock.until(saturday::URGENT_AT).await;
            crowded = Some(day.emergency().await?);
        }
        day.clock.until(minutes(at * 60).min(end)).await;
        if let Some(ended) = workers.try_join_next() {
            // They only end when something has gone wrong.
            ended.map_err(|cause| {
                Error::new(ErrorKind::Unexpected, "load.simulate", "a worker has gone")
                    .with_source(cause)
            })??;
        }
    }
    let verdicts = verdict::judge(&day, end, alone, crowded);
    print!("{}", draw::table(pen, &day, &verdicts));
    let broken = verdicts.iter().filter(|verdict| !verdict.holds).count();
    if broken == 0 {
        return Ok(());
    }
    let message = "promises of the day were broken";
    Err(Error::new(ErrorKind::Unexpected, "load.simulate", message).with_context("broken", broken))
}

/// Draws the link four times a second.
async fn watch(options: &Options, pen: Pen) -> Result<()> {
    let begin = parse_hour(&options.at)?;
    let day = Day::new(Saturday::begin(begin), options.seed)?;
    let _workers = day.begin();
    let urgent = day.clone();
    let _emergency = tokio::spawn(async move {
        urgent.clock.until(saturday::URGENT_AT).await;
        urgent.emergency().await
    });
    let end = options
        .seconds
        .map(|seconds| begin + Duration::from_secs(seconds));
    while end.is_none_or(|end| day.clock.time() < end) {
        if !pen.is_plain() {
            print!("\x1b[2J\x1b[H");
        }
        println!("{}  {}", pen.title("Saturday"), hour(day.clock.time()));
        println!("{}", draw::link(pen, &day.bandwidth.snapshot().upload, 12));
        println!("{}", draw::platforms(pen, &day));
        println!("{}", draw::cache(&day));
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    Ok(())
}

fn parse_hour(text: &str) -> Result<Duration> {
    let wrong = || {
        let message = "a time of the day is written `HH:MM`";
        Error::new(ErrorKind::InvalidInput, "load.at", message).with_context("at", text)
    };
    let (hours, rest) = text.split_once(':').ok_or_else(wrong)?;
    let hours: u64 = hours.parse().map_err(|cause| wrong().with_source(cause))?;
    let rest: u64 = rest.parse().map_err(|cause| wrong().with_source(cause))?;
    if hours > 23 || rest > 59 {
        return Err(wrong());
    }
    Ok(minutes(hours * 60 + rest))
}
