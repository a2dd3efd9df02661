//! Tables of what was measured.

use std::fmt::Write;

use serde::Serialize;

use crate::shapes::Shape;

/// Who multiplies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Contender {
    OpenBlas,
    Gemm,
    Int8x1,
    Int8x2,
    Int8x3,
}

impl Contender {
    /// In the order of measurement; the first is the reference.
    pub const ALL: [Contender; 5] =
        [Contender::OpenBlas, Contender::Gemm, Contender::Int8x1, Contender::Int8x2, Contender::Int8x3];

    /// The relative error up to which results are taken for the same product.
    pub fn tolerance(self) -> f64 {
        match self {
            Contender::Int8x1 => 5e-2,
            Contender::Int8x2 => 5e-4,
            Contender::OpenBlas | Contender::Gemm | Contender::Int8x3 => 1e-5,
        }
    }
}

/// A contender's times.
#[derive(Clone, Debug, Serialize)]
pub struct Figure {
    contender: Contender,
    /// Median seconds.
    median: f64,
    /// Shortest and longest.
    least: f64,
    most: f64,
    rounds: usize,
    /// 1e9 multiplications and additions per second, counted as two.
    gflops: f64,
}

/// A shape on a number of threads.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    group: &'static str,
    name: String,
    m: usize,
    k: usize,
    n: usize,
    threads: usize,
    figures: Vec<Figure>,
}

impl Row {
    pub fn new(shape: &Shape, threads: usize, contenders: &[Contender], seconds: Vec<Vec<f64>>) -> Row {
        let figure = |(&contender, mut seconds): (&Contender, Vec<f64>)| {
            seconds.sort_by(f64::total_cmp);
            let median = seconds[seconds.len() / 2];
            Figure {
                contender,
                median,
                least: seconds[0],
                most: seconds[seconds.len() - 1],
                rounds: seconds.len(),
                gflops: 2.0 * shape.products() / median / 1e9,
            }
        };
        Row {
            group: shape.group,
            name: shape.name.clone(),
            m: shape.m,
            k: shape.k,
            n: shape.n,
            threads,
            figures: contenders.iter().zip(seconds).map(figure).collect(),
        }
    }

    fn gflops(&self, contender: Contender) -> Option<f64> {
        self.figures.iter().find(|figure| figure.contender == contender).map(|figure| figure.gflops)
    }

    /// The faster peer.
    fn peer(&self) -> f64 {
        let of = |contender| self.gflops(contender).unwrap_or(0.0);
        of(Contender::OpenBlas).max(of(Contender::Gemm))
    }

    fn ratio(&self, contender: Contender) -> f64 {
        self.gflops(contender).unwrap_or(0.0) / self.peer()
    }

    /// Longest over shortest time, of the contender for which it is greatest.
    fn noise(&self) -> f64 {
        self.figures.iter().map(|figure| figure.most / figure.least).fold(1.0, f64::max)
    }

    /// The row in Markdown.
    pub fn line(&self) -> String {
        let speed = |contender| self.gflops(contender).map_or("-".to_owned(), |gflops| format!("{gflops:.0}"));
        let mut line = format!(
            "| {} | {} x {} x {} | {} | {} | {} |",
            self.name,
            self.m,
            self.k,
            self.n,
            self.threads,
            speed(Contender::OpenBlas),
            speed(Contender::Gemm)
        );
        for contender in [Contender::Int8x1, Contender::Int8x2, Contender::Int8x3] {
            let _ = write!(line, " {} ({:.2}) |", speed(contender), self.ratio(contender));
        }
        line
    }
}

/// The system's load average of a minute; 0 where it does not tell.
pub fn load() -> f64 {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().and_then(|load| load.parse().ok()).unwrap_or(0.0)
}

/// All that was measured.
#[derive(Debug, Serialize)]
pub struct Report {
    openblas: String,
    cores: usize,
    pub instructions: String,
    /// Processes that wanted to run, as the system's average of a minute, at the start.
    load_before: f64,
    /// At the end.
    pub load_after: f64,
    pub rows: Vec<Row>,
}

impl Report {
    pub fn new(openblas: &str, cores: usize) -> Report {
        let load = load();
        Report {
            openblas: openblas.to_owned(),
            cores,
            instructions: String::new(),
            load_before: load,
            load_after: load,
            rows: Vec::new(),
        }
    }

    /// A table per group, and a summary.
    pub fn markdown(&self) -> String {
        let mut text = format!(
            "Instructions of the exact matmul: `{}`; {} cores; {}. Figures are GFLOP/s (2 m k n, medians), \
             in brackets as a multiple of the faster of OpenBLAS and `gemm`.\n",
            self.instructions, self.cores, self.openblas
        );
        let mut groups: Vec<&str> = self.rows.iter().map(|row| row.group).collect();
        groups.dedup();
        for group in groups {
            let _ = write!(
                text,
                "\n### {group}\n\n| product | m x k x n | threads | OpenBLAS f32 | `gemm` f32 | int8x1 | int8x2 | int8x3 |\n\
                 | --- | --- | --- | --- | --- | --- | --- | --- |\n"
            );
            for row in self.rows.iter().filter(|row| row.group == group) {
                let _ = writeln!(text, "{}", row.line());
            }
        }
        text += "\n| precision | least ratio | median ratio | shapes at 1.0 and above |\n| --- | --- | --- | --- |\n";
        for contender in [Contender::Int8x1, Contender::Int8x2, Contender::Int8x3] {
            let mut ratios: Vec<f64> = self.rows.iter().map(|row| row.ratio(contender)).collect();
            ratios.sort_by(f64::total_cmp);
            if let Some(least) = ratios.first() {
                let reached = ratios.iter().filter(|ratio| **ratio >= 1.0).count();
                let name = format!("{contender:?}").to_lowercase();
                let median = ratios[ratios.len() / 2];
                let _ = writeln!(text, "| {name} | {least:.2} | {median:.2} | {reached} of {} |", ratios.len());
            }
        }
        let mut noise: Vec<f64> = self.rows.iter().map(Row::noise).collect();
        noise.sort_by(f64::total_cmp);
        if let (Some(most), median) = (noise.last(), noise[noise.len() / 2]) {
            let _ = writeln!(
                text,
                "\nNoise, as longest over shortest time of a contender in a row: {median:.2} in the median row, \
                 {most:.2} in the worst. Load average before and after: {:.1}, {:.1}, of {} cores.",
                self.load_before, self.load_after, self.cores
            );
        }
        text
    }
}
