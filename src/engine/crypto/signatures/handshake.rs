//! What a platform asks before it sends anything.

use crate::connector::{WebhookDelivery, WebhookReply};
use crate::engine::crypto::secret::SecretBytes;

/// A question by which a platform makes sure that the address wants its webhooks, and its answer.
///
/// The answer is plain text and nothing that a browser would take for more: send it with
/// `X-Content-Type-Options: nosniff`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Handshake {
    /// Dropbox: `GET` with `challenge`, which is echoed.
    Dropbox,
    /// Microsoft Graph: `validationToken`, which is echoed.
    MicrosoftGraph,
    /// Meta: `GET` with `hub.mode=subscribe`, a token of ours in `hub.verify_token`, and
    /// `hub.challenge`, which is echoed if the token is right.
    Meta,
}

/// The longest challenge that is echoed, in bytes.
const LONGEST: usize = 1_024;

impl Handshake {
    /// Answers a request if it is this handshake and is right; `None` if it is to be treated as a
    /// delivery, which is then mostly refused.
    ///
    /// `token` is what [`Handshake::Meta`] must name; the others need none.
    #[must_use]
    pub fn answer(
        self,
        request: &WebhookDelivery,
        token: Option<&SecretBytes>,
    ) -> Option<WebhookReply> {
        let get = request.method.eq_ignore_ascii_case("GET");
        let challenge = match self {
            Self::Dropbox => field(request, "challenge").filter(|_| get)?,
            Self::MicrosoftGraph => field(request, "validationToken")?,
            Self::Meta => {
                let asked = field(request, "hub.verify_token")?;
                let ours = token.is_some_and(|token| token.is(asked.as_bytes()));
                let mode = field(request, "hub.mode")?;
                let right = get && ours && mode == "subscribe";
                field(request, "hub.challenge").filter(|_| right)?
            }
        };
        let harmless = |c: char| !c.is_control() && !matches!(c, '<' | '>');
        let fits = challenge.len() <= LONGEST && challenge.chars().all(harmless);
        fits.then(|| WebhookReply::text(challenge))
    }
}

/// Returns a field of the query that is there exactly once.
fn field(request: &WebhookDelivery, name: &str) -> Option<String> {
    let (_, query) = request.url.split_once('?')?;
    let query = query.split('#').next()?;
    let mut found = query.split('&').filter_map(|pair| {
        let (own, value) = pair.split_once('=').unwrap_or((pair, ""));
        (unescape(own)? == name).then(|| unescape(value))
    });
    match (found.next(), found.next()) {
        (Some(value), None) => value,
        _ => None,
    }
}

fn unescape(text: &str) -> Option<String> {
    let bytes = super::message::unescape(text.as_bytes())?;
    String::from_utf8(bytes.into_owned()).ok()
}
