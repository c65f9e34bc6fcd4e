//! Sessions, tokens, grants, states and deliveries.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use garland::backends::Memory;
use garland::crypto::presigned::PresignedRequest;
use garland::crypto::tokens::{Grant, Issued, TokenService, Verified};
use garland::storage::Batch;

use super::{Call, Case, answer, calls, let_in};
use crate::ground::{Dice, START};
use crate::world::{policy, token_keys};

/// Tokens of the caller's organization, signed with the right keys, that name the other's session: what a
/// service would make that mixed organizations up.
async fn forged(case: Case<'_>) -> Issued {
    let session = URL_SAFE_NO_PAD.decode(case.known.session.to_string());
    let chance = Arc::new(Dice::beginning(9, vec![session.unwrap()]));
    let (memory, clock) = (Arc::new(Memory::new()), Arc::new(case.world.clock.clone()));
    let tokens = TokenService::new(memory, token_keys(), policy(), clock, chance).unwrap();
    let grant = Grant::new(case.known.user.clone(), case.id().clone(), "web");
    let issued = tokens.issue(&grant).await.unwrap();
    assert_eq!(issued.session(), case.known.session);
    issued
}

async fn verified(case: Case<'_>) -> Verified {
    let forged = forged(case).await;
    case.world.tokens().verify(forged.access()).await.unwrap()
}

/// A genuine access token of the other with the caller's organization written over theirs.
fn rewritten(case: Case<'_>) -> String {
    let mut parts: Vec<_> = case.known.access.split('.').map(str::to_owned).collect();
    let claims = String::from_utf8(URL_SAFE_NO_PAD.decode(&parts[1]).unwrap()).unwrap();
    assert!(claims.contains(case.known.name));
    parts[1] = URL_SAFE_NO_PAD.encode(claims.replace(case.known.name, case.id().as_str()));
    parts.join(".")
}

pub(super) fn calls() -> Vec<Call> {
    calls! {
        ids {
            ["crypto::tokens::TokenService::verify"] => |case| Box::pin(async move {
                let forged = forged(case).await;
                let_in(case.world.tokens().verify(forged.access()).await)
            }),
            ["crypto::tokens::TokenService::verify"] => |case| Box::pin(async move {
                let_in(case.world.tokens().verify(&rewritten(case)).await)
            }),
            ["crypto::tokens::TokenService::refresh"] => |case| Box::pin(async move {
                let forged = forged(case).await;
                let_in(case.world.tokens().refresh(forged.refresh(), "web").await)
            }),
            ["crypto::tokens::TokenService::refresh"] => |case| Box::pin(async move {
                let token = case.known.refresh.replace(case.known.name, case.id().as_str());
                assert_ne!(token, case.known.refresh);
                let_in(case.world.tokens().refresh(&token, "web").await)
            }),
            // Before the session is ended in other ways: its tokens must still be good.
            ["crypto::tokens::TokenService::sign_out"] => |case| Box::pin(async move {
                answer(case.world.tokens().sign_out(&verified(case).await).await)
            }),
            ["crypto::tokens::TokenService::sign_out_refresh"] => |case| Box::pin(async move {
                let forged = forged(case).await;
                let_in(case.world.tokens().sign_out_refresh(forged.refresh()).await)
            }),
            ["crypto::tokens::TokenService::end_session"] => |case| Box::pin(async move {
                let session = case.known.session;
                answer(case.world.tokens().end_session(case.id(), session).await)
            }),
            ["crypto::tokens::TokenService::issue"] => |case| Box::pin(async move {
                let grant = Grant::new(case.known.user.clone(), case.id().clone(), "web");
                answer(case.world.tokens().issue(&grant).await.map(drop))
            }),
            ["crypto::tokens::TokenService::revoke_all_before"] => |case| Box::pin(async move {
                let user = &case.known.user;
                answer(case.world.tokens().revoke_all_before(case.id(), user, None).await)
            }),
            ["Organization::sessions", "Sessions::end"] => |case| Box::pin(async move {
                let sessions = case.a().organization.sessions().await.unwrap();
                answer(sessions.end(case.known.session).await)
            }),
            ["Sessions::end_all_of"] => |case| Box::pin(async move {
                let sessions = case.a().organization.sessions().await.unwrap();
                answer(sessions.end_all_of(&case.known.user, None).await)
            }),
            ["Orchestrator::enter"] => |case| Box::pin(async move {
                let issued = Grant::new(case.known.user.clone(), case.id().clone(), "web");
                let tokens = case.world.tokens();
                let token = tokens.issue(&issued).await.unwrap();
                let verified = tokens.verify(token.access()).await.unwrap();
                let handle = case.world.studio.enter(&verified);
                answer(Ok(handle.id() == case.id()))
            }),
            ["crypto::presigned::Presigner::redeem"] => |case| Box::pin(async move {
                let grant = &case.known.grant;
                let request = PresignedRequest {
                    method: grant.method,
                    organization: case.id(),
                    object: &grant.object,
                    size: grant.max_size,
                    media_type: &grant.media_type,
                };
                let_in(case.world.presigner.redeem(&case.known.grant_text, &request).await)
            }),
            ["crypto::AuthorizationStates::begin"] => |case| Box::pin(async move {
                let begun = case.a().states.begin(&case.known.browser, "payments").await;
                answer(begun.map(drop))
            }),
            ["crypto::AuthorizationStates::finish"] => |case| Box::pin(async move {
                let_in(case.a().states.finish(&case.known.browser, &case.known.state).await)
            }),
            ["crypto::signatures::Deliveries::accept"] => |case| Box::pin(async move {
                let (source, delivery) = (&case.known.source, &case.known.delivery);
                let batch = Batch::new(START);
                answer(case.a().deliveries.accept(source, delivery, batch).await)
            }),
            ["crypto::tokens::TokenService::revoke"] => |case| Box::pin(async move {
                let grant = Grant::new(case.known.user.clone(), case.id().clone(), "kiosk");
                let tokens = case.world.tokens();
                let token = tokens.issue(&grant).await.unwrap();
                let verified = tokens.verify(token.access()).await.unwrap();
                answer(tokens.revoke(&verified).await)
            }),
        }
        none {
            ["Orchestrator::tokens"] => |case| Box::pin(async move {
                answer(case.world.studio.tokens().map(|_| ()))
            }),
            ["crypto::signatures::Deliveries::prune"] => |case| Box::pin(async move {
                answer(case.a().deliveries.prune(100).await)
            }),
            ["crypto::tokens::TokenService::prune"] => |case| Box::pin(async move {
                answer(case.world.tokens().prune(case.id()).await)
            }),
            ["Sessions::end_all"] => |case| Box::pin(async move {
                let sessions = case.a().organization.sessions().await.unwrap();
                answer(sessions.end_all(None).await)
            }),
            ["crypto::tokens::TokenService::revoke_organization_before"] => |case| Box::pin(async move {
                answer(case.world.tokens().revoke_organization_before(case.id(), None).await)
            }),
        }
    }
}
