//! What must hold for every world (`spec/sync.md` §10), tried on random ones.

mod planner_model;

use std::collections::{BTreeMap, BTreeSet};

use garland::connector::{FilePath, HashAlgorithm};
use garland::sync::{
    Action, ConflictStrategy, Plan, PlanOptions, Planner, RecoverReason, Relation, Resolution,
};
use planner_model::{Manners, Model, Place, Stored, version};
use proptest::prelude::*;

const PATHS: [&str; 8] = [
    "a.jpg", "A.jpg", "b:c.xmp", "d", "d/e.xmp", "D/e.xmp", "f.xmp", "g/h.jpg",
];

/// Few rounds bring a world to rest: a look, the work, and another for names that got free.
const ROUNDS: usize = 8;

/// What one replica has of one path: content and touches now, content then.
type Cell = (Option<(u64, i64)>, Option<u64>);

fn cell() -> impl Strategy<Value = Cell> {
    let now = prop::option::weighted(0.7, (0..5u64, 0..3i64));
    // What was agreed is mostly the first content everywhere, as one agreement is.
    let then = prop::option::weighted(0.6, prop_oneof![5 => Just(1u64), 1 => 0..5u64]);
    (now, then)
}

fn manners(names: bool) -> impl Strategy<Value = Manners> {
    let hash = prop_oneof![
        Just(None),
        Just(Some(HashAlgorithm::Blake3)),
        Just(Some(HashAlgorithm::Md5)),
    ];
    let odd = prop::bool::weighted(if names { 0.3 } else { 0.0 });
    let other_odd = prop::bool::weighted(if names { 0.3 } else { 0.0 });
    (hash, odd, other_odd, any::<bool>()).prop_map(|(hash, ignores_case, no_colons, precise)| {
        Manners {
            hash,
            ignores_case,
            no_colons,
            precise,
            incomplete: false,
        }
    })
}

fn relation() -> impl Strategy<Value = Relation> {
    prop_oneof![
        2 => Just(Relation::Peers),
        1 => Just(Relation::Mirror),
        1 => Just(Relation::Backup),
    ]
}

fn strategy() -> impl Strategy<Value = ConflictStrategy> {
    prop::sample::select(vec![
        ConflictStrategy::NewerWins,
        ConflictStrategy::SourceWins,
        ConflictStrategy::Duplicate,
        ConflictStrategy::Merge,
        ConflictStrategy::ManualReview,
    ])
}

fn planner() -> impl Strategy<Value = (Relation, Planner<'static>)> {
    (relation(), strategy(), any::<bool>()).prop_map(|(relation, strategy, track)| {
        let options = PlanOptions::default()
            .with_allow_empty(true)
            .with_track_renames(track);
        (
            relation,
            Planner::new(relation, strategy).with_options(options),
        )
    })
}

/// Two or three replicas; without `names`, all take every name.
fn model(relation: Relation, names: bool) -> impl Strategy<Value = Model> {
    let place = (manners(names), prop::collection::vec(cell(), PATHS.len()));
    prop::collection::vec(place, 2..4).prop_map(move |places| {
        let source = places
            .first()
            .map(|(manners, _)| *manners)
            .unwrap_or_default();
        let places = places.into_iter().zip(["card", "drive", "archive"]);
        Model {
            relation,
            places: places
                .map(|((manners, cells), name)| place_of(name, manners, source, &cells))
                .collect(),
            merged: BTreeSet::new(),
        }
    })
}

fn place_of(name: &str, manners: Manners, source: Manners, cells: &[Cell]) -> Place {
    let mut place = Place {
        name: name.into(),
        manners,
        ..Place::default()
    };
    for (path, (now, then)) in PATHS.iter().zip(cells) {
        let path = FilePath::parse(*path).unwrap();
        if let Some(content) = *then {
            place
                .base
                .insert(path.clone(), version(manners, content, 0));
            place
                .source_base
                .insert(path.clone(), version(source, content, 0));
        }
        if let Some((content, touched)) = *now
            && place.fits(&path)
        {
            let version = version(manners, content, touched);
            place.files.insert(path, Stored { content, version });
        }
    }
    place
}

fn case(names: bool) -> impl Strategy<Value = (Planner<'static>, Model)> {
    planner().prop_flat_map(move |(relation, planner)| (Just(planner), model(relation, names)))
}

/// Plans and carries out until nothing is left to do.
fn rest(model: &mut Model, planner: &Planner<'_>) -> Result<(), TestCaseError> {
    for _ in 0..ROUNDS {
        let plan = model.plan(planner);
        if plan.actions.is_empty() {
            return Ok(());
        }
        model.carry_out(&plan, plan.actions.len());
    }
    let plan = model.plan(planner);
    Err(TestCaseError::fail(format!(
        "no rest after {ROUNDS} rounds:\n{plan}{model:#?}"
    )))
}

fn nothing_is_lost(before: &Model, after: &Model) -> Result<(), TestCaseError> {
    let (had, agreed, has) = (before.kept(), before.agreed(), after.kept());
    let lost: Vec<_> = had
        .difference(&has)
        .filter(|content| !agreed.contains(content))
        .collect();
    prop_assert!(lost.is_empty(), "lost {lost:?} of {before:#?}");
    Ok(())
}

