//! The plots of `docs/economics.md`: lines are formulas, dots with error bars
//! are simulated.

use crate::attacks::{Attack, CHEATS_PASS, OPERATOR, WITH_ACCOMPLICE, simulate};
use crate::cast::Settings;
use crate::formulas::Crowd;
use crate::stats::Row;
use SeriesLabelPosition::{LowerLeft, LowerRight, UpperLeft, UpperRight};
use anyhow::{Context, anyhow};
use assay_protocol::economics::{least_stake, unseen};
use assay_protocol::market::Policy;
use plotters::coord::ranged1d::{AsRangedCoord, ValueFormatter};
use plotters::prelude::*;
use std::ops::Range;
use std::path::Path;

/// Attacks whose odds are simulated for several shares of bribed verifiers, and these shares.
const SWEPT: [Attack; 5] = [Attack::Bribed, Attack::LastReveal, Attack::Collusion, Attack::Hide, Attack::Escape];
const SHARES_BP: [u16; 6] = [0, 1_000, 2_000, 3_000, 4_000, 5_000];
/// Attacks whose profit is simulated for several stakes, and these in tenths of the least.
const PAID: [Attack; 4] = [Attack::TurnIn, Attack::LastReveal, Attack::Hide, Attack::Escape];
const STAKES: [u128; 6] = [0, 2, 4, 6, 8, 10];

/// Jobs that [`all`] simulates for each of the settings' jobs.
pub const RUNS: u64 = (SWEPT.len() * SHARES_BP.len() + PAID.len() * STAKES.len()) as u64;

/// A line of a formula, and what was simulated of it.
struct Curve {
    label: String,
    line: Vec<(f64, f64)>,
    /// Place, mean, half the width of the confidence interval.
    dots: Vec<(f64, f64, f64)>,
}

struct Labels {
    title: &'static str,
    x: &'static str,
    y: &'static str,
    /// Where no curve runs.
    legend: SeriesLabelPosition,
}

/// Colours that can be told apart by the colour-blind, too.
const COLOURS: [RGBColor; 5] =
    [RGBColor(0, 114, 178), RGBColor(213, 94, 0), RGBColor(0, 158, 115), RGBColor(204, 121, 167), RGBColor(80, 80, 80)];

/// Writes all plots into the folder `into`; `each` is called after each simulated job.
///
/// # Errors
/// If a file cannot be written, or the market refuses what an agent does.
pub fn all(settings: &Settings, into: &Path, mut each: impl FnMut()) -> anyhow::Result<()> {
    std::fs::create_dir_all(into).with_context(|| format!("cannot make the folder {}", into.display()))?;
    unseen_by_samples(settings, &into.join("unseen.svg"))?;
    stake_by_samples(settings, &into.join("stake.svg"))?;
    panel_by_share(settings, &into.join("panel.svg"))?;
    passes_by_share(settings, &into.join("bribed.svg"), &mut each)?;
    profit_by_stake(settings, &into.join("profit.svg"), &mut each)
}

fn line(label: String, line: impl Iterator<Item = (f64, f64)>) -> Curve {
    Curve { label, line: line.collect(), dots: Vec::new() }
}

fn samples(settings: &Settings) -> impl Iterator<Item = u8> + Clone {
    1..=16.min(settings.segments) as u8
}

fn unseen_by_samples(settings: &Settings, path: &Path) -> anyhow::Result<()> {
    let segments = settings.segments;
    let mut extents = vec![1, segments.div_ceil(10), segments.div_ceil(4), segments.div_ceil(2)];
    extents.dedup();
    let curve = |count: u32| {
        let odds = move |samples: u8| (f64::from(samples), unseen(segments, count, samples, 0).to_f64());
        line(format!("{count} of {segments} false"), samples(settings).map(odds))
    };
    let labels =
        Labels { title: "Odds that false segments go unseen", x: "segments drawn", y: "odds", legend: UpperRight };
    chart(path, &labels, 1.0..16.0, 0.0..1.0, &extents.into_iter().map(curve).collect::<Vec<_>>())
}

fn stake_by_samples(settings: &Settings, path: &Path) -> anyhow::Result<()> {
    let curve = |percent: u16| {
        // In parts of a gain large enough that rounding does not show.
        let gain = 1 << 40;
        let policy = Policy { gain, false_segments: settings.false_segments, bribed_bp: percent * 100 };
        let (segments, panel) = (settings.segments, settings.panel);
        let stake = move |samples: u8| {
            Some((f64::from(samples), least_stake(&policy, segments, samples, panel)? as f64 / gain as f64))
        };
        line(format!("{percent} % bribed"), samples(settings).filter_map(stake))
    };
    let labels = Labels {
        title: "Least stake, in multiples of the gain",
        x: "segments drawn",
        y: "stake / gain",
        legend: UpperRight,
    };
    let curves: Vec<Curve> = [0, 10, 20, 30, 50].map(curve).into();
    let most = curves.iter().flat_map(|curve| &curve.line).map(|point| point.1).fold(1.0, f64::max);
    chart(path, &labels, 1.0..16.0, (0.1..most * 1.2).log_scale(), &curves)
}

fn panel_by_share(settings: &Settings, path: &Path) -> anyhow::Result<()> {
    let curve = |seats: u32| {
        let majority = move |bribed: u32| {
            let crowd = Crowd { honest: 100 - bribed, bribed, weight: 1.0 };
            (f64::from(bribed), crowd.bribed_majority(seats))
        };
        line(format!("{seats} seats"), (0..=60).map(majority))
    };
    let labels = Labels {
        title: "Odds of a panel with a bribed majority",
        x: "% of 100 verifiers bribed",
        y: "odds",
        legend: UpperLeft,
    };
    let mut seats = vec![3, 5, 9, u32::from(settings.panel)];
    seats.sort_unstable();
    seats.dedup();
    chart(path, &labels, 0.0..60.0, 0.0..1.0, &seats.into_iter().map(curve).collect::<Vec<_>>())
}

