//! Galleries with a layer around each call.

use async_trait::async_trait;

use crate::connector::{
    Favourite, Gallery, GalleryAccess, GalleryFacts, GalleryHost, GalleryId, GalleryItem,
    GalleryItemId, GallerySpec, IdempotencyKey, NewGalleryItem, Page, PageCursor,
};
use crate::error::Result;

use super::around::Around;
use super::call;
use super::wrapped::{Wrapped, held};

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<A: Around> GalleryHost for Wrapped<A> {
    fn facts(&self) -> GalleryFacts {
        let inner = self.inner.galleries();
        inner.map(GalleryHost::facts).unwrap_or_default()
    }

    async fn galleries(&self, after: Option<&PageCursor>) -> Result<Page<Gallery>> {
        let inner = held(self.inner.galleries())?;
        let make = || inner.galleries(after);
        self.around.around(&call::GALLERIES_LIST, make).await
    }

    async fn gallery(&self, id: &GalleryId) -> Result<Gallery> {
        let inner = held(self.inner.galleries())?;
        let make = || inner.gallery(id);
        self.around.around(&call::GALLERIES_GET, make).await
    }

    async fn create_gallery(&self, key: &IdempotencyKey, spec: &GallerySpec) -> Result<Gallery> {
        let inner = held(self.inner.galleries())?;
        let make = || inner.create_gallery(key, spec);
        self.around.around(&call::GALLERIES_CREATE, make).await
    }

    async fn update_gallery(&self, id: &GalleryId, spec: &GallerySpec) -> Result<Gallery> {
        let inner = held(self.inner.galleries())?;
        let make = || inner.update_gallery(id, spec);
        self.around.around(&call::GALLERIES_UPDATE, make).await
    }

    async fn items(
        &self,
        gallery: &GalleryId,
        after: Option<&PageCursor>,
    ) -> Result<Page<GalleryItem>> {
        let inner = held(self.inner.galleries())?;
        let make = || inner.items(gallery, after);
        self.around.around(&call::GALLERIES_ITEMS, make).await
    }

    async fn add_item(&self, gallery: &GalleryId, item: &NewGalleryItem) -> Result<GalleryItem> {
        let inner = held(self.inner.galleries())?;
        let make = || inner.add_item(gallery, item);
        self.around.around(&call::GALLERIES_ADD, make).await
    }

    async fn order_items(&self, gallery: &GalleryId, order: &[GalleryItemId]) -> Result<()> {
        let inner = held(self.inner.galleries())?;
        let make = || inner.order_items(gallery, order);
        self.around.around(&call::GALLERIES_ORDER, make).await
    }

    async fn remove_item(&self, gallery: &GalleryId, item: &GalleryItemId) -> Result<()> {
        let inner = held(self.inner.galleries())?;
        let make = || inner.remove_item(gallery, item);
        self.around.around(&call::GALLERIES_REMOVE, make).await
    }

    async fn favourites(
        &self,
        gallery: &GalleryId,
        after: Option<&PageCursor>,
    ) -> Result<Page<Favourite>> {
        let inner = held(self.inner.galleries())?;
        let make = || inner.favourites(gallery, after);
        self.around.around(&call::GALLERIES_FAVOURITES, make).await
    }

    async fn publish_gallery(&self, id: &GalleryId, access: &GalleryAccess) -> Result<Gallery> {
        let inner = held(self.inner.galleries())?;
        let make = || inner.publish_gallery(id, access);
        self.around.around(&call::GALLERIES_PUBLISH, make).await
    }

    async fn unpublish_gallery(&self, id: &GalleryId) -> Result<Gallery> {
        let inner = held(self.inner.galleries())?;
        let make = || inner.unpublish_gallery(id);
        self.around.around(&call::GALLERIES_UNPUBLISH, make).await
    }
}
