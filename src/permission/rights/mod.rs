//! General authorization: who may do what to which object of a wedding, beside the sections of its pages.
//!
//! A right is a subject, a verb, an object and a condition (D-ROL-2). [`Rights`] holds the [`Statement`]s of one
//! organization beside the default tables and answers for a [`Holder`], whom the host describes by what they are, at one
//! instant. It is pure and cannot fail: the same question has the same answer, and what cannot be read or known is a
//! denial with a reason.
//!
//! - **Deny wins**, and no statement means deny (D-ROL-3). Every decision names the statements and the conditions that
//!   made it; [`Rights::explain`] lists all that were considered.
//! - **Administration inherits downwards**, from the owner to the viewer; only what is allowed is inherited. A denial for
//!   a role is for exactly that role.
//! - **Personal rights never inherit** (D-ROL-1): consent, the couple's approval of a publication, a signature and private
//!   marks are for the person alone, whatever a statement says. What an administrator has on paper is entered as
//!   [evidence](ObjectKind::ConsentEvidence), which is an object of its own.
//! - **Conditions** bind a statement to phases, a window of time, a vendor's arrival, an assignment, a relation to the
//!   object (D-ROL-4). [`Decision::valid_until`](super::Decision::valid_until) says until when time alone changes nothing.
//! - **What cannot be read is kept and fails closed**: a malformed allow gives nothing, a malformed deny denies
//!   everything that its readable parts could mean; see [`Statement::read`].
//! - **Nothing crosses organizations** (D-ROL-5): whoever or whatever is of another one is denied with the same words,
//!   and no statement is looked at.
//!
//! The phases are the four of [`Phase`](crate::wedding::Phase); what the wedding domain divides more finely is told by
//! [marks](Mark) of the object, such as [`Mark::Delivered`].
//!
//! # Example
//!
//! ```
//! use garland::Timestamp;
//! use garland::permission::rights::{Holder, Mark, Object, ObjectKind, Rights, Term, Verb, When};
//! use garland::wedding::OrganizationRole;
//!
//! let rights = Rights::new("studio");
//! let anna = Holder::new("anna", "studio")
//!     .with_organization_role(OrganizationRole::Photographer)
//!     .assigned_to_wedding("w1", Term::always());
//! let now = When::at(Timestamp::from_millis(1_780_000_000_000));
//! let picture = Object::new(ObjectKind::File, "p1", "studio").of_wedding("w1").of_owner("anna");
//! assert!(rights.decide(&anna, Verb::Delete, &picture, &now).allow);
//! let delivered = picture.with_mark(Mark::Delivered);
//! let refused = rights.decide(&anna, Verb::Delete, &delivered, &now);
//! assert_eq!(refused.reasons[0].code, "no_statement");
//! ```

mod actions;
mod condition;
mod defaults;
mod evaluate;
mod explanation;
mod holder;
mod object;
mod personal;
mod read;
mod statement;
mod vocabulary;

pub use actions::{ActionRule, KNOWN_ACTIONS};
pub use evaluate::{Rights, When};
pub use explanation::{Considered, Explanation, Outcome};
pub use holder::{Holder, Part, Term};
pub use object::Object;
pub use statement::{Effect, Statement, Subject};
pub use vocabulary::{
    Arrival, ArrivalSet, ConditionKind, Mark, MarkSet, ObjectKind, ObjectKindSet, Relation,
    RelationSet, Verb, VerbSet,
};
