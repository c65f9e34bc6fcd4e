//! Nothing outside the root is touched.

use std::fs;
use std::os::unix::fs::symlink;

use garland::ErrorKind;
use garland::connector::{Expect, FileStore as _, FileVersion, Hashes, ReadOptions, UploadRequest};
use garland::platforms::LocalFolder;
use tempfile::TempDir;

use crate::tools::{names, path, put, put_if};

/// A root with a link to a folder outside.
fn trap() -> (TempDir, TempDir, LocalFolder) {
    let (root, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fs::write(outside.path().join("secret"), "secret").unwrap();
    fs::create_dir(outside.path().join("below")).unwrap();
    symlink(outside.path(), root.path().join("link")).unwrap();
    let folder = LocalFolder::open(root.path()).unwrap();
    (root, outside, folder)
}

#[tokio::test]
async fn no_call_goes_through_a_link() {
    let (root, outside, folder) = trap();
    put(&folder, "inside", "x").await.unwrap();
    let inside = folder.stat(&path("inside")).await.unwrap().unwrap();
    for name in ["link/secret", "link/new", "link/below/new", "link/a/b/c"] {
        let (at, any, version) = (path(name), Expect::Anything, FileVersion::new(6));
        let kinds = [
            folder.stat(&at).await.unwrap_err().kind(),
            folder
                .read(&at, ReadOptions::default())
                .await
                .unwrap_err()
                .kind(),
            put(&folder, name, "x").await.unwrap_err().kind(),
            put_if(&folder, name, "x", Expect::Absent)
                .await
                .unwrap_err()
                .kind(),
            folder.delete(&at, &any).await.unwrap_err().kind(),
            folder
                .rename(&at, &any, &path("taken"))
                .await
                .unwrap_err()
                .kind(),
            folder
                .rename(&path("inside"), &any, &at)
                .await
                .unwrap_err()
                .kind(),
            folder
                .copy(&at, &version, &path("taken"), &any)
                .await
                .unwrap_err()
                .kind(),
            folder
                .copy(&path("inside"), &inside.version, &at, &any)
                .await
                .unwrap_err()
                .kind(),
        ];
        assert_eq!(kinds, [ErrorKind::Denied; 9], "{name}");
    }
    assert_eq!(fs::read(outside.path().join("secret")).unwrap(), b"secret");
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 2);
    assert_eq!(names(&folder).await, ["inside"]);
    let left = fs::read_dir(root.path().join(".garland/uploads")).unwrap();
    assert_eq!(left.count(), 0, "refused uploads leave nothing");
}

#[tokio::test]
async fn a_link_that_is_planted_meanwhile_is_not_followed() {
    let (root, outside, folder) = trap();
    put(&folder, "day/a.jpg", "a").await.unwrap();
    let request = UploadRequest::new(path("day/b.jpg"), 1);
    let mut session = folder.upload(request).await.unwrap();
    session.write("b".into()).await.unwrap();
    fs::rename(root.path().join("day"), root.path().join("was day")).unwrap();
    symlink(outside.path(), root.path().join("day")).unwrap();
    let error = session.finish(&Hashes::new()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied);
    assert!(!outside.path().join("b.jpg").exists());
}

#[tokio::test]
async fn a_linked_file_is_neither_read_nor_replaced() {
    let (root, outside, folder) = trap();
    symlink(outside.path().join("secret"), root.path().join("file")).unwrap();
    let at = path("file");
    assert!(folder.read(&at, ReadOptions::default()).await.is_err());
    for expect in [Expect::Anything, Expect::Absent] {
        let error = put_if(&folder, "file", "x", expect).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AlreadyExists);
    }
    let error = folder.delete(&at, &Expect::Anything).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(root.path().join("file").is_symlink());
    assert_eq!(fs::read(outside.path().join("secret")).unwrap(), b"secret");
}

#[tokio::test]
async fn garlands_own_folder_may_not_lead_away_either() {
    let (root, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    symlink(outside.path(), root.path().join(".garland")).unwrap();
    let folder = LocalFolder::open(root.path()).unwrap();
    let error = put(&folder, "a.jpg", "a").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied);
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);
}
