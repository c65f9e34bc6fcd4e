//! Posts of an account in memory.

use std::collections::BTreeMap;

use async_trait::async_trait;

use crate::clock::Timestamp;
use crate::connector::{
    IdempotencyKey, Insights, MediaSource, Metric, Post, PostFinding, PostId, PublishJobId,
    PublishStatus, PublishedPost, Publisher, PublisherFacts, Severity,
};
use crate::error::{Error, ErrorKind, Result};

use super::account::MemoryPlatform;
use super::paging::{Keys, missing};
use super::state::State;

const MOST_CAPTION: usize = 2200;
const MOST_MEDIA: usize = 10;
const MEDIA_TYPES: [&str; 2] = ["image/jpeg", "video/mp4"];

/// All posts, on their way or out.
#[derive(Debug, Default)]
pub(super) struct Wall {
    jobs: BTreeMap<PublishJobId, Outgoing>,
    keys: Keys<(Post, Option<Timestamp>), PublishJobId>,
}

#[derive(Debug)]
struct Outgoing {
    post: Post,
    at: Option<Timestamp>,
    /// How often somebody asked since its time.
    asked: u32,
    end: Option<PublishStatus>,
    counts: BTreeMap<Metric, u64>,
}

impl Outgoing {
    fn published(&self) -> Option<&PostId> {
        match &self.end {
            Some(PublishStatus::Published(published)) => Some(&published.id),
            _ => None,
        }
    }
}

impl MemoryPlatform {
    /// Returns what is out, the oldest job first.
    #[must_use]
    pub fn posts(&self) -> Vec<(PostId, Post)> {
        let state = self.state();
        let jobs = state.wall.jobs.values();
        jobs.filter_map(|job| Some((job.published()?.clone(), job.post.clone())))
            .collect()
    }

    /// Counts something for a post, as viewers would; tells whether the post is there.
    pub fn count(&self, post: &PostId, metric: Metric, more: u64) -> bool {
        let mut state = self.state();
        let mut jobs = state.wall.jobs.values_mut();
        let Some(job) = jobs.find(|job| job.published() == Some(post)) else {
            return false;
        };
        let count = job.counts.entry(metric).or_default();
        *count = count.saturating_add(more);
        true
    }

    async fn check_media(&self, post: &Post, operation: &'static str) -> Result<()> {
        let facts = self.options().publisher_facts;
        for media in &post.media {
            let taken = match &media.source {
                MediaSource::File { .. } => facts.takes_files,
                MediaSource::Url(_) => facts.takes_urls,
            };
            if !taken {
                let message = "the account does not take media from such a source";
                return Err(Error::new(ErrorKind::Unsupported, operation, message));
            }
            if let MediaSource::File { connector, path } = &media.source {
                let files = connector.files();
                let files = files.ok_or_else(|| missing(operation, "path", path))?;
                if files.stat(path).await?.is_none() {
                    return Err(missing(operation, "path", path));
                }
            }
        }
        Ok(())
    }
}

#[async_trait]
impl Publisher for MemoryPlatform {
    fn facts(&self) -> PublisherFacts {
        self.options().publisher_facts
    }

    async fn validate(&self, post: &Post) -> Result<Vec<PostFinding>> {
        Ok(findings(post))
    }

    async fn publish(
        &self,
        key: &IdempotencyKey,
        post: &Post,
        at: Option<Timestamp>,
    ) -> Result<PublishJobId> {
        let operation = "memory.publish";
        let request = (post.clone(), at);
        let known = self.state().wall.keys.find(key, &request, operation)?;
        if let Some(job) = known {
            return Ok(job);
        }
        let refused =
            |message: String| Err(Error::new(ErrorKind::InvalidInput, operation, message));
        let mut errors = findings(post).into_iter();
        if let Some(error) = errors.find(|finding| finding.severity == Severity::Error) {
            return refused(error.message);
        }
        if at.is_some() && !self.options().publisher_facts.schedules {
            let message = "the account keeps no post until its time";
            return Err(Error::new(ErrorKind::Unsupported, operation, message));
        }
        self.check_media(post, operation).await?;
        let mut state = self.state();
        // Somebody else may have come with the same key in between.
        if let Some(job) = state.wall.keys.find(key, &request, operation)? {
            return Ok(job);
        }
        if at.is_some_and(|at| at <= state.now()) {
            return refused("the time of the post has passed already".to_owned());
        }
        let job = PublishJobId::new(format!("publish-{:09}", state.tick()));
        let outgoing = Outgoing {
            post: post.clone(),
            at,
            asked: 0,
            end: None,
            counts: BTreeMap::new(),
        };
        state.wall.jobs.insert(job.clone(), outgoing);
        state.wall.keys.keep(key.clone(), request, job.clone());
        Ok(job)
    }

