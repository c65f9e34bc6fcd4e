//! Laws of patches, of validation, of scopes and of overlays.

use garland::section::{
    Configuration, Group, Overlay, PartnerSettings, Patch, Reach, Scope, Target, Template, validate,
};
use proptest::prelude::*;
use serde_json::json;

use super::worlds::{anything, changes, configuration, odd_configuration, patch};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn composed_is_one_after_the_other(stored in odd_configuration(), p in patch(), q in patch()) {
        prop_assert_eq!(p.then(&q).apply(&stored), q.apply(&p.apply(&stored)));
    }

    #[test]
    fn composing_is_associative(p in patch(), q in patch(), r in patch()) {
        prop_assert_eq!(p.then(&q).then(&r), p.then(&q.then(&r)));
        prop_assert_eq!(&Patch::default().then(&p), &p);
        prop_assert_eq!(p.then(&Patch::default()), p);
    }

    #[test]
    fn applying_twice_is_applying_once(stored in odd_configuration(), p in patch()) {
        let once = p.apply(&stored);
        prop_assert_eq!(p.apply(&once), once);
    }

    #[test]
    fn a_difference_makes_one_of_the_other(before in configuration(), after in configuration()) {
        let difference = Patch::diff(&before, &after);
        prop_assert!(Patch::diff(&difference.apply(&before), &after).is_empty());
        prop_assert!(Patch::diff(&after, &difference.apply(&before)).is_empty());
    }

    #[test]
    fn a_difference_is_the_smallest(before in configuration(), after in configuration()) {
        let difference = Patch::diff(&before, &after).into_value();
        for (group, fields) in difference.as_object().unwrap() {
            for name in fields.as_object().unwrap().keys() {
                let mut smaller = difference.clone();
                smaller[group].as_object_mut().unwrap().remove(name);
                let smaller = Patch::try_from(smaller).unwrap();
                let missed = Patch::diff(&smaller.apply(&before), &after);
                prop_assert!(!missed.is_empty(), "{group}/{name} is not needed");
            }
        }
    }

    #[test]
    fn nothing_differs_from_itself(stored in odd_configuration()) {
        prop_assert_eq!(Patch::diff(&stored, &stored), Patch::default());
    }

    #[test]
    fn identity_is_never_touched(stored in configuration(), p in patch()) {
        let changed = p.apply(&stored);
        for key in ["id", "organizationId", "weddingId", "sectionType"] {
            prop_assert_eq!(changed.as_map().get(key), stored.as_map().get(key));
        }
    }

    #[test]
    fn what_a_patch_does_not_mention_stays(stored in odd_configuration(), p in patch()) {
        let changed = p.apply(&stored);
        for group in Group::ALL {
            let Some(mentioned) = p.group(group) else {
                prop_assert_eq!(changed.as_map().get(group.as_str()), stored.as_map().get(group.as_str()));
                continue;
            };
            for (name, value) in stored.group(group).into_iter().flatten() {
                if !mentioned.contains_key(name) {
                    prop_assert_eq!(changed.group(group).and_then(|fields| fields.get(name)), Some(value));
                }
            }
        }
    }

    #[test]
    fn valid_changes_stay_valid_and_as_they_are(sent in changes()) {
        let first = validate(&sent, Target::Shared).into_patch().unwrap();
        let second = validate(&first.clone().into_value(), Target::Shared);
        prop_assert_eq!(second.sanitized(), Some(&first));
    }

    #[test]
    fn whatever_is_sent_is_refused_or_comes_out_clean(sent in anything(), personal: bool) {
        let target = if personal { Target::Personal } else { Target::Shared };
        let found = validate(&sent, target);
        prop_assert_eq!(found.is_valid(), found.errors().is_empty());
        let errors: Vec<_> = found.errors().iter().map(|error| (&error.path, error.code.as_str())).collect();
        prop_assert!(errors.is_sorted());
        if let Some(clean) = found.sanitized() {
            let again = validate(&clean.clone().into_value(), target);
            prop_assert_eq!(again.sanitized(), Some(clean));
            // What is valid for a person is an overlay.
            prop_assert!(!personal || Overlay::new(clean.clone()).is_ok());
        }
    }

    #[test]
    fn a_scope_is_none_exactly_if_nothing_differs(stored in odd_configuration(), p in patch(), personal: bool) {
        let target = if personal { Target::Personal } else { Target::Shared };
        let scope = Scope::of(&stored, &p, target);
        let difference = Patch::diff(&stored, &p.apply(&stored));
        prop_assert_eq!(scope.reach == Reach::None, difference.is_empty());
        prop_assert_eq!(scope.reach == Reach::User, personal && !difference.is_empty());
        let guarded = [Group::Visibility, Group::Permissions].iter().any(|group| difference.group(*group).is_some());
        prop_assert_eq!(scope.recompute_permissions, guarded && !personal);
        if !personal && !difference.is_empty() {
            let wanted = if stored.wedding().is_some() { Reach::Wedding } else { Reach::Organization };
            prop_assert_eq!(scope.reach, wanted);
        }
    }

    #[test]
    fn a_person_never_changes_who_sees_what(stored in odd_configuration(), p in patch()) {
        match Overlay::new(p.clone()) {
            Ok(own) => {
                let seen = own.apply(&stored);
                for group in ["visibility", "permissions"] {
                    prop_assert_eq!(seen.as_map().get(group), stored.as_map().get(group));
                }
            }
            Err(_) => prop_assert!(p.group(Group::Visibility).is_some() || p.group(Group::Permissions).is_some()),
        }
    }

    #[test]
    fn a_copy_differs_in_identity_only(stored in odd_configuration()) {
        let template = match stored.wedding() {
            Some(wedding) => Template::of_wedding([&stored], "o", wedding),
            None => Template::of_organization([&stored], "o"),
        };
        let copies = template.instantiate("q", Some("v"), || "n".to_owned());
        let mut wanted = stored.as_map().clone();
        wanted.insert("id".into(), json!("n"));
        wanted.insert("organizationId".into(), json!("q"));
        wanted.insert("weddingId".into(), json!("v"));
        prop_assert_eq!(copies, [Configuration::new(wanted)]);
    }

    #[test]
    fn a_partner_is_never_told_who_may_what(p in patch(), visibility: bool, layout: bool, customization: bool) {
        let settings = PartnerSettings::read(&json!({
            "syncVisibility": visibility, "syncLayout": layout, "syncCustomization": customization,
        }));
        let sent = settings.configuration(&p).unwrap_or_default();
        prop_assert_eq!(sent.group(Group::Permissions), None);
        let groups = [(Group::Visibility, visibility), (Group::Layout, layout), (Group::Customization, customization)];
        for (group, is_on) in groups {
            // Whole, the phase limit of the roles included, or not at all.
            let wanted = p.group(group).filter(|fields| is_on && !fields.is_empty());
            prop_assert_eq!(sent.group(group), wanted);
        }
    }
}
