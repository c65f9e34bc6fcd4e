//! Galleries: what the couple and their guests look at.

use std::fmt;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::error::Result;

use super::ids::{IdempotencyKey, Page, PageCursor, opaque};
use super::path::FilePath;

opaque! {
    /// A platform's name for a gallery.
    GalleryId;
    /// A platform's name for a picture or a film in a gallery.
    GalleryItemId;
}

/// What the galleries of an account can do. Constant for the life of the connector.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct GalleryFacts {
    /// Whether a gallery can ask for a password.
    pub passwords: bool,
    /// Whether a gallery can end by itself.
    pub expiry: bool,
    /// Whether a gallery is divided into sets.
    pub sets: bool,
    /// Whether the order of items can be given.
    pub ordering: bool,
    /// Whether viewers mark favourites that can be read back.
    pub favourites: bool,
    /// Most items in a gallery; `None` if no bound is published.
    pub max_items: Option<u64>,
}

impl GalleryFacts {
    /// The facts of galleries that can do all of it, without a published bound.
    #[must_use]
    pub const fn full() -> Self {
        Self {
            passwords: true,
            expiry: true,
            sets: true,
            ordering: true,
            favourites: true,
            max_items: None,
        }
    }

    /// Sets [`GalleryFacts::passwords`].
    #[must_use]
    pub const fn with_passwords(mut self, passwords: bool) -> Self {
        self.passwords = passwords;
        self
    }

    /// Sets [`GalleryFacts::expiry`].
    #[must_use]
    pub const fn with_expiry(mut self, expiry: bool) -> Self {
        self.expiry = expiry;
        self
    }

    /// Sets [`GalleryFacts::sets`].
    #[must_use]
    pub const fn with_sets(mut self, sets: bool) -> Self {
        self.sets = sets;
        self
    }

    /// Sets [`GalleryFacts::ordering`].
    #[must_use]
    pub const fn with_ordering(mut self, ordering: bool) -> Self {
        self.ordering = ordering;
        self
    }

    /// Sets [`GalleryFacts::favourites`].
    #[must_use]
    pub const fn with_favourites(mut self, favourites: bool) -> Self {
        self.favourites = favourites;
        self
    }

    /// Sets [`GalleryFacts::max_items`].
    #[must_use]
    pub const fn with_max_items(mut self, items: Option<u64>) -> Self {
        self.max_items = items;
        self
    }
}

/// What a gallery is to be, when it is made and when it is changed.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct GallerySpec {
    /// What viewers read on top.
    pub title: String,
    /// What viewers read below. Empty by default.
    pub description: String,
    /// The item shown first of all; chosen by the platform by default.
    pub cover: Option<GalleryItemId>,
}

impl GallerySpec {
    /// Starts with a title.
    #[must_use]
    pub fn new(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            description: String::new(),
            cover: None,
        }
    }

    /// Sets [`GallerySpec::description`].
    #[must_use]
    pub fn with_description(mut self, description: impl Into<String>) -> Self {
        self.description = description.into();
        self
    }

    /// Sets [`GallerySpec::cover`].
    #[must_use]
    pub fn with_cover(mut self, cover: impl Into<Option<GalleryItemId>>) -> Self {
        self.cover = cover.into();
        self
    }
}

/// Where a gallery is in its life.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum GalleryState {
    /// Nobody but the studio sees it.
    Draft,
    /// Whoever has the address, and the password if there is one, sees it.
    Published,
    /// Its time has run out; it is hidden, not deleted.
    Expired,
}

/// A gallery as the platform has it.
#[derive(Clone, Eq, PartialEq)]
#[non_exhaustive]
pub struct Gallery {
    /// The platform's name for it.
    pub id: GalleryId,
    /// What it is.
    pub spec: GallerySpec,
    /// Where it is in its life.
    pub state: GalleryState,
    /// Where viewers find it, while it is published. Whoever has it may look, so it is not printed.
    pub url: Option<String>,
    /// When it ends, as the platform confirmed.
    pub expires: Option<Timestamp>,
    /// Whether it asks for a password.
    pub has_password: bool,
    /// The folder of the account's files whose files are its items, where the platform has one.
    pub folder: Option<FilePath>,
}

impl Gallery {
    /// Makes the record of a draft.
    #[must_use]
    pub fn new(id: GalleryId, spec: GallerySpec) -> Self {
        Self {
            id,
            spec,
            state: GalleryState::Draft,
            url: None,
            expires: None,
            has_password: false,
            folder: None,
        }
    }

