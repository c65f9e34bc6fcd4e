//! Something of everything in an organization.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use garland::audit::{Holder, SideRef, SignedHead, SubjectId};
use garland::connector::{
    ChangeFeed as _, FileEntry, FilePath, FileStore, Hashes, UploadRequest, UploadToken,
    WebhookDelivery,
};
use garland::crypto::presigned::{PresignedGrant, PresignedMethod, PresignedRequest};
use garland::crypto::signatures::{
    Scheme, SigningSecret, Verified as Delivery, WebhookId, WebhookSigner, WebhookVerifier,
};
use garland::crypto::tokens::{Grant, SessionId};
use garland::crypto::{KeyName, Purpose, SecretKey};
use garland::journal::{Event, EventKind};
use garland::permission::Actor;
use garland::privacy::HoldScope;
use garland::storage::{
    Batch, JournalHead, JournalName, Json, Lease, Precondition, RecordId, Write,
};
use garland::sync::{Plan, SYNC_BASES};
use garland::upload::{Declared, UploadId};
use garland::{Clock, Ids, RunId};
use serde_json::{Value, json};

use crate::furnish_studio::{ALIKE, of_sections};
use crate::ground::START;
use crate::world::{Accounts, Host, Tenant};

pub(crate) const NOTED: EventKind = EventKind::new("test.noted");

/// The ids of what there is. Each stands for something that exists in its organization and nowhere else.
pub(crate) struct Known {
    pub(crate) name: &'static str,
    pub(crate) user: Actor,
    /// A key that seals something, and one to be made or destroyed under the same name elsewhere.
    pub(crate) key: KeyName,
    pub(crate) spare: KeyName,
    pub(crate) label: String,
    /// The keys of these three.
    pub(crate) secrets: Vec<SecretKey>,
    pub(crate) epoch: u64,
    pub(crate) bundle: Bytes,
    pub(crate) session: SessionId,
    pub(crate) refresh: String,
    pub(crate) access: String,
    pub(crate) grant: PresignedGrant,
    pub(crate) grant_text: String,
    pub(crate) browser: String,
    pub(crate) state: String,
    pub(crate) source: String,
    pub(crate) delivery: Delivery,
    pub(crate) journal: JournalName,
    pub(crate) ends: [JournalHead; 2],
    pub(crate) signed: [SignedHead; 2],
    pub(crate) subject: SubjectId,
    pub(crate) side: SideRef,
    pub(crate) holder: Holder,
    pub(crate) hold: RecordId,
    pub(crate) held: SubjectId,
    pub(crate) restricted: SubjectId,
    pub(crate) erased: SubjectId,
    pub(crate) clean: UploadId,
    pub(crate) quarantined: UploadId,
    pub(crate) receiving: UploadId,
    pub(crate) sealed: FileEntry,
    pub(crate) sealed_token: UploadToken,
    pub(crate) cursor: garland::connector::ChangeCursor,
    pub(crate) conflict: FilePath,
    pub(crate) plan: Plan,
    pub(crate) in_flight: FilePath,
    pub(crate) lease: RecordId,
    pub(crate) run: RunId,
    /// Where a member stands who watches sections, here and elsewhere under the same id.
    pub(crate) watched: garland::section::Cursor,
}

impl Known {
    /// Every id as it could stand in an answer, the longest first.
    pub(crate) fn spellings(&self) -> Vec<String> {
        let mut all = vec![
            self.session.to_string(),
            self.refresh.clone(),
            self.access.clone(),
            self.grant_text.clone(),
            self.state.clone(),
            self.side.to_string(),
            self.side.id(),
            self.holder.as_str().to_owned(),
            self.clean.to_string(),
            self.quarantined.to_string(),
            self.receiving.to_string(),
            self.run.to_string(),
            format!("`{}`", self.epoch),
            self.name.to_owned(),
        ];
        all.extend(self.ends.iter().map(|end| end.hash.to_string()));
        all.extend(
            self.signed
                .iter()
                .map(|head| head.checkpoint().root.to_string()),
        );
        all.extend(self.delivery.id.iter().map(|id| id.to_string()));
        all.sort_by_key(|text| std::cmp::Reverse(text.len()));
        all
    }
}

