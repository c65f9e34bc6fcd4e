//! Whatever happens in whatever order, a client knows in the end what a fresh look shows, and was told of nothing else.

use std::time::Duration;

use garland::ErrorKind;
use garland::section::{LiveSections, Subscription, Update};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::world::{Client, World, member, section, watch, wedding};

const MEMBERS: [&str; 3] = ["ann", "bo", "cy"];
const WEDDINGS: [&str; 2] = ["june", "july"];
const ROLES: [&str; 7] = [
    "admin",
    "coordinator",
    "photographer",
    "couple",
    "vendor",
    "guest",
    "strange",
];
const TYPES: [&str; 5] = ["timeline", "budget", "photos", "billing", "own"];
const PHASES: [&str; 4] = ["planning", "pre_wedding", "wedding_day", "post_wedding"];
/// Whose view, and of which wedding.
const CLIENTS: [(usize, Option<usize>); 5] = [
    (0, Some(0)),
    (0, None),
    (1, Some(0)),
    (1, Some(1)),
    (2, Some(0)),
];

#[derive(Clone, Debug)]
enum Act {
    Member {
        who: usize,
        role: usize,
        level: usize,
    },
    NoMember(usize),
    Wedding {
        which: usize,
        days: i64,
        is_cairo: bool,
    },
    NoWedding(usize),
    Section(Box<Config>),
    NoSection(usize),
    Aside,
    Pass(u64),
    Read(usize),
    /// Begins to read and stops at once.
    Peek(usize),
    Reconnect {
        client: usize,
        forgets: bool,
    },
    Restart,
}

#[derive(Clone, Debug)]
struct Config {
    id: usize,
    kind: usize,
    wedding: Option<usize>,
    roles: Vec<usize>,
    phases: Option<Vec<usize>>,
    /// Hours from now.
    window: Option<(i64, i64)>,
    position: Option<u16>,
    title: u8,
}

fn config() -> impl Strategy<Value = Config> {
    let roles = prop::collection::vec(0..ROLES.len(), 0..5);
    let phases = prop::option::weighted(0.3, prop::collection::vec(0..PHASES.len(), 0..3));
    let window = prop::option::weighted(0.2, (-30_i64..60, 0_i64..60));
    let place = (
        0..6_usize,
        0..TYPES.len(),
        prop::option::of(0..WEDDINGS.len()),
    );
    let look = (prop::option::of(0_u16..3), 0_u8..3);
    (place, roles, phases, window, look).prop_map(
        |((id, kind, wedding), roles, phases, window, (position, title))| Config {
            id,
            kind,
            wedding,
            roles,
            phases,
            window,
            position,
            title,
        },
    )
}

fn act() -> impl Strategy<Value = Act> {
    let who = 0..MEMBERS.len();
    let client = 0..CLIENTS.len();
    prop_oneof![
        5 => (who.clone(), 0..ROLES.len(), 0..3_usize)
            .prop_map(|(who, role, level)| Act::Member { who, role, level }),
        1 => who.prop_map(Act::NoMember),
        4 => (0..WEDDINGS.len(), -40_i64..40, any::<bool>())
            .prop_map(|(which, days, is_cairo)| Act::Wedding { which, days, is_cairo }),
        1 => (0..WEDDINGS.len()).prop_map(Act::NoWedding),
        10 => config().prop_map(|config| Act::Section(Box::new(config))),
        2 => (0..6_usize).prop_map(Act::NoSection),
        1 => Just(Act::Aside),
        2 => prop_oneof![Just(1_u64), Just(999), Just(3_600_000), Just(86_400_000), Just(31 * 86_400_000)]
            .prop_map(Act::Pass),
        8 => client.clone().prop_map(Act::Read),
        3 => client.clone().prop_map(Act::Peek),
        2 => (client, prop::bool::weighted(0.3))
            .prop_map(|(client, forgets)| Act::Reconnect { client, forgets }),
        1 => Just(Act::Restart),
    ]
}

