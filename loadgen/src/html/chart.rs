//! A chart: lines over one axis, drawn as SVG, with the figures behind it for the pointer.
//!
//! All series share their x values; a point that a series does not have leaves a gap.

use std::fmt::Write as _;

use serde::Serialize;

use super::page::escape;
use super::scale::Scale;

const LEFT: f64 = 68.0;
const RIGHT: f64 = 18.0;
const TOP: f64 = 10.0;
const BOTTOM: f64 = 44.0;

/// How a series looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    /// The n-th colour, and the n-th pattern of dashes, so that colour is not needed to tell lines apart.
    Line(usize),
    /// A thin line in the n-th colour, without a name: one of many runs.
    Faint(usize),
}

/// Colours and patterns there are.
pub(crate) const LOOKS: usize = 6;

/// A line.
#[derive(Clone, Debug)]
pub(crate) struct Series {
    pub(crate) name: String,
    pub(crate) look: Look,
    /// One for each x.
    pub(crate) values: Vec<Option<f64>>,
}

/// Room a chart takes, in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Size {
    Whole,
    Half,
}

impl Size {
    fn pixels(self) -> (f64, f64) {
        match self {
            Size::Whole => (1040.0, 380.0),
            Size::Half => (508.0, 250.0),
        }
    }
}

/// Everything a chart needs.
#[derive(Clone, Debug)]
pub(crate) struct Chart {
    pub(crate) title: String,
    /// What to make of it, in a sentence; may be empty.
    pub(crate) note: String,
    pub(crate) size: Size,
    pub(crate) x_title: String,
    pub(crate) x_scale: Scale,
    pub(crate) y_scale: Scale,
    pub(crate) xs: Vec<f64>,
    /// What stands at each x when the pointer is there. Empty: as the axis writes it.
    pub(crate) x_labels: Vec<String>,
    /// Marks along x instead of the axis' own.
    pub(crate) marks: Vec<(f64, String)>,
    pub(crate) series: Vec<Series>,
}

/// What the script reads.
#[derive(Serialize)]
struct Pointed {
    x: Vec<f64>,
    label: Vec<String>,
    top: f64,
    bottom: f64,
    series: Vec<PointedSeries>,
}

#[derive(Serialize)]
struct PointedSeries {
    name: String,
    colour: usize,
    y: Vec<Option<f64>>,
    text: Vec<String>,
}

impl Chart {
    /// The chart as a `figure`.
    pub(crate) fn render(&self) -> String {
        let (width, height) = self.size.pixels();
        let mut out = format!(
            "<figure class=\"chart\">\n<figcaption><h3>{}</h3>",
            escape(&self.title)
        );
        self.write_legend(&mut out);
        let _ = write!(
            out,
            "</figcaption>\n<svg viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"{}\">\n",
            escape(&self.title)
        );
        self.write_axes(&mut out);
        for series in &self.series {
            self.write_series(series, &mut out);
        }
        out.push_str("<g class=\"pointer\"></g>\n</svg>\n");
        if !self.note.is_empty() {
            let _ = writeln!(out, "<p class=\"note\">{}</p>", escape(&self.note));
        }
        let pointed = serde_json::to_string(&self.pointed())
            .expect("positions and texts are always JSON")
            .replace('<', "\\u003c");
        let _ = writeln!(
            out,
            "<script type=\"application/json\">{pointed}</script>\n</figure>"
        );
        out
    }

    fn x_of(&self, value: f64) -> f64 {
        let (width, _) = self.size.pixels();
        LEFT + self.x_scale.position(value).clamp(0.0, 1.0) * (width - LEFT - RIGHT)
    }

    fn y_at(&self, position: f64) -> f64 {
        let (_, height) = self.size.pixels();
        height - BOTTOM - position.clamp(0.0, 1.0) * (height - TOP - BOTTOM)
    }

    fn write_legend(&self, out: &mut String) {
        out.push_str("<ul class=\"legend\">");
        for series in &self.series {
            if let Look::Line(at) = series.look {
                let at = at % LOOKS;
                let _ = write!(
                    out,
                    "<li><svg viewBox=\"0 0 26 8\" class=\"swatch\"><path class=\"line c{at}\" d=\"M0 4H26\"/></svg>{}</li>",
                    escape(&series.name)
                );
            }
        }
        out.push_str("</ul>");
    }

