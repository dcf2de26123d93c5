//! From the corpus, through mutations, to a failure that a person can keep.
//!
//! Guided without instruments: a target notes what an input made happen (events, errors, sizes by
//! their power of two), and an input after which something was noted that never was before, or in
//! an order that never was, joins the inputs that are mutated. `proptest` chooses the changes and
//! shrinks what fails.

use std::cell::RefCell;
use std::collections::HashSet;
use std::fs;
use std::hash::{BuildHasher, DefaultHasher, Hash, Hasher, RandomState};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};

use super::mutation::{Grammar, LONGEST, mutations, place};

/// A codec under attack.
pub struct Target {
    /// Its folder in `tests/corpus`.
    pub name: &'static str,
    pub grammar: Grammar,
    /// Everything that must hold for any input; the same for the same bytes.
    pub check: fn(&[u8], &mut Trace) -> Outcome,
}

/// A broken promise is an error or a panic.
pub type Outcome = Result<(), TestCaseError>;

/// What an input made happen.
#[derive(Debug, Default)]
pub struct Trace {
    seen: HashSet<u64>,
    last: u64,
}

impl Trace {
    /// Takes note of something, and of what came before it.
    pub fn note(&mut self, what: impl Hash) {
        let mut hasher = DefaultHasher::new();
        what.hash(&mut hasher);
        let this = hasher.finish();
        self.seen.insert(this ^ self.last.rotate_left(1));
        self.last = this;
    }

    /// Takes note of about how many.
    pub fn note_size(&mut self, what: &'static str, size: usize) {
        self.note((what, size.checked_ilog2()));
    }
}

/// Inputs between two looks at the clock.
const BATCH: u32 = 256;
/// Seconds without `FUZZ_SECONDS`.
const SECONDS: u64 = 3;
/// Tries to make a failing input smaller.
const TRIES: usize = 3_000;

/// Puts every file of the target's corpus through it, so that each is a regression test.
pub fn replay(target: &Target) {
    for (path, input) in corpus(target.name) {
        if let Err(why) = judged(target, &input) {
            panic!("{}: {why}", path.display());
        }
    }
}

/// Mutates the corpus for `FUZZ_SECONDS`, or for 3 seconds. `FUZZ_SEED` repeats a run, as far as
/// the clock lets it.
pub fn fuzz(target: &Target) {
    let seconds = variable("FUZZ_SECONDS").unwrap_or(SECONDS);
    let seed = variable("FUZZ_SEED").unwrap_or_else(|| RandomState::new().hash_one(target.name));
    let until = Instant::now() + Duration::from_secs(seconds);
    let mut pool: Vec<Vec<u8>> = corpus(target.name).into_iter().map(|(_, input)| input).collect();
    // What is larger is read once, by `replay`.
    pool.retain(|input| input.len() <= LONGEST);
    let mut known = HashSet::new();
    for input in &pool {
        let mut trace = Trace::default();
        _ = (target.check)(input, &mut trace);
        known.extend(trace.seen);
    }

    let seeds = pool.len();
    for batch in 0.. {
        let fresh = RefCell::new((known, Vec::new()));
        let one = |input: Vec<u8>| {
            let mut trace = Trace::default();
            (target.check)(&input, &mut trace)?;
            let (known, found) = &mut *fresh.borrow_mut();
            let before = known.len();
            known.extend(trace.seen);
            if known.len() > before {
                found.push(input);
            }
            Ok(())
        };
        let outcome = runner(seed, batch).run(&mutated(&pool, &target.grammar), one);
        if let Err(TestError::Fail(why, input)) = outcome {
            report(target, seed, &why.to_string(), input);
        }
        let found;
        (known, found) = fresh.into_inner();
        pool.extend(found);
        if Instant::now() >= until {
            let inputs = (batch + 1) * u64::from(BATCH);
            eprintln!("{}: {inputs} inputs from {seeds} seeds, {} kept", target.name, pool.len() - seeds);
            return;
        }
    }
}

/// An input of the pool, changed.
fn mutated<'a>(pool: &'a [Vec<u8>], grammar: &'a Grammar) -> impl Strategy<Value = Vec<u8>> + 'a {
    (mutations(), any::<u16>()).prop_map(|((first, changes), second)| {
        let mut input = pool[place(first, pool.len() - 1)].clone();
        let other = &pool[place(second, pool.len() - 1)];
        for change in changes {
            change.apply(&mut input, other, grammar);
        }
        input
    })
}

fn runner(seed: u64, batch: u64) -> TestRunner {
    let config = Config { cases: BATCH, failure_persistence: None, ..Config::default() };
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    bytes[8..16].copy_from_slice(&batch.to_le_bytes());
    TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes))
}

/// Makes the input as small as can be, writes it down, and fails with all one needs to keep it.
fn report(target: &Target, seed: u64, why: &str, input: Vec<u8>) -> ! {
    let input = shrunk(target, input);
    let why = judged(target, &input).err().unwrap_or_else(|| why.to_owned());
    let mut hash = DefaultHasher::new();
    input.hash(&mut hash);
    let name = format!("{}-{:016x}", target.name, hash.finish());
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(&name);
    fs::write(&path, &input).unwrap();
    panic!(
        "{why}\n  input: b\"{}\"\n  FUZZ_SEED={seed}\n  \
         a test from now on: cp {} tests/corpus/{}/SAY-WHAT-IT-IS",
        input.escape_ascii(),
        path.display(),
        target.name,
    );
}

/// Takes away whatever is not needed to fail, in ever smaller pieces.
fn shrunk(target: &Target, mut input: Vec<u8>) -> Vec<u8> {
    let mut tries = TRIES;
    let mut piece = input.len().next_power_of_two();
    while piece > 0 && tries > 0 {
        let mut at = 0;
        while at < input.len() && tries > 0 {
            tries -= 1;
            let mut less = input.clone();
            less.drain(at..input.len().min(at + piece));
            if judged(target, &less).is_err() {
                input = less;
            } else {
                at += piece;
            }
        }
        piece /= 2;
    }
    input
}

/// The check, a panic being a failure like any other.
fn judged(target: &Target, input: &[u8]) -> Result<(), String> {
    let outcome = catch_unwind(AssertUnwindSafe(|| (target.check)(input, &mut Trace::default())));
    match outcome {
        Ok(Ok(()) | Err(TestCaseError::Reject(_))) => Ok(()),
        Ok(Err(TestCaseError::Fail(why))) => Err(why.to_string()),
        Err(panic) => Err(match panic.downcast_ref::<String>() {
            Some(text) => format!("panic: {text}"),
            None => format!("panic: {}", panic.downcast_ref::<&str>().unwrap_or(&"of some kind")),
        }),
    }
}

/// The files of a corpus, in the order of their names.
fn corpus(name: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus").join(name);
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(!paths.is_empty(), "{} is empty", folder.display());
    paths.into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

fn variable(name: &str) -> Option<u64> {
    let value = std::env::var(name).ok()?;
    Some(value.parse().unwrap_or_else(|_| panic!("{name} is no number: {value:?}")))
}
