//! Errors of layers themselves, told apart from those of platforms.

use std::time::Duration;

use crate::error::{Error, ErrorKind};
use crate::telemetry::RESILIENCE_REFUSALS;

use super::super::seam::Call;
use super::account::Scope;

/// How the operation of every error made by a layer begins.
const OWN: &str = "resilience.";

/// The operation of errors by which a breaker refuses.
pub(in super::super) const BREAKER: &str = "resilience.breaker";

/// Makes the error of a layer that did not let a call through. `operation` begins with `resilience.`.
pub(in super::super) fn refused(
    scope: &Scope,
    call: &Call,
    kind: ErrorKind,
    operation: &'static str,
    message: &str,
    wait: Option<Duration>,
) -> Error {
    let labels = [("layer", operation)];
    scope.telemetry().count(RESILIENCE_REFUSALS, &labels, 1);
    let error = Error::new(kind, operation, message)
        .with_context("account", scope.account())
        .with_context("call", call.name());
    match wait {
        Some(wait) => error.with_retry_after(wait),
        None => error,
    }
}

/// Returns when to come again where nobody knows better: in one to two seconds, so that those who were
/// sent away together do not come back together.
pub(in super::super) fn soon(scope: &Scope) -> Duration {
    Duration::from_secs(1).mul_f64(1.0 + scope.unit())
}

/// Tells whether a layer made this error, so that it says nothing of the platform.
pub(in super::super::super) fn is_own(error: &Error) -> bool {
    error.operation().starts_with(OWN)
}
