//! How cost grows with what stands: curves for the terminal and as a picture, both axes logarithmic.

use std::fmt::Write as _;

use super::clock::Steps;

/// Cost by number of flow rules.
#[derive(Debug, Clone)]
pub struct Curve {
    /// What it is the cost of.
    pub name: String,
    /// Flow rules that stand, and microseconds.
    pub points: Vec<(f64, f64)>,
}

/// Collects steps while something grows, and sums them up each time it has grown by a third.
#[derive(Debug)]
pub(crate) struct Growing {
    name: String,
    per: f64,
    next: f64,
    steps: Steps,
    median: Vec<(f64, f64)>,
    p99: Vec<(f64, f64)>,
    longest: Vec<(f64, f64)>,
    longest_cpu: Vec<(f64, f64)>,
}

const FIRST: f64 = 1000.0;
const STEP: f64 = 4.0 / 3.0;

impl Growing {
    /// Times of `per` flow rules each, to be told of one.
    pub fn new(name: &str, per: usize) -> Self {
        Self {
            name: name.to_owned(),
            per: per as f64,
            next: FIRST,
            steps: Steps::default(),
            median: Vec::new(),
            p99: Vec::new(),
            longest: Vec::new(),
            longest_cpu: Vec::new(),
        }
    }

    /// One more, with so many flow rules standing after it.
    pub fn step(&mut self, rules: usize, took: super::clock::Took) {
        self.steps.push(took);
        if rules as f64 >= self.next {
            self.next = self.next.max(rules as f64) * STEP;
            self.sum_up(rules as f64);
        }
    }

    fn sum_up(&mut self, rules: f64) {
        let steps = std::mem::take(&mut self.steps);
        self.median.push((rules, steps.percentile(50.0) / self.per));
        self.p99.push((rules, steps.percentile(99.0) / self.per));
        self.longest.push((rules, steps.percentile(100.0) / self.per));
        self.longest_cpu.push((rules, steps.percentile_cpu(100.0) / self.per));
    }

    /// Median, p99, longest, and longest as the processor counts.
    pub fn curves(self) -> Vec<Curve> {
        let named = |what: &str, points| Curve { name: format!("{} {what}", self.name), points };
        vec![
            named("median", self.median),
            named("p99", self.p99),
            named("longest", self.longest),
            named("longest, CPU time", self.longest_cpu),
        ]
    }
}

const COLUMNS: usize = 72;
const LINES: usize = 22;

/// For a terminal: a letter for each curve.
pub fn text(curves: &[Curve]) -> String {
    let Some(frame) = Frame::around(curves) else { return String::new() };
    let mut cells = vec![vec![' '; COLUMNS]; LINES];
    let letters = ('a'..='z').chain('A'..='Z');
    for (curve, letter) in curves.iter().zip(letters.clone()) {
        for (x, y) in &curve.points {
            let (x, y) = frame.at(*x, *y);
            let (column, line) = ((x * (COLUMNS - 1) as f64) as usize, ((1.0 - y) * (LINES - 1) as f64) as usize);
            cells[line][column] = letter;
        }
    }
    let mut text = String::from("microseconds (up) by flow rules standing (right), both logarithmic\n");
    for (n, line) in cells.iter().enumerate() {
        let y = frame.value_y(1.0 - n as f64 / (LINES - 1) as f64);
        let mark = if n % 3 == 0 { number(y) } else { String::new() };
        let _ = writeln!(text, "{mark:>9} |{}", line.iter().collect::<String>().trim_end());
    }
    let _ = writeln!(text, "{:>9} +{}", "", "-".repeat(COLUMNS));
    let (from, to) = (number(frame.value_x(0.0)), number(frame.value_x(1.0)));
    let _ = writeln!(text, "{:>9}  {from}{to:>width$}", "", width = COLUMNS - from.len());
    for (curve, letter) in curves.iter().zip(letters) {
        let last = curve.points.last().map_or(0.0, |(_, y)| *y);
        let _ = writeln!(text, "  {letter}  {}: {} at the end", curve.name, number(last));
    }
    text
}

