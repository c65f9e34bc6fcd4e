//! How platforms prove that a delivery is theirs.
//!
//! A scheme is data: where the evidence stands, how it is written, and what was signed. Sources of
//! the facts are the platforms' own pages, as the catalog of platforms names them.

use std::time::Duration;

/// A way to prove a delivery.
///
/// # Example
///
/// ```
/// use garland::crypto::signatures::{Encoding, Layout, Part, Scheme, Stamp};
///
/// // A platform that signs `<timestamp>|<body>` and writes the signature in hexadecimal.
/// const STUDIO_TOOL: Scheme = Scheme::hmac_sha256(
///     &["x-tool-signature"],
///     Layout::Whole { prefix: "" },
///     Encoding::Hex,
///     &[Part::Timestamp, Part::Text("|"), Part::Body],
/// )
/// .with_stamp(Stamp::Seconds("x-tool-timestamp"));
/// assert!(STUDIO_TOOL.is_stamped());
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Scheme {
    pub(super) proof: Proof,
    /// Names of the headers of which each may hold evidence, in lower case.
    pub(super) headers: &'static [&'static str],
    pub(super) layout: Layout,
    pub(super) encoding: Encoding,
    pub(super) message: &'static [Part],
    pub(super) stamp: Option<Stamp>,
    pub(super) id: Option<&'static str>,
    pub(super) window: Duration,
}

/// What the evidence is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Proof {
    /// HMAC-SHA256 with the text of the secret.
    Sha256,
    /// The same with the bytes behind `whsec_`.
    Sha256Whsec,
    /// HMAC-SHA1, which a few old platforms still use; never for a scheme of our own.
    Sha1,
    /// The secret itself comes back.
    Token,
}

/// How evidence is written into a header.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Layout {
    /// One signature and nothing else, behind a fixed prefix: `sha256=…`.
    Whole {
        /// What stands before it; may be empty.
        prefix: &'static str,
    },
    /// Pairs of a name and a value: `t=…,v1=…,v1=…`. Other names are passed over.
    Pairs {
        /// The name of the signatures, of which one must be right.
        signature: &'static str,
        /// The name of the timestamp, which must be there once.
        timestamp: &'static str,
    },
    /// Signatures with their versions, separated by spaces: `v1,… v1,…`. Other versions are passed over.
    Versions {
        /// The version that is understood.
        version: &'static str,
    },
    /// In the body, as `value[].clientState`, the same in each.
    ClientState,
}

/// How the bytes of a signature are written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Encoding {
    /// Hexadecimal in lower case.
    Hex,
    /// Base64 with padding, in its one proper form.
    Base64,
}

/// Where the signed time stands, and in what form.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Stamp {
    /// A header with seconds since 1970.
    Seconds(&'static str),
    /// A header with milliseconds since 1970.
    Millis(&'static str),
    /// A header with a time by RFC 3339.
    Rfc3339(&'static str),
    /// With the signatures ([`Layout::Pairs`]), in seconds since 1970.
    Pair,
}

/// A part of what was signed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Part {
    /// The body, byte for byte.
    Body,
    /// The timestamp as it was written.
    Timestamp,
    /// The id as it was written.
    Id,
    /// The method in upper case.
    Method,
    /// The public address, exactly as the platform called it.
    Url,
    /// The fields of a form, ordered by name, each name followed by its value. For another kind of body
    /// nothing, but then the address must hold `bodySHA256`, and the body must agree with it.
    Fields,
    /// A fixed text.
    Text(&'static str),
}

impl Scheme {
    /// The window of time in which a stamped delivery is taken, to either side: 300 s.
    pub const WINDOW: Duration = Duration::from_secs(300);

    /// Describes a scheme by HMAC-SHA256. Names of headers are in lower case.
    #[must_use]
    pub const fn hmac_sha256(
        headers: &'static [&'static str],
        layout: Layout,
        encoding: Encoding,
        message: &'static [Part],
    ) -> Self {
        Self::new(Proof::Sha256, headers, layout, encoding, message)
    }

    /// Describes a scheme in which a secret of the receiver's comes back in a header. It proves
    /// nothing about the body: take such a delivery as a hint to look, and no more.
    #[must_use]
    pub const fn token(headers: &'static [&'static str]) -> Self {
        let whole = Layout::Whole { prefix: "" };
        Self::new(Proof::Token, headers, whole, Encoding::Hex, &[])
    }

    const fn new(
        proof: Proof,
        headers: &'static [&'static str],
        layout: Layout,
        encoding: Encoding,
        message: &'static [Part],
    ) -> Self {
        Self {
            proof,
            headers,
            layout,
            encoding,
            message,
            stamp: None,
            id: None,
            window: Self::WINDOW,
        }
    }

    /// Sets where the time stands.
    #[must_use]
    pub const fn with_stamp(mut self, stamp: Stamp) -> Self {
        self.stamp = Some(stamp);
        self
    }

    /// Sets the header in which the platform names the delivery.
    #[must_use]
    pub const fn with_id(mut self, header: &'static str) -> Self {
        self.id = Some(header);
        self
    }

    /// Sets how far the time of a delivery may be off, to either side.
    #[must_use]
    pub const fn with_window(mut self, window: Duration) -> Self {
        self.window = window;
        self
    }

    /// Tells whether a delivery bears a signed time, so that an old one is refused.
    #[must_use]
    pub const fn is_stamped(&self) -> bool {
        self.stamp.is_some()
    }
}

