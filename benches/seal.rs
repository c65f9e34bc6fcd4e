//! Figures of sealed files: against the bare cipher, by two workers, with a hash in the same pass, and what it holds.
//!
//! `cargo bench --bench seal` (`--features aws-lc` adds the second cipher). All ratios are of runs that took turns in
//! one program, the best of each; `age` is measured too where it is installed. Wants an idle machine.
#![expect(clippy::print_stdout, reason = "figures are its product")]
#![expect(clippy::disallowed_methods, reason = "a bench measures real time")]
#![expect(clippy::cast_precision_loss, reason = "figures for people")]

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use garland::OrganizationId;
use garland::connector::{ContentHasher, HashAlgorithm};
#[cfg(feature = "aws-lc")]
use garland::crypto::CipherBackend;
use garland::crypto::{
    ChunkSize, HEADER, Pass, Purpose, SealContext, SealKey, SecretKey, SystemEntropy,
};

#[global_allocator]
static MEMORY: peak_alloc::PeakAlloc = peak_alloc::PeakAlloc;

/// Without optimization nothing is measured, only run once.
const LENGTH: usize = if cfg!(debug_assertions) {
    2 << 20
} else {
    512 << 20
};
const CHUNK: usize = 1 << 16;
const SLOT: usize = CHUNK + 16;
const ROUNDS: usize = if cfg!(debug_assertions) { 1 } else { 5 };

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;
type Run<'a> = dyn FnMut(&mut [u8]) -> Outcome<()> + 'a;

fn main() -> Outcome<()> {
    let context = SealContext::new(&OrganizationId::default(), "film", "v1", Purpose::Body)?;
    let key = SealKey::new(SecretKey::generate(&SystemEntropy::new())?, context);
    // Chunks with room for their tags; every page is there before anything is measured.
    let mut slots: Vec<u8> = (0..=250).cycle().take(LENGTH / CHUNK * SLOT).collect();

    println!("{} MiB in chunks of 64 KiB, best of {ROUNDS}", LENGTH >> 20);
    let raw = |slots: &mut [u8]| aes_gcm_alone(slots);
    against_the_cipher("aes_gcm", &key, &mut slots, raw)?;
    workers("aes_gcm", &key)?;
    #[cfg(feature = "aws-lc")]
    {
        let key = key.clone().with_backend(CipherBackend::AwsLc);
        let raw = |slots: &mut [u8]| aws_lc_alone(slots);
        against_the_cipher("aws_lc", &key, &mut slots, raw)?;
        workers("aws_lc", &key)?;
    }
    #[cfg(not(feature = "aws-lc"))]
    println!("aws_lc: not measured, the feature is off");
    drop(slots);
    memory(&key)?;
    against_age("aes_gcm", &key)?;
    #[cfg(feature = "aws-lc")]
    against_age("aws_lc", &key.with_backend(CipherBackend::AwsLc))?;
    Ok(())
}

/// In place on the same buffers, one thread.
fn against_the_cipher(
    name: &str,
    key: &SealKey,
    slots: &mut [u8],
    raw: impl Fn(&mut [u8]) -> Outcome<()>,
) -> Outcome<()> {
    let [alone, ours, pieces] = turns(
        [
            &mut |slots: &mut [u8]| raw(slots),
            &mut |slots| in_place(key, slots),
            &mut |slots| by_pieces(key, slots),
        ],
        slots,
    )?;
    figure(&format!("{name}_alone_seal_open"), alone, 2);
    figure(&format!("{name}_seal_open"), ours, 2);
    ratio(&format!("{name}_seal_open_vs_cipher_alone"), alone, ours);
    figure(&format!("{name}_seal_open_by_pieces"), pieces, 2);
    ratio(
        &format!("{name}_seal_open_by_pieces_vs_cipher_alone"),
        alone,
        pieces,
    );
    Ok(())
}

fn aes_gcm_alone(slots: &mut [u8]) -> Outcome<()> {
    use aes_gcm::aead::{AeadInOut as _, KeyInit as _};
    let cipher = aes_gcm::Aes256Gcm::new(&[7; 32].into());
    for (number, slot) in (0_u32..).zip(slots.chunks_mut(SLOT)) {
        let (bytes, room) = slot.split_at_mut(CHUNK);
        let tag = cipher
            .encrypt_inout_detached(&nonce(number).into(), &[], bytes.into())
            .map_err(|_| "not sealed")?;
        room.copy_from_slice(&tag);
    }
    for (number, slot) in (0_u32..).zip(slots.chunks_mut(SLOT)) {
        let (bytes, tag) = slot.split_at_mut(CHUNK);
        let tag: [u8; 16] = (&*tag).try_into()?;
        cipher
            .decrypt_inout_detached(&nonce(number).into(), &[], bytes.into(), &tag.into())
            .map_err(|_| "not opened")?;
    }
    Ok(())
}

