//! Charts as SVG, by hand: a line chart needs no library, and libraries want the system's fonts.

use std::fmt::Write as _;
use std::fs::{create_dir_all, write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::figure::short;

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 420.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 20.0;
const TOP: f64 = 50.0;
const BOTTOM: f64 = 80.0;

/// Told apart by people who see no red or no green, too.
const COLOURS: [&str; 4] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7"];

/// Lines over the number of connections.
pub(super) struct Chart {
    title: &'static str,
    unit: &'static str,
    series: Vec<Series>,
}

/// One line.
pub(super) struct Series {
    name: &'static str,
    points: Vec<(usize, f64)>,
}

impl Series {
    /// Points from left to right.
    pub(super) fn new(name: &'static str, points: Vec<(usize, f64)>) -> Self {
        Self { name, points }
    }
}

impl Chart {
    /// Without lines yet.
    pub(super) fn new(title: &'static str, unit: &'static str) -> Self {
        Self {
            title,
            unit,
            series: Vec::new(),
        }
    }

    /// Adds a line.
    pub(super) fn add(&mut self, series: Series) {
        self.series.push(series);
    }

    /// Writes `<name>.svg` into the directory.
    pub(super) fn save(&self, directory: &Path, name: &str) -> Result<PathBuf> {
        create_dir_all(directory)
            .with_context(|| format!("cannot create {}", directory.display()))?;
        let path = directory.join(format!("{name}.svg"));
        write(&path, self.svg()).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(path)
    }

    pub(super) fn to_json(&self) -> Value {
        let series = self.series.iter().map(|series| {
            let points: Vec<Value> = series
                .points
                .iter()
                .map(|(connections, value)| json!([connections, value]))
                .collect();
            json!({ "name": series.name, "points": points })
        });
        json!({ "title": self.title, "unit": self.unit, "series": series.collect::<Vec<_>>() })
    }

    /// The numbers of connections that occur, upwards. They are set at equal distances.
    fn columns(&self) -> Vec<usize> {
        let points = self.series.iter().flat_map(|series| &series.points);
        let mut columns: Vec<usize> = points.map(|(connections, _)| *connections).collect();
        columns.sort_unstable();
        columns.dedup();
        columns
    }

    fn svg(&self) -> String {
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
             font-family=\"sans-serif\" font-size=\"12\">\n\
             <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n\
             <text x=\"{LEFT}\" y=\"24\" font-size=\"16\">{}, {}</text>\n",
            self.title, self.unit
        );
        let columns = self.columns();
        let values = self.series.iter().flat_map(|series| &series.points);
        let most = values.map(|(_, value)| *value).fold(0.0, f64::max);
        let step = round_step(most / 5.0);
        let top = step * (most / step).ceil().max(1.0);
        let area = Area {
            columns: &columns,
            top,
        };
        area.axes(&mut svg, step);
        for (series, colour) in self.series.iter().zip(COLOURS.iter().cycle()) {
            area.line(&mut svg, series, colour);
        }
        self.legend(&mut svg);
        svg.push_str("</svg>\n");
        svg
    }

    fn legend(&self, svg: &mut String) {
        let mut x = LEFT;
        for (series, colour) in self.series.iter().zip(COLOURS.iter().cycle()) {
            let y = HEIGHT - 16.0;
            // Writing to a string cannot fail.
            let _ = writeln!(
                svg,
                "<rect x=\"{x}\" y=\"{}\" width=\"14\" height=\"4\" fill=\"{colour}\"/>\
                 <text x=\"{}\" y=\"{y}\">{}</text>",
                y - 6.0,
                x + 20.0,
                series.name
            );
            x += 60.0 + 7.0 * f64::from(u16::try_from(series.name.len()).unwrap_or(u16::MAX));
        }
    }
}

/// Where values lie on the paper.
struct Area<'c> {
    columns: &'c [usize],
    top: f64,
}

impl Area<'_> {
    fn x(&self, connections: usize) -> f64 {
        let index = |at: usize| f64::from(u16::try_from(at).unwrap_or(u16::MAX));
        let at = self.columns.iter().position(|each| *each == connections);
        let last = index(self.columns.len().saturating_sub(1)).max(1.0);
        LEFT + 20.0 + (WIDTH - LEFT - RIGHT - 40.0) * index(at.unwrap_or(0)) / last
    }

    fn y(&self, value: f64) -> f64 {
        HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * value / self.top
    }

    fn axes(&self, svg: &mut String, step: f64) {
        let mut value = 0.0;
        while value <= self.top * 1.001 {
            let y = self.y(value);
            let _ = writeln!(
                svg,
                "<line x1=\"{LEFT}\" y1=\"{y:.1}\" x2=\"{}\" y2=\"{y:.1}\" stroke=\"#ddd\"/>\
                 <text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                WIDTH - RIGHT,
                LEFT - 8.0,
                y + 4.0,
                short(value)
            );
            value += step;
        }
        for connections in self.columns {
            let _ = writeln!(
                svg,
                "<text x=\"{:.1}\" y=\"{}\" text-anchor=\"middle\">{connections}</text>",
                self.x(*connections),
                HEIGHT - BOTTOM + 18.0
            );
        }
        let _ = writeln!(
            svg,
            "<text x=\"{}\" y=\"{}\" text-anchor=\"middle\">connections</text>",
            (LEFT + WIDTH - RIGHT) / 2.0,
            HEIGHT - BOTTOM + 38.0
        );
    }

    fn line(&self, svg: &mut String, series: &Series, colour: &str) {
        let place = |(connections, value): &(usize, f64)| (self.x(*connections), self.y(*value));
        let points: Vec<String> = series
            .points
            .iter()
            .map(place)
            .map(|(x, y)| format!("{x:.1},{y:.1}"))
            .collect();
        let _ = writeln!(
            svg,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>",
            points.join(" ")
        );
        for point in &series.points {
            let (x, y) = place(point);
            let _ = writeln!(
                svg,
                "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" fill=\"{colour}\"><title>{}: {}</title></circle>",
                point.0,
                short(point.1)
            );
        }
    }
}

/// The round number (1, 2 or 5 of some power of ten) next above.
fn round_step(step: f64) -> f64 {
    if step <= 0.0 {
        return 1.0;
    }
    let power = 10_f64.powf(step.log10().floor());
    let digit = [1.0, 2.0, 5.0]
        .into_iter()
        .find(|each| step <= each * power);
    digit.unwrap_or(10.0) * power
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_point_lies_on_the_paper() {
        let mut chart = Chart::new("t", "u");
        chart.add(Series::new("a", vec![(1, 10.0), (64, 950.0)]));
        chart.add(Series::new("b", vec![(8, 0.0)]));
        let svg = chart.svg();
        assert_eq!(svg.matches("<polyline").count(), 2);
        let places: Vec<f64> = svg
            .split("cy=\"")
            .skip(1)
            .filter_map(|rest| rest.split('"').next()?.parse().ok())
            .collect();
        assert_eq!(places.len(), 3);
        let paper = TOP - 0.1..=HEIGHT - BOTTOM + 0.1;
        assert!(places.iter().all(|y| paper.contains(y)), "{places:?}");
    }

    #[test]
    fn steps_are_round() {
        for (step, expected) in [(190.0, 200.0), (3.0, 5.0), (0.07, 0.1), (1000.0, 1000.0)] {
            assert!((round_step(step) - expected).abs() < 1e-9, "{step}");
        }
    }
}
