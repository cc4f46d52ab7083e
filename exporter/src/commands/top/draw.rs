//! Renders a screen: the segments' state, the list, and the keys.

mod functions;

use super::{
    model::{Model, PAST, SegmentState, Series},
    view::{Row, Shown, Sort, View},
};
use crate::text::{Unit, count, human_bytes};
use promshm_segment::{Stats, snapshot::SlotState};
use ratatui::{
    buffer::Buffer,
    layout::Rect,
    style::{Color, Modifier, Style},
};

const BAR_WIDTH: usize = 12;
const LEVELS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
const HELP: &str = "q quit  / filter  f functions  sort: n name v value r rate (again reverses)  p pause";
const FUNCTIONS_HELP: &str =
    "q quit  / filter  f metrics  sort: n name r calls e errors 5 p50 9 p95 i in flight  p pause";
/// Of more segments only the number is shown.
const MOST_HEADS: usize = 6;

/// The styles; without colours if the user wants none (<https://no-color.org>).
#[derive(Debug, Clone, Copy)]
pub(super) struct Theme {
    accent: Style,
    alarm: Style,
}

impl Theme {
    pub(super) fn new(has_colours: bool) -> Self {
        if has_colours {
            Self { accent: Style::new().fg(Color::Cyan), alarm: Style::new().fg(Color::Red) }
        } else {
            Self { accent: Style::new(), alarm: Style::new().add_modifier(Modifier::BOLD) }
        }
    }
}

const PLAIN: Style = Style::new();
const SOFT: Style = Style::new().add_modifier(Modifier::DIM);
const STRONG: Style = Style::new().add_modifier(Modifier::BOLD);
const MARKED: Style = Style::new().add_modifier(Modifier::REVERSED);

/// What a screen shows besides model and view.
pub(super) struct Scene<'s> {
    pub(super) theme: Theme,
    /// The segments, for the title.
    pub(super) source: &'s str,
    /// Seconds since 1970.
    pub(super) now: f64,
    /// `12:00:00 UTC`
    pub(super) clock: &'s str,
}

/// The columns of numbers; a narrow screen has fewer.
#[derive(Clone, Copy)]
struct Columns {
    name: u16,
    value: u16,
    rate: u16,
    trend: u16,
}

impl Columns {
    fn of(width: u16) -> Self {
        let (value, rate) = (13, if width < 44 { 0 } else { 12 });
        let trend = match width {
            ..60 => 0,
            60..100 => 18,
            100..150 => 32,
            _ => PAST as u16 + 2,
        };
        Self { name: width.saturating_sub(value + rate + trend), value, rate, trend }
    }
}

/// Renders everything, and tells the view how many rows fit.
pub(super) fn draw(buffer: &mut Buffer, model: &Model, view: &mut View, scene: &Scene) {
    let area = buffer.area;
    let mut pen = Pen { buffer, area, y: area.y };
    title(&mut pen, view, scene);
    heads(&mut pen, model, scene);
    if view.shown == Shown::Functions {
        function_list(&mut pen, model, view, scene);
    } else {
        series_list(&mut pen, model, view, scene);
    }
    keys(&mut pen, view, scene);
}

fn function_list(pen: &mut Pen, model: &Model, view: &mut View, scene: &Scene) {
    let rows = view.functions(model);
    functions::header(pen, view);
    list(pen, view, rows.len(), |pen, at| functions::row(pen, rows[at], scene));
    if rows.is_empty() && view.height > 0 {
        let hint = "No functions. List some in php.ini: promshm.observe = \"@db, @http, App\\*::*\"";
        pen.line(&[(if view.filter.is_empty() { hint } else { "No function has that." }, SOFT)]);
    }
    pen.y = pen.area.bottom().saturating_sub(1).max(pen.y);
}