/// A client and its connection, if it has one.
struct Seat {
    member: &'static str,
    wedding: Option<&'static str>,
    client: Client,
    subscription: Option<Subscription>,
    updates: u64,
    cursor: Option<garland::section::Cursor>,
}

impl Seat {
    async fn connect(&mut self, live: &LiveSections) {
        let mut request = watch(self.member);
        if let Some(wedding) = self.wedding {
            request = request.wedding(wedding);
        }
        if let Some(cursor) = self.cursor {
            request = request.after(cursor);
        }
        self.subscription = match live.subscribe(request).await {
            Ok(subscription) => Some(subscription),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Denied);
                self.drop_all();
                None
            }
        };
    }

    /// Whoever is denied forgets what they were told.
    fn drop_all(&mut self) {
        (self.subscription, self.cursor, self.client) = (None, None, Client::default());
    }

    /// Reads until nothing comes any more.
    async fn read(&mut self, world: &World, live: &LiveSections, settle: Duration) {
        loop {
            if self.subscription.is_none() {
                self.connect(live).await;
            }
            let Some(subscription) = &mut self.subscription else {
                return;
            };
            let next = tokio::time::timeout(settle, subscription.next()).await;
            match next {
                Err(_) => return,
                Ok(Ok(Update::Resume(cursor))) => {
                    assert_eq!(Some(cursor), self.cursor);
                    self.subscription = None;
                }
                Ok(Ok(update)) => self.hear(world, update).await,
                Ok(Err(error)) => {
                    assert_eq!(error.kind(), ErrorKind::Denied);
                    self.drop_all();
                }
            }
        }
    }

    async fn hear(&mut self, world: &World, update: Update) {
        self.updates += 1;
        let before = self.client.sight();
        let is_difference = match &update {
            Update::Difference(difference) => {
                self.cursor = Some(difference.cursor);
                true
            }
            Update::Snapshot(picture) => {
                self.cursor = Some(picture.cursor);
                false
            }
            other => panic!("unexpected {other:?}"),
        };
        let text = format!("{update:?}");
        assert!(!text.contains("Title"), "contents in {text}");
        self.client.hear(world, update).await;
        if is_difference {
            assert_ne!(before, self.client.sight(), "nothing differs in {text}");
        }
    }
}

async fn carry_out(world: &World, act: &Act) {
    let desk = world.desk();
    match act {
        Act::Member { who, role, level } => {
            let mut record = member(MEMBERS[*who], ROLES[*role]);
            let level = ["none", "limited", "full"][*level];
            record["weddingAccess"] = json!([{"weddingId": "june", "level": level}]);
            desk.member(record).await;
        }
        Act::NoMember(who) => desk.remove_member(MEMBERS[*who]).await,
        Act::Wedding {
            which,
            days,
            is_cairo,
        } => {
            let zone = if *is_cairo { "Africa/Cairo" } else { "UTC" };
            let date = date(world, *days);
            desk.wedding(wedding(WEDDINGS[*which], &date, zone)).await;
        }
        Act::NoWedding(which) => desk.remove_wedding(WEDDINGS[*which]).await,
        Act::Section(config) => desk.section(record(world, config)).await,
        Act::NoSection(id) => desk.remove_section(&format!("s{id}")).await,
        Act::Aside => desk.aside().await,
        Act::Pass(millis) => tokio::time::sleep(Duration::from_millis(*millis)).await,
        _ => {}
    }
}

fn date(world: &World, days: i64) -> String {
    let now = garland::Clock::now(&*world.clock).as_millis();
    let then = garland::Timestamp::from_millis(now + days * 86_400_000);
    then.to_string()[..10].to_owned()
}

