//! A plan to read.

use std::fmt;

use crate::engine::sync::plain::{Bytes, Plain};

use super::model::{
    Action, Conflict, ConflictKind, Kept, KeptReason, Plan, RecoverReason, Refusal, Resolution,
};
use super::options::{ConflictStrategy, Relation};
use super::replicas::{ReplicaIndex, ReplicaSet};

/// How many lines of a kind a summary shows.
const SHOWN: usize = 10;

/// Every line of a plan, made by [`Plan::listing`].
#[derive(Clone, Copy, Debug)]
pub struct PlanListing<'p>(&'p Plan);

impl Plan {
    /// Returns the plan with every line, for printing in full.
    #[must_use]
    pub fn listing(&self) -> PlanListing<'_> {
        PlanListing(self)
    }
}

/// A summary: what refused, how much there is to do, and the first ten lines of each kind.
impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write(self, f, SHOWN)
    }
}

impl fmt::Display for PlanListing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write(self.0, f, usize::MAX)
    }
}

fn write(plan: &Plan, f: &mut fmt::Formatter<'_>, shown: usize) -> fmt::Result {
    let Plan {
        relation, strategy, ..
    } = plan;
    writeln!(f, "{relation} {}, {strategy}", plan.replicas.join(", "))?;
    for refusal in &plan.refused {
        writeln!(f, "REFUSED: {}", Shown(plan, refusal))?;
    }
    if plan.is_empty() {
        return writeln!(f, "nothing to do");
    }
    let kinds = plan
        .actions
        .chunk_by(|a, b| title(plan, a) == title(plan, b));
    for actions in kinds {
        let Some(first) = actions.first() else {
            continue;
        };
        let size = if matches!(first, Action::Copy { .. }) {
            format!(", {}", Bytes(plan.counts.bytes))
        } else {
            String::new()
        };
        section(f, plan, title(plan, first), &size, actions, shown)?;
    }
    section(f, plan, "in conflict", "", &plan.conflicts, shown)?;
    section(f, plan, "left alone", "", &plan.kept, shown)
}

/// Writes a title, the number of lines, and as many of them as shall be `shown`.
fn section<'p, T>(
    f: &mut fmt::Formatter<'_>,
    plan: &'p Plan,
    title: &str,
    size: &str,
    lines: &'p [T],
    shown: usize,
) -> fmt::Result
where
    Shown<'p, T>: fmt::Display,
{
    if lines.is_empty() {
        return Ok(());
    }
    writeln!(f, "{title} ({}{size})", lines.len())?;
    for line in lines.iter().take(shown) {
        writeln!(f, "  {}", Shown(plan, line))?;
    }
    match lines.len().saturating_sub(shown) {
        0 => Ok(()),
        more => writeln!(f, "  … and {more} more"),
    }
}

/// What is done to a list of files, and why to these.
fn title(plan: &Plan, action: &Action) -> &'static str {
    match action {
        Action::Verify { .. } => "read and hash, since nothing else tells whether they are equal",
        Action::Recover { .. } => "move to recovery",
        Action::Rename { .. } => "rename",
        Action::Copy { .. } => "copy what is new, changed or missing",
        Action::Merge { .. } => "merge what was edited in several places",
        Action::Delete { .. } if plan.relation == Relation::Peers => {
            "delete what was deleted elsewhere since all agreed"
        }
        Action::Delete { .. } => "delete what the source no longer has",
        Action::Agree { .. } => "record as agreed, nothing to move",
    }
}

/// Something in a plan, with the plan that knows the names.
struct Shown<'p, T>(&'p Plan, &'p T);

impl<T> Shown<'_, T> {
    fn name(&self, replica: ReplicaIndex) -> &str {
        self.0.name(replica)
    }

    fn names(&self, replicas: ReplicaSet) -> String {
        let names: Vec<&str> = replicas.iter().map(|replica| self.name(replica)).collect();
        names.join(", ")
    }
}

