//! One wedding, seen by everybody who takes part: who sees what, what a change would do, and what open pages are told.
//!
//! `cargo run --example sections` walks from the first plans to the days after. It keeps everything in memory.
//! `--plain` leaves colours out.
#![expect(clippy::print_stdout, reason = "a program for a terminal")]

mod table;
mod world;

use std::time::Duration;

use clap::Parser;
use garland::backends::Memory;
use garland::permission::{Change, Context, Section};
use garland::section::{LiveOptions, Patch, PolicyOptions, Subscription, Update};
use garland::storage::Precondition;
use garland::wedding::{IanaZones, parse_instant};
use garland::{Error, ErrorKind, Orchestrator};
use serde_json::{Value, json};

use table::Pen;
use world::{Calendar, JUNE, MEMBERS};

/// One wedding, seen by everybody who takes part.
#[derive(Debug, Parser)]
struct Options {
    /// Without colours.
    #[arg(long)]
    plain: bool,
}

/// How long to wait for what an open page may be told.
const SOON: Duration = Duration::from_millis(300);

#[tokio::main]
async fn main() -> garland::Result<()> {
    let pen = Pen::new(Options::parse().plain);
    let calendar = Calendar::at("2026-03-01T09:00:00Z");
    let studio = Orchestrator::builder()
        .storage(Memory::new())
        .clock(calendar.clone())
        .zones(IanaZones::new())
        .stored_permissions(PolicyOptions::default())
        .live(LiveOptions::default().with_interval(Duration::from_millis(20)))
        .build()
        .await?;
    world::furnish(&studio).await?;

    let mut pages = Vec::new();
    for member in ["flo", "gus"] {
        let mut page = studio.watch_sections(member, Some(JUNE), None).await?;
        tell(&pen, member, &mut page).await?;
        pages.push((member, page));
    }
    show(&pen, &studio, &calendar).await?;

    // What would it mean to open the pictures to the guests?
    let patch = json!({ "visibility": { "roles": ["couple", "photographer", "guest"] } });
    simulate(&pen, &studio, &calendar, &patch).await?;
    let pictures = studio.sections().read("pictures", Some(JUNE)).await?;
    studio
        .sections()
        .patch("pictures", Some(JUNE), &patch, pictures.version)
        .await?;
    println!("\n{}", pen.title("Done. What open pages are told:"));
    listen(&pen, &mut pages).await?;

    for day in [
        "2026-06-01T09:00:00Z",
        "2026-06-20T12:00:00Z",
        "2026-06-22T09:00:00Z",
    ] {
        calendar.set(day);
        show(&pen, &studio, &calendar).await?;
        listen(&pen, &mut pages).await?;
    }

    // The florist is ill, and somebody else comes in her place.
    studio
        .team()
        .remove_member("flo", Precondition::Any)
        .await?;
    println!("\n{}", pen.title("Flo is let go:"));
    listen(&pen, &mut pages).await
}

/// Everybody's part, as a table.
async fn show(pen: &Pen, studio: &Orchestrator, calendar: &Calendar) -> garland::Result<()> {
    let snapshot = studio.permission_snapshot(None).await?;
    let view = snapshot.at(&Context::wedding(JUNE, calendar.instant()));
    let phase = view.phase().map_or("unknown", |phase| phase.as_str());
    println!(
        "\n{}",
        pen.title(&format!("{}: {phase}", calendar.instant()))
    );
    println!("{}", table::header(pen, &MEMBERS));
    let all: Vec<_> = MEMBERS.iter().map(|(id, _)| view.sections(id)).collect();
    let mut names: Vec<_> = all
        .iter()
        .flatten()
        .map(|section| (section.position, section.section_type.clone()))
        .collect();
    names.sort();
    names.dedup();
    for (_, name) in names {
        let cells = all
            .iter()
            .map(|sections| sections.iter().find(|section| section.section_type == name));
        println!("{}", table::row(pen, name.as_str(), cells));
    }
    let ends = all
        .iter()
        .flatten()
        .filter_map(|section| section.valid_until)
        .min();
    if let Some(ends) = ends {
        println!("holds until {ends}");
    }
    Ok(())
}

/// Who would gain and lose, today and on the day.
async fn simulate(
    pen: &Pen,
    studio: &Orchestrator,
    calendar: &Calendar,
    patch: &Value,
) -> garland::Result<()> {
    let snapshot = studio.permission_snapshot(None).await?;
    let stored = studio
        .sections()
        .read("pictures", Some(JUNE))
        .await?
        .configuration;
    let after = Patch::try_from(patch.clone())?.apply(&stored).into_value();
    let change = [Change::PutSection(Section::read(&after))];
    let day = parse_instant("2026-06-20T12:00:00Z").unwrap_or_default();
    for (when, instant) in [("today", calendar.instant()), ("on the day", day)] {
        let impact = snapshot.simulate(&change, &Context::wedding(JUNE, instant));
        println!(
            "\n{}",
            pen.title(&format!("Pictures for the guests: {when}"))
        );
        if impact.members.is_empty() {
            println!("  nothing changes for anybody");
        }
        for one in &impact.members {
            println!("  {:<5} {}", one.member, table::impact(pen, one));
        }
    }
    Ok(())
}

async fn listen(pen: &Pen, pages: &mut Vec<(&str, Subscription)>) -> garland::Result<()> {
    let mut gone = Vec::new();
    for (at, (member, page)) in pages.iter_mut().enumerate() {
        match tell(pen, member, page).await {
            Err(error) if error.kind() == ErrorKind::Denied => {
                println!("  {member:<5} {}", pen.bad("may watch no longer"));
                gone.push(at);
            }
            told => told?,
        }
    }
    for at in gone.into_iter().rev() {
        pages.remove(at);
    }
    Ok(())
}

/// Prints what a page is told, as long as there is something.
async fn tell(pen: &Pen, member: &str, page: &mut Subscription) -> Result<(), Error> {
    let mut heard = false;
    while let Ok(update) = tokio::time::timeout(SOON, page.next()).await {
        heard = true;
        match update? {
            Update::Snapshot(all) => println!(
                "  {member:<5} {}",
                table::page(pen, "sees", &all.sections, &[])
            ),
            Update::Difference(new) => println!(
                "  {member:<5} {}",
                table::page(pen, "now", &new.shown, &new.gone)
            ),
            _ => return Ok(()),
        }
    }
    if !heard {
        println!("  {member:<5} {}", pen.dim("hears nothing"));
    }
    Ok(())
}
