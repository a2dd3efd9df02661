//! Progress of long work: a bar at a terminal, nothing elsewhere.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

fn bar(template: &str, what: &str, length: Option<u64>) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(length, ProgressDrawTarget::stderr());
    bar.set_style(ProgressStyle::with_template(template).expect("the template is constant"));
    bar.set_message(what.to_owned());
    bar
}

/// A bar over bytes whose number becomes known as they come; takes itself away.
pub fn bytes(what: &str) -> ProgressBar {
    bar("{msg} {bar:30} {bytes}/{total_bytes} {bytes_per_sec}", what, Some(0))
}

/// A bar over `length` things.
pub fn things(what: &str, length: u64) -> ProgressBar {
    bar("{msg} {bar:30} {pos}/{len} {eta}", what, Some(length))
}

/// A line that shows what is waited for.
pub fn waiting() -> ProgressBar {
    bar("{spinner} {msg}", "", None)
}

/// What a fetch reports to.
pub fn of_fetch(bar: &ProgressBar) -> impl Fn(u64, Option<u64>) + Sync + '_ {
    |got, all| {
        if let Some(all) = all {
            bar.set_length(all);
        }
        bar.set_position(got);
    }
}
