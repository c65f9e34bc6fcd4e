//! Requests against a description: good ones pass once each, and each way of being wrong is found.

use crate::support::{Description, Recorded};

fn request(method: &str, target: &str, body: Option<(&str, &str)>) -> Recorded {
    let mut headers = vec![("authorization".to_owned(), "Bearer x".to_owned())];
    if let Some((media_type, _)) = body {
        headers.push(("content-type".to_owned(), media_type.to_owned()));
    }
    Recorded {
        method: method.to_owned(),
        target: target.to_owned(),
        headers,
        body: body.map_or("", |(_, body)| body).to_owned().into(),
    }
}

const JSON: &str = "application/json";

#[tokio::test]
async fn drive_allows_what_it_describes_and_nothing_else() {
    let Some(drive) = Description::open("google-drive-v3.json").await else {
        return;
    };
    let good = [
        request("GET", "/drive/v3/files?pageSize=100&fields=files(id)", None),
        request("GET", "/drive/v3/files?pageSize=7&fields=files(name)", None),
        request("GET", "/drive/v3/files/abc?alt=media", None),
        request(
            "PATCH",
            "/drive/v3/files/abc",
            Some((JSON, r#"{"name": "b.jpg"}"#)),
        ),
        request(
            "PATCH",
            "/drive/v3/files/def",
            Some((JSON, r#"{"name": "c.jpg"}"#)),
        ),
        request(
            "PATCH",
            "/drive/v3/files/abc",
            Some((JSON, r#"{"trashed": true}"#)),
        ),
        request("DELETE", "/drive/v3/files/abc", None),
        request(
            "POST",
            "/upload/drive/v3/files?uploadType=resumable",
            Some((JSON, r#"{"name": "a.jpg", "parents": ["root"]}"#)),
        ),
        request("PUT", "/session/17", Some(("image/jpeg", "bytes"))),
    ];
    let report = drive
        .check(&good, |request| {
            let known = !request.target.starts_with("/session/");
            known.then(|| request.target.clone())
        })
        .await;
    let told: Vec<_> = report
        .operations
        .iter()
        .map(|(name, count)| (name.as_str(), *count))
        .collect();
    assert_eq!(
        told,
        [
            ("DELETE /drive/v3/files/{fileId}", 1),
            ("GET /drive/v3/files", 1),
            ("GET /drive/v3/files/{fileId}", 1),
            ("PATCH /drive/v3/files/{fileId}", 2),
            ("POST /upload/drive/v3/files", 1),
        ]
    );
    assert!(report.left_out.iter().eq(["PUT /session/17"]));

    let mut unsigned = request("GET", "/drive/v3/files", None);
    unsigned.headers.clear();
    for (wrong, why) in [
        (unsigned, "401"),
        (
            request("GET", "/drive/v3/files?pageSize=many", None),
            "pagesize",
        ),
        (request("GET", "/drive/v4/files", None), "404"),
        (request("PUT", "/drive/v3/files", None), "405"),
        (
            request(
                "PATCH",
                "/drive/v3/files/abc",
                Some((JSON, r#"{"name": 7}"#)),
            ),
            "name",
        ),
        (
            request("POST", "/upload/drive/v3/files", Some((JSON, "{}"))),
            "uploadtype",
        ),
    ] {
        let told = drive.refuses(&wrong).await;
        assert!(told.contains(why), "{told}");
    }

    let wrong = request("DELETE", "/drive/v3/nothing", None);
    let check = async move {
        drive
            .check(&[wrong], |request| Some(request.target.clone()))
            .await
    };
    let panic = tokio::spawn(check).await.unwrap_err().into_panic();
    let told = panic.downcast_ref::<String>().unwrap();
    assert!(told.contains("DELETE /drive/v3/nothing: 404"), "{told}");
}

#[tokio::test]
async fn a_schema_is_asked_for_by_itself() {
    let schemas = ["files.UploadArg"];
    let Some(dropbox) = Description::with_schemas("dropbox.json", &schemas).await else {
        return;
    };
    let good = r#"{"path": "/a.jpg", "mode": "add", "autorename": false}"#;
    dropbox.fits("files.UploadArg", good).await.unwrap();
    let told = dropbox
        .fits("files.UploadArg", r#"{"path": 7}"#)
        .await
        .unwrap_err();
    assert!(told.contains("path"), "{told}");
}

#[tokio::test]
async fn an_answer_that_breaks_its_own_rules_is_no_fault_of_the_request() {
    let Some(discord) = Description::open("discord.json").await else {
        return;
    };
    let webhook = request("GET", "/webhooks/123456789012345678", None);
    let report = discord
        .check(&[webhook], |request| Some(request.target.clone()))
        .await;
    assert_eq!(report.count(), 1);
}
