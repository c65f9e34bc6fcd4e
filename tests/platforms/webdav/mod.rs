//! WebDAV: against real servers, and Nextcloud against a fake that keeps to its documentation.

mod fake;
mod hostile;
mod live;
mod nextcloud;
mod vendor;