fn record(world: &World, config: &Config) -> Value {
    let roles: Vec<_> = config.roles.iter().map(|role| ROLES[*role]).collect();
    let mut record = section(&format!("s{}", config.id), TYPES[config.kind], &roles);
    if let Some(wedding) = config.wedding {
        record["weddingId"] = json!(WEDDINGS[wedding]);
    }
    if let Some(phases) = &config.phases {
        let phases: Vec<_> = phases.iter().map(|phase| PHASES[*phase]).collect();
        record["visibility"]["weddingPhase"] = json!(phases);
    }
    if let Some((from, hours)) = config.window {
        let now = garland::Clock::now(&*world.clock).as_millis();
        let at = |hours: i64| garland::Timestamp::from_millis(now + hours * 3_600_000).to_string();
        let window = json!({"start": at(from), "end": at(from + hours)});
        record["visibility"]["conditions"] = json!({"timeRestriction": window});
    }
    record["layout"] = json!({"position": config.position});
    record["customization"] = json!({"title": format!("Title {}", config.title)});
    record
}

async fn play(acts: &[Act], is_silent: bool) -> u64 {
    let world = if is_silent {
        World::new().silent()
    } else {
        World::new()
    };
    // Longer than it takes until a change is found: the pace, or without wake-ups the interval.
    let interval = Duration::from_secs(if is_silent { 3_600 } else { 86_400 });
    let settle = if is_silent {
        interval + Duration::from_millis(100)
    } else {
        Duration::from_millis(50)
    };
    let mut live = world.calm(interval);
    let mut seats: Vec<_> = CLIENTS
        .iter()
        .map(|(member, wedding)| Seat {
            member: MEMBERS[*member],
            wedding: wedding.map(|wedding| WEDDINGS[wedding]),
            client: Client::default(),
            subscription: None,
            updates: 0,
            cursor: None,
        })
        .collect();
    for act in acts {
        match act {
            Act::Read(at) => {
                let seat = &mut seats[*at];
                seat.read(&world, &live, settle).await;
                check(&world, seat).await;
            }
            Act::Peek(at) => {
                let seat = &mut seats[*at];
                if let Some(subscription) = &mut seat.subscription {
                    let next = futures_util::FutureExt::now_or_never(subscription.next());
                    match next {
                        Some(Ok(Update::Resume(_))) => seat.subscription = None,
                        Some(Ok(update)) => seat.hear(&world, update).await,
                        Some(Err(_)) => seat.drop_all(),
                        None => {}
                    }
                }
            }
            Act::Reconnect { client, forgets } => {
                let seat = &mut seats[*client];
                if *forgets {
                    seat.drop_all();
                }
                seat.subscription = None;
                seat.connect(&live).await;
            }
            Act::Restart => {
                for seat in &mut seats {
                    seat.subscription = None;
                }
                live = world.calm(interval);
            }
            other => carry_out(&world, other).await,
        }
    }
    let mut updates = 0;
    for seat in &mut seats {
        seat.read(&world, &live, settle).await;
        check(&world, seat).await;
        updates += seat.updates;
    }
    updates
}

async fn check(world: &World, seat: &Seat) {
    let fresh = world.fresh(seat.member, seat.wedding).await;
    let known = seat.subscription.is_some().then(|| seat.client.sight());
    assert_eq!(known, fresh, "{} in {:?}", seat.member, seat.wedding);
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.enable_time().start_paused(true).build().unwrap();
    runtime.block_on(future)
}

proptest! {
    #[test]
    fn a_client_knows_what_a_fresh_look_shows(
        acts in prop::collection::vec(act(), 1..80),
        is_silent in any::<bool>(),
    ) {
        block_on(play(&acts, is_silent));
    }
}

#[test]
fn the_model_tells_something() {
    use proptest::strategy::ValueTree as _;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let acts = prop::collection::vec(act(), 300..301);
    let acts = acts.new_tree(&mut runner).unwrap().current();
    let updates = block_on(play(&acts, false));
    println!("300 acts, {updates} updates");
    assert!(updates > 10, "{updates}");
}
