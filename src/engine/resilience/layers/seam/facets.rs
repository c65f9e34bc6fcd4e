//! Presets, posts, books and webhooks with a layer around each call.

use async_trait::async_trait;

use crate::clock::Timestamp;
use crate::connector::{
    Client, ClientId, ContactBook, ContactCursor, ContactPage, DevelopJobId, DevelopRequest,
    DevelopStatus, IdempotencyKey, Insights, Job, JobId, Page, PageCursor, Post, PostFinding,
    PostId, Preset, PresetProcessor, PublishJobId, PublishStatus, Publisher, PublisherFacts,
    Subscription, SubscriptionId, SubscriptionRequest, VerifiedDelivery, WebhookDelivery,
    WebhookSource,
};
use crate::error::Result;

use super::around::Around;
use super::call;
use super::wrapped::{Wrapped, held};

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<A: Around> PresetProcessor for Wrapped<A> {
    async fn presets(&self, after: Option<&PageCursor>) -> Result<Page<Preset>> {
        let inner = held(self.inner.presets())?;
        let make = || inner.presets(after);
        self.around.around(&call::PRESETS_LIST, make).await
    }

    async fn develop(
        &self,
        key: &IdempotencyKey,
        request: &DevelopRequest,
    ) -> Result<DevelopJobId> {
        let inner = held(self.inner.presets())?;
        let make = || inner.develop(key, request);
        self.around.around(&call::PRESETS_DEVELOP, make).await
    }

    async fn develop_status(&self, job: &DevelopJobId) -> Result<DevelopStatus> {
        let inner = held(self.inner.presets())?;
        let make = || inner.develop_status(job);
        self.around.around(&call::PRESETS_STATUS, make).await
    }

    async fn cancel_develop(&self, job: &DevelopJobId) -> Result<()> {
        let inner = held(self.inner.presets())?;
        let make = || inner.cancel_develop(job);
        self.around.around(&call::PRESETS_CANCEL, make).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<A: Around> Publisher for Wrapped<A> {
    fn facts(&self) -> PublisherFacts {
        let inner = self.inner.publisher();
        inner.map(Publisher::facts).unwrap_or_default()
    }

    async fn validate(&self, post: &Post) -> Result<Vec<PostFinding>> {
        let inner = held(self.inner.publisher())?;
        let make = || inner.validate(post);
        self.around.around(&call::PUBLISHER_VALIDATE, make).await
    }

    async fn publish(
        &self,
        key: &IdempotencyKey,
        post: &Post,
        at: Option<Timestamp>,
    ) -> Result<PublishJobId> {
        let inner = held(self.inner.publisher())?;
        let make = || inner.publish(key, post, at);
        self.around.around(&call::PUBLISHER_PUBLISH, make).await
    }

    async fn publish_status(&self, job: &PublishJobId) -> Result<PublishStatus> {
        let inner = held(self.inner.publisher())?;
        let make = || inner.publish_status(job);
        self.around.around(&call::PUBLISHER_STATUS, make).await
    }

    async fn cancel_publish(&self, job: &PublishJobId) -> Result<()> {
        let inner = held(self.inner.publisher())?;
        let make = || inner.cancel_publish(job);
        self.around.around(&call::PUBLISHER_CANCEL, make).await
    }

    async fn insights(&self, post: &PostId) -> Result<Insights> {
        let inner = held(self.inner.publisher())?;
        let make = || inner.insights(post);
        self.around.around(&call::PUBLISHER_INSIGHTS, make).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<A: Around> ContactBook for Wrapped<A> {
    async fn contact_changes(&self, since: Option<&ContactCursor>) -> Result<ContactPage> {
        let inner = held(self.inner.contacts())?;
        let make = || inner.contact_changes(since);
        self.around.around(&call::CONTACTS_CHANGES, make).await
    }

    async fn client(&self, id: &ClientId) -> Result<Client> {
        let inner = held(self.inner.contacts())?;
        let make = || inner.client(id);
        self.around.around(&call::CONTACTS_CLIENT, make).await
    }

    async fn job(&self, id: &JobId) -> Result<Job> {
        let inner = held(self.inner.contacts())?;
        let make = || inner.job(id);
        self.around.around(&call::CONTACTS_JOB, make).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<A: Around> WebhookSource for Wrapped<A> {
    async fn subscribe(
        &self,
        key: &IdempotencyKey,
        request: &SubscriptionRequest,
    ) -> Result<Subscription> {
        let inner = held(self.inner.webhooks())?;
        let make = || inner.subscribe(key, request);
        self.around.around(&call::WEBHOOKS_SUBSCRIBE, make).await
    }

    async fn renew(&self, subscription: &Subscription) -> Result<Subscription> {
        let inner = held(self.inner.webhooks())?;
        let make = || inner.renew(subscription);
        self.around.around(&call::WEBHOOKS_RENEW, make).await
    }

    async fn unsubscribe(&self, id: &SubscriptionId) -> Result<()> {
        let inner = held(self.inner.webhooks())?;
        let make = || inner.unsubscribe(id);
        self.around.around(&call::WEBHOOKS_UNSUBSCRIBE, make).await
    }

    fn verify(
        &self,
        subscription: Option<&Subscription>,
        delivery: &WebhookDelivery,
        now: Timestamp,
    ) -> Result<VerifiedDelivery> {
        held(self.inner.webhooks())?.verify(subscription, delivery, now)
    }
}
