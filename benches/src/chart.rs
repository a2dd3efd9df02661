//! Curves as a picture.

use std::path::Path;

use anyhow::{Context, anyhow};
use plotters::prelude::*;

/// A line with its name.
pub struct Curve {
    pub label: String,
    pub points: Vec<(f64, f64)>,
}

/// Colours that can be told apart by the colour-blind, too; the first is for the reference.
const COLOURS: [RGBColor; 6] = [
    RGBColor(0, 0, 0),
    RGBColor(213, 94, 0),
    RGBColor(0, 114, 178),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
];

/// Draws curves over steps into an SVG file, with a logarithmic axis for what is above 0.
pub fn draw(path: &Path, title: &str, y: &str, curves: &[Curve]) -> anyhow::Result<()> {
    let mut svg = String::new();
    draw_into(&mut svg, title, y, curves).map_err(|error| anyhow!("cannot draw {}: {error}", path.display()))?;
    std::fs::write(path, svg).with_context(|| format!("cannot write {}", path.display()))
}

/// Round numbers from one to the other.
fn ticks(from: f64, to: f64) -> Vec<f64> {
    let decades = from.log10().floor() as i32..=to.log10().ceil() as i32;
    let all = decades
        .flat_map(|decade| ["1", "1.5", "2", "2.5", "3", "4", "5", "7"].map(|digits| format!("{digits}e{decade}")));
    // By way of their decimals: a product would not be the nearest number.
    all.filter_map(|text| text.parse().ok()).filter(|tick| (from..=to).contains(tick)).collect()
}

fn draw_into(svg: &mut String, title: &str, y: &str, curves: &[Curve]) -> Result<(), Box<dyn std::error::Error>> {
    let points = || curves.iter().flat_map(|curve| &curve.points);
    let last = points().map(|point| point.0).fold(1.0, f64::max);
    let most = points().map(|point| point.1).fold(f64::MIN_POSITIVE, f64::max);
    let least = points().map(|point| point.1).filter(|&y| y > 0.0).fold(most, f64::min);
    let (from, to) = (least * 0.95, most * 1.05);
    let area = SVGBackend::with_string(svg, (720, 420)).into_drawing_area();
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&area)
        .caption(title, ("sans-serif", 18))
        .margin(12)
        .x_label_area_size(40)
        .y_label_area_size(60)
        .build_cartesian_2d(0.0..last, (from..to).log_scale().with_key_points(ticks(from, to)))?;
    let mut mesh = chart.configure_mesh();
    let [x_label, y_label] = [|x: &f64| format!("{x:.0}"), |y: &f64| format!("{y}")];
    mesh.x_desc("step").y_desc(y).x_label_formatter(&x_label).y_label_formatter(&y_label).max_light_lines(0).draw()?;
    for (number, curve) in curves.iter().enumerate() {
        let colour = COLOURS[number % COLOURS.len()];
        let series = chart.draw_series(LineSeries::new(curve.points.iter().copied(), colour.stroke_width(1)))?;
        series
            .label(curve.label.as_str())
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], colour.stroke_width(2)));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperRight)
        .background_style(WHITE.mix(0.8))
        .border_style(BLACK)
        .draw()?;
    area.present()?;
    Ok(())
}
