//! Who has what now.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::calendar::effective_class;
use super::class::Class;
use super::events::{Who, Why};
use super::rate::Rate;
use super::side::{Platform, Side};

/// How both links are shared at one moment.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Snapshot {
    /// To platforms.
    pub upload: LinkShares,
    /// From platforms.
    pub download: LinkShares,
}

/// How one link is shared.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct LinkShares {
    /// What it carries; nothing means as much as there is.
    pub capacity: Option<Rate>,
    /// Organizations that have transfers, by name.
    pub organizations: Vec<OrganizationShares>,
}

impl LinkShares {
    /// Returns every transfer.
    pub fn streams(&self) -> impl Iterator<Item = &StreamShare> {
        let organizations = self.organizations.iter();
        let platforms = organizations.flat_map(|organization| &organization.platforms);
        platforms.flat_map(|platform| &platform.streams)
    }
}

/// What an organization has.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct OrganizationShares {
    /// Its name.
    pub organization: Arc<str>,
    /// Whether its transfers are raised for an event.
    pub escalated: bool,
    /// Platforms that have transfers, by name.
    pub platforms: Vec<PlatformShares>,
}

/// What a platform of an organization has.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct PlatformShares {
    /// Its name.
    pub platform: Arc<str>,
    /// Its transfers, the oldest first.
    pub streams: Vec<StreamShare>,
}

/// What a transfer has.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct StreamShare {
    /// The transfer.
    pub who: Who,
    /// How urgent it was said to be.
    pub class: Class,
    /// What it counts as while its organization's event lasts.
    pub effective_class: Class,
    /// Its rate, rounded down; nothing means that nothing bounds it.
    pub rate: Option<Rate>,
    /// What makes it so much.
    pub why: Why,
    /// How many bytes it took so far.
    pub taken: u64,
}

impl Side {
    /// Returns who has what, where `raised` names the organizations whose event holds.
    pub(super) fn shares(&self, raised: &BTreeSet<Arc<str>>) -> LinkShares {
        let organizations = self.organizations.iter().map(|(name, organization)| {
            let escalated = raised.contains(name);
            let platforms = organization.platforms.iter();
            let platforms = platforms.map(|(platform, own)| PlatformShares {
                platform: Arc::clone(platform),
                streams: self.stream_shares(name, platform, own, escalated),
            });
            OrganizationShares {
                organization: Arc::clone(name),
                escalated,
                platforms: platforms.filter(|own| !own.streams.is_empty()).collect(),
            }
        });
        LinkShares {
            capacity: self.capacity,
            organizations: organizations
                .filter(|own| !own.platforms.is_empty())
                .collect(),
        }
    }

    fn stream_shares(
        &self,
        organization: &Arc<str>,
        name: &Arc<str>,
        platform: &Platform,
        raised: bool,
    ) -> Vec<StreamShare> {
        let streams = platform.streams.iter();
        let share = streams.map(|(id, member)| StreamShare {
            who: Who {
                stream: *id,
                direction: self.direction,
                organization: Arc::clone(organization),
                platform: Arc::clone(name),
            },
            class: member.class,
            effective_class: effective_class(member.class, raised),
            rate: member.told(),
            why: member.why,
            taken: member.gate.taken(),
        });
        share.collect()
    }
}
