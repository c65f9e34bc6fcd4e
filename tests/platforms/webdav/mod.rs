//! WebDAV: against real servers, and Nextcloud against a fake that keeps to its documentation.

mod bad_days;
mod fake;
mod hostile;
mod live;
mod nextcloud;
mod vendor;
