//! Planning two trees that are already in sync: garland with its stored state, and the dry runs of its peers.
//!
//! `plan [--files 100000] [--rounds 3] [--million] [--at FOLDER] [--garland PROGRAM]`
//!
//! With `--million`, garland alone on ten times the files: that time grows with the number of files and no faster, and
//! what memory it takes.

use std::path::Path;

use garland_peers::garland::Garland;
use garland_peers::measure::{Entrant, Table, figure, mib, ratio, run};
use garland_peers::peers::{on, rclone, rsync};
use garland_peers::tree::{Bench, many_small};
use garland_peers::{Arguments, Result};

fn main() -> Result<()> {
    let arguments = Arguments::of_process();
    let files = arguments.number("--files", 100_000)?;
    let rounds = arguments.number("--rounds", 3)?;
    let garland = Garland::find(arguments.value("--garland"));

    let bench = Bench::new(arguments.value("--at"))?;
    let (a, b) = (bench.path("a"), bench.path("b"));
    let (state, listings) = (bench.path("state.db"), bench.empty("listings")?);
    many_small(&a, files)?;
    many_small(&b, files)?;

    let mut entrants = Vec::new();
    if let Some(garland) = &garland {
        run(&bench, garland.run(&[&a, &b], &state, "peers"))?;
        entrants.push(Entrant::new("garland plan", || {
            run(&bench, garland.plan(&[&a, &b], &state))
        }));
    }
    if let Some(rclone) = &rclone() {
        let listings = listings.to_string_lossy().into_owned();
        let bisync = ["bisync", "--workdir", &listings];
        run(
            &bench,
            on(rclone, &[&bisync[..], &["--resync"]].concat(), &[&a, &b]),
        )?;
        let bisync: Vec<String> = bisync
            .into_iter()
            .chain(["--dry-run"])
            .map(str::to_owned)
            .collect();
        let (bench, a, b) = (&bench, a.as_path(), b.as_path());
        let rclone = rclone.clone();
        let sync_program = rclone.clone();
        entrants.push(Entrant::new("rclone sync --dry-run", move || {
            run(bench, on(&sync_program, &["sync", "--dry-run"], &[a, b]))
        }));
        entrants.push(Entrant::new("rclone bisync --dry-run", move || {
            let arguments: Vec<&str> = bisync.iter().map(String::as_str).collect();
            run(bench, on(&rclone, &arguments, &[a, b]))
        }));
    }
    if let Some(rsync) = rsync() {
        // With the slash: what is in the folder, not the folder.
        let from = a.join("");
        let (bench, b) = (&bench, b.as_path());
        entrants.push(Entrant::new("rsync -an --delete", move || {
            run(bench, on(&rsync, &["-an", "--delete"], &[&from, b]))
        }));
    }

    let table = Table::of(
        &format!("plan, 2 × {files} files in sync"),
        rounds,
        entrants,
    )?;
    table.wall_ratio(
        "plan-wall/rclone-sync",
        "garland plan",
        "rclone sync --dry-run",
    );
    table.wall_ratio(
        "plan-wall/rclone-bisync",
        "garland plan",
        "rclone bisync --dry-run",
    );
    table.wall_ratio("plan-wall/rsync", "garland plan", "rsync -an --delete");
    if let Some(own) = table.cost("garland plan") {
        figure("plan-peak", mib(own.peak), "MiB");
        if let Some(garland) = garland.filter(|_| arguments.has("--million")) {
            let many = million(&bench, &garland, &a, &b, files, rounds)?;
            let grown = many.wall.as_secs_f64() / own.wall.as_secs_f64();
            ratio("plan-wall-growth/files-growth", grown / 10.0);
            figure("plan-peak-ten-times-the-files", mib(many.peak), "MiB");
        }
    }
    Ok(())
}

/// The same on ten times the files, in the same two folders.
fn million(
    bench: &Bench,
    garland: &Garland,
    a: &Path,
    b: &Path,
    files: usize,
    rounds: usize,
) -> Result<garland_peers::measure::Cost> {
    let state = bench.path("more.db");
    many_small(a, files * 10)?;
    many_small(b, files * 10)?;
    run(bench, garland.run(&[a, b], &state, "peers"))?;
    let entrants = vec![Entrant::new("garland plan", || {
        run(bench, garland.plan(&[a, b], &state))
    })];
    let table = Table::of(
        &format!("plan, 2 × {} files in sync", files * 10),
        rounds,
        entrants,
    )?;
    table
        .cost("garland plan")
        .ok_or_else(|| "no round was run".into())
}
