//! Local to local, verified: garland beside `cp -r` and one hash pass over the copies.
//!
//! `copy [--rounds 3] [--files 200] [--at FOLDER] [--garland PROGRAM]`
//!
//! The hash pass is done twice, so that neither hash flatters: by `sha256sum`, and by BLAKE3 in one thread (the program
//! `b3` beside this one, with the build of BLAKE3 that garland has). rclone and rsync stand there for comparison: rclone
//! compares hashes of both sides after each file, `rsync -a` reads nothing back.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use garland_peers::garland::Garland;
use garland_peers::measure::{Cost, Entrant, Table, figure, mib, run};
use garland_peers::peers::{on, rclone, rsync};
use garland_peers::tree::{Bench, of_size};
use garland_peers::{Arguments, Result};

fn main() -> Result<()> {
    let arguments = Arguments::of_process();
    let rounds = arguments.number("--rounds", 3)?;
    let files = arguments.number("--files", 200)?;
    let garland = Garland::find(arguments.value("--garland"));
    let peers = Peers {
        rclone: rclone(),
        rsync: rsync(),
    };
    let bench = Bench::new(arguments.value("--at"))?;

    let mut peak = 0;
    of_size(&bench.path("many"), files, 5_000_000)?;
    let title = format!("{files} × 5 MB");
    let own = compare(&bench, garland.as_ref(), &peers, ("many", &title), rounds)?;
    peak = peak.max(own.map_or(0, |own| own.peak));
    if let Some(garland) = &garland {
        peak = peak.max(fan_out(&bench, garland, rounds)?);
    }
    bench.clear("many")?;

    of_size(&bench.path("one"), 1, 512 << 20)?;
    let own = compare(
        &bench,
        garland.as_ref(),
        &peers,
        ("one", "1 × 512 MiB"),
        rounds,
    )?;
    peak = peak.max(own.map_or(0, |own| own.peak));
    if let Some(garland) = &garland {
        let (from, to) = (bench.empty("idle-from")?, bench.empty("idle-to")?);
        let idle = run(
            &bench,
            garland.run(&[&from, &to], &bench.path("idle.db"), "peers"),
        )?;
        figure("copy-peak", mib(peak), "MiB");
        figure("copy-peak-over-idle", mib(peak) - mib(idle.peak), "MiB");
    }
    Ok(())
}

struct Peers {
    rclone: Option<PathBuf>,
    rsync: Option<PathBuf>,
}

/// All programs on the tree `name`; what garland cost, if it took part.
fn compare(
    bench: &Bench,
    garland: Option<&Garland>,
    peers: &Peers,
    (name, title): (&str, &str),
    rounds: usize,
) -> Result<Option<Cost>> {
    let from = &bench.path(name);
    let mut entrants = vec![
        Entrant::new("cp -r", || copy(bench, from)),
        Entrant::new("cp -r, sha256sum", || {
            Ok(copy(bench, from)?.then(hash(bench, Path::new("sha256sum"), &bench.path("to"))?))
        }),
        Entrant::new("cp -r, b3", || {
            let b3 = std::env::current_exe()?.with_file_name("b3");
            Ok(copy(bench, from)?.then(hash(bench, &b3, &bench.path("to"))?))
        }),
    ];
    if let Some(garland) = garland {
        entrants.push(Entrant::new("garland run", || {
            let to = bench.empty("to")?;
            bench.clear("state.db")?;
            let cost = run(
                bench,
                garland.run_verified(&[from, &to], &bench.path("state.db"), "peers"),
            )?;
            same(bench, from, &to)?;
            Ok(cost)
        }));
    }
    if let Some(rclone) = &peers.rclone {
        entrants.push(Entrant::new("rclone sync", move || {
            run(bench, on(rclone, &["sync"], &[from, &bench.empty("to")?]))
        }));
    }
    if let Some(rsync) = &peers.rsync {
        entrants.push(Entrant::new("rsync -a", move || {
            run(
                bench,
                on(rsync, &["-a"], &[&from.join(""), &bench.empty("to")?]),
            )
        }));
    }
    let table = Table::of(&format!("copy, {title}"), rounds, entrants)?;
    for (label, peer) in [
        ("cp-sha256sum", "cp -r, sha256sum"),
        ("cp-b3", "cp -r, b3"),
        ("cp", "cp -r"),
        ("rclone", "rclone sync"),
        ("rsync", "rsync -a"),
    ] {
        table.speed_ratio(&format!("copy-{name}-speed/{label}"), "garland run", peer);
    }
    bench.clear("to")?;
    Ok(table.cost("garland run"))
}

/// One source to one and to three destinations, as mirrors, without and with read-back; the most memory of all.
fn fan_out(bench: &Bench, garland: &Garland, rounds: usize) -> Result<u64> {
    let from = &bench.path("many");
    let state = bench.path("state.db");
    let round = |count: usize, verified: bool| {
        let names = ["to-1", "to-2", "to-3"];
        let mut places = vec![from.clone()];
        for name in names {
            bench.clear(name)?;
        }
        for name in &names[..count] {
            places.push(bench.empty(name)?);
        }
        bench.clear("state.db")?;
        let places: Vec<&Path> = places.iter().map(PathBuf::as_path).collect();
        let command = if verified {
            garland.run_verified(&places, &state, "mirror")
        } else {
            garland.run(&places, &state, "mirror")
        };
        let cost = run(bench, command)?;
        for to in &places[1..] {
            same(bench, from, to)?;
        }
        Ok(cost)
    };
    let entrants = vec![
        Entrant::new("to one", || round(1, false)),
        Entrant::new("to three", || round(3, false)),
        Entrant::new("to one, read back", || round(1, true)),
        Entrant::new("to three, read back", || round(3, true)),
    ];
    let table = Table::of("garland run, one source", rounds, entrants)?;
    table.wall_ratio("fan-out-wall/three-to-one", "to three", "to one");
    table.wall_ratio(
        "fan-out-read-back-wall/three-to-one",
        "to three, read back",
        "to one, read back",
    );
    for name in ["to-1", "to-2", "to-3"] {
        bench.clear(name)?;
    }
    Ok(table.most_memory())
}

fn copy(bench: &Bench, from: &Path) -> Result<Cost> {
    bench.clear("to")?;
    run(
        bench,
        on(
            "cp",
            &["-r", "--preserve=timestamps"],
            &[from, &bench.path("to")],
        ),
    )
}

/// One process over all files below `root`.
fn hash(bench: &Bench, program: &Path, root: &Path) -> Result<Cost> {
    let mut command = Command::new(program);
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                command.arg(path);
            }
        }
    }
    run(bench, command)
}

/// Fails if the copies are not what they should be: a figure for wrong bytes is worth nothing.
fn same(bench: &Bench, from: &Path, to: &Path) -> Result<()> {
    run(bench, on("diff", &["-rq", "-x", ".garland"], &[from, to])).map(drop)
}
