//! The tables of §2 of the wedding domain as data: what each role may before an organization says anything.

use crate::wedding::{OrganizationRole, WeddingRole};

use super::statement::{Effect, Statement, Subject};
use super::vocabulary::{Mark, ObjectKind, Relation, RelationSet, Verb, VerbSet};

use ObjectKind as K;
use Verb as V;

/// Whom a line is about.
enum Who {
    Anyone,
    In(OrganizationRole),
    At(WeddingRole),
}

/// When a line counts.
enum Only {
    Always,
    /// Somebody is assigned to the wedding.
    Assigned,
    /// Somebody stands to the object in one of these ways.
    Related(&'static [Relation]),
    /// Both.
    AssignedAnd(&'static [Relation]),
    /// Somebody has no role in the organization and is not of the couple.
    Outsider,
}

struct Line {
    id: &'static str,
    effect: Effect,
    who: Who,
    verbs: VerbSet,
    kinds: &'static [ObjectKind],
    with: &'static [Mark],
    without: &'static [Mark],
    only: Only,
}

const READ: &[Verb] = &[V::List, V::Preview];
const LOOK: &[Verb] = &[V::List, V::Preview, V::Comment];
const KEEP: &[Verb] = &[
    V::List,
    V::Preview,
    V::DownloadWeb,
    V::DownloadOriginal,
    V::Upload,
    V::Comment,
    V::EditMeta,
    V::Version,
    V::Approve,
    V::Move,
    V::Delete,
    V::Share,
];

/// All but the record of a consent, which is the person's own.
const ADMINISTERED: &[ObjectKind] = &[
    K::Members,
    K::Wedding,
    K::Assignment,
    K::Vendors,
    K::Timeline,
    K::GuestList,
    K::Budget,
    K::Workspace,
    K::File,
    K::Gallery,
    K::Picture,
    K::Favourites,
    K::Document,
    K::Checklist,
    K::ConsentEvidence,
    K::Publication,
];

const fn allow(id: &'static str, who: Who, verbs: &[Verb], kinds: &'static [ObjectKind]) -> Line {
    Line {
        id,
        effect: Effect::Allow,
        who,
        verbs: VerbSet::of(verbs),
        kinds,
        with: &[],
        without: &[],
        only: Only::Always,
    }
}

const fn deny(id: &'static str, who: Who, kinds: &'static [ObjectKind]) -> Line {
    let mut line = allow(id, who, &V::ALL, kinds);
    line.effect = Effect::Deny;
    line
}

impl Line {
    const fn only(mut self, only: Only) -> Self {
        self.only = only;
        self
    }

    const fn with(mut self, marks: &'static [Mark]) -> Self {
        self.with = marks;
        self
    }

    const fn without(mut self, marks: &'static [Mark]) -> Self {
        self.without = marks;
        self
    }

    const fn all_but_personal(mut self) -> Self {
        self.verbs = VerbSet::ADMINISTRATION;
        self
    }
}

const LINES: &[Line] = &[
    // The owner: everything, the keys and the end of the organization included.
    allow("default.owner", OWNER, &[], ADMINISTERED).all_but_personal(),
    allow(
        "default.owner.organization",
        OWNER,
        &[],
        &[K::Organization, K::Billing, K::Keys],
    )
    .all_but_personal(),
    // The admin: everything but to own the billing and to end the organization. Without the keys nothing is left of it,
    // so they are the owner's.
    allow("default.admin", ADMIN, &[], ADMINISTERED).all_but_personal(),
    allow("default.admin.billing", ADMIN, KEEP, &[K::Billing]),
    allow(
        "default.admin.organization",
        ADMIN,
        &[V::List, V::Preview, V::Comment, V::EditMeta],
        &[K::Organization],
    ),
    allow("default.admin.consent", ADMIN, READ, &[K::Consent]),
    // The coordinator: all weddings; no billing, no administration of members.
    allow(
        "default.coordinator",
        COORDINATOR,
        &[],
        &[
            K::Assignment,
            K::Vendors,
            K::Timeline,
            K::GuestList,
            K::Budget,
            K::Workspace,
            K::Document,
            K::Checklist,
        ],
    )
    .all_but_personal(),
    allow(
        "default.coordinator.wedding",
        COORDINATOR,
        &[V::List, V::Preview, V::Comment, V::EditMeta, V::Upload],
        &[K::Wedding],
    ),
    allow(
        "default.coordinator.consent",
        COORDINATOR,
        READ,
        &[K::Consent],
    ),
    // The photographer, at weddings assigned: ingest, cull, edit, deliver, drafts for the public.
    allow(
        "default.photographer.files",
        PHOTOGRAPHER,
        &[
            V::DownloadWeb,
            V::DownloadOriginal,
            V::Upload,
            V::Comment,
            V::EditMeta,
            V::Version,
            V::Move,
        ],
        &[K::File],
    )
    .only(Only::Assigned),
    allow(
        "default.photographer.private",
        PHOTOGRAPHER,
        READ,
        &[K::File, K::Gallery, K::Picture],
    )
    .only(Only::Assigned),
    allow(
        "default.photographer.deliver",
        PHOTOGRAPHER,
        &[
            V::DownloadWeb,
            V::DownloadOriginal,
            V::Upload,
            V::Comment,
            V::EditMeta,
            V::Version,
            V::Move,
            V::Share,
        ],
        &[K::Gallery, K::Picture],
    )
    .only(Only::Assigned),
    allow(
        "default.photographer.delete",
        PHOTOGRAPHER,
        &[V::Delete],
        &[K::File, K::Picture],
    )
    .without(&[Mark::Delivered])
    .only(Only::AssignedAnd(&[Relation::Own])),
    allow(
        "default.photographer.drafts",
        PHOTOGRAPHER,
        &[
            V::List,
            V::Preview,
            V::Upload,
            V::Comment,
            V::EditMeta,
            V::Version,
        ],
        &[K::Publication],
    )
    .only(Only::Assigned),
    // The editor, at weddings assigned: originals out, versions in, nothing to anybody outside.
    allow(
        "default.editor",
        EDITOR,
        &[
            V::List,
            V::Preview,
            V::DownloadWeb,
            V::DownloadOriginal,
            V::Version,
            V::Comment,
        ],
        &[K::File],
    )
    .only(Only::Assigned),
    // The assistant, at weddings assigned: uploads and checklists, no originals.
    allow(
        "default.assistant.upload",
        ASSISTANT,
        &[V::Upload],
        &[K::File],
    )
    .only(Only::Assigned),
    allow(
        "default.assistant.checklists",
        ASSISTANT,
        &[V::List, V::Preview, V::Upload, V::Comment, V::EditMeta],
        &[K::Checklist],
    )
    .only(Only::Assigned),
    // The viewer: previews of weddings assigned.
    allow(
        "default.viewer",
        VIEWER,
        READ,
        &[K::Wedding, K::Timeline, K::File, K::Gallery, K::Picture],
    )
    .without(&[Mark::Private])
    .only(Only::Assigned),
    // The couple.
    allow(
        "default.couple.galleries",
        COUPLE,
        &[
            V::List,
            V::Preview,
            V::DownloadWeb,
            V::DownloadOriginal,
            V::Comment,
            V::Approve,
            V::MarkPrivate,
        ],
        &[K::Gallery, K::Picture],
    )
    .without(&[Mark::Internal]),
    allow(
        "default.couple.favourites",
        COUPLE,
        &[
            V::List,
            V::Preview,
            V::Upload,
            V::Comment,
            V::EditMeta,
            V::Delete,
        ],
        &[K::Favourites],
    )
    .only(Only::Related(&[Relation::Own])),
    allow("default.couple.timeline", COUPLE, LOOK, &[K::Timeline]).without(&[Mark::Internal]),
    allow(
        "default.couple.guests",
        COUPLE,
        &[
            V::List,
            V::Preview,
            V::Upload,
            V::Comment,
            V::EditMeta,
            V::Delete,
        ],
        &[K::GuestList],
    ),
    allow(
        "default.couple.documents",
        COUPLE,
        &[
            V::List,
            V::Preview,
            V::DownloadWeb,
            V::DownloadOriginal,
            V::Comment,
            V::Approve,
        ],
        &[K::Document, K::Workspace],
    )
    .without(&[Mark::Internal])
    .only(Only::Related(&[Relation::Addressed])),
    allow(
        "default.couple.publication",
        COUPLE,
        &[V::List, V::Preview, V::Comment, V::ApprovePublication],
        &[K::Publication],
    )
    .without(&[Mark::Internal]),
    // Each person's own.
    allow(
        "default.person.consent",
        Who::Anyone,
        &[V::List, V::Preview, V::Consent],
        &[K::Consent],
    )
    .only(Only::Related(&[Relation::Own])),
    allow(
        "default.person.sign",
        Who::Anyone,
        &[
            V::List,
            V::Preview,
            V::DownloadWeb,
            V::DownloadOriginal,
            V::Sign,
        ],
        &[K::Document],
    )
    .without(&[Mark::Internal])
    .only(Only::Related(&[Relation::Addressed])),
    // The family: galleries without what is private.
    allow(
        "default.family",
        FAMILY,
        &[V::List, V::Preview, V::DownloadWeb],
        &[K::Gallery, K::Picture],
    )
    .without(&[Mark::Private, Mark::Internal]),
    deny("default.family.private", FAMILY, &[K::Gallery, K::Picture])
        .with(&[Mark::Private])
        .only(Only::Outsider),
    // The vendor: their own workspace, what of the timeline concerns them; never budget, billing, guests.
    allow(
        "default.vendor.workspace",
        VENDOR,
        &[
            V::List,
            V::Preview,
            V::DownloadOriginal,
            V::Upload,
            V::Version,
            V::Comment,
        ],
        &[K::Workspace],
    )
    .only(Only::Related(&[Relation::Workspace])),
    allow("default.vendor.timeline", VENDOR, LOOK, &[K::Timeline])
        .without(&[Mark::Internal])
        .only(Only::Related(&[Relation::Concerned])),
    deny(
        "default.vendor.never",
        VENDOR,
        &[K::Budget, K::Billing, K::GuestList],
    )
    .only(Only::Outsider),
    // The guest: what is shared, and what they have brought themselves.
    allow(
        "default.guest.gallery",
        GUEST,
        READ,
        &[K::Gallery, K::Picture],
    )
    .with(&[Mark::Shared])
    .without(&[Mark::Private, Mark::Internal]),
    allow("default.guest.upload", GUEST, &[V::Upload], &[K::Gallery])
        .with(&[Mark::Shared])
        .without(&[Mark::Private, Mark::Internal]),
    allow(
        "default.guest.own",
        GUEST,
        &[V::List, V::Preview, V::DownloadOriginal, V::Delete],
        &[K::Picture],
    )
    .without(&[Mark::Private, Mark::Internal])
    .only(Only::Related(&[Relation::Own])),
    deny("default.guest.private", GUEST, &[K::Gallery, K::Picture])
        .with(&[Mark::Private])
        .only(Only::Outsider),
];

const OWNER: Who = Who::In(OrganizationRole::Owner);
const ADMIN: Who = Who::In(OrganizationRole::Admin);
const COORDINATOR: Who = Who::In(OrganizationRole::Coordinator);
const PHOTOGRAPHER: Who = Who::In(OrganizationRole::Photographer);
const EDITOR: Who = Who::In(OrganizationRole::Editor);
const ASSISTANT: Who = Who::In(OrganizationRole::Assistant);
const VIEWER: Who = Who::In(OrganizationRole::Viewer);
const COUPLE: Who = Who::At(WeddingRole::Couple);
const FAMILY: Who = Who::At(WeddingRole::Family);
const VENDOR: Who = Who::At(WeddingRole::Vendor);
const GUEST: Who = Who::At(WeddingRole::Guest);

/// Returns the default tables as statements.
pub(super) fn statements() -> impl Iterator<Item = Statement> {
    LINES.iter().map(Line::statement)
}

impl Line {
    fn statement(&self) -> Statement {
        let subject = match self.who {
            Who::Anyone => Subject::Anyone,
            Who::In(role) => Subject::OrganizationRole(role),
            Who::At(role) => Subject::WeddingRole(role),
        };
        let verbs: Vec<_> = self.verbs.iter().collect();
        let mut statement =
            Statement::new(self.id, self.effect, subject, &verbs).on_kinds(self.kinds);
        if !self.with.is_empty() {
            statement = statement.with_marks(self.with);
        }
        if !self.without.is_empty() {
            statement = statement.without_marks(self.without);
        }
        match self.only {
            Only::Always => statement,
            Only::Assigned => statement.if_assigned(true),
            Only::Related(relations) => statement.if_related(RelationSet::of(relations)),
            Only::AssignedAnd(relations) => statement
                .if_assigned(true)
                .if_related(RelationSet::of(relations)),
            Only::Outsider => statement.if_outsider(true),
        }
    }
}