/// Draws the visible ones of so many rows.
fn list(pen: &mut Pen, view: &mut View, rows: usize, row: impl Fn(&mut Pen, usize)) {
    let height = pen.area.bottom().saturating_sub(pen.y).saturating_sub(2);
    view.fit(rows, height.into());
    for at in (0..rows).skip(view.first).take(height.into()) {
        row(pen, at);
        if at == view.selected {
            pen.mark_last_line();
        }
    }
}

fn series_list(pen: &mut Pen, model: &Model, view: &mut View, scene: &Scene) {
    let rows = view.rows(model);
    let columns = Columns::of(pen.area.width);
    header(pen, columns, view);
    list(pen, view, rows.len(), |pen, at| list_row(pen, columns, rows[at], scene));
    if rows.is_empty() && view.height > 0 {
        pen.line(&[(if view.filter.is_empty() { "No series yet." } else { "No series has that." }, SOFT)]);
    }
    pen.y = pen.area.bottom().saturating_sub(2).max(pen.y);
    detail(pen, rows.get(view.selected), scene);
}

/// Writes lines from top to bottom, clipped at the screen's edges.
struct Pen<'b> {
    buffer: &'b mut Buffer,
    area: Rect,
    y: u16,
}

impl Pen<'_> {
    /// Writes pieces side by side, and advances to the next line.
    fn line(&mut self, pieces: &[(&str, Style)]) {
        let mut x = self.area.x;
        for (text, style) in pieces {
            x += self.put(x, self.area.right().saturating_sub(x), text, *style);
        }
        self.y += 1;
    }

    /// Writes a text into a number of columns; a text that is cut ends with `…`. Returns the columns it took.
    fn put(&mut self, x: u16, width: u16, text: &str, style: Style) -> u16 {
        if self.y >= self.area.bottom() || x >= self.area.right() || width == 0 {
            return 0;
        }
        let (end, _) = self.buffer.set_stringn(x, self.y, text, width.into(), style);
        if printed_width(text) > usize::from(width) {
            self.buffer[(x + width - 1, self.y)].set_symbol("…");
        }
        end - x
    }

    /// Writes a right-aligned text that ends before column `end`.
    fn put_right(&mut self, end: u16, width: u16, text: &str, style: Style) {
        let taken = printed_width(text).min(width.into()) as u16;
        self.put(end.saturating_sub(taken), taken, text, style);
    }

    fn mark_last_line(&mut self) {
        let line = Rect { y: self.y.saturating_sub(1), height: 1, ..self.area };
        self.buffer.set_style(line.intersection(self.area), MARKED);
    }
}

/// The width as the terminal counts it; control characters are not written.
fn printed_width(text: &str) -> usize {
    use ratatui::text::Span;
    Span::raw(text).width()
}

fn title(pen: &mut Pen, view: &View, scene: &Scene) {
    let right = if view.paused { "paused" } else { scene.clock };
    let style = if view.paused { scene.theme.alarm } else { SOFT };
    pen.put_right(pen.area.right(), 14, right, style);
    let width = pen.area.width.saturating_sub(15);
    let taken = pen.put(pen.area.x, width, "promshm top ", STRONG);
    pen.put(pen.area.x + taken, width.saturating_sub(taken), scene.source, SOFT);
    pen.y += 1;
}

fn heads(pen: &mut Pen, model: &Model, scene: &Scene) {
    for head in model.heads.iter().take(MOST_HEADS) {
        match &head.outcome {
            Ok(stats) if model.heads.len() == 1 => {
                workers(pen, "", stats, scene);
                space(pen, "", stats, scene);
            }
            Ok(stats) => short_head(pen, head, stats, scene),
            Err(cause) => pen.line(&[(&label(head), STRONG), (cause, scene.theme.alarm)]),
        }
    }
    if let Some(more) = model.heads.len().checked_sub(MOST_HEADS).filter(|more| *more > 0) {
        pen.line(&[(&format!("and {more} more segments"), SOFT)]);
    }
}