    fn write_axes(&self, out: &mut String) {
        let (width, height) = self.size.pixels();
        let (right, bottom) = (width - RIGHT, height - BOTTOM);
        for tick in self.y_scale.ticks() {
            let y = self.y_at(tick.position);
            let class = if tick.label.is_empty() {
                "grid minor"
            } else {
                "grid"
            };
            let _ = writeln!(
                out,
                "<path class=\"{class}\" d=\"M{LEFT} {y:.1}H{right}\"/><text class=\"tick end\" x=\"{}\" y=\"{:.1}\">{}</text>",
                LEFT - 8.0,
                y + 4.0,
                escape(&tick.label)
            );
        }
        for (x, label) in self.x_marks() {
            let _ = writeln!(
                out,
                "<path class=\"grid\" d=\"M{x:.1} {TOP}V{bottom}\"/><text class=\"tick middle\" x=\"{x:.1}\" y=\"{}\">{}</text>",
                bottom + 17.0,
                escape(&label)
            );
        }
        let _ = writeln!(
            out,
            "<path class=\"axis\" d=\"M{LEFT} {bottom}H{right}\"/><text class=\"title middle\" x=\"{:.1}\" y=\"{}\">{}</text>",
            (LEFT + right) / 2.0,
            height - 6.0,
            escape(&self.x_title)
        );
    }

    fn x_marks(&self) -> Vec<(f64, String)> {
        if !self.marks.is_empty() {
            let marks = self.marks.iter();
            return marks
                .map(|(value, label)| (self.x_of(*value), label.clone()))
                .collect();
        }
        let (width, _) = self.size.pixels();
        let ticks = self.x_scale.ticks().into_iter();
        ticks
            .map(|tick| {
                (
                    LEFT + tick.position.clamp(0.0, 1.0) * (width - LEFT - RIGHT),
                    tick.label,
                )
            })
            .collect()
    }

    fn write_series(&self, series: &Series, out: &mut String) {
        let (class, at) = match series.look {
            Look::Line(at) => ("line", at % LOOKS),
            Look::Faint(at) => ("line faint", at % LOOKS),
        };
        let mut path = String::new();
        let mut dots = String::new();
        let mut is_drawing = false;
        let neighbour = |at: usize| series.values.get(at).is_some_and(Option::is_some);
        for (index, (x, value)) in self.xs.iter().zip(&series.values).enumerate() {
            let Some(value) = value else {
                is_drawing = false;
                continue;
            };
            let (x, y) = (self.x_of(*x), self.y_at(self.y_scale.position(*value)));
            let _ = write!(path, "{}{x:.1} {y:.1}", if is_drawing { 'L' } else { 'M' });
            is_drawing = true;
            let is_alone = !neighbour(index.wrapping_sub(1)) && !neighbour(index + 1);
            if is_alone {
                let _ = write!(
                    dots,
                    "<circle class=\"dot c{at}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\"/>"
                );
            }
        }
        let _ = writeln!(out, "<path class=\"{class} c{at}\" d=\"{path}\"/>{dots}");
    }

    fn pointed(&self) -> Pointed {
        let (_, height) = self.size.pixels();
        let round = |value: f64| (value * 10.0).round() / 10.0;
        let label = |at: usize, x: f64| match self.x_labels.get(at) {
            Some(label) => label.clone(),
            None => self.x_scale.exact(x),
        };
        let named = self.series.iter().filter_map(|series| match series.look {
            Look::Line(at) => Some((series, at % LOOKS)),
            Look::Faint(_) => None,
        });
        Pointed {
            x: self.xs.iter().map(|&x| round(self.x_of(x))).collect(),
            label: (0..).zip(&self.xs).map(|(at, &x)| label(at, x)).collect(),
            top: TOP,
            bottom: height - BOTTOM,
            series: named
                .map(|(series, colour)| PointedSeries {
                    name: series.name.clone(),
                    colour,
                    y: series
                        .values
                        .iter()
                        .map(|value| {
                            value.map(|value| round(self.y_at(self.y_scale.position(value))))
                        })
                        .collect(),
                    text: series
                        .values
                        .iter()
                        .map(|value| value.map_or(String::new(), |value| self.y_scale.exact(value)))
                        .collect(),
                })
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::html::number::Unit;

    #[test]
    fn a_chart_has_a_line_for_each_series_and_a_dot_for_a_lone_point() {
        let series = |values: &[Option<f64>]| Series {
            name: "a<b".to_owned(),
            look: Look::Line(1),
            values: values.to_vec(),
        };
        let xs = vec![0.0, 1.0, 2.0];
        let chart = Chart {
            title: "T & U".to_owned(),
            note: String::new(),
            size: Size::Half,
            x_title: "seconds".to_owned(),
            x_scale: Scale::from_zero(xs.iter().copied(), Unit::Seconds),
            y_scale: Scale::from_zero([4.0].into_iter(), Unit::Cpu),
            xs,
            x_labels: Vec::new(),
            marks: Vec::new(),
            series: vec![
                series(&[Some(1.0), Some(2.0), Some(4.0)]),
                series(&[None, Some(3.0), None]),
            ],
        };
        let text = chart.render();
        assert!(text.contains("T &amp; U"));
        assert!(!text.contains("a<b"));
        assert_eq!(text.matches("<circle").count(), 1);
        // One swatch and one line for each.
        assert_eq!(text.matches("class=\"line c1\"").count(), 4);
    }
}
