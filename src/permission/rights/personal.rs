//! What is for the person alone, whatever a statement says (D-ROL-1).

use crate::wedding::WeddingRole;

use super::evaluate::Question;
use super::statement::{Clause, Statement, Subject};
use super::vocabulary::{ObjectKind, Verb, VerbSet};

/// What others may do to the record of somebody's consent: look at it.
const WITH_CONSENT_OF_OTHERS: VerbSet = VerbSet::of(&[
    Verb::List,
    Verb::Preview,
    Verb::DownloadWeb,
    Verb::DownloadOriginal,
    Verb::Comment,
]);

/// Whether the question is one that only the person concerned can be allowed.
///
/// The record of a consent is one with the consent: whoever could write it could give it.
pub(super) fn is_personal(question: &Question<'_>) -> bool {
    let writes_consent = question.object.kind() == ObjectKind::Consent
        && !WITH_CONSENT_OF_OTHERS.contains(question.verb);
    question.verb.is_personal() || writes_consent
}

/// Whether a statement may give what is asked for to the one who asks: anybody what is not personal; what is, only to the
/// person themself, and never by a role in the organization.
pub(super) fn may_be_given(statement: &Statement, question: &Question<'_>) -> bool {
    let by_office = matches!(
        statement.subject,
        Clause::Only(Subject::OrganizationRole(_))
    );
    !is_personal(question) || !by_office && is_the_person(question)
}

fn is_the_person(question: &Question<'_>) -> bool {
    let (holder, object) = (question.holder, question.object);
    match question.verb {
        Verb::Sign => object.is_addressed_to(holder.id()),
        Verb::ApprovePublication | Verb::MarkPrivate => {
            let mut parts = holder.parts_at(object.wedding());
            parts.any(|part| part.role == WeddingRole::Couple && part.term.holds(question.when.now))
        }
        _ => object.kind() == ObjectKind::Consent && object.owner() == Some(holder.id()),
    }
}