fn has_verify_or_skipped(plan: &Plan) -> bool {
    let verify = plan
        .actions
        .iter()
        .any(|action| matches!(action, Action::Verify { .. }));
    verify
        || plan
            .conflicts
            .iter()
            .any(|conflict| conflict.resolution == Resolution::Skipped)
}

/// Returns path and replica of every delete, those by way of the recovery folder included.
fn deletes(plan: &Plan) -> BTreeSet<(FilePath, usize)> {
    let deletes = plan.actions.iter().filter_map(|action| match action {
        Action::Delete { path, replicas } => Some((path, *replicas)),
        Action::Recover {
            path,
            replicas,
            why: RecoverReason::Delete,
        } => Some((path, *replicas)),
        _ => None,
    });
    let pairs = deletes.flat_map(|(path, replicas)| {
        let replicas = replicas.iter().collect::<Vec<_>>().into_iter();
        replicas.map(|replica| (path.clone(), replica.get()))
    });
    pairs.collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]

    #[test]
    fn a_second_plan_has_nothing_to_do((planner, mut model) in case(true)) {
        let plan = model.plan(&planner);
        model.carry_out(&plan, plan.actions.len());
        let again = model.plan(&planner);
        if !has_verify_or_skipped(&plan) {
            prop_assert!(again.actions.is_empty(), "after\n{plan}came\n{again}of {model:#?}");
        }
    }

    #[test]
    fn no_content_is_lost((planner, before) in case(true)) {
        let mut after = before.clone();
        rest(&mut after, &planner)?;
        nothing_is_lost(&before, &after)?;
    }

    #[test]
    fn a_crash_after_any_step_heals((planner, before) in case(true), crash in any::<prop::sample::Index>()) {
        let mut after = before.clone();
        let plan = after.plan(&planner);
        after.carry_out(&plan, crash.index(plan.actions.len() + 1));
        rest(&mut after, &planner)?;
        nothing_is_lost(&before, &after)?;
    }

    #[test]
    fn an_incomplete_listing_adds_no_delete_and_overwrites_nothing_unseen(
        (planner, mut model) in case(true),
        who in any::<prop::sample::Index>(),
        seen in any::<prop::sample::Index>(),
    ) {
        let whole = deletes(&model.plan(&planner));
        let who = who.index(model.places.len());
        let place = &mut model.places[who];
        place.manners.incomplete = true;
        let flagged = deletes(&model.plan(&planner));
        prop_assert!(flagged.is_subset(&whole), "{flagged:?} of {whole:?}");

        let place = &mut model.places[who];
        let seen = seen.index(place.files.len() + 1);
        let unseen: Vec<_> = place.files.keys().skip(seen).cloned().collect();
        for path in unseen {
            let stored = place.files.remove(&path).unwrap();
            place.unlisted.insert(path, stored);
        }
        let before = model.clone();
        let plan = model.plan(&planner);
        prop_assert!(deletes(&plan).is_subset(&whole));
        model.carry_out(&plan, plan.actions.len());
        nothing_is_lost(&before, &model)?;
    }

    #[test]
    fn what_agrees_and_is_unchanged_needs_nothing((planner, mut model) in case(true)) {
        let first = model.places[0].clone();
        for place in &mut model.places {
            let (manners, files) = (place.manners, first.files.iter());
            place.manners.ignores_case = false;
            place.manners.no_colons = false;
            place.files = files.map(|(path, stored)| {
                let version = version(manners, stored.content, 0);
                (path.clone(), Stored { content: stored.content, version })
            }).collect();
            place.base = place.files.iter().map(|(path, stored)| (path.clone(), stored.version.clone())).collect();
            place.source_base = first.files.iter().map(|(path, stored)| (path.clone(), stored.version.clone())).collect();
        }
        model.places[0].files = first.files;
        model.places[0].base = model.places[1].source_base.clone();
        prop_assert!(model.plan(&planner).is_empty(), "{}", model.plan(&planner));
    }

    #[test]
    fn the_order_of_peers_only_breaks_ties(mut model in model(Relation::Peers, false)) {
        let planner = Planner::new(Relation::Peers, ConflictStrategy::ManualReview);
        let forth = by_name(&model.plan(&planner));
        model.places.reverse();
        prop_assert_eq!(forth, by_name(&model.plan(&planner)));
    }
}

/// Returns what happens to each path on each replica, whoever a copy comes from.
fn by_name(plan: &Plan) -> BTreeMap<(FilePath, &'static str), BTreeSet<String>> {
    let mut done = BTreeMap::new();
    for action in &plan.actions {
        let kind = match action {
            Action::Verify { .. } => "verify",
            Action::Copy { .. } => "copy",
            Action::Delete { .. } => "delete",
            Action::Agree { .. } => "agree",
            Action::Recover { .. } => "recover",
            other => panic!("unexpected {other:?}"),
        };
        let names = action
            .replicas()
            .iter()
            .map(|replica| plan.name(replica).to_owned());
        let entry: &mut BTreeSet<String> = done.entry((action.path().clone(), kind)).or_default();
        entry.extend(names.collect::<Vec<_>>());
    }
    done
}
