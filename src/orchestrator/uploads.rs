//! What people hand in, for one organization and one actor.

use std::sync::Arc;

use crate::engine::upload::{Uploads, UploadsOptions};
use crate::error::Result;
use crate::id::Ids;
use crate::permission::{Action, Resource};

use super::handle::Organization;

const UPLOADS: Action = Action::new("uploads.manage");

impl Organization {
    /// Returns what receives, keeps in quarantine, checks and gives out what people hand in; its
    /// bytes lie on the account called `connector`.
    ///
    /// # Errors
    /// - [`ErrorKind::Denied`](crate::ErrorKind::Denied): the actor may not `uploads.manage` there.
    /// - [`ErrorKind::NotFound`](crate::ErrorKind::NotFound): the organization has no account of this name.
    /// - As [`Uploads::new`].
    pub async fn uploads(&self, connector: &str, options: UploadsOptions) -> Result<Uploads> {
        let resource = Resource::new("connector", connector);
        self.authorize(&UPLOADS, &[resource]).await?;
        let place = self.account(connector)?;
        let clock = Arc::clone(&self.shared.clock);
        let ids = Ids::new(Arc::clone(&clock), self.shared.chance.clone());
        Uploads::new(
            self.records(),
            Arc::clone(place.connector()),
            clock,
            ids,
            options,
        )
    }
}
