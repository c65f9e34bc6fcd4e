//! Galleries of an account in memory.

use async_trait::async_trait;

use crate::clock::Timestamp;
use crate::connector::{
    Favourite, FilePath, Gallery, GalleryAccess, GalleryFacts, GalleryHost, GalleryId, GalleryItem,
    GalleryItemId, GallerySpec, GalleryState, IdempotencyKey, NewGalleryItem, Page, PageCursor,
};
use crate::error::{Error, ErrorKind, Result};

use super::account::MemoryPlatform;
use super::paging::{Keys, missing, page};
use super::state::State;

/// All galleries, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Galleries {
    all: Vec<Stored>,
    keys: Keys<GallerySpec, GalleryId>,
}

#[derive(Debug)]
struct Stored {
    id: GalleryId,
    spec: GallerySpec,
    /// How it is shown, while it is.
    access: Option<GalleryAccess>,
    items: Vec<GalleryItem>,
    favourites: Vec<Favourite>,
}

impl Galleries {
    /// A file has another path now.
    pub(super) fn follow(&mut self, from: &FilePath, to: &FilePath) {
        let items = self.all.iter_mut().flat_map(|stored| &mut stored.items);
        for item in items.filter(|item| item.item.file == *from) {
            item.item.file = to.clone();
        }
    }

    fn find(&mut self, id: &GalleryId, operation: &'static str) -> Result<&mut Stored> {
        let mut all = self.all.iter_mut();
        all.find(|stored| stored.id == *id)
            .ok_or_else(|| missing(operation, "gallery", id))
    }
}

impl Stored {
    fn gallery(&self, now: Timestamp) -> Gallery {
        let gallery = Gallery::new(self.id.clone(), self.spec.clone());
        let Some(access) = &self.access else {
            return gallery;
        };
        let is_over = access.expires.is_some_and(|end| end <= now);
        let state = if is_over {
            GalleryState::Expired
        } else {
            GalleryState::Published
        };
        gallery
            .with_state(state)
            .with_url((!is_over).then(|| format!("memory://{}", self.id)))
            .with_expires(access.expires)
            .with_has_password(access.password.is_some())
    }

    fn check_item(&self, item: &GalleryItemId, operation: &'static str) -> Result<()> {
        if self.items.iter().any(|own| own.id == *item) {
            return Ok(());
        }
        Err(missing(operation, "item", item))
    }
}

impl MemoryPlatform {
    /// Marks an item as a viewer would.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`]: no such gallery, it is not to be seen, or the item is not in it.
    pub fn mark(&self, gallery: &GalleryId, favourite: Favourite) -> Result<()> {
        let operation = "memory.mark";
        let mut state = self.state();
        let now = state.now();
        let stored = state.galleries.find(gallery, operation)?;
        if stored.gallery(now).state != GalleryState::Published {
            return Err(missing(operation, "gallery", gallery));
        }
        stored.check_item(&favourite.item, operation)?;
        stored.favourites.push(favourite);
        Ok(())
    }

    /// Tells whether a viewer with this password sees the gallery now.
    #[must_use]
    pub fn opens(&self, gallery: &GalleryId, password: Option<&str>) -> bool {
        let mut state = self.state();
        let now = state.now();
        state
            .galleries
            .find(gallery, "memory.opens")
            .is_ok_and(|stored| {
                let access = stored.access.as_ref();
                let asked = access.and_then(|access| access.password.as_deref());
                stored.gallery(now).state == GalleryState::Published
                    && (asked.is_none() || asked == password)
            })
    }
}

#[async_trait]
impl GalleryHost for MemoryPlatform {
    fn facts(&self) -> GalleryFacts {
        self.options().gallery_facts
    }

    async fn galleries(&self, after: Option<&PageCursor>) -> Result<Page<Gallery>> {
        let state = self.state();
        let now = state.now();
        let all = state.galleries.all.iter();
        let all = all.map(|stored| stored.gallery(now)).collect();
        page(all, after, self.options().page_size, "memory.galleries")
    }

    async fn gallery(&self, id: &GalleryId) -> Result<Gallery> {
        let mut state = self.state();
        let now = state.now();
        let stored = state.galleries.find(id, "memory.gallery")?;
        Ok(stored.gallery(now))
    }

    async fn create_gallery(&self, key: &IdempotencyKey, spec: &GallerySpec) -> Result<Gallery> {
        let operation = "memory.create_gallery";
        let mut state = self.state();
        if let Some(id) = state.galleries.keys.find(key, spec, operation)? {
            let now = state.now();
            return Ok(state.galleries.find(&id, operation)?.gallery(now));
        }
        if let Some(cover) = &spec.cover {
            return Err(missing(operation, "cover", cover));
        }
        let id = GalleryId::new(format!("gallery-{}", state.tick()));
        let stored = Stored {
            id: id.clone(),
            spec: spec.clone(),
            access: None,
            items: Vec::new(),
            favourites: Vec::new(),
        };
        let gallery = stored.gallery(state.now());
        state.galleries.all.push(stored);
        state.galleries.keys.keep(key.clone(), spec.clone(), id);
        Ok(gallery)
    }

