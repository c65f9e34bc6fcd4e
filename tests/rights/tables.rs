//! What the roles may before an organization says anything: §2 of the wedding domain.

use garland::permission::rights::{Effect, Subject};
use garland::permission::rights::{Mark, Object, ObjectKind, Part, Rights, Statement, Verb};
use garland::wedding::{OrganizationRole, VendorType, WeddingRole};

use crate::{assigned, by_default, codes, may, member, now, person, thing};

use ObjectKind as K;
use OrganizationRole as R;
use Verb as V;

/// Everything that any object of the tables can be: each kind, owned or not, with each mark.
fn things() -> Vec<Object> {
    let mut things = Vec::new();
    for kind in K::ALL {
        for owner in ["m", "other"] {
            let plain = thing(kind).of_owner(owner);
            things.push(plain.clone());
            things.push(plain.clone().addressed_to("m"));
            things.extend(Mark::ALL.map(|mark| plain.clone().with_mark(mark)));
        }
    }
    things
}

fn verbs_of(holder: &garland::permission::rights::Holder, object: &Object) -> String {
    let verbs = V::ALL.into_iter().filter(|verb| may(holder, *verb, object));
    let names: Vec<_> = verbs.map(Verb::as_str).collect();
    names.join(" ")
}

const ALL_BUT_PERSONAL: &str = "list preview download_web download_original upload comment edit_meta version approve \
    move delete share manage";

#[test]
fn the_owner_may_everything_and_the_admin_all_but_own_and_end() {
    for kind in K::ALL {
        let expected = match kind {
            K::Consent => "list preview",
            _ => ALL_BUT_PERSONAL,
        };
        assert_eq!(
            verbs_of(&member(R::Owner), &thing(kind)),
            expected,
            "{kind}"
        );
        let expected = match kind {
            K::Consent => "list preview",
            K::Keys => "",
            K::Organization => "list preview comment edit_meta",
            K::Billing => ALL_BUT_PERSONAL.trim_end_matches(" manage"),
            _ => ALL_BUT_PERSONAL,
        };
        assert_eq!(
            verbs_of(&member(R::Admin), &thing(kind)),
            expected,
            "{kind}"
        );
    }
}

#[test]
fn the_coordinator_runs_all_weddings_and_nothing_else() {
    let coordinator = member(R::Coordinator);
    for kind in [
        K::Timeline,
        K::Vendors,
        K::GuestList,
        K::Workspace,
        K::Assignment,
    ] {
        assert_eq!(
            verbs_of(&coordinator, &thing(kind)),
            ALL_BUT_PERSONAL,
            "{kind}"
        );
    }
    for kind in [K::Billing, K::Members, K::Keys, K::Organization] {
        assert_eq!(verbs_of(&coordinator, &thing(kind)), "", "{kind}");
    }
    // What the photographer may where assigned, the coordinator may at every wedding.
    assert!(may(&coordinator, V::DownloadOriginal, &thing(K::File)));
    let elsewhere = Object::new(K::File, "o", "studio");
    assert!(!may(&coordinator, V::DownloadOriginal, &elsewhere));
}

#[test]
fn the_photographer_deletes_own_uploads_before_delivery_only() {
    let photographer = assigned(R::Photographer);
    let own = thing(K::File).of_owner("m");
    assert!(may(&photographer, V::Delete, &own));
    assert!(!may(
        &photographer,
        V::Delete,
        &own.clone().with_mark(Mark::Delivered)
    ));
    assert!(!may(
        &photographer,
        V::Delete,
        &thing(K::File).of_owner("other")
    ));
    let refused = by_default(&member(R::Photographer), V::Delete, &own);
    assert_eq!(codes(&refused), ["condition_failed"]);
    assert_eq!(
        refused.reasons[0].text,
        "statement `default.photographer.delete` would allow `delete` but for its `assigned`"
    );
    assert_eq!(
        verbs_of(&photographer, &thing(K::Publication)),
        "list preview upload comment edit_meta version"
    );
}

