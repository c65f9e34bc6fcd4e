//! Galleries, presets, posts, books and webhooks that fail on purpose.

use async_trait::async_trait;

use crate::clock::Timestamp;
use crate::connector::{
    Client, ClientId, ContactBook, ContactCursor, ContactPage, DevelopJobId, DevelopRequest,
    DevelopStatus, Favourite, Gallery, GalleryAccess, GalleryFacts, GalleryHost, GalleryId,
    GalleryItem, GalleryItemId, GallerySpec, IdempotencyKey, Insights, Job, JobId, NewGalleryItem,
    Page, PageCursor, Post, PostFinding, PostId, Preset, PresetProcessor, PublishJobId,
    PublishStatus, Publisher, PublisherFacts, Subscription, SubscriptionId, SubscriptionRequest,
    VerifiedDelivery, WebhookDelivery, WebhookSource,
};
use crate::error::Result;

use super::connector::{FaultyConnector, no_facet};
use super::kind::Operation;

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl GalleryHost for FaultyConnector {
    fn facts(&self) -> GalleryFacts {
        let inner = self.inner.galleries();
        inner.map(GalleryHost::facts).unwrap_or_default()
    }

    async fn galleries(&self, after: Option<&PageCursor>) -> Result<Page<Gallery>> {
        let inner = self.inner.galleries().ok_or_else(no_facet)?;
        let effect = inner.galleries(after);
        self.gate.call(Operation::Galleries, "", effect).await
    }

    async fn gallery(&self, id: &GalleryId) -> Result<Gallery> {
        let inner = self.inner.galleries().ok_or_else(no_facet)?;
        let effect = inner.gallery(id);
        self.gate
            .call(Operation::Gallery, id.as_str(), effect)
            .await
    }

    async fn create_gallery(&self, key: &IdempotencyKey, spec: &GallerySpec) -> Result<Gallery> {
        let inner = self.inner.galleries().ok_or_else(no_facet)?;
        let effect = inner.create_gallery(key, spec);
        self.gate
            .call(Operation::CreateGallery, key.as_str(), effect)
            .await
    }

    async fn update_gallery(&self, id: &GalleryId, spec: &GallerySpec) -> Result<Gallery> {
        let inner = self.inner.galleries().ok_or_else(no_facet)?;
        let effect = inner.update_gallery(id, spec);
        self.gate
            .call(Operation::UpdateGallery, id.as_str(), effect)
            .await
    }

    async fn items(
        &self,
        gallery: &GalleryId,
        after: Option<&PageCursor>,
    ) -> Result<Page<GalleryItem>> {
        let inner = self.inner.galleries().ok_or_else(no_facet)?;
        let effect = inner.items(gallery, after);
        self.gate
            .call(Operation::GalleryItems, gallery.as_str(), effect)
            .await
    }

    async fn add_item(&self, gallery: &GalleryId, item: &NewGalleryItem) -> Result<GalleryItem> {
        let inner = self.inner.galleries().ok_or_else(no_facet)?;
        let effect = inner.add_item(gallery, item);
        self.gate
            .call(Operation::AddItem, item.file.as_str(), effect)
            .await
    }

    async fn order_items(&self, gallery: &GalleryId, order: &[GalleryItemId]) -> Result<()> {
        let inner = self.inner.galleries().ok_or_else(no_facet)?;
        let effect = inner.order_items(gallery, order);
        self.gate
            .call(Operation::OrderItems, gallery.as_str(), effect)
            .await
    }

    async fn remove_item(&self, gallery: &GalleryId, item: &GalleryItemId) -> Result<()> {
        let inner = self.inner.galleries().ok_or_else(no_facet)?;
        let effect = inner.remove_item(gallery, item);
        self.gate
            .call(Operation::RemoveItem, item.as_str(), effect)
            .await
    }

    async fn favourites(
        &self,
        gallery: &GalleryId,
        after: Option<&PageCursor>,
    ) -> Result<Page<Favourite>> {
        let inner = self.inner.galleries().ok_or_else(no_facet)?;
        let effect = inner.favourites(gallery, after);
        self.gate
            .call(Operation::Favourites, gallery.as_str(), effect)
            .await
    }

    async fn publish_gallery(&self, id: &GalleryId, access: &GalleryAccess) -> Result<Gallery> {
        let inner = self.inner.galleries().ok_or_else(no_facet)?;
        let effect = inner.publish_gallery(id, access);
        self.gate
            .call(Operation::PublishGallery, id.as_str(), effect)
            .await
    }

    async fn unpublish_gallery(&self, id: &GalleryId) -> Result<Gallery> {
        let inner = self.inner.galleries().ok_or_else(no_facet)?;
        let effect = inner.unpublish_gallery(id);
        self.gate
            .call(Operation::UnpublishGallery, id.as_str(), effect)
            .await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl PresetProcessor for FaultyConnector {
    async fn presets(&self, after: Option<&PageCursor>) -> Result<Page<Preset>> {
        let inner = self.inner.presets().ok_or_else(no_facet)?;
        let effect = inner.presets(after);
        self.gate.call(Operation::Presets, "", effect).await
    }

    async fn develop(
        &self,
        key: &IdempotencyKey,
        request: &DevelopRequest,
    ) -> Result<DevelopJobId> {
        let inner = self.inner.presets().ok_or_else(no_facet)?;
        let effect = inner.develop(key, request);
        self.gate
            .call(Operation::Develop, key.as_str(), effect)
            .await
    }

    async fn develop_status(&self, job: &DevelopJobId) -> Result<DevelopStatus> {
        let inner = self.inner.presets().ok_or_else(no_facet)?;
        let effect = inner.develop_status(job);
        self.gate
            .call(Operation::DevelopStatus, job.as_str(), effect)
            .await
    }

    async fn cancel_develop(&self, job: &DevelopJobId) -> Result<()> {
        let inner = self.inner.presets().ok_or_else(no_facet)?;
        let effect = inner.cancel_develop(job);
        self.gate
            .call(Operation::CancelDevelop, job.as_str(), effect)
            .await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Publisher for FaultyConnector {
    fn facts(&self) -> PublisherFacts {
        let inner = self.inner.publisher();
        inner.map(Publisher::facts).unwrap_or_default()
    }

    async fn validate(&self, post: &Post) -> Result<Vec<PostFinding>> {
        let inner = self.inner.publisher().ok_or_else(no_facet)?;
        let effect = inner.validate(post);
        self.gate.call(Operation::Validate, "", effect).await
    }

    async fn publish(
        &self,
        key: &IdempotencyKey,
        post: &Post,
        at: Option<Timestamp>,
    ) -> Result<PublishJobId> {
        let inner = self.inner.publisher().ok_or_else(no_facet)?;
        let effect = inner.publish(key, post, at);
        self.gate
            .call(Operation::Publish, key.as_str(), effect)
            .await
    }

    async fn publish_status(&self, job: &PublishJobId) -> Result<PublishStatus> {
        let inner = self.inner.publisher().ok_or_else(no_facet)?;
        let effect = inner.publish_status(job);
        self.gate
            .call(Operation::PublishStatus, job.as_str(), effect)
            .await
    }

    async fn cancel_publish(&self, job: &PublishJobId) -> Result<()> {
        let inner = self.inner.publisher().ok_or_else(no_facet)?;
        let effect = inner.cancel_publish(job);
        self.gate
            .call(Operation::CancelPublish, job.as_str(), effect)
            .await
    }

    async fn insights(&self, post: &PostId) -> Result<Insights> {
        let inner = self.inner.publisher().ok_or_else(no_facet)?;
        let effect = inner.insights(post);
        self.gate
            .call(Operation::Insights, post.as_str(), effect)
            .await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ContactBook for FaultyConnector {
    async fn contact_changes(&self, since: Option<&ContactCursor>) -> Result<ContactPage> {
        let inner = self.inner.contacts().ok_or_else(no_facet)?;
        let effect = inner.contact_changes(since);
        self.gate.call(Operation::ContactChanges, "", effect).await
    }

    async fn client(&self, id: &ClientId) -> Result<Client> {
        let inner = self.inner.contacts().ok_or_else(no_facet)?;
        let effect = inner.client(id);
        self.gate.call(Operation::Client, id.as_str(), effect).await
    }

    async fn job(&self, id: &JobId) -> Result<Job> {
        let inner = self.inner.contacts().ok_or_else(no_facet)?;
        let effect = inner.job(id);
        self.gate.call(Operation::Job, id.as_str(), effect).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl WebhookSource for FaultyConnector {
    async fn subscribe(
        &self,
        key: &IdempotencyKey,
        request: &SubscriptionRequest,
    ) -> Result<Subscription> {
        let inner = self.inner.webhooks().ok_or_else(no_facet)?;
        let effect = inner.subscribe(key, request);
        self.gate
            .call(Operation::Subscribe, key.as_str(), effect)
            .await
    }

    async fn renew(&self, subscription: &Subscription) -> Result<Subscription> {
        let inner = self.inner.webhooks().ok_or_else(no_facet)?;
        let effect = inner.renew(subscription);
        self.gate
            .call(Operation::Renew, subscription.id.as_str(), effect)
            .await
    }

    async fn unsubscribe(&self, id: &SubscriptionId) -> Result<()> {
        let inner = self.inner.webhooks().ok_or_else(no_facet)?;
        let effect = inner.unsubscribe(id);
        self.gate
            .call(Operation::Unsubscribe, id.as_str(), effect)
            .await
    }

    fn verify(
        &self,
        subscription: Option<&Subscription>,
        delivery: &WebhookDelivery,
        now: Timestamp,
    ) -> Result<VerifiedDelivery> {
        // Pure: nothing of the outside that could fail.
        let inner = self.inner.webhooks().ok_or_else(no_facet)?;
        inner.verify(subscription, delivery, now)
    }
}