impl fmt::Display for Shown<'_, Action> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.1 {
            Action::Verify { path, replicas }
            | Action::Delete { path, replicas }
            | Action::Agree { path, replicas } => {
                write!(f, "{} on {}", Plain(path), self.names(*replicas))
            }
            Action::Recover {
                path,
                replicas,
                why,
            } => {
                let why = match why {
                    RecoverReason::Overwrite => "another version takes its place",
                    RecoverReason::Delete => "the source does not have it",
                };
                write!(f, "{} on {}: {why}", Plain(path), self.names(*replicas))
            }
            Action::Rename {
                path,
                new_path,
                replicas,
            } => {
                let (path, new_path) = (Plain(path), Plain(new_path));
                let settles = |conflict: &Conflict| {
                    conflict.path == *self.1.path() && conflict.resolution == Resolution::Duplicate
                };
                let why = if self.0.conflicts.iter().any(settles) {
                    "kept beside the version that stays"
                } else {
                    "renamed elsewhere"
                };
                let names = self.names(*replicas);
                write!(f, "{path} → {new_path} on {names}: {why}")
            }
            Action::Copy { path, from, to } => {
                write!(
                    f,
                    "{}: {} → {}",
                    Plain(path),
                    self.name(*from),
                    self.names(*to)
                )
            }
            Action::Merge { path, from, to } => {
                write!(
                    f,
                    "{}: {} → {}",
                    Plain(path),
                    self.names(*from),
                    self.names(*to)
                )
            }
        }
    }
}

impl fmt::Display for Shown<'_, Conflict> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let conflict = self.1;
        write!(f, "{}: {}", Plain(&conflict.path), conflict.kind)?;
        if !conflict.replicas.is_empty() {
            write!(f, " on {}", self.names(conflict.replicas))?;
        }
        for (at, version) in conflict.versions.iter().enumerate() {
            let between = if at == 0 { " between" } else { " and" };
            write!(f, "{between} {}", self.names(*version))?;
        }
        if !conflict.deleted.is_empty() {
            write!(f, ", deleted on {}", self.names(conflict.deleted))?;
        }
        write!(f, ": {}", conflict.resolution)?;
        match conflict.winner {
            Some(winner) => write!(f, ", {} stays", self.name(winner)),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Shown<'_, Kept> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Kept { path, replica, why } = self.1;
        write!(f, "{} on {}: {why}", Plain(path), self.name(*replica))
    }
}

impl fmt::Display for Shown<'_, Refusal> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self.1 {
            Refusal::EmptyReplica { replica } => {
                write!(
                    f,
                    "{} lists nothing, though it did before",
                    self.name(replica)
                )
            }
            Refusal::DeleteLimit { replica, files } => {
                let name = self.name(replica);
                write!(f, "too much to delete on {name}: {files}")
            }
            Refusal::ChangeLimit { replica, files } => {
                let name = self.name(replica);
                write!(f, "too much to overwrite on {name}: {files}")
            }
        }
    }
}

macro_rules! words {
    ($($type:ident { $($variant:ident => $word:literal),+ $(,)? })+) => {$(
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $(Self::$variant => $word),+ })
            }
        }
    )+};
}

words! {
    Relation { Peers => "peers", Mirror => "mirror", Backup => "backup" }
    ConflictStrategy {
        NewerWins => "newer wins",
        SourceWins => "source wins",
        Duplicate => "duplicate",
        Merge => "merge",
        ManualReview => "manual review",
    }
    ConflictKind {
        CreateCreate => "created twice",
        CreateModify => "created and changed",
        DeleteModify => "deleted and changed",
        Extraneous => "not in the source",
        FileDirectory => "a file here, a folder there",
        ModifyModify => "changed twice",
        NameCollision => "same name in another spelling",
        NameInvalid => "name not allowed",
        TargetModify => "changed on the target",
    }
    Resolution {
        Manual => "for a person to decide",
        Overwrite => "one version wins",
        Duplicate => "all versions are kept",
        Merge => "versions are merged",
        Deferred => "put off",
        Kept => "left as it is",
        Skipped => "not written there",
    }
    KeptReason {
        Incomplete => "a listing is incomplete",
        NotNewer => "the source is not newer",
    }
}