fn label(head: &SegmentState) -> String {
    head.label.as_ref().map(|label| format!("{label}: ")).unwrap_or_default()
}

fn short_head(pen: &mut Pen, head: &SegmentState, stats: &Stats, scene: &Scene) {
    let label = label(head);
    workers(pen, &label, stats, scene);
    space(pen, &" ".repeat(printed_width(&label)), stats, scene);
}

fn workers(pen: &mut Pen, label: &str, stats: &Stats, scene: &Scene) {
    let alarm = |number: u64| if number > 0 { scene.theme.alarm } else { PLAIN };
    let Stats { overflow_processes, exits_clean, exits_fatal, exits_abrupt, .. } = stats;
    let dropped: u64 = stats.dropped.iter().sum();
    let live = stats.slots_in(SlotState::Live) + overflow_processes;
    pen.line(&[
        (label, STRONG),
        ("workers ", SOFT),
        (&count(live), STRONG),
        (&format!(" of {}", count(stats.max_processes)), SOFT),
        ("  crashes ", SOFT),
        (&count(*exits_abrupt), alarm(*exits_abrupt)),
        ("  fatal ", SOFT),
        (&count(*exits_fatal), alarm(*exits_fatal)),
        ("  clean ", SOFT),
        (&count(*exits_clean), PLAIN),
        ("  dropped ", SOFT),
        (&count(dropped), alarm(dropped)),
    ]);
}

fn space(pen: &mut Pen, label: &str, stats: &Stats, scene: &Scene) {
    let Stats { used_bytes, reserved_bytes, max_series, .. } = stats;
    let series = stats.series + stats.hidden_series;
    let bar = |part: u64, whole: u64| {
        let filled = part.min(whole).saturating_mul(BAR_WIDTH as u64).div_ceil(whole.max(1)) as usize;
        ("━".repeat(filled), "─".repeat(BAR_WIDTH - filled))
    };
    let (resource, taken) = stats.scarcest();
    let (bytes, rows) = (bar(taken.part, taken.whole), bar(series, *max_series));
    let is_scarce = taken.share() >= 0.9;
    // The width of a terminal is scarce too.
    let scarce = if is_scarce {
        format!(", {:.0}% of {}", taken.share() * 100.0, resource.as_str())
    } else {
        String::new()
    };
    let full = if series >= *max_series { scene.theme.alarm } else { scene.theme.accent };
    pen.line(&[
        (label, STRONG),
        ("segment ", SOFT),
        (&bytes.0, if is_scarce { scene.theme.alarm } else { scene.theme.accent }),
        (&bytes.1, SOFT),
        (&format!(" {} of {}", human_bytes(*used_bytes), human_bytes(*reserved_bytes)), PLAIN),
        (&scarce, SOFT),
        ("  series ", SOFT),
        (&rows.0, full),
        (&rows.1, SOFT),
        (&format!(" {} of {}", count(series), count(*max_series)), PLAIN),
    ]);
}

fn header(pen: &mut Pen, columns: Columns, view: &View) {
    let arrow = if view.reversed { "▴" } else { "▾" };
    let head = |sort, name: &str| {
        if view.sort == sort { (format!("{name}{arrow}"), STRONG) } else { (name.to_string(), SOFT) }
    };
    let ((name, n), (value, v), (rate, r)) =
        (head(Sort::Name, "NAME"), head(Sort::Value, "VALUE"), head(Sort::Rate, "RATE"));
    let x = pen.area.x;
    pen.put(x, columns.name, &name, n);
    pen.put_right(x + columns.name + columns.value, columns.value, &value, v);
    pen.put_right(x + columns.name + columns.value + columns.rate, columns.rate, &rate, r);
    pen.put_right(pen.area.right(), columns.trend, "TREND", SOFT);
    pen.y += 1;
}

