//! What a token endpoint answers.

use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};

use crate::clock::Timestamp;
use crate::connector::RateAdvice;
use crate::connector::kit::HttpAnswer;
use crate::error::{Error, ErrorKind, Result};

use super::secret::Secret;

/// The longest lifetime that is believed, in seconds: ten years.
const LONGEST: u64 = 10 * 366 * 24 * 3600;

/// The longest code of an error that is passed on, in bytes.
const LONGEST_CODE: usize = 64;

/// Tokens, as they come ([RFC 6749, 5.1](https://www.rfc-editor.org/rfc/rfc6749#section-5.1)).
#[derive(Deserialize)]
pub(super) struct Tokens {
    pub(super) access_token: Secret,
    #[serde(default)]
    token_type: Option<String>,
    #[serde(default, deserialize_with = "seconds")]
    pub(super) expires_in: Option<Duration>,
    #[serde(default)]
    pub(super) refresh_token: Option<Secret>,
    #[serde(default, deserialize_with = "seconds")]
    pub(super) refresh_token_expires_in: Option<Duration>,
    #[serde(default)]
    scope: Option<String>,
    #[serde(default)]
    pub(super) id_token: Option<Secret>,
}

impl Tokens {
    /// What the tokens are for, where it is said.
    pub(super) fn scopes(&self) -> Option<Vec<String>> {
        let scope = self.scope.as_deref()?;
        Some(scope.split_ascii_whitespace().map(str::to_owned).collect())
    }

    pub(super) fn check(self, operation: &'static str) -> Result<Self> {
        let wrong = |message: &str| Error::new(ErrorKind::Unexpected, operation, message);
        let kind = self.token_type.as_deref().unwrap_or("bearer");
        if !kind.eq_ignore_ascii_case("bearer") {
            return Err(wrong(
                "the provider gives tokens of another kind than bearer",
            ));
        }
        let visible =
            |token: &str| !token.is_empty() && token.bytes().all(|b| b.is_ascii_graphic());
        if !visible(self.access_token.expose()) {
            return Err(wrong("the provider gives a token that cannot be sent"));
        }
        Ok(self)
    }
}

/// What went wrong at an endpoint, with the provider's own code if there is one.
#[derive(Debug)]
pub(super) struct Failure {
    code: Option<String>,
    error: Error,
}

impl Failure {
    pub(super) fn is(&self, code: &str) -> bool {
        self.code.as_deref() == Some(code)
    }

    pub(super) fn kind(&self) -> ErrorKind {
        self.error.kind()
    }

    pub(super) fn into_error(self) -> Error {
        self.error
    }

    pub(super) fn with_provider(mut self, id: &str) -> Self {
        self.error = self.error.with_context("provider", id);
        self
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self { code: None, error }
    }
}

#[derive(Deserialize)]
struct Complaint {
    #[serde(default)]
    error: Option<String>,
    /// pCloud numbers its errors, in answers of status 200.
    #[serde(default)]
    result: u32,
}

/// Reads an answer: a `T`, or a failure.
pub(super) async fn read<T: DeserializeOwned>(
    answer: HttpAnswer,
    operation: &'static str,
    now: Timestamp,
) -> Result<T, Failure> {
    let status = answer.status();
    let wait = RateAdvice::from_headers(answer.headers(), now).wait();
    let body = answer.bytes().await?;
    let complaint = serde_json::from_slice::<Complaint>(&body).ok();
    let code = complaint.and_then(|said| match (said.error, said.result) {
        (_, number @ 1..) => Some(format!("result_{number}")),
        (Some(code), _) => Some(if is_code(&code) {
            code
        } else {
            "unspecified".into()
        }),
        (None, 0) => None,
    });
    if code.is_none() && (200..300).contains(&status) {
        return serde_json::from_slice(&body).map_err(|cause| {
            // A page for people comes from a gateway. The cause may quote secrets.
            let (kind, message) = if cause.is_data() {
                (
                    ErrorKind::Unexpected,
                    "the provider answers in another form than the standard's",
                )
            } else {
                (ErrorKind::Unavailable, "the provider's answer is no JSON")
            };
            Error::new(kind, operation, message).into()
        });
    }
    let kind = code.as_deref().and_then(kind_of).unwrap_or(match status {
        429 => ErrorKind::RateLimited,
        408 | 500.. => ErrorKind::Unavailable,
        401 | 403 => ErrorKind::Denied,
        300..=399 => ErrorKind::Refused,
        _ => ErrorKind::InvalidInput,
    });
    let mut error = complained(operation, kind).with_context("status", status);
    if let Some(code) = &code {
        error = error.with_context("reason", code);
    }
    if let Some(wait) = wait.filter(|_| kind.is_retryable()) {
        error = error.with_retry_after(wait);
    }
    Err(Failure { code, error })
}

