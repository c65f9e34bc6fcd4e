//! What the services of people and sections keep, of each organization.

use garland::storage::{IndexKey, IndexName, Write};
use serde_json::{Value, json};

use crate::furnish::row;
use crate::ground::START;

/// What every organization has something under: a member, a wedding, a section, a template, a statement.
pub(crate) const ALIKE: &str = "alike";

/// Once under ids that nobody else has, and once under those that all have; the contents are its own both times.
pub(crate) fn of_sections(name: &str) -> Vec<Write> {
    let of = |what: &str| format!("{name}-{what}");
    let results = json!({"revision": 1, "begunAt": START, "after": of("member"), "done": 1});
    let mut all = vec![
        row(
            "oauth_accounts",
            of("account"),
            &json!({"provider": "dropbox", "state": "connected", "connected": START, "refreshed": START,
                "refresh_given": START, "generation": 1, "holder": of("holder"), "sealed": ""}),
        ),
        row(
            "oauth_authorizations",
            of("authorization"),
            &json!({"until": START, "sealed": ""}),
        ),
        row(
            "section_partners",
            of("partner"),
            &json!({"url": "https://partner.example/hook", "secret": "main", "settings": {}}),
        ),
        row(
            "section_partner_places",
            of("partner"),
            &json!({"sequence": 1, "part": 0}),
        ),
        row(
            "sync_snapshots",
            of("drive"),
            &json!({"kind": "part", "files": {of("a.jpg"): {"size": 1}}}),
        ),
        row(
            "webhook_hints",
            of("drive"),
            &json!({"since": START, "deliveries": 1, "hints": [{"kind": "files"}]}),
        ),
        row(
            "webhook_subscriptions",
            of("drive"),
            &json!({"state": "active", "since": START, "looked": START, "key": of("key"), "sealed": ""}),
        ),
        row("section_results", "newest".into(), &json!(1)),
        row("section_syncs", "run".into(), &results),
    ];
    let own = ["member", "wedding", "section", "template", "statement"].map(of);
    all.extend(studio(name, &own.each_ref().map(String::as_str), "budget"));
    all.extend(studio(name, &[ALIKE; 5], "photos"));
    all
}

/// One of each, by these ids: member, wedding, section, template, statement.
fn studio(name: &str, ids: &[&str; 5], section_type: &str) -> Vec<Write> {
    let [member, wedding, section, template, statement] = *ids;
    let of = |what: &str| format!("{name}-{what}");
    let list = |parts: &[&str]| json!(parts).to_string();
    let record = |id: &str, fields: Value| {
        let mut record = json!({"id": id, "organizationId": name});
        let more = fields.as_object().unwrap().clone();
        record.as_object_mut().unwrap().extend(more);
        record
    };
    let groups = json!({"visibility": {"roles": ["couple"]}, "permissions": {"canEdit": ["couple"]},
        "customization": {"title": of("title")}});
    let mut configuration = record(section, groups.clone());
    configuration["sectionType"] = json!(section_type);
    let mut pattern = groups.clone();
    pattern["sectionType"] = json!(of("pattern"));
    let change = json!({"change": "1", "sectionId": section, "sectionType": section_type, "kind": "changed",
        "version": 1, "at": START, "by": [{"kind": "user", "id": member}],
        "before": {"customization": {"title": of("before")}}, "after": groups});
    let overlay = json!({"userId": member, "sectionId": section,
        "overlay": {"customization": {"subtitle": of("subtitle")}}});
    let result =
        json!({"sectionType": of("stored"), "canView": true, "canEdit": false, "canHide": false});
    let results = json!({"userId": member, "organizationId": name, "revision": 1, "computedAt": START,
        "sections": [result]});
    let access = json!([{"weddingId": wedding, "level": "full"}]);
    let by_section = (IndexName::new("section"), IndexKey::parse(section).unwrap());
    let mut overlay = row("section_overlays", list(&[member, section]), &overlay);
    if let Write::Put { indexes, .. } = &mut overlay {
        indexes.push(by_section);
    }
    vec![
        overlay,
        row(
            "access_statements",
            statement.to_owned(),
            &json!({"id": statement, "effect": "deny", "subject": {"member": of("suspect")},
                "verbs": ["print"], "object": {"kinds": ["picture"]}}),
        ),
        row(
            "team_members",
            member.to_owned(),
            &record(
                member,
                json!({"role": "couple", "weddingAccess": access,
                    "customFields": {"phone": of("phone")}}),
            ),
        ),
        row(
            "weddings",
            wedding.to_owned(),
            &record(wedding, json!({"place": of("venue")})),
        ),
        row("section_configurations", section.to_owned(), &configuration),
        row("section_slots", list(&[section_type]), &json!(section)),
        row("section_history", list(&[section, "1"]), &change),
        row("section_permissions", list(&[member]), &results),
        row(
            "section_templates",
            template.to_owned(),
            &json!({"name": of("usual"), "sections": [pattern]}),
        ),
    ]
}