fn list_row(pen: &mut Pen, columns: Columns, row: Row, scene: &Scene) {
    let (key, series, x) = (row.key(), row.series(), pen.area.x);
    match row {
        Row::Family(..) => {
            let name = with_segment(&key.segment, &key.name);
            let kind = format!("  {}", series.kind.as_str());
            pen.line(&[(&name, STRONG), (&kind, scene.theme.accent), ("  ", PLAIN), (&series.help, SOFT)]);
            return;
        }
        Row::Member(..) => drop(pen.put(x + 2, columns.name.saturating_sub(3), &key.labels, PLAIN)),
        Row::Alone(..) => {
            let name = with_segment(&key.segment, &key.name);
            let width = columns.name.saturating_sub(1);
            let taken = pen.put(x, width, &name, STRONG);
            pen.put(x + taken + 1, width.saturating_sub(taken + 1), &key.labels, PLAIN);
        }
    }
    numbers(pen, columns, series, scene);
    pen.y += 1;
}

fn with_segment(segment: &str, name: &str) -> String {
    if segment.is_empty() { name.into() } else { format!("{segment}: {name}") }
}

fn numbers(pen: &mut Pen, columns: Columns, series: &Series, scene: &Scene) {
    let unit = if series.observes() { Unit::Plain } else { series.unit };
    let value_end = pen.area.x + columns.name + columns.value;
    pen.put_right(value_end, columns.value, &unit.value(series.value, scene.now), PLAIN);
    let rate = series.rate.map_or("-".into(), |rate| unit.rate(rate));
    pen.put_right(value_end + columns.rate, columns.rate, &rate, PLAIN);
    let trend = trend(series, columns.trend.saturating_sub(2).into());
    pen.put_right(pen.area.right(), columns.trend, &trend, scene.theme.accent);
}

/// The newest samples as bars: rates start at 0, other values at their minimum.
fn trend(series: &Series, width: usize) -> String {
    let samples = series.past.iter().skip(series.past.len().saturating_sub(width));
    let known = || samples.clone().copied().filter(|sample| sample.is_finite());
    let high = known().fold(f64::NEG_INFINITY, f64::max);
    let low = if series.grows() { 0.0 } else { known().fold(f64::INFINITY, f64::min) };
    let level = |sample: &f64| match (sample - low) / (high - low) {
        _ if !sample.is_finite() => ' ',
        share if share.is_finite() => LEVELS[((share * 7.0).round() as usize).min(7)],
        _ => LEVELS[0], // all samples are equal
    };
    samples.clone().map(level).collect()
}

/// The details of the selected row.
fn detail(pen: &mut Pen, row: Option<&Row>, scene: &Scene) {
    let Some(row) = row else {
        pen.y += 1;
        return;
    };
    let (key, series) = (row.key(), row.series());
    let mean = series.mean.filter(|_| matches!(row, Row::Member(..) | Row::Alone(..)));
    let mean = mean.map(|mean| format!("mean {}  ", series.unit.value(mean, scene.now))).unwrap_or_default();
    let whole = format!("{} {}  ", key.name, key.labels);
    pen.line(&[(&mean, scene.theme.accent), (whole.trim_start(), PLAIN), (&series.help, SOFT)]);
}

fn keys(pen: &mut Pen, view: &View, scene: &Scene) {
    let help = if view.shown == Shown::Functions { FUNCTIONS_HELP } else { HELP };
    if view.typing {
        let hint = "  Enter keeps it, Esc drops it";
        pen.line(&[
            ("/", scene.theme.accent),
            (&view.filter, PLAIN),
            ("▏", scene.theme.accent),
            (hint, SOFT),
        ]);
    } else if view.filter.is_empty() {
        pen.line(&[(help, SOFT)]);
    } else {
        pen.line(&[
            ("/", scene.theme.accent),
            (&view.filter, PLAIN),
            ("  Esc shows all again  ", SOFT),
            (help, SOFT),
        ]);
    }
}