    async fn publish_status(&self, job: &PublishJobId) -> Result<PublishStatus> {
        let mut state = self.state();
        let now = state.now();
        let outgoing = find(&mut state, job, "memory.publish_status")?;
        if let Some(end) = &outgoing.end {
            return Ok(end.clone());
        }
        if let Some(at) = outgoing.at.filter(|at| *at > now) {
            return Ok(PublishStatus::Scheduled(at));
        }
        outgoing.asked += 1;
        if outgoing.asked <= self.options().job_steps {
            return Ok(PublishStatus::Processing);
        }
        let id = PostId::new(job.as_str().replace("publish", "post"));
        let permalink = format!("memory://{id}");
        let published = PublishedPost::new(id).with_permalink(permalink);
        let end = PublishStatus::Published(published);
        outgoing.end = Some(end.clone());
        Ok(end)
    }

    async fn cancel_publish(&self, job: &PublishJobId) -> Result<()> {
        let operation = "memory.cancel_publish";
        let mut state = self.state();
        let outgoing = find(&mut state, job, operation)?;
        match &outgoing.end {
            Some(PublishStatus::Cancelled) => {}
            Some(_) => {
                let message = "the post is out already";
                return Err(Error::new(ErrorKind::Conflict, operation, message));
            }
            None => outgoing.end = Some(PublishStatus::Cancelled),
        }
        Ok(())
    }

    async fn insights(&self, post: &PostId) -> Result<Insights> {
        let state = self.state();
        let mut jobs = state.wall.jobs.values();
        jobs.find(|job| job.published() == Some(post))
            .map(|job| Insights::new(job.counts.clone()))
            .ok_or_else(|| missing("memory.insights", "post", post))
    }
}

fn find<'a>(
    state: &'a mut State,
    job: &PublishJobId,
    operation: &'static str,
) -> Result<&'a mut Outgoing> {
    let outgoing = state.wall.jobs.get_mut(job);
    outgoing.ok_or_else(|| missing(operation, "job", job))
}

/// Everything that is amiss, by the limits of this account.
fn findings(post: &Post) -> Vec<PostFinding> {
    let error = |code, message| PostFinding::new(Severity::Error, code, message);
    let mut found = Vec::new();
    let characters = post.caption.chars().count();
    if characters > MOST_CAPTION {
        let message = format!("the caption has {characters} characters, at most {MOST_CAPTION}");
        found.push(error("caption_too_long", message));
    }
    let count = post.media.len();
    if count == 0 {
        let message = "a post has at least one picture or film".to_owned();
        found.push(error("no_media", message));
    }
    if count > MOST_MEDIA {
        let message = format!("the post has {count} pictures and films, at most {MOST_MEDIA}");
        found.push(error("too_many_media", message));
    }
    for (index, media) in post.media.iter().enumerate() {
        if !MEDIA_TYPES.contains(&&*media.media_type) {
            let message = format!("only {} can be published", MEDIA_TYPES.join(" and "));
            found.push(error("media_type", message).with_media(index));
        }
        if media.alt_text.is_empty() {
            let message = "the picture has no text for people who do not see it";
            let warning = PostFinding::new(Severity::Warning, "no_alt_text", message);
            found.push(warning.with_media(index));
        }
    }
    found
}
