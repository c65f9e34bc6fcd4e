//! A sync to a sealed account and back, with objects that were bent and with the wrong keys.

use std::sync::Arc;

use garland::connector::{FilePath, FileStore as _, ReadOptions, UploadRequest};
use garland::crypto::{
    KeyFile, SEALED_FILES, SealedConnector, SealedError, SealedFile, SealedNames, SealedOptions,
};
use garland::platforms::MemoryPlatform;
use garland::storage::{Query, Store};
use garland::sync::{ConflictStrategy, Relation};
use garland::testing::{Faults, FaultyStorage};
use garland::{Orchestrator, OrganizationId};

use crate::day::{Day, entropy};

const CONTRACT: &[u8] = b"the couple pays 4,711 in cash on the day, and nobody is to know of it";
const NAME: &str = "settlement with the first husband.pdf";

async fn studio(
    day: &Day,
    card: &MemoryPlatform,
    locker: &MemoryPlatform,
    key: &str,
) -> Orchestrator {
    let path = day.vault.path().join(key);
    let root = match path.exists() {
        true => KeyFile::open(&path, entropy()).await,
        false => KeyFile::create(&path, entropy()).await,
    };
    let options = SealedOptions::default()
        .with_names(SealedNames::Sealed)
        .with_resume_from(0);
    let organization = day.organization("sealing");
    Orchestrator::builder()
        .storage(FaultyStorage::new(day.backend(), Faults::none()))
        .root(root.unwrap())
        .connector_of(&organization, "card", Arc::new(card.clone()))
        .sealed_of(&organization, "vault", Arc::new(locker.clone()), options)
        .build()
        .await
        .unwrap()
}

pub(crate) async fn live(day: &mut Day) {
    day.planted.plant("content of a contract", CONTRACT);
    let (card, locker) = (MemoryPlatform::default(), MemoryPlatform::default());
    card.put("contract.txt", CONTRACT).unwrap();
    card.put(NAME, "torn up").unwrap();
    let host = studio(day, &card, &locker, "sealing.key").await;
    day.print(&SealedOptions::default());
    day.print(&host);
    let id: OrganizationId = day.organization("sealing");
    let handle = host.organization(id.clone());
    day.print(&handle);
    let sync = handle.sync("card").with("vault");
    day.print(&sync);
    let mut run = sync.start(None).await.unwrap();
    while let Some(event) = run.next_event().await {
        day.print(&event);
    }
    let report = run.report().await.unwrap();
    assert!(report.is_complete(), "{report}");
    day.print(&report);
    day.hear(&report.to_string());
    let vault: SealedConnector = handle.sealed("vault").await.unwrap();
    day.print(&vault);
    let store = handle.store().await.unwrap();
    day.print_all(&store, &SEALED_FILES).await;
    for (name, object) in locker.contents() {
        assert!(
            day.planted.found_in(&object).is_empty(),
            "the account can read {name}"
        );
        assert!(
            !name.as_str().contains("husband"),
            "the account sees {name}"
        );
    }
    on_its_way(day, &vault, &store).await;
    bent(day, &handle, &card, &locker).await;

    // With a root that is not the one: nothing opens, and nothing is told.
    let strange = studio(day, &card, &locker, "strange.key")
        .await
        .organization(id);
    let vault = strange.sealed("vault").await.unwrap();
    let read = vault
        .read(&path("contract.txt"), ReadOptions::default())
        .await;
    day.fails(read);
    match strange.sync("vault").with("card").run().await {
        Ok(report) => {
            assert!(!report.is_complete(), "{report}");
            day.print(&report);
            day.hear(&report.to_string());
        }
        Err(error) => day.thrown(&error),
    }
}

fn path(text: &str) -> FilePath {
    FilePath::parse(text.to_owned()).unwrap()
}

/// An upload that stops in the middle, with plaintext in hand.
async fn on_its_way(day: &mut Day, vault: &SealedConnector, store: &Store) {
    let request = UploadRequest::new(path("copy.txt"), CONTRACT.len() as u64);
    day.print(&request);
    let mut session = vault.upload(request).await.unwrap();
    session
        .write(bytes::Bytes::from_static(CONTRACT))
        .await
        .unwrap();
    day.print(&session);
    day.print(&session.token());
    let (mut versions, mut sent) = (0, 0);
    for record in store
        .query(&Query::all(SEALED_FILES.name().clone()))
        .await
        .unwrap()
        .records
    {
        let file: SealedFile = record.value.read().unwrap();
        for version in file.current.iter().chain(&file.pending) {
            day.print(version);
            versions += 1;
            if let Some(chunks) = &version.sent {
                day.print(chunks);
                sent += 1;
            }
        }
    }
    assert!(
        versions > 2 && sent > 0,
        "{versions} versions, {sent} with chunks"
    );
    session.abort().await.unwrap();
}

/// Every object with one bit wrong, and one cut short, on the way back.
async fn bent(
    day: &mut Day,
    handle: &garland::Organization,
    card: &MemoryPlatform,
    locker: &MemoryPlatform,
) {
    for (name, object) in locker.contents() {
        for spoil in 0..2 {
            let mut bytes = object.to_vec();
            match spoil {
                0 => *bytes.last_mut().unwrap() ^= 1,
                _ => bytes.truncate(bytes.len() - 3),
            }
            locker.put(name.as_str(), bytes).unwrap();
            let vault = handle.sealed("vault").await.unwrap();
            for file in ["contract.txt", NAME] {
                let read = vault.read(&path(file), ReadOptions::default()).await;
                let outcome = match read {
                    Ok(reader) => {
                        day.print(&reader);
                        use futures_util::TryStreamExt as _;
                        reader.bytes.try_collect::<Vec<_>>().await.map(drop)
                    }
                    Err(error) => Err(error),
                };
                if let Err(error) = outcome {
                    day.print(&SealedError::of(&error));
                    day.thrown(&error);
                }
            }
            card.remove("contract.txt").unwrap();
            let back = handle
                .sync("vault")
                .with("card")
                .relation(Relation::Mirror)
                .on_conflict(ConflictStrategy::SourceWins)
                .run()
                .await;
            match back {
                Ok(report) => {
                    day.print(&report);
                    day.hear(&report.to_string());
                }
                Err(error) => day.thrown(&error),
            }
            locker.put(name.as_str(), object.clone()).unwrap();
            card.put("contract.txt", CONTRACT).unwrap();
        }
    }
}
