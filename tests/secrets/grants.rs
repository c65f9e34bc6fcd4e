//! Grants of single uploads, and authorizations that travel through a browser.

use std::time::Duration;

use garland::crypto::pkce::{Challenge, Verifier};
use garland::crypto::presigned::{
    PRESIGNED_USES, PresignedGrant, PresignedMethod, PresignedRequest, Presigner,
};
use garland::crypto::tokens::{KeySet, KeyUse, SigningKey};
use garland::crypto::{AUTHORIZATIONS, AuthorizationStates, SecretKey, SystemEntropy};

use crate::day::{Day, entropy};

const BROWSER: &str = "browser-session-5b1e77f0c2";

fn keys(day: &mut Day, purpose: KeyUse) -> KeySet {
    let root = SecretKey::generate(&SystemEntropy::new()).unwrap();
    day.planted.plant("key of grants and states", root.expose());
    KeySet::new(SigningKey::derive(purpose, "2027".parse().unwrap(), &root).unwrap())
}

pub(crate) async fn live(day: &mut Day) {
    presigned(day).await;
    authorization(day).await;
}

async fn presigned(day: &mut Day) {
    let keys = keys(day, KeyUse::Presign);
    let presigner = Presigner::new(day.backend(), keys, day.clock(), entropy()).unwrap();
    day.print(&presigner);
    let studio = day.organization("studio");
    let until = day.clock.now().saturating_add(Duration::from_secs(300));
    let upload = PresignedMethod::Upload;
    let grant = PresignedGrant::new(upload, studio.clone(), "obj-7", 9, "image/jpeg", until);
    day.print(&grant);
    let texts = [(); 3].map(|()| presigner.sign(&grant).unwrap());
    for text in &texts {
        day.planted.plant("grant", text.as_bytes());
    }
    let request = PresignedRequest {
        method: upload,
        organization: &studio,
        object: "obj-7",
        size: 9,
        media_type: "image/jpeg",
    };
    day.print(&request);
    day.print(&presigner.redeem(&texts[0], &request).await.unwrap());
    day.fails(presigner.redeem(&texts[0], &request).await);
    let other = PresignedRequest {
        object: "obj-8",
        ..request
    };
    day.fails(presigner.redeem(&texts[1], &other).await);
    let bent = texts[2].replace('a', "b");
    day.planted.plant("bent grant", bent.as_bytes());
    day.fails(presigner.redeem(&bent, &request).await);
    let store = day.store("studio");
    day.print_all(&store, &PRESIGNED_USES).await;
}

async fn authorization(day: &mut Day) {
    day.planted
        .plant("session of a browser", BROWSER.as_bytes());
    let keys = keys(day, KeyUse::Authorization);
    let store = day.store("studio");
    let states = AuthorizationStates::new(store.clone(), keys, day.clock(), entropy()).unwrap();
    day.print(&states);
    let [used, open] = [
        states.begin(BROWSER, "dropbox").await.unwrap(),
        states.begin(BROWSER, "dropbox").await.unwrap(),
    ];
    for begun in [&used, &open] {
        day.planted.plant("state", begun.state().as_bytes());
        day.print(begun);
    }
    day.fails(states.finish("another browser", used.state()).await);
    let finished = states.finish(BROWSER, used.state()).await.unwrap();
    day.planted
        .plant("verifier", finished.verifier().expose().as_bytes());
    day.print(&finished);
    day.fails(states.finish(BROWSER, used.state()).await);
    day.fails(states.finish(BROWSER, &format!("{}A", open.state())).await);
    day.print_all(&store, &AUTHORIZATIONS).await;
    let long = BROWSER.repeat(50);
    day.fails(states.begin(&long, "dropbox").await);

    let own = Verifier::generate(&SystemEntropy::new()).unwrap();
    day.planted.plant("verifier", own.expose().as_bytes());
    for bad in [format!("{}=", own.expose()), own.expose()[..20].to_owned()] {
        day.fails(Verifier::parse(&bad));
        day.fails(Challenge::parse(&bad, "S256"));
        day.fails(Challenge::parse(&bad, "plain"));
    }
}
