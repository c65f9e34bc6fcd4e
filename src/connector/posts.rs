//! Posts: what goes to a social network, and what is said about it beforehand.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::path::FilePath;
use super::platform::PlatformConnector;

/// In which form a post is shown.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PostForm {
    /// Among the other posts: pictures, a film, or several in a row.
    #[default]
    Feed,
    /// A short upright film.
    Reel,
    /// Gone after a day.
    Story,
}

/// Who sees a post.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PostAudience {
    /// The account alone.
    OnlyMe,
    /// Who follows the account.
    Followers,
    /// Everyone.
    #[default]
    Everyone,
}

/// Where the bytes of a picture or a film come from.
#[derive(Clone)]
#[non_exhaustive]
pub enum MediaSource {
    /// Sent by the connector, read from a file of some account.
    File {
        /// The account that has the file.
        connector: Arc<dyn PlatformConnector>,
        /// Which file.
        path: FilePath,
    },
    /// Fetched by the platform from an address that stays good until the job has come to its end.
    /// Whoever has it may have the file, so it is not printed.
    Url(String),
}

impl PartialEq for MediaSource {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (
                Self::File { connector, path },
                Self::File {
                    connector: other_connector,
                    path: other_path,
                },
            ) => Arc::ptr_eq(connector, other_connector) && path == other_path,
            (Self::Url(url), Self::Url(other_url)) => url == other_url,
            _ => false,
        }
    }
}

impl fmt::Debug for MediaSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { connector, path } => f
                .debug_struct("File")
                .field("platform", &connector.platform().id)
                .field("path", path)
                .finish(),
            Self::Url(_) => f.write_str("Url(…)"),
        }
    }
}

/// A picture or a film of a post, with what is known of it. Limits are checked on what is known.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct PostMedia {
    /// Where the bytes come from.
    pub source: MediaSource,
    /// What they are: `image/jpeg`, `video/mp4`.
    pub media_type: Box<str>,
    /// How many they are.
    pub size: Option<u64>,
    /// Width and height in pixels, as shown.
    pub pixels: Option<(u32, u32)>,
    /// How long a film plays.
    pub duration: Option<Duration>,
    /// What is to be seen, for people who do not see it. Empty by default.
    pub alt_text: String,
}

impl PostMedia {
    /// Takes a source of this media type.
    #[must_use]
    pub fn new(source: MediaSource, media_type: impl Into<Box<str>>) -> Self {
        Self {
            source,
            media_type: media_type.into(),
            size: None,
            pixels: None,
            duration: None,
            alt_text: String::new(),
        }
    }

    /// Sets [`PostMedia::size`].
    #[must_use]
    pub fn with_size(mut self, bytes: impl Into<Option<u64>>) -> Self {
        self.size = bytes.into();
        self
    }

    /// Sets [`PostMedia::pixels`].
    #[must_use]
    pub fn with_pixels(mut self, width: u32, height: u32) -> Self {
        self.pixels = Some((width, height));
        self
    }

    /// Sets [`PostMedia::duration`].
    #[must_use]
    pub fn with_duration(mut self, duration: impl Into<Option<Duration>>) -> Self {
        self.duration = duration.into();
        self
    }

    /// Sets [`PostMedia::alt_text`].
    #[must_use]
    pub fn with_alt_text(mut self, text: impl Into<String>) -> Self {
        self.alt_text = text.into();
        self
    }
}

/// What is to be published.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Post {
    /// In which form.
    pub form: PostForm,
    /// The text, with its hashtags and mentions in it. Empty by default.
    pub caption: String,
    /// The headline, where a platform has one (Pinterest, YouTube, TikTok photos).
    pub title: Option<String>,
    /// Where a click leads, where a platform lets one.
    pub link: Option<String>,
    /// Where on the account it goes, where a platform asks: a board, a channel.
    pub target: Option<Box<str>>,
    /// Who sees it. By default everyone.
    pub audience: PostAudience,
    /// Pictures and films, in order.
    pub media: Vec<PostMedia>,
}

impl Post {
    /// Starts with a text.
    #[must_use]
    pub fn new(caption: impl Into<String>) -> Self {
        Self {
            caption: caption.into(),
            ..Self::default()
        }
    }

    /// Sets [`Post::form`].
    #[must_use]
    pub fn with_form(mut self, form: PostForm) -> Self {
        self.form = form;
        self
    }

    /// Sets [`Post::title`].
    #[must_use]
    pub fn with_title(mut self, title: impl Into<Option<String>>) -> Self {
        self.title = title.into();
        self
    }

    /// Sets [`Post::link`].
    #[must_use]
    pub fn with_link(mut self, link: impl Into<Option<String>>) -> Self {
        self.link = link.into();
        self
    }

    /// Sets [`Post::target`].
    #[must_use]
    pub fn with_target(mut self, target: impl Into<Box<str>>) -> Self {
        self.target = Some(target.into());
        self
    }

    /// Sets [`Post::audience`].
    #[must_use]
    pub fn with_audience(mut self, audience: PostAudience) -> Self {
        self.audience = audience;
        self
    }

    /// Adds a picture or a film at the end of [`Post::media`].
    #[must_use]
    pub fn with_media(mut self, media: PostMedia) -> Self {
        self.media.push(media);
        self
    }
}

/// How much a finding weighs.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Severity {
    /// It can be published; somebody may want to change it first.
    Warning,
    /// The platform would not take it so.
    Error,
}

/// Something about a post that its platform does not take, or takes badly.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct PostFinding {
    /// How much it weighs.
    pub severity: Severity,
    /// What it is, for programs, in snake case: `caption_too_long`.
    pub code: &'static str,
    /// What it is, for people, with the limit in it.
    pub message: String,
    /// Which of the media it is about, from 0.
    pub media: Option<usize>,
}

impl PostFinding {
    /// Makes a finding about the post as a whole.
    #[must_use]
    pub fn new(severity: Severity, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            severity,
            code,
            message: message.into(),
            media: None,
        }
    }

    /// Sets [`PostFinding::media`].
    #[must_use]
    pub fn with_media(mut self, index: impl Into<Option<usize>>) -> Self {
        self.media = index.into();
        self
    }
}
