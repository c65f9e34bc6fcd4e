//! Rules of presets and of the jobs that lay them on pictures.

use crate::connector::{
    DevelopJobId, DevelopRequest, DevelopResult, DevelopStatus, PresetId, PresetProcessor,
};
use crate::error::ErrorKind;

use super::account::{Account, POLLS, all_pages, key, kind, path, put};

pub(super) async fn a_job_is_handed_in_once_for_a_key(account: &Account) {
    let (Some(files), Some(tool)) = (account.files(), account.first().presets()) else {
        return;
    };
    put(files, "a.jpg", "picture").await;
    let request = DevelopRequest::new(vec![path("a.jpg")]);
    let job = tool.develop(&key("one"), &request).await.unwrap();
    assert_eq!(tool.develop(&key("one"), &request).await.unwrap(), job);
    put(files, "b.jpg", "picture").await;
    let other = DevelopRequest::new(vec![path("b.jpg")]);
    let answer = tool.develop(&key("one"), &other).await;
    assert_eq!(kind(answer), ErrorKind::Conflict);
    let second = tool.develop(&key("two"), &request).await.unwrap();
    assert_ne!(second, job);
}

pub(super) async fn a_job_ends_with_an_outcome_for_each_file(account: &Account) {
    let (Some(files), Some(tool)) = (account.files(), account.first().presets()) else {
        return;
    };
    let names = ["day/a.jpg", "day/b.jpg"];
    for name in names {
        put(files, name, "picture").await;
    }
    let presets = all_pages(async |after| tool.presets(after.as_ref()).await).await;
    let preset = presets.into_iter().next().map(|preset| preset.id);
    let request = DevelopRequest::new(names.map(path).to_vec()).with_preset(preset);
    let job = tool.develop(&key("ends"), &request).await.unwrap();
    let end = end(tool, &job).await;
    let DevelopStatus::Finished(outcomes) = &end else {
        unreachable!("the job came to {end:?}")
    };
    let worked: Vec<_> = outcomes.iter().map(|outcome| &outcome.file).collect();
    assert_eq!(worked, request.files.iter().collect::<Vec<_>>());
    for outcome in outcomes {
        if let DevelopResult::File(result) = &outcome.result {
            assert!(files.stat(result).await.unwrap().is_some());
            assert!(!request.files.contains(result), "a source was overwritten");
        }
    }
    assert_eq!(tool.develop_status(&job).await.unwrap(), end);
    let answer = tool.cancel_develop(&job).await;
    assert_eq!(kind(answer), ErrorKind::Conflict);
}

pub(super) async fn a_cancelled_job_stays_so(account: &Account) {
    let (Some(files), Some(tool)) = (account.files(), account.first().presets()) else {
        return;
    };
    put(files, "a.jpg", "picture").await;
    let request = DevelopRequest::new(vec![path("a.jpg")]);
    let job = tool.develop(&key("stops"), &request).await.unwrap();
    for _ in 0..2 {
        match tool.cancel_develop(&job).await {
            Ok(()) => assert_eq!(end(tool, &job).await, DevelopStatus::Cancelled),
            // It may have been quicker.
            Err(error) => assert_eq!(error.kind(), ErrorKind::Conflict, "{error:?}"),
        }
    }
}

pub(super) async fn a_job_without_its_files_is_refused(account: &Account) {
    let (Some(files), Some(tool)) = (account.files(), account.first().presets()) else {
        return;
    };
    put(files, "a.jpg", "picture").await;
    let nothing = DevelopRequest::new(Vec::new());
    let answer = tool.develop(&key("nothing"), &nothing).await;
    assert_eq!(kind(answer), ErrorKind::InvalidInput);
    let missing = DevelopRequest::new(vec![path("a.jpg"), path("missing.jpg")]);
    let answer = tool.develop(&key("missing"), &missing).await;
    assert_eq!(kind(answer), ErrorKind::NotFound);
    let look = DevelopRequest::new(vec![path("a.jpg")]);
    let look = look.with_preset(PresetId::new("no-such-preset"));
    let answer = tool.develop(&key("look"), &look).await;
    assert_eq!(kind(answer), ErrorKind::NotFound);
    let job = DevelopJobId::new("no-such-job");
    assert_eq!(kind(tool.develop_status(&job).await), ErrorKind::NotFound);
    assert_eq!(kind(tool.cancel_develop(&job).await), ErrorKind::NotFound);
}

async fn end(tool: &dyn PresetProcessor, job: &DevelopJobId) -> DevelopStatus {
    for _ in 0..POLLS {
        match tool.develop_status(job).await.unwrap() {
            DevelopStatus::Queued => {}
            DevelopStatus::Running { done, total } => assert!(done <= total),
            end => return end,
        }
        tokio::task::yield_now().await;
    }
    unreachable!("the job does not come to its end")
}
