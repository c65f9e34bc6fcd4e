//! Runs every rule.

use std::sync::Arc;

use futures_util::future::BoxFuture;

use crate::storage::StorageBackend;

use super::subject::Subject;
use super::{batches, crowds, journals, names, queries, tenants};

/// Holds a database to every promise of [`StorageBackend`]; `make` gives a fresh one for each rule.
///
/// # Panics
/// If a rule does not hold: the message names it and says what was found.
///
/// # Example
///
/// ```
/// use std::sync::Arc;
/// use garland::{backends::Memory, storage::StorageBackend, testing};
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
/// testing::storage(async || Arc::new(Memory::new()) as Arc<dyn StorageBackend>).await;
/// # });
/// # Ok::<(), std::io::Error>(())
/// ```
pub async fn storage(make: impl AsyncFn() -> Arc<dyn StorageBackend>) {
    for (name, rule) in batches::RULES
        .iter()
        .chain(names::RULES)
        .chain(queries::RULES)
        .chain(journals::RULES)
        .chain(tenants::RULES)
        .chain(crowds::RULES)
    {
        let subject = Subject::new(make().await);
        // As a task of its own, so that the name can be put before what it says.
        if let Err(failure) = tokio::spawn(rule(subject)).await {
            let said = failure.try_into_panic().map(|said| {
                let text = said.downcast_ref::<String>().cloned();
                text.or_else(|| said.downcast_ref::<&str>().map(|text| (*text).to_owned()))
            });
            panic!(
                "the rule `{name}` does not hold: {}",
                said.ok().flatten().unwrap_or_default()
            );
        }
    }
}

/// A rule and its name.
pub(super) type Rule = (&'static str, fn(Subject) -> BoxFuture<'static, ()>);

macro_rules! rules {
    ($($rule:ident),* $(,)?) => {
        pub(super) const RULES: &[$crate::testing::storage::suite::Rule] =
            &[$((stringify!($rule), |subject| Box::pin($rule(subject)))),*];
    };
}
pub(super) use rules;
