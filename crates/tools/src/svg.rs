//! Plots as SVG files, for documents and browsers. Light and dark come from the viewer.

use std::{fmt::Write as _, fs, path::Path};

use anyhow::{Context as _, Result};

/// A plot of one or more lines or bars over a common axis.
pub(crate) struct Plot {
    pub(crate) title: String,
    pub(crate) x_label: String,
    pub(crate) y_label: String,
    pub(crate) series: Vec<Series>,
}

/// What is drawn.
pub(crate) struct Series {
    pub(crate) label: String,
    pub(crate) shape: Shape,
    pub(crate) points: Vec<(f64, f64)>,
}

/// How.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    Line,
    /// A bar of this share of the axis stands on each point.
    Bars,
}

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 300.0;
const LEFT: f64 = 60.0;
const RIGHT: f64 = 16.0;
const TOP: f64 = 40.0;
const BOTTOM: f64 = 46.0;
const COLOURS: [&str; 5] = ["#2f6fde", "#d9542b", "#2e9e5b", "#8c5ad6", "#b8860b"];

impl Plot {
    /// Writes the plot to `path`.
    pub(crate) fn save(&self, path: &Path) -> Result<()> {
        fs::write(path, self.render()).with_context(|| format!("writing {}", path.display()))
    }

    fn render(&self) -> String {
        let points = || self.series.iter().flat_map(|series| &series.points);
        let x_min = points().map(|point| point.0).reduce(f64::min).unwrap_or(0.0);
        let x_max = points().map(|point| point.0).fold(x_min + 1e-9, f64::max);
        let axes = Axes { x: (x_min, x_max), y: round_up(points().map(|point| point.1).fold(0.0, f64::max)) };
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" \
             font-size=\"12\" role=\"img\" aria-label=\"{title}\">\n\
             <style>.ink{{fill:#222;stroke:none}}.rule{{stroke:#8886;stroke-width:1}}svg{{background:#fff}}\
             @media(prefers-color-scheme:dark){{.ink{{fill:#ddd}}svg{{background:#1b1b1f}}}}</style>\n\
             <text class=\"ink\" x=\"{LEFT}\" y=\"18\" font-size=\"14\">{title}</text>\n",
            title = escape(&self.title)
        );
        self.frame(&mut svg, &axes);
        for (series, colour) in self.series.iter().zip(COLOURS.iter().cycle()) {
            draw(&mut svg, series, &axes, colour);
        }
        svg.push_str("</svg>\n");
        svg
    }

    fn frame(&self, svg: &mut String, axes: &Axes) {
        for step in 0..=4 {
            let share = f64::from(step) / 4.0;
            let (x, y) = (axes.x.0 + (axes.x.1 - axes.x.0) * share, axes.y * share);
            let (at_x, at_y) = axes.place((x, y));
            _ = writeln!(svg, "<path class=\"rule\" d=\"M{LEFT} {at_y:.1}H{}\"/>", WIDTH - RIGHT);
            _ = writeln!(
                svg,
                "<text class=\"ink\" x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                LEFT - 6.0,
                at_y + 4.0,
                number(y)
            );
            _ = writeln!(
                svg,
                "<text class=\"ink\" x=\"{at_x:.1}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
                HEIGHT - BOTTOM + 16.0,
                number(x)
            );
        }
        let middle = (LEFT + WIDTH - RIGHT) / 2.0;
        _ = writeln!(
            svg,
            "<text class=\"ink\" x=\"{middle}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
            HEIGHT - 10.0,
            escape(&self.x_label)
        );
        _ = writeln!(svg, "<text class=\"ink\" x=\"6\" y=\"{}\">{}</text>", TOP - 6.0, escape(&self.y_label));
        for (index, (series, colour)) in self.series.iter().zip(COLOURS.iter().cycle()).enumerate() {
            let x = WIDTH - RIGHT - 150.0 * (self.series.len() - index) as f64;
            _ = writeln!(svg, "<text x=\"{x}\" y=\"{}\" fill=\"{colour}\">{}</text>", TOP - 6.0, escape(&series.label));
        }
    }
}

struct Axes {
    x: (f64, f64),
    y: f64,
}

impl Axes {
    fn place(&self, (x, y): (f64, f64)) -> (f64, f64) {
        let share = (x - self.x.0) / (self.x.1 - self.x.0);
        (LEFT + share * (WIDTH - LEFT - RIGHT), HEIGHT - BOTTOM - y / self.y * (HEIGHT - TOP - BOTTOM))
    }
}

fn draw(svg: &mut String, series: &Series, axes: &Axes, colour: &str) {
    let bar = ((WIDTH - LEFT - RIGHT) / series.points.len().max(1) as f64 * 0.8).clamp(1.0, 40.0);
    match series.shape {
        Shape::Line => {
            let path: String = series
                .points
                .iter()
                .map(|point| {
                    let (x, y) = axes.place(*point);
                    format!("{x:.1},{y:.1} ")
                })
                .collect();
            _ = writeln!(
                svg,
                "<polyline fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.5\" points=\"{}\"/>",
                path.trim_end()
            );
        }
        Shape::Bars => {
            for (x, y) in series.points.iter().filter(|point| point.1 > 0.0).map(|point| axes.place(*point)) {
                let height = HEIGHT - BOTTOM - y;
                _ = writeln!(
                    svg,
                    "<rect fill=\"{colour}\" fill-opacity=\"0.6\" x=\"{:.1}\" y=\"{y:.1}\" width=\"{bar:.1}\" height=\"{height:.1}\"/>",
                    x - bar / 2.0
                );
            }
        }
    }
}

/// One, two or five times a power of ten, at least `value`.
fn round_up(value: f64) -> f64 {
    let power = 10_f64.powf(value.max(1e-9).log10().floor());
    [1.0, 2.0, 5.0, 10.0].into_iter().map(|step| step * power).find(|top| *top >= value).unwrap_or(value)
}

fn number(value: f64) -> String {
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::{Plot, Series, Shape, number, round_up};

    #[test]
    fn axes_end_at_round_numbers() {
        assert_eq!([0.7, 3.0, 49.0, 51.0].map(round_up).map(number), ["1", "5", "50", "100"]);
    }

    #[test]
    fn an_empty_plot_and_one_point_are_drawn_without_nonsense() {
        for points in [vec![], vec![(1.0, 0.0)]] {
            let series = vec![
                Series { label: "a & b".into(), shape: Shape::Bars, points: points.clone() },
                Series { label: String::new(), shape: Shape::Line, points },
            ];
            let svg = Plot { title: "<t>".into(), x_label: String::new(), y_label: String::new(), series }.render();
            assert!(svg.contains("&lt;t>") && !svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        }
    }
}
