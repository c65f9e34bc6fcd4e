//! Files that people hand in: what is in quarantine is nobody's to see, least of all in a log.

use std::io::Cursor;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::TryStreamExt as _;
use garland::connector::PlatformConnector;
use garland::permission::Actor;
use garland::platforms::MemoryPlatform;
use garland::privacy::UploadedFiles;
use garland::upload::{
    Copy, Declared, Delivery, ScanResult, ScanTarget, Scanner, UPLOAD_USAGE, UPLOADS, UploadCheck,
    UploadPolicy, Uploads, UploadsOptions, inspect,
};
use garland::{Chance, Error, ErrorKind, Ids, Result};

use crate::day::Day;

const LETTER: &[u8] =
    b"dear Rosalind, the ring was never paid for; burn this when you have read it";

/// Sees everything, prints what it is given, and fails once.
#[derive(Debug, Default)]
struct Curious(std::sync::Mutex<Vec<String>>);

#[async_trait]
impl Scanner for Curious {
    async fn scan(&self, file: &ScanTarget) -> Result<ScanResult> {
        let bytes: Vec<Bytes> = file.bytes().try_collect().await?;
        assert_eq!(bytes.concat(), LETTER);
        let mut seen = self.0.lock().unwrap();
        seen.push(format!("{file:?}\n{file:#?}"));
        match seen.len() {
            1 => Err(Error::new(
                ErrorKind::Unavailable,
                "test.scan",
                "the scanner is out",
            )),
            _ => Ok(ScanResult::Clean),
        }
    }
}

pub(crate) async fn live(day: &mut Day) {
    day.planted.plant("content of an upload", LETTER);
    // What is shown first of a file, and what it ends with, as a part holds them.
    day.planted.plant("beginning of an upload", &LETTER[..16]);
    day.planted
        .plant("end of an upload", &LETTER[LETTER.len() - 16..]);
    let scanner = Arc::new(Curious::default());
    let ids = Ids::new(day.clock(), Chance::system());
    let options = UploadsOptions::default().with_part_size(32);
    day.print(&options);
    day.print(&options.policy);
    let disk = Arc::new(MemoryPlatform::default());
    let (store, clock) = (day.store("studio"), day.clock());
    let place = Arc::clone(&disk) as Arc<dyn PlatformConnector>;
    let uploads = Uploads::new(store.clone(), place, clock, ids, options).unwrap();
    let uploads = uploads.with_scanner(Arc::clone(&scanner) as Arc<dyn Scanner>);
    day.print(&uploads);
    day.print(&UploadedFiles::new(uploads.clone()));
    let by = Actor::User("guest-12".into());
    let declared = Declared::new("letter.txt", "text/plain");
    day.print(&declared);
    let mut incoming = uploads.begin(by.clone(), &declared).await.unwrap();
    for piece in LETTER.chunks(20) {
        incoming.write(Bytes::from_static(piece)).await.unwrap();
        day.print(&incoming);
    }
    let id = incoming.id();
    day.fails(uploads.read(id, Copy::Delivered, None).await);
    day.print(&incoming.finish().await.unwrap());
    day.fails(uploads.read(id, Copy::Original, None).await);
    day.fails(uploads.check(id).await);
    let record = uploads.check(id).await.unwrap();
    day.print(&record);
    let inspection = record.inspection.as_ref().unwrap();
    day.print(inspection);
    day.print(&inspection.delivery);
    day.print(&inspection.delivery.pieces()[0]);
    let reader = uploads.read(id, Copy::Delivered, None).await.unwrap();
    day.print(&reader);
    day.print(&reader.headers);
    for text in scanner.0.lock().unwrap().iter() {
        day.overhear::<ScanTarget>(text);
    }
    for (path, _) in disk.contents() {
        assert!(disk.rot(path.as_str()));
    }
    let reader = uploads.read(id, Copy::Delivered, None).await.unwrap();
    if let Err(error) = reader.bytes.try_collect::<Vec<Bytes>>().await {
        day.thrown(&error);
    }
    refused(day, &uploads, by).await;
    checks(day);
    day.print_all(&store, &UPLOADS).await;
    day.print_all(&store, &UPLOAD_USAGE).await;
}

/// Content that is not what it is said to be.
async fn refused(day: &mut Day, uploads: &Uploads, by: Actor) {
    for (name, kind) in [
        ("letter.jpg", "image/jpeg"),
        ("letter.pdf", "application/pdf"),
    ] {
        let declared = Declared::new(name, kind);
        let mut incoming = uploads.begin(by.clone(), &declared).await.unwrap();
        let written = incoming.write(Bytes::from_static(LETTER)).await;
        day.print(&incoming);
        let outcome = match written {
            Ok(()) => match incoming.finish().await {
                Ok(record) => uploads.check(record.id).await,
                Err(error) => Err(error),
            },
            Err(error) => Err(error),
        };
        match outcome {
            Ok(record) => {
                assert!(record.inspection.as_ref().unwrap().verdict.is_reject());
                day.print(&record);
            }
            Err(error) => day.thrown(&error),
        }
    }
}

/// The checks themselves, without a service around them.
fn checks(day: &mut Day) {
    let policy = UploadPolicy::default();
    let declared = Declared::new("letter.txt", "text/plain");
    let mut check = UploadCheck::new(&policy, &declared).unwrap();
    check.feed(LETTER).unwrap();
    day.print(&check);
    check.finish().unwrap();
    let found = inspect(&policy, &declared, Cursor::new(LETTER)).unwrap();
    day.print(&found);
    let mut out = Vec::new();
    Delivery::whole(9)
        .write(&mut Cursor::new(LETTER), &mut out)
        .unwrap();
    let cut = Delivery::whole(9_999).write(&mut Cursor::new(LETTER), &mut out);
    day.fails(cut);
}
