//! Nobody reads what is not checked, and everybody keeps within their quota.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::TryStreamExt as _;
use futures_util::future::join_all;
use garland::connector::{FilePath, Hashes, PlatformConnector as _, UploadRequest};
use garland::permission::Actor;
use garland::storage::Store;
use garland::testing::{FaultKind, FaultRule, Faults, FaultyConnector, Moment, Operation};
use garland::upload::{
    Copy, Declared, Limit, Reason, ScanResult, ScanTarget, Scanner, UploadId, UploadPolicy,
    UploadState, Uploads, UploadsOptions, Verdict,
};
use garland::{Chance, Error, ErrorKind, Ids, OrganizationId, Result};
use tokio::sync::Mutex;

use crate::make::{exif, jpeg, segment};
use crate::world::{IDLE, World, note, read, send, send_as, zoe};

/// Answers as it is told, and remembers what it saw.
#[derive(Debug)]
struct Told {
    answer: Answer,
    seen: Mutex<Vec<u8>>,
}

#[derive(Clone, Copy, Debug)]
enum Answer {
    Clean,
    Infected,
    Fails,
    Never,
}

impl Told {
    fn new(answer: Answer) -> Arc<Self> {
        Arc::new(Self {
            answer,
            seen: Mutex::default(),
        })
    }
}

#[async_trait]
impl Scanner for Told {
    async fn scan(&self, file: &ScanTarget) -> Result<ScanResult> {
        let pieces: Vec<Bytes> = file.bytes().try_collect().await?;
        *self.seen.lock().await = pieces.concat();
        match self.answer {
            Answer::Clean => Ok(ScanResult::Clean),
            Answer::Infected => Ok(ScanResult::Infected),
            Answer::Fails => Err(Error::new(
                ErrorKind::Unavailable,
                "scanner.scan",
                "no answer",
            )),
            Answer::Never => std::future::pending().await,
        }
    }
}

#[tokio::test(start_paused = true)]
async fn u8_nothing_is_read_before_the_check() {
    let world = World::new();
    let uploads = world.uploads();
    let mut incoming = uploads.begin(zoe(), &note()).await.unwrap();
    let id = incoming.id();
    let nobody = |error: Error| (error.kind(), error.operation(), error.message().to_owned());
    let missing = uploads
        .read(UploadId::generate(&world.ids), Copy::Delivered, None)
        .await
        .unwrap_err();
    let missing = nobody(missing);
    for copy in [Copy::Delivered, Copy::Original] {
        assert_eq!(
            nobody(uploads.read(id, copy, None).await.unwrap_err()),
            missing
        );
    }
    assert_eq!(
        uploads.check(id).await.unwrap_err().kind(),
        ErrorKind::Locked
    );
    incoming
        .write(Bytes::from("see you at two, in the garden"))
        .await
        .unwrap();
    let record = incoming.finish().await.unwrap();
    assert_eq!(
        (record.state, record.bytes, record.parts),
        (UploadState::Quarantined, 29, 4)
    );
    assert_eq!(
        nobody(uploads.read(id, Copy::Delivered, None).await.unwrap_err()),
        missing
    );

    let record = uploads.check(id).await.unwrap();
    assert_eq!(record.state, UploadState::Clean);
    assert_eq!(record.inspection.as_ref().unwrap().verdict, Verdict::Accept);
    assert_eq!(
        read(&uploads, &record, Copy::Delivered).await.unwrap(),
        b"see you at two, in the garden"
    );
    assert_eq!(
        uploads.check(id).await.unwrap(),
        record,
        "checking again changes nothing"
    );
    world.check_books().await;
}

#[tokio::test(start_paused = true)]
async fn u3_bytes_lie_under_an_id_and_the_name_is_only_shown() {
    let world = World::new();
    let uploads = world.uploads();
    let declared = Declared::new("Zoë & Tom \"final\".txt", "text/plain");
    let record = send_as(&uploads, zoe(), &declared, b"see you at two")
        .await
        .unwrap();
    assert_eq!(record.name.as_str(), "Zoë & Tom _final_.txt");
    let paths: Vec<String> = world
        .disk
        .contents()
        .into_keys()
        .map(String::from)
        .collect();
    let wanted = |part: &str| format!("uploads/default/{}/{part}", record.id);
    assert_eq!(paths, [wanted("000000"), wanted("000001")]);
    uploads.check(record.id).await.unwrap();
    for event in world.events().await {
        assert!(
            !event.contains("final") && !event.contains("Tom"),
            "{event}"
        );
        assert!(event.contains(&record.id.to_string()));
    }
}

