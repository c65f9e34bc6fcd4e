//! Passwords of people: right, wrong, too long, and taken over from an older system.

use std::sync::Arc;

use garland::crypto::{PasswordHash, PasswordPolicy, Passwords, SecretBytes, SystemEntropy};

use crate::day::Day;

const PASSWORD: &str = "I do, since 14 June 1997!";
const WRONG: &str = "I do not, since 14 June 1997!";

pub(crate) async fn live(day: &mut Day) {
    day.planted.plant("password", PASSWORD.as_bytes());
    day.planted.plant("wrong password", WRONG.as_bytes());
    let policy = PasswordPolicy::default();
    day.print(&policy);
    let passwords = Passwords::new(policy, Arc::new(SystemEntropy::new())).unwrap();
    day.print(&passwords);
    let (right, wrong) = (SecretBytes::from(PASSWORD), SecretBytes::from(WRONG));
    let hash = passwords.hash(&right).await.unwrap();
    // Whoever has the hash can guess at the password at leisure: it stands in the host's database only.
    day.planted
        .plant("hash of a password", hash.as_str().as_bytes());
    day.print(&hash);
    let verdict = passwords.verify(&right, &hash).await.unwrap();
    assert!(verdict.ok);
    day.print(&verdict);
    let verdict = passwords.verify(&wrong, &hash).await.unwrap();
    assert!(!verdict.ok);
    day.print(&verdict);
    day.print(&passwords.verify_absent(&wrong).await.unwrap());

    let long = SecretBytes::from(WRONG.repeat(100).as_str());
    day.fails(passwords.hash(&long).await.map(drop));
    let mut broken = hash.as_str().to_owned();
    for stored in [
        {
            broken.truncate(broken.len() - 7);
            broken.as_str()
        },
        &hash.as_str().replace("m=", "q="),
        &format!("${}", hash.as_str()),
        PASSWORD,
    ] {
        let stored = PasswordHash::stored(stored);
        day.print(&stored);
        let outcome = passwords.verify(&right, &stored).await;
        match outcome {
            Ok(verdict) => assert!(!verdict.ok),
            Err(error) => day.fails(Err::<(), _>(error)),
        }
    }
    bcrypt(day, &passwords).await;
}

#[cfg(feature = "bcrypt")]
async fn bcrypt(day: &mut Day, passwords: &Passwords) {
    let stored = "$2b$10$vI8aWBnW3fID.ZQ4/zo1G.q1lRps.9cGLcZEiGDMVr5yUP1KUOYTa";
    day.planted
        .plant("hash of an older system", stored.as_bytes());
    let stored = PasswordHash::stored(stored);
    day.print(&stored);
    let wrong = SecretBytes::from(WRONG);
    assert!(!passwords.verify(&wrong, &stored).await.unwrap().ok);
    let long = SecretBytes::from(WRONG.repeat(3).as_str());
    day.fails(passwords.verify(&long, &stored).await.map(drop));
    let cut = PasswordHash::stored(&stored.as_str()[..50]);
    day.fails(passwords.verify(&wrong, &cut).await.map(drop));
}

#[cfg(not(feature = "bcrypt"))]
async fn bcrypt(_: &mut Day, _: &Passwords) {}