/// A curve through a simulated quantity at several settings.
fn simulated(
    attack: Attack,
    quantity: &str,
    settings: impl Iterator<Item = (f64, Settings)>,
    each: &mut impl FnMut(),
) -> anyhow::Result<Curve> {
    let mut curve = line(attack.name().to_owned(), std::iter::empty());
    for (place, settings) in settings {
        let rows: Vec<Row> = simulate(attack, &settings, &mut *each)?;
        let row = rows.iter().find(|row| row.quantity == quantity).context("every attack has this quantity")?;
        curve.line.extend(row.expected.map(|expected| (place, expected)));
        curve.dots.push((place, row.measured, row.half_width));
    }
    Ok(curve)
}

fn passes_by_share(settings: &Settings, path: &Path, each: &mut impl FnMut()) -> anyhow::Result<()> {
    // The stake must not follow the share: where most are bribed, none is enough.
    let stake = settings.stake();
    let shares =
        SHARES_BP.map(|bribed_bp| (f64::from(bribed_bp) / 1e2, Settings { bribed_bp, stake, ..settings.clone() }));
    let curves: Result<Vec<_>, _> =
        SWEPT.iter().map(|attack| simulated(*attack, CHEATS_PASS, shares.iter().cloned(), each)).collect();
    let labels =
        Labels { title: "Odds that a cheat passes", x: "% of the verifiers bribed", y: "odds", legend: LowerRight };
    chart(path, &labels, 0.0..50.0, 0.0..1.0, &curves?)
}

fn profit_by_stake(settings: &Settings, path: &Path, each: &mut impl FnMut()) -> anyhow::Result<()> {
    let least = settings.stake().context("settings are checked")?;
    let payment = settings.payment as f64;
    let stakes = STAKES.map(|tenths| {
        let stake = Some((least / 10 * tenths).max(1));
        (tenths as f64 / 10.0, Settings { stake, ..settings.clone() })
    });
    let mut curves = Vec::new();
    for attack in PAID {
        let quantity = match attack {
            Attack::TurnIn => WITH_ACCOMPLICE,
            _ => OPERATOR,
        };
        let mut curve = simulated(attack, quantity, stakes.iter().cloned(), each)?;
        curve.line.iter_mut().for_each(|point| point.1 /= payment);
        curve.dots.iter_mut().for_each(|dot| (dot.1, dot.2) = (dot.1 / payment, dot.2 / payment));
        curves.push(curve);
    }
    let of = |pick: fn(f64, f64) -> f64| {
        let values = curves.iter().flat_map(|curve| &curve.dots).flat_map(|dot| [dot.1 - dot.2, dot.1 + dot.2]);
        values.fold(0.0, pick)
    };
    let room = (of(f64::max) - of(f64::min)) / 20.0;
    let labels = Labels {
        title: "What a cheat gains over honest work, per job",
        x: "stake / least stake",
        y: "gain / payment",
        legend: LowerLeft,
    };
    chart(path, &labels, 0.0..1.0, of(f64::min) - room..of(f64::max) + room, &curves)
}

/// Draws curves into an SVG file.
fn chart<Y>(path: &Path, labels: &Labels, x: Range<f64>, y: Y, curves: &[Curve]) -> anyhow::Result<()>
where
    Y: AsRangedCoord<Value = f64>,
    Y::CoordDescType: ValueFormatter<f64>,
{
    let mut svg = String::new();
    draw(&mut svg, labels, x, y, curves).map_err(|error| anyhow!("cannot draw {}: {error}", path.display()))?;
    std::fs::write(path, svg).with_context(|| format!("cannot write {}", path.display()))
}

fn draw<Y>(
    svg: &mut String,
    labels: &Labels,
    x: Range<f64>,
    y: Y,
    curves: &[Curve],
) -> Result<(), Box<dyn std::error::Error>>
where
    Y: AsRangedCoord<Value = f64>,
    Y::CoordDescType: ValueFormatter<f64>,
{
    let area = SVGBackend::with_string(svg, (640, 400)).into_drawing_area();
    area.fill(&WHITE)?;
    let width = x.end - x.start;
    let mut chart = ChartBuilder::on(&area)
        .caption(labels.title, ("sans-serif", 18))
        .margin(12)
        .x_label_area_size(40)
        .y_label_area_size(60)
        .build_cartesian_2d(x, y)?;
    chart.configure_mesh().x_desc(labels.x).y_desc(labels.y).max_light_lines(0).draw()?;
    for (number, curve) in curves.iter().enumerate() {
        let colour = COLOURS[number % COLOURS.len()];
        let series = chart.draw_series(LineSeries::new(curve.line.iter().copied(), colour.stroke_width(2)))?;
        series
            .label(curve.label.as_str())
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], colour.stroke_width(2)));
        chart.draw_series(curve.dots.iter().map(|dot| Circle::new((dot.0, dot.1), 3, colour.filled())))?;
        let bars = curve.dots.iter().flat_map(|&(at, mean, half)| {
            let cap = width / 120.0;
            let across = |y| PathElement::new([(at - cap, y), (at + cap, y)], colour);
            [PathElement::new([(at, mean - half), (at, mean + half)], colour), across(mean - half), across(mean + half)]
        });
        chart.draw_series(bars)?;
    }
    chart
        .configure_series_labels()
        .position(labels.legend.clone())
        .background_style(WHITE.mix(0.8))
        .border_style(BLACK)
        .draw()?;
    area.present()?;
    Ok(())
}