    /// Sets [`Gallery::state`].
    #[must_use]
    pub fn with_state(mut self, state: GalleryState) -> Self {
        self.state = state;
        self
    }

    /// Sets [`Gallery::url`].
    #[must_use]
    pub fn with_url(mut self, url: impl Into<Option<String>>) -> Self {
        self.url = url.into();
        self
    }

    /// Sets [`Gallery::expires`].
    #[must_use]
    pub fn with_expires(mut self, expires: impl Into<Option<Timestamp>>) -> Self {
        self.expires = expires.into();
        self
    }

    /// Sets [`Gallery::has_password`].
    #[must_use]
    pub fn with_has_password(mut self, has_password: bool) -> Self {
        self.has_password = has_password;
        self
    }

    /// Sets [`Gallery::folder`].
    #[must_use]
    pub fn with_folder(mut self, folder: impl Into<Option<FilePath>>) -> Self {
        self.folder = folder.into();
        self
    }
}

impl fmt::Debug for Gallery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gallery")
            .field("id", &self.id)
            .field("spec", &self.spec)
            .field("state", &self.state)
            .field("expires", &self.expires)
            .field("has_password", &self.has_password)
            .field("folder", &self.folder)
            .finish_non_exhaustive()
    }
}

/// A file of the account on its way into a gallery.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct NewGalleryItem {
    /// Which file, of those of [`files`](super::PlatformConnector::files).
    pub file: FilePath,
    /// The set it goes to; none by default.
    pub set: Option<Box<str>>,
    /// What viewers read below it. Empty by default.
    pub caption: String,
}

impl NewGalleryItem {
    /// Takes a file.
    #[must_use]
    pub fn new(file: FilePath) -> Self {
        Self {
            file,
            set: None,
            caption: String::new(),
        }
    }

    /// Sets [`NewGalleryItem::set`].
    #[must_use]
    pub fn with_set(mut self, set: impl Into<Box<str>>) -> Self {
        self.set = Some(set.into());
        self
    }

    /// Sets [`NewGalleryItem::caption`].
    #[must_use]
    pub fn with_caption(mut self, caption: impl Into<String>) -> Self {
        self.caption = caption.into();
        self
    }
}

/// A picture or a film in a gallery.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct GalleryItem {
    /// The platform's name for it.
    pub id: GalleryItemId,
    /// What was put in.
    pub item: NewGalleryItem,
}

impl GalleryItem {
    /// Makes the record of an item.
    #[must_use]
    pub fn new(id: GalleryItemId, item: NewGalleryItem) -> Self {
        Self { id, item }
    }
}

/// How a gallery is shown.
#[derive(Clone, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct GalleryAccess {
    /// A password asked of whoever comes; none by default.
    pub password: Option<String>,
    /// When it ends; never by default.
    pub expires: Option<Timestamp>,
}

impl GalleryAccess {
    /// Sets [`GalleryAccess::password`].
    #[must_use]
    pub fn with_password(mut self, password: impl Into<String>) -> Self {
        self.password = Some(password.into());
        self
    }

    /// Sets [`GalleryAccess::expires`].
    #[must_use]
    pub fn with_expires(mut self, expires: impl Into<Option<Timestamp>>) -> Self {
        self.expires = expires.into();
        self
    }
}

impl fmt::Debug for GalleryAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GalleryAccess")
            .field("password", &self.password.as_ref().map(|_| "…"))
            .field("expires", &self.expires)
            .finish()
    }
}

/// A viewer's mark on an item.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Favourite {
    /// The item.
    pub item: GalleryItemId,
    /// The list it is on; empty where the platform has one list only.
    pub list: Box<str>,
    /// What the viewer wrote to it.
    pub note: Option<String>,
}

impl Favourite {
    /// Makes the record of a mark.
    #[must_use]
    pub fn new(item: GalleryItemId, list: impl Into<Box<str>>) -> Self {
        Self {
            item,
            list: list.into(),
            note: None,
        }
    }

    /// Sets [`Favourite::note`].
    #[must_use]
    pub fn with_note(mut self, note: impl Into<Option<String>>) -> Self {
        self.note = note.into();
        self
    }
}

/// The galleries of one account.
///
/// Bytes travel through [`files`](super::PlatformConnector::files) alone, verified and resumable; a
/// gallery takes in files that are there. An account that offers galleries therefore offers files.
///
/// # For implementors
/// Where a platform keeps each file in one gallery (SmugMug, ShootProof), the gallery is a folder
/// ([`Gallery::folder`]); a file uploaded there is an item already, and adding it once more
/// finds it. What was asked for and cannot be had is [`ErrorKind::Unsupported`], before anything is
/// changed; less is never done in silence.
///
/// [`ErrorKind::Unsupported`]: crate::ErrorKind::Unsupported
#[async_trait]
pub trait GalleryHost: fmt::Debug + Send + Sync {
    /// Returns what the galleries can do.
    fn facts(&self) -> GalleryFacts;

