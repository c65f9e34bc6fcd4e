//! Garland's calculation of who sees which section beside Cedar and Casbin: 100 people, 1,000 sections, one wedding.
//!
//! All engines get the same world, and their answers are compared first: Cedar's on every pair for seeing, and on every
//! tenth for seeing, changing and hiding; Casbin's on every tenth. Then each decides for pairs in an order that no cache
//! foresees, in interleaved rounds, and the least time of each counts. A decision of garland's is to see, change and hide, and
//! what else may be done; one of Cedar's and Casbin's is to see.
//!   permissions                 20,000 pairs a round for the peers, nine rounds
//!   permissions --pairs 2000    fewer

mod by_casbin;
mod by_cedar;
mod world;

use std::hint::black_box;
use std::time::{Duration, Instant};

use garland::permission::{Member, Section, Snapshot, View};
use garland_peers::measure::{figure, ratio};
use garland_peers::{Arguments, Result};

use by_casbin::ByCasbin;
use by_cedar::ByCedar;
use world::{Answer, SECTIONS, USERS};

const ALL: usize = USERS * SECTIONS;

fn main() -> Result<()> {
    let arguments = Arguments::of_process();
    let pairs = arguments.number("--pairs", 20_000)?;
    let rounds = arguments.number("--rounds", 9)?;
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let snapshot = world::snapshot()?;
    let (cedar, cedar_in_one) = (ByCedar::by_rule()?, ByCedar::in_one()?);
    let casbin = runtime.block_on(ByCasbin::new())?;
    compare(&snapshot, &cedar, &cedar_in_one, &casbin)?;

    let many = Many::measure(&snapshot, &cedar, &cedar_in_one, &casbin, pairs, rounds)?;
    many.print();
    one(&snapshot, &cedar, &cedar_in_one, rounds)?;
    edited(&snapshot, &cedar, &casbin, rounds)
}

/// The pair at place `n` of an order that no cache foresees.
fn pair(n: usize) -> (usize, usize) {
    let mixed = n.wrapping_mul(61_803) % ALL;
    (mixed / SECTIONS, mixed % SECTIONS)
}

/// Fails if any two engines differ.
fn compare(
    snapshot: &Snapshot,
    cedar: &ByCedar,
    cedar_in_one: &ByCedar,
    casbin: &ByCasbin,
) -> Result<()> {
    let view = snapshot.at(&world::context());
    let mut seen = 0;
    for n in 0..ALL {
        let (user, section) = (n / SECTIONS, n % SECTIONS);
        let found = view.decide_id(&world::user_id(user), &world::section_id(section));
        let ours: Answer = [found.can_view, found.can_edit, found.can_hide];
        let same = if n % 10 == user % 10 {
            cedar.answer(user, section)? == ours && casbin.answer(user, section)? == ours
        } else {
            cedar.sees(user, section)? == ours[0]
        };
        if !same || cedar_in_one.sees(user, section)? != ours[0] {
            return Err(
                format!("user {user}, section {section}: others do not say {ours:?}").into(),
            );
        }
        seen += usize::from(ours[0]);
    }
    println!("# {ALL} pairs, {seen} seen: all engines say the same");
    Ok(())
}

/// The least time of one decision among many, by engine.
#[derive(Debug)]
struct Many {
    without_reasons: f64,
    with_reasons: f64,
    cedar: f64,
    cedar_in_one: f64,
    casbin: f64,
}

impl Many {
    fn measure(
        snapshot: &Snapshot,
        cedar: &ByCedar,
        cedar_in_one: &ByCedar,
        casbin: &ByCasbin,
        pairs: usize,
        rounds: usize,
    ) -> Result<Self> {
        let view = snapshot.at(&world::context());
        let ids: Vec<&str> = snapshot.members().map(Member::id).collect();
        let members: Vec<&Member> = snapshot.members().collect();
        let sections: Vec<&Section> = snapshot.sections().collect();
        let mut best = [f64::INFINITY; 5];
        for _ in 0..rounds {
            let round = [
                took(ALL, || {
                    black_box(view.matrix(black_box(&ids)));
                    Ok(())
                })?,
                took(ALL, || decide_all(&view, &members, &sections))?,
                took(pairs, || {
                    sees(pairs, |user, section| cedar.sees(user, section))
                })?,
                took(pairs, || {
                    sees(pairs, |user, section| cedar_in_one.sees(user, section))
                })?,
                took(pairs, || {
                    sees(pairs, |user, section| casbin.sees(user, section))
                })?,
            ];
            for (best, nanos) in best.iter_mut().zip(round) {
                *best = best.min(nanos);
            }
        }
        let [without_reasons, with_reasons, cedar, cedar_in_one, casbin] = best;
        Ok(Self {
            without_reasons,
            with_reasons,
            cedar,
            cedar_in_one,
            casbin,
        })
    }

