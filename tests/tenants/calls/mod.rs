//! Every call that a service takes, as one table: what it is called in the listing of the API, and the
//! call itself, with the ids of whatever it is about.

mod audit;
mod keys;
mod orchestrator;
mod privacy;
mod sealed;
mod sections;
mod storage;
mod team;
mod tokens;
mod uploads;

use std::fmt::Debug;

use futures_util::future::BoxFuture;
use garland::crypto::SecretKey;
use garland::crypto::tokens::Denied;
use garland::{Error, OrganizationId};

use crate::furnish::Known;
use crate::world::{Tenant, World};

/// What one organization does with ids that are not its own.
#[derive(Clone, Copy)]
pub(crate) struct Case<'a> {
    pub(crate) world: &'a World,
    /// Of the other organization, or of nobody.
    pub(crate) known: &'a Known,
}

impl<'a> Case<'a> {
    /// Who calls.
    pub(crate) fn a(self) -> &'a Tenant {
        &self.world.a
    }

    pub(crate) fn id(self) -> &'a OrganizationId {
        self.world.a.organization.id()
    }

    /// Whether a key is one of those that the ids stand for.
    fn is_known(self, key: &SecretKey) -> bool {
        self.known.secrets.iter().any(|secret| secret.is(key))
    }

    /// The answer without the ids in it.
    pub(crate) fn without_ids(self, answer: &str) -> String {
        let mut answer = answer.to_owned();
        for subject in [
            &self.known.subject,
            &self.known.restricted,
            &self.known.erased,
        ] {
            let pseudonym = self.a().privacy.pseudonym(&subject.clone().into()).unwrap();
            answer = answer.replace(&pseudonym, "‹id›");
        }
        for id in self.known.spellings() {
            answer = answer.replace(&id, "‹id›");
        }
        answer
    }
}

/// One call.
pub(crate) struct Call {
    /// What it calls, without `garland::` before it.
    pub(crate) covers: &'static [&'static str],
    /// Whether it is told an id of anything.
    pub(crate) takes_ids: bool,
    pub(crate) run: for<'a> fn(Case<'a>) -> BoxFuture<'a, String>,
}

/// Writes down calls that take ids, and behind them, if any, those that take none.
macro_rules! calls {
    (@$takes:literal $($name:literal),+ => $run:expr) => {
        crate::calls::Call { covers: &[$($name),+], takes_ids: $takes, run: $run }
    };
    (
        ids { $($([$($name:literal),+] => $run:expr),+ $(,)?)? }
        none { $($([$($plain:literal),+] => $without:expr),+ $(,)?)? }
    ) => {
        vec![
            $($(calls!(@true $($name),+ => $run),)+)?
            $($(calls!(@false $($plain),+ => $without),)+)?
        ]
    };
}
use calls;

pub(crate) fn all() -> Vec<Call> {
    let rooms = [
        audit::calls(),
        keys::calls(),
        orchestrator::calls(),
        privacy::calls(),
        sealed::calls(),
        sections::calls(),
        storage::calls(),
        team::calls(),
        tokens::calls(),
        uploads::calls(),
    ];
    rooms.into_iter().flatten().collect()
}

/// What a caller gets to see.
pub(crate) fn answer<T: Debug>(result: Result<T, Error>) -> String {
    match result {
        Ok(value) => format!("ok {value:?}"),
        Err(error) => format!("{}: {error}", error.kind()),
    }
}

/// What somebody outside gets to see.
pub(crate) fn let_in<T: Debug>(result: Result<T, Denied>) -> String {
    match result {
        Ok(value) => format!("ok {value:?}"),
        Err(denied) => denied.to_string(),
    }
}