#[cfg(test)]
mod tests {
    use crate::connector::{FilePath, FileVersion};
    use crate::engine::sync::{Inventory, Limit, PlanOptions, Planner, Replica, World};

    use super::*;

    fn inventory(files: impl IntoIterator<Item = (String, u64)>) -> Inventory {
        let mut builder = Inventory::builder();
        for (path, size) in files {
            builder.push(
                &FilePath::parse(path).unwrap(),
                FileVersion::new(size).as_ref(),
            );
        }
        builder.finish().unwrap()
    }

    fn files(files: &[(&str, u64)]) -> Inventory {
        inventory(files.iter().map(|(path, size)| ((*path).to_owned(), *size)))
    }

    /// A copy, a conflict, a delete that the guard refuses, and a name that cannot be written.
    fn plan() -> Plan {
        let card = Replica::new("card").with_listing(files(&[("a\n", 1_500), ("b", 2), ("c?", 3)]));
        let mut archive = Replica::new("archive").with_listing(files(&[("b", 5), ("old", 0)]));
        archive.base = files(&[("old", 0)]);
        archive.source_base = files(&[("old", 0)]);
        archive.names = archive.names.with_forbidden("?");
        let options = PlanOptions::default().with_delete_limit(Limit::count(0));
        Planner::new(Relation::Mirror, ConflictStrategy::SourceWins)
            .with_options(options)
            .plan(&World::new(vec![card, archive]).unwrap())
            .unwrap()
    }

    #[test]
    fn a_plan_reads_like_a_list_of_things_to_do() {
        let expected = "\
mirror card, archive, source wins
REFUSED: too much to delete on archive: 1
move to recovery (1)
  b on archive: another version takes its place
copy what is new, changed or missing (2, 1.5 kB)
  a\\n: card → archive
  b: card → archive
delete what the source no longer has (1)
  old on archive
in conflict (2)
  b: created twice between card and archive: one version wins, card stays
  c?: name not allowed on archive: not written there
";
        assert_eq!(plan().to_string(), expected);
        assert_eq!(plan().listing().to_string(), expected);
    }

    #[test]
    fn a_long_list_is_cut_in_the_summary_only() {
        let many = (0..25).map(|n| (format!("{n:02}"), 1));
        let card = Replica::new("card").with_listing(inventory(many));
        let world = World::new(vec![card, Replica::new("archive")]).unwrap();
        let planner = Planner::new(Relation::Peers, ConflictStrategy::NewerWins);
        let plan = planner.plan(&world).unwrap();
        assert!(
            plan.to_string()
                .ends_with("  09: card → archive\n  … and 15 more\n")
        );
        assert!(
            plan.listing()
                .to_string()
                .ends_with("  24: card → archive\n")
        );
    }

    #[test]
    fn stored_plans_name_the_replicas_and_come_back() {
        let json = serde_json::to_value(plan()).unwrap();
        assert_eq!(
            json["actions"][1],
            serde_json::json!({"do": "copy", "path": "a\n", "from": "card", "to": ["archive"]})
        );
        assert_eq!(json["refused"][0]["guard"], "delete_limit");
        assert_eq!(
            serde_json::from_value::<Plan>(json.clone()).unwrap(),
            plan()
        );
        let mut other = json;
        other["replicas"][0] = "somebody".into();
        assert!(serde_json::from_value::<Plan>(other).is_err());
    }

    #[test]
    fn an_empty_plan_says_so() {
        let world = World::new(vec![Replica::new("a"), Replica::new("b")]).unwrap();
        let planner = Planner::new(Relation::Peers, ConflictStrategy::NewerWins);
        let plan = planner.plan(&world).unwrap();
        assert_eq!(plan.to_string(), "peers a, b, newer wins\nnothing to do\n");
    }
}
