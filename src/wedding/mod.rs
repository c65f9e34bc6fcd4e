//! The words of the trade as types: roles, phases, access, sections, vendors, days in a zone.
//!
//! Each word has one exact spelling; what is not in its table is an error where it is parsed, and matches nothing where
//! it stands in a list. The tables are those of `permissions.md` and of the wedding domain.

mod access;
mod day;
mod phase;
mod role;
mod section_type;
mod vendor_type;
pub(crate) mod word;
mod zones;

pub use access::AccessLevel;
pub use day::{Day, parse_instant};
pub(crate) use phase::Calendar;
pub use phase::{Grace, Phase, PhaseAt, PhaseSet, WeddingDate, phase_at};
pub use role::{OrganizationRole, Role, RoleSet, WeddingRole};
pub use section_type::{SectionKind, SectionType};
pub use vendor_type::{VendorType, VendorTypeSet};
#[cfg(feature = "zones")]
#[cfg_attr(docsrs, doc(cfg(feature = "zones")))]
pub use zones::IanaZones;
pub use zones::{Offset, UtcOnly, ZoneTable, Zones};