#[test]
fn editor_assistant_and_viewer_have_their_own_rights_over_files() {
    let file = thing(K::File);
    assert_eq!(
        verbs_of(&assigned(R::Editor), &file),
        "list preview download_web download_original comment version"
    );
    assert_eq!(
        verbs_of(&assigned(R::Assistant), &file),
        "list preview upload"
    );
    assert_eq!(verbs_of(&assigned(R::Viewer), &file), "list preview");
    assert_eq!(
        verbs_of(&assigned(R::Assistant), &thing(K::Checklist)),
        "list preview upload comment edit_meta"
    );
    for role in [R::Photographer, R::Editor, R::Assistant, R::Viewer] {
        for object in things() {
            let verbs = verbs_of(&member(role), &object);
            let only_personal = object.is_addressed_to("m") || object.owner() == Some("m");
            assert!(
                verbs.is_empty() || only_personal,
                "{role} without assignment: {verbs}"
            );
        }
    }
}

/// D-ROL-1: owner ⊃ admin ⊃ coordinator ⊃ photographer ⊃ assistant ⊃ viewer.
#[test]
fn administration_inherits_downwards() {
    let line = [
        R::Owner,
        R::Admin,
        R::Coordinator,
        R::Photographer,
        R::Assistant,
        R::Viewer,
    ];
    for pair in line.windows(2) {
        let (above, below) = (assigned(pair[0]), assigned(pair[1]));
        for object in things() {
            for verb in V::ALL {
                assert!(
                    !may(&below, verb, &object) || may(&above, verb, &object),
                    "{} may {verb} {object:?}, {} may not",
                    pair[1],
                    pair[0]
                );
            }
        }
    }
}

#[test]
fn a_denial_for_a_role_is_for_exactly_that_role() {
    let deny = Statement::new(
        "no",
        Effect::Deny,
        Subject::OrganizationRole(R::Photographer),
        &[V::Upload],
    );
    let rights = Rights::with_statements("studio", [deny]);
    let file = thing(K::File);
    let upload = |role| {
        rights
            .decide(&assigned(role), V::Upload, &file, &now())
            .allow
    };
    assert!(!upload(R::Photographer));
    assert!(upload(R::Coordinator) && upload(R::Assistant) && upload(R::Owner));
}

#[test]
fn the_couple_has_its_own() {
    let couple = person(WeddingRole::Couple);
    assert_eq!(
        verbs_of(&couple, &thing(K::Picture)),
        "list preview download_web download_original comment approve mark_private"
    );
    assert_eq!(
        verbs_of(&couple, &thing(K::Timeline)),
        "list preview comment"
    );
    assert_eq!(
        verbs_of(&couple, &thing(K::GuestList)),
        "list preview upload comment edit_meta delete"
    );
    assert_eq!(verbs_of(&couple, &thing(K::Document)), "");
    let addressed = thing(K::Document).addressed_to("m");
    assert_eq!(
        verbs_of(&couple, &addressed),
        "list preview download_web download_original comment approve sign"
    );
    let internal = addressed.with_mark(Mark::Internal);
    assert_eq!(verbs_of(&couple, &internal), "");
    for kind in [K::Billing, K::Keys, K::Members, K::File, K::Vendors] {
        assert_eq!(verbs_of(&couple, &thing(kind)), "", "{kind}");
    }
    let another = Object::new(K::Picture, "o", "studio").of_wedding("another");
    assert_eq!(verbs_of(&couple, &another), "");
}

#[test]
fn family_and_guests_never_see_what_is_private() {
    let allow = |role| {
        Statement::new(
            "all",
            Effect::Allow,
            Subject::WeddingRole(role),
            &[V::List, V::Preview],
        )
    };
    for role in [WeddingRole::Family, WeddingRole::Guest] {
        let holder = person(role);
        let shared = thing(K::Picture).with_mark(Mark::Shared);
        assert!(may(&holder, V::Preview, &shared));
        let private = shared.with_mark(Mark::Private);
        // Not even if a studio opens all pictures.
        let rights = Rights::with_statements("studio", [allow(role)]);
        let seen = rights.decide(&holder, V::Preview, &private, &now());
        assert_eq!(codes(&seen), ["denied"]);
    }
    // Who marries sees it, on the list of guests or not.
    let bride = person(WeddingRole::Couple).with_part(Part::new("w", WeddingRole::Guest));
    assert!(may(
        &bride,
        V::Preview,
        &thing(K::Picture).with_mark(Mark::Private)
    ));
    let guest = person(WeddingRole::Guest);
    assert!(!may(&guest, V::Preview, &thing(K::Picture)));
    assert!(may(&guest, V::Preview, &thing(K::Picture).of_owner("m")));
    assert!(may(
        &person(WeddingRole::Family),
        V::Preview,
        &thing(K::Picture)
    ));
}