    fn print(&self) {
        for (name, nanos) in [
            ("permissions-without-reasons", self.without_reasons),
            ("permissions-with-reasons", self.with_reasons),
            ("permissions-cedar", self.cedar),
            ("permissions-cedar-one-policy", self.cedar_in_one),
            ("permissions-casbin", self.casbin),
        ] {
            figure(name, nanos, "ns");
            figure(&format!("{name}-rate"), 1e9 / nanos, "decisions/s");
        }
        // How many times as fast as the peer: like with like, and all reasons with all reasons.
        for (name, ours, theirs) in [
            (
                "permissions-with-reasons-to-cedar",
                self.with_reasons,
                self.cedar,
            ),
            (
                "permissions-without-reasons-to-cedar",
                self.without_reasons,
                self.cedar,
            ),
            (
                "permissions-without-reasons-to-cedar-one-policy",
                self.without_reasons,
                self.cedar_in_one,
            ),
            (
                "permissions-with-reasons-to-casbin",
                self.with_reasons,
                self.casbin,
            ),
            (
                "permissions-without-reasons-to-casbin",
                self.without_reasons,
                self.casbin,
            ),
        ] {
            ratio(name, theirs / ours);
        }
    }
}

fn decide_all(view: &View<'_>, members: &[&Member], sections: &[&Section]) -> Result<()> {
    for n in 0..ALL {
        let (user, section) = pair(n);
        black_box(view.decide(members[user], sections[section]));
    }
    Ok(())
}

fn sees(pairs: usize, sees: impl Fn(usize, usize) -> Result<bool>) -> Result<()> {
    for n in 0..pairs {
        let (user, section) = pair(n);
        black_box(sees(user, section)?);
    }
    Ok(())
}

/// One decision by itself, from ids as text, with its own moment.
fn one(snapshot: &Snapshot, cedar: &ByCedar, cedar_in_one: &ByCedar, rounds: usize) -> Result<()> {
    const COUNT: usize = 1_000;
    let context = world::context();
    let ids: Vec<_> = (0..COUNT)
        .map(pair)
        .map(|(user, section)| (world::user_id(user), world::section_id(section)))
        .collect();
    let (mut ours, mut theirs, mut in_one) = (f64::INFINITY, f64::INFINITY, f64::INFINITY);
    for _ in 0..rounds {
        ours = ours.min(took(COUNT, || {
            for (user, section) in &ids {
                black_box(snapshot.decide(user, section, &context));
            }
            Ok(())
        })?);
        for (cedar, best) in [(cedar, &mut theirs), (cedar_in_one, &mut in_one)] {
            *best = best.min(took(COUNT, || {
                for (user, section) in &ids {
                    black_box(cedar.sees_by_ids(user, section)?);
                }
                Ok(())
            })?);
        }
    }
    figure("permissions-one", ours, "ns");
    figure("permissions-one-cedar", theirs, "ns");
    figure("permissions-one-cedar-one-policy", in_one, "ns");
    ratio("permissions-one-to-cedar", theirs / ours);
    ratio("permissions-one-to-cedar-one-policy", in_one / ours);
    Ok(())
}

/// From an edit of one section to the first decision that has it.
fn edited(snapshot: &Snapshot, cedar: &ByCedar, casbin: &ByCasbin, rounds: usize) -> Result<()> {
    let context = world::context();
    // A guest with limited access, to whom only the edit shows the section.
    let guest = 11;
    let (id, section) = (world::user_id(guest), world::section_id(7));
    if snapshot.decide(&id, &section, &context).can_view {
        return Err("the section is seen before the edit".into());
    }
    let mut best = [f64::INFINITY; 3];
    for _ in 0..rounds {
        let mut seen = [false; 3];
        let round = [
            took(1, || {
                seen[0] = snapshot
                    .with(2, [world::edit()])
                    .decide(&id, &section, &context)
                    .can_view;
                Ok(())
            })?,
            took(1, || {
                seen[1] = cedar.with_edit()?.sees(guest, 7)?;
                Ok(())
            })?,
            took(1, || {
                seen[2] = casbin.sees_edited(guest)?;
                Ok(())
            })?,
        ];
        if seen != [true; 3] {
            return Err(format!("the edit is not seen by all: {seen:?}").into());
        }
        for (best, nanos) in best.iter_mut().zip(round) {
            *best = best.min(nanos);
        }
    }
    let [ours, cedar, casbin] = best.map(|nanos| nanos / 1e3);
    figure("permissions-edit-to-visible", ours, "µs");
    figure("permissions-edit-to-visible-cedar", cedar, "µs");
    figure("permissions-edit-to-visible-casbin", casbin, "µs");
    ratio("permissions-edit-to-visible-to-cedar", cedar / ours);
    Ok(())
}

/// Nanoseconds for each of `count`.
#[expect(clippy::cast_precision_loss, reason = "a figure for people")]
fn took(count: usize, run: impl FnOnce() -> Result<()>) -> Result<f64> {
    #[expect(clippy::disallowed_methods, reason = "a bench measures real time")]
    let begun = Instant::now();
    run()?;
    let took: Duration = begun.elapsed();
    Ok(took.as_secs_f64() * 1e9 / count as f64)
}
