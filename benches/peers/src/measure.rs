//! Runs programs and keeps what they cost.

use std::fs::File;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use wait4::Wait4 as _;

use crate::Result;
use crate::tree::Bench;

/// What one run of a program cost.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    /// From start to end.
    pub wall: Duration,
    /// User and system.
    pub cpu: Duration,
    /// Most memory held at once, in bytes; the program's own, not that of its children. Never below this process's own
    /// peak (the kernel carries it over the `exec`), which is why trees are written through small buffers.
    pub peak: u64,
}

impl Cost {
    /// Both, one after the other.
    #[must_use]
    pub fn then(self, next: Self) -> Self {
        Self {
            wall: self.wall + next.wall,
            cpu: self.cpu + next.cpu,
            peak: self.peak.max(next.peak),
        }
    }
}

/// Runs `command` to its end.
///
/// # Errors
/// It cannot be started, or it ends without success: what it said is then part of the error.
pub fn run(bench: &Bench, mut command: Command) -> Result<Cost> {
    let said = bench.path("said");
    let log = File::create(&said)?;
    command
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log);
    command.env("RCLONE_CONFIG", "/dev/null");
    #[expect(clippy::disallowed_methods, reason = "a bench measures real time")]
    let begun = Instant::now();
    let child = command
        .spawn()
        .map_err(|cause| format!("{command:?}: {cause}"))?;
    let end = child.wait4()?;
    let wall = begun.elapsed();
    if !end.status.success() {
        let said = std::fs::read_to_string(said)?;
        let from = said.len().saturating_sub(2000);
        return Err(format!(
            "{command:?}: {}\n{}",
            end.status,
            said.get(from..).unwrap_or(&said)
        )
        .into());
    }
    let cpu = end.rusage.utime + end.rusage.stime;
    Ok(Cost {
        wall,
        cpu,
        peak: end.rusage.maxrss,
    })
}

/// One program in a comparison.
pub struct Entrant<'a> {
    /// Its name in the table.
    pub name: &'static str,
    /// One round: prepares, runs, and returns what the run cost.
    pub round: Box<dyn FnMut() -> Result<Cost> + 'a>,
}

impl<'a> Entrant<'a> {
    /// Names a round.
    pub fn new(name: &'static str, round: impl FnMut() -> Result<Cost> + 'a) -> Self {
        Self {
            name,
            round: Box::new(round),
        }
    }
}

/// Results of a comparison, printed as a table while it is made.
#[derive(Debug)]
pub struct Table(Vec<(&'static str, Cost)>);

impl Table {
    /// Runs all of them `rounds` times, interleaved, and keeps the least wall time and the most memory of each.
    ///
    /// # Errors
    /// A round fails.
    pub fn of(title: &str, rounds: usize, mut entrants: Vec<Entrant<'_>>) -> Result<Self> {
        let mut costs: Vec<Vec<Cost>> = vec![Vec::new(); entrants.len()];
        for _ in 0..rounds {
            for (entrant, costs) in entrants.iter_mut().zip(&mut costs) {
                costs.push((entrant.round)()?);
            }
        }
        println!("# {title}, {rounds} rounds: wall min s, CPU min s, peak MiB");
        let mut rows = Vec::new();
        for (entrant, costs) in entrants.iter().zip(&costs) {
            let Some(first) = costs.first() else { continue };
            let best = costs.iter().fold(*first, |best, cost| Cost {
                wall: best.wall.min(cost.wall),
                cpu: best.cpu.min(cost.cpu),
                peak: best.peak.max(cost.peak),
            });
            println!(
                "# {:<28} {:8.3} {:8.3} {:8.1}",
                entrant.name,
                best.wall.as_secs_f64(),
                best.cpu.as_secs_f64(),
                mib(best.peak)
            );
            rows.push((entrant.name, best));
        }
        Ok(Self(rows))
    }

    /// What `name` cost, if it took part.
    #[must_use]
    pub fn cost(&self, name: &str) -> Option<Cost> {
        self.0
            .iter()
            .find(|(own, _)| *own == name)
            .map(|(_, cost)| *cost)
    }

    /// The most memory that any of them held.
    #[must_use]
    pub fn most_memory(&self) -> u64 {
        self.0.iter().map(|(_, cost)| cost.peak).max().unwrap_or(0)
    }

    /// Prints the wall time of `name` as a part of `peer`'s, if both took part: below 1 is quicker than the peer.
    pub fn wall_ratio(&self, label: &str, name: &str, peer: &str) {
        if let (Some(own), Some(other)) = (self.cost(name), self.cost(peer)) {
            ratio(label, own.wall.as_secs_f64() / other.wall.as_secs_f64());
        }
    }

    /// Prints the speed of `name` as a part of `peer`'s, if both took part: above 1 is quicker than the peer.
    pub fn speed_ratio(&self, label: &str, name: &str, peer: &str) {
        if let (Some(own), Some(other)) = (self.cost(name), self.cost(peer)) {
            ratio(label, other.wall.as_secs_f64() / own.wall.as_secs_f64());
        }
    }
}

/// Prints a ratio.
pub fn ratio(label: &str, value: f64) {
    println!("ratio {label} {value:.3}");
}

/// Prints a figure of garland's own.
pub fn figure(label: &str, value: f64, unit: &str) {
    println!("figure {label} {value:.1} {unit}");
}

/// Bytes as MiB.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "a figure for people")]
pub fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}
