//! The plot: a bar for each median with a line for the spread, scaled within each work.

use std::fmt::Write as _;

use super::{Report, Row};

const WIDTH: f64 = 900.0;
const LABELS: f64 = 230.0;
const FIGURES: f64 = 150.0;
const BAR: f64 = 18.0;
const LINE: f64 = 26.0;
const HEAD: f64 = 34.0;

/// An SVG image that can be read on light and on dark pages.
pub(super) fn svg(report: &Report) -> String {
    let mut body = String::new();
    let mut y = 10.0;
    let mut work: Option<&str> = None;
    for row in &report.rows {
        if work != Some(row.work.as_str()) {
            work = Some(&row.work);
            y += HEAD;
            let _ = writeln!(
                body,
                r#"<text class="work" x="10" y="{:.1}">{}</text>"#,
                y - 8.0,
                escaped(&row.work)
            );
        }
        bar(&mut body, report, row, y);
        y += LINE;
    }
    format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0}" width="{WIDTH}" height="{height:.0}" font-family="sans-serif" font-size="13">
<title>{title}</title>
<style>
text {{ fill: #24292f }} .work {{ font-weight: bold }} .ours {{ fill: #2f6f9f }} .theirs {{ fill: #b0b7be }} line {{ stroke: #57606a; stroke-width: 1.5 }}
@media (prefers-color-scheme: dark) {{ text {{ fill: #e6edf3 }} .theirs {{ fill: #6e7681 }} line {{ stroke: #b0b7be }} }}
</style>
{body}</svg>
"##,
        height = y + 10.0,
        title = escaped(&report.title),
    )
}

fn bar(body: &mut String, report: &Report, row: &Row, y: f64) {
    let same_work = report.rows.iter().filter(|other| other.work == row.work);
    let largest = same_work.map(Row::most).fold(f64::EPSILON, f64::max);
    let scale = (WIDTH - LABELS - FIGURES) / largest;
    let ours = report
        .rows
        .iter()
        .find(|first| first.work == row.work)
        .is_some_and(|first| first.side == row.side);
    let class = if ours { "ours" } else { "theirs" };
    let middle = y + BAR / 2.0;
    let _ = write!(
        body,
        r#"<text x="{label:.1}" y="{base:.1}" text-anchor="end">{side}</text>
<rect class="bar {class}" x="{LABELS}" y="{y:.1}" width="{width:.1}" height="{BAR}"/>
<line x1="{least:.1}" x2="{most:.1}" y1="{middle:.1}" y2="{middle:.1}"/>
<text x="{figure:.1}" y="{base:.1}">{median:.2} {unit}</text>
"#,
        label = LABELS - 8.0,
        base = y + BAR - 4.0,
        side = escaped(&row.side),
        width = row.median() * scale,
        least = LABELS + row.least() * scale,
        most = LABELS + row.most() * scale,
        figure = WIDTH - FIGURES + 10.0,
        median = row.median(),
        unit = row.unit,
    );
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
