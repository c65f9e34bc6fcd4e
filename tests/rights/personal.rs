//! What never inherits (D-ROL-1).

use garland::permission::rights::{
    Effect, Holder, ObjectKind, Part, Rights, Statement, Subject, Verb, VerbSet,
};
use garland::wedding::{OrganizationRole, WeddingRole};

use crate::{codes, may, member, now, person, thing};

use ObjectKind as K;
use Verb as V;

#[test]
fn an_admin_cannot_consent_for_the_couple_and_enters_evidence() {
    let consent = thing(K::Consent).of_owner("bride");
    for role in OrganizationRole::ALL {
        let member = member(role);
        // Neither to consent, nor to write the record as if somebody had.
        for verb in [
            V::Consent,
            V::Upload,
            V::EditMeta,
            V::Version,
            V::Delete,
            V::Manage,
        ] {
            assert!(!may(&member, verb, &consent), "{role} may {verb}");
        }
    }
    let admin = member(OrganizationRole::Admin);
    assert!(may(&admin, V::Upload, &thing(K::ConsentEvidence)));
    let refused = crate::by_default(&admin, V::Consent, &consent);
    assert_eq!(codes(&refused), ["personal_right", "personal_right"]);
}

#[test]
fn each_partner_consents_for_themself() {
    let bride = Holder::new("bride", "studio").with_part(Part::new("w", WeddingRole::Couple));
    assert!(may(
        &bride,
        V::Consent,
        &thing(K::Consent).of_owner("bride")
    ));
    assert!(!may(
        &bride,
        V::Consent,
        &thing(K::Consent).of_owner("groom")
    ));
}

#[test]
fn no_statement_gives_what_is_personal() {
    let every = |subject: Subject| Statement::new("every", Effect::Allow, subject, &V::ALL);
    let subjects = [
        Subject::Anyone,
        Subject::Member("m".into()),
        Subject::OrganizationRole(OrganizationRole::Viewer),
    ];
    for subject in subjects {
        let rights = Rights::with_statements("studio", [every(subject.clone())]);
        for role in OrganizationRole::ALL {
            for verb in VerbSet::PERSONAL.iter() {
                for kind in K::ALL {
                    let object = thing(kind).of_owner("bride").addressed_to("bride");
                    let decision = rights.decide(&member(role), verb, &object, &now());
                    assert!(!decision.allow, "{role} may {verb} {kind} by {subject:?}");
                    assert_eq!(decision.reasons[0].code, "personal_right");
                }
            }
        }
    }
}

/// An administrator who marries has the couple's rights as the couple, not as the administrator.
#[test]
fn who_is_the_person_may_whatever_their_office() {
    let owner = person(WeddingRole::Couple).with_organization_role(OrganizationRole::Owner);
    assert!(may(&owner, V::ApprovePublication, &thing(K::Publication)));
    assert!(may(&owner, V::MarkPrivate, &thing(K::Picture)));
    let office = Statement::new(
        "office",
        Effect::Allow,
        Subject::OrganizationRole(OrganizationRole::Owner),
        &[V::ApprovePublication],
    );
    let rights = Rights::only("studio", [office]);
    let decision = rights.decide(
        &owner,
        V::ApprovePublication,
        &thing(K::Publication),
        &now(),
    );
    assert_eq!(codes(&decision), ["personal_right", "personal_right"]);
}

#[test]
fn only_an_addressee_signs() {
    let contract = thing(K::Document);
    let owner = member(OrganizationRole::Owner);
    assert!(!may(&owner, V::Sign, &contract));
    assert!(may(&owner, V::Sign, &contract.addressed_to("m")));
}