pub(crate) fn path(text: &str) -> FilePath {
    FilePath::parse(text.to_owned()).unwrap()
}

/// Writes rows as only the part of the crate that owns them does: there is no call that leaves them.
pub(crate) fn row(collection: &str, id: String, value: &Value) -> Write {
    Write::Put {
        collection: collection.parse().unwrap(),
        id: RecordId::parse(id).unwrap(),
        value: Json::of(value).unwrap(),
        indexes: Vec::new(),
        precondition: Precondition::Any,
    }
}

pub(crate) async fn upload(files: &dyn FileStore, name: &str, content: &[u8]) -> FileEntry {
    let request = UploadRequest::new(path(name), content.len() as u64);
    let mut session = files.upload(request).await.unwrap();
    let mut rest = Bytes::copy_from_slice(content);
    while session.next_chunk() > 0 {
        let next = usize::try_from(session.next_chunk()).unwrap();
        session.write(rest.split_to(next)).await.unwrap();
    }
    session.finish(&Hashes::new()).await.unwrap()
}

/// A genuine delivery of this id.
pub(crate) fn delivery(id: &str) -> Delivery {
    let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let signer = WebhookSigner::new(SigningSecret::parse(secret).unwrap());
    let id = WebhookId::parse(id).unwrap();
    let headers = signer.sign(&id, START, b"{}").unwrap();
    let bare = WebhookDelivery::new("POST", "https://studio.example/hooks", "{}");
    let pairs = headers.to_pairs().into_iter();
    let delivery = pairs.fold(bare, |all, (name, value)| all.with_header(name, value));
    let secrets = [garland::crypto::SecretBytes::from(secret)];
    let verifier = WebhookVerifier::new(Scheme::STANDARD_WEBHOOKS, &secrets).unwrap();
    verifier.verify(&delivery, START).unwrap()
}

pub(crate) fn request(grant: &PresignedGrant) -> PresignedRequest<'_> {
    PresignedRequest {
        method: grant.method,
        organization: &grant.organization,
        object: &grant.object,
        size: grant.max_size,
        media_type: &grant.media_type,
    }
}

/// A grant of this object, for five minutes.
fn grant(host: &Host<'_>, tenant: &Tenant, object: String) -> PresignedGrant {
    let until = host.clock.now().saturating_add(Duration::from_secs(300));
    let (upload, id) = (PresignedMethod::Upload, tenant.organization.id().clone());
    PresignedGrant::new(upload, id, object, 1_000, "image/jpeg", until)
}

