//! No token, code, state, verifier or key in anything that is printed, thrown or stored.

use std::sync::Arc;
use std::time::Duration;

use garland::backends::Sqlite;
use garland::oauth::{Callback, OAuthOptions};
use garland::storage::StorageBackend;

use crate::fake::{Bad, Habit};
use crate::world::{SESSION, World, name, redirected, signed};

#[tokio::test]
async fn secrets_are_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("studio.db");
    let database: Arc<dyn StorageBackend> = Arc::new(Sqlite::open(&path).await.unwrap());
    let world = World::with(Habit::Strict, database, OAuthOptions::default()).await;
    let mut heard = String::new();
    let mut secrets = Vec::new();

    let started = world.begin().await;
    secrets.push(started.state().to_owned());
    heard += &format!("{started:?}");
    let back = redirected(started.url()).await;
    let callback = Callback::parse(&back).unwrap();
    heard += &format!("{callback:?}");
    heard += &format!(
        "{:?}",
        world.oauth.finish("another session", &callback).await
    );
    let account = world.oauth.finish(SESSION, &callback).await.unwrap();
    heard += &format!(
        "{account:?} {:?} {:?}",
        world.oauth,
        world.oauth.finish(SESSION, &callback).await
    );
    let request = signed(&account).await.unwrap();
    heard += &format!("{request:?} {:?}", account.token().await);
    for bad in [
        Bad::Page,
        Bad::LostAnswer,
        Bad::Says(400, serde_json::json!({"error": "refresh-3-secret"})),
        Bad::Says(
            200,
            serde_json::json!({"access_token": ["access-2-secret"]}),
        ),
    ] {
        world.clock.forward(Duration::from_secs(3600));
        world.fake.book().bad.push_back(bad);
        heard += &format!("{:?}", account.token().await);
    }
    heard += &format!("{:?}", account.token().await);
    let device = world.oauth.begin_device(name(), "fake").await.unwrap();
    heard += &format!("{device:?}");
    heard += &format!(
        "{:?} {:?}",
        account.record().await,
        world.all_events().await
    );
    heard += &format!("{:?}", world.oauth.tend().await);

    {
        let book = world.fake.book();
        secrets.extend(book.given.iter().cloned());
        let verifier = book
            .forms
            .iter()
            .filter_map(|form| form.get("code_verifier"));
        secrets.extend(verifier.cloned());
    }
    assert!(secrets.len() > 6, "{secrets:?}");
    drop(world);
    let mut places = vec![("printed or thrown".to_owned(), heard.into_bytes())];
    for file in std::fs::read_dir(folder.path()).unwrap() {
        let file = file.unwrap().path();
        places.push((file.display().to_string(), std::fs::read(&file).unwrap()));
    }
    let looked: usize = places.iter().map(|(_, bytes)| bytes.len()).sum();
    assert!(
        looked > 10_000,
        "{looked} bytes are not what was stored and said"
    );
    for (place, bytes) in &places {
        for secret in &secrets {
            let found = bytes
                .windows(secret.len())
                .any(|window| window == secret.as_bytes());
            assert!(!found, "{secret} in {place}");
        }
    }
}
