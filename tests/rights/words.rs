//! Every word has one spelling.

use garland::permission::rights::{
    Arrival, ConditionKind, Mark, ObjectKind, Relation, Verb, VerbSet,
};

#[test]
fn words_are_read_as_they_are_written_and_not_otherwise() {
    fn each<T: std::str::FromStr + ToString + PartialEq + std::fmt::Debug>(all: &[T]) {
        for word in all {
            let text = word.to_string();
            assert_eq!(text.parse().ok().as_ref(), Some(word));
            for other in [text.to_uppercase(), format!(" {text}"), String::new()] {
                assert!(other.parse::<T>().is_err(), "{other:?}");
            }
        }
    }
    each(&Verb::ALL);
    each(&ObjectKind::ALL);
    each(&Mark::ALL);
    each(&Relation::ALL);
    each(&Arrival::ALL);
    each(&ConditionKind::ALL);
}

#[test]
fn the_verbs_are_those_of_the_trade() {
    let names: Vec<_> = Verb::ALL.iter().map(|verb| verb.as_str()).collect();
    let expected = "list, preview, download_web, download_original, upload, comment, edit_meta, version, approve, move, \
        delete, share, manage, consent, approve_publication, sign, mark_private";
    assert_eq!(names.join(", "), expected);
    for verb in Verb::ALL {
        assert_ne!(
            VerbSet::PERSONAL.contains(verb),
            VerbSet::ADMINISTRATION.contains(verb)
        );
        assert_eq!(verb.is_personal(), VerbSet::PERSONAL.contains(verb));
    }
}