/// Puts something of everything into an organization.
pub(crate) async fn furnish(host: &Host<'_>, tenant: &Tenant, name: &'static str) -> Known {
    let clock: Arc<dyn Clock> = Arc::new(host.clock.clone());
    let store = &tenant.store;
    let of = |what: &str| format!("{name}-{what}");
    let subject = |what: &str| -> SubjectId { of(what).parse().unwrap() };
    let user = Actor::User(of("user"));
    let ids = Ids::new(
        Arc::clone(&clock),
        garland::Chance::seeded(crate::world::seed(name) ^ 1),
    );

    // Keys, in as many epochs as nobody else has.
    for _ in 0..epochs(name) {
        tenant.keys.begin_epoch().await.unwrap();
    }
    let names = ["contract", "spare"].map(|file| KeyName::new(of(file), "1", Purpose::Body));
    let mut batch = Batch::new(START);
    let mut secrets = Vec::new();
    for name in &names {
        secrets.push(tenant.keys.create(&mut batch, name).await.unwrap());
    }
    store.commit(batch).await.unwrap();
    secrets.push(tenant.keys.shared(&of("label")).await.unwrap());
    let [key, spare] = names;

    // Sessions, a token that was taken back, grants and states.
    let tokens = host.studio.tokens().unwrap();
    let grant_of =
        |client: &str| Grant::new(user.clone(), tenant.organization.id().clone(), client);
    let issued = tokens.issue(&grant_of("web")).await.unwrap();
    let back = tokens.issue(&grant_of("phone")).await.unwrap();
    let back = tokens.verify(back.access()).await.unwrap();
    tokens.revoke(&back).await.unwrap();
    let used = grant(host, tenant, of("used"));
    let text = host.presigner.sign(&used).unwrap();
    host.presigner.redeem(&text, &request(&used)).await.unwrap();
    let grant = grant(host, tenant, of("object"));
    let grant_text = host.presigner.sign(&grant).unwrap().to_string();
    let browser = of("browser");
    let begun = tenant.states.begin(&browser, &of("target")).await.unwrap();

    // A webhook that has come.
    let delivery = delivery(&of("message"));
    let source = "payments".to_owned();
    let received = tenant
        .deliveries
        .accept(&source, &delivery, Batch::new(START))
        .await;
    received.unwrap();

    // Journals, side records and heads.
    let mut batch = Batch::new(START);
    let person = subject("bride");
    let side = tenant
        .subjects
        .seal(&mut batch, &person, &of("address"))
        .await
        .unwrap();
    let event = Event::new(NOTED).by(user.clone()).with_data(&side).unwrap();
    batch.append(JournalName::main(), &event).unwrap();
    store.commit(batch).await.unwrap();
    let holder = tenant.subjects.holder(&person).await.unwrap().unwrap();
    let journal: JournalName = of("thread").parse().unwrap();
    let (mut ends, mut signed) = (Vec::new(), Vec::new());
    let auditor = tenant.auditor(&journal, host.clock);
    for round in 0..2 {
        for _ in 0..3 {
            let mut batch = Batch::new(START);
            let event = Event::new(NOTED).with_data(&of("line")).unwrap();
            batch.append(journal.clone(), &event).unwrap();
            store.commit(batch).await.unwrap();
        }
        ends.push(store.journal_head(&journal).await.unwrap());
        signed.push(auditor.seal_now().await.unwrap().unwrap());
        if round == 0 {
            let main = tenant.auditor(&JournalName::main(), host.clock);
            main.seal_now().await.unwrap().unwrap();
        }
    }

    // Privacy: an erasure, a restriction, a hold.
    let (erased, restricted) = (subject("gone"), subject("quiet"));
    let privacy = &tenant.privacy;
    let plan = privacy.plan_erasure(&erased.clone().into()).await.unwrap();
    privacy.erase(&plan, &user).await.unwrap();
    privacy
        .restrict(&restricted, of("reason"), &user)
        .await
        .unwrap();
    let hold: RecordId = of("case").parse().unwrap();
    let scope = HoldScope::Subject(subject("held"));
    privacy
        .place_hold(hold.clone(), scope, of("lawsuit"), &user)
        .await
        .unwrap();

    // Uploads in every state.
    let mut uploads = Vec::new();
    for state in 0..3 {
        let declared = Declared::new(format!("{name} {state}.txt"), "text/plain");
        let mut incoming = tenant.uploads.begin(user.clone(), &declared).await.unwrap();
        incoming
            .write(Bytes::from(of("is here to stay")))
            .await
            .unwrap();
        uploads.push(incoming.id());
        if state > 0 {
            incoming.finish().await.unwrap();
        }
        if state > 1 {
            tenant.uploads.check(uploads[state]).await.unwrap();
        }
    }

    // A sealed file, and one on its way.
    let sealed = upload(&tenant.sealed, &of("plans.txt"), of("drawings").as_bytes()).await;
    let request = UploadRequest::new(path(&of("film.mov")), 100_000);
    let mut session = tenant.sealed.upload(request).await.unwrap();
    let chunk = usize::try_from(session.next_chunk()).unwrap();
    session.write(Bytes::from(vec![7; chunk])).await.unwrap();
    let sealed_token = session.token().unwrap();
    drop(session);
    let cursor = tenant.sealed.start().await.unwrap();

    // A sync with a conflict, and what others leave in the database when they break off.
    let (conflict, in_flight) = (path(&of("both.jpg")), path(&of("late.jpg")));
    let Accounts { card, archive, .. } = &tenant.accounts;
    card.put(in_flight.as_str(), "late").unwrap();
    let sync = tenant.organization.sync("card").with("archive");
    sync.run().await.unwrap();
    card.put(conflict.as_str(), of("here")).unwrap();
    archive.put(conflict.as_str(), of("there, longer")).unwrap();
    sync.run().await.unwrap();
    assert_eq!(sync.conflicts().await.unwrap().len(), 1);
    card.put(&of("new.jpg"), "new").unwrap();
    let plan = sync.plan().await.unwrap();
    let bases: Vec<_> = store
        .all(
            &SYNC_BASES,
            garland::storage::Query::all(SYNC_BASES.name().clone()),
        )
        .try_collect()
        .await
        .unwrap();
    let agreement = bases[0].id.as_str().split_once('/').unwrap().0.to_owned();
    let run = RunId::generate(&ids);
    let mut batch = Batch::new(START);
    let rows = left_over(name, &agreement, run);
    for write in rows.into_iter().chain(of_sections(name)) {
        batch.push(write);
    }
    store.commit(batch).await.unwrap();
    let lease: RecordId = of("lease").parse().unwrap();
    let minute = Duration::from_secs(60);
    Lease::acquire(store.clone(), clock, lease.clone(), run, minute)
        .await
        .unwrap();

    let watched = tenant.organization.watch_sections(ALIKE, None, None);
    let mut watched = watched.await.unwrap();
    watched.next().await.unwrap();
    let watched = watched.cursor().unwrap();

    let bundle: Vec<Bytes> = tenant.keys.export().try_collect().await.unwrap();
    Known {
        name,
        user,
        key,
        spare,
        label: of("label"),
        secrets,
        epoch: epochs(name) + 1,
        bundle: bundle.concat().into(),
        session: issued.session(),
        refresh: issued.refresh().to_owned(),
        access: issued.access().to_owned(),
        grant,
        grant_text,
        browser,
        state: begun.state().to_owned(),
        source,
        delivery,
        journal,
        ends: ends.try_into().unwrap(),
        signed: signed.try_into().unwrap(),
        subject: person,
        side,
        holder,
        hold,
        held: subject("held"),
        restricted,
        erased,
        clean: uploads[2],
        quarantined: uploads[1],
        receiving: uploads[0],
        sealed,
        sealed_token,
        cursor,
        conflict,
        plan,
        in_flight,
        lease,
        run,
        watched,
    }
}