#[cfg(feature = "aws-lc")]
fn aws_lc_alone(slots: &mut [u8]) -> Outcome<()> {
    use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
    let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &[7; 32])?);
    for (number, slot) in (0_u32..).zip(slots.chunks_mut(SLOT)) {
        let (bytes, room) = slot.split_at_mut(CHUNK);
        let nonce = Nonce::assume_unique_for_key(nonce(number));
        let tag = key.seal_in_place_separate_tag(nonce, Aad::empty(), bytes)?;
        room.copy_from_slice(tag.as_ref());
    }
    for (number, slot) in (0_u32..).zip(slots.chunks_mut(SLOT)) {
        let nonce = Nonce::assume_unique_for_key(nonce(number));
        key.open_in_place(nonce, Aad::empty(), slot)?;
    }
    Ok(())
}

fn nonce(number: u32) -> [u8; 12] {
    let mut nonce = [0; 12];
    nonce[..4].copy_from_slice(&number.to_be_bytes());
    nonce
}

fn in_place(key: &SealKey, slots: &mut [u8]) -> Outcome<()> {
    let mut sealer = key.seal(ChunkSize::default(), &SystemEntropy::new())?;
    let header = sealer.take_header().ok_or("no header")?;
    let last = slots.len() - SLOT;
    sealer.seal_in_place(&mut slots[..last])?;
    sealer.finish_in_place(&mut slots[last..])?;
    let mut opener = key.open();
    opener.update(&header, &mut Vec::new())?;
    opener.open_in_place(&mut slots[..last])?;
    opener.finish_in_place(&mut slots[last..])?;
    Ok(())
}

/// With the copy that pieces cost: the object is built apart, and the plaintext apart from that.
fn by_pieces(key: &SealKey, slots: &mut [u8]) -> Outcome<()> {
    let mut sealer = key.seal(ChunkSize::default(), &SystemEntropy::new())?;
    let mut opener = key.open();
    let (mut sealed, mut plain) = (Vec::new(), Vec::new());
    for piece in slots[..LENGTH].chunks(4 * CHUNK) {
        sealer.update(piece, &mut sealed)?;
        opener.update(&sealed, &mut plain)?;
        sealed.clear();
        plain.clear();
    }
    sealer.finish(&mut sealed)?;
    opener.update(&sealed, &mut plain)?;
    opener.finish(&mut plain)?;
    Ok(())
}

/// Two workers against one, and SHA-256 in the same pass against SHA-256 alone: from memory, to nowhere.
fn workers(name: &str, key: &SealKey) -> Outcome<()> {
    let plain: Vec<u8> = (0..=250).cycle().take(LENGTH).collect();
    let seal = |workers: usize, hashes: &[HashAlgorithm]| -> Outcome<()> {
        let pass = Pass::new().with_workers(workers).with_plain_hashes(hashes);
        key.seal_all(&pass, &SystemEntropy::new(), plain.as_slice(), io::sink())?;
        Ok(())
    };
    let hash = || -> Outcome<()> {
        let (mut hasher, mut input) = (
            ContentHasher::new([HashAlgorithm::Sha256]),
            plain.as_slice(),
        );
        let mut piece = vec![0; CHUNK];
        loop {
            match input.read(&mut piece)? {
                0 => break,
                read => hasher.update(&piece[..read]),
            }
        }
        std::hint::black_box(hasher.finish());
        Ok(())
    };
    let [one, two, alone, both] = turns(
        [
            &mut |_: &mut [u8]| seal(1, &[]),
            &mut |_| seal(2, &[]),
            &mut |_| hash(),
            &mut |_| seal(2, &[HashAlgorithm::Sha256]),
        ],
        &mut [],
    )?;
    figure(&format!("{name}_seal_one_worker"), one, 1);
    figure(&format!("{name}_seal_two_workers"), two, 1);
    ratio(&format!("{name}_two_workers_vs_one"), one, two);
    figure("sha256_alone", alone, 1);
    figure(&format!("{name}_seal_with_sha256"), both, 1);
    ratio(
        &format!("{name}_seal_with_sha256_vs_sha256_alone"),
        alone,
        both,
    );
    let mut object = Vec::with_capacity(HEADER + LENGTH / CHUNK * SLOT);
    key.seal_all(
        &Pass::new(),
        &SystemEntropy::new(),
        plain.as_slice(),
        &mut object,
    )?;
    let open = |workers: usize| -> Outcome<()> {
        let pass = Pass::new().with_workers(workers);
        key.open_all(&pass, object.as_slice(), io::sink())?;
        Ok(())
    };
    let [one, two] = turns([&mut |_: &mut [u8]| open(1), &mut |_| open(2)], &mut [])?;
    figure(&format!("{name}_open_one_worker"), one, 1);
    figure(&format!("{name}_open_two_workers"), two, 1);
    ratio(&format!("{name}_open_two_workers_vs_one"), one, two);
    Ok(())
}