#[tokio::test(start_paused = true)]
async fn u8_what_is_refused_is_deleted_and_its_reason_is_kept() {
    let world = World::new();
    let uploads = world.uploads();
    let declared = Declared::new("a.jpg", "image/jpeg");
    let whole = jpeg(8, 8, &[]);
    let record = send_as(&uploads, zoe(), &declared, &whole[..40])
        .await
        .unwrap();
    assert!(!world.disk.contents().is_empty());
    let record = uploads.check(record.id).await.unwrap();
    assert_eq!(record.state, UploadState::Rejected(Reason::Truncated));
    assert!(world.disk.contents().is_empty());
    assert_eq!(uploads.get(record.id).await.unwrap(), record);
    assert!(read(&uploads, &record, Copy::Original).await.is_err());
    let events = world.events().await;
    assert!(
        events[1].contains("upload.rejected") && events[1].contains("\"reason\":\"truncated\""),
        "{events:?}"
    );
    world.check_books().await;
    assert_eq!(
        uploads.sweep(IDLE).await.unwrap(),
        garland::upload::Swept::default()
    );
}

#[tokio::test(start_paused = true)]
async fn u2_too_many_bytes_are_refused_as_they_come() {
    let world = World::new();
    let policy = UploadPolicy::default().with_max_bytes(20);
    let options = UploadsOptions::default()
        .with_policy(policy)
        .with_part_size(8);
    let uploads = world.uploads_with(options);
    let mut incoming = uploads.begin(zoe(), &note()).await.unwrap();
    incoming
        .write(Bytes::from("twenty bytes, and no"))
        .await
        .unwrap();
    assert_eq!(world.disk.contents().len(), 2);
    let error = incoming.write(Bytes::from("t")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert!(error.to_string().contains("too_large"), "{error}");
    assert!(world.disk.contents().is_empty());
    let id = incoming.id();
    assert_eq!(
        uploads.get(id).await.unwrap().state,
        UploadState::Rejected(Reason::TooLarge)
    );
    assert_eq!(
        incoming.finish().await.unwrap_err().kind(),
        ErrorKind::Cancelled
    );
    world.check_books().await;
}

#[tokio::test(start_paused = true)]
async fn u1_a_wrong_name_type_or_beginning_is_refused_at_once() {
    let world = World::new();
    let uploads = world.uploads();
    for declared in [
        Declared::new("a.exe", "image/jpeg"),
        Declared::new("a.jpg", "image/png"),
    ] {
        let error = uploads.begin(zoe(), &declared).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Refused);
    }
    assert!(world.records().await.is_empty());
    let mut incoming = uploads
        .begin(zoe(), &Declared::new("a.jpg", "image/jpeg"))
        .await
        .unwrap();
    let error = incoming.write(Bytes::from("<html>")).await.unwrap_err();
    assert!(error.to_string().contains("content_mismatch"), "{error}");
    let error = send(&uploads, b"").await.unwrap_err();
    assert!(error.to_string().contains("empty"), "{error}");
    world.check_books().await;
}

