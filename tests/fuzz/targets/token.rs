//! Every text that somebody shows to be let in: access tokens as they come and behind a signature that is
//! right, refresh tokens, and grants of one upload. The first byte says which.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use garland::backends::Memory;
use garland::crypto::presigned::{PresignedGrant, PresignedMethod, PresignedRequest, Presigner};
use garland::crypto::tokens::{
    DenyReason, Grant, KeySet, KeyUse, KnownPermissions, SigningKey, TokenKeys, TokenPolicy,
    TokenService,
};
use garland::crypto::{SecretBytes, SystemEntropy};
use garland::permission::Actor;
use garland::testing::crypto::jws_sign;
use garland::{Clock, OrganizationId, Timestamp};
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};

const NOW: i64 = 1_800_000_000;
const ACCESS: &str = "garland-test-key-32-bytes-long!!";
const KNOWN: [&str; 2] = ["files:read", "files:write"];

/// Stands still.
#[derive(Debug)]
struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(NOW * 1_000)
    }

    fn elapsed(&self) -> Duration {
        Duration::ZERO
    }
}

struct World {
    runtime: Runtime,
    tokens: TokenService,
    presigner: Presigner,
    upload: PresignedGrant,
    /// One of ours of each kind.
    access: String,
    refresh: String,
    presigned: String,
}

fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| {
        let runtime = Builder::new_current_thread().enable_time().build().unwrap();
        let set = |purpose, id: &str, secret: &str| {
            let secret = SecretBytes::from(secret);
            KeySet::new(SigningKey::new(purpose, id.parse().unwrap(), &secret).unwrap())
        };
        let keys = TokenKeys {
            access: set(KeyUse::Access, "k1", ACCESS),
            refresh: set(KeyUse::Refresh, "r1", "0ther-key-for-the-other-purpose."),
        };
        let presign = set(KeyUse::Presign, "p1", "a-key-for-grants-of-32-bytes-x9!");
        let known = KnownPermissions::parse(KNOWN).unwrap();
        let policy = TokenPolicy::new("garland", "garland-api", known);
        let (memory, entropy) = (Arc::new(Memory::new()), Arc::new(SystemEntropy::new()));
        let presigner = Presigner::new(
            Arc::<Memory>::clone(&memory),
            presign,
            Arc::new(Still),
            entropy,
        );
        let presigner = presigner.unwrap();
        let entropy = Arc::new(SystemEntropy::new());
        let tokens = TokenService::new(memory, keys, policy, Arc::new(Still), entropy).unwrap();
        let studio = OrganizationId::default();
        let grant = Grant::new(Actor::User("u1".into()), studio.clone(), "web")
            .with_permissions([KNOWN[0].parse().unwrap()]);
        let issued = runtime.block_on(tokens.issue(&grant)).unwrap();
        let until = Timestamp::from_millis((NOW + 60) * 1_000);
        let method = PresignedMethod::Upload;
        let upload = PresignedGrant::new(method, studio, "obj-7", 1_000, "image/jpeg", until);
        World {
            presigned: presigner.sign(&upload).unwrap().to_string(),
            access: issued.access().to_owned(),
            refresh: issued.refresh().to_owned(),
            runtime,
            tokens,
            presigner,
            upload,
        }
    })
}

pub(crate) fn corpus() -> Vec<Vec<u8>> {
    let world = world();
    let header = r#"{"alg":"HS256","typ":"at+jwt","kid":"k1"}"#;
    let claims = |exp: i64, rest: &str| {
        format!(
            r#"S{header}|{{"iss":"garland","aud":"garland-api","sub":"u1","org":"o1","iat":{NOW},"nbf":{NOW},"exp":{exp},"jti":"j1","perms":["files:read"]{rest}}}"#
        )
    };
    [
        format!("A{}", world.access),
        format!("R{}", world.refresh),
        format!("P{}", world.presigned),
        claims(NOW + 600, ""),
        claims(
            NOW + 86_400,
            r#","ims":999,"svc":true,"sid":"abc","x":[{}]"#,
        ),
        claims(NOW - 1, ""),
        claims(NOW + 600, r#","exp":1"#),
    ]
    .map(String::into_bytes)
    .into()
}

pub(crate) fn check(input: &[u8]) -> bool {
    let world = world();
    let Some((kind, rest)) = input.split_first() else {
        return false;
    };
    let text = String::from_utf8_lossy(rest);
    match kind {
        b'S' => signed(world, &text),
        b'R' => {
            // A spent one is still known as ours, and nothing else is.
            let answer = world.tokens.refresh(&text, "web");
            let forged = world.runtime.block_on(answer).is_err_and(|denied| {
                matches!(
                    denied.reason(),
                    DenyReason::Malformed | DenyReason::Signature
                )
            });
            assert_eq!(forged, text != world.refresh, "{text}");
            !forged
        }
        b'P' => {
            let upload = &world.upload;
            let request = PresignedRequest {
                method: upload.method,
                organization: &upload.organization,
                object: &upload.object,
                size: upload.max_size,
                media_type: &upload.media_type,
            };
            let answer = world.presigner.redeem(&text, &request);
            let forged = world.runtime.block_on(answer).is_err_and(|denied| {
                use DenyReason::{Key, Malformed, Signature};
                matches!(denied.reason(), Malformed | Key | Signature)
            });
            assert_eq!(forged, text != world.presigned, "{text}");
            !forged
        }
        _ => {
            let denied = world.runtime.block_on(world.tokens.verify(&text)).err();
            let forged = denied.is_some_and(|denied| denied.reason() != DenyReason::Revoked);
            assert_eq!(forged, text != world.access, "{text}");
            !forged
        }
    }
}

/// Any header and claims under a signature that is right: what is taken is what the policy says.
fn signed(world: &World, text: &str) -> bool {
    let (header, payload) = text.split_once('|').unwrap_or((text, ""));
    let token = jws_sign(ACCESS.as_bytes(), header, payload.as_bytes()).unwrap();
    let Ok(verified) = world.runtime.block_on(world.tokens.verify(&token)) else {
        return false;
    };
    let header: Value = serde_json::from_str(header).unwrap();
    assert_eq!(header["alg"], "HS256");
    assert_eq!(header["typ"], "at+jwt");
    assert_eq!(header["kid"], "k1");
    let claims: Value = serde_json::from_str(payload).unwrap();
    assert_eq!(claims["iss"], "garland");
    let audience = &claims["aud"];
    let many = audience
        .as_array()
        .is_some_and(|all| all.contains(&"garland-api".into()));
    assert!(audience == "garland-api" || many);
    assert_eq!(claims["org"], verified.organization().as_str());
    assert_eq!(claims["jti"], verified.id());
    let (iat, exp) = (
        claims["iat"].as_i64().unwrap(),
        claims["exp"].as_i64().unwrap(),
    );
    assert!(iat <= NOW && NOW < exp && exp - iat <= 86_400);
    let permissions = claims["perms"].as_array().unwrap();
    assert!(
        permissions
            .iter()
            .all(|one| KNOWN.contains(&one.as_str().unwrap()))
    );
    assert_eq!(permissions.len(), verified.permissions().len());
    true
}
