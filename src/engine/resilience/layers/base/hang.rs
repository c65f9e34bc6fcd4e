//! What a call that was given up on says of its platform.

use std::time::Duration;

use crate::engine::resilience::caller;

use super::super::seam::Call;

/// Tells whether a request that is given up on after it has been `out` for so long has hung: it has been out
/// longer than a quick call may be, and no healthy platform is so slow with it or its caller says so.
pub(in super::super) fn has_hung(call: &Call, out: Duration, limit: Duration) -> bool {
    out > limit && (!call.is_long() || caller::has_stalled())
}