/// The same as a picture.
pub fn svg(curves: &[Curve]) -> String {
    const WIDTH: f64 = 860.0;
    const HEIGHT: f64 = 480.0;
    const LEFT: f64 = 70.0;
    const TOP: f64 = 30.0;
    const COLOURS: [&str; 8] = ["#0b5fa5", "#c0392b", "#1e8449", "#b9770e", "#6c3483", "#00acc1", "#7b7d7d", "#d81b60"];
    let height = TOP + HEIGHT + 60.0 + 20.0 * curves.len().div_ceil(2) as f64;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {} {height}\" font-family=\"sans-serif\" \
         font-size=\"13\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n",
        LEFT + WIDTH + 30.0
    );
    let Some(frame) = Frame::around(curves) else { return svg + "</svg>\n" };
    let place = |x: f64, y: f64| {
        let (x, y) = frame.at(x, y);
        (LEFT + x * WIDTH, TOP + (1.0 - y) * HEIGHT)
    };
    for (vertical, value) in frame.marks() {
        let ((x1, y1), (x2, y2), (tx, ty), anchor) = if vertical {
            let x = place(value, frame.value_y(0.0)).0;
            ((x, TOP), (x, TOP + HEIGHT), (x, TOP + HEIGHT + 18.0), "middle")
        } else {
            let y = place(frame.value_x(0.0), value).1;
            ((LEFT, y), (LEFT + WIDTH, y), (LEFT - 8.0, y + 4.0), "end")
        };
        let _ = writeln!(
            svg,
            "<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" stroke=\"#dddddd\"/>\
             <text x=\"{tx:.1}\" y=\"{ty:.1}\" text-anchor=\"{anchor}\">{}</text>",
            number(value)
        );
    }
    for (n, curve) in curves.iter().enumerate() {
        let colour = COLOURS[n % COLOURS.len()];
        let dash = if n < COLOURS.len() { "" } else { " stroke-dasharray=\"5 3\"" };
        let points: Vec<String> =
            curve.points.iter().map(|(x, y)| place(*x, *y)).map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        let _ = writeln!(
            svg,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"{dash}/>",
            points.join(" ")
        );
        let (x, y) = (LEFT + (n % 2) as f64 * WIDTH / 2.0, TOP + HEIGHT + 62.0 + 20.0 * (n / 2) as f64);
        let _ = writeln!(
            svg,
            "<line x1=\"{x:.1}\" y1=\"{0:.1}\" x2=\"{1:.1}\" y2=\"{0:.1}\" stroke=\"{colour}\" stroke-width=\"2\"{dash}/>\
             <text x=\"{2:.1}\" y=\"{y:.1}\">{3}</text>",
            y - 4.0,
            x + 26.0,
            x + 34.0,
            escaped(&curve.name)
        );
    }
    let _ = writeln!(
        svg,
        "<text x=\"{LEFT}\" y=\"18\">microseconds</text><text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">flow rules \
         standing</text>",
        LEFT + WIDTH,
        TOP + HEIGHT + 38.0
    );
    svg + "</svg>\n"
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

fn number(value: f64) -> String {
    match value {
        v if v >= 1e6 => format!("{:.3}M", v / 1e6).replace(".000", ""),
        v if v >= 1e4 => format!("{:.0}k", v / 1e3),
        v if v >= 10.0 => format!("{v:.0}"),
        v => format!("{v:.2}"),
    }
}

/// Logarithms of the first and last values of both axes.
struct Frame {
    x: (f64, f64),
    y: (f64, f64),
}

impl Frame {
    fn around(curves: &[Curve]) -> Option<Self> {
        let points = || curves.iter().flat_map(|c| &c.points).filter(|(x, y)| *x > 0.0 && *y > 0.0);
        points().next()?;
        let bounds = |values: &mut dyn Iterator<Item = f64>| {
            let (low, high) =
                values.fold((f64::MAX, f64::MIN), |(low, high), v| (low.min(v.log10()), high.max(v.log10())));
            (low, high.max(low + 0.1))
        };
        Some(Self { x: bounds(&mut points().map(|p| p.0)), y: bounds(&mut points().map(|p| p.1)) })
    }

    /// From 0 to 1.
    fn at(&self, x: f64, y: f64) -> (f64, f64) {
        let of = |value: f64, (low, high): (f64, f64)| {
            ((value.max(f64::MIN_POSITIVE).log10() - low) / (high - low)).clamp(0.0, 1.0)
        };
        (of(x, self.x), of(y, self.y))
    }

    fn value_x(&self, at: f64) -> f64 {
        10f64.powf(self.x.0 + at * (self.x.1 - self.x.0))
    }

    fn value_y(&self, at: f64) -> f64 {
        10f64.powf(self.y.0 + at * (self.y.1 - self.y.0))
    }

    /// Powers of ten inside: on the axis below (true), on the left (false).
    fn marks(&self) -> Vec<(bool, f64)> {
        let of = |(low, high): (f64, f64)| (low.ceil() as i32..=high.floor() as i32).map(|n| 10f64.powi(n));
        of(self.x).map(|v| (true, v)).chain(of(self.y).map(|v| (false, v))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::clock::Took;
    use super::*;

    #[test]
    fn what_grows_is_summed_up_by_thirds_and_drawn() {
        let mut growing = Growing::new("open <x>", 6);
        for n in 1..=10_000usize {
            growing.step(6 * n, Took { wall: 12.0, cpu: 6.0 });
        }
        let curves = growing.curves();
        assert_eq!(curves.len(), 4);
        assert_eq!(curves[0].points[0], (1002.0, 2.0));
        assert!(curves[3].points.iter().all(|(_, y)| *y == 1.0) && curves[0].points.len() > 10);
        let (text, svg) = (text(&curves), svg(&curves));
        assert!(text.contains("a  open <x> median: 2.00 at the end"), "{text}");
        assert!(svg.contains("open &lt;x> p99") && svg.matches("<polyline").count() == 4);
        assert_eq!(super::text(&[]), "");
        assert!(super::svg(&[]).ends_with("</svg>\n"));
    }
}
