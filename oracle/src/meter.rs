//! How far a training is, for whoever watches: a bar on a terminal, else a line
//! of log now and then.

use assay_engine::Pulse;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// How often a line is logged.
const EVERY: Duration = Duration::from_secs(10);

/// The bars of all jobs.
#[derive(Clone, Debug, Default)]
pub struct Meters(MultiProgress);

impl Meters {
    /// A meter for the training of `job`, which has `steps` and is at step `done`.
    pub fn meter(&self, job: u64, done: u64, steps: u64) -> Meter {
        let bar = self.0.add(ProgressBar::new(steps).with_position(done));
        let style = ProgressStyle::with_template("job {prefix} {wide_bar} step {pos}/{len} {msg} {eta}");
        bar.set_style(style.expect("the template is constant"));
        bar.set_prefix(job.to_string());
        Meter { job, steps, bar, told: Mutex::new(Instant::now()) }
    }
}

/// The bar of one job.
#[derive(Debug)]
pub struct Meter {
    job: u64,
    steps: u64,
    bar: ProgressBar,
    told: Mutex<Instant>,
}

impl Meter {
    /// A step is done.
    pub fn step(&self, pulse: &Pulse) {
        let done = pulse.step + 1;
        self.bar.set_position(done);
        if !self.bar.is_hidden() {
            self.bar.set_message(format!("loss {:.4}", pulse.loss()));
            return;
        }
        let mut told = self.told.lock().expect("no panic while held");
        if told.elapsed() >= EVERY {
            *told = Instant::now();
            tracing::info!(job = self.job, step = done, of = self.steps, loss = pulse.loss(), "training");
        }
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