const BODY: &[Part] = &[Part::Body];
const STANDARD: &[Part] = &[
    Part::Id,
    Part::Text("."),
    Part::Timestamp,
    Part::Text("."),
    Part::Body,
];
const STAMPED_BODY: &[Part] = &[Part::Timestamp, Part::Text("."), Part::Body];
const V0: &[Part] = &[
    Part::Text("v0:"),
    Part::Timestamp,
    Part::Text(":"),
    Part::Body,
];

/// The schemes of platforms.
impl Scheme {
    /// [Standard Webhooks](https://github.com/standard-webhooks/standard-webhooks), also garland's own.
    pub const STANDARD_WEBHOOKS: Self = Self::new(
        Proof::Sha256Whsec,
        &["webhook-signature"],
        Layout::Versions { version: "v1" },
        Encoding::Base64,
        STANDARD,
    )
    .with_stamp(Stamp::Seconds("webhook-timestamp"))
    .with_id("webhook-id");

    /// Svix, by which Resend and others send: Standard Webhooks with older names.
    pub const SVIX: Self = Self {
        headers: &["svix-signature"],
        ..Self::STANDARD_WEBHOOKS
    }
    .with_stamp(Stamp::Seconds("svix-timestamp"))
    .with_id("svix-id");

    /// GitHub, Meta (Instagram, Facebook, WhatsApp): no time and no signed id.
    pub const HUB_SHA256: Self = Self::hmac_sha256(
        &["x-hub-signature-256"],
        Layout::Whole { prefix: "sha256=" },
        Encoding::Hex,
        BODY,
    )
    .with_id("x-github-delivery");

    /// Dropbox: no time and no id.
    pub const DROPBOX: Self = Self::hmac_sha256(
        &["x-dropbox-signature"],
        Layout::Whole { prefix: "" },
        Encoding::Hex,
        BODY,
    );

    /// Backblaze B2 event notifications: no time and no id.
    pub const BACKBLAZE: Self = Self::hmac_sha256(
        &["x-bz-event-notification-signature"],
        Layout::Whole { prefix: "v1=" },
        Encoding::Hex,
        BODY,
    );

    /// Shopify: no time and no signed id.
    pub const SHOPIFY: Self = Self::hmac_sha256(
        &["x-shopify-hmac-sha256"],
        Layout::Whole { prefix: "" },
        Encoding::Base64,
        BODY,
    )
    .with_id("x-shopify-webhook-id");

    /// X: no time and no id.
    pub const X: Self = Self::hmac_sha256(
        &["x-twitter-webhooks-signature"],
        Layout::Whole { prefix: "sha256=" },
        Encoding::Base64,
        BODY,
    );

    /// Box: two signatures, by its primary and its secondary key. Its own word is to refuse what is
    /// older than ten minutes.
    pub const BOX: Self = Self::hmac_sha256(
        &["box-signature-primary", "box-signature-secondary"],
        Layout::Whole { prefix: "" },
        Encoding::Base64,
        &[Part::Body, Part::Timestamp],
    )
    .with_stamp(Stamp::Rfc3339("box-delivery-timestamp"))
    .with_window(Duration::from_secs(600));

    /// Slack.
    pub const SLACK: Self = Self::hmac_sha256(
        &["x-slack-signature"],
        Layout::Whole { prefix: "v0=" },
        Encoding::Hex,
        V0,
    )
    .with_stamp(Stamp::Seconds("x-slack-request-timestamp"));

    /// Frame.io.
    pub const FRAME_IO: Self = Self::hmac_sha256(
        &["x-frameio-signature"],
        Layout::Whole { prefix: "v0=" },
        Encoding::Hex,
        V0,
    )
    .with_stamp(Stamp::Seconds("x-frameio-request-timestamp"));

    /// Stripe.
    pub const STRIPE: Self = Self::hmac_sha256(
        &["stripe-signature"],
        Layout::Pairs {
            signature: "v1",
            timestamp: "t",
        },
        Encoding::Hex,
        STAMPED_BODY,
    )
    .with_stamp(Stamp::Pair);

    /// TikTok.
    pub const TIKTOK: Self = Self::hmac_sha256(
        &["tiktok-signature"],
        Layout::Pairs {
            signature: "s",
            timestamp: "t",
        },
        Encoding::Hex,
        STAMPED_BODY,
    )
    .with_stamp(Stamp::Pair);

    /// `HubSpot`, version 3.
    pub const HUBSPOT: Self = Self::hmac_sha256(
        &["x-hubspot-signature-v3"],
        Layout::Whole { prefix: "" },
        Encoding::Base64,
        &[Part::Method, Part::Url, Part::Body, Part::Timestamp],
    )
    .with_stamp(Stamp::Millis("x-hubspot-request-timestamp"));

    /// Twilio: by SHA-1 over address and fields. No time and no id, and the borders between names and
    /// values are not signed.
    pub const TWILIO: Self = Self::new(
        Proof::Sha1,
        &["x-twilio-signature"],
        Layout::Whole { prefix: "" },
        Encoding::Base64,
        &[Part::Url, Part::Fields],
    );

    /// Mailchimp Transactional (Mandrill): as Twilio.
    pub const MANDRILL: Self = Self {
        headers: &["x-mandrill-signature"],
        ..Self::TWILIO
    };

    /// Google's push channels (Drive, Calendar): the channel's token comes back.
    pub const GOOGLE_CHANNEL: Self = Self::token(&["x-goog-channel-token"]);

    /// Microsoft Graph (OneDrive, SharePoint): the subscription's `clientState` comes back in the body.
    pub const MICROSOFT_GRAPH: Self = Self {
        layout: Layout::ClientState,
        ..Self::token(&[])
    };
}