/// An error that the provider reported through the browser.
pub(super) fn reported(operation: &'static str, code: &str) -> Error {
    let code = if is_code(code) { code } else { "unspecified" };
    let kind = kind_of(code).unwrap_or(ErrorKind::Denied);
    complained(operation, kind).with_context("reason", code)
}

fn complained(operation: &'static str, kind: ErrorKind) -> Error {
    let message = match kind {
        ErrorKind::Unauthenticated => {
            "the provider takes the grant no more; connect the account again"
        }
        ErrorKind::Denied => "the provider does not allow it",
        ErrorKind::RateLimited => "the provider asks to slow down",
        ErrorKind::Unavailable => "the provider has a fault for now",
        ErrorKind::Expired => "the time for it is over",
        _ => "the provider does not take the request",
    };
    Error::new(kind, operation, message)
}

/// What a code means: [RFC 6749, 4.1.2.1 and 5.2](https://www.rfc-editor.org/rfc/rfc6749#section-5.2),
/// [RFC 8628, 3.5](https://www.rfc-editor.org/rfc/rfc8628#section-3.5), and
/// [OpenID Connect Core, 3.1.2.6](https://openid.net/specs/openid-connect-core-1_0.html#AuthError).
fn kind_of(code: &str) -> Option<ErrorKind> {
    Some(match code {
        "invalid_grant"
        | "login_required"
        | "consent_required"
        | "interaction_required"
        | "account_selection_required" => ErrorKind::Unauthenticated,
        "access_denied"
        | "authorization_declined"
        | "invalid_client"
        | "unauthorized_client"
        | "admin_policy_enforced"
        | "org_internal" => ErrorKind::Denied,
        "temporarily_unavailable" | "server_error" => ErrorKind::Unavailable,
        "slow_down" => ErrorKind::RateLimited,
        "expired_token" | "code_expired" => ErrorKind::Expired,
        "unsupported_grant_type" | "unsupported_response_type" => ErrorKind::Unsupported,
        "invalid_request" | "invalid_scope" | "redirect_uri_mismatch" => ErrorKind::InvalidInput,
        // Source: https://docs.pcloud.com/errors/
        "result_4000" => ErrorKind::RateLimited,
        numbered if numbered.starts_with("result_5") => ErrorKind::Unavailable,
        "result_2012" | "result_2094" | "result_1000" | "result_2000" => ErrorKind::Unauthenticated,
        _ => return None,
    })
}

/// A code is a word, never a sentence, which could hold anything.
fn is_code(text: &str) -> bool {
    let word = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    (1..=LONGEST_CODE).contains(&text.len()) && text.bytes().all(word)
}

/// Seconds as a number or, as some send them, as text.
fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Form {
        Whole(u64),
        Text(String),
        // Negative, broken or something else: as good as none.
        Other(serde::de::IgnoredAny),
    }
    let seconds = match Option::<Form>::deserialize(deserializer)? {
        Some(Form::Whole(seconds)) => Some(seconds),
        Some(Form::Text(text)) => text.parse().ok(),
        Some(Form::Other(_)) | None => None,
    };
    Ok(seconds.map(|seconds| Duration::from_secs(seconds.min(LONGEST))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lifetimes_come_in_many_forms() {
        let of = |json: &str| {
            let text = format!(r#"{{"access_token":"t","expires_in":{json}}}"#);
            serde_json::from_str::<Tokens>(&text).unwrap().expires_in
        };
        assert_eq!(of("3600"), Some(Duration::from_secs(3600)));
        assert_eq!(of("\"3600\""), Some(Duration::from_secs(3600)));
        assert_eq!(
            of("18446744073709551615"),
            Some(Duration::from_secs(LONGEST))
        );
        for odd in ["null", "-1", "\"soon\"", "{}", "1.5"] {
            assert_eq!(of(odd), None, "{odd}");
        }
    }

    #[test]
    fn a_code_is_a_word() {
        let error = reported("oauth.finish", "access_denied");
        assert_eq!(error.kind(), ErrorKind::Denied);
        let error = reported("oauth.finish", "Bearer token-4711 is wrong");
        assert!(!error.to_string().contains("4711"), "{error}");
    }

    #[test]
    fn a_token_is_one_that_can_be_sent() {
        let of = |json: &str| serde_json::from_str::<Tokens>(json).unwrap().check("test");
        assert!(of(r#"{"access_token":"t","token_type":"Bearer"}"#).is_ok());
        assert!(of(r#"{"access_token":"t\r\nx"}"#).is_err());
        assert!(of(r#"{"access_token":""}"#).is_err());
        assert!(of(r#"{"access_token":"t","token_type":"mac"}"#).is_err());
    }
}
