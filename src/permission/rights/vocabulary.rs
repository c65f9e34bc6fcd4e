//! The words of rights: verbs, kinds of objects, their marks, and how a person stands to them.

use crate::wedding::word::{word_set, words};

words! {
    /// What can be done to an object: the verbs of D-ROL-2, then the personal ones of D-ROL-1.
    ///
    /// No verb contains another: who may [`Upload`](Self::Upload) but not [`List`](Self::List) has a drop folder.
    Verb, "verb":
    /// See that it is there, and its name.
    List = "list",
    /// See it reduced.
    Preview = "preview",
    /// Fetch it in the size for screens.
    DownloadWeb = "download_web",
    /// Fetch it as it is.
    DownloadOriginal = "download_original",
    /// Put something new into it.
    Upload = "upload",
    /// Say something about it.
    Comment = "comment",
    /// Change what is known about it.
    EditMeta = "edit_meta",
    /// Add a version.
    Version = "version",
    /// Answer a request for approval inside the work.
    Approve = "approve",
    /// Put it elsewhere.
    Move = "move",
    /// Take it away.
    Delete = "delete",
    /// Give it to somebody outside.
    Share = "share",
    /// Decide who may what with it.
    Manage = "manage",
    /// Agree to being shown. Personal.
    Consent = "consent",
    /// Agree, as the couple, to a publication. Personal.
    ApprovePublication = "approve_publication",
    /// Sign a document. Personal.
    Sign = "sign",
    /// Mark a picture as private. Personal.
    MarkPrivate = "mark_private",
}

word_set! {
    /// A set of verbs.
    VerbSet(u32) of Verb
}

impl VerbSet {
    /// The verbs of a person that no role inherits.
    pub const PERSONAL: Self = Self::of(&[
        Verb::Consent,
        Verb::ApprovePublication,
        Verb::Sign,
        Verb::MarkPrivate,
    ]);
    /// The verbs that administration inherits.
    pub const ADMINISTRATION: Self = Self::of(&[
        Verb::List,
        Verb::Preview,
        Verb::DownloadWeb,
        Verb::DownloadOriginal,
        Verb::Upload,
        Verb::Comment,
        Verb::EditMeta,
        Verb::Version,
        Verb::Approve,
        Verb::Move,
        Verb::Delete,
        Verb::Share,
        Verb::Manage,
    ]);
}

impl Verb {
    /// Whether only the person concerned may do it.
    #[must_use]
    pub const fn is_personal(self) -> bool {
        VerbSet::PERSONAL.contains(self)
    }
}

words! {
    /// What an object is.
    ObjectKind, "kind of object":
    /// The organization itself.
    Organization = "organization",
    /// What the organization pays.
    Billing = "billing",
    /// The organization's keys.
    Keys = "keys",
    /// Who belongs to the organization, and as what.
    Members = "members",
    /// A wedding as a whole.
    Wedding = "wedding",
    /// Who of the organization works at a wedding.
    Assignment = "assignment",
    /// The vendors of a wedding.
    Vendors = "vendors",
    /// The timeline of a wedding, or an item of it.
    Timeline = "timeline",
    /// The guests of a wedding.
    GuestList = "guest_list",
    /// What a wedding costs.
    Budget = "budget",
    /// A vendor's area, or a folder or file in it.
    Workspace = "workspace",
    /// A working file, or the folder of such: originals, versions.
    File = "file",
    /// What the couple and guests look at, or a set in it.
    Gallery = "gallery",
    /// A picture or film in a gallery.
    Picture = "picture",
    /// A named selection.
    Favourites = "favourites",
    /// A contract, an invoice, a licence.
    Document = "document",
    /// A list to tick off.
    Checklist = "checklist",
    /// What one person has agreed to.
    Consent = "consent",
    /// Paper that says that somebody has agreed, entered by somebody else.
    ConsentEvidence = "consent_evidence",
    /// A draft for the public.
    Publication = "publication",
}

word_set! {
    /// A set of kinds of objects.
    ObjectKindSet(u32) of ObjectKind
}

impl ObjectKindSet {
    /// Every kind.
    pub const ALL: Self = Self::of(&ObjectKind::ALL);
}

words! {
    /// What is true of an object beyond what it is.
    Mark, "mark":
    /// The couple has marked it as private.
    Private = "private",
    /// It has been delivered to the couple.
    Delivered = "delivered",
    /// It is shared with the guests.
    Shared = "shared",
    /// Its owner has released it to the other vendors.
    Released = "released",
    /// It is for the organization only.
    Internal = "internal",
    /// It is for everybody at the wedding, as the general items of a timeline are.
    General = "general",
}

word_set! {
    /// A set of marks.
    MarkSet(u8) of Mark
}

words! {
    /// How somebody stands to an object.
    Relation, "relation":
    /// They have made it, or it is about them.
    Own = "own",
    /// It lies in the workspace of a vendor that they work for.
    Workspace = "workspace",
    /// It is addressed to them.
    Addressed = "addressed",
    /// It concerns what they do as a vendor, is addressed to them or is [general](Mark::General).
    Concerned = "concerned",
}

word_set! {
    /// A set of relations.
    RelationSet(u8) of Relation
}

words! {
    /// How far a vendor has come on the day.
    Arrival, "state of arrival":
    /// Not heard of yet.
    Expected = "expected",
    /// Has set out.
    OnTheWay = "on_the_way",
    /// Is there.
    Arrived = "arrived",
    /// Should be there.
    Late = "late",
    /// Has left.
    Departed = "departed",
    /// Does not come.
    NoShow = "no_show",
}

word_set! {
    /// A set of states of arrival.
    ArrivalSet(u8) of Arrival
}

words! {
    /// A condition of a statement, in the order in which they are told.
    ConditionKind, "condition":
    /// The wedding stands in one of these phases.
    Phases = "phases",
    /// It is late enough.
    From = "from",
    /// It is not too late.
    Until = "until",
    /// The vendor has come so far.
    Arrival = "arrival",
    /// They are assigned to the wedding, or are not.
    Assigned = "assigned",
    /// They stand to the object in one of these ways.
    Relations = "relations",
    /// They have no role in the organization and are not of the couple, or the other way round.
    Outsider = "outsider",
}