#[tokio::test(start_paused = true)]
async fn u8_the_hosts_scanner_decides_last_and_its_silence_keeps_the_file_in() {
    for (answer, wanted) in [
        (Answer::Clean, Ok(UploadState::Clean)),
        (
            Answer::Infected,
            Ok(UploadState::Rejected(Reason::Infected)),
        ),
        (Answer::Fails, Err(ErrorKind::Unavailable)),
        (Answer::Never, Err(ErrorKind::Timeout)),
    ] {
        let world = World::new();
        let scanner = Told::new(answer);
        let uploads = world.uploads().with_scanner(Arc::<Told>::clone(&scanner));
        let record = send(&uploads, b"see you at two").await.unwrap();
        let checked = uploads.check(record.id).await;
        assert_eq!(
            checked
                .map(|record| record.state)
                .map_err(|error| error.kind()),
            wanted,
            "{answer:?}"
        );
        assert_eq!(*scanner.seen.lock().await, b"see you at two");
        let state = uploads.get(record.id).await.unwrap().state;
        assert_eq!(state, wanted.unwrap_or(UploadState::Quarantined));
        assert_eq!(
            read(&uploads, &record, Copy::Original).await.is_ok(),
            wanted == Ok(UploadState::Clean)
        );
        world.check_books().await;
        if wanted.is_err() {
            let later = world.uploads().with_scanner(Told::new(Answer::Clean));
            assert_eq!(
                later.check(record.id).await.unwrap().state,
                UploadState::Clean
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn u5_guests_get_a_copy_without_positions_and_the_studio_the_original() {
    let world = World::new();
    let uploads = world.uploads();
    let declared = Declared::new("a.jpg", "image/jpeg");
    let block = segment(0xe1, &[b"Exif\0\0".to_vec(), exif(1, true)].concat());
    let content = jpeg(8, 8, &[block]);
    let record = send_as(&uploads, zoe(), &declared, &content).await.unwrap();
    let record = uploads.check(record.id).await.unwrap();
    assert_eq!(
        record.inspection.as_ref().unwrap().verdict,
        Verdict::AcceptSanitised
    );
    assert_eq!(
        read(&uploads, &record, Copy::Original).await.unwrap(),
        content
    );
    let copy = read(&uploads, &record, Copy::Delivered).await.unwrap();
    assert_eq!(copy, jpeg(8, 8, &[]));
    for (from, to) in [(0, 10), (15, 60), (50, 10_000), (70, 70)] {
        let reader = uploads
            .read(record.id, Copy::Delivered, Some(from..to))
            .await
            .unwrap();
        assert_eq!(reader.size, copy.len() as u64);
        let pieces: Vec<Bytes> = reader.bytes.try_collect().await.unwrap();
        let [from, to] = [from, to].map(|at| usize::try_from(at).unwrap().min(copy.len()));
        assert_eq!(pieces.concat(), &copy[from..to]);
    }
    let scripted = jpeg(8, 8, &[segment(0xfe, b"<script>")]);
    let record = send_as(&uploads, zoe(), &declared, &scripted)
        .await
        .unwrap();
    let record = uploads.check(record.id).await.unwrap();
    assert_eq!(
        read(&uploads, &record, Copy::Original)
            .await
            .unwrap_err()
            .kind(),
        ErrorKind::Refused
    );
    assert_eq!(
        read(&uploads, &record, Copy::Delivered).await.unwrap(),
        jpeg(8, 8, &[])
    );
}

#[tokio::test(start_paused = true)]
async fn u2_quotas_hold_for_a_person_and_for_the_organization() {
    let world = World::new();
    let options = World::options()
        .with_actor(Limit::new(100, 2))
        .with_organization(Limit::new(150, 3));
    let uploads = world.uploads_with(options);
    let text = [b'a'; 60];
    let first = send(&uploads, &text).await.unwrap();
    let error = send(&uploads, &text).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Full, "{error}");
    assert!(error.to_string().contains("actor"), "{error}");
    world.check_books().await;
    let tom = Actor::User("tom".into());
    send_as(&uploads, tom.clone(), &note(), &text)
        .await
        .unwrap();
    let error = send_as(&uploads, tom.clone(), &note(), &text[..40])
        .await
        .unwrap_err();
    assert!(error.to_string().contains("organization"), "{error}");
    uploads.remove(first.id).await.unwrap();
    assert_eq!(
        uploads.get(first.id).await.unwrap_err().kind(),
        ErrorKind::NotFound
    );
    send_as(&uploads, tom.clone(), &note(), &text[..40])
        .await
        .unwrap();
    let error = send_as(&uploads, tom, &note(), b"x").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Full, "two files are two files");
    world.check_books().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn u2_quotas_are_exact_when_many_send_at_once() {
    let world = World::new();
    let options = World::options().with_organization(Limit::new(300, 1_000));
    let uploads = world.uploads_with(options);
    let sends = (0..20).map(|at| {
        let (uploads, by) = (uploads.clone(), Actor::User(format!("guest {}", at % 3)));
        tokio::spawn(async move { send_as(&uploads, by, &note(), &[b'a'; 30]).await })
    });
    let sent: Vec<_> = join_all(sends)
        .await
        .into_iter()
        .map(|sent| sent.unwrap())
        .collect();
    let kept = sent.iter().filter(|sent| sent.is_ok()).count();
    for error in sent.into_iter().filter_map(Result::err) {
        assert_eq!(error.kind(), ErrorKind::Full, "{error}");
    }
    // Those that are refused hold a part of the room for a moment, so fewer than ten may fit, never more.
    assert!((1..=10).contains(&kept), "{kept}");
    world.check_books().await;
    let bytes: u64 = world
        .records()
        .await
        .iter()
        .map(|record| record.bytes)
        .sum();
    assert_eq!(bytes, 30 * kept as u64);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn u8_of_two_checks_at_once_one_decides() {
    let world = World::new();
    let uploads = world.uploads();
    for content in [&b"see you at two"[..], b"a\x01binary"] {
        let record = send(&uploads, content).await.unwrap();
        let checks = (0..4).map(|_| {
            let uploads = uploads.clone();
            tokio::spawn(async move { uploads.check(record.id).await })
        });
        let states: Vec<_> = join_all(checks)
            .await
            .into_iter()
            .map(|one| one.unwrap().unwrap().state)
            .collect();
        assert!(
            states
                .iter()
                .all(|state| *state == states[0] && *state != UploadState::Quarantined),
            "{states:?}"
        );
    }
    let judged = world
        .events()
        .await
        .into_iter()
        .filter(|event| event.contains("verdict"))
        .count();
    assert_eq!(judged, 2);
    world.check_books().await;
}

#[tokio::test(start_paused = true)]
async fn u3_another_organization_finds_nothing() {
    let world = World::new();
    let record = send(&world.uploads(), b"see you at two").await.unwrap();
    world.uploads().check(record.id).await.unwrap();
    let other: OrganizationId = "other".parse().unwrap();
    let store = Store::new(world.backend(), other);
    let ids = Ids::new(Arc::new(world.clock), Chance::seeded(9));
    let disk = Arc::new(world.disk.clone());
    let other = Uploads::new(store, disk, Arc::new(world.clock), ids, World::options()).unwrap();
    for error in [
        other.get(record.id).await.map(drop).unwrap_err(),
        other.check(record.id).await.map(drop).unwrap_err(),
        other
            .read(record.id, Copy::Delivered, None)
            .await
            .map(drop)
            .unwrap_err(),
        other.remove(record.id).await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::NotFound);
    }
    assert!(
        read(&world.uploads(), &record, Copy::Delivered)
            .await
            .is_ok()
    );
    let dots: OrganizationId = "..".parse().unwrap();
    let store = Store::new(world.backend(), dots);
    let ids = Ids::new(Arc::new(world.clock), Chance::seeded(9));
    let error = Uploads::new(
        store,
        Arc::new(world.disk.clone()),
        Arc::new(world.clock),
        ids,
        World::options(),
    );
    assert_eq!(error.unwrap_err().kind(), ErrorKind::InvalidInput);
}

#[tokio::test(start_paused = true)]
async fn u8_a_sweep_gives_up_the_idle_and_leaves_the_busy() {
    let world = World::new();
    let uploads = world.uploads();
    let mut idle = uploads.begin(zoe(), &note()).await.unwrap();
    idle.write(Bytes::from("see you at two")).await.unwrap();
    tokio::time::sleep(IDLE).await;
    let mut busy = uploads.begin(zoe(), &note()).await.unwrap();
    busy.write(Bytes::from("see you at two")).await.unwrap();
    let swept = uploads.sweep(IDLE).await.unwrap();
    assert_eq!((swept.abandoned, swept.emptied, swept.removed), (1, 0, 0));
    assert_eq!(
        uploads.get(idle.id()).await.unwrap_err().kind(),
        ErrorKind::NotFound
    );
    let error = idle.write(Bytes::from("late words")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Expired, "{error}");
    assert_eq!(busy.finish().await.unwrap().state, UploadState::Quarantined);
    assert_eq!(world.disk.contents().len(), 2);
    world.check_books().await;
}

#[tokio::test(start_paused = true)]
async fn u8_a_step_that_is_dropped_ends_the_upload() {
    let world = World::new();
    let steps = [Operation::Upload, Operation::Write, Operation::Finish];
    let moments = [Moment::Before, Moment::After];
    for (step, moment) in steps
        .into_iter()
        .flat_map(|step| moments.map(|moment| (step, moment)))
    {
        let faults = Faults::none().with_rule(FaultRule::new(step, FaultKind::Hang(moment)).nth(2));
        let disk = FaultyConnector::new("disk", Arc::new(world.disk.clone()), faults);
        let uploads = world.service(world.backend(), Arc::new(disk), World::options());
        let mut incoming = uploads.begin(zoe(), &note()).await.unwrap();
        drop(incoming.write(Bytes::from("a call that is never polled does nothing")));
        incoming.write(Bytes::from("see you ")).await.unwrap();
        let soon = Duration::from_secs(60);
        let sent =
            tokio::time::timeout(soon, incoming.write(Bytes::from("at two, in the garden"))).await;
        if sent.is_ok() {
            assert!(
                step == Operation::Upload && moment == Moment::After,
                "{step:?} {moment:?}"
            );
            continue;
        }
        let id = incoming.id();
        let error = incoming.write(Bytes::from("!")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Cancelled);
        drop(incoming);
        assert_eq!(uploads.get(id).await.unwrap().state, UploadState::Receiving);
        tokio::time::sleep(IDLE).await;
        assert_eq!(world.uploads().sweep(IDLE).await.unwrap().abandoned, 1);
        assert!(world.records().await.is_empty());
        world.check_books().await;
    }
}

#[tokio::test(start_paused = true)]
async fn u8_a_part_that_arrives_behind_a_removal_is_swept_away() {
    let world = World::new();
    let rule = FaultRule::new(Operation::Upload, FaultKind::Hang(Moment::Before)).nth(1);
    let disk = FaultyConnector::new(
        "disk",
        Arc::new(world.disk.clone()),
        Faults::none().with_rule(rule),
    );
    let uploads = world.service(world.backend(), Arc::new(disk), World::options());
    let mut incoming = uploads.begin(zoe(), &note()).await.unwrap();
    let id = incoming.id();
    let soon = Duration::from_secs(60);
    let sent = tokio::time::timeout(soon, incoming.write(Bytes::from("see you at two"))).await;
    assert!(sent.is_err());

    for _ in 0..2 {
        world.uploads().remove(id).await.unwrap();
    }
    // The part was on its way all the time.
    let path = FilePath::parse(format!("uploads/default/{id}/000000")).unwrap();
    let request = UploadRequest::new(path, 8);
    let mut session = world.disk.files().unwrap().upload(request).await.unwrap();
    session.write(Bytes::from("see you ")).await.unwrap();
    session.finish(&Hashes::new()).await.unwrap();
    world.check_books().await;

    assert_eq!(world.uploads().sweep(IDLE).await.unwrap().removed, 0);
    tokio::time::sleep(IDLE).await;
    assert_eq!(world.uploads().sweep(IDLE).await.unwrap().removed, 1);
    assert!(world.disk.contents().is_empty());
    assert!(world.records().await.is_empty());
    world.check_books().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn u8_a_sweep_passes_over_what_others_took_away() {
    for _ in 0..20 {
        let world = World::new();
        let rule =
            FaultRule::new(Operation::Delete, FaultKind::Error(ErrorKind::Unavailable)).always();
        let disk = FaultyConnector::new(
            "disk",
            Arc::new(world.disk.clone()),
            Faults::none().with_rule(rule),
        );
        let stuck = world.service(world.backend(), Arc::new(disk), World::options());
        let mut left = Vec::new();
        for _ in 0..10 {
            let record = send(&stuck, b"a\x01binary").await.unwrap();
            assert!(stuck.check(record.id).await.unwrap().counted);
            left.push(record.id);
        }
        let uploads = world.uploads();
        let sweeps = (0..2).map(|_| {
            let uploads = uploads.clone();
            tokio::spawn(async move { uploads.sweep(Duration::ZERO).await.map(drop) })
        });
        let sweeps: Vec<_> = sweeps.collect();
        for id in left.into_iter().rev() {
            if let Err(error) = uploads.remove(id).await {
                assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
            }
        }
        for sweep in sweeps {
            sweep.await.unwrap().unwrap();
        }
        uploads.sweep(Duration::ZERO).await.unwrap();
        world.check_books().await;
    }
}
