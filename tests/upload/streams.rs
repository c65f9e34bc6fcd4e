//! What is refused before the end, and what a name and a type alone decide.

use garland::upload::{Declared, MediaKind, Reason, UploadCheck, UploadPolicy};

use crate::make::jpeg;

fn begin(name: &str, media_type: &str) -> Result<UploadCheck, Reason> {
    UploadCheck::new(&UploadPolicy::default(), &Declared::new(name, media_type))
}

#[test]
fn u1_name_and_type_agree_on_the_allow_list() {
    for kind in MediaKind::ALL {
        for extension in kind.extensions() {
            let name = format!("a.{}", extension.to_uppercase());
            let declared = format!(" {} ; charset=utf-8", kind.media_type().to_uppercase());
            assert_eq!(begin(&name, &declared).unwrap().kind(), *kind);
            for other in MediaKind::ALL {
                if other != kind {
                    assert_eq!(
                        begin(&name, other.media_type()).unwrap_err(),
                        Reason::TypeMismatch
                    );
                }
            }
        }
    }
    for (name, media_type, reason) in [
        ("a.exe", "image/jpeg", Reason::NotAllowed),
        ("a", "image/jpeg", Reason::NotAllowed),
        ("jpg", "image/jpeg", Reason::NotAllowed),
        ("a.jpg.", "image/jpeg", Reason::NotAllowed),
        ("a.jpg ", "image/jpeg", Reason::NotAllowed),
        ("a.jpg\0", "image/jpeg", Reason::NotAllowed),
        ("a.html", "text/html", Reason::NotAllowed),
        ("a.php.jpg", "image/jpeg", Reason::UnsafeName),
        ("a.exe\0.jpg", "image/jpeg", Reason::UnsafeName),
        ("\u{202e}gpj.jpg", "image/jpeg", Reason::UnsafeName),
        ("../a.jpg", "image/jpeg", Reason::UnsafeName),
        ("..\\a.jpg", "image/jpeg", Reason::UnsafeName),
        ("a.jpg", "application/octet-stream", Reason::TypeMismatch),
        ("a.jpg", "", Reason::TypeMismatch),
    ] {
        assert_eq!(
            begin(name, media_type).unwrap_err(),
            reason,
            "{name:?} {media_type:?}"
        );
    }
    let only = UploadPolicy::default().with_kinds([MediaKind::Png]);
    let declared = Declared::new("a.jpg", "image/jpeg");
    assert_eq!(
        UploadCheck::new(&only, &declared).unwrap_err(),
        Reason::NotAllowed
    );
}

#[test]
fn u2_the_size_is_counted_while_it_streams() {
    let policy = UploadPolicy::default().with_max_bytes(1_000);
    let mut check = UploadCheck::new(&policy, &Declared::new("a.txt", "text/plain")).unwrap();
    for _ in 0..10 {
        assert_eq!(check.feed(&[b'a'; 100]), Ok(()));
    }
    assert_eq!((check.received(), check.finish()), (1_000, Ok(())));
    assert_eq!(check.feed(b"a"), Err(Reason::TooLarge));
    assert_eq!(
        check.feed(b""),
        Err(Reason::TooLarge),
        "and it stays refused"
    );
    assert_eq!(check.finish(), Err(Reason::TooLarge));
    assert_eq!(
        begin("a.txt", "text/plain").unwrap().finish(),
        Err(Reason::Empty)
    );
}

#[test]
fn u1_a_wrong_beginning_is_refused_at_once() {
    let mut check = begin("a.jpg", "image/jpeg").unwrap();
    assert_eq!(check.feed(b"\xff"), Ok(()));
    assert_eq!(check.feed(b"\xd8"), Ok(()));
    assert_eq!(check.feed(b"x"), Err(Reason::ContentMismatch));
    let mut check = begin("a.txt", "text/plain").unwrap();
    assert_eq!(check.feed(b"\x7fEL"), Ok(()));
    assert_eq!(check.feed(b"F"), Err(Reason::ContentMismatch));
    let mut check = begin("a.jpg", "image/jpeg").unwrap();
    for byte in jpeg(8, 8, &[]) {
        assert_eq!(check.feed(&[byte]), Ok(()));
    }
}

#[test]
fn u1_a_program_is_seen_behind_other_hazards_of_a_name() {
    for (name, reason) in [
        ("a.php;.jpg", Reason::UnsafeName),
        ("a.asp;b.jpg", Reason::UnsafeName),
        ("a.php%00.jpg", Reason::UnsafeName),
        ("name;.exe", Reason::NotAllowed),
    ] {
        let declared = Declared::new(name, "image/jpeg");
        let kind = declared.kind(&UploadPolicy::default());
        assert_eq!(kind, Err(reason), "{name}");
    }
    for name in [
        "Booking.com confirmation.jpg",
        "www.smithwedding.com.jpg",
        "a;b.jpg",
    ] {
        let declared = Declared::new(name, "image/jpeg");
        assert!(declared.kind(&UploadPolicy::default()).is_ok(), "{name}");
    }
}
