//! Runs one target for so many rounds, and says which input broke it.

use std::env;
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Mutex, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

use crate::MEMORY;
use crate::bend::{Dice, bend};

/// Takes an input and checks what must hold for it; a panic is a failure. Tells whether the input was taken for
/// a valid one, so that a run shows that it got beyond the first check.
pub(crate) type Target = fn(&[u8]) -> bool;

const ROUNDS: u64 = 5_000;
const SEED: u64 = 0x6761_726c_616e_6401;

/// What a target may hold beyond a multiple of its input: one whole chunk of the largest size, and some.
const MEMORY_BASE: usize = 8 << 20;
const MEMORY_EACH: usize = 64;

/// No batch of inputs takes this long, however busy the machine: a target that does hangs.
const HANGS: Duration = Duration::from_mins(5);
const BATCH: u64 = 100;

/// One at a time: memory is counted for the whole program.
static TURN: Mutex<()> = Mutex::new(());

pub(crate) fn fuzz(name: &'static str, corpus: &[Vec<u8>], target: Target) {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let rounds = number("GARLAND_FUZZ_ROUNDS").unwrap_or(ROUNDS);
    let seed = number("GARLAND_FUZZ_SEED").unwrap_or(SEED);
    assert!(!corpus.is_empty(), "{name} has no samples");
    let corpus = corpus.to_vec();
    let (alive, heard) = mpsc::channel();
    let worker = thread::spawn(move || {
        // Samples as they are first: a corpus that is refused finds nothing.
        let mut taken = 0;
        for (at, sample) in corpus.iter().enumerate() {
            let valid = guarded(target, sample, || format!("{name}: sample {at}"));
            taken += u64::from(valid);
        }
        assert!(taken > 0, "{name}: no sample is valid");
        let mut dice = Dice::new(seed);
        for round in 0..rounds {
            if round % BATCH == 0 && alive.send(round).is_err() {
                return taken;
            }
            let input = bend(&corpus, &mut dice);
            let what = || format!("{name}: seed {seed}, round {round}");
            taken += u64::from(guarded(target, &input, what));
        }
        taken
    });
    let mut last = 0;
    loop {
        match heard.recv_timeout(HANGS) {
            Ok(round) => last = round,
            Err(mpsc::RecvTimeoutError::Disconnected) => break,
            Err(mpsc::RecvTimeoutError::Timeout) => {
                panic!("{name}: hangs: seed {seed}, within {BATCH} rounds from {last}")
            }
        }
    }
    match worker.join() {
        Ok(taken) => {
            println!("{name}: seed {seed}, {rounds} rounds, {taken} inputs taken as valid")
        }
        Err(cause) => panic::resume_unwind(cause),
    }
}

/// Feeds one input; a panic or too much memory names it.
fn guarded(target: Target, input: &[u8], what: impl Fn() -> String) -> bool {
    MEMORY.reset_peak_usage();
    let before = MEMORY.current_usage();
    let ended = panic::catch_unwind(AssertUnwindSafe(|| target(input)));
    let held = MEMORY.peak_usage().saturating_sub(before);
    let Ok(valid) = ended else {
        panic!("{}: panics at {}", what(), shown(input));
    };
    let most = MEMORY_BASE + MEMORY_EACH * input.len();
    assert!(
        held <= most,
        "{}: holds {held} bytes at {}",
        what(),
        shown(input)
    );
    valid
}

fn shown(input: &[u8]) -> String {
    let start: String = input
        .iter()
        .take(512)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("{} bytes, {start}", input.len())
}

fn number(variable: &str) -> Option<u64> {
    let text = env::var(variable).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|error| panic!("{variable}: {error}")),
    )
}