/// The first organization has fewer epochs than the others, and each of them has another number.
fn epochs(name: &str) -> u64 {
    match name {
        "bella" => 3,
        "xenia" => 4,
        _ => 1,
    }
}

/// What a run that broke off leaves: an operation, a mark, a version moved aside, an upload on its way.
fn left_over(name: &str, agreement: &str, run: RunId) -> Vec<Write> {
    let file = format!("{name}-late.jpg");
    let version = json!({"size": 4});
    let aside = format!(".garland/recovered/{run}/{file}");
    let digest = |text: &str| blake3::hash(text.as_bytes()).to_hex().to_string();
    let operation = json!({
        "run": run, "begun": START, "path": file, "places": [["card", file, version]]});
    let recovered = json!({
        "connector": "card", "path": file, "recovered": aside, "run": run, "at": START});
    let transfer = json!({
        "connector": "archive", "path": file, "source": version, "begun": START,
        "token": format!("{name}-token")});
    vec![
        row(
            "sync_operations",
            format!("{agreement}/{}", digest(&format!("{file}\0"))),
            &operation,
        ),
        row(
            "sync_under_way",
            agreement.to_owned(),
            &json!({"run": run, "since": START}),
        ),
        row(
            "sync_recovered",
            digest(&format!("card/{aside}")),
            &recovered,
        ),
        row(
            "transfer_uploads",
            digest(&format!("archive/{file}")),
            &transfer,
        ),
    ]
}
