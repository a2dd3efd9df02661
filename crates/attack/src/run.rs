//! Runs histories: many on threads, one from a file, and shrinks what fails.

use crate::coverage::Coverage;
use crate::history::{Act, Assumption, History, Setup};
use crate::shrink::shrink;
use std::cell::RefCell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Replays that shrinking a failure may take.
const SHRINK_BUDGET: usize = 3_000;

/// A kind of world that can be attacked. Everything that should not be panics.
pub trait World: Sized {
    /// Its name on the command line and in files.
    const NAME: &'static str;

    /// The world before anything has happened; it goes on counting in `coverage`.
    fn new(setup: Setup, coverage: Coverage) -> Self;
    /// An act that may be of interest now.
    fn choose(&mut self, rng: &mut fastrand::Rng) -> Act;
    /// Does it, and checks everything after every message.
    fn perform(&mut self, act: Act);
    /// Ends everything, takes all money out and checks that nothing is left.
    fn finish(&mut self);
    /// What was reached by now.
    fn coverage(self) -> Coverage;
    /// `(kind, name)` of what any run of enough histories must have reached.
    fn wanted() -> Vec<(&'static str, &'static str)>;
}

/// What to run.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// How many histories.
    pub histories: u64,
    /// The first one's number; each history is a function of its number alone.
    pub seed: u64,
    /// Acts of a history.
    pub length: usize,
    /// Threads.
    pub threads: usize,
    /// What malicious verifiers may do.
    pub assumption: Assumption,
}

/// A history that broke a rule.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The shortest history found that still does.
    pub history: History,
    /// What it breaks.
    pub what: String,
    /// Acts before shrinking.
    pub acts: usize,
}

/// What came of a run.
#[derive(Debug, Default)]
pub struct Report {
    /// Histories that were run.
    pub histories: u64,
    /// What they have reached.
    pub coverage: Coverage,
    /// The first failure, shrunk.
    pub failure: Option<Failure>,
    /// How long it took.
    pub took: Duration,
}

thread_local! {
    static PANIC: RefCell<Option<String>> = const { RefCell::new(None) };
    static QUIET: RefCell<bool> = const { RefCell::new(false) };
}

/// Keeps panics of attacks off the screen: they are findings, reported shrunk.
fn keep_panics() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let default = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if QUIET.with_borrow(|quiet| *quiet) {
                PANIC.set(Some(info.to_string()));
            } else {
                default(info);
            }
        }));
    });
}

/// Runs `work` and gives what it panicked with, if it did.
fn caught<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    keep_panics();
    QUIET.set(true);
    let result = panic::catch_unwind(AssertUnwindSafe(work));
    QUIET.set(false);
    result.map_err(|_| PANIC.take().unwrap_or_else(|| "a panic without a message".into()))
}

/// Runs the acts of a history.
///
/// # Errors
/// What it breaks.
pub fn replay<W: World>(setup: Setup, acts: &[Act]) -> Result<Coverage, String> {
    caught(|| {
        let mut world = W::new(setup, Coverage::default());
        for act in acts {
            world.perform(*act);
        }
        world.finish();
        world.coverage()
    })
}

/// Makes up history number `seed` and runs it. Gives the acts, and what it breaks.
fn make_up<W: World>(setup: Setup, length: usize, seen: Coverage) -> (Vec<Act>, Result<Coverage, String>) {
    let mut acts = Vec::with_capacity(length);
    let mut rng = fastrand::Rng::with_seed(setup.seed);
    let result = caught(|| {
        let mut world = W::new(setup, seen);
        while acts.len() < length {
            let act = world.choose(&mut rng);
            acts.push(act);
            world.perform(act);
        }
        world.finish();
        world.coverage()
    });
    (acts, result)
}

/// The same place in the source, whatever the numbers in the message: a history
/// must not shrink to one that breaks something else.
fn place(message: &str) -> &str {
    message.lines().next().unwrap_or_default()
}

fn shrunk<W: World>(setup: Setup, acts: &[Act], what: String) -> Failure {
    let first = place(&what).to_owned();
    let kept =
        shrink(acts, SHRINK_BUDGET, |acts| replay::<W>(setup, acts).is_err_and(|message| place(&message) == first));
    let what = replay::<W>(setup, &kept).err().unwrap_or(what);
    Failure { history: History { attack: W::NAME.into(), setup, acts: kept }, what, acts: acts.len() }
}

/// Runs all histories of a plan, or until one fails. `progress` is told now and
/// then how many are done.
pub fn run<W: World>(plan: Plan, progress: impl Fn(u64) + Sync) -> Report {
    let (next, failed, begun) = (AtomicU64::new(0), AtomicBool::new(false), Instant::now());
    let total = Mutex::new(Report::default());
    std::thread::scope(|scope| {
        for _ in 0..plan.threads.max(1) {
            scope.spawn(|| {
                let mut coverage = Coverage::default();
                let mut done = 0;
                while !failed.load(Ordering::Relaxed) {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= plan.histories {
                        break;
                    }
                    let setup = Setup { seed: plan.seed.wrapping_add(number), assumption: plan.assumption };
                    let (acts, result) = make_up::<W>(setup, plan.length, std::mem::take(&mut coverage));
                    done += 1;
                    match result {
                        Ok(seen) => coverage = seen,
                        Err(what) if !failed.swap(true, Ordering::Relaxed) => {
                            let failure = shrunk::<W>(setup, &acts, what);
                            total.lock().expect("no thread panics with the lock").failure = Some(failure);
                        }
                        Err(_) => {}
                    }
                    if number % 4_096 == 0 {
                        progress(number);
                    }
                }
                let mut total = total.lock().expect("no thread panics with the lock");
                total.coverage.merge(coverage);
                total.histories += done;
            });
        }
    });
    let mut report = total.into_inner().expect("no thread panics with the lock");
    report.took = begun.elapsed();
    report
}