#[test]
fn a_vendor_has_a_workspace_and_never_the_budget() {
    let florist = Part::vendor("w", "roses-ltd", &[VendorType::Florist]);
    let vendor = person(WeddingRole::Vendor).with_part(florist);
    let own = thing(K::Workspace).in_workspace_of("roses-ltd");
    assert_eq!(
        verbs_of(&vendor, &own),
        "list preview download_original upload comment version"
    );
    assert_eq!(
        verbs_of(&vendor, &thing(K::Workspace).in_workspace_of("lilies-ltd")),
        ""
    );
    let item = thing(K::Timeline);
    assert_eq!(verbs_of(&vendor, &item), "");
    for item in [
        item.clone().concerning(&[VendorType::Florist]),
        item.clone().with_mark(Mark::General),
        item.clone().addressed_to("m"),
    ] {
        assert_eq!(verbs_of(&vendor, &item), "list preview comment");
    }
    assert_eq!(verbs_of(&vendor, &item.concerning(&[VendorType::Dj])), "");

    // Whatever a studio allows.
    let open = Statement::new("open", Effect::Allow, Subject::Anyone, &[V::List]);
    let rights = Rights::with_statements("studio", [open]);
    for kind in [K::Budget, K::Billing, K::GuestList] {
        let seen = rights.decide(&vendor, V::List, &thing(kind), &now());
        assert_eq!(codes(&seen), ["denied"], "{kind}");
        // The studio's own people are no outsiders because they work at the wedding.
        let owner = vendor.clone().with_organization_role(R::Owner);
        assert!(
            rights.decide(&owner, V::List, &thing(kind), &now()).allow,
            "{kind}"
        );
    }
}

#[test]
fn upload_without_list_is_a_drop_folder() {
    let drop = Statement::new(
        "drop",
        Effect::Allow,
        Subject::VendorType(VendorType::Band),
        &[V::Upload],
    )
    .on_objects(["inbox"]);
    let rights = Rights::only("studio", [drop]);
    let band = Part::vendor("w", "band", &[VendorType::Band]);
    let band = person(WeddingRole::Vendor).with_part(band);
    let inbox = Object::new(K::File, "inbox", "studio").of_wedding("w");
    let may = |verb| rights.decide(&band, verb, &inbox, &now()).allow;
    let allowed: Vec<_> = V::ALL.into_iter().filter(|verb| may(*verb)).collect();
    assert_eq!(allowed, [V::Upload]);
}

/// Rights of several vendor types add up, minus the denials.
#[test]
fn who_does_two_things_has_the_rights_of_both_minus_denials() {
    let by = |id: &str, effect, kind, verbs: &[Verb]| {
        Statement::new(id, effect, Subject::VendorType(kind), verbs)
    };
    let rights = Rights::only(
        "studio",
        [
            by(
                "cake",
                Effect::Allow,
                VendorType::Cake,
                &[V::List, V::Upload],
            ),
            by("dj", Effect::Allow, VendorType::Dj, &[V::Comment]),
            by("no", Effect::Deny, VendorType::Dj, &[V::Upload]),
        ],
    );
    let both = Part::vendor("w", "v", &[VendorType::Cake, VendorType::Dj]);
    let both = person(WeddingRole::Vendor).with_part(both);
    let file = thing(K::File);
    let may = |verb| rights.decide(&both, verb, &file, &now()).allow;
    assert!(may(V::List) && may(V::Comment) && !may(V::Upload));
}
