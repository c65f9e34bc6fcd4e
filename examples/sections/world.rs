//! The wedding of Ann and Bo.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use garland::storage::Precondition;
use garland::wedding::parse_instant;
use garland::{Clock, Organization, SystemClock, Timestamp};
use serde_json::{Value, json};

pub(crate) const JUNE: &str = "june";

pub(crate) const MEMBERS: [(&str, &str); 5] = [
    ("cora", "coordinator"),
    ("pia", "photographer"),
    ("ann", "couple"),
    ("flo", "vendor"),
    ("gus", "guest"),
];

/// A calendar whose leaves the program turns.
#[derive(Clone, Debug)]
pub(crate) struct Calendar {
    now: Arc<Mutex<Timestamp>>,
    watch: Arc<SystemClock>,
}

impl Calendar {
    pub(crate) fn at(instant: &str) -> Self {
        Self {
            now: Arc::new(Mutex::new(parse_instant(instant).unwrap_or_default())),
            watch: Arc::new(SystemClock::new()),
        }
    }

    pub(crate) fn set(&self, instant: &str) {
        if let (Some(instant), Ok(mut now)) = (parse_instant(instant), self.now.lock()) {
            *now = instant;
        }
    }

    pub(crate) fn instant(&self) -> Timestamp {
        self.now.lock().map(|now| *now).unwrap_or_default()
    }
}

impl Clock for Calendar {
    fn now(&self) -> Timestamp {
        self.instant()
    }

    fn elapsed(&self) -> Duration {
        self.watch.elapsed()
    }
}

/// People, the wedding, and the sections of its pages.
pub(crate) async fn furnish(studio: &Organization) -> garland::Result<()> {
    let organization = studio.id().as_str();
    let wedding = json!({
        "id": JUNE, "organizationId": organization, "date": "2026-06-20", "timeZone": "Europe/Zurich",
    });
    studio
        .team()
        .put_wedding(&wedding, Precondition::Absent)
        .await?;
    for (id, role) in MEMBERS {
        let member = json!({
            "id": id, "organizationId": organization, "role": role,
            "weddingAccess": [{ "weddingId": JUNE, "level": "limited" }],
        });
        studio
            .team()
            .put_member(&member, Precondition::Absent)
            .await?;
    }
    for (position, mut section) in sections().into_iter().enumerate() {
        section["organizationId"] = organization.into();
        section["weddingId"] = JUNE.into();
        section["layout"] = json!({ "position": position });
        studio.sections().create(&section).await?;
    }
    Ok(())
}

fn sections() -> [Value; 7] {
    [
        json!({
            "id": "timeline", "sectionType": "timeline",
            "visibility": { "roles": ["couple", "vendor", "guest"] }, "permissions": { "canEdit": ["couple"] },
        }),
        json!({
            "id": "seats", "sectionType": "seating",
            "visibility": { "roles": ["coordinator", "couple", "vendor", "guest"], "weddingPhase": ["pre_wedding", "wedding_day"] },
        }),
        json!({
            "id": "pictures", "sectionType": "photos",
            "visibility": { "roles": ["couple", "photographer"], "weddingPhase": ["wedding_day", "post_wedding"] },
            "permissions": { "canHide": ["couple"] },
        }),
        json!({
            "id": "guests", "sectionType": "guest_list",
            "visibility": { "roles": ["coordinator", "couple"] }, "permissions": { "canEdit": ["couple"] },
        }),
        json!({
            "id": "money", "sectionType": "budget",
            "visibility": { "roles": ["coordinator", "couple"] }, "permissions": { "canEdit": ["couple"], "canHide": ["couple"] },
        }),
        json!({
            "id": "papers", "sectionType": "documents",
            "visibility": { "roles": ["couple", "vendor"], "conditions": { "hasWeddingAccess": true } },
        }),
        json!({
            "id": "loading", "sectionType": "loading_bay",
            "visibility": { "roles": ["vendor"], "weddingPhase": ["wedding_day"],
                "conditions": { "timeRestriction": { "start": "2026-06-20T04:00:00Z", "end": "2026-06-20T22:00:00Z" } } },
        }),
    ]
}