fn memory(key: &SealKey) -> Outcome<()> {
    for log2 in [16, 22] {
        let chunk = ChunkSize::from_log2(log2).ok_or("no such chunk")?;
        for workers in [1, 2] {
            let pass = Pass::new().with_workers(workers).with_chunk(chunk);
            MEMORY.reset_peak_usage();
            let before = MEMORY.current_usage();
            let zeros = io::repeat(0).take((LENGTH as u64).min(64 << 20));
            key.seal_all(&pass, &SystemEntropy::new(), zeros, io::sink())?;
            let held = MEMORY.peak_usage().saturating_sub(before);
            let each = held as f64 / (chunk.bytes() * workers) as f64;
            println!("figure held_chunks_a_worker {each:.2} ({workers} workers, 2^{log2})");
        }
    }
    Ok(())
}

/// The `age` command on the same file, both from and to files in memory where there is such a folder.
fn against_age(name: &str, key: &SealKey) -> Outcome<()> {
    if Command::new("age").arg("--version").output().is_err() {
        println!("age: not measured, it is not installed");
        return Ok(());
    }
    let shared = Path::new("/dev/shm");
    let folder = if shared.is_dir() {
        tempfile::tempdir_in(shared)?
    } else {
        tempfile::tempdir()?
    };
    let at = |name: &str| folder.path().join(name);
    let mut plain = File::create(at("plain"))?;
    let block: Vec<u8> = (0..=250).cycle().take(1 << 20).collect();
    for _ in 0..LENGTH >> 20 {
        plain.write_all(&block)?;
    }
    drop(plain);
    let run = |program: &str, arguments: &[&str]| -> Outcome<Vec<u8>> {
        let done = Command::new(program)
            .args(arguments)
            .current_dir(folder.path())
            .output()?;
        if !done.status.success() {
            return Err(String::from_utf8_lossy(&done.stderr).into());
        }
        Ok(done.stdout)
    };
    run("age-keygen", &["-o", "identity"])?;
    let recipient = String::from_utf8(run("age-keygen", &["-y", "identity"])?)?;
    let age = || -> Outcome<()> {
        run(
            "age",
            &["-r", recipient.trim(), "-o", "age.sealed", "plain"],
        )?;
        run(
            "age",
            &["-d", "-i", "identity", "-o", "age.opened", "age.sealed"],
        )?;
        Ok(())
    };
    let ours = |workers: usize| -> Outcome<()> {
        let pass = Pass::new().with_workers(workers);
        let sealed = File::create(at("sealed"))?;
        key.seal_all(
            &pass,
            &SystemEntropy::new(),
            File::open(at("plain"))?,
            sealed,
        )?;
        let opened = File::create(at("opened"))?;
        key.open_all(&pass, File::open(at("sealed"))?, opened)?;
        Ok(())
    };
    let [age, one, two] = turns(
        [&mut |_: &mut [u8]| age(), &mut |_| ours(1), &mut |_| {
            ours(2)
        }],
        &mut [],
    )?;
    if fs::read(at("opened"))? != fs::read(at("plain"))? {
        return Err("what was opened is not what was sealed".into());
    }
    figure("age_files_seal_open", age, 2);
    figure(&format!("{name}_files_seal_open_one_worker"), one, 2);
    figure(&format!("{name}_files_seal_open_two_workers"), two, 2);
    ratio(&format!("{name}_files_one_worker_vs_age"), age, one);
    ratio(&format!("{name}_files_two_workers_vs_age"), age, two);
    Ok(())
}

/// Runs all of them in turns, so that what else goes on falls on each; the best of each counts.
fn turns<const N: usize>(mut runs: [&mut Run<'_>; N], buffer: &mut [u8]) -> Outcome<[Duration; N]> {
    let mut best = [Duration::MAX; N];
    for _ in 0..ROUNDS {
        for (run, best) in runs.iter_mut().zip(&mut best) {
            let begun = Instant::now();
            run(buffer)?;
            *best = begun.elapsed().min(*best);
        }
    }
    Ok(best)
}

fn figure(label: &str, took: Duration, times: usize) {
    let gib = (LENGTH * times) as f64 / f64::from(1 << 30);
    println!("figure {label} {:.2} GiB/s", gib / took.as_secs_f64());
}

/// Above 1 is quicker than the other.
fn ratio(label: &str, other: Duration, own: Duration) {
    println!(
        "ratio {label} {:.3}",
        other.as_secs_f64() / own.as_secs_f64()
    );
}