    /// Returns the galleries, page by page.
    ///
    /// # Errors
    /// Those of the platform.
    async fn galleries(&self, after: Option<&PageCursor>) -> Result<Page<Gallery>>;

    /// Returns a gallery.
    ///
    /// # Errors
    /// - [`ErrorKind::NotFound`](crate::ErrorKind::NotFound): no such gallery.
    async fn gallery(&self, id: &GalleryId) -> Result<Gallery>;

    /// Makes a draft. The same key and the same spec again return the gallery made before.
    ///
    /// # Errors
    /// - [`ErrorKind::Conflict`](crate::ErrorKind::Conflict): the key was used with another spec.
    ///
    /// # Cancel safety
    /// Safe to drop; ask again with the same key.
    async fn create_gallery(&self, key: &IdempotencyKey, spec: &GallerySpec) -> Result<Gallery>;

    /// Makes a gallery what `spec` says, in one step. Items and access stay what they are.
    ///
    /// # Errors
    /// - [`ErrorKind::NotFound`](crate::ErrorKind::NotFound): no such gallery, or no such cover in it.
    async fn update_gallery(&self, id: &GalleryId, spec: &GallerySpec) -> Result<Gallery>;

    /// Returns the items of a gallery in the order that viewers see, page by page. If the gallery is
    /// changed in between, a later page may miss or repeat an item.
    ///
    /// # Errors
    /// - [`ErrorKind::NotFound`](crate::ErrorKind::NotFound): no such gallery.
    async fn items(
        &self,
        gallery: &GalleryId,
        after: Option<&PageCursor>,
    ) -> Result<Page<GalleryItem>>;

    /// Adds a file of the account at the end. A file that is in the gallery already stays the item it
    /// is, with the new set and caption.
    ///
    /// # Errors
    /// - [`ErrorKind::NotFound`](crate::ErrorKind::NotFound): no such gallery, or no such file.
    /// - [`ErrorKind::LimitExceeded`](crate::ErrorKind::LimitExceeded): [`GalleryFacts::max_items`].
    /// - [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported): a set, and there are none.
    async fn add_item(&self, gallery: &GalleryId, item: &NewGalleryItem) -> Result<GalleryItem>;

    /// Puts the items into this order, all in one step; those not named follow as they were.
    ///
    /// # Errors
    /// - [`ErrorKind::NotFound`](crate::ErrorKind::NotFound): no such gallery, or an item is not in it.
    /// - [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput): an item is named twice.
    /// - [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported): not in [`GalleryFacts`].
    async fn order_items(&self, gallery: &GalleryId, order: &[GalleryItemId]) -> Result<()>;

    /// Takes an item out of the gallery. One that is not in it is no error. The file stays, unless
    /// the gallery is its only place ([`Gallery::folder`]).
    ///
    /// # Errors
    /// - [`ErrorKind::NotFound`](crate::ErrorKind::NotFound): no such gallery.
    async fn remove_item(&self, gallery: &GalleryId, item: &GalleryItemId) -> Result<()>;

    /// Returns what viewers have marked, page by page.
    ///
    /// # Errors
    /// - [`ErrorKind::NotFound`](crate::ErrorKind::NotFound): no such gallery.
    /// - [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported): not in [`GalleryFacts`].
    async fn favourites(
        &self,
        gallery: &GalleryId,
        after: Option<&PageCursor>,
    ) -> Result<Page<Favourite>>;

    /// Shows the gallery with exactly this access, also one that is published or has expired.
    /// Favourites stay.
    ///
    /// # Errors
    /// - [`ErrorKind::NotFound`](crate::ErrorKind::NotFound): no such gallery.
    /// - [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput): the end has passed already.
    /// - [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported): a password or an end, and the
    ///   account has none. It is never published more openly instead.
    async fn publish_gallery(&self, id: &GalleryId, access: &GalleryAccess) -> Result<Gallery>;

    /// Hides the gallery. One that is hidden already is no error.
    ///
    /// # Errors
    /// - [`ErrorKind::NotFound`](crate::ErrorKind::NotFound): no such gallery.
    async fn unpublish_gallery(&self, id: &GalleryId) -> Result<Gallery>;
}
