//! Puts the guard where the client asks for addresses.

use std::net::SocketAddr;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::engine::outbound::guard::Guard;

/// The only way by which the client learns an address, so that what is checked is what is connected to:
/// there is no second resolution in between.
#[derive(Clone, Debug)]
pub(super) struct Lookup(pub(super) Guard);

impl Resolve for Lookup {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = self.0.clone();
        Box::pin(async move {
            let addresses = guard.lookup(name.as_str()).await?;
            // The client fills in the port of the URL.
            let sockets = addresses
                .into_iter()
                .map(|address| SocketAddr::new(address, 0));
            Ok(Box::new(sockets) as Addrs)
        })
    }
}