    async fn update_gallery(&self, id: &GalleryId, spec: &GallerySpec) -> Result<Gallery> {
        let operation = "memory.update_gallery";
        let mut state = self.state();
        let now = state.now();
        let stored = state.galleries.find(id, operation)?;
        if let Some(cover) = &spec.cover {
            stored.check_item(cover, operation)?;
        }
        stored.spec = spec.clone();
        Ok(stored.gallery(now))
    }

    async fn items(
        &self,
        gallery: &GalleryId,
        after: Option<&PageCursor>,
    ) -> Result<Page<GalleryItem>> {
        let operation = "memory.items";
        let mut state = self.state();
        let items = state.galleries.find(gallery, operation)?.items.clone();
        let is_there = |item: &GalleryItem| has_file(&state, self, &item.item.file);
        let items = items.into_iter().filter(is_there).collect();
        page(items, after, self.options().page_size, operation)
    }

    async fn add_item(&self, gallery: &GalleryId, item: &NewGalleryItem) -> Result<GalleryItem> {
        let operation = "memory.add_item";
        let facts = self.options().gallery_facts;
        needs(facts.sets || item.set.is_none(), "sets", operation)?;
        let mut state = self.state();
        if !has_file(&state, self, &item.file) {
            return Err(missing(operation, "path", &item.file));
        }
        let number = state.tick();
        let stored = state.galleries.find(gallery, operation)?;
        let mut known = stored.items.iter_mut();
        if let Some(known) = known.find(|known| known.item.file == item.file) {
            known.item = item.clone();
            return Ok(known.clone());
        }
        if facts
            .max_items
            .is_some_and(|most| stored.items.len() as u64 >= most)
        {
            let message = "the gallery is full";
            return Err(Error::new(ErrorKind::LimitExceeded, operation, message));
        }
        let id = GalleryItemId::new(format!("item-{number}"));
        let item = GalleryItem::new(id, item.clone());
        stored.items.push(item.clone());
        Ok(item)
    }

    async fn order_items(&self, gallery: &GalleryId, order: &[GalleryItemId]) -> Result<()> {
        let operation = "memory.order_items";
        let facts = self.options().gallery_facts;
        needs(facts.ordering, "ordering", operation)?;
        let mut state = self.state();
        let stored = state.galleries.find(gallery, operation)?;
        for (index, item) in order.iter().enumerate() {
            stored.check_item(item, operation)?;
            if order.iter().take(index).any(|before| before == item) {
                let message = "an item is named twice";
                return Err(Error::new(ErrorKind::InvalidInput, operation, message));
            }
        }
        // The sort is stable, so that what is not named stays in its order.
        stored.items.sort_by_key(|item| {
            let place = order.iter().position(|id| *id == item.id);
            place.unwrap_or(order.len())
        });
        Ok(())
    }

    async fn remove_item(&self, gallery: &GalleryId, item: &GalleryItemId) -> Result<()> {
        let mut state = self.state();
        let stored = state.galleries.find(gallery, "memory.remove_item")?;
        stored.items.retain(|own| own.id != *item);
        stored.favourites.retain(|mark| mark.item != *item);
        stored.spec.cover.take_if(|cover| cover == item);
        Ok(())
    }

    async fn favourites(
        &self,
        gallery: &GalleryId,
        after: Option<&PageCursor>,
    ) -> Result<Page<Favourite>> {
        let operation = "memory.favourites";
        let facts = self.options().gallery_facts;
        needs(facts.favourites, "favourites", operation)?;
        let mut state = self.state();
        let marks = state.galleries.find(gallery, operation)?.favourites.clone();
        page(marks, after, self.options().page_size, operation)
    }

    async fn publish_gallery(&self, id: &GalleryId, access: &GalleryAccess) -> Result<Gallery> {
        let operation = "memory.publish_gallery";
        let facts = self.options().gallery_facts;
        let has_password = access.password.is_some();
        needs(facts.passwords || !has_password, "passwords", operation)?;
        let has_end = access.expires.is_some();
        needs(facts.expiry || !has_end, "expiry", operation)?;
        let mut state = self.state();
        let now = state.now();
        if access.expires.is_some_and(|end| end <= now) {
            let message = "the end of the gallery has passed already";
            return Err(Error::new(ErrorKind::InvalidInput, operation, message));
        }
        let stored = state.galleries.find(id, operation)?;
        stored.access = Some(access.clone());
        Ok(stored.gallery(now))
    }

    async fn unpublish_gallery(&self, id: &GalleryId) -> Result<Gallery> {
        let mut state = self.state();
        let now = state.now();
        let stored = state.galleries.find(id, "memory.unpublish_gallery")?;
        stored.access = None;
        Ok(stored.gallery(now))
    }
}

fn has_file(state: &State, account: &MemoryPlatform, path: &FilePath) -> bool {
    state.find(account.options(), path.as_str()).is_some()
}

fn needs(has: bool, what: &'static str, operation: &'static str) -> Result<()> {
    if has {
        return Ok(());
    }
    let message = "the galleries of this account cannot do that";
    Err(Error::new(ErrorKind::Unsupported, operation, message).with_context("needs", what))
}
